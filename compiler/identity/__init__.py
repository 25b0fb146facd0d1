"""Who somebody proves to be: SPIFFE IDs, and what vouches for them."""
