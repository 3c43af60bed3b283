"""Kinds of options: each is a gate of :mod:`chipwall.inputs`, so that a word on the command line and an argument in Python are
read and refused alike, and the fuzz of the command line knows what each option takes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem

from chipwall import inputs
from chipwall.files import require_place

__all__ = [
    "AMOUNT",
    "AUTO",
    "CHIP",
    "COUNT",
    "DAY",
    "IN_FILE",
    "LENGTH",
    "MANY",
    "MODEL",
    "NUMBER",
    "QUARTER",
    "RATE",
    "SHARE",
    "TIME",
    "TOKENS",
    "WORD",
    "YEAR",
    "AmountLimit",
    "CatalogNames",
    "Count",
    "NumberFrom",
    "OneOf",
    "OptionKind",
    "OutFile",
    "OutFolder",
    "OutPlace",
    "Words",
]  # fmt: skip

# Longest prompt, answer or context that is priced [token].
MOST_TOKENS = 10**8


class OptionKind(click.ParamType):  # type: ignore[type-arg]
    """A type of option made of a gate: ``name`` is what help pages show, ``example`` a value that passes."""

    def __init__(self, name: str, gate: Callable[[Any, str], Any], *, example: str) -> None:
        self.name, self.gate, self.example = name, gate, example

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The checked value; raises :class:`~chipwall.errors.InputError` that names the argument."""
        if not isinstance(value, str):
            return value
        return self.gate(value, (param.name if param is not None else None) or "value")

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:
        """What help pages show in the place of the value."""
        return self.name.upper()


class _Completed(OptionKind):
    """A kind whose values a shell can complete."""

    def candidates(self) -> Sequence[str]:
        """What may stand there."""
        raise NotImplementedError

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """The values that begin with what is typed, the last one of a list with commas."""
        before, comma, last = incomplete.rpartition(",")
        return [CompletionItem(before + comma + w) for w in self.candidates() if w.startswith(last.lower())]


class OneOf(_Completed):
    """One word of a closed list."""

    def __init__(self, *known: str) -> None:
        super().__init__("|".join(known), lambda v, n: inputs.choice(v, n, known), example=known[0])
        self.known = known

    def candidates(self) -> Sequence[str]:
        """The closed list."""
        return self.known

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:
        """The words themselves."""
        return self.name


class Words(OneOf):
    """Words of a closed list with commas between."""

    def __init__(self, *known: str) -> None:
        super().__init__(*known)
        self.gate = lambda v, n: inputs.choices(v, n, known)

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:
        """A list."""
        return "WORD,..."


class CatalogNames(_Completed):
    """A name of the catalogue, or several: chips or models; resolved by the door that is asked."""

    def __init__(self, room: str, *, many: bool = False) -> None:
        gate: Callable[[Any, str], Any] = inputs.choices if many else inputs.term
        super().__init__(room.upper(), gate, example={"chip": "h200", "model": "llama-2-70b"}[room])
        self.room, self.many = room, many

    def candidates(self) -> Sequence[str]:
        """Ids of the catalogue and families, which everybody types."""
        from chipwall import catalog

        known = catalog.load()
        if self.room == "model":
            return list(known.models)
        return [*dict.fromkeys([*(c.family for c in known.chips.values() if c.family), *known.chips])]

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:
        """CHIP or CHIP,..."""
        return f"{self.name},..." if self.many else self.name


class NumberFrom(OptionKind):
    """A finite number within bounds."""

    def __init__(self, name: str = "number", *, example: str = "8", **bounds: float) -> None:
        super().__init__(name, lambda v, n: inputs.number(v, n, **bounds), example=example)  # type: ignore[arg-type]


class Count(OptionKind):
    """A whole number within bounds."""

    def __init__(self, *, least: int = 1, most: int = 1_000_000, example: str = "8") -> None:
        super().__init__("n", lambda v, n: inputs.count(v, n, least=least, most=most), example=example)


class AmountLimit(OptionKind):
    """An amount in a dimension, with a sign in front or without."""

    def __init__(self, dimension: str, example: str) -> None:
        super().__init__("amount", inputs.term, example=example)
        self.dimension = dimension


class OutFile(OptionKind):
    """A file to write, its place checked before any work."""

    def __init__(self) -> None:
        super().__init__("file", lambda v, n: require_place(Path(v), argument=n), example="/dev/null")


class OutPlace(OptionKind):
    """A file to write, or a folder that is there: what a command needs depends on its other options."""

    def __init__(self) -> None:
        super().__init__("place", _place, example="/dev/null")


def _place(value: Any, name: str) -> Path:
    return require_place(Path(value), argument=name, folder=Path(value).is_dir() and value not in ("", "-"))


class OutFolder(OptionKind):
    """A folder to write to; made by its owner, or by the command where ``made`` is set."""

    def __init__(self) -> None:
        super().__init__("folder", lambda v, n: require_place(Path(v), argument=n, folder=True), example="/tmp")


def _in_file(value: Any, name: str) -> Path:
    return Path(inputs.term(value, name, example="file.toml"))


COUNT = Count()
MANY = Count(most=10_000_000)
LENGTH = Count(most=MOST_TOKENS, example="2048")
YEAR = NumberFrom("year", least=2016, most=2040, example="2026.5")
TOKENS = NumberFrom("tokens", least=1, most=MOST_TOKENS, example="1000")
NUMBER = NumberFrom()
SHARE = OptionKind("share", inputs.share, example="0.5")
TIME = OptionKind("time", inputs.seconds, example="500 ms")
RATE = NumberFrom("per-second", above=0, most=1e7, example="2.5")
DAY = OptionKind("day", inputs.day, example="2026-02-01")
QUARTER = OptionKind("quarter", inputs.quarter, example="2026Q1")
AMOUNT = OptionKind("amount", inputs.term, example="96 GB")
WORD = OptionKind("word", inputs.term, example="fp8")
AUTO = OptionKind("n|auto", lambda v, n: inputs.optional_count(v, n) or "auto", example="8")
CHIP, MODEL = CatalogNames("chip"), CatalogNames("model")
IN_FILE = OptionKind("file", _in_file, example="file.toml")
