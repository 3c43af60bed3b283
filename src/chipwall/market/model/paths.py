"""What a simulation returns: quantities by draw and quarter, their bands, and how exact the bands are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date

import numpy as np
from numpy.typing import NDArray

from chipwall.errors import InputError, unknown_name
from chipwall.text import Text, text

__all__ = ["CAVEATS", "Band", "Paths", "found_in", "quantile_error", "sample_band"]

Array = NDArray[np.float64]
LEVELS = (0.05, 0.5, 0.95)

CAVEATS: tuple[Text, ...] = (
    text(
        "Counts are HBM-class packages as Epoch AI counts them, vintage 2026-04 to 2026-09; other definitions differ several times."
    ),
    text("Conditional on the scenario and the priors, not predicted; two governments' decisions dominate."),
    text(
        "Lock-in terms are priors: the market record identifies them hardly at all, partly because shortage hid demand."
    ),
    text(
        "H100-equivalents are stated on three bases (training compute, bandwidth, rent); rankings change with the basis."
    ),
    text("Budgets are given; what share of US purchases is additional is an assumption that flips crowding-out."),
    text("Ascend volume is uncertain about fourfold, smuggled stock about fivefold; rents are quotes, not trades."),
)


@dataclass(frozen=True, slots=True)
class Band:
    """5, 50 and 95 percent of a quantity in one quarter, with the Monte Carlo standard error of each."""

    low: float
    mid: float
    high: float
    error_low: float
    error_mid: float
    error_high: float


def quantile_error(ordered: Array, *, level: float) -> float:
    """Monte Carlo standard error of a sample quantile, from order statistics.

    Half the width between the order statistics one binomial standard deviation below and above the rank; needs no
    density estimate.

    Parameters
    ----------
    ordered : array [draws]
        Sorted sample.
    level : float
        Which quantile [1].

    Limits
    ------
    Ranks near the ends are cut off: below about 100 draws the error of the 5 and 95 percent points is too small.
    Intervals of two errors cover 93-97 % of true quantiles in the tests.
    """
    n = len(ordered)
    spread = np.sqrt(n * level * (1 - level))
    low = int(np.clip(np.floor(n * level - spread), 0, n - 1))
    high = int(np.clip(np.ceil(n * level + spread), 0, n - 1))
    return float((ordered[high] - ordered[low]) / 2)


def sample_band(sample: Array) -> Band:
    """The band of one sample."""
    ordered = np.sort(sample)
    low, mid, high = (float(np.quantile(ordered, q)) for q in LEVELS)
    errors = (quantile_error(ordered, level=q) for q in LEVELS)
    return Band(low, mid, high, *errors)


@dataclass(frozen=True)
class Paths:
    """Draws of all quantities under one scenario.

    Attributes
    ----------
    scenario, title : str
        What was assumed.
    quarters : tuple of str
        ``2022Q1`` on.
    seed, draws : int
        With the version of the package these give the same numbers again.
    sources : tuple of str
        Where the parameter ranges come from.
    counted_to : int
        Index of the last quarter whose deliveries are data.
    known_on : date or None
        The day up to which the record was used.
    """

    scenario: str
    title: str
    quarters: tuple[str, ...]
    seed: int
    draws: int
    values: Mapping[str, Array]
    parameters: Mapping[str, Array]
    units: Mapping[str, str] = field(default_factory=dict)
    sources: tuple[str, ...] = ()
    counted_to: int = -1
    known_on: date | None = None

    def names(self) -> tuple[str, ...]:
        """All quantities that were kept."""
        return tuple(sorted(self.values))

    def quantity(self, name: str) -> Array:
        """A quantity [draws, quarters], in SI and USD; a view."""
        return np.asarray(found_in(self.values, name, text("quantity")).T)

    def parameter(self, name: str) -> Array:
        """A parameter of each draw [draws]."""
        return found_in(self.parameters, name, text("parameter"))

    def at(self, name: str, quarter: str) -> Array:
        """A quantity in one quarter [draws]."""
        if quarter not in self.quarters:
            raise InputError(
                text("quarter {quarter} is not in this run", quarter=quarter),
                fix=text("The run has {first} to {last}", first=self.quarters[0], last=self.quarters[-1]),
            )
        values: Array = found_in(self.values, name, text("quantity"))[self.quarters.index(quarter)]
        return values

    def band(self, name: str, quarter: str) -> Band:
        """5, 50 and 95 percent of a quantity in one quarter."""
        return sample_band(self.at(name, quarter))

    def bands(self, name: str, *, levels: Iterable[float] = LEVELS) -> Array:
        """Quantiles by quarter [levels, quarters]."""
        return np.asarray(np.quantile(found_in(self.values, name, text("quantity")), list(levels), axis=1))

    def total(self, name: str, *, since: str) -> Array:
        """Sum of a flow from a quarter to the end of the run [draws]."""
        rows = found_in(self.values, name, text("quantity"))[self.quarters.index(since) :]
        return np.asarray(rows.sum(axis=0))

    def minus(self, other: Paths) -> Paths:
        """Differences draw by draw; both runs must share seed, draws and quarters."""
        if (self.seed, self.draws, self.quarters) != (other.seed, other.draws, other.quarters):
            raise InputError(
                text("these runs do not share their draws"), fix=text("Use one seed, number of draws and last quarter")
            )
        shared = self.values.keys() & other.values.keys()
        values = {name: self.values[name] - other.values[name] for name in sorted(shared)}
        return Paths(
            f"{self.scenario} - {other.scenario}",
            text("{one} minus {other}", one=self.title, other=other.title),
            self.quarters, self.seed, self.draws, values, self.parameters, self.units, self.sources, self.counted_to, self.known_on,
        )  # fmt: skip


def found_in(table: Mapping[str, Array], name: str, kind: Text) -> Array:
    """An array by name; the nearest names where there is none."""
    if name not in table:
        from difflib import get_close_matches

        near = get_close_matches(name, list(table), n=3, cutoff=0.4)
        raise unknown_name(kind, name, nearest=near, listing="chipwall market quantities")
    return table[name]
