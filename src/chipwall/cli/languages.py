"""The command line in the language asked for: its help pages, and what its parser (click) says.

click asks Python's ``gettext`` for its own words, so binding our catalogue as the current domain translates them. Helps
of our commands and options are literals in the source; they are looked up when a page is formatted.
"""

from __future__ import annotations

import gettext
import os
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from inspect import cleandoc

import click

from chipwall.report.forms.terminal import width, wrapped
from chipwall.report.language.lookup import LANGUAGES, LOCALE, lookup

__all__ = ["LanguageAsked", "asked_language", "environment_language", "language_first", "language_of", "speaking"]


# What a language is called in locales, browsers and by people.
_SPELLED = {"zh": ("zh", "cn", "chinese", "中文"), "en": ("en", "english", "c", "posix", "英文")}


def language_of(words: str) -> str:
    """The language that a locale or a person names: ``zh-CN``, ``zh_CN.UTF-8``, ``中文``; empty for one that is not held.

    Examples
    --------
    >>> language_of("zh_CN.UTF-8"), language_of("fr")
    ('zh', '')
    """
    first = re.split(r"[-_.@]", words.strip().lower())[0]
    return next((lang for lang, spelled in _SPELLED.items() if first in spelled), "")


def environment_language() -> str:
    """``CHIPWALL_LANG``, else the locale of the terminal, else English."""
    for name in ("CHIPWALL_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        if told := os.environ.get(name, ""):
            return language_of(told) or LANGUAGES[0]
    return LANGUAGES[0]


class LanguageAsked(click.ParamType[str]):
    """A language as people write it; ``several`` takes a list with commas."""

    name = "language"

    def __init__(self, *, several: bool = False) -> None:
        self._several = several

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:
        """What the help page shows for the value."""
        return "[en|zh|en,zh]" if self._several else "[en|zh]"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The language's own code, or codes with commas."""
        found = [language_of(word) for word in value.split(",")]
        if not all(found) or (len(found) > 1 and not self._several) or len(set(found)) < len(found):
            self.fail(
                gettext.gettext("{value!r} is not one of {choices}.").format(value=value, choices=", ".join(LANGUAGES)),
                param,
                ctx,
            )
        return ",".join(found)


def language_first(argv: list[str]) -> tuple[str, list[str]]:
    """The language asked for, and the same words with ``--lang`` in front, where help pages and mistakes find it.

    Read without the parser because the parser may be what fails. The last one counts; an unknown language, or several, stay
    where they are for the parser.
    """
    lang, rest = environment_language(), []
    words = iter(argv)
    for word in words:
        option, sign, value = word.partition("=")
        if option != "--lang":
            rest.append(word)
            continue
        given = value if sign else next(words, "")
        if found := language_of(given.split(",")[0]):
            lang = found
        if not found or "," in given:
            rest += [word] if sign or not given else [word, given]
    return lang, ["--lang", lang, *rest]


def asked_language() -> str:
    """What ``chipwall --lang`` said before the command; the default of the command's own ``--lang``."""
    context = click.get_current_context(silent=True)
    return str(context.find_root().params.get("lang") or LANGUAGES[0]) if context else LANGUAGES[0]


@contextmanager
def speaking(lang: str) -> Iterator[None]:
    """Let the parser and the help pages speak a language for a while."""
    if lang == "en":
        yield
        return
    before, domain = os.environ.get("LANGUAGE"), gettext.textdomain()
    gettext.bindtextdomain("chipwall", str(LOCALE))
    gettext.textdomain("chipwall")
    os.environ["LANGUAGE"] = lang  # gettext has no other way to be told
    page, short = click.Context.formatter_class, click.Command.get_short_help_str
    click.Context.formatter_class = _page(lang)
    setattr(click.Command, "get_short_help_str", _short_help(lang))  # noqa: B010 (a method, replaced for a while)
    try:
        yield
    finally:
        click.Context.formatter_class = page
        setattr(click.Command, "get_short_help_str", short)  # noqa: B010
        gettext.textdomain(domain)
        if before is None:
            del os.environ["LANGUAGE"]
        else:
            os.environ["LANGUAGE"] = before


def _short_help(lang: str) -> Callable[[click.Command, int], str]:
    """One line on a command in the list of its group: the first sentence of its help."""
    say = lookup(lang)

    def line(command: click.Command, limit: int = 45) -> str:
        whole = command.short_help or cleandoc(command.help or "").partition("\f")[0]
        return say(whole).split("\n")[0].partition("。")[0]

    return line


def _page(lang: str) -> type[click.HelpFormatter]:
    say = lookup(lang)

    class Page(click.HelpFormatter):
        """A help page whose sentences are looked up, and wrapped at the width of wide characters."""

        def write_heading(self, heading: str) -> None:
            self.write(f"{'':>{self.current_indent}}{heading}：\n")

        def write_text(self, text: str) -> None:
            paragraphs = (_lines(p, self.width - self.current_indent) for p in say(text).split("\n\n"))
            self.write(
                "\n\n".join("\n".join(" " * self.current_indent + line for line in p) for p in paragraphs) + "\n"
            )

        def write_dl(self, rows: Iterable[tuple[str, str]], col_max: int = 30, col_spacing: int = 2) -> None:
            pairs = [(first, _described(second)) for first, second in rows]
            column = min(max(width(first) for first, _ in pairs), col_max) + col_spacing
            margin = " " * self.current_indent
            for first, second in pairs:
                lines = _lines(second, max(self.width - self.current_indent - column, 10))
                if width(first) > column - col_spacing:
                    lines = ["", *lines]
                self.write(f"{margin}{first}{' ' * (column - width(first))}{lines[0]}".rstrip() + "\n")
                self.write("".join(f"{margin}{' ' * column}{line}\n" for line in lines[1:]))

    def _described(second: str) -> str:
        words, gap, extra = second.partition("  [")  # the parser appends "  [default: ...]"
        words = "Show this help." if words == "Show this message and exit." else words
        return say(words) + gap + extra.replace(say("required"), say("must be given"))

    return Page


def _lines(paragraph: str, size: int) -> list[str]:
    if paragraph.startswith("\b"):  # click's sign for "leave my lines alone"
        return paragraph.splitlines()[1:]
    return list(wrapped(" ".join(paragraph.split("\n")), size)) or [""]
