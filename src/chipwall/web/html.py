"""The HTML of a page, from templates; everything that they print is escaped unless it is a table or a drawing of ours."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from importlib.resources import files
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from chipwall._version import __version__
from chipwall.answer import plain_json
from chipwall.api.rooms import data_version, home_of
from chipwall.errors import InputError
from chipwall.report.forms.answer_page import AnswerPage, page_citation, page_form, page_sources
from chipwall.report.forms.charts import Chart, chart_png, chart_spec, chart_svg
from chipwall.report.forms.charts.canvas import Theme
from chipwall.report.forms.charts.draw import NARROW, WIDE
from chipwall.report.forms.table import Cell, Table, render
from chipwall.report.language.lookup import translated
from chipwall.text import text
from chipwall.web.ask import Ask

if TYPE_CHECKING:
    from jinja2 import Environment

__all__ = ["MEDIA", "figure_bytes", "page_bytes"]

MEDIA = {
    "html": "text/html; charset=utf-8", "json": "application/json", "csv": "text/csv; charset=utf-8",
    "md": "text/markdown; charset=utf-8", "svg": "image/svg+xml; charset=utf-8", "png": "image/png", "vl.json": "application/json",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}  # fmt: skip
# What the bar at the top leads to.
BAR = (
    ("/check", text("Check")), ("/chips", text("Chips and models")), ("/compare", text("Compare")), ("/wall", text("Wall")),
    ("/perform", text("Speed")), ("/plan", text("Plan")), ("/market", text("Market")), ("/claims", text("Claims")),
    ("/scoreboard", text("Scoreboard")), ("/sources", text("Sources")), ("/docs", text("Docs")), ("/about", text("About")),
)  # fmt: skip


def page_bytes(page: AnswerPage, ask: Ask, form: str) -> bytes:
    """The page in a form."""
    if form == "xlsx":
        return _workbook(page, ask)
    return (_html(page, ask) if form == "html" else page_form(page, ask, form, table=ask.word("table"))).encode()


def _workbook(page: AnswerPage, ask: Ask) -> bytes:
    """The answer as a workbook, where it has one."""
    if not hasattr(page.answer, "to_xlsx"):
        raise InputError(text("this page has no workbook"), fix=text("Ask for .json or .md"))
    with TemporaryDirectory(prefix="chipwall-") as folder:
        path = Path(folder) / "answer.xlsx"
        page.answer.to_xlsx(path, lang=ask.lang)  # type: ignore[union-attr]
        return path.read_bytes()


def figure_bytes(page: AnswerPage, name: str, form: str, ask: Ask) -> bytes:
    """A figure of a page as picture or specification."""
    chart = page.figures.get(name)
    if chart is None:
        fix = text("Known: {names}", names=", ".join(page.figures) or "-")
        raise InputError(text("this page has no figure '{name}'", name=name[:40]), fix=fix)
    if form == "vl.json":
        return json.dumps(plain_json(chart_spec(chart, lang=ask.lang)), ensure_ascii=False, indent=1).encode()
    colours: Theme = "dark" if ask.theme == "dark" else "light"
    if form == "svg":
        return chart_svg(chart, lang=ask.lang, theme=colours).encode()
    return chart_png(chart, lang=ask.lang, theme=colours)


def _drawn(chart: Chart, lang: str) -> str:
    """The figure as it stands in a page: for a wide and for a narrow screen, in the colours of the page."""
    drawn = {name: chart_svg(chart, lang=lang, width=width, theme="page") for name, width in (("wide", WIDE), ("narrow", NARROW))}
    return "".join(picture.replace("<svg ", f'<svg class="{name}" ', 1) for name, picture in drawn.items())


@cache
def _environment() -> Environment:
    from jinja2 import Environment, FunctionLoader

    own, shared = (files(package) / "templates" for package in ("chipwall.web", "chipwall.report.forms"))
    made = Environment(
        loader=FunctionLoader(lambda name: ((shared if name == "annotated.html" else own) / name).read_text(encoding="utf-8")),
        autoescape=True, trim_blocks=True, lstrip_blocks=True, auto_reload=False,
    )  # fmt: skip
    made.globals |= {"text": text, "version": __version__, "rooms": BAR}
    made.filters["ident"] = id
    return made


def _html(page: AnswerPage, ask: Ask) -> str:
    def say(words: object) -> str:
        return translated(words, ask.lang) if isinstance(words, str) else str(words)

    return _environment().get_template(page.template).render(
        page=page, ask=ask, say=say, link=ask.leading, permalink=ask.address, static=lambda name: ask.link(f"/static/{name}"),
        table=lambda t: render(_led(t, ask.leading), "html", ask.lang),
        drawn=lambda c: _drawn(c, ask.lang), told=lambda c: translated(c.title, ask.lang),
        numbers={id(t): n for n, t in enumerate(page.tables, 1)},
        notices=ask.notices(), cited=page_sources(page), citation=page_citation(page, ask), data=data_version(),
        language={"en": "en", "zh": "zh-CN"}[ask.lang], other={"en": "zh", "zh": "en"}[ask.lang], **page.extra,
    )  # fmt: skip


def _led(table: Table, link: Callable[..., str]) -> Table:
    """A table whose names of chips and models lead to their pages."""
    lead = [n for n, column in enumerate(table.columns) if column.key in ("id", "chip", "model")]

    def made(n: int, cell: Any) -> object:
        if n not in lead or not isinstance(cell, (str, Cell)) or (isinstance(cell, Cell) and cell.url):
            return cell
        path = home_of(str(cell.value or cell.shown) if isinstance(cell, Cell) else cell)
        if not path:
            return cell
        place = link(path)
        return replace(cell, url=place) if isinstance(cell, Cell) else Cell(cell, cell, url=place)

    return replace(table, rows=tuple(tuple(made(n, c) for n, c in enumerate(row)) for row in table.rows)) if lead else table
