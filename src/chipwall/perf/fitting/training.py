"""Stage two of the calibration: constants of the training step, on end-to-end rows, kernel constants frozen.

Each constant has a global level and small offsets (by silicon, format, software) that are pulled towards zero, so an
architecture with few rows stays close to the typical one. Repeats of one configuration share their weight.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chipwall.perf.constants import Calibration, Constant
from chipwall.perf.evidence.training import TrainingSetup, flops_of_row, setup_of_row
from chipwall.perf.evidence.training_steps import blocks_of, predicted_step, step_times_of
from chipwall.perf.fitting.regression import (
    Design,
    Fit,
    FittedConstant,
    Robust,
    designed,
    grouped_folds,
    left_out_fits,
    log_term,
)
from chipwall.perf.fitting.regression import fitted as solved
from chipwall.units import TERA

Array = NDArray[np.float64]

__all__ = [
    "SPECIFICATION",
    "cross_validated_steps",
    "fitted_steps",
    "measured_step",
    "setups_to_fit",
    "spread_over_folds",
]


def _term(
    low: float,
    high: float,
    start: float,
    spread: float,
    note: str,
    unit: str = "1",
    by: Mapping[str, float] | None = None,
    **offsets: float,
) -> Callable[[str], FittedConstant]:
    return lambda name: log_term(name, unit, low, high, start, spread, offsets={**offsets, **(by or {})}, note=note)


_PRIORS: dict[str, Callable[[str], FittedConstant]] = {
    "train.gemm": _term(
        1.0,
        4.0,
        1.25,
        0.3,
        "products in training over the same products alone",
        arch=0.2,
        recipe=0.2,
        software=0.1,
        by={"arch,recipe": 0.15, "scaling": 0.1},
    ),
    "train.gemm16": _term(1.0, 4.0, 1.25, 0.3, "the same for the 16-bit output head"),
    "train.power": _term(0.01, 1.0, 0.3, 0.5, "power of the power cap in sustained products", arch=0.3),
    "train.experts": _term(0.5, 8.0, 1.5, 0.5, "expert products in training over the same alone", arch=0.3, recipe=0.2),
    "train.expert_rows": _term(1.0, 4000.0, 100.0, 0.8, "rows per expert at which they lose half their rate", "token"),
    "train.attention": _term(0.5, 6.0, 1.5, 0.4, "attention in training over the same alone", arch=0.3, software=0.15),
    "train.elementwise": _term(
        0.2, 6.0, 1.0, 0.4, "element-wise traffic over the fused minimum", arch=0.25, software=0.2
    ),
    "train.adapter": _term(
        0.3, 12.0, 1.0, 0.3, "traffic of adapters over the fused minimum", launching=0.8, software=0.2
    ),
    "train.casts": _term(
        0.05,
        5.0,
        0.5,
        0.4,
        "traffic of casts to narrow formats over one read and write",
        recipe=0.3,
        arch=0.4,
        by={"scaling": 0.3},
    ),
    "train.mixer": _term(0.2, 20.0, 3.0, 0.5, "traffic of a state-space mixer over 14 widths"),
    "train.loss": _term(0.3, 6.0, 1.5, 0.4, "traffic of logits and loss over 10 bytes a value"),
    "train.tensor": _term(
        0.02, 3.0, 0.5, 0.5, "share of tensor-parallel exchange that shows over the tables of collectives", arch=0.15,
        software=0.4,
    ),
    "train.context": _term(0.02, 3.0, 0.4, 0.5, "share of context-parallel exchange that shows", arch=0.3),
    "train.expert": _term(0.05, 8.0, 0.8, 0.5, "expert exchange over its least time", arch=0.3),
    "train.host": _term(
        1e-5, 2e-2, 8e-4, 0.6, "host time per layer and micro-batch", "s", arch=0.2, software=0.3, launching=1.2
    ),
    "train.host_expert": _term(1e-6, 2e-3, 1.2e-4, 0.5, "host time per local expert, layer and micro-batch", "s"),
    "train.routing": _term(1e-5, 2e-2, 1e-3, 0.5, "host time to route one layer of experts, not captured", "s"),
    "train.permutation": _term(0.1, 40.0, 2.5, 0.6, "traffic of permutation not captured over 12 bytes an element"),
    "train.youth": _term(0.01, 3.0, 0.4, 0.6, "excess of software for silicon of no age", arch=0.3),
    "train.imbalance": _term(0.02, 1.0, 0.35, 0.5, "share of a fuller stage that the others wait for"),
    "train.overlap": _term(
        0.05,
        3.0,
        0.9,
        0.4,
        "share of computation behind which weight and gradient exchange hides",
        arch=0.2,
        software=0.3,
    ),
    "train.gradient": _term(
        0.4, 4.0, 1.3, 0.4, "bytes of gradient exchange over 2 per weight and direction", software=0.3
    ),
    "train.optimizer": _term(0.5, 10.0, 2.0, 0.4, "optimizer traffic over 24 bytes a weight"),
    "finetune.unpacking": _term(0.2, 20.0, 2.0, 0.5, "unpacking of 4-bit weights over its traffic"),
    "train.scale": _term(5e-4, 0.05, 6e-3, 0.5, "loss per doubling of the chips beyond 8"),
    "train.fixed": _term(1e-4, 0.2, 8e-3, 0.5, "time of a step that depends on nothing", "s"),
}
SPECIFICATION: dict[str, FittedConstant] = {name: prior(name) for name, prior in _PRIORS.items()}
SOFT = 0.08  # log ratio beyond which a residual counts linearly [1]
HOW = Robust(scale=SOFT, noise=SOFT, iterations=40)
ROUNDS = 5


def measured_step(setup: TrainingSetup) -> float | None:
    """Step time that a row measured [s]; None where it measured something else."""
    run, value = setup.run, setup.value
    tokens = setup.sequences * float(run.sequence)
    chips = float(run.chips)
    if setup.metric == "step_time_s":
        return value
    if setup.metric == "tokens_per_s_per_chip":
        return tokens / (value * chips)
    if setup.metric == "tokens_per_s_total":
        return tokens / value
    if setup.metric == "samples_per_s":
        return setup.sequences / value
    rate = rate_of_row(setup)
    return tokens * flops_of_row(setup) / (rate * chips) if rate else None


def rate_of_row(setup: TrainingSetup) -> float | None:
    """Arithmetic per second and chip that a TFLOP/s or MFU row states, recomputation taken out [flop/s]."""
    if setup.metric == "mfu":
        return setup.value * float(setup.hw.peak("bf16"))
    if setup.metric == "tflops_per_chip_model":
        return setup.value * TERA
    if setup.metric == "tflops_per_chip_hw_incl_recompute":
        return setup.value * TERA / (1.0 + float(setup.run.recompute) / 3.0)
    return None


def setups_to_fit(rows: Sequence[Mapping[str, str]], kernels: Calibration) -> list[TrainingSetup]:
    """Setups of the ``fit`` rows that measure speed; of one configuration, the most direct metric only."""
    order = {"tokens_per_s_per_chip": 0, "step_time_s": 1, "tokens_per_s_total": 1, "samples_per_s": 2}
    kept: dict[tuple[str, ...], list[TrainingSetup]] = defaultdict(list)
    for row in rows:
        if row.get("use", "fit") != "fit" or not row.get("value") or "mem" in row["metric"]:
            continue
        setup = setup_of_row(row, kernels)
        if measured_step(setup) is None:
            continue
        own = re_key(row)
        kept[own].append(setup)
    found: list[TrainingSetup] = []
    for group in kept.values():
        best = min(order.get(s.metric, 3) for s in group)
        found += [s for s in group if order.get(s.metric, 3) == best]
    return found


def re_key(row: Mapping[str, str]) -> tuple[str, ...]:
    """What names the run behind a row: every column but id, metric, value and notes."""
    return tuple(
        v for k, v in row.items() if k not in ("id", "metric", "value", "notes", "use_reason") and isinstance(v, str)
    )


def _design(setups: Sequence[TrainingSetup]) -> Design:
    """The unknowns that act on the setups: a level per constant and offsets by what the labels say."""
    labels = [s.labels for s in setups]
    kinds = {kind for term in SPECIFICATION.values() for key in term.offsets for kind in key.split(",")}
    columns = {kind: np.array([label.get(kind, "") for label in labels]) for kind in kinds}
    return designed(tuple(SPECIFICATION.values()), columns, np.ones(len(setups)))


def weights_of(setups: Sequence[TrainingSetup]) -> Array:
    """Weight of each setup: repeats of one configuration in one source share a square root [1]."""
    keys = [(s.group, s.recipe, s.run) for s in setups]
    counts = Counter(keys)
    return np.array([counts[k] ** -0.5 for k in keys])


@dataclass(frozen=True, slots=True)
class SolverProblem:
    """Setups as the solver wants them: unknowns, formula, logarithms of the measured times."""

    design: Design
    formula: Callable[[Mapping[str, Any], Any], Array]
    goal: Array
    weights: Array


def _problem(setups: Sequence[TrainingSetup]) -> SolverProblem:
    blocks = blocks_of(setups)

    def formula(values: Mapping[str, Any], rows: Any) -> Array:
        return np.asarray(step_times_of(blocks, _spread(values, rows, len(setups)), len(setups))[rows])

    goal = np.log(np.array([measured_step(s) for s in setups], dtype=float))
    return SolverProblem(_design(setups), formula, goal, weights_of(setups))


def _spread(values: Mapping[str, Any], rows: Any, count: int) -> dict[str, Any]:
    """Values of some rows at their places among all; the others stand at the first one's, their times are not used."""
    found = {}
    for name, value in values.items():
        whole = np.full(count, value[0])
        whole[rows] = value
        found[name] = whole
    return found


def _solved(problem: SolverProblem, *, how: Robust) -> Fit:
    rows = np.arange(len(problem.goal))
    return solved(problem.design, problem.formula, problem.goal, rows, problem.weights, how=how)


def fitted_steps(setups: Sequence[TrainingSetup], *, rounds: int = 40) -> dict[str, Constant]:
    """Step constants fitted on setups."""
    return _solved(_problem(setups), how=replace(HOW, iterations=rounds)).constants(rows=len(setups), spreads={})


def cross_validated_steps(setups: Sequence[TrainingSetup], *, count: int = 16) -> tuple[Array, list[dict[str, Constant]]]:
    """Step time of every setup predicted by constants fitted without its group [s], and the constants of each fold."""
    fold = grouped_folds([s.group for s in setups], count)
    problem = _problem(setups)
    whole = _solved(problem, how=HOW)
    fits = left_out_fits(
        problem.design,
        problem.formula,
        problem.goal,
        fold,
        weights_of(setups),
        whole.coefficients,
        how=HOW,
        rounds=ROUNDS,
    )
    constants = [fit.constants(rows=len(setups), spreads={}) for fit in fits]
    found = np.empty(len(setups))
    for held, own in enumerate(constants):
        away = [s for s, f in zip(setups, fold, strict=True) if f == held]
        found[fold == held] = predicted_step(away, own)
    return found, constants


def spread_over_folds(whole: Mapping[str, Constant], folds: Sequence[Mapping[str, Constant]]) -> dict[str, float]:
    """Standard deviation of the level of each constant over the folds [1]."""
    return {
        name: float(np.std([fold[name].level for fold in folds]))
        for name in whole
        if all(name in fold for fold in folds)
    }
