"""One page, every form: HTML, JSON, CSV, Markdown, and its figures as SVG, PNG and specification.

A page is data: sentences, sections of ``report`` with tables and charts, sources, and the question as a command and as
Python. The forms below only write it down.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from chipwall._version import __version__
from chipwall.answer import Answer, plain_json
from chipwall.api.rooms import data_version
from chipwall.errors import InputError
from chipwall.report.forms.document import Section
from chipwall.report.forms.render import source_line
from chipwall.report.forms.table import Cell, Table, render
from chipwall.report.language.lookup import translated
from chipwall.sources import Source
from chipwall.text import Text, text
from chipwall.web.ask import COMMON, Ask
from chipwall.web.drawing import Drawing, drawing_bytes, drawing_svg, drawing_title

if TYPE_CHECKING:
    from jinja2 import Environment

__all__ = ["MEDIA", "Page", "figure_form", "page_bytes"]

MEDIA = {
    "html": "text/html; charset=utf-8",
    "json": "application/json",
    "csv": "text/csv; charset=utf-8",
    "md": "text/markdown; charset=utf-8",
    "svg": "image/svg+xml; charset=utf-8",
    "png": "image/png",
    "vl.json": "application/json",
}


@dataclass(frozen=True)
class Page:
    """What a route hands to the forms.

    Attributes
    ----------
    title : str
        The question, or the finding.
    sentences : tuple of str
        Answers first.
    sections : tuple of Section
        Tables and charts; the first section stands open, the others are folded unless ``open`` names them.
    answer : Answer, optional
        What the API said: JSON carries it, and its sources and notes are the page's.
    command, python : str
        The same question on the command line and in Python.
    template : str
        How HTML lays it out.
    extra : mapping
        What only that template needs.
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
    def figures(self) -> dict[str, Drawing]:
        """Every chart by the name that its address has: the section, numbered from the second on."""
        return {
            section.id if n == 0 else f"{section.id}-{n + 1}": spec
            for section in self.sections
            for n, spec in enumerate(section.charts)
        }

    @property
    def tables(self) -> tuple[Table, ...]:
        """Every table that has rows, in order."""
        return tuple(t for section in self.sections for t in section.tables if t.rows)


def _cited(page: Page) -> tuple[Source, ...]:
    """The sources of a page: those named, and those behind its answer and its cells."""
    from chipwall.api.doors import source_of

    found = {s.id: s for s in page.sources}
    if page.answer is not None:
        found |= {s.id: s for s in page.answer.cite() if s.title}
    for table in page.tables:
        for row in table.rows:
            for cell in row:
                if isinstance(cell, Cell):
                    found |= {s: source_of(s) for s in cell.sources if s not in found}
    return tuple(found.values())


def page_bytes(page: Page, ask: Ask, form: str) -> bytes:
    """The page in a form.

    Raises
    ------
    InputError
        The page has no table for a CSV, or not the one asked for.
    """
    return {"html": _html, "json": _json, "csv": _csv, "md": _markdown}[form](page, ask).encode()


def figure_form(page: Page, name: str, form: str, ask: Ask) -> bytes:
    """A figure of a page as picture or specification."""
    chart = page.figures.get(name)
    if chart is None:
        raise InputError(
            text("this page has no figure '{name}'", name=name[:40]),
            fix=text("Known: {names}", names=", ".join(page.figures) or "-"),
        )
    return drawing_bytes(chart, form, lang=ask.lang, theme=ask.theme)


def _permalink(ask: Ask, form: str = "", *, data: bool = False, **more: object) -> str:
    """The address of this very answer, in a form; with the version of the data where it is to be passed on."""
    path = ask.path if not form else f"{ask.path if ask.path != '/' else '/index'}.{form}"
    kept = {n: v[-1] for n, v in ask.given.items() if n not in COMMON}
    version = {"data": data_version()} if data else {}
    theme = {"theme": ask.theme} if not form and not data else {}
    return ask.link(path, **{**kept, "lang": ask.lang if ask.lang != "en" else "", **theme, **version, **more})


def _citation(page: Page, ask: Ask) -> dict[str, str]:
    """How to cite a page: as text and as BibTeX."""
    title, day = translated(page.title, ask.lang), date.today()
    where = _permalink(ask, data=True)
    said = text(
        "chipwall {code}, data {data}: {title}. {address}, read {day}.",
        code=__version__, data=data_version(), title=title, address=where, day=day.isoformat(),
    )  # fmt: skip
    name = "".join(c for c in ask.path.strip("/").replace("/", "-") if c.isalnum() or c == "-") or "home"
    bibtex = "\n".join(
        (
            f"@misc{{chipwall-{name},",
            f"  title = {{{{{_braced(title)}}}}},",
            f"  author = {{{{chipwall {__version__}, data {data_version()}}}}},",
            f"  year = {{{day.year}}},",
            f"  note = {{{_braced(where)}}},",
            f"  urldate = {{{day.isoformat()}}}",
            "}",
        )
    )
    return {"text": translated(said, ask.lang), "bibtex": bibtex}


def _braced(words: str) -> str:
    return "".join(f"\\{c}" if c in "{}%&#$_" else c for c in words.replace("\\", "/"))


def _notices(page: Page, ask: Ask) -> tuple[Text, ...]:
    """What a reader must know first: parameters that the page does not have, and a link made with other data."""
    made = (ask.given.get("data") or [""])[-1]
    old = made and made != data_version()
    notice = text(
        "This link was made with data {made}; what stands here is computed from {now}.", made=made, now=data_version()
    )
    return (*ask.unknown(), *((notice,) if old else ()))


# What the bar at the top leads to.
ROOMS = (
    ("/check", text("Check")),
    ("/chips", text("Chips and models")),
    ("/compare", text("Compare")),
)


@cache
def _environment() -> Environment:
    """The templates, compiled once; everything that they print is escaped unless it is a table or a drawing of ours."""
    from jinja2 import Environment, FunctionLoader

    folder = files("chipwall.web") / "templates"
    made = Environment(
        loader=FunctionLoader(lambda name: (folder / name).read_text(encoding="utf-8")),
        autoescape=True, trim_blocks=True, lstrip_blocks=True, auto_reload=False,
    )  # fmt: skip
    made.globals |= {"text": text, "version": __version__, "rooms": ROOMS}
    made.filters["ident"] = id
    return made


def _html(page: Page, ask: Ask) -> str:
    def say(words: object) -> str:
        return translated(words, ask.lang) if isinstance(words, str) else str(words)

    return _environment().get_template(page.template).render(
        page=page, ask=ask, say=say, link=_linker(ask), permalink=lambda **k: _permalink(ask, **k),
        table=lambda t: render(_led(t, ask), "html", ask.lang), drawn=lambda c: drawing_svg(c, lang=ask.lang, theme=ask.theme),
            told=lambda c: drawing_title(c, ask.lang), names={id(s): n for n, s in page.figures.items()},
        numbers={id(t): n for n, t in enumerate(page.tables, 1)}, notices=_notices(page, ask), cited=_cited(page),
        citation=_citation(page, ask), data=data_version(), language={"en": "en", "zh": "zh-CN"}[ask.lang],
        other={"en": "zh", "zh": "en"}[ask.lang], static=lambda name: ask.link(f"/static/{name}"), **page.extra,
    )  # fmt: skip


def _linker(ask: Ask) -> Any:
    """Addresses that keep language and colours."""
    return lambda path, **given: ask.link(
        path, **{"lang": ask.lang if ask.lang != "en" else "", "theme": ask.theme, **given}
    )


def _led(table: Table, ask: Ask) -> Table:
    """A table whose names of chips, models and proposals lead to their pages."""
    from chipwall.api.rooms import home_of

    lead = [
        n for n, column in enumerate(table.columns) if column.key in ("id", "chip", "model", "proposal", "claim")
    ]  # fmt: skip
    if not lead:
        return table
    link = _linker(ask)

    def made(n: int, cell: object) -> object:
        if n not in lead or not isinstance(cell, (str, Cell)) or (isinstance(cell, Cell) and cell.url):
            return cell
        word = str(cell.value or cell.shown) if isinstance(cell, Cell) else cell
        path = home_of(word)
        if not path:
            return cell
        return replace(cell, url=link(path)) if isinstance(cell, Cell) else Cell(cell, cell, url=link(path))

    return replace(table, rows=tuple(tuple(made(n, c) for n, c in enumerate(row)) for row in table.rows))


def _json(page: Page, ask: Ask) -> str:
    found = {
        "title": translated(page.title, ask.lang),
        "question": ask.filled() | dict(ask.words),
        "version": {"code": __version__, "data": data_version()},
        "address": _permalink(ask),
        "command": page.command,
        "python": page.python,
        "notices": [translated(n, ask.lang) for n in _notices(page, ask)],
        "sentences": [translated(s, ask.lang) for s in page.sentences],
        "notes": [translated(n, ask.lang) for n in _said_notes(page)],
        "tables": [
            {"title": translated(t.title, ask.lang), "rows": t.records(), "notes": [translated(n, ask.lang) for n in t.notes]}
            for t in page.tables
        ],
        "figures": {n: {f: _permalink(ask, f"{n}.{f}") for f in ("svg", "png", "vl.json")} for n in page.figures},
        "answer": page.answer.to_dict() if page.answer is not None else page.data,
        "sources": [
            {"id": s.id, "title": s.title, "publisher": s.publisher, "published": s.published, "url": s.url, "place": s.place}
            for s in _cited(page)
        ],
    }  # fmt: skip
    return json.dumps(plain_json(found), ensure_ascii=False, indent=1, allow_nan=False)


def _said_notes(page: Page) -> tuple[str, ...]:
    return (*page.notes, *(page.answer.notes if page.answer is not None else ()))


def _csv(page: Page, ask: Ask) -> str:
    wanted, tables = ask.word("table") or "1", page.tables
    if not tables:
        raise InputError(text("this page has no table"), fix=text("Ask for .json or .md"))
    if not wanted.isdecimal() or not 1 <= int(wanted) <= len(tables):
        raise InputError(
            text("this page has no table '{name}'", name=wanted[:40]),
            where="table",
            fix=text("Give a number from 1 to {last}", last=len(tables)),
        )
    return render(tables[int(wanted) - 1], "csv", ask.lang) + "\n"


def _markdown(page: Page, ask: Ask) -> str:
    return "\n".join(_markdown_lines(page, ask)) + "\n"


def _markdown_lines(page: Page, ask: Ask) -> Iterator[str]:
    def say(words: str) -> str:
        return translated(words, ask.lang)

    yield f"# {say(page.title)}"
    yield ""
    yield from (f"- {say(s)}" for s in page.sentences)
    for section in page.sections:
        yield from ("", f"## {say(section.title)}", "", *(say(s) for s in section.sentences))
        for table in section.tables:
            if table.rows:
                yield from ("", render(table, "md", ask.lang))
        yield from ("", *(say(n) for n in section.notes))
    yield from ("", *(say(n) for n in _said_notes(page)))
    yield from ("", f"## {say(text('Sources'))}", "", *(f"- {source_line(s, 'md')}" for s in _cited(page)))
    yield from ("", _citation(page, ask)["text"])
