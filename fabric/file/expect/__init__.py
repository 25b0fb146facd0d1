"""Lines of `expect:`."""
