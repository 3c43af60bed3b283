"""Fit of bounded constants with shrunk offsets: the same data always give the same numbers.

Each constant x of :mod:`chipwall.perf.constants` is linear in its level, slope and offsets; the formula is not linear
in x. Gauss-Newton steps with a Levenberg damping minimise a pseudo-Huber loss of the log error plus a Gaussian prior on
every coefficient, so an offset with few rows behind it stays near zero. NumPy only, no random start.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import log
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chipwall.perf.constants import By, Constant, offset_key
from chipwall.perf.efficiency import STEEPEST_SLOPE

__all__ = ["Design", "Fit", "Term", "designed", "fitted", "grouped_folds"]

Floats = NDArray[np.floating[Any]]
Formula = Callable[[Mapping[str, Floats], NDArray[np.integer[Any]]], Floats]

# Errors beyond this count by their size and no longer by their square [1, natural log].
SCALE = 0.08
NOISE = 0.08
ITERATIONS = 40


@dataclass(frozen=True, slots=True)
class Term:
    """One constant to fit: its bounds, where it starts, and the labels by which it may differ.

    ``start`` is in the unit of the constant. ``slope`` is (prior mean, prior deviation) of the law across chips.
    ``offsets`` maps comma-joined label kinds to the prior deviation of their offsets, in log odds.
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


@dataclass(frozen=True, slots=True)
class Design:
    """Which coefficients act on which rows."""

    terms: tuple[Term, ...]
    matrices: tuple[Floats, ...]
    names: tuple[tuple[str, ...], ...]
    prior: Floats
    deviation: Floats
    steepest: Floats

    @property
    def edges(self) -> NDArray[np.integer[Any]]:
        """Where each constant's coefficients begin."""
        return np.cumsum([0] + [m.shape[1] for m in self.matrices])


def designed(terms: Sequence[Term], labels: Mapping[str, NDArray[Any]], power_ratio: Floats) -> Design:
    """The design for rows with these labels; an offset exists for every label that occurs."""
    matrices, names, prior, deviation, steepest = [], [], [], [], []
    for term in terms:
        columns, called = [np.ones(len(power_ratio))], ["level"]
        means, widths, caps = [term.level], [1.0], [np.inf]
        if term.slope is not None:
            columns.append(np.log(power_ratio))
            called.append("slope")
            means.append(term.slope[0])
            widths.append(term.slope[1])
            caps.append(STEEPEST_SLOPE)
        for kinds, width in term.offsets.items():
            keys = _keys(labels, kinds.split(","))
            for key in sorted(set(keys.tolist()) - {""}):
                columns.append((keys == key).astype(float))
                called.append(key)
                means.append(0.0)
                widths.append(width)
                caps.append(np.inf)
        matrices.append(np.stack(columns, axis=1))
        names.append(tuple(called))
        prior += means
        deviation += widths
        steepest += caps
    return Design(tuple(terms), tuple(matrices), tuple(names), np.array(prior), np.array(deviation), np.array(steepest))


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

    def constants(self, *, rows: int, spreads: Mapping[str, float]) -> dict[str, Constant]:
        """The fit as constants; offsets that the data did not move are left out."""
        found, edges = {}, self.design.edges
        for i, term in enumerate(self.design.terms):
            part = dict(zip(self.design.names[i], self.coefficients[edges[i] : edges[i + 1]].tolist(), strict=True))
            level, slope = part.pop("level"), part.pop("slope", 0.0)
            offsets = {key: round(value, 4) for key, value in part.items() if abs(value) >= 5e-4}
            found[term.name] = Constant(
                name=term.name, unit=term.unit, low=term.low, high=term.high, level=round(level, 4),
                slope=round(slope, 4), offsets=offsets, rows=rows, spread=round(spreads.get(term.name, 0.0), 4),
                by=term.by, logarithmic=term.logarithmic, peak=term.peak,
                note=term.note,
            )  # fmt: skip
        return found


def _positions(design: Design, coefficients: Floats, rows: NDArray[np.integer[Any]]) -> list[Floats]:
    edges = design.edges
    return [m[rows] @ coefficients[edges[i] : edges[i + 1]] for i, m in enumerate(design.matrices)]


def _values(design: Design, positions: Sequence[Floats]) -> dict[str, Floats]:
    return {term.name: term.value(x) for term, x in zip(design.terms, positions, strict=True)}


def _loss(error: Floats, weights: Floats, coefficients: Floats, design: Design) -> float:
    huber = 2.0 * SCALE**2 * (np.sqrt(1.0 + (error / SCALE) ** 2) - 1.0)
    shrinkage = ((coefficients - design.prior) / design.deviation) ** 2
    return float(np.sum(weights * huber) / NOISE**2 + np.sum(shrinkage))


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
    design: Design, formula: Formula, target: Floats, rows: NDArray[np.integer[Any]], weights: Floats | None = None
) -> Fit:
    """The coefficients that minimise the loss on some rows.

    Parameters
    ----------
    design : Design
        Constants and labels.
    formula : callable
        From values of the constants by name, and row numbers, to times [s].
    target : array
        Natural log of the measured times, all rows.
    rows : array of int
        Rows to fit on.
    weights : array, optional
        One weight per row of all rows [1].
    """
    truth = target[rows]
    weight = np.ones(len(rows)) if weights is None else weights[rows]
    theta, damping = design.prior.copy(), 1e-3
    positions = _positions(design, theta, rows)
    at = np.log(formula(_values(design, positions), rows))
    loss = _loss(at - truth, weight, theta, design)
    for _ in range(ITERATIONS):
        error = at - truth
        jacobian = _jacobian(design, formula, positions, at, rows)
        robust = weight / np.sqrt(1.0 + (error / SCALE) ** 2) / NOISE**2
        normal = (jacobian * robust[:, None]).T @ jacobian + np.diag(design.deviation**-2.0)
        downhill = -(jacobian * robust[:, None]).T @ error - (theta - design.prior) / design.deviation**2
        for _attempt in range(8):
            step = np.linalg.solve(normal + damping * np.diag(np.diag(normal)), downhill)
            tried = np.minimum(theta + np.clip(step, -1.5, 1.5), design.steepest)
            new_positions = _positions(design, tried, rows)
            new_at = np.log(formula(_values(design, new_positions), rows))
            new_loss = _loss(new_at - truth, weight, tried, design)
            if np.isfinite(new_loss) and new_loss < loss:
                break
            damping *= 5.0
        else:
            break
        settled = loss - new_loss < 1e-5 * loss
        theta, positions, at, loss = tried, new_positions, new_at, new_loss
        damping = max(damping / 5.0, 1e-6)
        if settled:
            break
    return Fit(design, theta)


def grouped_folds(groups: Sequence[str], folds: int, *, seed: int = 0) -> NDArray[np.integer[Any]]:
    """The fold of each row; rows of one group share a fold, and the same groups always get the same folds."""
    names = np.array(sorted(set(groups)))
    np.random.default_rng(seed).shuffle(names)
    fold = {name: i % folds for i, name in enumerate(names.tolist())}
    return np.array([fold[group] for group in groups])
