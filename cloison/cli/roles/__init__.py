"""Who may ask an API server for what."""
