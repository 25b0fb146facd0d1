"""Answers about files with windows: what is in force when, and what that changes."""
