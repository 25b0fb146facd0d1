"""Engines: from rules to tables that kernels read, one module each."""
