"""What roles allow at API servers, joined with who reaches them."""
