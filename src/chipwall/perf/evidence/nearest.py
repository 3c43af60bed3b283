"""The measured runs that are most like a question, to stand beside its estimate."""

from __future__ import annotations

from functools import lru_cache
from math import log
from typing import TYPE_CHECKING, Any

import numpy as np

from chipwall import catalog
from chipwall.catalog.records import Chip, LanguageModel
from chipwall.errors import ChipwallError
from chipwall.perf.load import architecture_of, measured
from chipwall.perf.serving.precision import Precision, format_key

if TYPE_CHECKING:
    from chipwall.perf.serving.workload import Question

__all__ = ["exact_and_nearest"]

SHOWN = 3


@lru_cache(maxsize=1)
def _table() -> tuple[dict[str, Any], ...]:
    """Throughput rows with what a comparison needs, names resolved once."""
    from chipwall.perf.evidence.serving import STAND_INS

    chips: dict[str, Chip | None] = {}
    models: dict[str, LanguageModel | None] = {}
    found = []
    for row in measured("inference"):
        if row["use"] != "fit" or row["metric"] != "output_tokens_per_s" or not row["isl"] or not row["osl"]:
            continue
        chip = chips.setdefault(row["chip"], _resolved(catalog.chip, STAND_INS.get(row["chip"], row["chip"])))
        model = models.setdefault(row["model"], _resolved(catalog.model, row["model"]))
        if chip is None or model is None:
            continue
        found.append(
            {
                "id": row["id"],
                "chip": chip.id,
                "arch": architecture_of(chip),
                "model": model.id,
                "size": model.parameters or 1.0,
                "chips": float(row["n_chips"]),
                "precision": format_key(row["precision_weights"]),
                "prompt": max(float(row["isl"]), 1.0),
                "output": max(float(row["osl"]), 1.0),
                "load": row["batch_or_concurrency"],
                "value": float(row["value"]),
                "source": row["source_name"],
                "engine": row["engine"],
                "tensor": row["tp"],
            }
        )
    return tuple(found)


def _resolved(door: Any, name: str) -> Any:
    try:
        return door(name)
    except ChipwallError:
        return None


@lru_cache(maxsize=1)
def _columns() -> dict[str, Any]:
    """The table as arrays, logarithms taken."""
    rows = _table()
    load = np.array([float(r["load"]) if r["load"].isdigit() else 0.0 for r in rows])
    numbers = {n: np.log([r[n] for r in rows]) for n in ("prompt", "output", "chips", "size")}
    return (
        numbers | {n: np.array([r[n] for r in rows]) for n in ("chip", "arch", "model", "precision")} | {"load": load}
    )


def _distances(model: LanguageModel, chip: Chip, arch: str, q: Question, precision: str) -> Any:
    """How unlike each row is: logarithms of lengths, chips and size, and penalties for another chip, format or load."""
    t = _columns()
    away = np.abs(t["prompt"] - log(q.prompt)) + np.abs(t["output"] - log(q.output)) + np.abs(t["chips"] - log(q.chips))
    away = away + np.abs(t["size"] - log(model.parameters or 1.0))
    away = away + np.where(t["chip"] == chip.id, 0.0, np.where(t["arch"] == arch, 1.0, 3.0))
    away = away + (t["precision"] != precision) + 0.7 * (t["model"] != model.id)
    given = t["load"] > 0
    if not q.concurrency:
        return away + given
    return away + np.where(given, np.abs(np.log(np.maximum(t["load"], 1.0) / q.concurrency)), 1.0)


def exact_and_nearest(
    model: LanguageModel, chip: Chip, q: Question, precision: Precision
) -> tuple[bool, tuple[dict[str, Any], ...]]:
    """Whether a measured row is this very setup, and the nearest rows: id, what it is, output tokens/s, source."""
    arch, asked = architecture_of(chip), precision.format
    away_from = _distances(model, chip, arch, q, asked)
    few = np.argpartition(away_from, SHOWN)[:SHOWN]
    nearest_few = few[np.lexsort((few, away_from[few]))]
    near = []
    for i in nearest_few:
        r, away = _table()[i], float(away_from[i])
        near.append(
            {
                "id": r["id"],
                "model": r["model"],
                "chip": r["chip"],
                "chips": r["chips"],
                "precision": r["precision"],
                "prompt_tokens": r["prompt"],
                "output_tokens": r["output"],
                "load": r["load"],
                "engine": r["engine"],
                "output_tokens_per_s": r["value"],
                "source": r["source"],
                "distance": away,
            }
        )
    return bool(near and near[0]["distance"] < 0.02), tuple(near)
