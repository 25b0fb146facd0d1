"""What `cloison storage` says: who may do what with buckets."""
