"""Numbers that carry their own arithmetic in words, so that the formula printed is the formula computed.

A memory formula is written once, with ``+ - * /`` and the four helpers here. Fed floats or arrays it gives numbers, for a
sweep; fed :class:`Amount` it gives one number and the same formula with its numbers filled in. Steps that change nothing
(times one, plus nothing) leave no trace, so a chip alone prints a short formula and a cluster a long one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from chipwall.perf.numeric import Numeric
from chipwall.text import Text, text
from chipwall.units import GIGA

__all__ = ["Amount", "ceiling", "either", "larger", "named", "number_of", "smaller", "words_of"]

SUM, PRODUCT, ATOM = 0, 1, 2


def figure(value: float) -> str:
    """A count as people write it: whole where it is whole, six digits otherwise."""
    return f"{value:,.0f}" if float(value).is_integer() and abs(value) < GIGA else f"{value:.6g}"


@dataclass(frozen=True, slots=True, eq=False)
class Amount:
    """A number and the arithmetic that gave it.

    Attributes
    ----------
    value : float
        The number.
    words : Text
        Its arithmetic; a name after a number says what it counts.
    level : int
        What binds least in the words: a sum, a product, or nothing.
    """

    value: float
    words: Text
    level: int = ATOM

    def __float__(self) -> float:
        return self.value

    def __add__(self, other: Any) -> Amount:
        b = _amount(other)
        if b.value == 0.0 or self.value == 0.0:
            return self if b.value == 0.0 else b
        return Amount(self.value + b.value, text("{before} + {after}", before=self.words, after=b.words), SUM)

    def __radd__(self, other: Any) -> Amount:
        return _amount(other) + self

    def __sub__(self, other: Any) -> Amount:
        b = _amount(other)
        if b.value == 0.0:
            return self
        return Amount(
            self.value - b.value, text("{before} - {after}", before=self.words, after=_inside(b, PRODUCT)), SUM
        )

    def __rsub__(self, other: Any) -> Amount:
        return _amount(other) - self

    def __mul__(self, other: Any) -> Amount:
        b = _amount(other)
        if b.value == 0.0 or self.value == 0.0:
            return Amount(0.0, Text("0"))
        if b.value == 1.0 and not isinstance(other, Amount):
            return self
        if self.value == 1.0 and self.words == "1":
            return b
        words = text("{first} x {second}", first=_inside(self, PRODUCT), second=_inside(b, PRODUCT))
        return Amount(self.value * b.value, words, PRODUCT)

    def __rmul__(self, other: Any) -> Amount:
        if not isinstance(other, Amount) and float(other) == 1.0:
            return self
        return _amount(other) * self

    def __truediv__(self, other: Any) -> Amount:
        b = _amount(other)
        if b.value == 1.0 or self.value == 0.0:
            return self
        words = text("{first} / {second}", first=_inside(self, PRODUCT), second=_inside(b, ATOM))
        return Amount(self.value / b.value, words, PRODUCT)

    def __rtruediv__(self, other: Any) -> Amount:
        return _amount(other) / self


def _amount(value: Any) -> Amount:
    return value if isinstance(value, Amount) else Amount(float(value), Text(figure(float(value))))


def _inside(a: Amount, level: int) -> Text:
    return text("({words})", words=a.words) if a.level < level else a.words


def named(value: float, what: Text | str = "") -> Amount:
    """A number with the name of what it counts: ``named(61, text("layers"))`` prints ``61 layers``.

    Counts of a thousand million and more are written in billions.
    """
    if abs(value) >= GIGA:
        shown = text("{count:.6g} billion", count=float(value) / GIGA)
        return Amount(float(value), text("{count} {what}", count=shown, what=what) if what else shown)
    shown = Text(figure(float(value)))
    return Amount(float(value), text("{count} {what}", count=shown, what=what) if what else shown)


def number_of(value: Any) -> Any:
    """The plain number of an amount; anything else as it is."""
    return value.value if isinstance(value, Amount) else value


def words_of(value: Any) -> Text:
    """The arithmetic of an amount; ``0 B`` for nothing."""
    return value.words if isinstance(value, Amount) and value.value else text("0 B")


def either(condition: Any, a: Numeric, b: Numeric) -> Any:
    """``a`` where the condition holds, else ``b``."""
    if isinstance(a, Amount) or isinstance(b, Amount):
        return a if bool(number_of(condition)) else b
    chosen: Any = np.where(condition, a, b)
    return chosen[()]


def larger(a: Numeric, b: Numeric) -> Any:
    """The larger of the two, with its own words."""
    if isinstance(a, Amount) or isinstance(b, Amount):
        return a if float(a) >= float(b) else b
    return np.maximum(a, b)


def smaller(a: Numeric, b: Numeric) -> Any:
    """The smaller of the two, with its own words."""
    if isinstance(a, Amount) or isinstance(b, Amount):
        return a if float(a) <= float(b) else b
    return np.minimum(a, b)


def ceiling(a: Numeric) -> Any:
    """Rounded up to a whole number."""
    if isinstance(a, Amount):
        whole = float(np.ceil(a.value))
        return a if whole == a.value else Amount(whole, text("rounded up {words}", words=_inside(a, ATOM)), ATOM)
    return np.ceil(a)
