"""Where routes lead, for columns of addresses, and which endpoints they do not tell apart."""
