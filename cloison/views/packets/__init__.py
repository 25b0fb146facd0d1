"""What becomes of packets and requests: of one, explained, and of many, replayed."""
