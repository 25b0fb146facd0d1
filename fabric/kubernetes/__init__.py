"""Kubernetes objects, as far as the network is concerned, and what is not evaluated of them."""
