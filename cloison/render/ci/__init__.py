"""Answers where changes are reviewed; see the README."""
