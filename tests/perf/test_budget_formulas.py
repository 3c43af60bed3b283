"""Formulas of the terms of memory: worked out, each gives the bytes that are shown beside it."""

from __future__ import annotations

import re

import pytest

from chipwall import catalog
from chipwall.perf.budget import Budget
from chipwall.perf.device import hardware
from chipwall.perf.layout import Layout
from chipwall.perf.shipped import shipped
from chipwall.perf.training.tune import finetuning, tuning_budget
from chipwall.report.pages.memory import ServedAs, Tuning, fit_answer, served_fit
from chipwall.units import GIB, GIGA

SHIPPED = shipped()

# A dense model, one with grouped heads and tied embeddings, three mixtures (latent attention; windows; recurrent layers).
MODELS = ("gpt-3-175b", "llama-2-70b", "llama-3.2-1b", "deepseek-v3", "gpt-oss-120b", "nemotron-3-nano-30b-a3b")
SPLITS = (
    (Layout(tensor=4), 2, "full"),
    (Layout(data=16, shards=16), 1, "full"),
    (Layout(tensor=2, pipeline=4), 1, "none"),
    (Layout(pipeline=4, virtual=2), 1, "none"),
    (Layout(pipeline=2), 4, "full"),
    (Layout(context=4, tensor=2), 1, "none"),
    (Layout(tensor=2, expert=4, data=8, shards=8), 1, "none"),
)


def worked_out(formula: str) -> float:
    """What the arithmetic before the colon gives [byte]; words that name a count are skipped."""
    sums, plain = "", formula.split(":")[0].replace(",", "")
    for number, word, sign in re.findall(r"(\d[\d.]*(?:e[+-]?\d+)?)|([A-Za-z]+)|([-+/()])", plain):
        sums += number or sign or {"x": "*", "billion": f"*{GIGA}", "GiB": f"*{GIB}"}.get(word, "")
    return float(eval(sums, {"__builtins__": {}}))


def check(b: Budget) -> None:
    for t in b.terms:
        if t.key != "engine":  # fitted terms have units that no reader multiplies
            assert worked_out(str(t.formula)) == pytest.approx(t.bytes, rel=1e-4), (str(t.name), str(t.formula))


def test_the_reader_of_formulas() -> None:
    assert worked_out("(2 billion in experts x 0.5 B + 3 layers x 4 B) / 2: not 7 of them") == 5e8 + 6
    assert worked_out("0 B") == 0


@pytest.mark.parametrize("name", MODELS)
def test_on_one_chip(name: str) -> None:
    model, chip = catalog.model(name), catalog.chip("h200")
    for base in ("bf16", "fp8", "int4", "nf4"):
        check(tuning_budget(model, chip, SHIPPED, base=base, rank=16))
        check(served_fit(model, chip, base, ServedAs(chips=1, sequences=3), SHIPPED).budget)
        check(served_fit(model, chip, base, ServedAs(chips=8, sequences=30), SHIPPED).budget)
    for asked in ({"method": "full"}, {"modules": "all", "rank": 64}, {"recompute": "none"}, {"logits": "whole"}):
        check(finetuning(model, hardware(chip, SHIPPED.kernels), SHIPPED, base="bf16", **asked).budget)


@pytest.mark.parametrize(("layout", "micro_batch", "recompute"), SPLITS, ids=str)
@pytest.mark.parametrize(
    ("name", "method"), [("llama-2-70b", "lora"), ("llama-2-70b", "full"), ("deepseek-v3", "full")]
)
def test_on_many_chips(name: str, method: str, layout: Layout, micro_batch: int, recompute: str) -> None:
    if layout.expert > 1 and name == "llama-2-70b":
        layout = Layout(tensor=2, data=8, shards=8)
    if layout.pipeline > 1 and name == "deepseek-v3":
        layout = Layout(expert=8)  # 61 layers divide by no number of stages
    model, chip = catalog.model(name), catalog.chip("h200")
    check(
        finetuning(
            model, hardware(chip, SHIPPED.kernels), SHIPPED, chips=16, method=method, layout=layout, sequences=64,
            modules="all", micro_batch=micro_batch, recompute=recompute,
        ).budget
    )  # fmt: skip


@pytest.mark.parametrize(("chips", "sequences"), [(1, 1), (2, 2)])
@pytest.mark.parametrize("name", ["gpt-3-175b", "llama-3-8b", "deepseek-v3"])
@pytest.mark.parametrize("base", ["bf16", "nf4"])
def test_both_commands_say_the_same(name: str, base: str, chips: int, sequences: int) -> None:
    model, chip = catalog.model(name), catalog.chip("h200")
    long = finetuning(model, hardware(chip, SHIPPED.kernels), SHIPPED, base=base, chips=chips, sequences=sequences)
    short = fit_answer(model, chip, [base], ServedAs(chips), Tuning(batch=sequences), SHIPPED)["tuning"][base]  # type: ignore[index]
    assert {p["part"]: p["bytes"] for p in short["parts"]} == long.memory
    assert (short["verdict"], short["memory_bytes"]) == (long.fit, long.budget.room)


def test_a_batch_that_no_layout_divides_is_said() -> None:
    found = fit_answer(
        catalog.model("llama-2-70b"), catalog.chip("h100"), ["int4"], ServedAs(3), Tuning(batch=1), SHIPPED
    )
    assert "no layout divides" in str(found["tuning"]["int4"]["refused"])  # type: ignore[index]
