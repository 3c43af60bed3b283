"""The forecast of any series in any period, as draws in the unit of the tables.

A forecast uses what had been published before its period began (:mod:`chipwall.market.vintage`). The simulation gives
draws where it
has the quantity, exactly those that ``simulate record --known-on`` prints; elsewhere the series goes on by itself, and the
output calls that a trend. What can be done by neither raises :class:`~chipwall.errors.Unknown` with the reason.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from chipwall.catalog.periods import Period, parse_period
from chipwall.catalog.series import SERIES_UNITS, Observation, Series
from chipwall.errors import Unknown
from chipwall.market.forecast.aggregation import late_period, over_period
from chipwall.market.forecast.baseline import LEAST, Ruler, ruler
from chipwall.market.forecast.knowledge import Knowledge
from chipwall.market.forecast.observables import NOT_PREDICTED, Observable, Summand
from chipwall.market.model.continuation import (
    Piece,
    Trend,
    forecast,
    pieces_of,
    points_of,
    quantile_draws,
    quarter_of,
    remainder,
)
from chipwall.market.vintage import Cut, cut_before
from chipwall.text import text

__all__ = ["Forecast", "last_value", "predictive", "trend_rule"]

Draws = NDArray[np.float64]

# A derived number gives way to a past of its own: half at this many values.
OWN_PAST = 2.0
# First day of the quarter in which Washington shut the gate on the H20 (letter of 2025-04-09): numbers of another regime.
SHUT = date(2025, 4, 1)
# Ranges by hand that proved too wide: nine in ten values of these classes lay in their 50 percent band.
HAND_WIDTH = {"price": 0.7, "cost": 0.65}
AS_IS = "as is"  # the unit of a term that needs no conversion


@dataclass(frozen=True, slots=True)
class At:
    """What may be used, and the cut of the forecast that is made."""

    knowledge: Knowledge
    cut: Cut

    def rows(self, series_id: str) -> tuple[Observation, ...]:
        """Rows of a series known by the cut."""
        return self.knowledge.rows(series_id, self.cut)


@dataclass(frozen=True, slots=True)
class Forecast:
    """Draws of a series in a period, in the unit of the tables, and how they were made."""

    series: str
    period: Period
    draws: Draws
    basis: str
    family: str
    cut: Cut


def predictive(series_id: str, period: Period, *, knowledge: Knowledge) -> Forecast:
    """The forecast of a series in a period, from what had been published before the period began.

    Parameters
    ----------
    series_id : str
        A series of the catalogue.
    period : Period
        Any dated form.
    knowledge : Knowledge
        What may be used; its ``known_on`` holds if it is earlier.

    Raises
    ------
    Unknown
        The series is words or a constant, the period has no date, the model has no such quantity and the series has no past, or
        the period lies outside the simulation.

    Limits
    ------
    Scores over rolling cuts, by class, are in docs/market-data.md.
    """
    about = knowledge.book.find(series_id)
    told = knowledge.observable(series_id)
    if told.skip:
        raise Unknown(NOT_PREDICTED[told.skip])
    if not period.dated or period.end is None:
        raise Unknown(text("the period '{label}' names no time", label=period.label))
    at = At(knowledge, cut_before(period, knowledge.known_on))
    return Forecast(series_id, period, _draws(about, told, period, at=at), told.basis, told.family, at.cut)


def _same(a: Period, b: Period) -> bool:
    return (a.start, a.end) == (b.start, b.end)


def _seeded(*words: str) -> np.random.Generator:
    """A generator that depends on nothing but the words, so that a forecast is the same whatever else is asked."""
    return np.random.default_rng(zlib.crc32("|".join(words).encode()))


def _draws(about: Series, told: Observable, period: Period, *, at: At) -> Draws:
    """Draws of the model's part and of the series' own continuation, mixed; of either where the other has nothing to say."""
    own = model = None
    problem: Unknown | None = None
    if told.terms:
        try:
            model = _modelled(about, told, period, at=at)
        except Unknown as reason:
            problem = reason
    if not told.terms or told.pool or told.derived or model is None:
        lent = at.knowledge.book.find(told.borrow) if told.borrow else about
        try:
            own = _continued(lent, told, period, at=at)
        except Unknown as reason:
            problem = problem or reason
    if model is None:
        if own is None:
            assert problem is not None
            raise problem
        return np.clip(own, *told.clip) if told.clip else own
    if own is None:
        return _report(model, told)
    known = len(_since_decision(at.rows(about.id), told))
    leans = told.derived or (told.policy and _decided(at.cut))
    share = max(told.pool, known / (known + OWN_PAST)) if leans else told.pool
    return np.where(_seeded(about.id, "pool").random(own.size) < share, own, _report(model, told))


def _decided(cut: Cut) -> bool:
    """Whether Washington's gate had been shut by the cut: before it, a past of its own says nothing about a ban."""
    return cut.known_on >= SHUT


def _since_decision(rows: Sequence[Observation], told: Observable) -> Sequence[Observation]:
    """For a series that decisions open and close, what was counted after the last of them."""
    return [o for o in rows if o.period.start is not None and o.period.start >= SHUT] if told.policy else rows


def _modelled(about: Series, told: Observable, period: Period, *, at: At) -> Draws:
    made = _anchored(about, told, period, at=at)
    if told.otherwise:
        other = _sum(about, replace(told, terms=told.otherwise), period, at=at)
        made = np.where(_seeded(about.id, "chance").random(made.size) < told.chance, other, made)
    if told.flat_year:
        made = _with_flat_year(made, about, told, period, at=at)
    return made


def _report(draws: Draws, told: Observable) -> Draws:
    """The source's scatter about the truth, and the bounds of a share."""
    if told.report:
        scatter = told.report * _seeded(told.series, "report").standard_normal(draws.size)
        if told.clip == (0.0, 1.0):
            inside = np.clip(draws, 1e-6, 1 - 1e-6)
            draws = np.where((draws > 0) & (draws < 1), 1 / (1 + (1 - inside) / inside * np.exp(-scatter)), draws)
        else:
            draws = draws * np.exp(scatter)
    return np.clip(draws, *told.clip) if told.clip else draws


# ---- the series goes on by itself ---------------------------------------------------------------------------------


def _continued(about: Series, told: Observable, period: Period, *, at: At) -> Draws:
    trend = at.knowledge.trends[told.family]
    rows = at.rows(about.id)
    seen = _since_decision(rows, told) or rows
    if not seen:
        raise Unknown(text("no value known by {cut} and no mechanism in the model", cut=at.cut.known_on))
    mix = _seeded(about.id, "order").permutation(quantile_draws(at.knowledge.draws))
    if told.increments:
        return _grown(seen, period, trend=trend, mix=mix)
    flow, at_end = about.kind == "flow", about.kind == "stock"
    pieces = pieces_of(seen, flow=flow)
    assert period.start is not None
    assert period.end is not None
    asked = Piece(period.start, period.end, 0.0, period.calendar_quarters)
    left = remainder(asked, pieces) if flow else asked
    if left is None:
        raise Unknown(text("the parts of this period are known by {cut}", cut=at.cut.known_on))
    time = quarter_of(left.end if at_end else left.middle)
    points = [p for p in points_of(pieces, trend=trend, flow=flow, at_end=at_end) if p.time <= time]
    if not points:
        raise Unknown(text("no positive value known by {cut}", cut=at.cut.known_on))
    there = forecast(points, trend=trend, time=time)
    made = trend.back(there.mean + trend.seasonal(left) + there.sd * mix)
    return made * left.quarters - left.value if flow else made


def _grown(seen: Sequence[Observation], period: Period, *, trend: Trend, mix: Draws) -> Draws:
    """A running total: the last value known plus its increments, which go on as a flow."""
    ends = [(o.period.end, o.as_printed) for o in seen if o.period.end is not None and o.as_printed is not None]
    steps = [
        Piece(before + timedelta(days=1), after, more - less, quarter_of(after) - quarter_of(before))
        for (before, less), (after, more) in pairwise(ends)
        if more > less
    ]
    points = points_of(steps, trend=trend, flow=True, at_end=False)
    if not points:
        raise Unknown(text("one value of a running total: its increments are not known"))
    last_day, total = ends[-1]
    assert period.end is not None
    left, time, made = quarter_of(period.end) - quarter_of(last_day), quarter_of(last_day), np.full(mix.size, total)
    while left > 1e-9:
        step = min(1.0, left)
        there = forecast(points, trend=trend, time=time + step / 2)
        made = made + step * trend.back(there.mean + there.sd * mix)
        time, left = time + step, left - step
    return made


# ---- the model ----------------------------------------------------------------------------------------------------


def _anchored(about: Series, told: Observable, period: Period, *, at: At) -> Draws:
    made = _sum(about, told, period, at=at)
    seen = at.rows(about.id)
    if not told.anchor or not seen:
        return made
    base, value = seen[-1].period, seen[-1].as_printed
    assert value is not None
    if told.flat_year and told.anchor == "multiply" and period.form == base.form == "quarter":
        base, value = _last_year(seen)
        made = _flat(about, told, period, after=base, at=at)
    then = _sum(about, told, base, at=at)
    if told.anchor == "add":
        return value + made - then
    # a path in which nothing was delivered then says nothing about the ratio: take its own number
    return np.where(then > 0, value * made / np.where(then > 0, then, 1.0), made)


def _last_year(seen: Sequence[Observation]) -> tuple[Period, float]:
    """What is known of the last year of a series that is an annual guess cut into quarters: one stretch and its sum."""
    end = seen[-1].period.end
    assert end is not None
    rows = [o for o in seen if o.period.end is not None and o.period.end.year == end.year]
    start = rows[0].period.start
    return Period(str(end.year), "days", start, end), sum(o.as_printed or 0.0 for o in rows)


def _flat(about: Series, told: Observable, period: Period, *, after: Period, at: At) -> Draws:
    """A quarter of a later year as a fourth of that year, of the same year as it is."""
    assert period.end is not None
    assert after.end is not None
    if period.end.year == after.end.year:
        return _sum(about, told, period, at=at)
    return _sum(about, told, parse_period(str(period.end.year)), at=at) / 4


def _sum(about: Series, told: Observable, period: Period, *, at: At) -> Draws:
    total = _added(about, told, told.terms, period, at=at, side="over the line")
    if not told.over:
        return total
    below = _added(about, told, told.over, period, at=at, side="under the line")
    return np.where(below > 0, total / np.where(below > 0, below, 1.0), 0.0)


def _added(about: Series, told: Observable, terms: tuple[Summand, ...], period: Period, *, at: At, side: str) -> Draws:
    total = np.zeros(at.knowledge.draws)
    for number, term in enumerate(terms):
        value = _term(about, told, term, period, at=at) * term.exactly
        if term.times:
            low, high = np.log(term.times[0]), np.log(term.times[1])
            z = _seeded(about.id, side, str(number)).standard_normal(at.knowledge.draws)
            width = (high - low) * HAND_WIDTH.get(told.family, 1.0)
            value = value * np.exp((low + high) / 2 + width / 2 / 1.6448536269514722 * z)
        total = total + value
    return total


def _term(about: Series, told: Observable, term: Summand, period: Period, *, at: At) -> Draws:
    if term.series:
        made = _part(term.series, period, at=at)
        return made * _part(term.by, period, at=at) if term.by else made
    if not term.model:
        return np.full(at.knowledge.draws, _length(term, period))
    paths = at.knowledge.paths(at.cut)
    quantity = paths.quantity(term.model)
    if term.cumulative:
        quantity = np.cumsum(quantity, axis=1)
    share = about.kind in ("share", "ratio")
    printed = 1.0 if share or term.unit == AS_IS else about.factor
    if term.unit and term.unit != AS_IS:
        printed = SERIES_UNITS[term.unit][1]
    flow = about.kind == "flow" or bool(told.over)
    asked = late_period(period) if term.late else period
    return over_period(quantity, paths.quarters, asked, flow=flow, at_end=told.at == "end") / printed


def _length(term: Summand, period: Period) -> float:
    """What a plain term is multiplied by: the quarters of the period, the quarters since a day, or one."""
    if term.since:
        begun = parse_period(term.since).start
        assert begun is not None
        assert period.end is not None
        return max(0.0, quarter_of(period.end) - quarter_of(begun)) if not term.flow else float(period.end >= begun)
    return period.calendar_quarters if term.flow else 1.0


def _part(series_id: str, period: Period, *, at: At) -> Draws:
    """Another series in the same period: its value if it is known, its forecast if not."""
    about = at.knowledge.book.find(series_id)
    for row in at.rows(series_id):
        if _same(row.period, period) and not row.period.forecast and row.as_printed is not None:
            return np.full(at.knowledge.draws, row.as_printed)
    told = at.knowledge.observable(series_id)
    return _draws(about, told, period, at=at)


def _with_flat_year(made: Draws, about: Series, told: Observable, period: Period, *, at: At) -> Draws:
    """Some draws follow the habit of the source: quarters left of a year repeat the last one known."""
    seen = at.rows(about.id)
    if len(seen) < 2 or period.end is None or seen[-1].period.end is None or period.form != "quarter":
        return made
    last, before = seen[-1], seen[-2]
    assert last.period.end is not None
    if period.end.year != last.period.end.year or last.as_printed is None or before.as_printed is None:
        return made
    steps = round(quarter_of(period.end) - quarter_of(last.period.end))
    flat = last.as_printed + (steps * (last.as_printed - before.as_printed) if about.kind == "stock" else 0.0)
    habit = _seeded(about.id, "flat").random(made.size) < told.flat_year
    return np.where(habit, flat, made)


def last_value(series_id: str, period: Period, *, knowledge: Knowledge) -> float | None:
    """What the last-value rule says: the last value known, for a flow at the length of the period asked.

    A value of the same form is preferred (the last quarter for a quarter). None without any value.
    """
    about = knowledge.book.find(series_id)
    seen = knowledge.rows(series_id, cut_before(period, knowledge.known_on))
    if not seen:
        return None
    alike = [o for o in seen if o.period.form == period.form]
    last = (alike or seen)[-1]
    assert last.as_printed is not None
    if alike or about.kind != "flow" or not last.period.calendar_quarters:
        return last.as_printed
    return last.as_printed / last.period.calendar_quarters * period.calendar_quarters


def trend_rule(series_id: str, period: Period, *, knowledge: Knowledge) -> tuple[Ruler, float, bool] | None:
    """The log-linear trend of the last four known values at a period [1].

    Returns
    -------
    (Ruler, float, bool) or None
        The forecast; the length that a value of a flow is divided by first; whether it is on the log scale. None below three known
        values.
    """
    about = knowledge.book.find(series_id)
    seen = knowledge.rows(series_id, cut_before(period, knowledge.known_on))
    flow, at_end = about.kind == "flow", about.kind == "stock"
    pieces = pieces_of(seen, flow=flow)
    length = period.calendar_quarters if flow else 1.0
    values = [p.value / (p.quarters if flow else 1.0) for p in pieces]
    times = [quarter_of(p.end if at_end else p.middle) for p in pieces]
    day = period.end if at_end else period.middle
    if len(values) < LEAST or day is None or not length:
        return None
    logs = all(v > 0 for v in values)
    found = ruler(times, [float(np.log(v)) if logs else v for v in values], time=quarter_of(day))
    return None if found is None else (found, length, logs)
