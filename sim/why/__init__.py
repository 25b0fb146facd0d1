"""Why: the line behind a verdict, what came closest, who is to blame."""
