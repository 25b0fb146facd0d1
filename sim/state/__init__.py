"""What devices say that they have, against what the model says that they should have."""
