"""What owning costs beside the chips: the defaults of a plan, one row each, with unit, place, date and source.

Every figure is an assumption that a person may replace; a place without a row of its own takes that of the world. Amounts are
SI and in dollars of the year of the row: electricity per joule, hosting per watt and second, wages per second.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from chipwall.catalog.files import DATA
from chipwall.sources import Status
from chipwall.units import HOUR, KILO, YEAR

__all__ = ["OWNERSHIP_UNITS", "Assumption", "assumptions", "ownership_rows"]

MONTH = YEAR / 12.0
# Units of the table, and how many SI units one is; lives stay in years and interest per year, as every filing says them.
OWNERSHIP_UNITS: Mapping[str, float] = {
    "1": 1.0,
    "USD/kWh": 1.0 / (KILO * HOUR),
    "USD/kW/month": 1.0 / (KILO * MONTH),
    "USD/chip": 1.0,
    "USD/year": 1.0 / YEAR,
    "year": 1.0,
    "1/year": 1.0,
    "kW": KILO,
}


@dataclass(frozen=True, slots=True)
class Assumption:
    """One default of owning, SI, with its band, as printed, and who says so.

    Attributes
    ----------
    name, place : str
        ``pue``, ``electricity``, ``hosting``, ``server``, ``network``, ``life``, ``interest``, ``wage``,
        ``chips_per_person``, ``rack_power``, ``requests_per_user`` (a day), ``peak`` (busy hour over mean);
        ``united-states``, ``china`` or ``world``.
    value, low, high : float
        SI.
    published, unit : str
        The value as printed, and its unit; ``dated`` is the year of the money.
    """

    name: str
    place: str
    value: float
    low: float
    high: float
    published: str
    unit: str
    dated: str
    source: str
    status: Status
    note: str


@lru_cache(maxsize=1)
def ownership_rows() -> tuple[Assumption, ...]:
    """Every row of the table."""
    with (DATA / "ownership.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    found = []
    for r in rows:
        value, low, high = (float(r[k]) * OWNERSHIP_UNITS[r["unit"]] for k in ("value", "low", "high"))
        status: Status = r["status"]  # type: ignore[assignment]
        found.append(
            Assumption(
                r["name"],
                r["place"],
                value,
                low,
                high,
                r["value"],
                r["unit"],
                r["dated"],
                r["source"],
                status,
                r["note"],
            )
        )
    return tuple(found)


def assumptions(place: str) -> dict[str, Assumption]:
    """The defaults that hold at a place, by name: its own rows, and those of the world for the rest."""
    rows = ownership_rows()
    world = {a.name: a for a in rows if a.place == "world"}
    return world | {a.name: a for a in rows if a.place == place}
