"""Kernels of the classification engines."""
