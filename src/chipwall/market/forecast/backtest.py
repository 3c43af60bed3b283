"""Score forecasts against a table; long for one reason: what is kept of a point, a series and a table belongs to how it prints.

Every row whose series can be predicted is a point; every other row is listed with the reason why not. Beside each
forecast stand the last-value rule, the trend of the last four values and, where somebody published one for the same series and
period, that forecast.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

import numpy as np

from chipwall.catalog.periods import Period, parse_period
from chipwall.catalog.series import SERIES_UNITS, Observation, SeriesBook
from chipwall.errors import InputError, Unknown
from chipwall.files import read_rows
from chipwall.market.forecast.baseline import normal_crps
from chipwall.market.forecast.knowledge import Knowledge
from chipwall.market.forecast.predictive import last_value, predictive, trend_rule
from chipwall.market.forecast.scoring import continuous_ranked_probability_score, covered, forecast_band, rank_of
from chipwall.market.model.continuation import quantile_draws
from chipwall.market.vintage import cut_before, late_vintage
from chipwall.text import Text, text

__all__ = ["Backtest", "Row", "ScoredForecast", "SeriesScore", "Skipped", "read_backtest", "scored_table"]

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
class ScoredForecast:
    """One forecast and what happened, in the unit of the series as tables print it.

    ``scaled_crps`` is the CRPS over the size of what happened (or of the last value known, if larger), so that points of
    different units can be averaged. ``log_crps`` is the CRPS on a log scale where the series is positive, else on its own, and
    ``trend_crps`` that of the log-linear trend of the last four known values (None below three). ``known_on`` is the day by which
    everything used was in print, ``earlier`` how many values of the series that was, ``hindsight`` how many of them stand in
    the record in a later vintage. ``published`` is the latest forecast that somebody printed before the period was over,
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
    family: str
    known_on: str
    earlier: int
    hindsight: int
    inside_50: bool
    inside_80: bool
    log_crps: float
    trend_crps: float | None
    basis: str


@dataclass(frozen=True, slots=True)
class SeriesScore:
    """Scores of one series; ``better`` compares mean CRPS with the last-value rule, None without a last value."""

    series: str
    unit: str
    points: tuple[ScoredForecast, ...]

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
    def better_than_trend(self) -> bool | None:
        """Whether the forecast beats the trend of the last four values on a log scale, over the points that have one."""
        found = [(p.log_crps, p.trend_crps) for p in self.points if p.trend_crps is not None]
        return sum(a for a, _ in found) < sum(b for _, b in found) if found else None

    @property
    def family(self) -> str:
        """The class of the series."""
        return self.points[0].family

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
    def points(self) -> tuple[ScoredForecast, ...]:
        """Every scored point."""
        return tuple(p for s in self.by_series for p in s.points)

    @property
    def coverage(self) -> float | None:
        """Share of points inside the 90 percent band; None without points."""
        return float(np.mean([p.inside for p in self.points])) if self.points else None

    @property
    def crps(self) -> float | None:
        """Mean over the series of their mean CRPS on a log scale: of no unit, and no series counts more than another."""
        means = [float(np.mean([p.log_crps for p in s.points])) for s in self.by_series]
        return float(np.mean(means)) if means else None

    def within(self, name: str) -> float | None:
        """Share of points inside a band, ``inside_50`` or ``inside_80``."""
        return float(np.mean([getattr(p, name) for p in self.points])) if self.points else None

    @property
    def share_better_than_trend(self) -> float | None:
        """Share of series with three earlier values or more that beat the log-linear trend of the last four."""
        found = [s.better_than_trend for s in self.by_series if s.better_than_trend is not None]
        return float(np.mean(found)) if found else None

    def of_class(self, family: str) -> Backtest:
        """The part that one class of series makes."""
        return Backtest(tuple(s for s in self.by_series if s.family == family), ())

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
            "coverage_50": self.within("inside_50"),
            "coverage_80": self.within("inside_80"),
            "share_better_than_trend": self.share_better_than_trend,
            "by_class": {
                name: _class_record(self.of_class(name)) for name in sorted({s.family for s in self.by_series})
            },
            "hindsight_points": sum(p.hindsight > 0 for p in self.points),
            "constants_fitted_on_later_rows": list(LATER),
            "by_series": [_series_record(s) for s in self.by_series],
            "skipped": [{"series": s.series, "period": s.period, "reason": str(s.reason)} for s in self.skipped],
        }


# What was fitted on the whole record, later rows included: named in every answer.
LATER = (
    "data/continuation.toml: growth, noise and damping of each class",
    "data/calibration.toml: ranges of the parameters that the record informs",
)


def _class_record(part: Backtest) -> dict[str, object]:
    return {
        "points": len(part.points),
        "series": len(part.by_series),
        "coverage_50": part.within("inside_50"),
        "coverage_80": part.within("inside_80"),
        "coverage_90": part.coverage,
        "median_rank": float(np.median([p.rank for p in part.points])),
        "crps": part.crps,
        "width": float(np.median([p.high / p.low for p in part.points if p.low > 0]))
        if any(p.low > 0 for p in part.points)
        else None,
        "share_better_than_last_value": part.share_better_than_last_value,
        "share_better_than_trend": part.share_better_than_trend,
    }


def _series_record(s: SeriesScore) -> dict[str, object]:
    kept = [f for f in ScoredForecast.__slots__ if f not in ("series", "basis")]
    return {
        "series": s.series,
        "unit": s.unit,
        "points": len(s.points),
        "coverage_90": s.coverage,
        "crps": s.crps,
        "crps_last_value": s.last_value_crps,
        "better_than_last_value": s.better,
        "better_than_published": s.better_than_published,
        "better_than_trend": s.better_than_trend,
        "class": s.family,
        "basis": s.points[0].basis,
        "by_period": [{name: getattr(p, name) for name in kept} for p in s.points],
    }


def read_backtest(path: Path) -> tuple[Row, ...]:
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


def scored_table(rows: Iterable[Row], *, knowledge: Knowledge) -> Backtest:
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
    found: dict[str, list[ScoredForecast]] = {}
    skipped = []
    for row in rows:
        made = _point(row, knowledge=knowledge)
        if isinstance(made, ScoredForecast):
            found.setdefault(made.series, []).append(made)
        else:
            skipped.append(Skipped(row.series, row.period, made))
    units = knowledge.book.series
    scores = tuple(SeriesScore(name, units[name].unit, tuple(points)) for name, points in found.items())
    return Backtest(scores, tuple(skipped))


def _point(row: Row, *, knowledge: Knowledge) -> ScoredForecast | Text:
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
    low, median, high = forecast_band(made.draws)
    crps = continuous_ranked_probability_score(made.draws, value=value)
    simple = last_value(row.series, period, knowledge=knowledge)
    seen = knowledge.rows(row.series, made.cut)
    logged, ruled = _against_trend(made.draws, row.series, period, value=value, knowledge=knowledge)
    kind = book.series[row.series].kind
    printed = _published(row.series, period, value=value, knowledge=knowledge)
    return ScoredForecast(
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
        family=made.family,
        known_on=made.cut.known_on.isoformat(),
        earlier=len(seen),
        hindsight=sum(late_vintage(o, kind=kind, known_on=made.cut.known_on) for o in seen),
        inside_50=covered(made.draws, value=value, share=0.5),
        inside_80=covered(made.draws, value=value, share=0.8),
        log_crps=logged,
        trend_crps=ruled,
        basis=made.basis,
    )


def _against_trend(
    draws: np.ndarray, series: str, period: Period, *, value: float, knowledge: Knowledge
) -> tuple[float, float | None]:
    """CRPS of the forecast and of the trend of the last four values, both on a log scale where everything is positive."""
    rule = trend_rule(series, period, knowledge=knowledge)
    logs = value > 0 and (rule is None or rule[2])
    if logs:
        # a draw of nothing at all is as far below as any number: a thousandth of what happened
        made = np.log(np.maximum(draws, value * 1e-3))
        own = continuous_ranked_probability_score(made, value=float(np.log(value)))
    else:
        # against nothing at all, relative to what was usual
        usual = max(
            [abs(o.as_printed or 0.0) for o in knowledge.rows(series, cut_before(period, knowledge.known_on))[-4:]],
            default=0.0,
        )
        size = max(usual, float(np.median(np.abs(draws)))) or 1.0
        own = continuous_ranked_probability_score(draws, value=value) / size
    if rule is None:
        return own, None
    found, length, logged = rule
    if logged == logs:
        value, scale = (float(np.log(value / length)), 1.0) if logs else (value / length, size / length)
        return own, normal_crps(found.mean, found.sd, value=value) / scale
    # a trend of logs that meets a zero: its draws as they are
    made = np.exp(found.mean + found.sd * quantile_draws(400)) * length
    return own, continuous_ranked_probability_score(made, value=value) / size


def _scaled(crps: float, *, value: float, last: float | None) -> float:
    """CRPS over the size of the quantity; against zero both ways it is left as it is."""
    size = max(abs(value), abs(last or 0.0))
    return crps / size if size else crps


def _number(row: Row, *, book: SeriesBook) -> float | Text:
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
    told = knowledge.observables.get(series_id)
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
