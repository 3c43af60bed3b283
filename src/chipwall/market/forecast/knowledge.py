"""Everything a forecast may use, by the day on which it is made: the record as published by then, and the simulation from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

from chipwall.catalog.series import Observation, SeriesBook
from chipwall.errors import InputError, Unknown
from chipwall.market.forecast.observables import Observable, default_observable
from chipwall.market.model.continuation import Trend
from chipwall.market.model.paths import Paths
from chipwall.market.vintage import Cut, known_rows
from chipwall.text import text

__all__ = ["FIRST_CUT", "Knowledge", "known_day"]

# Before this day too little is counted for the simulation to begin.
FIRST_CUT = date(2024, 12, 31)


@dataclass(frozen=True)
class Knowledge:
    """What forecasts may use.

    Attributes
    ----------
    book : SeriesBook
        The market data; each forecast sees only what its cut lets through.
    trends : mapping of str to Trend
        Classes of continuation.
    observables : mapping of series to Observable
        Which quantity of the simulation predicts a series, and how.
    newest : date
        The last day on which anything in the record was counted or printed: after it nothing more is known.
    draws, seed : int
        Draws of a forecast and the seed of the simulation.
    known_on : date or None
        Nothing printed later is used, if earlier than the day before a period begins.
    until : str
        Last quarter of the simulations.
    model : bool
        Whether the simulation may be run.
    """

    book: SeriesBook
    trends: Mapping[str, Trend]
    observables: Mapping[str, Observable]
    newest: date
    draws: int = 2000
    seed: int = 1
    known_on: date | None = None
    until: str = "2028Q4"
    model: bool = True
    _runs: dict[date, Paths] = field(default_factory=dict, compare=False, repr=False)

    def rows(self, series_id: str, cut: Cut) -> tuple[Observation, ...]:
        """Rows of a series that had been published by the cut, in order of time."""
        return known_rows(self.book.observations[series_id], kind=self.book.series[series_id].kind, cut=cut)

    def observable(self, series_id: str) -> Observable:
        """How a series is predicted; one without an entry goes on by itself, or not at all."""
        return self.observables.get(series_id) or default_observable(self.book.find(series_id))

    def paths(self, cut: Cut) -> Paths:
        """What ``chipwall simulate record --known-on DAY`` prints, DAY being the last month's end by the cut."""
        from chipwall.market.simulate import simulate

        if not self.model:
            raise Unknown(text("the model was not run"))
        day = min(_month_end(cut.known_on), self.newest)
        if day < FIRST_CUT:
            raise Unknown(text("no simulation begins before {first}", first=FIRST_CUT))
        if day not in self._runs:
            keep = tuple(sorted({q for o in self.observables.values() for q in o.quantities}))
            self._runs[day] = simulate(
                "record", draws=self.draws, seed=self.seed, until=self.until, keep=keep, known_on=day
            )
        return self._runs[day]


def known_day(words: str, *, where: str = "known_on", first: date | None = FIRST_CUT) -> date:
    """The day of ``--known-on``; before ``first`` too little is counted for a simulation to begin."""
    try:
        day = date.fromisoformat(words)
    except ValueError:
        raise InputError(
            text("'{words}' is not a day", words=words), where=where, fix=text("Write a day like 2025-06-30")
        ) from None
    if first is not None and day < first:
        raise InputError(
            text("too little is counted by {day} for the simulation to begin", day=day),
            where=where,
            fix=text("Give {first} or a later day", first=first),
        )
    return day


def _month_end(day: date) -> date:
    """The last day of a month that is not after a day."""
    return day if (day + timedelta(days=1)).day == 1 else day.replace(day=1) - timedelta(days=1)
