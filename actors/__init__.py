"""The simulator: domain, roles, services, policy and the commands that run them."""
