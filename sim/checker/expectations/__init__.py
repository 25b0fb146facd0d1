"""Expectations judged by regions alone, what follows from these, and worlds in which something
failed."""
