"""Clauses: each threshold test stated once, run on one item with reasons or on arrays of items at speed.

A clause is a list of tests that must all hold. Truth has three values: True, False, and None for *cannot tell*; an
unknown operand never turns into a no. The operators are the ones the text prints, and Python's own operators serve
both forms: decimals compare exactly, and NumPy arrays of the same numbers compare element by element.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from chipwall.controls.records import Comparison

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = [
    "OPERATORS",
    "Clause",
    "DatedLimit",
    "Interval",
    "LegalNumber",
    "Test",
    "all_of",
    "any_of",
    "arrays_verdict",
    "clause_met",
    "comparisons",
]


@dataclass(frozen=True, slots=True)
class Interval:
    """A number that its source leaves open between two bounds; a limit between them decides nothing."""

    low: Decimal
    value: Decimal
    high: Decimal


LegalNumber = Decimal | bool | Interval | None
Truth = bool | None
OPERATORS: Mapping[str, Callable[[Any, Any], Any]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
    "is": operator.eq,
}
_WORDS = {"yes": True, "no": False}
_TEST = re.compile(r"^(\w+) (>=|<=|>|<|is) ([\w.-]+)$")


@dataclass(frozen=True, slots=True)
class Test:
    """``operand operator limit``: the limit is the id of a dated parameter, or yes or no."""

    __test__ = False  # the word belongs to the law here; pytest must not collect it
    operand: str
    operator: str
    limit: str

    @classmethod
    def parse(cls, words: str) -> Test | None:
        """A test as a data file writes it, or None if it is not one."""
        match = _TEST.match(words)
        return cls(match[1], match[2], match[3]) if match else None

    def __str__(self) -> str:
        return f"{self.operand} {self.operator} {self.limit}"


@dataclass(frozen=True, slots=True)
class Clause:
    """Tests that must all hold, for one outcome, under one dated rule.

    ``family`` groups clauses that are read together (``processor``, ``memory``, ``duty``, one letter); inside a family,
    clauses with the same outcome are alternatives.
    """

    id: str
    rule: str
    family: str
    outcome: str
    paragraph: str
    title: str
    tests: tuple[Test, ...]


@dataclass(frozen=True, slots=True)
class DatedLimit:
    """The value of a parameter on a date, with its unit and citation."""

    value: Decimal
    unit: str
    citation: str


def all_of(truths: Iterable[Truth]) -> Truth:
    """Whether all hold: one False decides; otherwise one unknown leaves it open."""
    found: Truth = True
    for truth in truths:
        if truth is False:
            return False
        if truth is None:
            found = None
    return found


def any_of(truths: Iterable[Truth]) -> Truth:
    """Whether any holds: one True decides; otherwise one unknown leaves it open."""
    found: Truth = False
    for truth in truths:
        if truth is True:
            return True
        if truth is None:
            found = None
    return found


def _limit(test: Test, limits: Mapping[str, DatedLimit]) -> Decimal | bool | None:
    if test.limit in _WORDS:
        return _WORDS[test.limit]
    return limits[test.limit].value if test.limit in limits else None


def _truth(test: Test, numbers: Mapping[str, LegalNumber], limits: Mapping[str, DatedLimit]) -> Truth:
    value, limit = numbers.get(test.operand), _limit(test, limits)
    if limit is None:  # the parameter does not exist on this date, so the clause cannot be met
        return False
    if isinstance(value, Interval):
        both = {bool(OPERATORS[test.operator](end, limit)) for end in (value.low, value.high)}
        return both.pop() if len(both) == 1 else None
    return None if value is None else bool(OPERATORS[test.operator](value, limit))


def clause_met(clause: Clause, numbers: Mapping[str, LegalNumber], limits: Mapping[str, DatedLimit]) -> Truth:
    """Whether a clause is met by these numbers: True, False, or None when a missing number decides."""
    return all_of(_truth(test, numbers, limits) for test in clause.tests)


def comparisons(
    clause: Clause, numbers: Mapping[str, LegalNumber], *, limits: Mapping[str, DatedLimit], provenance: Mapping[str, str]
) -> tuple[Comparison, ...]:
    """Every test of a clause with operand, limit, margin and where both come from."""
    found = []
    for test in clause.tests:
        value, limit = numbers.get(test.operand), _limit(test, limits)
        if limit is None:
            continue
        known = limits.get(test.limit)
        result = _truth(test, numbers, limits)
        if isinstance(value, Interval):
            value = value.value
        margin = value - limit if isinstance(value, Decimal) and isinstance(limit, Decimal) else None
        found.append(
            Comparison(
                clause=clause.id,
                paragraph=clause.paragraph,
                operand=test.operand,
                value=value,
                operator=test.operator,
                limit=limit,
                unit=known.unit if known else "",
                result=result,
                margin=margin,
                margin_ratio=margin / Decimal(limit) if margin is not None and limit else None,
                citation=known.citation if known else clause.paragraph,
                provenance=provenance.get(test.operand, ""),
            )
        )
    return tuple(found)


def arrays_verdict(
    clause: Clause, columns: Mapping[str, NDArray[np.float64]], *, limits: Mapping[str, DatedLimit], size: int
) -> tuple[NDArray[np.bool_], NDArray[np.bool_] | None]:
    """The same clause on arrays: where it is met, and where it cannot be told.

    Parameters
    ----------
    columns : mapping of str to array
        Operands in the units of the limits; NaN is unknown, and yes or no is 1 or 0. A column left out is unknown.
    size : int
        Rows of the columns.

    Returns
    -------
    met : array of bool
        Where every test holds.
    undecided : array of bool or None
        Where a missing number decides; None stands for nowhere, which is the common case and costs nothing.
    """
    import numpy as np

    met: NDArray[np.bool_] | None = None
    undecided: NDArray[np.bool_] | None = None
    for test in clause.tests:
        limit, values = _limit(test, limits), columns.get(test.operand)
        if limit is None:
            return np.zeros(size, dtype=bool), None
        if values is None:
            holds, unknown = np.zeros(size, dtype=bool), np.ones(size, dtype=bool)
        else:
            holds = np.asarray(OPERATORS[test.operator](values, float(limit)), dtype=bool)
            # NaN fails every comparison, so it can only hide among the rows where the test does not hold
            unknown = np.isnan(values)
        if undecided is not None or unknown.any():
            before = np.ones(size, dtype=bool) if met is None else met
            open_before = np.zeros(size, dtype=bool) if undecided is None else undecided
            undecided = (open_before & (holds | unknown)) | (before & unknown)
        met = holds if met is None else met & holds
    assert met is not None  # a clause without tests does not load
    return met, undecided
