"""Rules that are written alike, read once."""
