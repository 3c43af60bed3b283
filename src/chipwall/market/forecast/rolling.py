"""Rolling origins: how each class of series goes on, fitted on what every series did after every cut, and judged on others.

For each value of each series, what had been published before its period began (and half a year and a year earlier) is put into the
filter of :mod:`chipwall.market.model.continuation`; the numbers of a class are those under which what then happened was most
likely, held near hand-written ones by a prior. Whole series are left out in turn to say how good that is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from chipwall.catalog.series import Observation, SeriesBook, load_series
from chipwall.market.forecast.observables import Observable, default_observable
from chipwall.market.model.continuation import (
    PastPoint,
    Piece,
    Trend,
    forecast,
    log_density,
    pieces_of,
    points_of,
    quarter_of,
    remainder,
)
from chipwall.market.model.load import continuation_classes
from chipwall.market.vintage import Cut, cut_before, known_rows

__all__ = ["FOLDS", "ForecastItem", "fitted_class", "fitted_toml", "items", "ranks_left_out"]

FOLDS = 3
HORIZONS = (0, 182, 365)  # days before the period begins
PRIOR_SD = 0.6  # of the log of a noise, of the logit of the damping; of the growth in units of 0.03 a quarter
MOST_WEIGHT = 3.0  # a series counts for at most this many of its values, whatever its length
NAMES = ("growth_sd", "level_noise", "growth_noise", "report_noise")


@dataclass(frozen=True, slots=True)
class ForecastItem:
    """One value and what was known of its series before: points, time and value in the transformed unit of its class."""

    series: str
    family: str
    period: str
    start: date
    known: tuple[PastPoint, ...]
    time: float
    value: float
    ahead: int


def items(
    book: SeriesBook,
    *,
    families: Mapping[str, Trend],
    observables: Mapping[str, Observable],
    until: date | None = None,
) -> tuple[ForecastItem, ...]:
    """Every value of every series that goes on by itself, from every origin that knows one value at least.

    Series whose legal supply is opened and closed by decisions (``policy`` in the observables) are left out: a trend is no
    forecast of a ban.
    """
    found = []
    for name, about in book.series.items():
        told = observables.get(name) or default_observable(about)
        if told.skip or told.policy:
            continue
        trend = families[told.family]
        for row in book.observations[name]:
            if row.as_printed is None or not row.period.dated or row.period.forecast or row.as_printed <= 0:
                continue
            if until is not None and not row.period.by(until):
                continue
            for days in HORIZONS:
                made = _item(row, book.observations[name], about.kind, told.increments, trend, days)
                if made is not None:
                    found.append(made)
    return tuple(found)


def _item(
    row: Observation, rows: Sequence[Observation], kind: str, increments: bool, trend: Trend, days: int
) -> ForecastItem | None:
    base = cut_before(row.period)
    known = known_rows(rows, kind=kind, cut=Cut(base.known_on - timedelta(days=days), base.before))
    made = steps_of(known, trend, row) if increments else values_of(known, kind, trend, row)
    if made is None:
        return None
    points, time, value = made
    assert row.period.start is not None
    return ForecastItem(row.series, trend.name, row.period.label, row.period.start, points, time, value, days)


Made = tuple[tuple[PastPoint, ...], float, float]


def values_of(known: Sequence[Observation], kind: str, trend: Trend, row: Observation) -> Made | None:
    """Points of a series before a row, and the row itself: a year whose half is known counts as its other half."""
    flow, at_end = kind == "flow", kind == "stock"
    pieces = pieces_of(known, flow=flow)
    asked = Piece(row.period.start, row.period.end, row.as_printed or 0.0, row.period.calendar_quarters)  # type: ignore[arg-type]
    left = remainder(asked, pieces) if flow else asked
    aim = points_of((left,), trend=trend, flow=flow, at_end=at_end) if left is not None else ()
    if not aim:
        return None
    points = tuple(p for p in points_of(pieces, trend=trend, flow=flow, at_end=at_end) if p.time <= aim[0].time)
    return (points, aim[0].time, aim[0].value) if points else None


def steps_of(known: Sequence[Observation], trend: Trend, row: Observation) -> Made | None:
    """Increments of a running total before a row, and the mean increment from the last total to the row."""
    ends = [(o.period.end, float(o.as_printed or 0.0)) for o in known if o.period.end is not None]
    steps = [
        Piece(a + timedelta(days=1), b, more - less, quarter_of(b) - quarter_of(a))
        for (a, less), (b, more) in pairwise(ends)
        if more > less
    ]
    points = points_of(steps, trend=trend, flow=True, at_end=False)
    if not points or row.period.end is None or (row.as_printed or 0.0) <= ends[-1][1]:
        return None
    last, total = ends[-1]
    length = quarter_of(row.period.end) - quarter_of(last)
    return points, quarter_of(last) + length / 2, float(np.log(((row.as_printed or 0.0) - total) / length))


def _moved(base: Trend, x: NDArray[np.float64]) -> Trend:
    """A class with its numbers moved; what all values share first, then the logs of the noises, then the damping."""
    told = {name: getattr(base, name) * float(np.exp(x[i + 1])) for i, name in enumerate(NAMES)}
    odds = np.log(base.damping / (1 - base.damping)) + x[5]
    return replace(base, growth=base.growth + 0.03 * float(x[0]), damping=float(1 / (1 + np.exp(-odds))), **told)


def fitted_class(found: Sequence[ForecastItem], *, base: Trend) -> Trend:
    """The numbers of a class under which what happened was most likely."""
    from scipy.optimize import minimize

    by_series: dict[str, list[ForecastItem]] = {}
    for item in found:
        by_series.setdefault(item.series, []).append(item)
    if not by_series:
        return base

    def cost(x: NDArray[np.float64]) -> float:
        trend, total = _moved(base, x), float(np.sum((x / PRIOR_SD) ** 2)) / 2
        for seen in by_series.values():
            density = [log_density(forecast(i.known, trend=trend, time=i.time), value=i.value) for i in seen]
            total -= sum(density) / len(HORIZONS) * min(1.0, MOST_WEIGHT * len(HORIZONS) / len(density))
        return total

    simplex = np.vstack([np.zeros(6), 0.4 * np.eye(6)])
    told = {"maxiter": 400, "xatol": 0.03, "fatol": 0.03, "initial_simplex": simplex}
    return _moved(base, minimize(cost, np.zeros(6), method="Nelder-Mead", options=told).x)


def ranks_left_out(found: Sequence[ForecastItem], *, families: Mapping[str, Trend]) -> list[tuple[ForecastItem, float]]:
    """Each item with its rank in the forecast of a class that was fitted without its series [1]."""
    ranks = []
    for name, base in families.items():
        members = [i for i in found if i.family == name]
        series = sorted({i.series for i in members})
        for fold in range(FOLDS):
            judged = set(series[fold::FOLDS])
            trend = fitted_class([i for i in members if i.series not in judged], base=base)
            ranks += [(i, _rank(i, trend)) for i in members if i.series in judged]
    return ranks


def _rank(item: ForecastItem, trend: Trend) -> float:
    made = forecast(item.known, trend=trend, time=item.time)
    z = (item.value - made.mean) / made.sd
    angle = np.arctan(z / np.sqrt(3.0))  # distribution function of Student with three degrees of freedom
    return float(0.5 + (angle + np.sin(angle) * np.cos(angle)) / np.pi)


def fitted_toml(found: Sequence[ForecastItem], *, priors: Mapping[str, Trend]) -> str:
    """``data/continuation.toml`` anew: the hand-written classes of ``continuation-prior.toml`` with fitted numbers."""
    lines = [
        "# Written by `python -m chipwall.market.forecast.rolling`: how a series goes on, by class; see continuation-prior.toml.",
        "# Fitted on every value in the record from origins up to a year before its period: these are constants that later rows",
        "# informed, and the back-test names them so.",
    ]
    for name, base in priors.items():
        trend = fitted_class([i for i in found if i.family == name], base=base)
        lines += ["", f"[class.{name}]", f'transform = "{trend.transform}"', f"growth = {trend.growth:.4f}"]
        lines += [f"{n} = {getattr(trend, n):.4f}" for n in NAMES]
        lines += [f"damping = {trend.damping:.4f}", f"season = {trend.season:g}"]
        lines += [f"values = {len({(i.series, i.period) for i in found if i.family == name})}"]
    return "\n".join(lines)


if __name__ == "__main__":
    from chipwall.catalog.series import load_series
    from chipwall.market.forecast.load import shipped_knowledge
    from chipwall.market.model.load import continuation_classes

    written = continuation_classes(prior=True)
    print(fitted_toml(items(load_series(), families=written, observables=shipped_knowledge().observables), priors=written))
