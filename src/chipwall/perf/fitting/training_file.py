"""Fit the step constants again from the shipped rows, with the bands that left-out rows earn."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from chipwall.perf.calibrated import Calibrated
from chipwall.perf.constants import Calibration
from chipwall.perf.evidence.training import TrainingSetup
from chipwall.perf.evidence.training_rows import MEMORY_UNITS, completed, errors_of, layout_open, predicted_steps
from chipwall.perf.evidence.training_steps import predicted_step
from chipwall.perf.fitting.bands import band, bands_by_class
from chipwall.perf.fitting.constants_file import calibration_toml
from chipwall.perf.fitting.training import (
    cross_validated_steps,
    fitted_steps,
    measured_step,
    setups_to_fit,
    spread_over_folds,
)
from chipwall.perf.load import measured

__all__ = ["TrainingRefit", "refit_training", "training_toml"]


CLASSES: dict[str, Callable[[TrainingSetup], bool]] = {
    "training, dense, layout declared": lambda s: not s.row.get("method") and not s.expert_model and s.declared,
    "training, mixture of experts": lambda s: not s.row.get("method") and s.expert_model,
    "training, MLPerf": lambda s: not s.row.get("method") and s.class_ == "mlperf",
    "fine-tuning, LoRA of MLPerf": lambda s: s.row.get("method") == "lora" and s.class_ == "mlperf",
    "fine-tuning, other LoRA and QLoRA": lambda s: s.row.get("method") in ("lora", "qlora") and s.class_ != "mlperf",
    "fine-tuning, full": lambda s: s.row.get("method") == "full_sft",
}


@dataclass(frozen=True, slots=True)
class TrainingRefit:
    """Constants and bands of a fit, and the errors of rows whose group was left out."""

    calibration: Calibration
    setups: tuple[TrainingSetup, ...]
    left_out: np.ndarray[Any, Any]
    in_sample: np.ndarray[Any, Any]

    def scores(self) -> dict[str, dict[str, float]]:
        """Errors of the left-out predictions by class: rows, median, mean, share within 15 % [1]."""
        error = np.abs(np.expm1(self.left_out))
        groups = {name: np.array([keep(s) for s in self.setups]) for name, keep in CLASSES.items()}
        groups |= {c: np.array([s.class_ == c for s in self.setups]) for c in sorted({s.class_ for s in self.setups})}
        return {
            name: {
                "rows": int(m.sum()),
                "median_error": float(np.median(error[m])),
                "mean_error": float(error[m].mean()),
                "within_15": float((error[m] <= 0.15).mean()),
            }
            for name, m in groups.items()
            if m.any()
        }


def training_setups(kernels: Calibration, rows: Sequence[Mapping[str, str]] | None = None) -> list[TrainingSetup]:
    """Every ``fit`` row that measures the speed of training or fine-tuning, layouts of rows without one searched."""
    setups = setups_to_fit([*measured("training"), *measured("finetune")] if rows is None else rows, kernels)
    # constants of the rows that state their layout find the layouts of the others
    known = fitted_steps([s for s in setups if not layout_open(s)], rounds=15)
    return [completed(s, known) for s in setups]


def refit_training(calibrated: Calibrated, *, cross_validate: bool = True) -> TrainingRefit:
    """Step constants from the shipped measurements, in the order of the data, so that the file is reproduced."""
    setups = training_setups(calibrated.kernels)
    truth = np.array([measured_step(s) for s in setups], dtype=float)
    constants = fitted_steps(setups)
    inside = np.log(predicted_step(setups, constants) / truth)
    outside = inside
    bands: dict[str, tuple[float, float]] = {}
    if cross_validate:
        predicted, folds = cross_validated_steps(setups)
        outside = np.log(predicted / truth)
        spreads = spread_over_folds(constants, folds)
        constants = {name: replace(c, spread=round(spreads.get(name, 0.0), 4)) for name, c in constants.items()}
        bands = _bands(setups, outside, calibrated)
    calibration = Calibration(
        constants=constants,
        bands=bands,
        data=f"{len(setups)} runs of measured/training.csv and finetune.csv marked fit",
        seen={
            "training": tuple(sorted({s.hw.arch for s in setups})),
            "kinds": tuple(sorted({f"{s.hw.arch}/{'moe' if s.expert_model else 'dense'}" for s in setups})),
        },
    )
    return TrainingRefit(calibration, tuple(setups), outside, inside)


def _bands(
    setups: Sequence[TrainingSetup], errors: np.ndarray[Any, Any], calibrated: Calibrated
) -> dict[str, tuple[float, float]]:
    """Bands by class from the errors of rows whose group was left out: what a new question may expect."""
    kinds = ["moe" if s.expert_model else "dense" for s in setups]
    found = bands_by_class(errors, [f"{s.class_}/{k}" for s, k in zip(setups, kinds, strict=True)], pooled="all")
    found |= bands_by_class(errors, [s.class_ for s in setups])
    found |= bands_by_class(errors, kinds)
    searched = np.array([not s.declared for s in setups])
    if searched.any():
        found["layout searched"] = band(errors[searched])
    # silicon that nobody trained on: transfer between architectures is not better than 25 to 30 % in the median
    low, high = found["all"]
    found["unseen architecture"] = (min(low**2, 0.72), max(high**2, 1.45))
    found["memory"] = band(_memory_errors(calibrated))
    return found


def _memory_errors(calibrated: Calibrated) -> np.ndarray[Any, Any]:
    rows = [
        r
        for kind in ("training", "finetune")
        for r in measured(kind)
        if r["metric"] in MEMORY_UNITS and r["use"] == "fit" and r["value"]
    ]
    found = predicted_steps(rows, calibrated.training, calibrated.kernels)
    return errors_of(found)


def training_toml(found: TrainingRefit) -> str:
    """``calibration_training.toml`` as text: constants, bands, and what each left-out row came to."""
    lines = [
        "# Natural log of predicted over measured step time of each run, predicted by constants fitted without its group.",
        "[left_out]",
    ]
    errors: dict[str, float] = {}
    for setup, error in zip(found.setups, found.left_out, strict=True):
        errors[setup.id] = float(error)
    lines += [f'"{name}" = {error:.4f}' for name, error in sorted(errors.items())]
    return calibration_toml(found.calibration) + "\n" + "\n".join(lines) + "\n"
