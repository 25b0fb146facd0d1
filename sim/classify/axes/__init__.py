"""Axes of a table: classes of addresses, and of ports and protocols, that no rule tells apart."""
