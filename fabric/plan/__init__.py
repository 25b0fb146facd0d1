"""Every number drawn once and kept: VNIs, RDs, RTs, addresses, and which host each pod runs on."""
