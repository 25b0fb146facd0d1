"""What kernels and routing daemons load."""
