"""Axes: from a number to a place, and the round numbers between its ends."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

__all__ = ["Scale", "linear_scale", "log_scale"]


@dataclass(frozen=True, slots=True)
class Scale:
    """From ``low`` to ``high`` on ``start`` to ``end`` [px]; ``ticks`` are round numbers in between."""

    low: float
    high: float
    start: float
    end: float
    log: bool
    ticks: tuple[float, ...]

    def at(self, value: float) -> float:
        """The place of a value [px], held inside the axis."""
        low, high, value = (math.log10(v) if self.log else v for v in (self.low, self.high, self._held(value)))
        return self.start + (value - low) / (high - low) * (self.end - self.start)

    def _held(self, value: float) -> float:
        return min(max(value, self.low), self.high)


def linear_scale(values: Iterable[float], start: float, end: float, *, zero: bool = False, most: int = 5) -> Scale:
    """A linear axis over these values, from round number to round number."""
    known = [v for v in values if math.isfinite(v)]
    low, high = min(known), max(known)
    low, high = (min(low, 0.0), max(high, 0.0)) if zero else (low, high)
    if high <= low:
        low, high = low - (abs(low) or 1.0), high + (abs(high) or 1.0)
    step = _step((high - low) / most)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    ticks = tuple(step * i for i in range(first, last + 1))
    return Scale(ticks[0], ticks[-1], start, end, False, ticks)


def _step(rough: float) -> float:
    """The next of 1, 2, 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(rough))
    return next(power * m for m in (1, 2, 5, 10) if power * m >= rough * 0.999)


def log_scale(values: Iterable[float], start: float, end: float, *, room: float = 1.15, most: int = 6) -> Scale:
    """A logarithmic axis over these positive values with a little room at both ends."""
    known = [v for v in values if v > 0 and math.isfinite(v)]
    low, high = min(known) / room, max(known) * room
    if high / low < 2:
        middle = math.sqrt(low * high)
        low, high = middle / 1.5, middle * 1.5
    for steps in ((1, 2, 5), (1, 3), (1,)):
        ticks = [
            m * 10.0**p
            for p in range(math.floor(math.log10(low)) - 1, math.ceil(math.log10(high)) + 1)
            for m in steps
            if low <= m * 10.0**p <= high
        ]
        if len(ticks) <= most:
            break
    return Scale(low, high, start, end, True, tuple(ticks))
