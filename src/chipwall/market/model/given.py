"""What the Chinese market takes as given: smuggling, US shipments, US rents, Nvidia's data-centre revenue."""

from __future__ import annotations

from collections.abc import Mapping
from math import log
from statistics import median

import numpy as np
from numpy.typing import NDArray

from chipwall.market.model.priors import Z95
from chipwall.market.model.quarters import quarter_index, quarter_year

__all__ = ["faded_years", "grey_flow", "nvidia_revenue", "us_h200_shipments", "us_rent"]

Array = NDArray[np.float64]
Record = Mapping[str, Mapping[int, tuple[float, float, float]]]
# Growth that fades halves in this many years.
FADE_YEARS = 2.5
# US one-year contracts for an H100 [USD/h] by year; before mid-2025 as quoted (8.0, 2.8, 1.9), launch level recalled.
US_RENT = ((2022.9, 9.0), (2023.6, 8.0), (2024.9, 2.8), (2025.4, 1.9))
# Nvidia data-centre revenue by calendar quarter nearest the fiscal one, 2022Q1 to 2025Q2 [bn USD]; company releases.
NVIDIA_DC = (3.75, 3.81, 3.83, 3.62, 4.28, 10.32, 14.51, 18.4, 22.6, 26.3, 30.8, 35.6, 39.1, 41.1)
H200_FIRST = "2024Q3"


def faded_years(year: float) -> float:
    """Years of full growth that ``year`` years of fading growth amount to [year]."""
    return float(FADE_YEARS / np.log(2) * (1 - 0.5 ** (max(year, 0.0) / FADE_YEARS)))


def grey_flow(parameters: Mapping[str, Array], *, quarters: int, level: Array, record: Record) -> Array:
    """Smuggled units a quarter [quarters, draws].

    The counted flow times one factor per draw, wide as the count's own interval (about fivefold); after the count, the
    mean of its last four quarters grows by ``grey_growth``, which fades.
    """
    counted = record["grey"]
    ratios = [high / low for _, low, high in counted.values()]
    factor = np.exp(log(median(ratios)) / (2 * Z95) * level)
    last = max(counted)
    mean = float(np.mean([counted[t][0] for t in range(last - 3, last + 1)]))
    path = np.zeros((quarters, level.size))
    for t in range(quarters):
        if t in counted:
            path[t] = counted[t][0] * factor
        elif t > last:
            years = faded_years(quarter_year(t) - quarter_year(last) + 0.375)
            path[t] = mean * factor * np.exp(np.log(parameters["grey_growth"]) * years)
    return path


def us_h200_shipments(parameters: Mapping[str, Array], *, quarters: int) -> Array:
    """H200 shipped to customers in the US [units, quarters x draws]."""
    path = np.zeros((quarters, parameters["h200_us_2025"].size))
    for t in range(quarter_index(H200_FIRST), quarters):
        aged = max(quarter_year(t) - 2026.0, 0.0)
        path[t] = parameters["h200_us_2025"] * parameters["h200_us_decline"] ** aged
    return path


def us_rent(parameters: Mapping[str, Array], *, quarters: int, shocks: Array) -> Array:
    """Rent of an H100 abroad, one-year contract [USD/h, quarters x draws].

    Quotes to mid-2025, then a yearly factor and a shock that stays.
    """
    years, levels = zip(*US_RENT, strict=True)
    path = np.empty((quarters, shocks.shape[1]))
    drift = np.zeros(shocks.shape[1])
    for t in range(quarters):
        year = quarter_year(t)
        level = np.exp(np.interp(year, years, np.log(levels)))
        if year > years[-1]:
            drift = drift + parameters["us_rent_volatility"] * shocks[t]
            level = level * parameters["us_rent_decline"] ** faded_years(year - years[-1]) * np.exp(drift)
        path[t] = level
    return path


def nvidia_revenue(parameters: Mapping[str, Array], *, quarters: int, shocks: Array) -> Array:
    """Nvidia's data-centre revenue in the world [USD, quarters x draws]; releases to mid-2025, then growth that fades."""
    from chipwall.units import GIGA

    path = np.empty((quarters, shocks.shape[1]))
    drift = np.zeros(shocks.shape[1])
    last = len(NVIDIA_DC) - 1
    for t in range(quarters):
        path[t] = NVIDIA_DC[min(t, last)] * GIGA
        if t > last:
            drift = drift + parameters["nvidia_dc_volatility"] * shocks[t]
            years = faded_years((t - last) / 4)
            path[t] *= np.exp(np.log(parameters["nvidia_dc_growth"]) * years + drift)
    return path
