"""What was read and is not modelled, whom it can touch, and labels that the input does not say."""
