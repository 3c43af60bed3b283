"""The published runs nearest to a question, so that an estimate can be held against something measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import log
from typing import Any

from chipwall.catalog.records import LanguageModel
from chipwall.errors import ChipwallError
from chipwall.perf.constants import Calibration
from chipwall.perf.device import Hardware
from chipwall.perf.evidence.training import TrainingSetup, setup_of_row

__all__ = ["nearest_runs", "timed_runs"]


def timed_runs(rows: Sequence[Mapping[str, str]]) -> tuple[TrainingSetup, ...]:
    """The rows that state tokens per second and chip and may be fitted."""
    found = []
    for row in rows:
        if row["use"] != "fit" or row["metric"] != "tokens_per_s_per_chip":
            continue
        try:
            found.append(setup_of_row(row, Calibration({})))
        except ChipwallError:
            continue
    return tuple(found)


def nearest_runs(
    runs: Sequence[TrainingSetup], model: LanguageModel, hw: Hardware, *, weights: float, recipe: str, count: int = 3
) -> tuple[Mapping[str, Any], ...]:
    """The measured runs most like one with so many active weights [1]: same chip, model, format first, then size."""

    def distance(setup: TrainingSetup) -> float:
        size = abs(log(float(setup.shape.active_weights) / weights))
        chip = 0.0 if setup.chip.id == hw.id else (1.5 if setup.hw.arch == hw.arch else 4.0)
        return (
            chip
            + size
            + 0.7 * (setup.recipe != recipe)
            + 2.0 * (setup.expert_model != model.is_moe)
            + 0.5 * (setup.model.id != model.id)
        )

    best = sorted(runs, key=lambda s: (distance(s), s.id))
    kept: dict[tuple[str, str, str], TrainingSetup] = {}
    for setup in best:
        kept.setdefault((setup.model.id, setup.chip.id, setup.recipe), setup)
        if len(kept) == count:
            break
    return tuple(
        {
            "id": s.id,
            "source": s.row["source_name"],
            "model": s.model.id,
            "chip": s.chip.id,
            "chips": int(s.run.chips),
            "precision": s.recipe,
            "tokens_per_s_per_chip": s.value,
        }
        for s in kept.values()
    )
