"""Forecasts made and checked before the data cut: how wide the bands of a class of series must be.

At each origin only what was over by then is used, and everything up to the cut is scored. The scale of a class is the
one that makes those forecasts most likely, held near 1 by a prior because a class has few series.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache
from itertools import pairwise

import numpy as np

from chipwall.catalog.series import CONTEXT, Book, Observation, load
from chipwall.errors import Unknown
from chipwall.market.forecast.continuation import (
    Piece,
    Trend,
    forecast,
    log_density,
    pieces_of,
    points_of,
    quarter_of,
)
from chipwall.market.forecast.observables import default_observable, observables, trends
from chipwall.market.forecast.predictive import Knowledge, last_value, predictive
from chipwall.market.forecast.scoring import continuous_ranked_probability_score, covered

__all__ = ["CUT", "Check", "band_widths", "checks", "fitted_scales"]

SCALES = (0.4, 0.5, 0.6, 0.7, 0.85, 1.0, 1.2, 1.45, 1.75, 2.1, 2.5)
CUT = date(2025, 6, 30)  # last day of the data that anything is fitted to
WIDENINGS = (0.7, 0.8, 0.9, 1.0, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6)
# From the first quarter in which the jump of mid-2023 was in the data: before it, no trend of any width foresaw it.
ORIGINS = (
    *(date(2023, 9, 30), date(2023, 12, 31)),
    *(date(2024, 3, 31), date(2024, 6, 30), date(2024, 9, 30), date(2024, 12, 31)),
)
PRIOR_SD = 0.35  # of the log of a scale: a class is believed to within a factor of about two


@dataclass(frozen=True, slots=True)
class Check:
    """One forecast made before the cut and what happened, on the transformed and on the printed scale."""

    series: str
    family: str
    origin: date
    period: str
    crps: float
    crps_last_value: float | None
    inside: bool


def _families(book: Book) -> Iterator[tuple[str, str, bool]]:
    """Series that go on by themselves: id, class, whether by increments."""
    for name, about in book.series.items():
        told = observables().get(name) or default_observable(about)
        # where the model has a part, the series' own trend is not what will be scored
        if told.family and not told.skip and not told.terms:
            yield name, told.family, told.increments


def _pieces(rows: Sequence[Observation], *, flow: bool, increments: bool) -> tuple[Piece, ...]:
    if not increments:
        return pieces_of(rows, flow=flow)
    stock = pieces_of(rows, flow=False)
    return tuple(
        Piece(a.end, b.end, b.value - a.value, quarter_of(b.end) - quarter_of(a.end))
        for a, b in pairwise(stock)
        if b.value > a.value and b.end > a.end
    )


def fitted_scales(book: Book, *, trends: Mapping[str, Trend], cut: date) -> dict[str, float]:
    """The scale of the standard deviations of each class.

    Every value of a series after its first is forecast from every origin before it; the origins of one value share one
    vote. Values added for context count like the rest.
    """
    votes: dict[str, list[tuple[tuple[Piece, ...], Piece, bool, bool]]] = {}
    for name, family, increments in _families(book):
        about = book.series[name]
        flow, at_end = about.kind == "flow" or increments, about.kind == "stock" and not increments
        rows = [o for o in book.observations[name] if o.as_printed is not None and o.period.by(cut)]
        pieces = _pieces(rows, flow=flow, increments=increments)
        for index in range(1, len(pieces)):
            votes.setdefault(family, []).append((pieces[:index], pieces[index], flow, at_end))
    return {family: _scale(told, trend=trends[family]) for family, told in sorted(votes.items())}


def _scale(votes: Sequence[tuple[tuple[Piece, ...], Piece, bool, bool]], *, trend: Trend) -> float:
    """The scale under which what happened was most likely, with a prior around 1."""

    def support(scale: float) -> float:
        total, wide = -((np.log(scale) / PRIOR_SD) ** 2) / 2, trend.scaled(scale)
        for before, target, flow, at_end in votes:
            aim = points_of((target,), trend=wide, flow=flow, at_end=at_end)
            dated = [p for p in before if p.end < target.end]
            if not aim or not dated:
                continue
            origins = [dated[:end] for end in range(max(1, len(dated) - 3), len(dated) + 1)]
            each = []
            for known in origins:
                points = points_of(known, trend=wide, flow=flow, at_end=at_end)
                if points:
                    each.append(log_density(forecast(points, trend=wide, time=aim[0].time), value=aim[0].value))
            total += float(np.mean(each)) if each else 0.0
        return float(total)

    return max(SCALES, key=support)


def checks(knowledge: Knowledge, *, origin: date, until: date) -> list[Check]:
    """Forecasts of series that go on by themselves, made on one day and checked on values that were over by another.

    Rows added for context are used to forecast and not to check.
    """
    then, found = replace(knowledge, cut=origin), []
    for name, family, _ in _families(knowledge.book):
        for row in knowledge.book.observations[name]:
            value = row.as_printed
            if value is None or row.table == CONTEXT or not row.period.by(until) or row.period.by(origin):
                continue
            try:
                made = predictive(name, row.period, knowledge=then)
            except Unknown:
                continue
            simple = last_value(name, row.period, knowledge=then)
            found.append(
                Check(
                    name,
                    family,
                    origin,
                    row.period.label,
                    continuous_ranked_probability_score(made.draws, value=value),
                    None if simple is None else abs(simple - value),
                    covered(made.draws, value=value),
                )
            )
    return found


@lru_cache(maxsize=1)
def band_widths() -> tuple[dict[str, float], dict[str, float], tuple[Check, ...]]:
    """Widths of the bands of series that go on by themselves.

    Returns
    -------
    scales, check, checks
        Factor on the standard deviations of each class; the honest check (widths from data to the end of 2024, scored on
        the first half of 2025); its points.
    """
    book = load()
    early = _widened(book, until=ORIGINS[-1])
    last = checks(_knowledge(book, early), origin=ORIGINS[-1], until=CUT)
    return _widened(book, until=CUT), _summary(last), tuple(last)


def _knowledge(book: Book, scales: Mapping[str, float]) -> Knowledge:
    return Knowledge(
        book, CUT, {name: trend.scaled(scales.get(name, 1.0)) for name, trend in trends().items()}, None, 400
    )


def _widened(book: Book, *, until: date) -> dict[str, float]:
    """Most likely scales, widened until nine in ten forecasts of the years before were inside.

    A class has few checks and they overlap, so its own factor is averaged (on the log) with that of all classes.
    """
    scales = fitted_scales(book, trends=trends(), cut=until)
    inside: dict[float, dict[str, list[bool]]] = {}
    for factor in WIDENINGS:
        knowledge = _knowledge(book, {name: factor * scale for name, scale in scales.items()})
        found: dict[str, list[bool]] = {}
        for made in (c for origin in ORIGINS if origin < until for c in checks(knowledge, origin=origin, until=until)):
            found.setdefault(made.family, []).append(made.inside)
        inside[factor] = found

    def least(families: Sequence[str]) -> float:
        for factor, found in inside.items():
            seen = [hit for family in families for hit in found.get(family, [])]
            if not seen or np.mean(seen) >= 0.9:
                return factor
        return WIDENINGS[-1]

    together = least(tuple(scales))
    return {
        name: round(scale * float(np.sqrt(together * (least((name,)) if name in inside[1.0] else together))), 3)
        for name, scale in scales.items()
    }


def _summary(made: Sequence[Check]) -> dict[str, float]:
    by_series: dict[str, list[Check]] = {}
    for check in made:
        by_series.setdefault(check.series, []).append(check)
    compared = [v for v in by_series.values() if all(c.crps_last_value is not None for c in v)]
    better = [sum(c.crps for c in v) < sum(c.crps_last_value or 0.0 for c in v) for v in compared]
    return {
        "points": float(len(made)),
        "series": float(len(by_series)),
        "coverage_90": float(np.mean([c.inside for c in made])) if made else float("nan"),
        "share_better_than_last_value": float(np.mean(better)) if better else float("nan"),
    }
