"""Parts of a page as HTML: charts, tables, numbers, folds, sources, with one style sheet and one script for all of them.

Every page of the house is made of these: the brief, a checked article, the web application. Words are escaped here and
nowhere else; nothing in a part asks the network for anything.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from html import escape
from importlib.resources import files

from chipwall.report.forms.charts.chart import Chart
from chipwall.report.forms.charts.draw import NARROW, WIDE, chart_svg, theme_colours
from chipwall.report.forms.document import KeyNumber, Section
from chipwall.report.forms.table import Table, render
from chipwall.report.language.lookup import translated
from chipwall.sources import Source
from chipwall.text import text

__all__ = [
    "HTML_LANG",
    "chart_part",
    "head_part",
    "numbers_part",
    "page_script",
    "section_part",
    "sources_part",
    "style_sheet",
    "table_part",
]

HTML_LANG = {"en": "en", "zh": "zh-CN"}


@cache
def _file(name: str) -> str:
    return (files("chipwall.report.forms") / "templates" / name).read_text(encoding="utf-8")


@cache
def style_sheet() -> str:
    """The style sheet of every page, with the colours of charts for light, dark and paper."""
    return _file("page.css").replace("{light}", theme_colours("light")).replace("{dark}", theme_colours("dark"))


def page_script() -> str:
    """What buttons and folds do; a page works without it."""
    return _file("page.js")


def head_part(*, title: str, description: str, lang: str, extra: str = "") -> str:
    """The head of a page: title, description and social preview, style; ``extra`` is more style."""
    shown, told = escape(title), escape(description)
    locale = {"en": "en_US", "zh": "zh_CN"}[lang]
    return (
        '<meta charset="utf-8">\n<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<title>{shown}</title>\n<meta name="description" content="{told}">\n<meta property="og:type" content="article">\n'
        f'<meta property="og:title" content="{shown}">\n<meta property="og:description" content="{told}">\n'
        f'<meta property="og:locale" content="{locale}">\n<meta property="og:site_name" content="chipwall">\n'
        f'<meta name="twitter:card" content="summary">\n<style>\n{style_sheet()}{extra}</style>'
    )


def chart_part(chart: Chart, lang: str, *, numbers: bool = True) -> str:
    """A chart for a wide and for a narrow screen, its buttons, its numbers as CSV and, where asked for, as a table."""

    def say(words: str) -> str:
        return escape(translated(words, lang))

    pictures = "".join(
        chart_svg(chart, lang=lang, width=width, theme="page").replace("<svg ", f'<svg class="{name}" ', 1)
        for name, width in (("wide", WIDE), ("narrow", NARROW))
    )
    place = f"chart-{escape(chart.id)}"
    buttons = "".join(
        f'<button type="button" data-save="{kind}">{kind.upper()}</button>' for kind in ("svg", "png", "csv")
    )
    table = ""
    if numbers and chart.table.rows:
        table = f'<details class="more"><summary>{say(text("The numbers"))}</summary>{table_part(chart.table, lang)}</details>'
    data = render(chart.table, "csv", lang).replace("</", "<\\/")
    return (
        f'<figure class="chart" id="{place}" data-name="{escape(chart.id)}">\n'
        f'<figcaption class="vh">{say(chart.title)}</figcaption>\n'
        f'{pictures}\n<div class="tools">{buttons}<a href="#{place}">{say(text("Link"))}</a></div>\n'
        f'{table}<script type="text/csv">\n{data}\n</script></figure>'
    )


def table_part(table: Table, lang: str) -> str:
    """A table that scrolls on a desktop where it must, is a stack of cards on a phone, and wraps on paper."""
    return f'<div class="scroll" tabindex="0" role="group">{render(table, "html", lang)}</div>'


def numbers_part(numbers: Iterable[KeyNumber], lang: str) -> str:
    """The numbers of a first page, each with its interval and a link to what explains it."""

    def say(words: str) -> str:
        return escape(translated(words, lang))

    items = "".join(
        f'<li><b>{say(n.shown)}</b><span>{say(n.label)}</span><span>{say(n.interval)} · <a href="#{escape(n.section)}">'
        f"{say(text('Why?'))}</a></span></li>\n"
        for n in numbers
    )
    return f'<ul class="numbers">\n{items}</ul>'


def section_part(section: Section, lang: str, *, opened: bool = False) -> str:
    """One question as a fold: its finding in the summary, then words, charts and tables, and the details folded again."""

    def say(words: str) -> str:
        return escape(translated(words, lang))

    finding = f"<p>{say(section.finding)}</p>" if section.finding else ""
    words = "".join(f"<p>{say(s)}</p>\n" for s in section.sentences)
    words += "".join(f'<p class="note">{say(n)}</p>\n' for n in section.notes)
    charts = "".join(chart_part(c, lang, numbers=not _shown_already(c, section)) for c in section.charts)
    tables = "".join(table_part(t, lang) for t in section.tables)
    return (
        f'<details class="fold" id="{escape(section.id)}"{" open" if opened else ""}>\n'
        f"<summary><h2>{say(section.title)}</h2>{finding}</summary>\n"
        f'<div class="body{"" if charts else " plain"}">\n'
        + (f'<div class="charts">{charts}</div>\n' if charts else "")
        + (f'<div class="words">{words}</div>\n' if words else "")
        + f'<div class="tables">{tables}{_details_part(section.details, lang)}</div>\n</div>\n</details>'
    )


def _shown_already(chart: Chart, section: Section) -> bool:
    return any(chart.table == t for t in section.tables)


def _details_part(details: Sequence[Table], lang: str) -> str:
    if not details:
        return ""
    title = escape(translated(text("Everything that was computed: {count} tables", count=len(details)), lang))
    return f'<details class="more"><summary>{title}</summary>{"".join(table_part(t, lang) for t in details)}</details>'


def sources_part(sources: Iterable[Source], lang: str) -> str:
    """Every source as an item that a number can lead to, with its address where it has one."""
    items = []
    for s in sources:
        title = escape(s.title)
        shown = f'<a href="{escape(s.url)}">{title}</a>' if s.url else title
        rest = "".join(f", {escape(x)}" for x in (s.publisher, s.published) if x)
        place = f". {escape(s.place)}" if s.place and s.place not in s.url else ""
        items.append(f'<li id="source-{escape(s.id)}">{shown}{rest}{place}</li>\n')
    return f'<ol class="sources">\n{"".join(items)}</ol>'
