"""The forwarding step: where a packet may be next."""
