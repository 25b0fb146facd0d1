"""Isolation between VRFs and tenants: proven by classes, and why a cell is open."""
