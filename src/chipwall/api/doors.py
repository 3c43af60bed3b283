"""What every public door shares: arguments checked before anything runs, names resolved, answers wrapped."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, TypeVar

from chipwall import catalog
from chipwall.answer import Figure, Line
from chipwall.catalog.records import Chip, LanguageModel
from chipwall.errors import ChipwallError, InputError
from chipwall.inputs import nearest_names, quote, term
from chipwall.sources import Source
from chipwall.text import text

if TYPE_CHECKING:
    from chipwall.perf.calibrated import Calibrated
    from chipwall.perf.estimate import Estimate

__all__ = [
    "DOORS", "IN_USE", "calibrated_in_use", "chip_of", "door", "exact", "figure_of", "lines_of", "model_of", "source_of",
    "unknown_argument",
]  # fmt: skip

P = ParamSpec("P")
R = TypeVar("R")
DOORS: dict[str, Callable[..., Any]] = {}
"""Every public function by name, as :func:`door` met it."""


def door(function: Callable[P, R]) -> Callable[P, R]:
    """A public function: an argument that it does not know, or lacks, is an :class:`InputError` that names it."""
    signature = inspect.signature(function)

    @wraps(function)
    def asked(*args: P.args, **kwargs: P.kwargs) -> R:
        _refuse_misfit(function.__name__, signature, args, kwargs)
        return function(*args, **kwargs)

    DOORS[function.__name__] = asked
    return asked


def _refuse_misfit(name: str, signature: inspect.Signature, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
    known = signature.parameters
    taken = [n for n, p in known.items() if p.kind is not p.KEYWORD_ONLY]
    free = any(p.kind in (p.VAR_KEYWORD, p.VAR_POSITIONAL) for p in known.values())
    if free:
        return
    for given in kwargs:
        if given not in known:
            raise unknown_argument(name, given, known)
    if len(args) > len(taken):
        raise InputError(
            text("{door}() takes {names}; the rest must be named", door=name, names=", ".join(taken)),
            fix=text(
                "Write for example {door}(..., {example}=...)",
                door=name,
                example=next((n for n in known if n not in taken), taken[-1]),
            ),
        )
    for n, p in known.items():
        if p.default is p.empty and n not in kwargs and n not in taken[: len(args)]:
            raise InputError(
                text("{door}() needs {name}", door=name, name=n),
                where=n,
                fix=text("It takes: {names}", names=", ".join(known)),
            )
        if n in kwargs and n in taken[: len(args)]:
            raise InputError(text("{name} is given twice", name=n), where=n, fix=text("Give it once"))


def unknown_argument(door_name: str, given: str, known: Collection[str]) -> InputError:
    """The error for an argument that a door does not have, with the one that was meant."""
    meant = _OTHER_WORDS.get(given.casefold(), "")
    near = [meant] if meant in known else nearest_names(given, known)
    listing = text("It takes: {names}", names=", ".join(known))
    return InputError(
        text("{door}() has no argument '{name}'", door=door_name, name=quote(given)),
        where=given,
        fix=text("Did you mean {near}?", near=", ".join(near)) if near else listing,
    )


# What people call an argument elsewhere, and what it is called here.
_OTHER_WORDS = {
    "n": "chips", "isl": "prompt", "osl": "output", "concurrency": "users", "sequences": "batch", "sequence": "length",
    "tp": "tensor", "pp": "pipeline", "ep": "expert", "cp": "context", "dtype": "precision", "quantization": "precision",
    "slo_ttft": "ttft", "slo_tpot": "tpot", "date": "on", "destination": "to", "country": "to", "vs": "against", "qps": "rate",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Noun(Generic[R]):
    """What people name: its word, its record, how it is found, and an example."""

    word: str
    record: type[R]
    find: Callable[[str], R]
    example: str


_CHIP = _Noun("chip", Chip, catalog.chip, "'h200'")
_MODEL = _Noun("model", LanguageModel, catalog.model, "'llama-3.1-70b'")


def chip_of(value: object, argument: str = "chip") -> Chip:
    """A chip by its name, or a chip as it is, an invented one too."""
    return _record_of(value, argument, _CHIP, _MODEL)


def model_of(value: object, argument: str = "model") -> LanguageModel:
    """A language model by its name, or the record as it is."""
    return _record_of(value, argument, _MODEL, _CHIP)


def _record_of(value: object, argument: str, noun: _Noun[R], other: _Noun[Any]) -> R:
    """The record of a name; the other noun in its place is told as such."""
    if isinstance(value, noun.record):
        return value
    if isinstance(value, other.record):
        raise _swapped(value.id, argument, kind=noun.word, other=other.word)
    word = term(value, argument, example=noun.example)
    try:
        return noun.find(word)
    except ChipwallError:
        if _finds(other, word):
            raise _swapped(word, argument, kind=noun.word, other=other.word) from None
        raise


def _swapped(word: str, argument: str, *, kind: str, other: str) -> InputError:
    return InputError(
        text(
            "{argument}: '{word}' is a {other}, not a {kind}",
            argument=argument,
            word=word,
            other=text("chip") if other == "chip" else text("model"),
            kind=text("chip") if kind == "chip" else text("model"),
        ),
        where=argument,
        fix=text("Give the model first and the chip second"),
    )


def _finds(noun: _Noun[Any], word: str) -> bool:
    try:
        return bool(noun.find(word))
    except ChipwallError:
        return False


IN_USE: ContextVar[Calibrated | None] = ContextVar("calibration", default=None)
"""What a caller put in place of what comes with the package, by :func:`chipwall.api.calibration.use`."""


def calibrated_in_use() -> Calibrated:
    """What is fitted, as every door passes it to the engines: what comes with the package, or a site's own."""
    from chipwall.perf.shipped import shipped

    return IN_USE.get() or shipped()


def source_of(source_id: str) -> Source:
    """The record of a source; an id that no table holds is its own title."""
    known = catalog.load().sources
    return known.get(source_id) or Source(source_id, source_id)


def figure_of(e: Estimate) -> Figure:
    """An estimate of an engine as a figure."""
    return Figure(float(e.value), float(e.low), float(e.high), e.unit, e.basis)


def exact(value: float, unit: str, basis: str = "computed") -> Figure:
    """A number that is arithmetic on stated ones: no interval of its own."""
    return Figure(float(value), float(value), float(value), unit, basis)


def lines_of(e: Estimate) -> tuple[Line, ...]:
    """The breakdown of an estimate."""
    return tuple(Line(p.name, float(p.value), e.breakdown_unit, str(p.bound), str(p.note)) for p in e.breakdown)
