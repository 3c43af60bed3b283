"""One question of memory through every door: catalogue, limits, fit, infer, train, finetune say the same."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from chipwall import catalog
from chipwall.errors import InputError
from chipwall.perf.device import hardware
from chipwall.perf.formats import weight_bytes
from chipwall.perf.limits import decode_limit
from chipwall.perf.serving.memory import Holding
from chipwall.perf.serving.serve import Question, serving
from chipwall.perf.serving.setup import serving_hardware
from chipwall.perf.shipped import shipped
from chipwall.perf.training.train import training
from chipwall.perf.training.tune import finetuning
from chipwall.report.pages.memory import ServedAs, Tuning, fit_answer, served_fit

SHIPPED = shipped()

NAMED = (
    "llama-3.1-8b", "llama-3.1-70b", "mixtral-8x22b", "deepseek-v3", "qwen3-235b-a22b", "gpt-oss-120b", "qwen3.6-27b",
    "gemma-4-31b", "llama-4-scout", "nemotron-3-super-120b-a12b", "kimi-k2", "glm-4.5-air",
)  # fmt: skip
CHIPS = ("a100", "h100", "h200", "h20", "b200", "mi300x", "l40s")


def asked(door: Callable[..., Any], *given: Any, **named: Any) -> tuple[Any, InputError | None]:
    """The answer of a door, or its refusal."""
    try:
        return door(*given, **named), None
    except InputError as refusal:
        return None, refusal


def chips_said(refusal: InputError | None) -> int:
    """The count that the way out of a refusal names; 0 where it names none."""
    found = re.search(r"(\d+) x |(\d+) chips", str(refusal.fix if refusal else ""))
    return int(found.group(1) or found.group(2)) if found else 0


@pytest.mark.parametrize("weights", ["bf16", "fp8"])
@pytest.mark.parametrize("name", NAMED)
def test_fit_and_infer_give_one_verdict_and_one_count(name: str, weights: str) -> None:
    model = catalog.model(name)
    for chip_name in CHIPS:
        chip = catalog.chip(chip_name)
        for chips in (1, 8):
            found = served_fit(model, chip, weights, ServedAs(chips, context=2000), SHIPPED)
            question = Question(chips=chips, precision=weights, prompt=1500, output=500, concurrency=1)
            got, refusal = asked(serving, model, serving_hardware(chip, SHIPPED), question, SHIPPED)
            if got is None:
                assert found.budget.free < 0, (chip_name, chips, refusal)
                assert chips_said(refusal) == found.chips_needed, (chip_name, chips, str(refusal), found.chips_needed)
            else:
                assert found.budget.free >= 0, (chip_name, chips)
                assert found.chips_needed <= chips
                assert got.room.weights <= weight_bytes(model, weights) * 1.1
                limit = decode_limit(model, chip, weights=weights, batch=1, context=1500).value
                assert got.throughput.value <= limit * chips


@pytest.mark.parametrize("name", ["llama-3.1-8b", "llama-2-70b", "mixtral-8x7b", "qwen3-32b"])
def test_train_and_finetune_give_one_verdict_and_one_count(name: str) -> None:
    model = catalog.model(name)
    for chip_name in ("h100", "h200", "b200"):
        chip = catalog.chip(chip_name)
        for chips in (8, 16):
            tuned = finetuning(
                model,
                hardware(chip, SHIPPED.kernels),
                SHIPPED,
                chips=chips,
                method="full",
                sequences=64,
                sequence=2048,
                recompute="",
                neighbours=False,
            )
            hw = hardware(chip, SHIPPED.kernels)
            trained, refusal = asked(training, model, hw, SHIPPED, chips=chips, sequences=64, sequence=2048)
            if trained is None:
                assert tuned.budget.verdict == "does not fit", (chip_name, chips)
                assert chips_said(refusal) == tuned.smallest_chips
            else:
                assert tuned.budget.verdict != "does not fit", (chip_name, chips)
                assert tuned.smallest_chips <= chips
                assert trained.plan == tuned.plan
                assert trained.memory == tuned.memory


@pytest.mark.parametrize("name", ["llama-3.1-8b", "gpt-oss-120b"])
def test_fit_and_finetune_give_one_row(name: str) -> None:
    model, chip = catalog.model(name), catalog.chip("h200")
    for base in ("bf16", "nf4"):
        for chips in (1, 4):
            row = fit_answer(model, chip, [base], ServedAs(chips), Tuning(), SHIPPED)["tuning"][base]  # type: ignore[index]
            tuned = finetuning(
                model, hardware(chip, SHIPPED.kernels), SHIPPED, chips=chips, base=base, neighbours=False
            )
            assert row["total_bytes"] == pytest.approx(tuned.budget.need)
            assert row["verdict"] == tuned.fit


def test_engine_settings_move_the_room_as_they_say() -> None:
    model, chip = catalog.model("qwen3-32b"), catalog.chip("h100")
    usual, more, small, drafted = (
        served_fit(model, chip, "bf16", ServedAs(how=how), SHIPPED).room
        for how in (
            Holding(""),
            Holding("", share=0.95),
            Holding("", tokens=2048.0, sequences=64.0),
            Holding("", draft="1"),
        )
    )
    assert more.bytes > usual.bytes
    assert small.engine < usual.engine
    assert drafted.draft > 0
    assert drafted.bytes < usual.bytes
