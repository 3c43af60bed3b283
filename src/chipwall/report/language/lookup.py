"""Languages: from a :class:`~chipwall.text.Text` to a sentence in the language asked for.

One message catalogue per language, in gettext's own format, under ``report/language/locale``. English is the language of the
source and needs none.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path

from chipwall.text import Text

__all__ = ["LANGUAGES", "LOCALE", "lookup", "said", "translated"]

LANGUAGES = ("en", "zh")
LOCALE = Path(__file__).parent / "locale"


@cache
def lookup(lang: str) -> Callable[[str], str]:
    """From a template to its translation; a message without one comes back in English."""
    if lang == "en":
        return lambda template: template
    import gettext

    found = gettext.translation("chipwall", str(LOCALE), languages=[lang]).gettext
    # gettext answers the empty message with the header of the file
    return lambda template: found(template) if template else ""


def translated(words: str, lang: str) -> str:
    """A sentence in a language.

    A plain string is a name or a number and stays; a :class:`~chipwall.text.Text` is translated with its values.
    """
    if lang == "en" or not isinstance(words, Text):
        return str(words)
    return words.render(lookup(lang))


def said(row: Mapping[str, object], lang: str) -> dict[str, object]:
    """A row of a chart with its words in a language; numbers and names stay."""
    return {key: translated(value, lang) if isinstance(value, Text) else value for key, value in row.items()}
