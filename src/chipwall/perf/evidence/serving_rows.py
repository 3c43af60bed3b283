"""``chipwall validate inference``: one prediction, or a reason to skip, for every row of a table of serving runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from chipwall.perf.evidence.serving import cases, predictions
from chipwall.perf.evidence.serving_classes import basis_of, class_of
from chipwall.perf.evidence.validate import Prediction, Skip
from chipwall.perf.serving.constants import serving_bands
from chipwall.text import text

__all__ = ["predict_rows"]

WIDER_WHEN_EXTRAPOLATED = 1.25


def predict_rows(rows: Sequence[Mapping[str, str]]) -> list[Prediction | Skip]:
    """Predict every row that the model can express, in the row's metric and for the whole setup.

    Parameters
    ----------
    rows : sequence of mapping
        Rows of the shared column format, as strings.

    Returns
    -------
    list of Prediction or Skip
        In the order of the rows.
    """
    made, reasons = cases(rows)
    value: dict[int, float] = {}
    if made is not None:
        owners, best = predictions(made)
        value = {int(i): float(v) for i, v in zip(owners, best, strict=True)}
    return [_one(row, value.get(i), reasons.get(i, "")) for i, row in enumerate(rows)]


def _one(row: Mapping[str, str], value: float | None, reason: str) -> Prediction | Skip:
    if value is None:
        return Skip(row["id"], reason)
    try:
        measured = float(row["value"])
    except ValueError:
        return Skip(row["id"], text("the value is not a number"))
    if not np.isfinite(value) or not measured > 0:
        return Skip(
            row["id"], text("no finite prediction") if measured > 0 else text("the value is not a positive number")
        )
    class_, basis = class_of(row), basis_of(row)
    low, high = band(class_, basis)
    return Prediction(row["id"], measured, value, value * low, value * high, basis, class_)


def band(class_: str, basis: str) -> tuple[float, float]:
    """The 80 % band of a class as factors on the predicted value [1]; wider where nothing alike was fitted."""
    bands = serving_bands()
    low, high = bands.get(class_, bands.get("all", (0.6, 1.6)))
    wider = WIDER_WHEN_EXTRAPOLATED if basis == "extrapolated" else 1.0
    return low / wider, high * wider
