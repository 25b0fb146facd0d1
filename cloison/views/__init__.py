"""One module per answer: its rows, its text, its JSON."""
