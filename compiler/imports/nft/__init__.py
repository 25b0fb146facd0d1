"""Rule sets of nftables, read from JSON or text: what they do with a packet, and as facts."""
