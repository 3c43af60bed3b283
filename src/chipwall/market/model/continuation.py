"""How a series goes on: a damped local trend on the log, for what the model has no mechanism for.

The level follows its growth with noise, the growth falls back to a long-run rate with noise, and reports scatter about
the level. One series has too few values to fit this, so series share the numbers of their class, and the scale of a
class is fitted on forecasts made and checked before the data cut. Nothing here knows what a chip is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from chipwall.catalog.periods import DAYS_PER_QUARTER
from chipwall.catalog.series import Observation

__all__ = [
    "Gaussian",
    "PastPoint",
    "Piece",
    "Trend",
    "forecast",
    "log_density",
    "pieces_of",
    "points_of",
    "quantile_draws",
    "quarter_of",
    "remainder",
    "sampled_path",
]

STEPS = 3  # sub-steps of a quarter; the filter walks on a monthly grid
SLACK = 5  # days by which fiscal and calendar ends may differ and still meet
SAME = 0.1  # quarters by which the middle of a fiscal quarter and that of the calendar's may differ
CLASS_WORTH = 4.0  # errors that the class counts for beside those of the series itself
LARGEST_SURPRISE = 16.0  # squared error in standard deviations beyond which a jump says no more about the width
FARTHEST = 6.0
TAIL = 3.0  # degrees of freedom of the forecast, three exactly: markets jump far more often than a normal distribution


@dataclass(frozen=True, slots=True)
class Trend:
    """Numbers of a class: see ``data/continuation.toml``. Growth and noises are per quarter, in the transformed unit."""

    name: str
    transform: Literal["log", "logit"]
    growth: float
    growth_sd: float
    level_noise: float
    growth_noise: float
    report_noise: float
    damping: float
    season: float = 0.0

    def seasonal(self, piece: Piece) -> float:
        """How far a stretch lies above its year because of the season: second halves above first ones."""
        if not self.season:
            return 0.0
        days = [piece.start + timedelta(days=d) for d in range(0, (piece.end - piece.start).days + 1, 7)]
        return self.season * sum(1 if day.month > 6 else -1 for day in days) / len(days)

    def scaled(self, scale: float) -> Trend:
        """The same class with every standard deviation multiplied."""
        names = ("growth_sd", "level_noise", "growth_noise", "report_noise")
        return replace(self, **{name: getattr(self, name) * scale for name in names})

    def forward(self, value: float) -> float:
        """The transformed value."""
        return float(np.log(value / (1 - value)) if self.transform == "logit" else np.log(value))

    def back(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Transformed values back in the unit of the series."""
        return 1 / (1 + np.exp(-values)) if self.transform == "logit" else np.exp(np.clip(values, -700, 700))


@dataclass(frozen=True, slots=True)
class Piece:
    """A value over a stretch of time, in the unit of the tables, and the length it counts as [quarter]."""

    start: date
    end: date
    value: float
    quarters: float

    @property
    def middle(self) -> date:
        """The day in the middle."""
        return self.start + (self.end - self.start) / 2


@dataclass(frozen=True, slots=True)
class PastPoint:
    """A transformed value at a time [quarter from an arbitrary zero], with its own extra standard deviation."""

    time: float
    value: float
    sd: float = 0.0


@dataclass(frozen=True, slots=True)
class Gaussian:
    """A forecast in the transformed unit: mean and standard deviation, reporting scatter included."""

    mean: float
    sd: float


def quarter_of(day: date) -> float:
    """A day as a number of quarters."""
    return day.toordinal() / DAYS_PER_QUARTER


def pieces_of(seen: Sequence[Observation], *, flow: bool) -> tuple[Piece, ...]:
    """Dated positive numbers that do not overlap, in order of time.

    A year whose first half is known on its own becomes its second half, so nothing is counted twice. Values that are not
    flows are kept as they are.
    """
    found = [
        Piece(o.period.start, o.period.end, o.as_printed, o.period.calendar_quarters)
        for o in seen
        if o.as_printed is not None and o.period.start is not None and o.period.end is not None
    ]
    if not flow:
        return tuple(sorted((p for p in found if p.value > 0), key=lambda p: p.end))
    kept: list[Piece] = []
    for piece in sorted(found, key=lambda p: (p.quarters, p.start)):
        rest = remainder(piece, kept)
        if rest is not None and rest.value > 0:
            kept.append(rest)
    return tuple(sorted(kept, key=lambda p: p.end))


def remainder(piece: Piece, known: Sequence[Piece]) -> Piece | None:
    """What is left of a piece once the known pieces inside it are taken off; None if nothing is left."""
    inside = sorted((k for k in known if k.start >= piece.start and k.end <= piece.end), key=lambda k: k.start)
    start, end, value, length = piece.start, piece.end, piece.value, piece.quarters
    for k in inside:
        if abs((k.start - start).days) <= SLACK:
            start = k.end + timedelta(days=1)
    for k in reversed(inside):
        if abs((k.end - end).days) <= SLACK and k.start >= start:
            end = k.start - timedelta(days=1)
    for k in inside:
        if k.end < start or k.start > end:
            value, length = value - k.value, length - k.quarters
    return Piece(start, end, value, length) if (end - start).days > SLACK else None


def points_of(pieces: Sequence[Piece], *, trend: Trend, flow: bool, at_end: bool) -> tuple[PastPoint, ...]:
    """What a filter can read: a flow as its rate per quarter in the middle, a stock at the end of its period."""
    found = []
    for piece in pieces:
        value = piece.value / piece.quarters if flow else piece.value
        if value <= 0 or (trend.transform == "logit" and value >= 1):
            continue
        found.append(
            PastPoint(quarter_of(piece.end if at_end else piece.middle), trend.forward(value) - trend.seasonal(piece))
        )
    return tuple(sorted(found, key=lambda p: p.time))


def forecast(points: Sequence[PastPoint], *, trend: Trend, time: float) -> Gaussian:
    """The series at a time, from its points before: a Kalman filter of level and growth on a monthly grid.

    Parameters
    ----------
    points : sequence of Point
        In order of time, at least one.
    trend : Trend
        The class.
    time : float
        When [quarter].

    Limits
    ------
    The growth of the first value is a guess of the class. Seasons are part of the reporting scatter. Not validated as a
    single model: the coverage on forecasts checked before the data cut is in ``data/calibration.toml``.

    Sources
    -------
    .. [1] Durbin and Koopman, "Time Series Analysis by State Space Methods", 2nd ed. 2012, section 3.2 (local linear trend).
    """
    state, now, own = _filtered(points, trend=trend)
    state = _walk(state, trend=trend, quarters=time - now)
    return Gaussian(state.level, own * (state.var_level + trend.report_noise**2) ** 0.5)


def _filtered(points: Sequence[PastPoint], *, trend: Trend) -> tuple[_State, float, float]:
    """The state after the last point, when that is, and how wide this series is beside its class.

    A series whose own forecasts were off by less than its class expects gets a narrower band, one that was off by more a wider
    one: the mean square of its standardised errors, with the class counted as :data:`CLASS_WORTH` of them.
    """
    first = points[0]
    state = _State(first.value, trend.growth, trend.report_noise**2 + first.sd**2, 0.0, trend.growth_sd**2)
    now, squares, seen = first.time, CLASS_WORTH, CLASS_WORTH
    for point in points[1:]:
        state = _walk(state, trend=trend, quarters=point.time - now)
        now = point.time
        noise = trend.report_noise**2 + point.sd**2
        squares += min((point.value - state.level) ** 2 / (state.var_level + noise), LARGEST_SURPRISE)
        seen += 1.0
        state = _told(state, value=point.value, noise=noise)
    return state, now, (squares / seen) ** 0.5


@dataclass(frozen=True, slots=True)
class _State:
    """Level, growth, and their variances and covariance. Plain numbers: two by two is too small for arrays."""

    level: float
    growth: float
    var_level: float
    cov: float
    var_growth: float


def _told(s: _State, *, value: float, noise: float) -> _State:
    """The state after a value was seen."""
    of_level, of_growth = s.var_level / (s.var_level + noise), s.cov / (s.var_level + noise)
    off = value - s.level
    return _State(
        s.level + of_level * off,
        s.growth + of_growth * off,
        s.var_level * (1 - of_level),
        s.cov * (1 - of_level),
        s.var_growth - of_growth * s.cov,
    )


def _walk(s: _State, *, trend: Trend, quarters: float) -> _State:
    """The state a while later, on the monthly grid."""
    keep, part = trend.damping ** (1 / STEPS), 1 / STEPS
    level, growth, var_level, cov, var_growth = s.level, s.growth, s.var_level, s.cov, s.var_growth
    for _ in range(max(0, round(quarters * STEPS))):
        level, growth = level + growth * part, keep * growth + (1 - keep) * trend.growth
        var_level = var_level + 2 * part * cov + part**2 * var_growth + trend.level_noise**2 * part
        cov = keep * (cov + part * var_growth)
        var_growth = keep**2 * var_growth + trend.growth_noise**2 * part
    return _State(level, growth, var_level, cov, var_growth)


def sampled_path(
    points: Sequence[PastPoint], *, trend: Trend, times: Sequence[float], normals: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Draws of the whole path after the last point, in the transformed unit [times, draws].

    The same filter as :func:`forecast`: state after the last point, level and growth with noise, one Student factor a draw.
    Times up to the last point follow the points themselves, straight between them.

    Parameters
    ----------
    times : sequence of float
        When [quarter], ascending, at most a quarter apart after the last point.
    normals : array [3 + 2 x times or more, draws]
        Standard normal numbers; the first three give state and tail, the others the noise of each step.
    """
    state, now, width = _filtered(points, trend=trend)
    tail = width * np.minimum(1 / np.sqrt(np.mean(normals[:3] ** 2, axis=0)), FARTHEST)
    sd = state.var_level**0.5
    across = state.cov / sd if sd > 0 else 0.0
    own = max(state.var_growth - across**2, 0.0) ** 0.5
    level, growth = sd * normals[3], across * normals[3] + own * normals[4]
    middle, pace = state.level, state.growth
    known_at, known = [p.time for p in points], [p.value for p in points]
    out = np.empty((len(times), normals.shape[1]))
    for i, time in enumerate(times):
        if time <= points[-1].time + SAME:
            out[i] = np.interp(time, known_at, known)
            continue
        step = time - now
        keep, (one, two) = trend.damping**step, normals[5 + 2 * i : 7 + 2 * i]
        middle, pace = middle + pace * step, keep * pace + (1 - keep) * trend.growth
        level = level + growth * step + trend.level_noise * step**0.5 * one
        growth = keep * growth + trend.growth_noise * step**0.5 * two
        now = time
        out[i] = middle + tail * level
    return out


@lru_cache(maxsize=8)
def quantile_draws(count: int) -> NDArray[np.float64]:
    """Evenly spaced quantiles of the standard forecast distribution (Student, unit scale), in order.

    The last few in a thousand are cut at :data:`FARTHEST`: on a log scale they would be absurd and own the mean. Three
    degrees of freedom have a distribution function in closed form [1]_, turned round on a fine grid.

    Sources
    -------
    .. [1] Abramowitz and Stegun, "Handbook of Mathematical Functions", 26.7.3.
    """
    angle = np.linspace(-np.pi / 2, np.pi / 2, 200_001)[1:-1]
    below = 0.5 + (angle + np.sin(angle) * np.cos(angle)) / np.pi
    far = np.interp((np.arange(count) + 0.5) / count, below, np.sqrt(TAIL) * np.tan(angle))
    made = np.asarray(np.clip(far, -FARTHEST, FARTHEST), dtype=np.float64)
    made.flags.writeable = False  # shared between calls
    return made


def log_density(gaussian: Gaussian, *, value: float) -> float:
    """Log density of a value under the forecast's Student distribution, up to a constant."""
    return float(-np.log(gaussian.sd) - (TAIL + 1) / 2 * np.log1p(((value - gaussian.mean) / gaussian.sd) ** 2 / TAIL))
