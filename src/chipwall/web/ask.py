"""What a request asks: parameters that a page declares, read once; whatever it does not know is told, never ignored."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import quote as percent
from urllib.parse import urlencode

from chipwall.api.rooms import data_version
from chipwall.errors import InputError
from chipwall.inputs import count, hidden_characters, nearest_names, quote
from chipwall.report.language.lookup import LANGUAGES
from chipwall.text import Text, text

__all__ = ["COMMON", "LONGEST_WORD", "THEMES", "Ask", "Field", "address_on"]

THEMES = ("auto", "light", "dark")
# Parameters that every address takes: language, colours, the data a link was made with, the table of a CSV, and a page
# that stands inside another.
COMMON = ("lang", "theme", "data", "table", "embed")
# Longest value of a parameter [1]: a short text to check, or a model of one's own, must fit into an address.
LONGEST_WORD = 6_000


@dataclass(frozen=True, slots=True)
class Field:
    """One control of a page: its parameter, its label, and what stands in it at first.

    ``kind`` is ``text``, ``number``, ``date``, ``choice``, ``chip``, ``chips``, ``model``, ``flag`` or ``area``; ``more``
    puts it under *More*.
    """

    name: str
    label: Text
    kind: str = "text"
    default: str = ""
    choices: tuple[tuple[str, str], ...] = ()
    hint: str = ""
    more: bool = False


@dataclass(frozen=True)
class Ask:
    """One request: the page, the words in its path, its parameters, and the language and colours of the answer.

    ``free`` says whether other questions can be asked: files on a disk answer none.
    """

    path: str
    words: Mapping[str, str]
    given: Mapping[str, Sequence[str]]
    fields: tuple[Field, ...] = ()
    link: Callable[..., str] = field(default=lambda path, **_: path, compare=False)
    free: bool = True

    @property
    def lang(self) -> str:
        """Language of the answer."""
        return self._common("lang", LANGUAGES)

    @property
    def theme(self) -> str:
        """Colours: as the system has them, light or dark."""
        return self._common("theme", THEMES)

    def _common(self, name: str, known: Sequence[str]) -> str:
        word = (self.given.get(name) or [known[0]])[-1]
        return word if word in known else known[0]

    def check(self) -> None:
        """Refuse what cannot be a parameter: too long, given twice, or full of control characters."""
        for name, values in self.given.items():
            if name in ("lang", "theme"):
                known = LANGUAGES if name == "lang" else THEMES
                if values[-1] not in known:
                    raise InputError(
                        text("unknown {kind} '{name}'", kind=Text.of(name), name=quote(values[-1])),
                        where=name,
                        fix=text("Use one of: {names}", names=", ".join(known)),
                    )
            for value in values:
                if len(value) > LONGEST_WORD or hidden_characters(value.replace("\r", "")):
                    raise InputError(text("{argument} cannot be '{value}'", argument=name, value=quote(value)), where=name)
            if len(values) > 1:
                raise InputError(text("{name} is given twice", name=name), where=name, fix=text("Give it once"))

    def notices(self) -> tuple[Text, ...]:
        """What a reader must know first: parameters that the page does not have, and a link made with other data."""
        made = (self.given.get("data") or [""])[-1]
        old = text("This link was made with data {made}; what stands here is computed from {now}.", made=made, now=data_version())
        return (*self._unknown(), *((old,) if made and made != data_version() else ()))

    def _unknown(self) -> tuple[Text, ...]:
        known = [*(f.name for f in self.fields), *COMMON]
        told = []
        for name in self.given:
            if name in known:
                continue
            near = nearest_names(name, known)
            said = text("This page has no parameter '{name}'.", name=quote(name))
            if near:
                said = text("This page has no parameter '{name}'; did you mean {near}?", name=quote(name), near=near[0])
            told.append(said)
        return tuple(told)

    def word(self, name: str) -> str:
        """The value of a parameter, or what the page starts with; empty where neither is."""
        found = (self.given.get(name) or [""])[-1].strip()
        return found or next((f.default for f in self.fields if f.name == name), "")

    def count(self, name: str, *, most: int = 1_000_000) -> int:
        """A whole number of one or more."""
        return count(self.word(name), name, most=most)

    def listed(self, name: str) -> tuple[str, ...]:
        """Words with commas between."""
        return tuple(dict.fromkeys(w.strip() for w in self.word(name).split(",") if w.strip()))

    def flag(self, name: str) -> bool:
        """A box that is ticked."""
        return self.word(name).lower() in ("1", "true", "yes", "on")

    def question(self) -> dict[str, str]:
        """Everything that was asked: the words in the path, and the parameters."""
        return {**self.filled(), **self.words}

    def leading(self, path: str, **given: object) -> str:
        """The address of another page, in the language and colours of this one."""
        return self.link(path, **{"lang": self.lang if self.lang != "en" else "", "theme": self.theme, **given})

    def address(self, form: str = "", *, data: bool = False, **more: object) -> str:
        """The address of this very answer, in a form; with the version of the data where it is to be passed on."""
        path = self.path if not form else f"{self.path if self.path != '/' else '/index'}.{form}"
        kept = {n: v[-1] for n, v in self.given.items() if n not in COMMON}
        version = {"data": data_version()} if data else {}
        theme = {"theme": self.theme} if not data and form in ("", "html") else {}
        return self.link(path, **{**kept, "lang": self.lang if self.lang != "en" else "", **theme, **version, **more})

    def filled(self) -> dict[str, str]:
        """Every parameter of the page that has a value, as a link carries it."""
        return {f.name: self.word(f.name) for f in self.fields if self.word(f.name)}


def address_on(path: str, **parameters: object) -> str:
    """An address on this host: the path, and the parameters that are not empty."""
    given = {k: str(v) for k, v in parameters.items() if v not in (None, "", "auto")}
    return percent(path, safe="/:+,@!$&'()*=~") + (f"?{urlencode(given)}" if given else "")
