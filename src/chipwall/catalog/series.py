"""Series of the market, dated and defined: shipments, stocks, shares, revenue, prices and rents.

A number of chips means nothing without saying what was counted (dies, packages, cards, H100-equivalents) and which
chips (HBM-class, every accelerator). Each row carries both, with its vintage, because the same source counts the same
quarter differently a year later. :func:`combine` puts series side by side only where definition and unit are the same.
"""

from __future__ import annotations

import csv
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import get_args

from chipwall import units
from chipwall.catalog.periods import Period, parse_period
from chipwall.errors import DataError, InputError, unknown_name
from chipwall.sources import UNSOURCED, Source, Status
from chipwall.text import text

__all__ = [
    "CONTEXT",
    "SERIES_UNITS",
    "Observation",
    "Series",
    "SeriesBook",
    "load_series",
    "observations",
    "series",
]

# Rows that were added to the shared record so that a series has a past; see docs/market-data.md.
CONTEXT = "context"

# Units of series, as printed: the SI unit, and how many of it one is.
SERIES_UNITS: Mapping[str, tuple[str, float]] = {
    "USD bn": ("USD", units.GIGA),
    "CNY bn": ("CNY", units.GIGA),
    "k USD": ("USD", units.KILO),
    "M USD": ("USD", units.MEGA),
    "k CNY": ("CNY", units.KILO),
    "USD/GPU-h": ("USD/s", 1 / units.HOUR),
    "USD/kWh": ("USD/J", 1 / (units.KILO * units.HOUR)),
    "k wafers/month": ("wafer/s", units.KILO / (units.YEAR / 12)),
    "chips/yr": ("chip/s", 1 / units.YEAR),
    "years": ("s", units.YEAR),
    "quarters": ("s", units.YEAR / 4),
    "us": ("s", 1 / units.MEGA),
    "ms": ("s", 1 / units.KILO),
    "M packages": ("packages", units.MEGA),
    "k units": ("units", units.KILO),
    "per year": ("1/s", 1 / units.YEAR),
    "per quarter": ("1/s", 4 / units.YEAR),
}
# Units that are their own SI unit: counts, fractions and plain currencies.
_PLAIN = {
    *("units", "cards", "chips", "dies", "packages", "stacks", "firms", "vendors", "H100e", "B300e", "USD", "CNY", "s"),
    *("fraction", "ratio", "probability", "index", "utility", "text"),
    "",
    "H100e (dense 8-bit)",
    "multiple of chip cost",
    "fraction of H100",
    "fraction of US customer volume",
    "systems of 384 910C",
    "true=1",
    "US/China ratio",
}


@dataclass(frozen=True, slots=True)
class Series:
    """What a series measures.

    Attributes
    ----------
    definition : str
        Key of what is measured. Series may be combined when it is the same.
    kind : str
        ``flow`` (over the period), ``stock`` (at its end), ``share``, ``ratio``, ``price``, ``rent``, ``rate``,
        ``capacity``, ``spec``, ``plan``, ``forecast``, ``probability``, ``policy``, ``text``, ``claim``, ``parameter``,
        ``benchmark``.
    unit : str
        As the tables print it.
    counted, scope : str
        What one is (packages, dies, cards, money) and which chips (``HBM-class``, ``all accelerators``).
    period_forms : tuple of str
        Forms in which tables write its periods.
    chip : str
        Id of the chip it is about, or empty.
    words : str
        The definition in words.
    """

    id: str
    definition: str
    kind: str
    unit: str
    counted: str
    scope: str
    period_forms: tuple[str, ...]
    chip: str
    words: str

    @property
    def si_unit(self) -> str:
        """The SI unit of its values."""
        return SERIES_UNITS.get(self.unit, (self.unit, 1.0))[0]

    @property
    def factor(self) -> float:
        """SI units in one unit as printed."""
        return SERIES_UNITS.get(self.unit, (self.unit, 1.0))[1]


@dataclass(frozen=True, slots=True)
class Observation:
    """One value of one series in one period, from one source and vintage.

    Attributes
    ----------
    value : float or None
        In SI; None where somebody looked and found no number.
    low, high : float or None
        Bounds of the source (5 and 95 percent where it gives an interval), SI.
    published, unit : str
        As printed.
    vintage : str
        When the number was published, as exactly as known.
    status : str
        As of a :class:`~chipwall.sources.Fact`; ``unsourced`` where its source has no page that a reader can open.
    read : str
        How it was read: ``seen-primary``, ``seen-secondary``, ``seen-weak``, ``memory``, ``derived``, ``measured``.
    table : str
        The data file it stands in.
    """

    series: str
    period: Period
    value: float | None
    low: float | None
    high: float | None
    published: str
    unit: str
    counted: str
    scope: str
    vintage: str
    source: str
    status: Status
    read: str
    note: str
    table: str

    @property
    def as_printed(self) -> float | None:
        """The number in the unit of the tables."""
        return float(self.published) if self.published else None


@dataclass(frozen=True, slots=True)
class SeriesBook:
    """Every series and observation, every source; see :func:`load_series`."""

    series: Mapping[str, Series]
    observations: Mapping[str, tuple[Observation, ...]]
    sources: Mapping[str, Source]

    def find(self, series_id: str) -> Series:
        """The series of that id; raises :class:`InputError` with the nearest ids."""
        if series_id in self.series:
            return self.series[series_id]
        near = get_close_matches(series_id, list(self.series), n=3, cutoff=0.5)
        raise unknown_name("series", series_id, nearest=near, listing="chipwall market series")

    def combine(self, *series_ids: str) -> dict[str, tuple[Observation, ...]]:
        """Values of several series that measure the same thing in the same unit.

        Raises
        ------
        DataError
            Definition, unit, what is counted or which chips differ. A share of every accelerator card fitted together with a
            count of HBM-class packages gives results that look identified and are not.
        """
        if not series_ids:
            raise InputError(text("no series to combine"))
        first = self.find(series_ids[0])
        for other in map(self.find, series_ids[1:]):
            for field in ("definition", "unit", "counted", "scope"):
                mine, theirs = getattr(first, field), getattr(other, field)
                if mine != theirs:
                    raise DataError(
                        text("{a} and {b} cannot be combined: they do not measure the same thing", a=first.id, b=other.id),
                        where=text("{field}: '{mine}' against '{theirs}'", field=field, mine=mine, theirs=theirs),
                        fix=text("Convert one of them first, with an explicit and sourced factor"),
                    )
        return {name: self.observations[name] for name in series_ids}


@lru_cache(maxsize=1)
def load_series() -> SeriesBook:
    """The market data of the package, read and checked once."""
    return read(files("chipwall.catalog") / "data")


def read(folder: Traversable) -> SeriesBook:
    """The market data of a folder, all problems reported at once.

    Raises
    ------
    DataError
        An unknown series, unit, status or source, a unit or definition that differs from that of its series, a number
        that is none, or bounds that do not bracket the value.
    """
    found, problems = _series(folder), list[str]()
    listed = _sources(folder)
    kept: dict[str, list[Observation]] = {name: [] for name in found}
    for table, line, row in _tables(folder, found):
        seen = _observation(row, table=table, known=found, sources=listed)
        if isinstance(seen, str):
            problems.append(f"{table}.csv:{line}: {seen}")
            continue
        kept[seen.series].append(seen)
    if problems:
        raise DataError(
            text("{count} rows of market data break a rule", count=len(problems)), where="; ".join(problems[:20])
        )
    return SeriesBook(found, {name: tuple(seen) for name, seen in kept.items()}, listed)


def _rows(place: Traversable) -> Iterable[tuple[int, dict[str, str]]]:
    reader = csv.DictReader(place.read_text(encoding="utf-8").splitlines())
    return ((number, {k: (v or "").strip() for k, v in row.items()}) for number, row in enumerate(reader, start=2))


def _tables(folder: Traversable, known: Mapping[str, Series]) -> Iterable[tuple[str, int, dict[str, str]]]:
    places = sorted((p for p in (folder / "series").iterdir() if p.name.endswith(".csv")), key=lambda p: p.name)
    for place in places:
        for line, row in _rows(place):
            yield place.name.removesuffix(".csv"), line, row
    # a price that is a number of a series stands in the store of prices, once
    for line, row in _rows(folder / "prices.csv"):
        about = known.get(row["series"])
        if about is not None:
            yield "prices", line, {**row, "counted": about.counted, "scope": about.scope}


def _series(folder: Traversable) -> dict[str, Series]:
    found = {}
    for _, row in _rows(folder / "series.csv"):
        forms = tuple(form.strip() for form in row.pop("period_forms").split(";") if form.strip())
        name = row.pop("series")
        found[name] = Series(id=name, period_forms=forms, **row)
    return found


def _sources(folder: Traversable) -> dict[str, Source]:
    told = tomllib.loads((folder / "sources-market.toml").read_text(encoding="utf-8"))
    return {entry["id"]: Source(**entry) for entry in told["source"]}


def _observation(
    row: dict[str, str], *, table: str, known: Mapping[str, Series], sources: Mapping[str, Source]
) -> Observation | str:
    """The observation of a row, or what is wrong with the row."""
    problem = _problem(row, known=known, sources=sources)
    if problem:
        return problem
    factor = known[row["series"]].factor
    value, low, high = (float(row[k]) * factor if row[k] else None for k in ("value", "low", "high"))
    if value is not None and ((low is not None and low > value) or (high is not None and high < value)):
        return f"{row['series']} {row['period']}: {row['low']} to {row['high']} does not hold {row['value']}"
    # a row is only as good as its source: without a page to open it is unsourced, whatever it says of itself
    status: Status = UNSOURCED if sources[row["source"]].kind == UNSOURCED else row["status"]  # type: ignore[assignment]
    return Observation(
        series=row["series"],
        period=parse_period(row["period"]),
        value=value,
        low=low,
        high=high,
        published=row["value"],
        status=status,
        table=table,
        **{k: row[k] for k in ("unit", "counted", "scope", "vintage", "source", "read", "note")},
    )


def _problem(row: Mapping[str, str], *, known: Mapping[str, Series], sources: Mapping[str, Source]) -> str:
    """What is wrong with a row, or nothing."""
    about = known.get(row["series"])
    if about is None:
        return f"series '{row['series']}' is not in series.csv"
    for field in ("unit", "counted", "scope"):
        if row[field] != getattr(about, field):
            return f"{about.id}: {field} '{row[field]}' differs from the '{getattr(about, field)}' of its series"
    if about.unit not in SERIES_UNITS and about.unit not in _PLAIN:
        return f"{about.id}: unit '{about.unit}' is not known"
    if row["source"] not in sources:
        return f"{about.id}: source '{row['source']}' is not in sources-market.toml"
    if row["status"] not in get_args(Status):
        return f"{about.id}: status '{row['status']}' is not one of {', '.join(get_args(Status))}"
    for field in ("value", "low", "high"):
        try:
            float(row[field] or 0)
        except ValueError:
            return f"{about.id}: {field} '{row[field]}' is not a number"
    return ""


def series(series_id: str) -> Series:
    """The series of that id; raises :class:`InputError` with the nearest ids."""
    return load_series().find(series_id)


def observations(series_id: str, *, period: str | None = None, context: bool = True) -> tuple[Observation, ...]:
    """Values of a series, of one period if asked, in file order.

    Parameters
    ----------
    period : str, optional
        ``2025Q2``, ``FY26Q1``; compared by the days it covers, so ``FY2026Q1`` finds ``FY26Q1``.
    context : bool
        Whether to include rows that this project added to the shared record.
    """
    book = load_series()
    book.find(series_id)
    found = tuple(o for o in book.observations[series_id] if context or o.table != CONTEXT)
    if period is None:
        return found
    asked = parse_period(period)
    if not asked.dated:
        return tuple(o for o in found if o.period.label == period)
    return tuple(o for o in found if (o.period.start, o.period.end) == (asked.start, asked.end))
