"""When the provider's staff may reach what is a customer's."""
