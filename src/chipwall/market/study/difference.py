"""What a decision changes: differences of two runs on the same draws, how sure their sign is, and what moves them most."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from chipwall.market.model.paths import Band, Paths, sample_band

__all__ = ["NOTHING", "Effect", "Mover", "effect", "movers", "yearly"]

Array = NDArray[np.float64]
# Differences below this share of the larger side are rounding, not an effect.
NOTHING = 1e-9
# A draw counts as unchanged below this share of the level: a hundredth of a percent decides nothing.
UNMOVED = 1e-4


@dataclass(frozen=True, slots=True)
class Effect:
    """A quantity under two decisions.

    Attributes
    ----------
    first, second, difference : Band
        Of the one, of the other, and draw by draw.
    up, same : float
        Share of draws in which the first is larger, and in which the two are equal to a hundredth of a percent [1].
    channel : bool
        Whether any draw differs at all; if none does, the model has no mechanism that leads there.
    """

    quantity: str
    first: Band
    second: Band
    difference: Band
    up: float
    same: float
    channel: bool

    @property
    def sure(self) -> float:
        """Share of the draws that moved on whose sign they agree most [1]."""
        moved = 1 - self.same
        return max(self.up, moved - self.up) / moved if moved > 0 else 0.0


@dataclass(frozen=True, slots=True)
class Mover:
    """A parameter that moves a difference: Spearman's rank correlation over the draws [1]."""

    parameter: str
    correlation: float


def effect(name: str, first: Array, second: Array) -> Effect:
    """The effect on one quantity from its draws under both decisions."""
    change = np.asarray(first - second, dtype=np.float64)
    size = np.maximum(np.abs(first), np.abs(second))
    dust = np.abs(change) <= NOTHING * np.maximum(size, 1e-300)
    change = np.where(dust, 0.0, change)
    same = np.abs(change) <= UNMOVED * size
    return Effect(
        name,
        sample_band(np.asarray(first, dtype=np.float64)),
        sample_band(np.asarray(second, dtype=np.float64)),
        sample_band(change),
        float(np.mean((change > 0) & ~same)),
        float(np.mean(same)),
        bool(change.any()),
    )


def movers(change: Array, parameters: Mapping[str, Array], *, most: int = 5) -> tuple[Mover, ...]:
    """Parameters whose rank goes with the rank of the difference, strongest first.

    Limits
    ------
    Correlations below two over the root of the draws are not told from chance and left out. Parameters that are fixed say nothing.
    """
    ranks = _ranks(change)
    if np.ptp(change) == 0:
        return ()
    found = [Mover(n, float(np.corrcoef(ranks, _ranks(v))[0, 1])) for n, v in parameters.items() if np.ptp(v) > 0]
    told = [m for m in found if abs(m.correlation) > 2 / np.sqrt(len(change))]
    return tuple(sorted(told, key=lambda m: -abs(m.correlation))[:most])


def _ranks(values: Array) -> Array:
    ranks = np.empty(len(values))
    ranks[np.argsort(values, kind="stable")] = np.arange(len(values), dtype=float)
    return ranks


def yearly(paths: Paths, quantity: str, *, since: str) -> dict[str, Array]:
    """A flow summed by calendar year from a quarter on [draws]."""
    found: dict[str, Array] = {}
    for i, quarter in enumerate(paths.quarters):
        if quarter >= since:
            row = np.asarray(paths.values[quantity][i], dtype=np.float64)
            found[quarter[:4]] = found.get(quarter[:4], np.zeros_like(row)) + row
    return found
