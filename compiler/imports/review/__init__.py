"""What is wrong with configurations that run."""
