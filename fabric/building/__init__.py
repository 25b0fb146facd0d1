"""From files to a converged network: the list of calls, and the value that they make."""
