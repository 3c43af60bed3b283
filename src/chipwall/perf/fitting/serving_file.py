"""Writes ``data/calibration_inference.toml``: the fit, its cross-validation and its bands, from the shipped measurements."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from chipwall import catalog
from chipwall.perf.constants import Constant
from chipwall.perf.evidence.serving import STAND_INS
from chipwall.perf.evidence.serving_classes import class_of
from chipwall.perf.fitting.serving import Fit, fit_rows, group_of, grouped_predictions, prepared
from chipwall.perf.load import architecture_of

__all__ = ["calibration_text", "fitted", "folds_of"]

FOLDS, SEED = 10, 0
LEAST_ROWS = 40


def folds_of(rows: Sequence[Mapping[str, str]], *, folds: int = FOLDS, seed: int = SEED) -> Any:
    """Fold of each row; a source, chip and model stay together."""
    groups = sorted({group_of(r) for r in rows})
    order = np.random.default_rng(seed).permutation(len(groups))
    fold = {g: int(order[i]) % folds for i, g in enumerate(groups)}
    return np.array([fold[group_of(r)] for r in rows])


def bands_of(rows: Sequence[Mapping[str, str]], predicted: Any) -> dict[str, tuple[float, float]]:
    """80 % band by class from cross-validated errors: quantiles of measured over predicted [1].

    Rows of one source, chip and model err together, so the groups are what is exchangeable: the tails are cut by a share
    of ``1 / sqrt(groups)``, which brings the coverage of folds by bands of the other folds to 80 %.
    """
    ratio = np.array([float(r["value"]) for r in rows]) / predicted
    label = np.array([class_of(r) for r in rows])
    group = np.array(["|".join(group_of(r)) for r in rows])
    found = {"all": _band(ratio, group)}
    for name in sorted(set(label)):
        if np.sum(label == name) >= LEAST_ROWS:
            found[name] = _band(ratio[label == name], group[label == name])
    return found


def _band(ratio: Any, group: Any) -> tuple[float, float]:
    tail = 0.1 * max(1.0 - 1.0 / np.sqrt(len(set(group))), 0.2)
    low, high = np.quantile(ratio, [tail, 1.0 - tail])
    return float(min(low, 0.98)), float(max(high, 1.02))


def fitted(rows: Sequence[Mapping[str, str]]) -> tuple[Fit, Any, Any, list[Mapping[str, str]], Any]:
    """Fit, solution, spread over folds, the rows used, and their cross-validated predictions."""
    kept, made = prepared([r for r in rows if r["use"] == "fit"])
    fit, x = fit_rows(kept, made)
    predicted, each = grouped_predictions(fit, kept, made, folds_of(kept), start=x)
    return fit, x, each.std(axis=0), kept, predicted


def calibration_text(rows: Sequence[Mapping[str, str]]) -> str:
    """The whole file as text."""
    fit, x, spread, kept, predicted = fitted(rows)
    constants = fit.constants(x, rows=len(kept), spread=spread)
    chips = Counter(catalog.chip(STAND_INS.get(r["chip"], r["chip"])).id for r in kept)
    archs = Counter(architecture_of(catalog.chip(STAND_INS.get(r["chip"], r["chip"]))) for r in kept)
    return _toml(constants, bands_of(kept, predicted), archs, [c for c, n in chips.items() if n >= 5], len(kept))


def _toml(
    constants: Mapping[str, Constant],
    bands: Mapping[str, tuple[float, float]],
    archs: Mapping[str, int],
    chips: Sequence[str],
    rows: int,
) -> str:
    lines = [
        "# Step and host constants of serving, fitted on end-to-end rows with the hardware constants frozen. Written by",
        "# `chipwall calibrate --stage inference`; do not edit by hand. value = low * (high / low) ** expit(level + every "
        "offset that holds).",
        "",
        f"rows = {rows}",
        f"fitted_chips = {sorted(chips)!r}".replace("'", '"'),
        "",
        "# Rows behind each architecture.",
        "[fitted]",
        *(f'"{name}" = {count}' for name, count in sorted(archs.items())),
        "",
        "# 80 % bands by class: factors on the predicted value, from grouped cross-validation.",
        "[bands]",
        *(f'"{name}" = [{low:.4f}, {high:.4f}]' for name, (low, high) in sorted(bands.items())),
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
    return "\n".join(lines) + "\n"
