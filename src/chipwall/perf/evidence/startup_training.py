"""Training rows of the start-up table: whether a run fits and the peak of its fullest chip.

The settings of such a row stand in its notes as ``key=value``: ``method``, ``optimizer``, ``micro_batch``, ``sequence``,
``recompute``, ``sharding``, ``global_batch``, ``rank``, ``offload``. What is left open is what the software does by itself.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from chipwall.errors import InputError
from chipwall.perf.budget import Budget
from chipwall.perf.evidence.startup import machine_of_row, model_of_checkpoint
from chipwall.perf.evidence.validate import FitOrFail, Prediction, Skip
from chipwall.perf.formats import format_named
from chipwall.perf.layout import Layout
from chipwall.perf.training.memory import MIXED, OFFLOADED, PURE, Storage, training_budget
from chipwall.perf.training.search import Plan, run_of
from chipwall.perf.training.shape import shape_of
from chipwall.perf.training.tune import tuned_storage
from chipwall.perf.training.workload import lone_run
from chipwall.text import text
from chipwall.units import GIB

__all__ = ["training_row"]

SETTING = re.compile(r"(\w+)=([^;]+)")


def training_row(row: Mapping[str, str]) -> Prediction | FitOrFail | Skip:
    """What the memory of training says of one row."""
    budget = _budget(row)
    low, high = budget.need - (budget.room - budget.surely), budget.need + (budget.room - budget.surely)
    if row["metric"] == "outcome_train":
        said = {True: "fits", False: "fails"}
        word = said[budget.verdict != "does not fit"]
        return FitOrFail(row["id"], row["value"], word, said[low <= budget.room], said[high <= budget.room])
    return Prediction(
        row["id"], float(row["value"]), budget.need / GIB, low / GIB, high / GIB, "calculated", "peak_gib_per_chip"
    )


def _budget(row: Mapping[str, str]) -> Budget:
    settings = {key: value.strip() for key, value in SETTING.findall(row["notes"])}
    chips = int(float(row["n_chips"] or 1))
    sequence = settings.get("sequence", row["max_model_len"])
    if not sequence:
        raise InputError(text("the tokens of a sequence are not stated"), where=row["id"])
    model, method = model_of_checkpoint(row), settings.get("method", "full").lower()
    lora = "lora" in method
    layout = _layout(row, settings, chips)
    template = lone_run(int(float(sequence.replace(",", ""))), adapters=lora)
    plan = Plan(
        layout, int(float(settings.get("micro_batch", "1") or 1)), _recompute(settings.get("recompute", ""), lora)
    )
    run = run_of(plan, replace(template, chips=float(chips)), sequences=plan.micro_batch * layout.data)
    return training_budget(
        shape_of(model), run,
        room=machine_of_row(row).memory, storage=_storage(row, settings, lora=lora),
        rank=int(float(settings.get("rank", "16"))) if lora else 0,
        modules="all" if "all" in method or "modules=all" in row["notes"] else "attention",
        offload=[p for p in OFFLOADED if p[:5] in settings.get("offload", "").lower()],
    )  # fmt: skip


def _layout(row: Mapping[str, str], settings: Mapping[str, str], chips: int) -> Layout:
    """The ways of the row; sharding over all copies where it is named, or where a full run has several chips."""
    tp, pp, ep = (max(int(float(row[k] or 1)), 1) for k in ("tp", "pp", "ep"))
    data = max(chips // (tp * pp), 1)
    words = settings.get("sharding", "fsdp" if pp == 1 else "").lower()
    sharded = any(w in words for w in ("fsdp", "zero3", "zero-3", "zero 3", "full"))
    return Layout(tensor=tp, pipeline=pp, expert=ep, data=data, shards=data if sharded else 1)


def _recompute(words: str, lora: bool) -> str:
    for name in ("full", "attention", "none"):
        if name in words.lower():
            return name
    if words.lower() in ("yes", "true", "on", "default"):
        return "full"
    return "full" if lora or not words else "none"


def _storage(row: Mapping[str, str], settings: Mapping[str, str], *, lora: bool) -> Storage:
    """Bytes of what is kept: adapters keep the base as it is stored and all logits; pure 16-bit optimizers less."""
    base = format_named(row["weights_format"].split("+")[0] or "bf16").name
    if lora:
        packed = "nf4" if "qlora" in settings.get("method", "").lower() and base in ("bf16", "fp16") else base
        return tuned_storage(packed, logits="whole")
    words = settings.get("optimizer", "").lower()
    return PURE if any(w in words for w in ("8bit", "8-bit", "bf16", "sgd", "adafactor")) else MIXED
