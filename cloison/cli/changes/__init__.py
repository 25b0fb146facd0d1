"""Verbs about two versions of one network."""
