"""Objects as they stand in files: which files count, which kinds there are, names and labels."""
