"""One function per question, for `import cloison` and for commands that share them."""
