"""Verbs about configurations and states of devices."""
