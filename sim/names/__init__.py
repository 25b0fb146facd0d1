"""What people type for the ends of a flow, and which endpoints that is."""
