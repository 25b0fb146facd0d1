"""What exists: fabric files and manifests in, a converged network out."""
