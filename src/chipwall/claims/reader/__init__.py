"""From the text of an article to statements that can be computed: documents, mentions, frames."""
