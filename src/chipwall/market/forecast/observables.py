"""From the model to a published number: which quantity predicts which series, in the series' own definition.

The table is ``data/observables.toml``. Each step from the model's HBM-class packages to what a source counts is an
explicit factor with a range and the reason for it, so that a series is never compared with something else by accident.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from chipwall.catalog.series import Series, SeriesBook
from chipwall.errors import DataError
from chipwall.text import Text, text

__all__ = ["KIND_CLASS", "Observable", "Summand", "default_observable", "observables_of"]

# The class in which a series goes on by itself when nothing else is said, by its kind and by what it counts.
KIND_CLASS: Mapping[str, str] = {
    "flow": "press-count",
    "stock": "press-count",
    "share": "share",
    "ratio": "cost",
    "rate": "cost",
    "price": "price",
    "rent": "rent",
    "capacity": "capacity",
}
# Why a series is not predicted: by its kind, or by the word that its entry gives as ``skip``.
NOT_PREDICTED: Mapping[str, Text] = {
    "plan": text("a published plan, not a count of what happened"),
    "forecast": text("a published forecast or statement, not a count of what happened"),
    "spec": text("a constant of a chip or a rule of thumb"),
    "policy": text("a rule or an administrative count"),
    "probability": text("a price or a prior of an event"),
    "text": text("words, not a number"),
    "claim": text("a claim checked elsewhere"),
    "parameter": text("a prior of the model"),
    "benchmark": text("the speed of a tool"),
    "no longer sold": text("no longer sold by the legal channel; the model counts A100 together with A800"),
}


@dataclass(frozen=True, slots=True)
class Summand:
    """One summand: a model quantity, a series or 1, times factors; see ``data/observables.toml``."""

    model: str = ""
    series: str = ""
    by: str = ""
    times: tuple[float, float] | None = None
    exactly: float = 1.0
    cumulative: bool = False
    flow: bool = False
    late: bool = False
    unit: str = ""
    since: str = ""


@dataclass(frozen=True, slots=True)
class Observable:
    """How one series is predicted; see ``data/observables.toml`` for the fields."""

    series: str
    basis: str = ""
    terms: tuple[Summand, ...] = ()
    over: tuple[Summand, ...] = ()
    at: str = "mean"
    anchor: str = ""
    report: float = 0.0
    clip: tuple[float, float] | None = None
    family: str = ""
    pool: float = 0.0
    increments: bool = False
    flat_year: float = 0.0
    borrow: str = ""
    skip: str = ""
    policy: bool = False
    otherwise: tuple[Summand, ...] = ()
    chance: float = 0.0
    rivals: tuple[str, ...] = ()
    quantities: frozenset[str] = field(default=frozenset(), compare=False)

    @property
    def derived(self) -> bool:
        """Whether it rests on other series and ranges only, not on the simulation."""
        return bool(self.terms) and not self.quantities


def observables_of(entries: Iterable[Mapping[str, object]], book: SeriesBook) -> Mapping[str, Observable]:
    """Every entry of ``data/observables.toml``, by series."""
    found: dict[str, Observable] = {}
    for entry in entries:
        for name in entry["series"]:  # type: ignore[attr-defined]
            if name in found:
                raise DataError(text("{series} stands twice in observables.toml", series=name))
            found[name] = _observable(name, entry, kind=book.find(name).kind)
    return found


def _observable(name: str, entry: Mapping[str, object], *, kind: str) -> Observable:
    told = {
        k: v for k, v in entry.items() if k not in ("series", "class", "terms", "over", "otherwise", "clip", "rivals")
    }
    clip = entry.get("clip")
    terms, over = _terms(entry.get("terms")), _terms(entry.get("over"))
    return Observable(
        series=name,
        terms=terms,
        over=over,
        rivals=tuple(str(r) for r in entry.get("rivals", ())),  # type: ignore[attr-defined]
        otherwise=_terms(entry.get("otherwise")),
        clip=(float(clip[0]), float(clip[1])) if isinstance(clip, list) else None,
        family=str(entry.get("class", "")) or KIND_CLASS.get(kind, "press-count"),
        quantities=frozenset(t.model for t in (*terms, *over) if t.model),
        **told,  # type: ignore[arg-type]  # the table is checked by its test
    )


def _terms(told: object) -> tuple[Summand, ...]:
    if not isinstance(told, list):
        return ()
    return tuple(Summand(**{**t, "times": tuple(t["times"]) if "times" in t else None}) for t in told)


def default_observable(about: Series) -> Observable:
    """How a series without an entry is predicted: it goes on by itself, or not at all."""
    if about.kind in NOT_PREDICTED:
        return Observable(about.id, skip=about.kind)
    return Observable(about.id, family=KIND_CLASS[about.kind], basis="goes on by itself")
