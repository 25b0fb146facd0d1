"""What several answers say in the same words: verdicts, and what certificates take for granted."""
