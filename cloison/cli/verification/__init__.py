"""Verbs about what must hold: isolation, expectations, and a network in which something failed."""
