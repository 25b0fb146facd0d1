"""Fixtures of several modules."""

from kept_site import shelf, site

__all__ = ["shelf", "site"]
