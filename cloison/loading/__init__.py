"""From what people point at to a world: read, built, kept for later commands."""
