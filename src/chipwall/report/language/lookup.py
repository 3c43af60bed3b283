"""Languages: from a :class:`~chipwall.text.Text` to a sentence in the language asked for.

One message catalogue per language, in gettext's own format, under ``report/language/locale``. English is the language of the
source and needs none.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from pathlib import Path

from chipwall.report.language.names import chinese_name
from chipwall.text import Text

__all__ = ["LANGUAGES", "LOCALE", "lookup", "spaced", "translated"]

LANGUAGES = ("en", "zh")
LOCALE = Path(__file__).parent / "locale"


@cache
def lookup(lang: str) -> Callable[[str], str]:
    """From a template to its translation; a message without one comes back in English."""
    if lang == "en":
        return lambda template: template
    import gettext

    found = gettext.translation("chipwall", str(LOCALE), languages=[lang]).gettext

    def say(template: str) -> str:
        # gettext answers the empty message with the header of the file
        return spaced(found(template)) if template else ""

    say.named = chinese_name  # type: ignore[attr-defined]
    return say


def translated(words: str, lang: str) -> str:
    """A sentence in a language.

    A plain string is a name or a number: names of the catalogue are written as the language writes them, others stay. A
    :class:`~chipwall.text.Text` is translated with its values.
    """
    if lang == "en":
        return str(words)
    if not isinstance(words, Text):
        return chinese_name(words)
    return spaced(words.render(lookup(lang)))


_HAN, _STOP = "\u4e00-\u9fff", "，。；：、！？（）“”《》"
_TOUCHING = re.compile(rf"(?<=[{_HAN}])(?=[A-Za-z0-9]|[+-]\d)|(?<=[A-Za-z0-9])(?=[{_HAN}])")
_APART = re.compile(rf"(?<=[{_HAN}{_STOP}]) (?=[{_HAN}{_STOP}])|(?<=[{_STOP}]) (?=\S)|(?<=\S) (?=[{_STOP}])")
_SHARE = re.compile(r"(?<=\d) %")


def spaced(words: str) -> str:
    """Chinese as papers print it: a space between its letters and Latin letters or digits, none elsewhere, ``25%`` closed up.

    Examples
    --------
    >>> spaced("H200配有141 GB显存")
    'H200 配有 141 GB 显存'
    """
    return _APART.sub("", _TOUCHING.sub(" ", _SHARE.sub("%", words)))
