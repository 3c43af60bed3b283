"""One table record, four ways to print it: terminal, CSV, Markdown, HTML.

A cell knows what a person sees and the number behind it, so a terminal shows ``4.8 TB/s`` where the CSV of the same
table says ``4800000000000.0`` under a column whose name carries the unit.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from html import escape
from typing import Literal

from chipwall.report.forms.terminal import drawn, hyperlinks
from chipwall.report.language.lookup import translated

__all__ = ["Cell", "Column", "Form", "Table", "render"]

Form = Literal["terminal", "csv", "md", "html"]


@dataclass(frozen=True, slots=True)
class Cell:
    """What a person sees, the value behind it (SI), its sources, a status mark, how it was calculated, where it leads.

    A ``claim`` is shown and is no knowledge: its machine value is empty. ``low`` and ``high`` are the ends of its interval;
    data has them in columns of their own.
    """

    shown: str
    value: object = None
    sources: tuple[str, ...] = ()
    mark: str = ""
    calculation: str = ""
    url: str = ""
    claim: bool = False
    low: float | None = None
    high: float | None = None

    def words(self, lang: str) -> str:
        """The text of the cell with its mark."""
        return translated(self.shown, lang) + self.mark


@dataclass(frozen=True, slots=True)
class Column:
    """A column: ``key`` names it in CSV and JSON and carries the unit, ``title`` is what a person reads."""

    key: str
    title: str
    right: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """A titled table; a row holds one :class:`Cell`, string, number or None per column."""

    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[object, ...], ...]
    notes: tuple[str, ...] = ()

    def spanned(self) -> frozenset[str]:
        """Keys of the columns in which any cell has an interval."""
        return frozenset(
            c.key
            for row in self.rows
            for c, v in zip(self.columns, row, strict=True)
            if isinstance(v, Cell) and (v.low is not None or v.high is not None)
        )

    def records(self) -> list[dict[str, object]]:
        """The rows as dictionaries of plain values for JSON, with the sources of each value by column."""
        found: list[dict[str, object]] = []
        for row in self.rows:
            record = {
                name: value
                for c, v in zip(self.columns, row, strict=True)
                for name, value in _machine_values(c.key, v, ends=c.key in self.spanned())
            }
            cited = {
                c.key: list(v.sources)
                for c, v in zip(self.columns, row, strict=True)
                if isinstance(v, Cell) and v.sources
            }
            leads = {c.key: v.url for c, v in zip(self.columns, row, strict=True) if isinstance(v, Cell) and v.url}
            marks = {c.key: v.mark for c, v in zip(self.columns, row, strict=True) if isinstance(v, Cell) and v.mark}
            found.append(record | {k: v for k, v in (("sources", cited), ("urls", leads), ("marks", marks)) if v})
        return found


def _machine_values(name: str, value: object, *, ends: bool) -> Iterator[tuple[str, object]]:
    """The machine value of a cell, and the ends of its interval where the column has any."""
    yield name, machine_value(value)
    if ends:
        yield f"{name}_low", value.low if isinstance(value, Cell) else None
        yield f"{name}_high", value.high if isinstance(value, Cell) else None


def machine_value(value: object) -> object:
    """The machine value of a cell: its number, or what is shown where there is none."""
    if isinstance(value, Cell) and (value.claim or (value.value is None and value.low is not None)):
        return None
    if isinstance(value, Cell):
        return value.shown if value.value is None and value.shown not in ("-", "") else value.value
    return value


def cell_words(value: object, lang: str) -> str:
    """The text of a cell for a person."""
    if value is None:
        return "-"
    if isinstance(value, Cell):
        return value.words(lang)
    return translated(value, lang) if isinstance(value, str) else f"{value:,}" if isinstance(value, int) else str(value)


def render(table: Table, form: Form, lang: str = "en") -> str:
    """The table as text in the form asked for; the terminal form may hold colour codes."""
    return {"terminal": _terminal, "csv": _csv, "md": _markdown, "html": _html}[form](table, lang)


def _rows(table: Table, lang: str) -> Iterable[list[str]]:
    return ([cell_words(v, lang) for v in row] for row in table.rows)


def lead(value: object) -> str:
    """Where a cell leads; empty for most."""
    return value.url if isinstance(value, Cell) else ""


def _terminal(table: Table, lang: str) -> str:
    title = [translated(table.title, lang), ""] if table.title else []
    heads = [translated(c.title, lang) for c in table.columns]
    links = [[lead(v) for v in row] for row in table.rows] if hyperlinks() else ()
    body = drawn(heads, list(_rows(table, lang)), [c.right for c in table.columns], links)
    notes = ["", *(translated(n, lang) for n in table.notes)] if table.notes else []
    return "\n".join([*title, body, *notes])


def _csv(table: Table, lang: str) -> str:
    # \n, not the \r\n of the RFC: the output is read by shells and diffs as often as by spreadsheets
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    spanned = table.spanned()
    heads = [n for c in table.columns for n, _ in _machine_values(c.key, None, ends=c.key in spanned)]
    writer.writerow([*heads, "marks", "sources"])
    for row in table.rows:
        pairs = list(zip(table.columns, row, strict=True))
        sources = sorted({s for v in row if isinstance(v, Cell) for s in v.sources})
        marks = [f"{c.key}{v.mark}" for c, v in pairs if isinstance(v, Cell) and v.mark]
        values = [x for c, v in pairs for _, x in _machine_values(c.key, v, ends=c.key in spanned)]
        cells = ["" if x is None else _inert(x) for x in values]
        writer.writerow([*cells, "; ".join(marks), "; ".join(sources)])
    return out.getvalue().rstrip("\n")


def _inert(value: object) -> object:
    """A cell that no spreadsheet runs: words that begin like a formula get an apostrophe in front."""
    if isinstance(value, str) and len(value) > 1 and value[0] in "=+-@\t\r":
        return value if _is_number(value) else "'" + value
    return value


def _is_number(words: str) -> bool:
    try:
        return bool(float(words)) or True
    except ValueError:
        return False


def _plain_markdown(words: str) -> str:
    """Words as Markdown shows them: no tags, no links, no end of a cell."""
    words = words.replace("|", "\\|").replace("\n", " ").replace("<", "&lt;")
    return words.replace("](", "]&#40;")


def _markdown(table: Table, lang: str) -> str:
    def line(cells: Iterable[str]) -> str:
        return "| " + " | ".join(cells) + " |"

    head = [line(_plain_markdown(translated(c.title, lang)) for c in table.columns)]
    head.append("|" + "|".join(" ---: " if c.right else " --- " for c in table.columns) + "|")
    title = [f"**{_plain_markdown(translated(table.title, lang))}**", ""] if table.title else []
    notes = ["", *(_plain_markdown(translated(n, lang)) for n in table.notes)] if table.notes else []
    rows = [[_linked(_plain_markdown(cell_words(v, lang)), lead(v)) for v in row] for row in table.rows]
    return "\n".join(title + head + [line(r) for r in rows] + notes)


def _linked(said: str, url: str) -> str:
    return f"[{said}]({url})" if url and said else said


def _html(table: Table, lang: str) -> str:
    caption = f"<caption>{escape(translated(table.title, lang))}</caption>" if table.title else ""
    head = "".join(f"<th scope=col{_flush(c)}>{escape(translated(c.title, lang))}</th>" for c in table.columns)
    body = "\n".join(
        "<tr>" + "".join(_html_cell(c, v, lang) for c, v in zip(table.columns, row, strict=True)) + "</tr>"
        for row in table.rows
    )
    notes = "".join(f"<p class=note>{escape(translated(n, lang))}</p>" for n in table.notes)
    return f"<table>{caption}<thead><tr>{head}</tr></thead><tbody>\n{body}\n</tbody></table>{notes}"


def _flush(column: Column) -> str:
    return " class=n" if column.right else ""


def _html_cell(column: Column, value: object, lang: str) -> str:
    """A cell that tells on hover how its number came about and which sources it rests on."""
    why = ""
    if isinstance(value, Cell) and (value.calculation or value.sources):
        parts = (translated(value.calculation, lang), ", ".join(value.sources))
        why = f' title="{escape(" · ".join(p for p in parts if p))}"'
    shown = escape(cell_words(value, lang))
    if url := lead(value):
        shown = f'<a href="{escape(url)}">{shown}</a>'
    # on a phone each row is a card, and each cell says what it is
    label = f' data-label="{escape(translated(column.title, lang))}"'
    nothing = " nothing" if shown in ("-", "") else ""
    kind = f' class="{("n" if column.right else "") + nothing}"' if column.right or nothing else ""
    return f"<td{kind}{label}{why}>{shown}</td>"
