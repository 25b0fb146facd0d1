"""Blocks: the header space cut into classes, and the decisions over them, as arrays."""
