"""Scores of forecasts given as draws: CRPS, coverage of a band, and the last-value rule they must beat."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["BAND", "continuous_ranked_probability_score", "covered", "forecast_band", "rank_of"]

BAND = (0.05, 0.95)

Draws = NDArray[np.float64]


def continuous_ranked_probability_score(draws: Draws, *, value: float) -> float:
    """CRPS of a forecast given as draws, in the unit of the value.

    The exact score of the empirical distribution, ``E|X - y| - E|X - X'| / 2`` [1]_, from sorted draws in
    n log n. For a single draw it is the absolute error, so a point forecast is scored on the same scale.

    Parameters
    ----------
    draws : array
        Draws of the forecast, any order.
    value : float
        What happened.

    Limits
    ------
    Exact for the draws; against the distribution behind them it is low by about one part in the number of draws.

    Sources
    -------
    .. [1] Gneiting and Raftery, "Strictly proper scoring rules, prediction, and estimation", JASA 102, 2007, eq. 21.

    Examples
    --------
    >>> continuous_ranked_probability_score(np.array([3.0]), value=5.0)
    2.0
    """
    ordered = np.sort(np.asarray(draws, dtype=np.float64))
    count = ordered.size
    # sum over pairs |xi - xj| = 2 * sum_i (2i - n + 1) xi for i from 0: each draw is larger than i others, smaller than the rest
    spread = float(np.dot(2.0 * np.arange(count) - count + 1.0, ordered)) / count**2
    return float(np.mean(np.abs(ordered - value))) - spread


def forecast_band(draws: Draws) -> tuple[float, float, float]:
    """The 5, 50 and 95 percent points of the draws."""
    low, middle, high = np.quantile(draws, (BAND[0], 0.5, BAND[1]))
    return float(low), float(middle), float(high)


def covered(draws: Draws, *, value: float, share: float = 0.9) -> bool:
    """Whether the central band that holds a share of the draws holds the value, ends included."""
    low, high = np.quantile(draws, ((1 - share) / 2, (1 + share) / 2))
    return bool(low <= value <= high)


def rank_of(draws: Draws, *, value: float) -> float:
    """Share of draws below the value, half of the ties counted; flat between 0 and 1 for an honest forecast."""
    ordered = np.asarray(draws)
    return float(np.mean(ordered < value) + np.mean(ordered == value) / 2)
