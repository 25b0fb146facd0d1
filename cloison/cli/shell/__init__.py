"""What all verbs share: options and their words, completion, exit codes."""
