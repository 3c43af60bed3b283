"""``chipwall validate inference``: one prediction, or a reason to skip, for every row of a table of serving runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from chipwall.perf.calibrated import Calibrated
from chipwall.perf.evidence.basis import basis_at
from chipwall.perf.evidence.row_traits import row_traits
from chipwall.perf.evidence.serving import cases, predicted_cases
from chipwall.perf.evidence.validate import Prediction, Skip
from chipwall.text import text

__all__ = ["class_of", "predict_serving_rows"]


def class_of(row: Mapping[str, str]) -> str:
    """Class of a measured row: how the software was prepared, the kind of model, and latencies apart."""
    if row.get("metric") == "ttft_ms":
        return "first token"
    prepared = "tuned" if row.get("class") == "tuned" else "untuned"
    if row.get("metric") == "tpot_ms":
        return f"{prepared} token time"
    return f"{prepared} {'moe' if row.get('moe') == '1' else 'dense'}"


def predict_serving_rows(rows: Sequence[Mapping[str, str]], calibrated: Calibrated) -> list[Prediction | Skip]:
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
    made, reasons = cases(rows, calibrated)
    value: dict[int, float] = {}
    if made is not None:
        owners, best = predicted_cases(made)
        value = {int(i): float(v) for i, v in zip(owners, best, strict=True)}
    like = {i: t for i in value if (t := row_traits(rows[i], calibrated.serving)) is not None}
    stands = dict(zip(like, calibrated.evidence.standings_of(list(like.values())), strict=True))
    return [_one(row, value.get(i), stands.get(i), reasons.get(i, "")) for i, row in enumerate(rows)]


def _one(
    row: Mapping[str, str], value: float | None, stands: tuple[float, float, float] | None, reason: str
) -> Prediction | Skip:
    if value is None or stands is None:
        return Skip(row["id"], reason)
    try:
        measured = float(row["value"])
    except ValueError:
        return Skip(row["id"], text("the value is not a number"))
    if not np.isfinite(value) or not measured > 0:
        return Skip(
            row["id"], text("no finite prediction") if measured > 0 else text("the value is not a positive number")
        )
    distance, low, high = stands
    return Prediction(row["id"], measured, value, value * low, value * high, basis_at(distance), class_of(row))
