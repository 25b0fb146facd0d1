"""Configurations that were written, read back: do they say what the world says that wrote them?"""
