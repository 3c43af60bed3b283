"""Predicted against measured, as a user would meet it: what each measured row came to when its model was left out.

Errors are of times: a rate that is predicted too low counts as a time that is predicted too long, so that a bias above one
always means "too slow".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import exp

import numpy as np

from chipwall.perf.calibrated import Calibrated
from chipwall.perf.estimate import interval
from chipwall.perf.evidence.index import LEFT_OUT
from chipwall.perf.evidence.measured_runs import MeasuredRuns
from chipwall.perf.evidence.training import setup_of_row
from chipwall.perf.evidence.training_rows import band_names
from chipwall.perf.fitting.evidence_file import left_out_samples, made_on_others
from chipwall.perf.load import measured

__all__ = ["Outcome", "Score", "by", "score", "serving_outcomes", "training_outcomes"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """One row: natural log of predicted over measured time, its band as factors on the predicted time, what it is.

    ``row`` are the cells of the measured table; ``facts`` what the row is like (engine, year, kind of model, load), and
    ``where`` the distance class.
    """

    id: str
    error: float
    low: float
    high: float
    where: str
    facts: Mapping[str, str]
    row: Mapping[str, str]

    @property
    def inside(self) -> bool:
        """Whether the measured time lies inside the band."""
        return self.low <= exp(-self.error) <= self.high


@dataclass(frozen=True, slots=True)
class Score:
    """How well some rows are predicted: shares and errors [1]; ``bias`` is predicted over measured time."""

    rows: int
    median: float
    mean: float
    within_20: float
    bias: float
    coverage: float
    width: float


def score(outcomes: Iterable[Outcome]) -> Score:
    """Errors of some rows; |predicted / measured - 1| of the time."""
    found = list(outcomes)
    errors = np.array([o.error for o in found])
    wide = np.array([o.high / o.low for o in found])
    off = np.abs(np.expm1(errors))
    return Score(
        len(found), float(np.median(off)), float(off.mean()), float(np.mean(off <= 0.2)), float(np.exp(np.median(errors))),
        float(np.mean([o.inside for o in found])), float(np.median(wide)),
    )  # fmt: skip


def by(outcomes: Sequence[Outcome], key: Callable[[Outcome], str], *, fewest: int = 10) -> dict[str, Score]:
    """Scores of the groups with enough rows, largest first."""
    groups: dict[str, list[Outcome]] = {}
    for one in outcomes:
        groups.setdefault(key(one) or "-", []).append(one)
    kept = sorted(groups.items(), key=lambda item: (-len(item[1]), item[0]))
    return {name: score(members) for name, members in kept if len(members) >= fewest}


def load_class(row: Mapping[str, str]) -> str:
    """How many sequences are in flight per replica, in classes; the regime where no number is given."""
    if not row["load"]:
        return {"full": "as many as fit", "stream": "arrivals at a rate"}.get(row["regime"], row["regime"])
    count = float(row["load"])
    return next(name for name, most in LOADS if count <= most)


LOADS = (
    ("1", 1.5),
    ("2 to 4", 4.5),
    ("5 to 16", 16.5),
    ("17 to 64", 64.5),
    ("65 to 256", 256.5),
    ("above 256", float("inf")),
)


def serving_outcomes(calibrated: Calibrated, left_out: str = "model") -> list[Outcome]:
    """Every serving row, predicted by constants that saw nothing of its model (or chip, or group)."""
    assert isinstance(calibrated.evidence, MeasuredRuns)
    known = calibrated.evidence.index
    samples = [left_out_samples(known, way) for way in LEFT_OUT]
    found = samples[LEFT_OUT.index(left_out)]
    low, high = made_on_others(samples, LEFT_OUT.index(left_out))
    rows = {r["id"]: r for r in measured("inference")}
    outcomes, classes = [], found.classes
    for i, own in enumerate(known.rows):
        facts = {
            "engine-year": f"{own['engine']} {own['year'][:4]}", "chip": own["chip"], "model": own["model"],
            "tensor": f"{np.exp(float(known.traits.sizes['tensor'][i])):.0f}", "load": load_class(own),
            "precision": own["precision"] or "-", "kind": own["kind"], "metric": own["metric"], "source": own["source"],
            "asked": str(found.asked[i]), "modern": str(float(own["year"] or 0) >= MODERN),
        }  # fmt: skip
        outcomes.append(
            Outcome(
                own["id"],
                float(found.errors[i]),
                float(low[i]),
                float(high[i]),
                str(classes[i]),
                facts,
                rows[own["id"]],
            )
        )
    return outcomes


# Software from this date on is told apart as modern [year].
MODERN = 2025.5


def training_outcomes(kind: str, calibrated: Calibrated) -> list[Outcome]:
    """Every training or fine-tuning row, predicted by constants that saw nothing of its source, model and chip together."""
    fitted = calibrated.training
    errors = fitted.left_out
    found = []
    for row in measured(kind):
        if row["id"] not in errors:
            continue
        setup = setup_of_row(row, calibrated.kernels)
        low, high = interval(1.0, *band_names(setup, fitted), bands=fitted.bands)
        facts = {
            "class": setup.class_, "chip": setup.chip.id, "source": row["source_name"], "model": setup.model.id,
            "software": setup.software or "-", "method": row.get("method", ""),
        }  # fmt: skip
        found.append(Outcome(row["id"], errors[row["id"]], low, high, "", facts, row))
    return found
