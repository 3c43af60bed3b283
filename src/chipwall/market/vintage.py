"""What had been published by a day: the strict cut of every forecast.

A number is known from the day it was first in print. Where the record holds a later compilation of an old number (a count
published years afterwards, a table of past revenue), the day is the end of its period plus the usual delay of its kind of
source; such rows are hindsight vintages and are counted in the output. From the first day of a period on, every value of
its own series is hidden, whatever the record holds by now.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

from chipwall.catalog.periods import Period, parse_period
from chipwall.catalog.series import Observation

__all__ = ["Cut", "cut_before", "first_public", "known_rows", "late_vintage"]

# Usual days between the end of a period and the first print, by the beginning of a series' name, else by its kind.
_DELAY_BY_NAME = (
    ("epoch_china_smuggled", 120),
    ("epoch_huawei", 90),
    ("epoch_cambricon", 90),
    ("epoch_", 85),
    ("idc_", 95),
    ("domestic_share_idc", 95),
    ("nvidia_share_china_idc", 95),
    ("nvidia_", 30),
    ("rental_", 5),
)
_DELAY_BY_KIND = {"flow": 50, "stock": 60, "share": 60, "price": 15, "rent": 5, "rate": 45, "ratio": 30}
_DELAY = 60


@dataclass(frozen=True, slots=True)
class Cut:
    """What a forecast may use: rows in print by ``known_on`` whose period ended before ``before``."""

    known_on: date
    before: date


def cut_before(period: Period, known_on: date | None = None) -> Cut:
    """The cut of a forecast of a period: the day before it begins, or an earlier day that was asked for."""
    assert period.start is not None
    eve = period.start - timedelta(days=1)
    return Cut(min(eve, known_on) if known_on else eve, period.start)


@lru_cache(maxsize=4096)
def _delay(series: str, kind: str) -> timedelta:
    for start, days in _DELAY_BY_NAME:
        if series.startswith(start):
            return timedelta(days=days)
    return timedelta(days=_DELAY_BY_KIND.get(kind, _DELAY))


def first_public(row: Observation, *, kind: str) -> date:
    """The first day on which the number of a row could be read.

    Limits
    ------
    For a hindsight vintage the value is today's, not the one that stood in print then.
    """
    assert row.period.end is not None
    usual = row.period.end + _delay(row.series, kind)
    printed = parse_period(row.vintage).end
    return usual if printed is None else min(printed, usual)


def late_vintage(row: Observation, *, kind: str, known_on: date) -> bool:
    """Whether the vintage that the record holds is later than the day it is used for."""
    printed = parse_period(row.vintage).end
    return printed is not None and printed > known_on >= first_public(row, kind=kind)


def known_rows(rows: Iterable[Observation], *, kind: str, cut: Cut) -> tuple[Observation, ...]:
    """Rows that a forecast may use, in order of time: dated, no forecasts, over before the cut and in print by it."""
    found = [
        o
        for o in rows
        if o.as_printed is not None
        and o.period.dated
        and not o.period.forecast
        and o.period.end is not None
        and o.period.end < cut.before
        and first_public(o, kind=kind) <= cut.known_on
    ]
    return tuple(sorted(found, key=lambda o: str(o.period.end)))
