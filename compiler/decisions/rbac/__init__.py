"""Who may ask an API server for what, by Kubernetes' roles and bindings."""
