"""Policy IR to groups of entries, one verb per file; `compiler.compile.PASSES` gives the order."""
