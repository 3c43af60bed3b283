"""The brief: one record that the terminal, a Markdown file and a web page say in their own way.

Answers first: a handful of sentences that stand alone. Behind them sections, each with its tables and charts; every
number in a table is a :class:`~chipwall.report.forms.table.Cell` that knows its sources and its calculation.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from chipwall.report.forms.charts.chart import Chart
from chipwall.report.forms.table import Cell, Table
from chipwall.sources import Source

__all__ = ["Brief", "KeyNumber", "Section", "cited", "label_of"]


@dataclass(frozen=True, slots=True)
class Section:
    """One question: its answer in a sentence, more sentences, tables and charts; ``id`` names it in links and JSON.

    ``tables`` are short and always shown; ``details`` hold everything else that was computed, folded on a page and left out
    of a terminal unless all is asked for.
    """

    id: str
    title: str
    sentences: tuple[str, ...] = ()
    tables: tuple[Table, ...] = ()
    charts: tuple[Chart, ...] = ()
    notes: tuple[str, ...] = ()
    finding: str = ""
    details: tuple[Table, ...] = ()


@dataclass(frozen=True, slots=True)
class KeyNumber:
    """One of the three numbers of a first page: what it is, how much, between what, and the section that explains it."""

    label: str
    shown: str
    interval: str
    section: str


@dataclass(frozen=True, slots=True)
class Brief:
    """Everything that is said about one subject.

    Attributes
    ----------
    title, subtitle : str
        The finding with its day, and what qualifies it.
    kicker : str
        What kind of page this is and about what, above the title.
    answers : tuple of str
        Sentences that stand alone; the findings of the sections.
    numbers : tuple of KeyNumber
        At most three.
    lead : Chart or None
        The one picture of the first screen.
    asked : mapping
        The question, for machines: subject, destination, day, load.
    age : str
        How old the data is.
    """

    title: str
    subtitle: str
    answers: tuple[str, ...]
    sections: tuple[Section, ...]
    sources: tuple[Source, ...]
    version: str
    kicker: str = ""
    numbers: tuple[KeyNumber, ...] = ()
    lead: Chart | None = None
    asked: Mapping[str, object] = field(default_factory=dict)
    age: str = ""

    def charts(self) -> Iterator[Chart]:
        """Every chart, the first one first."""
        if self.lead is not None:
            yield self.lead
        for section in self.sections:
            yield from section.charts

    def cells(self) -> Iterator[tuple[Section, Table, str, Cell]]:
        """Every cell with its section, its table and the name of its column."""
        for section in self.sections:
            for table in (*section.tables, *section.details):
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
        for table in (*section.tables, *section.details, *(c.table for c in section.charts)):
            for row in table.rows:
                for value in row:
                    if isinstance(value, Cell):
                        order |= dict.fromkeys(value.sources)
    return tuple(known[s] for s in order if s in known)
