"""Who reaches whom, in a fabric and in a cluster alone."""
