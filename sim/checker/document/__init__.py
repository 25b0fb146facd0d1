"""A certificate as a document: its form and order, and what its regions hold."""
