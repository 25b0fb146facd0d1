"""Which lines of the input some expectation would notice if they were other ones."""
