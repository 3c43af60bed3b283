"""Stage 2 of the fit: step and host constants of serving on end-to-end rows, hardware constants frozen.

A row counts less the more rows its group (source, chip, model) has, because resubmissions repeat one result. What is
peculiar to a publisher's way of running a benchmark is fitted beside the common constants, so that it does not distort
them, and left out of every prediction: a question of a user has no publisher.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chipwall.perf.calibrated import Calibrated
from chipwall.perf.constants import EPOCH, Constant
from chipwall.perf.evidence.serving import Cases, case_values, cases, predicted_cases
from chipwall.perf.fitting.regression import (
    TREND,
    Design,
    Fit,
    FittedConstant,
    Floats,
    Robust,
    designed,
    fitted,
    grouped_folds,
    left_out_fits,
    log_term,
)
from chipwall.perf.load import table

__all__ = ["ServingFit", "cross_validated", "fit_rows", "fitted_rows", "group_of", "prepared"]

Rows = NDArray[np.integer[Any]]

# Errors beyond 6 % pull with constant force; one row scatters by 30 % beyond what its group shares. Cross-validated by whole
# model on modern token times: a scale of 0.12 gives 13.4 %, of 0.06 12.3 %, of 0.04 12.2 %; a scatter of 0.18 lets the
# constants follow single models (2 points worse), one of 0.45 follows no engine (1 point worse throughput).
HOW = Robust(scale=0.06, noise=0.3, iterations=12)
AGAIN = replace(HOW, iterations=15)
GROUP_POWER = -0.35
UNTUNED_WEIGHT = 0.6
# Waits of clients scatter more than steps do, and say little about them.
QUEUE_WEIGHT = 0.3
# Layouts that are worse than the best of their row by more than this share are set aside [1].
WITHIN = 0.3
PUBLISHER = "setup="
# Publishers whose runs share flags and scripts that are not all published.
PUBLISHERS = {
    "Qwen speed benchmark": "qwen-speed",
    "SGLang cookbook": "sglang-cookbook",
    "GPUStack performance lab": "gpustack",
    "dstack prefill/decode ratio benchmark": "dstack-ratio",
    "dstack H100 vs MI300X benchmark": "dstack-mi300x",
    "AMD ROCm vLLM docker benchmarks": "amd-docker",
    "Tenstorrent GPU reference runs": "tenstorrent",
}


def terms() -> tuple[FittedConstant, ...]:
    """What is believed of each constant before any row is seen."""
    found = []
    for name, p in table("priors_serving").items():
        low, high = p["bounds"]
        offsets = {kind: float(p.get(kind, 0.0)) for kind in ("arch", "engine", "setup")}
        offsets |= {"arch,engine": float(p.get("pair", 0.0)), "engine,flags": float(p.get("start", 0.0))}
        offsets |= {"engine,recipe": float(p.get("recipe", 0.0)), "flags": float(p.get("flags", 0.0))}
        trends = {"engine": float(p.get("trend", 0.0))}
        found.append(
            log_term(
                name,
                p["unit"],
                low,
                high,
                p["typical"],
                p["spread"],
                offsets=offsets,
                trends=trends,
                expected=p.get("expected"),
                note=p["note"],
            )
        )
    return tuple(found)


def group_of(row: Mapping[str, str]) -> tuple[str, str, str]:
    """The group that a fold keeps together: source, chip and model."""
    return row["source_name"], row["chip"], row["model"]


def row_weights(rows: Sequence[Mapping[str, str]]) -> Floats:
    """Weight of each row in the fit, mean one [1]."""
    size = Counter(group_of(r) for r in rows)
    prepared_or_not = np.array([1.0 if r["class"] == "tuned" else UNTUNED_WEIGHT for r in rows])
    queue = np.array([QUEUE_WEIGHT if r["use"] == "report" else 1.0 for r in rows])
    weight = np.array([size[group_of(r)] ** GROUP_POWER for r in rows]) * prepared_or_not * queue
    return np.asarray(weight / weight.mean())


def fitted_rows(rows: Sequence[Mapping[str, str]]) -> list[Mapping[str, str]]:
    """The rows marked ``fit``, and every third first-token time under load, which the queue is fitted on.

    Sources mark those ``report``, because they hold the wait of the clients; the model has that queue.
    """
    queue = [r for r in rows if r["use"] == "report" and r["metric"] == "ttft_ms" and "queueing" in r["use_reason"]]
    return [r for r in rows if r["use"] == "fit"] + queue[::3]


def prepared(rows: Sequence[Mapping[str, str]], calibrated: Calibrated) -> tuple[list[Mapping[str, str]], Cases]:
    """The rows that can be expressed, and their cases."""
    _, reasons = cases(rows, calibrated)
    kept = [r for i, r in enumerate(rows) if i not in reasons]
    made, _ = cases(kept, calibrated)
    assert made is not None, "no row can be expressed"
    return kept, made


@dataclass(frozen=True, slots=True)
class ServingFit:
    """Rows with their cases and the unknowns that act on them.

    Attributes
    ----------
    rows : list of mapping
        The rows, each with at least one case.
    cases : Cases
        Their cases, one or more per row (layouts that a row leaves open).
    design : Design
        The unknowns; those of publishers among them.
    target : array
        Natural log of the measured values.
    """

    rows: list[Mapping[str, str]]
    cases: Cases
    design: Design
    target: Floats

    @classmethod
    def over(cls, rows: list[Mapping[str, str]], made: Cases) -> ServingFit:
        """Set up the unknowns for rows and their cases."""
        first = np.r_[0, np.nonzero(np.diff(made.owner))[0] + 1]
        labels = {
            "arch": np.array(made.arch)[first], "engine": np.array(made.engine)[first],
            "recipe": np.array(made.recipe)[first], "flags": np.array(made.flags)[first],
            "setup": np.array([PUBLISHERS.get(r["source_name"], "") for r in rows]),
        }  # fmt: skip
        design = designed(terms(), labels, np.ones(len(rows)), made.year[first] - EPOCH)
        return cls(rows, made, design, np.log([float(r["value"]) for r in rows]))

    def like(self, rows: list[Mapping[str, str]], made: Cases) -> ServingFit:
        """Other rows under the unknowns of this problem; an unknown of a label that they lack does not act."""
        first = np.r_[0, np.nonzero(np.diff(made.owner))[0] + 1]
        labels = {name: np.array(getattr(made, name))[first] for name in ("arch", "engine", "recipe", "flags")}
        years = made.year[first] - EPOCH
        matrices = []
        for names in self.design.names:
            columns = []
            for name in names:
                held = np.ones(len(rows))
                for part in name.removeprefix(TREND).split(",") if name != "level" else ():
                    kind, _, label = part.partition("=")
                    held = held * (labels[kind] == label if kind in labels else 0.0)
                columns.append(held * (years if name.startswith(TREND) else 1.0))
            matrices.append(np.stack(columns, axis=1).astype(float))
        return replace(
            self, rows=rows, cases=made, design=replace(self.design, matrices=tuple(matrices)),
            target=np.log([float(r["value"]) for r in rows]),
        )  # fmt: skip

    def values(self, constants: Mapping[str, Floats], rows: Rows) -> Floats:
        """Prediction of some rows from values of the constants for each of them, in the unit of the rows."""
        found = np.zeros(len(rows))
        for where, part in _blocks(self.cases, rows):
            own = {name: value[where][part.owner] for name, value in constants.items()}
            found[where] = predicted_cases(replace(part, setup=replace(part.setup, constants=own)))[1]
        return np.maximum(found, 1e-12)

    def solved(
        self, rows: Rows | None = None, *, start: Floats | None = None, how: Robust = HOW, slopes: Floats | None = None
    ) -> Fit:
        """The constants that fit some rows (all by default) best."""
        chosen = np.arange(len(self.rows)) if rows is None else rows
        weights = row_weights(self.rows)
        return fitted(self.design, self.values, self.target, chosen, weights, how=how, start=start, slopes=slopes)

    def predicted(self, fit: Fit, rows: Rows | None = None) -> Floats:
        """What a user would be told for some rows: no publisher's peculiarities [unit of the row]."""
        chosen = np.arange(len(self.rows)) if rows is None else rows
        plain = Fit(self.design, without_publishers(self.design, fit.coefficients))
        return np.asarray(np.exp(plain.predicted(self.values, chosen)))

    def narrowed(self, fit: Fit) -> ServingFit:
        """The same without layouts that are much worse than the best of their row."""
        rows = np.arange(len(self.rows))
        own = {
            term.name: term.value(matrix @ part)[self.cases.owner]
            for term, matrix, part in zip(
                self.design.terms,
                self.design.matrices,
                np.split(fit.coefficients, self.design.edges[1:-1]),
                strict=True,
            )
        }
        value = case_values(replace(self.cases, setup=replace(self.cases.setup, constants=own)))
        late = np.isin(np.array(self.cases.metric), ("ttft_ms", "tpot_ms"))
        better = np.where(late, 1.0 / value, value)
        best = np.zeros(len(rows))
        np.maximum.at(best, self.cases.owner, better)
        return replace(self, cases=self.cases.at(np.nonzero(better / best[self.cases.owner] >= 1.0 - WITHIN)[0]))

    def constants(self, fit: Fit, spread: Mapping[str, float]) -> dict[str, Constant]:
        """The solution as constants of the calibration file, without those of publishers."""
        plain = replace(fit, coefficients=without_publishers(self.design, fit.coefficients))
        return plain.constants(rows=len(self.rows), spreads=spread)


def without_publishers(design: Design, coefficients: Floats) -> Floats:
    """The coefficients with those of publishers at zero."""
    keep = np.array([PUBLISHER not in name for names in design.names for name in names])
    return np.where(keep, coefficients, 0.0)


Blocks = tuple[tuple[Rows, Cases], ...]
_BLOCKS: dict[tuple[int, bytes], tuple[Cases, Blocks]] = {}


def _blocks(made: Cases, rows: Rows) -> Blocks:
    """Cases of some rows, gathered by regime and by kinds of layers, so that each block computes only what it needs.

    Each comes with the positions of its rows among ``rows``; owners count within the block. Kept, because every step of a
    fit asks for the same rows again.
    """
    key = (id(made), rows.tobytes())
    known = _BLOCKS.get(key)
    if known is None or known[0] is not made:
        if len(_BLOCKS) > 4:
            _BLOCKS.clear()
        known = _BLOCKS[key] = (made, _gathered(made, rows))
    return known[1]


def _gathered(made: Cases, rows: Rows) -> Blocks:
    position = np.full(int(made.owner.max()) + 1, -1)
    position[rows] = np.arange(len(rows))
    count, model = len(made.owner), made.setup.model
    marks: list[Any] = [np.broadcast_to(np.asarray(made.requests.regime), count), np.asarray(made.setup.spread) > 0]
    marks += [np.broadcast_to(np.asarray(g.count) > 0, count) for g in model.attention]
    marks += [np.broadcast_to(np.asarray(g.count) > 0, count) for g in model.feed_forward]
    _, kind = np.unique(np.stack(marks, axis=1).astype(float), axis=0, return_inverse=True)
    # all layouts of a row stay together
    own = np.zeros(len(rows), dtype=int)
    chosen = np.flatnonzero(position[made.owner] >= 0)
    own[position[made.owner[chosen]]] = kind.ravel()[chosen]
    found = []
    for one in np.unique(own):
        where = np.flatnonzero(own == one)
        part = made.at(chosen[own[position[made.owner[chosen]]] == one])
        found.append((where, replace(part, owner=np.searchsorted(where, position[part.owner]))))
    return tuple(found)


def fit_rows(rows: Sequence[Mapping[str, str]], calibrated: Calibrated) -> tuple[ServingFit, Fit]:
    """Fit all rows; layouts far from the best are set aside once, then the fit goes on."""
    kept, made = prepared(rows, calibrated)
    problem = ServingFit.over(kept, made)
    few = problem.narrowed(Fit(problem.design, problem.design.prior))
    return problem, few.solved()


def cross_validated(problem: ServingFit, whole: Fit, groups: Sequence[str], *, folds: int) -> tuple[Floats, list[Fit]]:
    """Prediction of each row by a fit that never saw its group, and the fits (:func:`left_out_fits`)."""
    fold = grouped_folds(groups, folds)
    few, rows = problem.narrowed(whole), np.arange(len(groups))
    fits = left_out_fits(
        few.design, few.values, few.target, fold, row_weights(few.rows), whole.coefficients, how=HOW,
        slopes=whole.slopes(few.values, rows),
    )  # fmt: skip
    found = np.zeros(len(groups))
    for one, fit in enumerate(fits):
        away = np.flatnonzero(fold == one)
        found[away] = problem.predicted(fit, away)
    return found, fits
