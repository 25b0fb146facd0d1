"""The reader of FRR's configurations."""
