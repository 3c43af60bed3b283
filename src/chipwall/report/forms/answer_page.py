"""One answer as a page: the record, and its forms for machines and for papers (JSON, CSV, Markdown, citation).

A page is data: sentences, sections with tables and charts, sources, and the question as a command and as Python. HTML is
written by whoever has a place for it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Protocol

from chipwall._version import __version__
from chipwall.answer import Answer, plain_json
from chipwall.catalog import data_version, load
from chipwall.errors import InputError
from chipwall.report.forms.charts import Chart
from chipwall.report.forms.document import Section
from chipwall.report.forms.render import source_line
from chipwall.report.forms.table import Cell, Table, render
from chipwall.report.language.lookup import translated
from chipwall.sources import Source
from chipwall.text import Text, text

__all__ = ["AnswerPage", "PageAsked", "page_citation", "page_form", "page_sources"]


class PageAsked(Protocol):
    """What a form needs to know of the question: its language, its parameters, and the addresses of the answer."""

    @property
    def lang(self) -> str:
        """Language of the answer."""

    def question(self) -> Mapping[str, str]:
        """Every parameter that has a value."""

    def notices(self) -> tuple[Text, ...]:
        """What a reader must know first."""

    def address(self, form: str = "", *, data: bool = False, **more: object) -> str:
        """The address of this answer in a form; with the version of the data where it is passed on."""


@dataclass(frozen=True)
class AnswerPage:
    """What a page says.

    Attributes
    ----------
    title : str
        The question, or the finding.
    sentences : tuple of str
        Answers first.
    sections : tuple of Section
        Tables and charts; the first section stands open, the others are folded unless ``open`` names them.
    notes : tuple of str
        What is always in view.
    answer : Answer, optional
        What the API said: JSON carries it, and its sources and notes are the page's.
    data : object
        What JSON carries where there is no answer.
    command, python : str
        The same question on the command line and in Python.
    template, extra : str, mapping
        How HTML lays it out, and what only that template needs.
    status, kept : int, bool
        Status of the answer over HTTP, and whether it may be kept.
    """

    title: str
    sentences: tuple[str, ...] = ()
    sections: tuple[Section, ...] = ()
    notes: tuple[str, ...] = ()
    answer: Answer | None = None
    data: object = None
    command: str = ""
    python: str = ""
    sources: tuple[Source, ...] = ()
    open: tuple[str, ...] = ()
    template: str = "page.html"
    extra: Mapping[str, Any] = field(default_factory=dict)
    status: int = 200
    kept: bool = True

    @property
    def figures(self) -> dict[str, Chart]:
        """Every chart by its name, which its address has."""
        return {chart.id: chart for section in self.sections for chart in section.charts}

    @property
    def tables(self) -> tuple[Table, ...]:
        """Every table that has rows, in order."""
        return tuple(t for section in self.sections for t in (*section.tables, *section.details) if t.rows)

    @property
    def remarks(self) -> tuple[str, ...]:
        """The notes of the page, then those of its answer."""
        return (*self.notes, *(self.answer.notes if self.answer is not None else ()))


def page_sources(page: AnswerPage) -> tuple[Source, ...]:
    """The sources of a page: those named, and those behind its answer and its cells."""
    known = load().sources
    found = {s.id: s for s in page.sources}
    if page.answer is not None:
        found |= {s.id: s for s in page.answer.cite() if s.title}
    for table in page.tables:
        for row in table.rows:
            for cell in row:
                if isinstance(cell, Cell):
                    found |= {s: known.get(s) or Source(s, s) for s in cell.sources if s not in found}
    return tuple(found.values())


def page_form(page: AnswerPage, asked: PageAsked, form: str, *, table: str = "") -> str:
    """The page as ``json``, ``csv`` (one table, by its number from 1) or ``md``.

    Raises
    ------
    InputError
        The page has no table for a CSV, or not the one asked for.
    """
    if form == "csv":
        return render(_table(page, table or "1"), "csv", asked.lang) + "\n"
    return _json(page, asked) if form == "json" else "\n".join(_markdown_lines(page, asked)) + "\n"


def page_citation(page: AnswerPage, asked: PageAsked) -> dict[str, str]:
    """How to cite a page: as text and as BibTeX."""
    title, day, where = translated(page.title, asked.lang), date.today(), asked.address(data=True)
    made = f"chipwall {__version__}, data {data_version()}"
    said = text(
        "chipwall {code}, data {data}: {title}. {address}, read {day}.",
        code=__version__, data=data_version(), title=title, address=where, day=day.isoformat(),
    )  # fmt: skip
    name = "".join(c if c.isalnum() else "-" for c in where.partition("?")[0].strip("/")) or "home"
    lines = (
        f"@misc{{chipwall-{name},", f"  title = {{{{{_braced(title)}}}}},", f"  author = {{{{{made}}}}},",
        f"  year = {{{day.year}}},", f"  note = {{{_braced(where)}}},", f"  urldate = {{{day.isoformat()}}}", "}",
    )  # fmt: skip
    return {"text": translated(said, asked.lang), "bibtex": "\n".join(lines)}


def _braced(words: str) -> str:
    return "".join(f"\\{c}" if c in "{}%&#$_" else c for c in words.replace("\\", "/"))


def _json(page: AnswerPage, asked: PageAsked) -> str:
    def say(words: str) -> str:
        return translated(words, asked.lang)

    found = {
        "title": say(page.title),
        "question": asked.question(),
        "version": {"code": __version__, "data": data_version()},
        "address": asked.address(),
        "command": page.command,
        "python": page.python,
        "notices": [say(n) for n in asked.notices()],
        "sentences": [say(s) for s in page.sentences],
        "notes": [say(n) for n in page.remarks],
        "tables": [{"title": say(t.title), "rows": t.records(), "notes": [say(n) for n in t.notes]} for t in page.tables],
        "figures": {n: {f: asked.address(f"{n}.{f}") for f in ("svg", "png", "vl.json")} for n in page.figures},
        "answer": page.answer.to_dict() if page.answer is not None else page.data,
        "sources": [
            {"id": s.id, "title": s.title, "publisher": s.publisher, "published": s.published, "url": s.url, "place": s.place}
            for s in page_sources(page)
        ],
    }  # fmt: skip
    return json.dumps(plain_json(found), ensure_ascii=False, indent=1, allow_nan=False)


def _table(page: AnswerPage, wanted: str) -> Table:
    tables = page.tables
    if not tables:
        raise InputError(text("this page has no table"), fix=text("Ask for .json or .md"))
    if not (wanted.isascii() and wanted.isdecimal() and 1 <= int(wanted) <= len(tables)):
        raise InputError(
            text("this page has no table '{name}'", name=wanted[:40]),
            where="table",
            fix=text("Give a number from 1 to {last}", last=len(tables)),
        )
    return tables[int(wanted) - 1]


def _markdown_lines(page: AnswerPage, asked: PageAsked) -> Iterator[str]:
    def say(words: str) -> str:
        return translated(words, asked.lang)

    yield from (f"# {say(page.title)}", "", *(f"- {say(s)}" for s in page.sentences))
    for section in page.sections:
        yield from ("", f"## {say(section.title)}", "", *(say(s) for s in (section.finding, *section.sentences) if s))
        for table in (*section.tables, *section.details):
            if table.rows:
                yield from ("", render(table, "md", asked.lang))
        yield from ("", *(say(n) for n in section.notes))
    yield from ("", *(say(n) for n in page.remarks))
    yield from ("", f"## {say(text('Sources'))}", "", *(f"- {source_line(s, 'md')}" for s in page_sources(page)))
    yield from ("", page_citation(page, asked)["text"])
