"""The closed vocabulary: every quantity that a claim may speak of, and the conditions each one takes.

A claim names a quantity; nothing in a claim is code. What is not here cannot be said, and the parser names the nearest
thing that can.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from chipwall.catalog.quantities import QUANTITIES as FACTS
from chipwall.catalog.series import SERIES_UNITS
from chipwall.errors import InputError
from chipwall.text import Text
from chipwall.units import to_si, unit

if TYPE_CHECKING:
    from chipwall.claims.library import Library
    from chipwall.claims.records import Value

__all__ = [
    "ANSWER_WORDS",
    "ASSUMPTIONS",
    "ClaimQuantity",
    "ConditionKind",
    "claim_si",
    "dimension_of_unit",
    "dimensions",
]

Sort = Literal[
    "chip",
    "model",
    "system",
    "day",
    "choice",
    "count",
    "share",
    "limit",
    "observation",
    "series",
    "period",
    "scenario",
    "quarter",
    "path",
    "event",
    "country",
]
ASSUMPTIONS = "shipped"


@dataclass(frozen=True, slots=True)
class ConditionKind:
    """One condition of a quantity.

    Attributes
    ----------
    name : str
        As claims write it.
    sort : str
        What its values are: a chip, a model, a day, a count of one or more, a share from 0 to 1, a word of ``choices``,
        a limit of the law, a series, an observation (``series @ period``), a scenario, a quarter, a path of the market.
    meaning : str
        For the reader of the vocabulary.
    choices : tuple of str
        Words of a ``choice``.
    default : object
        Value where the claim is silent; None where the claim must say.
    """

    name: str
    sort: Sort
    meaning: Text
    choices: tuple[str, ...] = ()
    default: str | float | None = None


@dataclass(frozen=True, slots=True)
class ClaimQuantity:
    """A quantity of the vocabulary.

    Attributes
    ----------
    name : str
        As claims write it.
    title, meaning : str
        For people.
    dimension : str
        SI unit of the value; ``word`` or ``flag``; ``measure`` or ``observation`` where a condition decides it.
    subject, baseline : bool
        Whether the claim must name a chip, and a chip to compare with.
    conditions : tuple of Condition
        All it takes.
    """

    name: str
    title: Text
    meaning: Text
    dimension: str
    conditions: tuple[ConditionKind, ...]
    subject: bool = True
    baseline: bool = False

    def condition(self, name: str) -> ConditionKind | None:
        """The condition of that name."""
        return next((c for c in self.conditions if c.name == name), None)


# Units of claims beside those of facts and series.
_OWN: Mapping[str, tuple[str, float]] = {
    "%": ("1", 1 / 100),
    "times": ("1", 1.0),
    "token/s": ("token/s", 1.0),
}
# Units in which the law prints its quantities.
LEGAL_UNITS: Mapping[str, str] = {
    "tpp": "TPP",
    "performance_density": "TPP/mm2",
    "dram_bandwidth": "byte/s",
    "io_rate": "byte/s",
}
# What the law can answer in words; a claim that expects another word is a slip of the pen.
ANSWER_WORDS: Mapping[str, tuple[str, ...]] = {
    "eccn": ("not_3A090", "3A090(2022)", "3A090.a", "3A090.b", "3A090.c"),
    "licence_as_enforced": ("n/a", "required", "exception_available", "required_by_letter", "not_required"),
    "licence_on_books": ("required", "not_required"),
    "review_policy": (
        "presumption_of_denial",
        "case_by_case",
        "presumption_of_approval",
        "not_stated",
        "licences_being_issued",
        "none",
    ),
}
# Units of the market's paths, as claims write them.
_PATH_UNITS: Mapping[str, str] = {
    "usd_per_quarter": "USD",
    "units_per_quarter": "units",
    "units": "units",
    "h100e": "H100e",
    "h100e_effective": "H100e",
    "usd_per_hour": "USD per hour",  # no unit of claims: only compared with zero
    "wafers_per_quarter": "wafers",
    "dies_per_quarter": "dies",
    "stacks": "stacks",
    "1": "1",
}


def dimensions(
    quantity: ClaimQuantity, fixed: Mapping[str, Value], free: Mapping[str, tuple[Value, ...]], world: Library
) -> set[str]:
    """SI units that the quantity has over all its conditions; more than one where free conditions mix them."""

    def words(name: str) -> list[str]:
        return [str(v) for v in (free[name] if name in free else (fixed[name],))]

    if quantity.dimension == "measure":
        return {FACTS[m].dimension for m in words("measure")}
    if quantity.dimension == "legal":
        return {LEGAL_UNITS[m] for m in words("measure")}
    if quantity.dimension == "observation":
        return {_plain(world.book.find(o.split(" @ ")[0]).si_unit) for o in words("observation")}
    if quantity.dimension == "answer":
        return {"1" if a in ("duty", "revenue_share") else "word" for a in words("answer")}
    if quantity.dimension == "path":
        from chipwall.market.model.quantities import unit_of

        return {_PATH_UNITS.get(unit_of(p), "1") for p in words("path")}
    return {quantity.dimension}


def dimension_of_unit(symbol: str) -> str:
    """SI unit of a unit as claims write it; raises :class:`InputError` for one that nobody knows."""
    if symbol in _OWN:
        return _OWN[symbol][0]
    if symbol in SERIES_UNITS:
        return SERIES_UNITS[symbol][0]
    if symbol in (
        "units",
        "cards",
        "chips",
        "packages",
        "dies",
        "vendors",
        "firms",
        "fraction",
        "ratio",
        "H100e",
        "B300e",
        "stacks",
    ):
        return "1" if symbol in ("fraction", "ratio") else symbol
    return unit(symbol).dimension


def claim_si(value: float, symbol: str) -> float:
    """A claim's number in SI."""
    if symbol in _OWN:
        return value * _OWN[symbol][1]
    if symbol in SERIES_UNITS:
        return value * SERIES_UNITS[symbol][1]
    try:
        return to_si(value, symbol)
    except InputError:
        return float(value)  # counts are their own SI unit; dimension_of_unit has refused everything else


def _plain(symbol: str) -> str:
    return (
        "1"
        if symbol in ("fraction", "ratio", "probability", "fraction of US customer volume", "US/China ratio")
        else symbol
    )
