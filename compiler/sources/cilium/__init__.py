"""Policies of clusters in which Cilium enforces them."""
