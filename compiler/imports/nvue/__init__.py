"""The reader of NVUE's configurations."""
