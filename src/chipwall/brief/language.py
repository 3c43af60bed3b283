"""Languages: from a :class:`~chipwall.text.Text` to a sentence in the language asked for.

One message catalogue per language, in gettext's own format, under ``brief/locale``. English is the language of the
source and needs none.
"""

from __future__ import annotations

import gettext
from collections.abc import Callable
from functools import cache
from importlib.resources import as_file, files

from chipwall.text import Text

__all__ = ["LANGUAGES", "lookup", "translated"]

LANGUAGES = ("en", "zh")


@cache
def lookup(lang: str) -> Callable[[str], str]:
    """From a template to its translation; a message without one comes back in English."""
    if lang == "en":
        return lambda template: template
    with as_file(files("chipwall.brief") / "locale") as folder:
        return gettext.translation("chipwall", str(folder), languages=[lang]).gettext


def translated(words: str, lang: str) -> str:
    """A sentence in a language.

    A plain string is a name or a number and stays; a :class:`~chipwall.text.Text` is translated with its values.
    """
    if lang == "en" or not isinstance(words, Text):
        return str(words)
    return words.render(lookup(lang))
