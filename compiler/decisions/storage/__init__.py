"""Object storage: what a request for a bucket gets."""
