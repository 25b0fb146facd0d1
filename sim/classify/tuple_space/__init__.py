"""Tuple-space search: which tuples a table has, and their records."""
