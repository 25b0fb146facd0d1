"""What exists: nodes, links, routes, sessions, numbers and rules, as rows and as a picture."""
