"""Writes ``data/calibration_inference.toml``: the fit and its spread over folds, from the shipped measurements."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from chipwall.perf.calibrated import Calibrated
from chipwall.perf.constants import Constant
from chipwall.perf.fitting.regression import Fit, Floats
from chipwall.perf.fitting.serving import ServingFit, cross_validated, fit_rows, fitted_rows, group_of
from chipwall.perf.serving.engines import year_of

__all__ = ["ServingRefit", "calibration_text", "refit_serving"]

FOLDS = 8


@dataclass(frozen=True, slots=True)
class ServingRefit:
    """A fit of serving, and what fits without each row's source, chip and model say of the row."""

    problem: ServingFit
    fit: Fit
    predicted: Floats
    spread: Mapping[str, float]

    @property
    def rows(self) -> list[Mapping[str, str]]:
        """The rows behind it."""
        return self.problem.rows


def refit_serving(rows: Sequence[Mapping[str, str]], calibrated: Calibrated) -> ServingRefit:
    """Fit the rows marked ``fit`` and those of the queue, with cross-validation by source, chip and model."""
    problem, fit = fit_rows(fitted_rows(rows), calibrated)
    groups = ["|".join(group_of(r)) for r in problem.rows]
    predicted, fits = cross_validated(problem, fit, groups, folds=FOLDS)
    levels = np.array([[f.coefficients[i] for i in problem.design.edges[:-1]] for f in fits]).std(axis=0)
    spread = {term.name: float(x) for term, x in zip(problem.design.terms, levels, strict=True)}
    return ServingRefit(problem, fit, predicted, spread)


def calibration_text(rows: Sequence[Mapping[str, str]], calibrated: Calibrated) -> str:
    """The whole file as text."""
    found = refit_serving(rows, calibrated)
    return _toml(found.problem.constants(found.fit, found.spread), len(found.rows), _dates(found.problem))


def _dates(problem: ServingFit) -> dict[str, tuple[float, float]]:
    """First and last date of each engine's rows that have one [year]."""
    first = np.r_[0, np.nonzero(np.diff(problem.cases.owner))[0] + 1]
    found: dict[str, list[float]] = {"all": []}
    for at, row in zip(first.tolist(), problem.rows, strict=True):
        year = year_of(row.get("date", ""))
        if year is not None:
            found.setdefault(problem.cases.engine[at], []).append(year)
            found["all"].append(year)
    return {engine: (min(years), max(years)) for engine, years in found.items()}


def _toml(
    constants: Mapping[str, Constant],
    rows: int,
    dates: Mapping[str, tuple[float, float]],
) -> str:
    lines = [
        "# Step and host constants of serving, fitted on end-to-end rows with the hardware constants frozen. Written by",
        "# `chipwall calibrate --stage inference`; do not edit by hand. value = low * (high / low) ** expit(level + every "
        "offset that holds + (year of the engine - 2025) * every trend that holds).",
        "",
        f"rows = {rows}",
        "",
        "# First and last date of the measured runs of each engine, years.",
        "[dates]",
        *(f'"{name}" = [{first:.3f}, {last:.3f}]' for name, (first, last) in sorted(dates.items())),
    ]
    for name, c in sorted(constants.items()):
        lines += [
            "",
            f'[constants."{name}"]',
            f'unit = "{c.unit}"',
            f"low = {c.low:.9g}",
            f"high = {c.high:.9g}",
            f"level = {c.level:.6g}",
            f"rows = {c.rows}",
            f"spread = {c.spread:.3g}",
            "logarithmic = true",
            f'note = "{c.note}"',
        ]
        if c.offsets:
            pairs = ", ".join(f'"{k}" = {v:.5g}' for k, v in sorted(c.offsets.items()))
            lines.append(f"offsets = {{ {pairs} }}")
        if c.trends:
            pairs = ", ".join(f'"{k}" = {v:.5g}' for k, v in sorted(c.trends.items()))
            lines.append(f"trends = {{ {pairs} }}")
    return "\n".join(lines) + "\n"
