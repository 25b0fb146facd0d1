"""Configurations that already run, read as facts about devices."""
