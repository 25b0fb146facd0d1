"""Values that people write and that every stage reads: addresses, ports, names, endpoints."""
