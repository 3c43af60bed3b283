"""The forecast of any series in any period, as draws in the unit of the tables.

A forecast uses what was known on a day (:attr:`Knowledge.cut`): periods that were over, and numbers printed before it.
The model gives draws where it has the quantity; elsewhere the series goes on by itself. What can be done by neither
raises :class:`~chipwall.errors.Unknown` with the reason.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from itertools import pairwise
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from chipwall.catalog.periods import Period, parse_period
from chipwall.catalog.series import SERIES_UNITS, Book, Observation, Series
from chipwall.errors import Unknown
from chipwall.market.forecast.aggregation import late_period, over_period
from chipwall.market.forecast.continuation import (
    Piece,
    Trend,
    forecast,
    pieces_of,
    points_of,
    quantile_draws,
    quarter_of,
    remainder,
)
from chipwall.market.forecast.observables import NOT_PREDICTED, Observable, Term, default_observable, observables
from chipwall.text import text

__all__ = ["Forecast", "Knowledge", "Paths", "known_observations", "last_value", "predictive"]

Draws = NDArray[np.float64]

AS_IS = "as is"  # the unit of a term that needs no conversion


class Paths(Protocol):
    """What is read of a simulation."""

    @property
    def quarters(self) -> Sequence[str]:
        """Labels, ``2022Q1`` first."""

    def quantity(self, name: str) -> Draws:
        """A quantity, [draws, quarters]."""


@dataclass(frozen=True, slots=True)
class Knowledge:
    """What a forecast may use.

    Attributes
    ----------
    book : Book
        The market data.
    cut : date
        Last day of what is known.
    trends : mapping of str to Trend
        Classes of continuation, their scale fitted.
    paths : Paths or None
        A simulation of the policy as it was known on that day; without it the series of the model are not predicted.
    draws : int
        Draws of a forecast; the paths must have as many.
    others : mapping of str to Paths
        Simulations of other scenarios, for series that are asked given a later decision.
    """

    book: Book
    cut: date
    trends: Mapping[str, Trend]
    paths: Paths | None
    draws: int = 4000
    others: Mapping[str, Paths] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Forecast:
    """Draws of a series in a period, in the unit of the tables, and how they were made."""

    series: str
    period: Period
    draws: Draws
    basis: str


def known_observations(series_id: str, *, knowledge: Knowledge) -> tuple[Observation, ...]:
    """What was known of a series on the day of the cut, in order of time: periods that were over, and numbers in print."""
    found = [o for o in knowledge.book.observations[series_id] if o.as_printed is not None and _known(o, knowledge.cut)]
    return tuple(sorted(found, key=lambda o: str(o.period.end)))


def _known(row: Observation, cut: date) -> bool:
    if not row.period.dated:
        return False
    printed = parse_period(row.vintage).end
    return row.period.by(cut) or (printed is not None and printed <= cut)


def predictive(series_id: str, period: Period, *, knowledge: Knowledge) -> Forecast:
    """The forecast of a series in a period.

    Parameters
    ----------
    series_id : str
        A series of the catalogue.
    period : Period
        Any dated form.
    knowledge : Knowledge
        What may be used.

    Raises
    ------
    Unknown
        The series is words or a constant, the period has no date or is part of what is known, the model has no such
        quantity and the series has no past, or the period lies outside the simulation.

    Limits
    ------
    Coverage and scores on forecasts made at the end of 2024 and checked on the first half of 2025 are in
    ``data/calibration.toml``; see docs/market-data.md.
    """
    about = knowledge.book.find(series_id)
    told = observables().get(series_id) or default_observable(about)
    if told.skip:
        raise Unknown(NOT_PREDICTED[told.skip])
    if not period.dated or period.end is None:
        raise Unknown(text("the period '{label}' names no time", label=period.label))
    if any(
        _same(o.period, period) for o in known_observations(series_id, knowledge=knowledge) if not o.period.forecast
    ):
        raise Unknown(text("part of the data that the fit has seen (to {cut})", cut=knowledge.cut))
    return Forecast(series_id, period, _draws(about, told, period, knowledge=knowledge), told.basis)


def _same(a: Period, b: Period) -> bool:
    return (a.start, a.end) == (b.start, b.end)


def _seeded(*words: str) -> np.random.Generator:
    """A generator that depends on nothing but the words, so that a forecast is the same whatever else is asked."""
    return np.random.default_rng(zlib.crc32("|".join(words).encode()))


def _draws(about: Series, told: Observable, period: Period, *, knowledge: Knowledge) -> Draws:
    if not told.terms:
        return _report(_continued(about, told, period, knowledge=knowledge), told)
    try:
        made = _anchored(about, told, period, knowledge=knowledge)
    except Unknown:
        if knowledge.paths is not None or not told.family:
            raise
        return _report(_continued(about, told, period, knowledge=knowledge), told)
    if told.pool and told.family:
        made = _pooled(made, about, told, period, knowledge=knowledge)
    if told.otherwise:
        other = _sum(about, replace(told, terms=told.otherwise), period, knowledge=knowledge)
        made = np.where(_seeded(about.id, "chance").random(made.size) < told.chance, other, made)
    if told.flat_year:
        made = _with_flat_year(made, about, told, period, knowledge=knowledge)
    return _report(made, told)


def _pooled(made: Draws, about: Series, told: Observable, period: Period, *, knowledge: Knowledge) -> Draws:
    """Some draws come from the series going on by itself, where it has a past."""
    lent = knowledge.book.find(told.borrow) if told.borrow else about
    try:
        own = _continued(lent, replace(told, terms=()), period, knowledge=knowledge)
    except Unknown:
        return made
    return np.where(_seeded(about.id, "pool").random(made.size) < told.pool, own, made)


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


def _continued(about: Series, told: Observable, period: Period, *, knowledge: Knowledge) -> Draws:
    trend = knowledge.trends[told.family]
    # a flow printed before its period is over is somebody's forecast: only an entry that borrows a series leans on it
    level = about.kind in ("price", "rent", "rate", "ratio")
    known = known_observations(about.id, knowledge=knowledge)
    seen = [o for o in known if told.borrow or o.period.by(knowledge.cut) or (level and not o.period.forecast)]
    if not seen:
        raise Unknown(text("no value known by {cut} and no mechanism in the model", cut=knowledge.cut))
    mix = _seeded(about.id, "order").permutation(quantile_draws(knowledge.draws))
    if told.increments:
        return _grown(seen, period, trend=trend, mix=mix)
    flow, at_end = about.kind == "flow", about.kind == "stock"
    pieces = pieces_of(seen, flow=flow)
    assert period.start is not None
    assert period.end is not None
    asked = Piece(period.start, period.end, 0.0, period.calendar_quarters)
    left = remainder(asked, pieces) if flow else asked
    if left is None:
        raise Unknown(text("part of the data that the fit has seen (to {cut})", cut=knowledge.cut))
    time = quarter_of(left.end if at_end else left.middle)
    points = [p for p in points_of(pieces, trend=trend, flow=flow, at_end=at_end) if p.time <= time]
    if not points:
        raise Unknown(text("no positive value known by {cut}", cut=knowledge.cut))
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


def _anchored(about: Series, told: Observable, period: Period, *, knowledge: Knowledge) -> Draws:
    made = _sum(about, told, period, knowledge=knowledge)
    seen = [o for o in known_observations(about.id, knowledge=knowledge) if o.period.by(knowledge.cut)]
    if not told.anchor or not seen:
        return made
    base, value = seen[-1].period, seen[-1].as_printed
    assert value is not None
    if told.flat_year and told.anchor == "multiply" and period.form == base.form == "quarter":
        base, value = _last_year(seen)
        made = _flat(about, told, period, after=base, knowledge=knowledge)
    then = _sum(about, told, base, knowledge=knowledge)
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


def _flat(about: Series, told: Observable, period: Period, *, after: Period, knowledge: Knowledge) -> Draws:
    """A quarter of a later year as a fourth of that year, of the same year as it is."""
    assert period.end is not None
    assert after.end is not None
    if period.end.year == after.end.year:
        return _sum(about, told, period, knowledge=knowledge)
    return _sum(about, told, parse_period(str(period.end.year)), knowledge=knowledge) / 4


def _sum(about: Series, told: Observable, period: Period, *, knowledge: Knowledge) -> Draws:
    total = _added(about, told, told.terms, period, knowledge=knowledge, side="over the line")
    if not told.over:
        return total
    below = _added(about, told, told.over, period, knowledge=knowledge, side="under the line")
    return np.where(below > 0, total / np.where(below > 0, below, 1.0), 0.0)


def _added(
    about: Series, told: Observable, terms: tuple[Term, ...], period: Period, *, knowledge: Knowledge, side: str
) -> Draws:
    total = np.zeros(knowledge.draws)
    for number, term in enumerate(terms):
        value = _term(about, told, term, period, knowledge=knowledge) * term.exactly
        if term.times:
            low, high = np.log(term.times[0]), np.log(term.times[1])
            z = _seeded(about.id, side, str(number)).standard_normal(knowledge.draws)
            value = value * np.exp((low + high) / 2 + (high - low) / 2 / 1.6448536269514722 * z)
        total = total + value
    return total


def _term(about: Series, told: Observable, term: Term, period: Period, *, knowledge: Knowledge) -> Draws:
    if term.series:
        made = _part(term.series, period, knowledge=knowledge)
        return made * _part(term.by, period, knowledge=knowledge) if term.by else made
    if not term.model:
        return np.full(knowledge.draws, _length(term, period))
    paths = knowledge.others.get(told.scenario) if told.scenario else knowledge.paths
    if paths is None:
        raise Unknown(text("the model was not run"))
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


def _length(term: Term, period: Period) -> float:
    """What a plain term is multiplied by: the quarters of the period, the quarters since a day, or one."""
    if term.since:
        begun = parse_period(term.since).start
        assert begun is not None
        assert period.end is not None
        return max(0.0, quarter_of(period.end) - quarter_of(begun)) if not term.flow else float(period.end >= begun)
    return period.calendar_quarters if term.flow else 1.0


def _part(series_id: str, period: Period, *, knowledge: Knowledge) -> Draws:
    """Another series in the same period: its value if it is known, its forecast if not."""
    about = knowledge.book.find(series_id)
    for row in known_observations(series_id, knowledge=knowledge):
        if _same(row.period, period) and not row.period.forecast and row.as_printed is not None:
            return np.full(knowledge.draws, row.as_printed)
    told = observables().get(series_id) or default_observable(about)
    return _draws(about, told, period, knowledge=knowledge)


def _with_flat_year(made: Draws, about: Series, told: Observable, period: Period, *, knowledge: Knowledge) -> Draws:
    """Some draws follow the habit of the source: quarters left of a year repeat the last one known."""
    seen = [o for o in known_observations(about.id, knowledge=knowledge) if o.period.by(knowledge.cut)]
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
    seen = [o for o in known_observations(series_id, knowledge=knowledge) if o.period.by(knowledge.cut)]
    if not seen:
        return None
    alike = [o for o in seen if o.period.form == period.form]
    last = (alike or seen)[-1]
    assert last.as_printed is not None
    if alike or about.kind != "flow" or not last.period.calendar_quarters:
        return last.as_printed
    return last.as_printed / last.period.calendar_quarters * period.calendar_quarters
