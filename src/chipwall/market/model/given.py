"""What the Chinese market takes as given: smuggling, US shipments, US rents, NVIDIA's revenue, compute outside China.

Each is the record as far as it was known, and after it the local trend of its class (:mod:`.continuation`) in draws: the same
filter, state and noise that the back-test scores. Nothing here has a mechanism, and the output names these as trends.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from math import log
from statistics import median

import numpy as np
from numpy.typing import NDArray

from chipwall.market.model.continuation import sampled_path
from chipwall.market.model.draws import Draws
from chipwall.market.model.priors import Z95
from chipwall.market.model.quarters import quarter_index, quarter_year
from chipwall.market.model.record import DESIGNERS, Known, quarter_times

__all__ = [
    "TRENDS",
    "Given", "faded_years", "grey_flow", "nvidia_revenue", "us_h200_shipments", "us_rent", "world_additions",
]  # fmt: skip

Array = NDArray[np.float64]
# Quantities of a path that are a trend of their own record and no outcome of the market.
TRENDS = ("nvidia_dc_revenue", "rent_us_h100", "world_h100e")
# Growth that fades halves in this many years.
FADE_YEARS = 2.5
# Before the first dated quote [USD/h]: launch price, recalled.
LAUNCH_RENT = (2022.9, 9.0)
H200_FIRST = "2024Q3"
# Increments beyond this multiple of the last one are no forecast of anything.
MOST_GROWTH = 12.0


@dataclass(frozen=True)
class Given:
    """Paths that no decision in China or about it changes, each [quarters, draws]: smuggled units before anything deters them
    [units], the US rent of an H100 [USD/h], NVIDIA's revenue [USD], what the counted designers ship [H100-equivalents]."""

    known: Known
    grey: Array
    rent_us: Array
    nvidia: Array
    world: Array


_LAST: OrderedDict[tuple[int, int, int, int, int, bool], Given] = OrderedDict()
_KEPT = 24


def given_paths(known: Known, *, quarters: int, draws: Draws) -> Given:
    """All given paths of a block; those of the last blocks are kept, because the second scenario of a pair has the same."""
    key = (id(known), draws.seed, draws.block, draws.parameters.shape[0], quarters, draws.still)
    found = _LAST.get(key)
    if found is None or found.known is not known:
        found = _LAST[key] = Given(
            known,
            grey_flow(known, quarters=quarters, level=draws.levels["grey"], normals=draws.process("grey")),
            us_rent(known, quarters=quarters, normals=draws.process("rent_us")),
            nvidia_revenue(known, quarters=quarters, normals=draws.process("nvidia_dc")),
            world_additions(known, quarters=quarters, draws=draws),
        )
        while len(_LAST) > _KEPT:
            _LAST.popitem(last=False)
    return found


def faded_years(year: float) -> float:
    """Years of full growth that ``year`` years of fading growth amount to [year]."""
    return float(FADE_YEARS / np.log(2) * (1 - 0.5 ** (max(year, 0.0) / FADE_YEARS)))


def grey_flow(known: Known, *, quarters: int, level: Array, normals: Array) -> Array:
    """Smuggled units a quarter before anything that deters them [quarters, draws].

    The counted flow times one factor per draw, wide as the count's own interval (about fivefold); after the count, the
    increments go on.
    """
    counted = known.counts["grey"]
    ratios = [high / low for _, low, high in counted.values() if low > 0]
    factor = np.exp(log(median(ratios)) / (2 * Z95) * level) if ratios else np.ones_like(level)
    path = np.zeros((quarters, level.size))
    if not counted:
        return path
    last = max(counted)
    for t, (value, _, _) in counted.items():
        if t < quarters:
            path[t] = value
    if quarters > last + 1:
        ahead = sampled_path(
            known.smuggled,
            trend=known.trends["world-stock"],
            times=quarter_times(quarters - 1)[last + 1 :],
            normals=normals,
        )
        path[last + 1 :] = np.minimum(np.exp(ahead), MOST_GROWTH * counted[last][0])
    return path * factor


def us_h200_shipments(parameters: Mapping[str, Array], *, quarters: int) -> Array:
    """H200 shipped to customers in the US [units, quarters x draws]."""
    path = np.zeros((quarters, parameters["h200_us_2025"].size))
    for t in range(quarter_index(H200_FIRST), quarters):
        aged = max(quarter_year(t) - 2026.0, 0.0)
        path[t] = parameters["h200_us_2025"] * parameters["h200_us_decline"] ** aged
    return path


def us_rent(known: Known, *, quarters: int, normals: Array) -> Array:
    """Rent of an H100 abroad, one-year contract [USD/h, quarters x draws]."""
    path = sampled_path(known.rent, trend=known.trends["rent"], times=quarter_times(quarters - 1), normals=normals)
    before = [t for t in range(quarters) if quarter_year(t) < LAUNCH_RENT[0]]
    path[before] = np.log(LAUNCH_RENT[1])
    return np.exp(path)


def nvidia_revenue(known: Known, *, quarters: int, normals: Array) -> Array:
    """NVIDIA's data-centre revenue in the world [USD, quarters x draws]."""
    from chipwall.units import GIGA

    # a fiscal quarter ends four weeks after the calendar's: its middle lies that much later
    shift = 27 / 91.3
    times = [t + shift for t in quarter_times(quarters - 1)]
    made = sampled_path(known.revenue, trend=known.trends["large-company"], times=times, normals=normals)
    return np.asarray(np.exp(made) * GIGA)


def world_additions(known: Known, *, quarters: int, draws: Draws) -> Array:
    """H100-equivalents shipped by the designers that are counted, all over the world [quarters, draws].

    NVIDIA, Google, Amazon and AMD in the dense 8-bit definition of the record.
    """
    total = np.zeros((quarters, draws.parameters.shape[0]))
    times = quarter_times(quarters - 1)
    for name in DESIGNERS:
        if name not in known.stock:
            continue
        points, _, last = known.stock[name]
        sums = known.totals[name]
        at, value = [t for t, _ in sums], [v for _, v in sums]
        ends = [t + 0.5 for t in times]
        counted = np.interp(ends, [at[0] - 1.0, *at], [0.0, *value])
        steps = np.diff(counted, prepend=0.0)
        made = sampled_path(
            points, trend=known.trends["world-stock"], times=times, normals=draws.process(f"stock {name}")
        )
        ahead = np.minimum(np.exp(made), MOST_GROWTH * np.exp(points[-1].value))
        total += np.where((np.array(ends) <= last + 0.02)[:, None], np.maximum(steps, 0.0)[:, None], ahead)
    return total
