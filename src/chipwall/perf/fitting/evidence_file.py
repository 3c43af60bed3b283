"""Writes ``data/evidence_serving.csv`` and ``data/bands_serving.toml``: what left-out rows came to, and the bands they earn.

Each row is predicted three times, by fits that saw nothing of its source, chip and model together, of its model, or of its
chip. Each time the distance to the nearest row that the fit did see is known, so that the errors say what to expect at a
distance.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chipwall.perf.calibrated import Calibrated, ServingConstants
from chipwall.perf.evidence.basis import Local, class_at, local, stretch_names, stretched
from chipwall.perf.evidence.index import LEFT_OUT, LOGARITHMS, EvidenceIndex
from chipwall.perf.evidence.likeness import NAMES, SIZES, Traits, asked_for, distances
from chipwall.perf.evidence.row_traits import row_traits
from chipwall.perf.fitting.bands import COVERAGE
from chipwall.perf.fitting.regression import TREND, Fit, grouped_folds, left_out_fits
from chipwall.perf.fitting.serving import HOW, ServingFit, fitted_rows, prepared, row_weights

__all__ = ["Samples", "bands_toml", "evidence_csv", "left_out_samples", "made_on_others", "stretches_of"]

FOLDS = 8
# Planes that a fit without a fold is settled on, one after the other.
ROUNDS = 3
COLUMNS = (
    "id", "metric", "value", "source", "class", "chips", "prompt", "output", *NAMES, *SIZES, *(f"by_{by}" for by in LEFT_OUT),
)  # fmt: skip
# Rows that make a class of their own: distance class and what is asked.
FEWEST_ROWS = 60


def left_out_labels(rows: Sequence[Mapping[str, str]]) -> dict[str, list[str]]:
    """What is left out together, for each way of leaving out: source, chip and model; the model; the chip."""
    group = ["|".join((r["source"], r["chip"], r["model"])) for r in rows]
    return {"group": group, "model": [r["model"] for r in rows], "chip": [r["chip"] for r in rows]}


def known_fit(problem: ServingFit, fitted_before: ServingConstants) -> Fit:
    """Known constants as coefficients of a problem; publishers' peculiarities, which are not kept, at zero."""
    known = fitted_before.constants
    found = []
    for term, names in zip(problem.design.terms, problem.design.names, strict=True):
        c = known[term.name]
        for name in names:
            held = c.trends if name.startswith(TREND) else c.offsets
            found.append(c.level if name == "level" else held.get(name.removeprefix(TREND), 0.0))
    return Fit(problem.design, np.array(found))


def evidence_csv(
    rows: Sequence[Mapping[str, str]], calibrated: Calibrated, *, folds: int = FOLDS, say: Callable[[str], None] = lambda _: None
) -> str:
    """The whole table as text, from the constants and the rows behind them."""
    problem = ServingFit.over(*prepared(fitted_rows(rows), calibrated))
    start = known_fit(problem, calibrated.serving)
    few = problem.narrowed(start)
    slopes = start.slopes(few.values, np.arange(len(problem.rows)))
    rows = problem.rows
    each = [t for r in rows if (t := row_traits(r, calibrated.serving)) is not None]
    assert len(each) == len(rows), "a row that was fitted has no traits"
    late = np.array([r["metric"] in ("ttft_ms", "tpot_ms") for r in rows])
    errors = {}
    named = [{**t.names, "source": r["source_name"]} for r, t in zip(rows, each, strict=True)]
    for by, labels in left_out_labels(named).items():
        say(f"left out by {by}")
        fold = grouped_folds(labels, folds)
        fits = left_out_fits(
            few.design, few.values, few.target, fold, row_weights(few.rows), start.coefficients, how=HOW, rounds=ROUNDS,
            slopes=slopes,
        )  # fmt: skip
        predicted = np.zeros(len(rows))
        for one, fit in enumerate(fits):
            away = np.flatnonzero(fold == one)
            predicted[away] = problem.predicted(fit, away)
        # errors are of times: rates go the other way
        errors[by] = (np.log(predicted) - problem.target) * np.where(late, 1.0, -1.0)
    return _table(rows, each, errors)


def _table(rows: Sequence[Mapping[str, str]], each: Sequence[Traits], errors: Mapping[str, Any]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for i, (row, own) in enumerate(zip(rows, each, strict=True)):
        told = [row[name] for name in ("id", "metric", "value", "source_name", "class", "n_chips", "isl", "osl")]
        sizes = [_shown(float(own.sizes[n]), n) for n in SIZES]
        writer.writerow([*told, *(own.names[n] for n in NAMES), *sizes, *(f"{errors[by][i]:.4f}" for by in LEFT_OUT)])
    return text.getvalue()


def _shown(value: float, name: str) -> str:
    if np.isnan(value):
        return ""
    return f"{np.exp(value):.6g}" if name in LOGARITHMS else f"{value:.7g}"


@dataclass(frozen=True, slots=True)
class Samples:
    """Left-out predictions: what lacked (group, model or chip), error of the time (natural log), what the rows that stayed
    say of it, its whole model and what was asked."""

    lacking: str
    errors: NDArray[Any]
    told: Local
    models: NDArray[Any]
    asked: NDArray[Any]

    @property
    def classes(self) -> NDArray[np.str_]:
        """Distance class of each."""
        return np.array([class_at(float(d)) for d in self.told.distance])

    @property
    def reach(self) -> NDArray[Any]:
        """How far the error lies from the middle of the local quantiles, in half widths [1]."""
        middle, half = self.told.middle_and_half()
        return np.asarray(np.abs(self.errors - middle) / half)


_APART: dict[int, NDArray[np.float32]] = {}


def _apart(found: EvidenceIndex) -> NDArray[np.float32]:
    """Distance of every row from every other, computed once for an index."""
    if id(found) not in _APART:
        _APART.clear()
        _APART[id(found)] = distances(found.traits, found.traits)
    return _APART[id(found)]


def left_out_samples(found: EvidenceIndex, by: str) -> Samples:
    """Every row as the fit without its group, model or chip predicted it, beside the rows of that fit."""
    labels = left_out_labels(found.rows)
    fold = grouped_folds(labels[by], FOLDS)
    errors = np.asarray(found.errors[f"by_{by}"])
    away = _apart(found).copy()
    away[fold[:, None] == fold[None, :]] = np.inf
    asked = np.array([asked_for(r["metric"]) for r in found.rows])
    return Samples(by, errors, local(away, errors), np.array(labels["model"]), asked)


def stretches_of(samples: Sequence[Samples], keep: Sequence[NDArray[np.bool_]] | None = None) -> dict[str, float]:
    """Factors that make local bands cover 80 %: by what is asked, what lacked and distance class, and by fewer of them [1].

    ``keep`` are the samples that count, an array for each way of leaving out.
    """
    kept = [np.ones(len(s.errors), dtype=bool) for s in samples] if keep is None else keep
    groups: dict[str, list[NDArray[Any]]] = {}
    for s, own in zip(samples, kept, strict=True):
        for one, reach, names in zip(s.asked[own], s.reach[own], s.classes[own], strict=True):
            for key in (*stretch_names(str(one), s.lacking, str(names)), "all"):
                groups.setdefault(key, []).append(reach)
    enough = {key: np.array(values) for key, values in groups.items() if len(values) >= FEWEST_ROWS}
    return {key: float(np.quantile(values, COVERAGE)) for key, values in enough.items()}


def made_on_others(samples: Sequence[Samples], which: int, *, folds: int = 5) -> tuple[NDArray[Any], NDArray[Any]]:
    """Band of every sample of one way of leaving out (factors on its time), stretched by the samples of other models [1]."""
    own = samples[which]
    fold = grouped_folds(own.models.tolist(), folds)
    low, high = np.zeros(len(own.errors)), np.zeros(len(own.errors))
    for one in range(fold.max() + 1):
        away = fold == one
        made = stretches_of(samples, [~away] * len(samples))
        told = Local(own.told.distance[away], own.told.low[away], own.told.high[away])
        low[away], high[away] = stretched(told, own.asked[away].tolist(), [own.lacking] * int(away.sum()), made)
    return low, high


def bands_toml(found: EvidenceIndex) -> str:
    """``bands_serving.toml`` as text."""
    stretches = stretches_of([left_out_samples(found, by) for by in LEFT_OUT])
    lines = [
        "# How far the 10 % and 90 % quantiles of the nearest rows' left-out errors are drawn apart so that bands cover 80 %: by",
        "# what the fit lacks of the question and by its distance. Written by `chipwall calibrate --stage evidence`.",
        "[stretch]",
        *(f'"{name}" = {factor:.4f}' for name, factor in sorted(stretches.items())),
    ]
    return "\n".join(lines) + "\n"
