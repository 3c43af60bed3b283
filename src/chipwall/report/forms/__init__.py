"""Forms of an answer: tables, terminal, charts, document, page."""
