"""The smallest edits of the input that make an expectation hold."""
