"""A quarterly quantity of the model over any period in which a table writes a number."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from chipwall.catalog.periods import Period, parse_period
from chipwall.errors import Unknown
from chipwall.text import text

__all__ = ["late_period", "over_period"]

Draws = NDArray[np.float64]
FISCAL_SHIFT = timedelta(days=27)  # Nvidia's quarters end four weeks after the calendar's


def over_period(quantity: Draws, quarters: Sequence[str], period: Period, *, flow: bool, at_end: bool) -> Draws:
    """A quarterly quantity of the model over a period: its sum, its mean, or its value on the last day.

    A fiscal quarter of Nvidia is the calendar quarter nearest to it.
    """
    assert period.start is not None
    assert period.end is not None
    starts = [parse_period(q) for q in quarters]
    first, last = period.start, period.end
    if period.form in ("fiscal quarter", "fiscal year"):
        middle = first + (last - first) / 2 - FISCAL_SHIFT
        near = min(range(len(quarters)), key=lambda i: abs((_middle(starts[i]) - middle).days))
        if period.form == "fiscal quarter":
            first, last = starts[near].start or first, starts[near].end or last
        else:
            first, last = date(middle.year, 1, 1), date(middle.year, 12, 31)
    begin, finish = starts[0].start, starts[-1].end
    assert begin is not None
    assert finish is not None
    if last > finish or first < begin:
        raise Unknown(
            text(
                "{label} lies outside the simulated quarters {first} to {last}",
                label=period.label,
                first=quarters[0],
                last=quarters[-1],
            )
        )
    if at_end:
        return _on_day(quantity, starts, last)
    weights = np.array([_overlap(q, first, last) for q in starts])
    return np.asarray(quantity @ (weights if flow else weights / weights.sum()))


def _middle(period: Period) -> date:
    assert period.middle is not None
    return period.middle


def _overlap(quarter: Period, first: date, last: date) -> float:
    """Share of a quarter that a stretch of days takes."""
    assert quarter.start is not None
    assert quarter.end is not None
    days = (min(quarter.end, last) - max(quarter.start, first)).days + 1
    return max(0, days) / ((quarter.end - quarter.start).days + 1)


def _on_day(quantity: Draws, quarters: Sequence[Period], day: date) -> Draws:
    """A stock on a day, straight between the ends of quarters."""
    index = next(i for i, q in enumerate(quarters) if q.end is not None and q.end >= day)
    share = _overlap(quarters[index], date(1, 1, 1), day)
    before = quantity[:, index - 1] if index else np.zeros(quantity.shape[0])
    return np.asarray(before + share * (quantity[:, index] - before))


def late_period(period: Period) -> Period:
    """A fiscal quarter as the calendar quarter it ends in."""
    if period.form != "fiscal quarter" or period.end is None:
        return period
    return parse_period(f"{period.end.year}Q{(period.end.month + 2) // 3}")
