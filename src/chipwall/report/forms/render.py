"""A brief for the terminal, as Markdown, as one self-contained HTML page, as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from html import escape

from chipwall import __version__
from chipwall.report.forms.charts.draw import chart_spec
from chipwall.report.forms.document import Brief, Section
from chipwall.report.forms.parts import (
    HTML_LANG,
    chart_part,
    head_part,
    numbers_part,
    page_script,
    section_part,
    sources_part,
)
from chipwall.report.forms.table import Form, render
from chipwall.report.forms.terminal import hyperlinks, linked, terminal_width, wrapped
from chipwall.report.language.lookup import translated
from chipwall.sources import Source
from chipwall.text import text

__all__ = ["as_json", "colophon", "html", "markdown", "source_line", "terminal"]


def _whole(brief: Brief, lang: str, *, form: Form, heading: str, bullet: str) -> Iterator[str]:
    """Title, answers, sections with all their tables, sources, line by line."""

    def say(words: str) -> str:
        return translated(words, lang)

    yield from ([say(brief.kicker), ""] if brief.kicker else [])
    yield from (heading.format(level="#", title=say(brief.title)), say(brief.subtitle), "")
    said = (
        text("{number} {label} ({interval})", number=n.shown, label=n.label, interval=n.interval) for n in brief.numbers
    )
    yield from (bullet + say(words) for words in said)
    if not brief.numbers:
        yield from (bullet + say(a) for a in brief.answers)
    for section in brief.sections:
        yield from ("", heading.format(level="##", title=say(section.title)))
        yield from (say(s) for s in (section.finding, *section.sentences) if s)
        for table in (*section.tables, *section.details):
            yield from ("", render(table, form, lang))
        yield from (say(n) for n in section.notes)
    yield from ("", heading.format(level="##", title=say(text("Sources"))))
    yield from (bullet + source_line(s, form) for s in brief.sources)
    yield from ("", *([say(brief.age)] if brief.age else []), say(colophon(brief)))


def source_line(source: Source, form: Form) -> str:
    """One source as a line that leads to it: a link where the form has links, else the address in full."""
    rest = ", ".join(x for x in (source.publisher, source.published, source.place) if x)
    title = source.title
    if source.url and form == "md":
        title = f"[{source.title}]({source.url})"
    elif source.url and hyperlinks():
        title = linked(source.title, source.url)
    elif source.url:
        rest = ", ".join(x for x in (rest, source.url) if x)
    return f"[{source.id}] {title}" + (f" ({rest})" if rest else "")


def colophon(brief: Brief) -> str:
    """Which program and data wrote it, and when."""
    return text(
        "chipwall {code}, data {data}, written {day}",
        code=__version__,
        data=brief.version,
        day=date.today().isoformat(),
    )


def terminal(brief: Brief, lang: str, *, full: bool = True) -> str:
    """The brief as text: all of it with drawn tables, or the story in at most sixty lines."""
    lines = _whole(brief, lang, form="terminal", heading="── {title} ──", bullet="• ") if full else _story(brief, lang)
    return "\n".join(lines)


# Lines of a story, and of one question in it.
STORY, _QUESTION = 60, 9


def _story(brief: Brief, lang: str) -> Iterator[str]:
    """Headline, numbers, and of each question its finding, its first sentences and no table."""
    size = min(terminal_width(), 110)

    def folded(words: str, indent: str = "") -> list[str]:
        return [indent + line for line in wrapped(translated(words, lang), size - len(indent))]

    lines = [*folded(brief.title), "", *folded(brief.subtitle), ""]
    for n in brief.numbers:
        lines += folded(
            f"{translated(n.shown, lang)}  {translated(n.label, lang)} ({translated(n.interval, lang)})", "  "
        )
    for section in brief.sections[:5]:
        said = [*folded(section.finding, "  ")]
        for sentence in section.sentences:
            more = folded(sentence, "  ")
            said += more if len(said) + len(more) < _QUESTION else []
        lines += ["", f"── {translated(section.title, lang)}", *said]
    last = [*folded(brief.age), *folded(colophon(brief))]
    yield from lines[: STORY - len(last) - 3]
    yield from ("", *last)


def markdown(brief: Brief, lang: str) -> str:
    """The brief as Markdown."""
    return "\n".join(_whole(brief, lang, form="md", heading="{level} {title}\n", bullet="- "))


def html(brief: Brief, lang: str, *, others: Mapping[str, str] | None = None, file: str = "chipwall") -> str:
    """The brief as one page that needs nothing else: style, pictures and script inside, no network.

    Parameters
    ----------
    others : mapping of str to str
        The same page in other languages: language to file name.
    file : str
        What pictures that are saved from the page are called after.
    """

    def say(words: str) -> str:
        return escape(translated(words, lang))

    title, lead = translated(brief.title, lang), translated(brief.subtitle, lang)
    switch = "".join(
        f'<a class="switch" href="{escape(to)}" hreflang="{HTML_LANG[other]}" lang="{HTML_LANG[other]}">{_OWN_NAME[other]}</a>'
        for other, to in (others or {}).items()
    )
    questions = "".join(f'<a href="#{escape(s.id)}">{say(s.title)}</a>\n' for s in brief.sections)
    picture = chart_part(brief.lead, lang) if brief.lead is not None else ""
    answers = "" if brief.numbers else "".join(f"<li>{say(a)}</li>" for a in brief.answers)
    folds = "\n".join(section_part(s, lang, opened=i == 0) for i, s in enumerate(brief.sections))
    sources = (
        f'<details class="fold" id="sources">\n<summary><h2>{say(text("Sources"))}</h2></summary>\n'
        f"{sources_part(brief.sources, lang)}</details>"
    )
    return (
        f'<!doctype html>\n<html lang="{HTML_LANG[lang]}">\n'
        f"<head>\n{head_part(title=title, description=lead, lang=lang)}\n</head>\n"
        f'<body data-file="{escape(file)}">\n<a class="skip" href="#main">{say(text("To the text"))}</a>\n'
        f'<header class="kicker"><span>{say(brief.kicker)}</span><span>{switch}</span></header>\n<main id="main">\n'
        f'<div class="first">\n<div><h1>{escape(title)}</h1>\n<p class="lead">{escape(lead)}</p>\n'
        f"{numbers_part(brief.numbers, lang) if brief.numbers else f'<ul>{answers}</ul>'}</div>\n{picture}</div>\n"
        f'<nav class="questions" aria-label="{say(text("Questions"))}">\n{questions}</nav>\n{folds}\n{sources}\n</main>\n'
        f"<footer>{_imprint(brief, lang)}</footer>\n<script>\n{page_script()}</script>\n</body>\n</html>\n"
    )


_OWN_NAME = {"en": "English", "zh": "中文"}


def _imprint(brief: Brief, lang: str) -> str:
    """Who made it, when, from what, how to cite it, and how old the data is."""

    def say(words: str) -> str:
        return escape(translated(words, lang))

    today = date.today()
    cite = f"chipwall {__version__} ({today.year}). {translated(brief.title, lang)}. Data {brief.version}, {today.isoformat()}."
    bibtex = (
        f"@misc{{chipwall{today:%Y%m%d},\n  title = {{{translated(brief.title, lang)}}},\n  author = {{chipwall {__version__}}},\n"
        f"  year = {{{today.year}}},\n  note = {{data {brief.version}, written {today.isoformat()}}}\n}}"
    )
    return (
        f'<p class="note">{say(colophon(brief))} {say(brief.age)} '
        f"{say(text('Made offline from its own catalogue, law and models; a calculation on public text, not legal advice.'))}</p>\n"
        f'<p class="note">{say(text("To cite"))}: {escape(cite)}</p>\n<details class="more"><summary>BibTeX</summary>'
        f"<pre>{escape(bibtex)}</pre></details>"
    )


def as_json(brief: Brief, lang: str) -> dict[str, object]:
    """The brief as data: sentences, tables, and every number with its sources and calculation."""
    return {
        "title": translated(brief.title, lang),
        "subtitle": translated(brief.subtitle, lang),
        "question": dict(brief.asked),
        "version": {"code": __version__, "data": brief.version},
        "age": translated(brief.age, lang),
        "key_numbers": [
            {k: translated(getattr(n, k), lang) for k in ("label", "shown", "interval", "section")}
            for n in brief.numbers
        ],
        "answers": [translated(a, lang) for a in brief.answers],
        "sections": [_section_json(s, lang) for s in brief.sections],
        "numbers": [
            {
                "section": section.id,
                "table": translated(table.title, lang),
                "name": name,
                "value": cell.value,
                "shown": cell.words(lang),
                "sources": list(cell.sources),
                "calculation": translated(cell.calculation, lang),
            }
            for section, table, name, cell in brief.cells()
            if isinstance(cell.value, (int, float)) and not isinstance(cell.value, bool)
        ],
        "sources": [
            {
                "id": s.id,
                "title": s.title,
                "publisher": s.publisher,
                "published": s.published,
                "url": s.url,
                "kind": s.kind,
                "accessed": s.accessed,
            }
            for s in brief.sources
        ],
    }


def _section_json(section: Section, lang: str) -> dict[str, object]:
    return {
        "id": section.id,
        "title": translated(section.title, lang),
        "sentences": [translated(s, lang) for s in section.sentences],
        "finding": translated(section.finding, lang),
        "tables": [
            {"title": translated(t.title, lang), "rows": t.records()} for t in (*section.tables, *section.details)
        ],
        "charts": [
            {
                "id": c.id,
                "title": translated(c.title, lang),
                "rows": c.table.records(),
                "vega_lite": chart_spec(c, lang=lang),
            }
            for c in section.charts
        ],
    }
