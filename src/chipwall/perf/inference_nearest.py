"""The measured runs that are most like a question, to stand beside its estimate."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from math import log
from typing import TYPE_CHECKING, Any

from chipwall import catalog
from chipwall.catalog.records import Chip, LanguageModel
from chipwall.errors import ChipwallError
from chipwall.perf.load import architecture_of, measured
from chipwall.perf.precision import PRECISIONS, Precision

if TYPE_CHECKING:
    from chipwall.perf.inference import Question

__all__ = ["exact_and_nearest"]

SHOWN = 3


@lru_cache(maxsize=1)
def _table() -> tuple[dict[str, Any], ...]:
    """Throughput rows with what a comparison needs, names resolved once."""
    from chipwall.perf.inference_cases import STAND_INS

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
        found.append({
            "id": row["id"], "chip": chip.id, "arch": architecture_of(chip), "model": model.id, "size": model.parameters or 1.0,
            "chips": float(row["n_chips"]), "precision": PRECISIONS.get(row["precision_weights"], ""), "prompt": max(float(row["isl"]), 1.0),
            "output": max(float(row["osl"]), 1.0), "load": row["batch_or_concurrency"], "value": float(row["value"]), "source": row["source_name"],
            "engine": row["engine"], "tensor": row["tp"],
        })  # fmt: skip
    return tuple(found)


def _resolved(door: Any, name: str) -> Any:
    try:
        return door(name)
    except ChipwallError:
        return None


def _distance(row: Mapping[str, Any], model: LanguageModel, chip: Chip, arch: str, q: Question, precision: str) -> float:
    away = abs(log(row["prompt"] / q.prompt)) + abs(log(row["output"] / q.output)) + abs(log(row["chips"] / q.chips))
    away += abs(log(row["size"] / (model.parameters or 1.0)))
    away += 0.0 if row["chip"] == chip.id else 1.0 if row["arch"] == arch else 3.0
    away += 0.0 if row["precision"] == precision else 1.0
    away += 0.0 if row["model"] == model.id else 0.7
    load = row["load"]
    given = float(load) if load.isdigit() else 0.0
    if bool(given) != bool(q.concurrency):
        away += 1.0
    elif given and q.concurrency:
        away += abs(log(given / q.concurrency))
    return away


def exact_and_nearest(model: LanguageModel, chip: Chip, q: Question, precision: Precision) -> tuple[bool, tuple[dict[str, Any], ...]]:
    """Whether a measured row is this very setup, and the nearest rows: id, what it is, output tokens/s, source."""
    arch, asked = architecture_of(chip), PRECISIONS.get(precision.name, "")
    scored = sorted(((_distance(r, model, chip, arch, q, asked), i) for i, r in enumerate(_table())))[:SHOWN]
    near = []
    for away, i in scored:
        r = _table()[i]
        near.append({
            "id": r["id"], "model": r["model"], "chip": r["chip"], "chips": r["chips"], "precision": r["precision"], "prompt_tokens": r["prompt"],
            "output_tokens": r["output"], "load": r["load"], "engine": r["engine"], "output_tokens_per_s": r["value"], "source": r["source"], "distance": away,
        })  # fmt: skip
    return bool(scored and scored[0][0] < 0.02), tuple(near)
