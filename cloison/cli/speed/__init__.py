"""Verbs about this machine: compile kernels, and time them."""
