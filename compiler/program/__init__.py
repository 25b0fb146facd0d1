"""`Program`: what every enforcement point holds, and ways to read it."""
