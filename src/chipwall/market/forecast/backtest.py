"""Score forecasts against any table of market data in the shared column format.

Every row whose series can be predicted is a point; every other row is listed with the reason why not. Beside each
forecast stand the last-value rule and, where somebody published one for the same series and period, that forecast.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

import numpy as np

from chipwall.catalog.periods import Period, parse_period
from chipwall.catalog.series import SERIES_UNITS, Book, Observation
from chipwall.errors import InputError, Unknown
from chipwall.files import read_rows
from chipwall.market.forecast.observables import observables
from chipwall.market.forecast.predictive import Knowledge, last_value, predictive
from chipwall.market.forecast.scoring import band, continuous_ranked_probability_score, covered, rank_of
from chipwall.text import Text, text

__all__ = ["Backtest", "Point", "Row", "SeriesScore", "Skipped", "read_table", "score"]

NEEDED = ("series", "period", "value")


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the table as written, and its line."""

    series: str
    period: str
    value: str
    unit: str
    line: int


@dataclass(frozen=True, slots=True)
class Point:
    """One forecast and what happened, in the unit of the series as tables print it.

    ``scaled_crps`` is the CRPS over the size of what happened (or of the last value known, if larger), so that points of
    different units can be averaged. ``published`` is the latest forecast that somebody printed before the period was over,
    ``published_by`` where it stands, and ``published_crps`` its absolute error; it may have known more than the cut.
    """

    series: str
    period: str
    value: float
    low: float
    median: float
    high: float
    inside: bool
    rank: float
    crps: float
    scaled_crps: float
    last_value: float | None
    last_value_crps: float | None
    published: float | None
    published_by: str
    published_crps: float | None
    basis: str


@dataclass(frozen=True, slots=True)
class SeriesScore:
    """Scores of one series; ``better`` compares mean CRPS with the last-value rule, None without a last value."""

    series: str
    unit: str
    points: tuple[Point, ...]

    @property
    def coverage(self) -> float:
        """Share of points inside the 90 percent band."""
        return float(np.mean([p.inside for p in self.points]))

    @property
    def crps(self) -> float:
        """Mean CRPS, in the unit of the series."""
        return float(np.mean([p.crps for p in self.points]))

    @property
    def last_value_crps(self) -> float | None:
        """Mean absolute error of the last-value rule."""
        found = [p.last_value_crps for p in self.points if p.last_value_crps is not None]
        return float(np.mean(found)) if len(found) == len(self.points) else None

    @property
    def better(self) -> bool | None:
        """Whether the forecast beats the last-value rule."""
        return None if self.last_value_crps is None else self.crps < self.last_value_crps

    @property
    def better_than_published(self) -> bool | None:
        """Whether the forecast beats the published one, over the points that have one."""
        found = [(p.crps, p.published_crps) for p in self.points if p.published_crps is not None]
        return sum(a for a, _ in found) < sum(b for _, b in found) if found else None


@dataclass(frozen=True, slots=True)
class Skipped:
    """A row that was not scored, and why."""

    series: str
    period: str
    reason: str


@dataclass(frozen=True, slots=True)
class Backtest:
    """All scores of a table."""

    by_series: tuple[SeriesScore, ...]
    skipped: tuple[Skipped, ...]

    @property
    def points(self) -> tuple[Point, ...]:
        """Every scored point."""
        return tuple(p for s in self.by_series for p in s.points)

    @property
    def coverage(self) -> float | None:
        """Share of points inside the 90 percent band; None without points."""
        return float(np.mean([p.inside for p in self.points])) if self.points else None

    @property
    def crps(self) -> float | None:
        """Mean scaled CRPS over all points; see :class:`Point`."""
        return float(np.mean([p.scaled_crps for p in self.points])) if self.points else None

    @property
    def share_better_than_last_value(self) -> float | None:
        """Share of series, among those with a last value, whose mean CRPS is below that of the last-value rule."""
        found = [s.better for s in self.by_series if s.better is not None]
        return float(np.mean(found)) if found else None

    @property
    def share_better_than_published(self) -> float | None:
        """Share of series, among those with a published forecast of the same period, that beat it."""
        found = [s.better_than_published for s in self.by_series if s.better_than_published is not None]
        return float(np.mean(found)) if found else None

    def record(self) -> dict[str, object]:
        """The answer as JSON; fractions are between 0 and 1, values in the unit of the series."""
        return {
            "points": len(self.points),
            "coverage_90": self.coverage,
            "crps": self.crps,
            "share_better_than_last_value": self.share_better_than_last_value,
            "share_better_than_published": self.share_better_than_published,
            "by_series": [_series_record(s) for s in self.by_series],
            "skipped": [{"series": s.series, "period": s.period, "reason": str(s.reason)} for s in self.skipped],
        }


def _series_record(s: SeriesScore) -> dict[str, object]:
    kept = [f for f in Point.__slots__ if f not in ("series", "basis")]
    return {
        "series": s.series,
        "unit": s.unit,
        "points": len(s.points),
        "coverage_90": s.coverage,
        "crps": s.crps,
        "crps_last_value": s.last_value_crps,
        "better_than_last_value": s.better,
        "better_than_published": s.better_than_published,
        "basis": s.points[0].basis,
        "by_period": [{name: getattr(p, name) for name in kept} for p in s.points],
    }


def read_table(path: Path) -> tuple[Row, ...]:
    """The rows of a table in the shared column format: at least ``series``, ``period``, ``value``; others are ignored.

    Raises
    ------
    InputError
        The file cannot be read, is not text, has no header with the three columns, or has no rows.
    """
    found = read_rows(
        path,
        needed=NEEDED,
        fold=True,
        fix=text("Give a CSV file with the columns {columns}", columns=", ".join(NEEDED)),
    )
    if not len(found):
        raise InputError(text("{path} has a header and no rows", path=found.file))
    return tuple(
        Row(row["series"], row["period"], row["value"], row.get("unit", ""), line)
        for line, row in zip(found.lines, found.rows, strict=True)
    )


def score(rows: Iterable[Row], *, knowledge: Knowledge) -> Backtest:
    """Score a table.

    Parameters
    ----------
    rows : iterable of Row
        What happened.
    knowledge : Knowledge
        What the forecasts may use.

    Limits
    ------
    A row cannot be checked against its source here: a wrong value scores like a surprise. Points of one series are not
    independent of each other, so coverage over few series says little.
    """
    found: dict[str, list[Point]] = {}
    skipped = []
    for row in rows:
        made = _point(row, knowledge=knowledge)
        if isinstance(made, Point):
            found.setdefault(made.series, []).append(made)
        else:
            skipped.append(Skipped(row.series, row.period, made))
    units = knowledge.book.series
    scores = tuple(SeriesScore(name, units[name].unit, tuple(points)) for name, points in found.items())
    return Backtest(scores, tuple(skipped))


def _point(row: Row, *, knowledge: Knowledge) -> Point | Text:
    """The scored point of a row, or the reason why it has none."""
    book = knowledge.book
    if row.series not in book.series:
        near = get_close_matches(row.series, list(book.series), n=1, cutoff=0.6)
        return text("unknown series; nearest: {near}", near=near[0]) if near else text("unknown series")
    value = _number(row, book=book)
    if isinstance(value, Text):
        return value
    period = parse_period(row.period)
    if period.forecast:
        return text("the row is a forecast, not something that happened")
    try:
        made = predictive(row.series, period, knowledge=knowledge)
    except Unknown as reason:
        return Text.of(reason.what)
    low, median, high = band(made.draws)
    crps = continuous_ranked_probability_score(made.draws, value=value)
    simple = last_value(row.series, period, knowledge=knowledge)
    printed = _published(row.series, period, value=value, knowledge=knowledge)
    return Point(
        series=row.series,
        period=row.period,
        value=value,
        low=low,
        median=median,
        high=high,
        inside=covered(made.draws, value=value),
        rank=rank_of(made.draws, value=value),
        crps=crps,
        scaled_crps=_scaled(crps, value=value, last=simple),
        last_value=simple,
        last_value_crps=None if simple is None else abs(simple - value),
        published=None if printed is None else printed.as_printed,
        published_by="" if printed is None else f"{printed.source} ({printed.vintage})",
        published_crps=None if printed is None or printed.as_printed is None else abs(printed.as_printed - value),
        basis=made.basis,
    )


def _scaled(crps: float, *, value: float, last: float | None) -> float:
    """CRPS over the size of the quantity; against zero both ways it is left as it is."""
    size = max(abs(value), abs(last or 0.0))
    return crps / size if size else crps


def _number(row: Row, *, book: Book) -> float | Text:
    """The value of a row in the unit of its series, or why there is none."""
    try:
        value = float(row.value.replace(",", ""))
    except ValueError:
        return text("the value '{value}' is not a number", value=row.value)
    if not np.isfinite(value):
        return text("the value '{value}' is not a number", value=row.value)
    about = book.series[row.series]
    theirs, ours = (SERIES_UNITS.get(u, (u.split(" (")[0], 1.0)) for u in (row.unit, about.unit))
    if not row.unit or row.unit == about.unit:
        return value
    if theirs[0] != ours[0]:
        return text("the unit '{theirs}' is not the '{ours}' of the series", theirs=row.unit, ours=about.unit)
    return value * theirs[1] / ours[1]


def _published(series_id: str, period: Period, *, value: float, knowledge: Knowledge) -> Observation | None:
    """The latest forecast of this period, of this series or of a rival, printed before the period was over.

    A row of the catalogue that holds exactly the value that is scored is that value and no forecast of it.
    """
    told = observables().get(series_id)
    names = dict.fromkeys((series_id, *(told.rivals if told else ())))
    found = [
        o
        for name in names
        for o in knowledge.book.observations[name]
        if (o.period.start, o.period.end) == (period.start, period.end)
        and o.as_printed not in (None, value)
        and _ahead(o)
    ]
    found.sort(key=lambda o: o.vintage)
    return found[-1] if found else None


def _ahead(row: Observation) -> bool:
    """Whether a row was printed before its period was over."""
    printed = parse_period(row.vintage).end
    return row.period.forecast or (printed is not None and row.period.end is not None and printed < row.period.end)
