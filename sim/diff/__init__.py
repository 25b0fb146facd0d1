"""Two worlds compared: who gains, who loses, because of which edit."""
