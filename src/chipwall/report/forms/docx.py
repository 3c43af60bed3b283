"""A brief as a Word document, through python-docx: headings, sentences, tables, sources."""

from __future__ import annotations

from pathlib import Path

from chipwall.report.forms.document import Brief
from chipwall.report.forms.render import colophon, source_line
from chipwall.report.forms.table import Table, cell_words
from chipwall.report.language.lookup import translated
from chipwall.text import text

__all__ = ["write_docx"]


def write_docx(brief: Brief, path: Path, lang: str) -> None:
    """Write a brief as a ``.docx`` file; needs the ``memo`` extra."""
    import docx  # 150 ms, only for Word files

    document = docx.Document()
    document.add_heading(translated(brief.title, lang), level=0)
    document.add_paragraph(translated(brief.subtitle, lang))
    for answer in brief.answers:
        document.add_paragraph(translated(answer, lang), style="List Bullet")
    for section in brief.sections:
        document.add_heading(translated(section.title, lang), level=1)
        for sentence in section.sentences:
            document.add_paragraph(translated(sentence, lang))
        for table in section.tables:
            _add_table(document, table, lang)
        for note in section.notes:
            document.add_paragraph(translated(note, lang))
    document.add_heading(translated(text("Sources"), lang), level=1)
    for source in brief.sources:
        document.add_paragraph(source_line(source, "csv"), style="List Bullet")
    document.add_paragraph(translated(colophon(brief), lang))
    document.save(str(path))


def _add_table(document: object, table: Table, lang: str) -> None:
    document.add_paragraph(translated(table.title, lang), style="Caption")  # type: ignore[attr-defined]
    grid = document.add_table(rows=1, cols=len(table.columns), style="Table Grid")  # type: ignore[attr-defined]
    for cell, column in zip(grid.rows[0].cells, table.columns, strict=True):
        cell.text = translated(column.title, lang)
    for row in table.rows:
        for cell, value in zip(grid.add_row().cells, row, strict=True):
            cell.text = cell_words(value, lang)
    for note in table.notes:
        document.add_paragraph(translated(note, lang))  # type: ignore[attr-defined]
