"""What holds when something fails: worlds of failures, and what these take from whom."""
