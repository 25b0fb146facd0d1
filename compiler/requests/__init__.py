"""What rules ask of requests and of names: languages and conditions."""
