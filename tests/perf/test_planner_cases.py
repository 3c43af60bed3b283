"""Questions of planners with published answers: the memory model says what happened."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from chipwall import catalog
from chipwall.errors import InputError
from chipwall.perf.device import hardware
from chipwall.perf.layout import Layout
from chipwall.perf.serving.fits import Asked, Fitting, fitting
from chipwall.perf.serving.memory import Holding, engine_memory
from chipwall.perf.serving.serve import Question, serving
from chipwall.perf.serving.setup import serving_hardware
from chipwall.perf.shipped import shipped
from chipwall.perf.training.tune import finetuning
from chipwall.units import GIB

SHIPPED = shipped()

CASES = tomllib.loads((Path(__file__).parent / "planner_cases.toml").read_text(encoding="utf-8"))
WEIGHTS_WITHIN = 0.04


def fitted(case: dict[str, Any], chip: str, chips: int, weights: str, context: float) -> Fitting:
    how = Holding(
        case.get("engine", "vllm"), case.get("share", 0.0), float(case.get("step_tokens", 0)),
        sampler=case.get("sampler", "lean"), draft=case.get("draft", ""),
    )  # fmt: skip
    return fitting(
        catalog.model(case["model"]), catalog.chip(chip), chips=chips, weights=weights, asked=Asked("bf16", float(context), 1.0),
        how=engine_memory(how, SHIPPED.overhead), given=case.get("ways", {}), beyond=True,
    )  # fmt: skip


@pytest.mark.parametrize("case", CASES["serve"], ids=lambda c: c["id"])
def test_what_serving_holds(case: dict[str, Any]) -> None:
    within = case.get("within", 0.05)
    for chip, chips, weights in case["each"]:
        found = [fitted(case, chip, chips, weights, c) for c in case.get("asked_first", [case.get("context", 4096)])]
        one = found[0]
        b = one.budget
        if "runs" in case:
            assert (b.verdict != "does not fit") == case["runs"], b
            assert (b.free >= 0) == case["runs"]
        if "weights_gib" in case:
            assert one.room.weights / GIB == pytest.approx(case["weights_gib"], rel=WEIGHTS_WITHIN)
        if "cache_gib" in case:
            assert one.room.bytes / GIB == pytest.approx(case["cache_gib"], rel=within)
        if "cache_of_one_gib" in case:
            assert (b.bytes_of("cache") + b.bytes_of("state")) / GIB == pytest.approx(
                case["cache_of_one_gib"], rel=0.02
            )
        if "tokens" in case:
            assert one.tokens == pytest.approx(case["tokens"], rel=within)
        if "longest" in case:
            assert one.longest == pytest.approx(case["longest"], rel=within)
            assert {f.longest for f in found} == {one.longest}
        if "held_at_most" in case:
            assert 0 < one.held <= case["held_at_most"]


@pytest.mark.parametrize("case", CASES["tune"], ids=lambda c: c["id"])
def test_what_a_step_of_training_needs(case: dict[str, Any]) -> None:
    names = ("method", "base", "rank", "modules", "sequence", "offload", "logits")
    asked = {name: case[name] for name in names if name in case}
    for words, runs in case.get("runs", {"1": None}).items():
        chips = int(words)
        layout = Layout(data=chips, shards=chips) if case.get("shards") else None
        b = finetuning(
            catalog.model(case["model"]),
            hardware(catalog.chip(case["chip"]), SHIPPED.kernels),
            SHIPPED,
            chips=chips,
            layout=layout,
            neighbours=False,
            **asked,
        ).budget
        if runs is None:
            assert b.need == pytest.approx(b.room, rel=case["within"])
        else:
            assert (b.verdict != "does not fit") == runs, (chips, b.need / GIB, b.room / GIB)


def test_a_limit_that_is_missed_is_said() -> None:
    """P34: 100 at once on eight chips, 20 ms a token asked; and a prompt of 24 times the model's context."""
    model, chip = catalog.model("llama-2-70b"), catalog.chip("h100")
    got = serving(
        model,
        serving_hardware(chip, SHIPPED),
        Question(chips=8, tensor=8, prompt=1000, output=500, concurrency=100, tpot_limit=1e-3),
        SHIPPED,
    )
    assert got.tpot.value > 1e-3
    assert any("limit not met" in str(m) for m in got.missed)
    with pytest.raises(InputError, match="more than the 4,096"):
        serving(model, serving_hardware(chip, SHIPPED), Question(chips=8, prompt=100_000), SHIPPED)
    assert (
        serving(
            model, serving_hardware(chip, SHIPPED), Question(chips=8, prompt=100_000, beyond_context=True), SHIPPED
        ).throughput.value
        > 0
    )
