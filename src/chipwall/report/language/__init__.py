"""Messages and their translations."""
