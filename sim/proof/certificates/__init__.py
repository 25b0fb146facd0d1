"""Certificates: a proof written down, so that somebody else can check it."""
