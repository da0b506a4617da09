"""Which engine answers which request."""
