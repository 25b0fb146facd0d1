"""What `verify`, `coverage`, `expect` and `suggest` say: verdicts, certificates, lines, edits."""
