"""Ways around what enforcement points decide: Services, and hosts with several addresses."""
