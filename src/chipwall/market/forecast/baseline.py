"""The ruler that a forecast must beat: a log-linear trend of the last four known values, as wide as its own past errors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import erf, exp, pi, sqrt

import numpy as np

__all__ = ["Ruler", "normal_crps", "ruler"]

WINDOW = 4
LEAST = 3
FLOOR = 0.01  # no past error is smaller: prints are rounded


@dataclass(frozen=True, slots=True)
class Ruler:
    """A normal forecast on the scale of the values given (logs where they are positive)."""

    mean: float
    sd: float


def ruler(times: Sequence[float], values: Sequence[float], *, time: float) -> Ruler | None:
    """The trend of the last four values at a time, with the spread of the errors it made before.

    Parameters
    ----------
    times : sequence of float
        When each value was [quarter], in order.
    values : sequence of float
        Logs, or values as they are for a series that is not positive.
    time : float
        When the forecast is for [quarter].

    Returns
    -------
    Ruler or None
        None below three values. Past errors are those of the same rule at the same distance, as far as the known values
        reach back; below two of them, the residuals of the fit with their loss of two degrees of freedom, stretched by the
        leverage of the distance.
    """
    if len(times) < LEAST:
        return None
    t, y = np.asarray(times, dtype=float), np.asarray(values, dtype=float)
    ahead = time - t[-1]
    mean, residual = _fit(t, y, time)
    errors = []
    for end in range(LEAST, len(t)):
        target = int(np.argmin(np.abs(t - (t[end - 1] + ahead))))
        if target >= end:
            errors.append(y[target] - _fit(t[:end], y[:end], float(t[target]))[0])
    sd = float(np.sqrt(np.mean(np.square(errors)))) if len(errors) >= 2 else residual
    return Ruler(mean, max(sd, FLOOR))


def _fit(t: np.ndarray, y: np.ndarray, time: float) -> tuple[float, float]:
    """Straight line through the last values: its value at a time, and the standard error of a prediction there."""
    t, y = t[-WINDOW:], y[-WINDOW:]
    middle, spread = t.mean(), float(np.sum((t - t.mean()) ** 2))
    slope = float(np.sum((t - middle) * (y - y.mean())) / spread) if spread > 0 else 0.0
    left = y - y.mean() - slope * (t - middle)
    variance = float(np.sum(left**2)) / max(len(t) - 2, 1)
    lever = 1 + 1 / len(t) + ((time - middle) ** 2 / spread if spread > 0 else 0.0)
    return float(y.mean() + slope * (time - middle)), sqrt(variance * lever)


def normal_crps(mean: float, sd: float, *, value: float) -> float:
    """CRPS of a normal forecast, in the unit of the value [1]_.

    Sources
    -------
    .. [1] Gneiting and Raftery, JASA 102, 2007, eq. 22.

    Examples
    --------
    >>> round(normal_crps(0.0, 1.0, value=0.0), 4)
    0.2337
    """
    z = (value - mean) / sd
    density, below = exp(-z * z / 2) / sqrt(2 * pi), (1 + erf(z / sqrt(2))) / 2
    return sd * (z * (2 * below - 1) + 2 * density - 1 / sqrt(pi))
