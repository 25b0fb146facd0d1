"""Verbs about packets: what becomes of one, of many, and who reaches whom."""
