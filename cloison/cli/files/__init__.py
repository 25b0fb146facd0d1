"""Verbs about files: write the first, check them, compile dumps of them."""
