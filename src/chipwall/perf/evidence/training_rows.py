"""Predict rows of ``training.csv`` and ``finetune.csv`` in their own metric and unit, for ``chipwall validate``."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from chipwall.errors import ChipwallError
from chipwall.perf.calibrated import Calibrated, TrainingConstants
from chipwall.perf.constants import Calibration, Constant
from chipwall.perf.estimate import interval
from chipwall.perf.evidence.training import TrainingSetup, flops_of_row, memory_of_row, setup_of_row
from chipwall.perf.evidence.training_steps import predicted_step
from chipwall.perf.evidence.validate import Prediction, Skip
from chipwall.perf.training.memory import memory_parts
from chipwall.perf.training.search import fastest
from chipwall.perf.training.workload import Run
from chipwall.text import text
from chipwall.units import GIB, GIGA, MIB, TERA

__all__ = ["band_names", "predict_training_rows", "predicted_steps", "predicted_value", "searched_run"]

MEMORY_UNITS = {"peak_mem_gib": GIB, "peak_mem_gb": GIGA, "peak_mem_mb": MIB}
MINUTE = 60.0


def searched_run(setup: TrainingSetup, constants: Mapping[str, Constant]) -> Run:
    """The run of a row that states no layout: the fastest that fits its chips, or its placeholder where none does."""
    storage, adapters, _ = memory_of_row(setup.row, setup)
    sequences = setup.sequences
    try:
        found = fastest(
            setup.shape,
            setup.hw,
            setup.run,
            sequences=sequences,
            recipe=setup.recipe,
            storage=storage,
            adapters=adapters,
            constants={name: c.value(setup.labels) for name, c in constants.items()},
            recompute="full" if setup.run.recompute == 1.0 else "",
        )
    except ChipwallError:
        return setup.run
    return found.run


def layout_open(setup: TrainingSetup) -> bool:
    """Whether a row leaves its layout to be searched; one chip needs none."""
    return not (setup.declared or (setup.row.get("tp") and setup.row.get("pp")) or float(setup.run.chips) == 1.0)


def completed(setup: TrainingSetup, constants: Mapping[str, Constant]) -> TrainingSetup:
    """A setup with its layout filled in by search where the row leaves it open."""
    return replace(setup, run=searched_run(setup, constants)) if layout_open(setup) else setup


def predicted_value(setup: TrainingSetup, step: float) -> float | None:
    """A step time as the row's metric, for the whole setup [unit of the metric]; None for a metric of another kind."""
    run = setup.run
    tokens = setup.sequences * float(run.sequence)
    chips = float(run.chips)
    metric = setup.metric
    if metric == "step_time_s":
        return step
    if metric == "tokens_per_s_per_chip":
        return tokens / step / chips
    if metric == "tokens_per_s_total":
        return tokens / step
    if metric == "samples_per_s":
        return setup.sequences / step
    if metric == "time_to_train_min":
        return _time_to_train(setup, step)
    rate = flops_of_row(setup) * tokens / step / chips
    if metric == "mfu":
        return rate / float(setup.hw.peak("bf16"))
    if metric == "tflops_per_chip_model":
        return rate / TERA
    if metric == "tflops_per_chip_hw_incl_recompute":
        return rate * (1.0 + float(run.recompute) / 3.0) / TERA
    return None


def _time_to_train(setup: TrainingSetup, step: float) -> float | None:
    """Minutes to the samples at which a submission converged, evaluation left out; None where they are not stated."""
    stated = re.search(r"samples_to_converge\(median\)=(\d+)", setup.row.get("notes", ""))
    return float(stated[1]) / setup.sequences * step / MINUTE if stated else None


def _memory(setup: TrainingSetup) -> float:
    storage, adapters, embeddings = memory_of_row(setup.row, setup)
    parts = memory_parts(setup.shape, setup.run, storage=storage, adapters=adapters, trained_embeddings=embeddings)
    return float(sum(parts.values()))


def band_names(setup: TrainingSetup, fitted: TrainingConstants) -> tuple[str, ...]:
    """Names of the bands that a setup may take, the closest first."""
    kind = "moe" if setup.expert_model else "dense"
    if not fitted.was_fitted(setup.hw.arch, experts=setup.expert_model):
        return ("unseen architecture", "all")
    return (f"{setup.class_}/{kind}", setup.class_, "layout searched" if not setup.declared else kind, "all")


def predicted_steps(
    rows: Sequence[Mapping[str, str]], fitted: TrainingConstants, kernels: Calibration
) -> list[Prediction | Skip]:
    """One prediction, or the reason for none, per row."""
    answers: list[Prediction | Skip | None] = [None] * len(rows)
    timed: list[tuple[int, TrainingSetup]] = []
    for place, row in enumerate(rows):
        try:
            setup = completed(setup_of_row(row, kernels), fitted.constants)
        except ChipwallError as problem:
            answers[place] = Skip(row.get("id", ""), problem.what)
            continue
        if setup.metric in MEMORY_UNITS:
            answers[place] = _memory_prediction(setup, fitted)
        else:
            timed.append((place, setup))
    if timed:
        steps = predicted_step([setup for _, setup in timed], fitted.constants)
        for (place, setup), step in zip(timed, steps, strict=True):
            answers[place] = _timed_prediction(setup, float(step), fitted)
    return [answer for answer in answers if answer is not None]


def _memory_prediction(setup: TrainingSetup, fitted: TrainingConstants) -> Prediction:
    value = _memory(setup) / MEMORY_UNITS[setup.metric]
    low, high = interval(value, "memory", bands=fitted.bands)
    return Prediction(setup.id, setup.value, value, low, high, "calibrated", setup.class_)


def _timed_prediction(setup: TrainingSetup, step: float, fitted: TrainingConstants) -> Prediction | Skip:
    value = predicted_value(setup, step)
    if value is None:
        return Skip(
            setup.id,
            text("'{metric}' depends on convergence or units that the source does not give", metric=setup.metric),
        )
    if not np.isfinite(value):
        return Skip(setup.id, text("no estimate for this chip and format"))
    low, high = interval(
        value, *band_names(setup, fitted), bands=fitted.bands, inverse=setup.metric not in ("step_time_s", "time_to_train_min")
    )
    basis = "calibrated" if fitted.was_fitted(setup.hw.arch, experts=setup.expert_model) else "extrapolated"
    return Prediction(setup.id, setup.value, value, low, high, basis, setup.class_)


def predict_training_rows(rows: Sequence[Mapping[str, str]], calibrated: Calibrated) -> list[Prediction | Skip]:
    """Predictions for rows of a training or fine-tuning table."""
    return predicted_steps(rows, calibrated.training, calibrated.kernels)


def errors_of(found: Sequence[Prediction | Skip]) -> NDArray[np.float64]:
    """Natural log of predicted over measured of each prediction [1]."""
    return np.array([np.log(p.predicted / p.measured) for p in found if isinstance(p, Prediction)])
