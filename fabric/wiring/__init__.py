"""Nodes and cables: counted as a Clos, written down or joined from tables; what they may cost."""
