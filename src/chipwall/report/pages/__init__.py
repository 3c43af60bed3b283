"""One subject a file: its tables, charts and section."""
