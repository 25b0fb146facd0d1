"""Names and addresses that lead to pods: Services, their endpoints, ingresses and routes."""
