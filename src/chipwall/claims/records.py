"""The nouns of a claim: what somebody said, stated as data, and what comes out when it is computed.

A :class:`Claim` is a sentence with a typed form: a quantity of the closed vocabulary, conditions that the sentence fixes,
conditions that it leaves open, a relation and a value. A :class:`Verdict` says whether it holds, where, and why.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Literal, get_args

from numpy import float64
from numpy.typing import NDArray

__all__ = [
    "CODES",
    "RELATIONS",
    "VERDICTS",
    "Claim",
    "ClaimAnswer",
    "Code",
    "Point",
    "Reading",
    "Region",
    "RegionTest",
    "Relation",
    "Value",
    "Verdict",
    "number_at",
]

# What a condition or a quantity can be.
Value = str | float | bool | date
Relation = Literal["about", "at least", "at most", "between", "grows by", "is", "is true"]
RELATIONS: tuple[Relation, ...] = get_args(Relation)
ClaimAnswer = Literal["supported", "contradicted", "depends", "cannot tell", "stale evidence"]
VERDICTS: tuple[ClaimAnswer, ...] = get_args(ClaimAnswer)
# What a statement of a text can come out as; people read words, files read these.
Code = Literal[
    "supported",
    "contradicted",
    "depends",
    "cannot_tell",
    "stale_evidence",
    "no_mechanism",
    "claimant_only",
    "not_computable",
]
CODES: tuple[Code, ...] = get_args(Code)


def number_at(at: Mapping[str, Value], name: str) -> float:
    """The condition of this name, a number by the vocabulary."""
    value = at[name]
    assert isinstance(value, float)
    return value


@dataclass(frozen=True, slots=True)
class Claim:
    """One sentence, stated so that it can be computed.

    Attributes
    ----------
    id : str
        ``h200-memory``.
    statement, statement_zh : str
        The sentence in our own words.
    by, said : str
        Who said it, and when, as exact as known.
    quantity : str
        A name of :data:`chipwall.claims.quantities.CLAIM_QUANTITIES`.
    subject, baseline : str
        Chip ids, resolved; empty where the quantity takes none.
    fixed : mapping
        Conditions with one value each; defaults of the vocabulary are filled in.
    free : mapping
        Conditions that the sentence leaves open, with the values that are tried.
    relation : str
        One of :data:`RELATIONS`.
    value : float, str or bool
        In SI, or a word; the lower end of ``between``.
    upper : float
        The upper end of ``between``, SI.
    unit : str
        As the claim writes it.
    tolerance : float
        Relative [1]: ``about 6`` with 0.1 means 5.4 to 6.6.
    note, note_zh : str
        What a reader must know.
    file, line : str, int
        Where it stands.
    """

    id: str
    statement: str
    quantity: str
    relation: Relation
    value: float | str | bool
    statement_zh: str = ""
    by: str = ""
    said: str = ""
    subject: str = ""
    baseline: str = ""
    fixed: Mapping[str, Value] = field(default_factory=dict, hash=False)
    free: Mapping[str, tuple[Value, ...]] = field(default_factory=dict, hash=False)
    upper: float = 0.0
    unit: str = "1"
    tolerance: float = 0.0
    note: str = ""
    note_zh: str = ""
    file: str = ""
    line: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """A quantity at one point of the conditions.

    Attributes
    ----------
    value : float, str, bool or None
        SI, or a word; None when it cannot be computed (``unknown`` says why).
    low, high : float or None
        The interval of the number; equal to the value where the number is exact.
    sources : tuple of str
        Ids of the sources used.
    calculation : str
        The arithmetic with its numbers, translatable.
    unknown : str
        Why there is no value.
    basis : str
        ``exact`` (facts and arithmetic), ``interval`` (the source's or the model's), ``draws`` (a simulation).
    dated : date or None
        Last day that a quote speaks of, where the number ages.
    sample : array or None
        Draws of the value, where it comes from a simulation.
    """

    value: float | str | bool | None
    low: float | None = None
    high: float | None = None
    sources: tuple[str, ...] = ()
    calculation: str = ""
    unknown: str = ""
    basis: str = "exact"
    dated: date | None = None
    sample: NDArray[float64] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Point:
    """One combination of free conditions, what was computed there, and whether the claim holds (None: cannot tell)."""

    conditions: Mapping[str, Value]
    reading: Reading
    holds: bool | None
    probability: float | None = None


@dataclass(frozen=True, slots=True)
class RegionTest:
    """One comparison of a description: a condition, ``<=``, ``>=``, ``is``, ``is not`` or ``is one of``, and values."""

    __test__ = False  # pytest must not collect it

    condition: str
    operator: Literal["<=", ">=", "is", "is not", "is one of"]
    values: tuple[Value, ...]

    def holds(self, conditions: Mapping[str, Value]) -> bool:
        """Whether a point passes."""
        found = conditions.get(self.condition)
        if found is None:
            return False
        if self.operator in ("<=", ">="):
            limit = self.values[0]
            return bool(found <= limit if self.operator == "<=" else found >= limit)  # type: ignore[operator]
        return (found in self.values) != (self.operator == "is not")


@dataclass(frozen=True, slots=True)
class Region:
    """Where a claim holds: any of ``rules``, each a conjunction of tests; ``accuracy`` is the share of points it gets right [1]."""

    rules: tuple[tuple[RegionTest, ...], ...]
    accuracy: float


@dataclass(frozen=True, slots=True, eq=False)
class Verdict:
    """Whether a claim holds.

    Attributes
    ----------
    claim : Claim
        What was asked.
    answer : str
        One of :data:`VERDICTS`.
    value : float, str, bool or None
        SI; the median over points where conditions are free, or the commonest word.
    low, high : float or None
        Least and greatest end of the intervals over all points.
    share_holding, share_unknown : float
        Share of the points at which the claim holds, and at which nobody can tell [1].
    probability : float or None
        Where the number comes from draws: share of the draws in which the relation holds, averaged over points [1].
    region : Region or None
        For ``depends``: the simplest description found of where it holds.
    fails : Region or None
        For ``cannot tell`` with some points refuted: the simplest description of where it fails.
    points : tuple of Point
        Everything that was computed.
    sources : tuple of str
        Ids of all sources used.
    """

    claim: Claim
    answer: ClaimAnswer
    value: float | str | bool | None
    low: float | None
    high: float | None
    share_holding: float
    share_unknown: float
    probability: float | None
    region: Region | None
    fails: Region | None
    points: tuple[Point, ...]
    sources: tuple[str, ...]
