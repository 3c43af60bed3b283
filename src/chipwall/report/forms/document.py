"""The brief: one record that the terminal, a Markdown file and a web page say in their own way.

Answers first: a handful of sentences that stand alone. Behind them sections, each with its tables and charts; every
number in a table is a :class:`~chipwall.report.forms.table.Cell` that knows its sources and its calculation.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from chipwall.report.forms.charts import Spec
from chipwall.report.forms.table import Cell, Table
from chipwall.sources import Source

__all__ = ["Brief", "Section"]


@dataclass(frozen=True, slots=True)
class Section:
    """One question of the brief: sentences, tables and charts; ``id`` names it in links and JSON."""

    id: str
    title: str
    sentences: tuple[str, ...] = ()
    tables: tuple[Table, ...] = ()
    charts: tuple[Spec, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Brief:
    """Everything that is said about one chip."""

    title: str
    subtitle: str
    answers: tuple[str, ...]
    sections: tuple[Section, ...]
    sources: tuple[Source, ...]
    version: str

    def cells(self) -> Iterator[tuple[Section, Table, str, Cell]]:
        """Every cell with its section, its table and the name of its column."""
        for section in self.sections:
            for table in section.tables:
                for row in table.rows:
                    for column, value in zip(table.columns, row, strict=True):
                        if isinstance(value, Cell):
                            yield section, table, f"{label_of(row[0])} / {column.key}", value


def label_of(value: object) -> str:
    """The first cell of a row as the row's name."""
    if isinstance(value, Cell):
        return str(value.value if isinstance(value.value, str) and value.value else value.shown)
    return str(value)


def cited(sections: tuple[Section, ...], known: dict[str, Source]) -> tuple[Source, ...]:
    """The sources that the cells of these sections rest on, in order of first use."""
    order: dict[str, None] = {}
    for section in sections:
        for table in section.tables:
            for row in table.rows:
                for value in row:
                    if isinstance(value, Cell):
                        order |= dict.fromkeys(value.sources)
    return tuple(known[s] for s in order if s in known)
