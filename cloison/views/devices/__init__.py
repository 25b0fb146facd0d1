"""What devices say: configurations read, reviewed, and compared with the model."""
