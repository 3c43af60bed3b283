"""A brief for the terminal, as Markdown, as one self-contained HTML page, as JSON."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from importlib.resources import files

from chipwall import __version__
from chipwall.errors import InputError
from chipwall.report.forms.charts import Spec, svg
from chipwall.report.forms.document import Brief, Section
from chipwall.report.forms.table import Form, Table, render
from chipwall.report.forms.terminal import hyperlinks, linked
from chipwall.report.language.lookup import translated
from chipwall.sources import Source
from chipwall.text import text

__all__ = ["as_json", "colophon", "html", "markdown", "source_line", "terminal"]


def _body(brief: Brief, lang: str, *, form: Form, heading: str, bullet: str) -> str:
    """Title, answers, sections, sources, as text."""

    def say(words: str) -> str:
        return translated(words, lang)

    lines = [heading.format(level="#", title=say(brief.title)), say(brief.subtitle), ""]
    lines += [bullet + say(a) for a in brief.answers]
    for section in brief.sections:
        lines += ["", heading.format(level="##", title=say(section.title)), *(say(s) for s in section.sentences)]
        for table in section.tables:
            lines += ["", render(table, form, lang)]
        lines += [say(n) for n in section.notes]
    lines += ["", heading.format(level="##", title=say(text("Sources")))]
    lines += [bullet + source_line(s, form) for s in brief.sources]
    lines += ["", say(colophon(brief))]
    return "\n".join(lines)


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


def terminal(brief: Brief, lang: str) -> str:
    """The brief as plain text with drawn tables."""
    return _body(brief, lang, form="terminal", heading="── {title} ──", bullet="• ")


def markdown(brief: Brief, lang: str) -> str:
    """The brief as Markdown."""
    return _body(brief, lang, form="md", heading="{level} {title}\n", bullet="- ")


def html(brief: Brief, lang: str, *, chart: Callable[[Spec], str] = svg) -> str:
    """The brief as one page that needs nothing else: style and pictures inside, no network; ``chart`` draws."""
    try:
        from jinja2 import Environment  # 120 ms, only for pages
    except ImportError:
        raise InputError(text("the page needs the 'report' extra"), fix="pip install 'chipwall[report]'") from None
    folder = files("chipwall.report.forms") / "templates"
    environment = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    template = environment.from_string((folder / "brief.html").read_text(encoding="utf-8"))
    return template.render(
        brief=brief,
        lang={"en": "en", "zh": "zh-CN"}[lang],
        say=lambda words: translated(words, lang),
        style=(folder / "brief.css").read_text(encoding="utf-8"),
        table=lambda t: _page_table(t, lang),
        chart=chart,
        sources_title=text("Sources"),
        colophon=colophon(brief),
    )


def _page_table(table: Table, lang: str) -> str:
    return render(table, "html", lang)


def as_json(brief: Brief, lang: str) -> dict[str, object]:
    """The brief as data: sentences, tables, and every number with its sources and calculation."""
    return {
        "title": translated(brief.title, lang),
        "subtitle": translated(brief.subtitle, lang),
        "version": {"code": __version__, "data": brief.version},
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
        "tables": [{"title": translated(t.title, lang), "rows": t.records()} for t in section.tables],
    }
