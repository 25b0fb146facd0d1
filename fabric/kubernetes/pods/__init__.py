"""Pods and the machines they run on: those that run, and those that controllers would create."""
