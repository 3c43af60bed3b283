"""What the simulation takes as given from the record on a day: counted deliveries, and series that have no mechanism here.

Deliveries are read from the market series of the catalogue, never from a copy. What was not in print on the day is not known;
today everything that the record holds is.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from chipwall.catalog.periods import Period, parse_period
from chipwall.catalog.series import Observation, SeriesBook
from chipwall.market.model.continuation import PastPoint, Piece, Trend, points_of, quarter_of
from chipwall.market.model.quarters import quarter_index, quarter_name, quarters
from chipwall.market.vintage import Cut, known_rows

__all__ = ["COUNTED", "DESIGNERS", "Counts", "Known", "known_at", "newest"]

Counts = Mapping[str, Mapping[int, tuple[float, float, float]]]
# Which series count the deliveries of a product. Series of one product follow each other in time and are added.
COUNTED: Mapping[str, tuple[str, ...]] = {
    "a800": ("epoch_nvidia_china_legal_units_A100", "epoch_nvidia_china_legal_units_A800"),
    "h800": ("epoch_nvidia_china_legal_units_H800",),
    "h20": ("epoch_nvidia_china_legal_units_H20",),
    "ascend-910b": ("epoch_huawei_units_910B",),
    "ascend-910c": ("epoch_huawei_units_910C",),
    "cambricon": ("epoch_cambricon_units_590",),
}
SMUGGLED = "epoch_china_smuggled_units_cum"
DESIGNERS = ("Nvidia", "Google", "Amazon", "AMD")
MI308_PRICE = (9.0e3, 12.0e3, 15.0e3)  # USD; revenue over price gives units (estimated)
# Widths where a source gives none: half and double would be too wide for a quarterly count (estimated).
BOUNDS = (0.75, 1.33)


@dataclass(frozen=True)
class Known:
    """What is known on a day.

    Attributes
    ----------
    known_on : date
        The day.
    counts : mapping of product to quarter index to (value, low, high)
        Deliveries [units].
    last : mapping of product to int
        Last quarter whose deliveries are counted, by product.
    revenue, rent : tuple of Point
        NVIDIA's data-centre revenue [log bn USD a quarter] and the US rent of an H100 [log USD/h].
    smuggled : tuple of Point
        Smuggled units a quarter [log].
    stock : mapping of designer to (Points of yearly rates, total, time of the total)
        World shipments in H100-equivalents [log a quarter], and the running total at its last date.
    trends : mapping of str to Trend
        Classes in which they go on.
    """

    known_on: date
    counts: Counts
    last: Mapping[str, int]
    revenue: tuple[PastPoint, ...]
    rent: tuple[PastPoint, ...]
    smuggled: tuple[PastPoint, ...]
    stock: Mapping[str, tuple[tuple[PastPoint, ...], float, float]]
    trends: Mapping[str, Trend]
    totals: Mapping[str, tuple[tuple[float, float], ...]]

    @property
    def counted_to(self) -> int:
        """The last quarter in which every counted line has its count."""
        return min(self.last.get(name, -1) for name in ("grey", "ascend-910c", "cambricon"))

    @property
    def now(self) -> int:
        """The last quarter that was over on the day."""
        return quarter_index(f"{self.known_on.year}Q{(self.known_on.month + 2) // 3}") - (
            0 if _quarter_end(self.known_on) else 1
        )


def _quarter_end(day: date) -> bool:
    return (day + timedelta(days=1)).day == 1 and day.month % 3 == 0


def newest(book: SeriesBook) -> date:
    """The last day of the last quarter in which anything in the record was counted or printed."""
    days = [
        end
        for rows in book.observations.values()
        for o in rows
        if o.as_printed is not None
        and (end := parse_period(o.vintage).end) is not None
        and not o.period.forecast
        and parse_period(o.vintage).form in ("day", "month")
    ]
    return _last_over(max(d for d in days if d <= date(2026, 12, 31)))


def _last_over(day: date) -> date:
    first = date(day.year, 3 * ((day.month - 1) // 3) + 1, 1)
    return day if _quarter_end(day) else first - timedelta(days=1)


def known_at(book: SeriesBook, trends: Mapping[str, Trend], known_on: date | None = None) -> Known:
    """Everything given, as it stood on a day; by default on the newest day of the record.

    Parameters
    ----------
    book : SeriesBook
        The market series.
    trends : mapping of str to Trend
        Classes in which they go on.
    """
    day = known_on or newest(book)
    # today everything in the record is known, also what is in print about a quarter that is not over
    cut = Cut(day if known_on else date.max, day + timedelta(days=1))
    counts = _counts(book, cut)
    runs = {name: _running(book, f"epoch_global_h100e_cum_{name}", cut, trends["world-stock"]) for name in DESIGNERS}
    return Known(
        known_on=day,
        counts=counts,
        last={name: max(rows) for name, rows in counts.items() if rows},
        revenue=_points(book, "nvidia_datacenter_revenue", cut, trends["large-company"]),
        rent=_points(book, "rental_us_H100_1yr", cut, trends["rent"]),
        smuggled=_running(book, SMUGGLED, cut, trends["world-stock"])[0],
        stock={name: run for name, run in runs.items() if run[0]},
        trends=trends,
        totals={name: _totals(_rows(book, f"epoch_global_h100e_cum_{name}", cut)) for name in DESIGNERS},
    )


def _totals(rows: Sequence[Observation]) -> tuple[tuple[float, float], ...]:
    return tuple((quarter_of(o.period.end), float(o.as_printed or 0.0)) for o in rows if o.period.end is not None)


def _rows(book: SeriesBook, series: str, cut: Cut) -> tuple[Observation, ...]:
    return known_rows(book.observations[series], kind=book.series[series].kind, cut=cut)


def _points(book: SeriesBook, series: str, cut: Cut, trend: Trend) -> tuple[PastPoint, ...]:
    flow = book.series[series].kind == "flow"
    pieces = [
        Piece(o.period.start, o.period.end, o.as_printed, o.period.calendar_quarters)  # type: ignore[arg-type]
        for o in _rows(book, series, cut)
    ]
    return points_of(pieces, trend=trend, flow=flow, at_end=False)


def _running(book: SeriesBook, series: str, cut: Cut, trend: Trend) -> tuple[tuple[PastPoint, ...], float, float]:
    """Increments of a running total as rates, the last total, and when it is."""
    seen = [(o.period.end, float(o.as_printed or 0.0)) for o in _rows(book, series, cut) if o.period.end]
    pieces = [
        Piece(a + timedelta(days=1), b, more - less, quarter_of(b) - quarter_of(a))
        for (a, less), (b, more) in itertools.pairwise(seen)
        if more > less
    ]
    if not seen:
        return (), 0.0, 0.0
    return points_of(pieces, trend=trend, flow=True, at_end=False), seen[-1][1], quarter_of(seen[-1][0])


def _counts(book: SeriesBook, cut: Cut) -> dict[str, dict[int, tuple[float, float, float]]]:
    found: dict[str, dict[int, tuple[float, float, float]]] = {}
    for product, names in COUNTED.items():
        rows: dict[int, tuple[float, float, float]] = {}
        for name in names:
            for o in _rows(book, name, cut):
                if o.period.form == "quarter":
                    rows[_index(o.period)] = _bounds(o)
        found[product] = rows
    found["grey"] = _differences(_rows(book, SMUGGLED, cut))
    found["mi308"] = {
        _index(o.period): tuple((o.value or 0.0) / price for price in (MI308_PRICE[1], MI308_PRICE[2], MI308_PRICE[0]))  # type: ignore[misc]
        for o in _rows(book, "amd_mi308_china_revenue", cut)
    }
    found["h200"] = _no_deliveries(_rows(book, "h200_units_delivered_mainland", cut))
    return found


def _no_deliveries(rows: Sequence[Observation]) -> dict[int, tuple[float, float, float]]:
    """Quarters that were over when somebody still counted no delivery."""
    last = max((_last_over(o.period.end) for o in rows if o.as_printed == 0 and o.period.end), default=None)
    if last is None:
        return {}
    end = quarter_index(f"{last.year}Q{(last.month + 2) // 3}")
    return dict.fromkeys(range(quarter_index("2026Q1"), end + 1), (0.0, 0.0, 0.0))


def _index(period: Period) -> int:
    assert period.start is not None
    return quarter_index(f"{period.start.year}Q{(period.start.month + 2) // 3}")


def _bounds(o: Observation) -> tuple[float, float, float]:
    value = o.value or 0.0
    return (
        value,
        value * BOUNDS[0] if o.low is None else o.low,
        value * BOUNDS[1] if o.high is None else o.high,
    )


def _differences(rows: Sequence[Observation]) -> dict[int, tuple[float, float, float]]:
    """A running count as quarterly numbers; the share of each quarter in the bounds of the total it ends."""
    found: dict[int, tuple[float, float, float]] = {}
    before = 0.0
    for o in rows:
        value, low, high = _bounds(o)
        step = value - before
        found[_index(o.period)] = (step, step * low / value, step * high / value) if value else (0.0, 0.0, 0.0)
        before = value
    return found


def quarter_times(until: int) -> list[float]:
    """The middle of each quarter from the first to ``until`` as the filters count time [quarter]."""
    middles = [parse_period(name).middle for name in quarters(quarter_name(until))]
    return [quarter_of(day) for day in middles if day is not None]
