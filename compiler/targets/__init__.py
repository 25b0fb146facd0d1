"""Program to text that tools accept: one backend per format, none of which knows another."""

DEFAULT = "dash-400g"
"""The profile where none is named: here, so that whoever offers it imports no row."""
