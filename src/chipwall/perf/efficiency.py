"""The law across chips: how much of its peak a chip reaches depends on the power it has for each FLOP.

    logit(e) = a + b ln(TDP in watts / peak TFLOP/s of the format) + vendor offset + shrunk offsets

A chip with plenty of watts for its peak (H20: 2.7 W per TFLOP/s) runs near it; one with few (B200 in FP4: 0.11) is
throttled by its own power limit. The law gives a prediction, with a wider band, for a chip that nobody measured.
b is kept at 1 or less, so that peak times efficiency never falls when the peak rises.

Limits
------
Fitted on accelerators of 250 W to 1,400 W from Ampere, Hopper, Blackwell, CDNA 3 and CDNA 4. Other vendors get the
law without an offset of their own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from chipwall.perf.numeric import Numeric
from chipwall.units import TERA

__all__ = ["STEEPEST_SLOPE", "matrix_efficiency", "watts_per_teraflop"]

STEEPEST_SLOPE = 1.0


def watts_per_teraflop(peaks: Mapping[str, Numeric], tdp: Numeric, number_format: str) -> float:
    """Rated power over the peak of a format [W per TFLOP/s]; of its fastest format where the chip lacks this one."""
    peak = float(peaks.get(number_format, float("nan")))
    if not peak > 0:
        known = [float(p) for p in peaks.values() if p > 0]
        peak = max(known) if known else TERA
    return float(tdp) / (peak / TERA)


def matrix_efficiency(power_ratio: Any, *, level: Any, slope: Any, offset: Any = 0.0) -> Any:
    """Share of the peak that a large matrix product reaches.

    Parameters
    ----------
    power_ratio : float or array
        Rated power over peak [W per TFLOP/s].
    level, slope, offset : float or array
        Constants of the law [1].

    Returns
    -------
    float or array
        Efficiency between 0 and 1 [1].
    """
    return 1.0 / (1.0 + np.exp(-(level + slope * np.log(power_ratio) + offset)))
