"""Who is kept apart from whom: the matrix of tenants, and pairs of VRFs."""
