"""Kernels of the datapath: atoms, path, flows, ECMP, counters."""
