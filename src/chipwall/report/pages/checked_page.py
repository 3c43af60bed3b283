"""The page of a checked text: one file, nothing from the network, no script."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files

from chipwall._version import __version__
from chipwall.claims.check import CheckedText
from chipwall.errors import InputError
from chipwall.report.forms.parts import style_sheet
from chipwall.report.forms.table import render
from chipwall.report.language.lookup import translated
from chipwall.report.pages.check import SIGNS, Note, clock_words, legend, paragraphs, source_address, summary_words
from chipwall.text import Text, text

__all__ = ["checked_page"]


def checked_page(checked: CheckedText, notes: tuple[Note, ...], lang: str) -> str:
    """The article with each sentence marked by its verdict and a note beside it, as HTML; what the text holds is escaped."""
    try:
        from jinja2 import Environment, FunctionLoader
    except ImportError:
        raise InputError(
            text("the page needs the 'report' extra"),
            fix=text("Install it where this copy came from, or ask for Markdown"),
        ) from None
    folder = files("chipwall.report.forms") / "templates"
    loader = FunctionLoader(lambda name: (folder / name).read_text(encoding="utf-8"))
    environment = Environment(loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True)
    signs: Mapping[str, str] = SIGNS
    return environment.get_template("check.html").render(
        lang={"en": "en", "zh": "zh-CN"}[lang],
        say=lambda words: translated(words, lang),
        title=text("The text, checked"),
        summary=summary_words(checked),
        clock=clock_words(checked),
        legend=legend(),
        sign=signs,
        paragraphs=list(paragraphs(checked)),
        notes=notes,
        table=lambda t: render(t, "html", lang),
        address=source_address,
        independent=_independent,
        gap="" if checked.document.chinese else " ",
        style=style_sheet(),
        own=(folder / "check.css").read_text(encoding="utf-8"),
        colophon=text(
            "Made by chipwall {code}, offline, from its own catalogue, law and models. Not legal advice.",
            code=__version__,
        ),
    )


def _independent(note: Note) -> Text:
    return text("{count} sources that are not the speaker's own:", count=note.independent)
