"""Say it: tables, charts, sections and the brief, for the terminal, Markdown, a page and JSON, in English and Chinese."""
