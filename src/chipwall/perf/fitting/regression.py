"""Fit of bounded constants with shrunk offsets: the same data always give the same numbers.

The one least-squares solver and the one maker of folds of the house: kernels, collectives, serving, training and science
are fitted here. Each constant x of :mod:`chipwall.perf.constants` is linear in its level, slope, offsets and trends; the
formula is not linear in x. Gauss-Newton steps with a Levenberg damping [1]_ minimise a pseudo-Huber loss of the log error
plus a Gaussian prior on every coefficient, so an offset with few rows behind it stays near zero. NumPy only, no random
start. A row depends on its own constants only, so one evaluation per constant gives the derivatives of all its offsets.

References
----------
.. [1] K. Madsen, H. B. Nielsen, O. Tingleff, Methods for non-linear least squares problems, 2nd ed., IMM DTU, 2004,
   section 3.2.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import log
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chipwall.perf.constants import By, Constant, offset_key
from chipwall.perf.efficiency import STEEPEST_SLOPE

__all__ = [
    "Design",
    "Fit",
    "FittedConstant",
    "Robust",
    "designed",
    "fitted",
    "grouped_folds",
    "left_out_fits",
    "log_term",
]

# A step that gains less than this share of the loss is the last.
SETTLED = 1e-5
# Rounds of weights on one plane, and how far a coefficient moves in one of them at most [log odds].
PLANE_ROUNDS, FARTHEST = 6, 1.5
# What the name of a trend's coefficient begins with.
TREND = "year*"

Floats = NDArray[np.floating[Any]]
Formula = Callable[[Mapping[str, Floats], NDArray[np.integer[Any]]], Floats]


@dataclass(frozen=True, slots=True)
class Robust:
    """How errors count: squared up to ``scale``, by their size beyond it; ``noise`` is what one row scatters by.

    Both are differences of natural logarithms [1]; a larger noise gives the priors more weight.
    """

    scale: float = 0.08
    noise: float = 0.08
    iterations: int = 40


KERNELS = Robust()


@dataclass(frozen=True, slots=True)
class FittedConstant:
    """One constant to fit: its bounds, where it starts, and the labels by which it may differ.

    ``start`` is in the unit of the constant, ``spread`` the prior deviation of its level in log odds. ``slope`` is (prior
    mean, prior deviation) of the law across chips. ``offsets`` maps comma-joined label kinds to the prior deviation of
    their offsets, ``trends`` to that of their change per year of software; the kind ``""`` is one trend for all rows.
    ``expected`` are prior means of single offsets other than zero, by key such as ``engine=vllm``.
    """

    name: str
    unit: str
    low: float
    high: float
    start: float
    offsets: Mapping[str, float] = field(default_factory=dict)
    logarithmic: bool = False
    slope: tuple[float, float] | None = None
    by: By = ""
    peak: str = ""
    note: str = ""
    spread: float = 1.0
    trends: Mapping[str, float] = field(default_factory=dict)
    expected: Mapping[str, float] = field(default_factory=dict)

    @property
    def level(self) -> float:
        """The start as a log odds [1]."""
        share = (
            log(self.start / self.low) / log(self.high / self.low)
            if self.logarithmic
            else (self.start - self.low) / (self.high - self.low)
        )
        return log(share / (1.0 - share))

    def value(self, x: Floats) -> Floats:
        """Value of the constant at a log odds [its unit]."""
        share = 1.0 / (1.0 + np.exp(-x))
        if self.logarithmic:
            return np.asarray(self.low * (self.high / self.low) ** share)
        return np.asarray(self.low + (self.high - self.low) * share)


def log_term(
    name: str,
    unit: str,
    low: float,
    high: float,
    start: float,
    spread: float,
    *,
    offsets: Mapping[str, float] | None = None,
    trends: Mapping[str, float] | None = None,
    expected: Mapping[str, float] | None = None,
    note: str = "",
) -> FittedConstant:
    """A logarithmic term whose spreads are deviations of the natural log of the value instead of log odds [1].

    ``expected`` are values expected under single labels, in the unit of the constant.
    """

    def log_odds(value: float) -> float:
        at = log(value / low) / log(high / low)
        return log(at / (1.0 - at))

    share = log(start / low) / log(high / low)
    odds = 1.0 / (log(high / low) * share * (1.0 - share))
    return FittedConstant(
        name, unit, low, high, start, {k: v * odds for k, v in (offsets or {}).items() if v}, logarithmic=True,
        note=note, spread=spread * odds, trends={k: v * odds for k, v in (trends or {}).items() if v},
        expected={k: log_odds(v) - log_odds(start) for k, v in (expected or {}).items()},
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Design:
    """Which coefficients act on which rows."""

    terms: tuple[FittedConstant, ...]
    matrices: tuple[Floats, ...]
    names: tuple[tuple[str, ...], ...]
    prior: Floats
    deviation: Floats
    steepest: Floats

    @property
    def edges(self) -> NDArray[np.integer[Any]]:
        """Where each constant's coefficients begin."""
        return np.cumsum([0] + [m.shape[1] for m in self.matrices])


def designed(
    terms: Sequence[FittedConstant],
    labels: Mapping[str, NDArray[Any]],
    power_ratio: Floats,
    years: Floats | None = None,
) -> Design:
    """The design for rows with these labels; an offset exists for every label that occurs.

    ``power_ratio`` is in W per TFLOP/s; ``years`` is the date of each row's software after
    :data:`chipwall.perf.constants.EPOCH` [year].
    """
    matrices, names, prior, deviation, steepest = [], [], [], [], []
    for term in terms:
        columns: list[tuple[str, Floats, float, float, float]] = [
            ("level", np.ones(len(power_ratio)), term.level, term.spread, np.inf)
        ]
        if term.slope is not None:
            columns.append(("slope", np.log(power_ratio), term.slope[0], term.slope[1], STEEPEST_SLOPE))
        for kinds, width in term.offsets.items():
            columns += [(key, held, term.expected.get(key, 0.0), width, np.inf) for key, held in _masks(labels, kinds)]
        for kinds, width in term.trends.items():
            assert years is not None, "a trend needs the date of every row"
            columns += [(f"{TREND}{key}", held * years, 0.0, width, np.inf) for key, held in _masks(labels, kinds)]
        matrices.append(np.stack([c[1] for c in columns], axis=1))
        names.append(tuple(c[0] for c in columns))
        prior += [c[2] for c in columns]
        deviation += [c[3] for c in columns]
        steepest += [c[4] for c in columns]
    return Design(tuple(terms), tuple(matrices), tuple(names), np.array(prior), np.array(deviation), np.array(steepest))


def _masks(labels: Mapping[str, NDArray[Any]], kinds: str) -> list[tuple[str, Floats]]:
    """Every label of the kinds that occurs, and where it holds; all rows under the name ``""`` without a kind."""
    if not kinds:
        return [("", np.ones(len(next(iter(labels.values())))))]
    keys = _keys(labels, kinds.split(","))
    return [(key, (keys == key).astype(float)) for key in sorted(set(keys.tolist()) - {""})]


def _keys(labels: Mapping[str, NDArray[Any]], kinds: Sequence[str]) -> NDArray[Any]:
    rows = zip(*(labels[kind].tolist() for kind in kinds), strict=True)
    return np.array([offset_key(dict(zip(kinds, row, strict=True))) if all(row) else "" for row in rows])


@dataclass(frozen=True, slots=True)
class Fit:
    """Coefficients of one fit, and how to use them."""

    design: Design
    coefficients: Floats

    def predicted(self, formula: Formula, rows: NDArray[np.integer[Any]]) -> Floats:
        """Natural log of the predicted time of some rows."""
        return np.log(formula(_values(self.design, _positions(self.design, self.coefficients, rows)), rows))

    def slopes(self, formula: Formula, rows: NDArray[np.integer[Any]]) -> Floats:
        """Derivatives of the log prediction of some rows by every coefficient [1]."""
        positions = _positions(self.design, self.coefficients, rows)
        at = np.log(formula(_values(self.design, positions), rows))
        return _jacobian(self.design, formula, positions, at, rows)

    def constants(self, *, rows: int, spreads: Mapping[str, float]) -> dict[str, Constant]:
        """The fit as constants; offsets that the data did not move are left out."""
        found, edges = {}, self.design.edges
        for i, term in enumerate(self.design.terms):
            part = dict(zip(self.design.names[i], self.coefficients[edges[i] : edges[i + 1]].tolist(), strict=True))
            level, slope = part.pop("level"), part.pop("slope", 0.0)
            moved = {key: round(value, 4) for key, value in part.items() if abs(value) >= 5e-4}
            offsets = {key: value for key, value in moved.items() if not key.startswith(TREND)}
            trends = {key.removeprefix(TREND): value for key, value in moved.items() if key.startswith(TREND)}
            found[term.name] = Constant(
                name=term.name, unit=term.unit, low=term.low, high=term.high, level=round(level, 4),
                slope=round(slope, 4), offsets=offsets, rows=rows, spread=round(spreads.get(term.name, 0.0), 4),
                by=term.by, logarithmic=term.logarithmic, peak=term.peak, trends=trends,
                note=term.note,
            )  # fmt: skip
        return found


def _positions(design: Design, coefficients: Floats, rows: NDArray[np.integer[Any]]) -> list[Floats]:
    edges = design.edges
    return [m[rows] @ coefficients[edges[i] : edges[i + 1]] for i, m in enumerate(design.matrices)]


def _values(design: Design, positions: Sequence[Floats]) -> dict[str, Floats]:
    return {term.name: term.value(x) for term, x in zip(design.terms, positions, strict=True)}


def _loss(error: Floats, weights: Floats, coefficients: Floats, design: Design, how: Robust) -> float:
    huber = 2.0 * how.scale**2 * (np.sqrt(1.0 + (error / how.scale) ** 2) - 1.0)
    shrinkage = ((coefficients - design.prior) / design.deviation) ** 2
    return float(np.sum(weights * huber) / how.noise**2 + np.sum(shrinkage))


def _jacobian(design: Design, formula: Formula, positions: list[Floats], at: Floats, rows: Any) -> Floats:
    """Derivative of the log time: one evaluation per constant, then the chain rule through the design."""
    step, blocks = 1e-4, []
    for i, matrix in enumerate(design.matrices):
        moved = list(positions)
        moved[i] = positions[i] + step
        slope = (np.log(formula(_values(design, moved), rows)) - at) / step
        blocks.append(slope[:, None] * matrix[rows])
    return np.concatenate(blocks, axis=1)


def fitted(
    design: Design,
    formula: Formula,
    target: Floats,
    rows: NDArray[np.integer[Any]],
    weights: Floats | None = None,
    *,
    how: Robust = KERNELS,
    start: Floats | None = None,
    slopes: Floats | None = None,
) -> Fit:
    """The coefficients that minimise the loss on some rows.

    Parameters
    ----------
    design : Design
        Constants and labels.
    formula : callable
        From values of the constants by name, and row numbers, to times [s] (or any positive quantity).
    target : array
        Natural log of the measured times, all rows.
    rows : array of int
        Rows to fit on.
    weights : array, optional
        One weight per row of all rows [1].
    how : Robust
        How errors count, and the most iterations.
    start : array, optional
        Coefficients to start from; the priors by default.
    slopes : array, optional
        Derivatives of the log prediction of all rows by the coefficients (:meth:`Fit.slopes`) to keep instead of computing
        them at every step: enough where the start is near, as it is for a fit that leaves out a fold of another.
    """
    truth = target[rows]
    weight = np.ones(len(rows)) if weights is None else weights[rows]
    theta, damping = (design.prior if start is None else start).copy(), 1e-3
    positions = _positions(design, theta, rows)
    at = np.log(formula(_values(design, positions), rows))
    loss = _loss(at - truth, weight, theta, design, how)
    for _ in range(how.iterations):
        error = at - truth
        jacobian = _jacobian(design, formula, positions, at, rows) if slopes is None else slopes[rows]
        robust = weight / np.sqrt(1.0 + (error / how.scale) ** 2) / how.noise**2
        normal = (jacobian * robust[:, None]).T @ jacobian + np.diag(design.deviation**-2.0)
        downhill = -(jacobian * robust[:, None]).T @ error - (theta - design.prior) / design.deviation**2
        for _attempt in range(10):
            step = np.linalg.solve(normal + damping * np.diag(np.diag(normal)), downhill)
            tried = np.minimum(theta + np.clip(step, -1.5, 1.5), design.steepest)
            new_positions = _positions(design, tried, rows)
            new_at = np.log(formula(_values(design, new_positions), rows))
            new_loss = _loss(new_at - truth, weight, tried, design, how)
            if np.isfinite(new_loss) and new_loss < loss:
                break
            damping *= 8.0
        else:
            break
        settled = loss - new_loss < SETTLED * loss
        theta, positions, at, loss = tried, new_positions, new_at, new_loss
        damping = max(damping / 8.0, 1e-5)
        if settled:
            break
    return Fit(design, theta)


def left_out_fits(
    design: Design, formula: Formula, target: Floats, fold: NDArray[np.integer[Any]], weights: Floats, start: Floats, *,
    how: Robust = KERNELS, rounds: int = 3, slopes: Floats | None = None,
) -> list[Fit]:  # fmt: skip
    """The fits without each fold, with one Jacobian for all of them.

    ``slopes`` are the derivatives at ``start``, a fit of all rows. Each round takes the formula for a plane at the errors that
    it computes anew, and settles on that plane; a fold more costs a few evaluations of the formula instead of a whole fit.
    """
    rows = np.arange(len(target))
    positions = _positions(design, start, rows)
    at = np.log(formula(_values(design, positions), rows))
    jacobian = _jacobian(design, formula, positions, at, rows) if slopes is None else slopes
    fits = []
    for one in range(int(fold.max()) + 1):
        seen = np.flatnonzero(fold != one)
        own, truth, weight, theta = jacobian[seen], target[seen], weights[seen], start.copy()
        error = (at - target)[seen]
        for again in range(rounds):
            if again:
                error = np.log(formula(_values(design, _positions(design, theta, seen)), seen)) - truth
            theta = _on_plane(design, own, error, weight, theta, how)
        fits.append(Fit(design, theta))
    return fits


def _on_plane(design: Design, jacobian: Floats, error: Floats, weight: Floats, start: Floats, how: Robust) -> Floats:
    """The best coefficients where the formula is a plane through ``error`` at ``start``: weights and solution in turn."""
    theta = start
    for _ in range(PLANE_ROUNDS):
        here = error + jacobian @ (theta - start)
        robust = weight / np.sqrt(1.0 + (here / how.scale) ** 2) / how.noise**2
        normal = (jacobian * robust[:, None]).T @ jacobian + np.diag(design.deviation**-2.0)
        downhill = -(jacobian * robust[:, None]).T @ here - (theta - design.prior) / design.deviation**2
        moved = np.linalg.solve(normal, downhill)
        theta = np.minimum(theta + np.clip(moved, -FARTHEST, FARTHEST), design.steepest)
        if np.abs(moved).max() < 1e-3:
            break
    return theta


def grouped_folds(groups: Sequence[str], folds: int) -> NDArray[np.integer[Any]]:
    """The fold of each row: whole groups, the largest first into the emptiest fold, ties by name."""
    sizes = Counter(groups)
    load, place = [0] * folds, {}
    for name in sorted(sizes, key=lambda g: (-sizes[g], g)):
        place[name] = int(np.argmin(load))
        load[place[name]] += sizes[name]
    return np.array([place[name] for name in groups])
