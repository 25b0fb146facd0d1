"""What is allowed: policy text in, tables of every enforcement point out."""
