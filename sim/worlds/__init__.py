"""Network, policy, program and blocks as one value, and in what ways two of them may differ."""
