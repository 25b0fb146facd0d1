"""The report of a simulation: of a fabric, and of manifests alone."""
