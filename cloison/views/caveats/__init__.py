"""What every answer says beside itself: diagnostics, what is not evaluated, lines and moments."""
