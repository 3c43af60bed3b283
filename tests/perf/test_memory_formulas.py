"""Formulas of the parts of memory: worked out, each gives the bytes that are shown beside it."""

from __future__ import annotations

import re

import pytest

from chipwall import catalog
from chipwall.perf.serving.memory import WEIGHT_FORMATS, Part, usable_memory
from chipwall.perf.training.memory import MEMORY_PARTS
from chipwall.perf.training.memory_formulas import PART_NAMES
from chipwall.perf.training.search import Layout
from chipwall.perf.training.tune import finetuning, tuning_memory
from chipwall.report.pages.memory import Serving, Tuning, fit_answer
from chipwall.units import GIB, GIGA

# A dense model, one with grouped heads and tied embeddings, three mixtures (latent attention; windows; recurrent layers).
MODELS = ("gpt-3-175b", "llama-2-70b", "llama-3.2-1b", "deepseek-v3", "gpt-oss-120b", "nemotron-3-nano-30b-a3b")
SPLITS = (
    Layout(tensor=4, micro_batch=2),
    Layout(fsdp=True, recompute="full"),
    Layout(tensor=2, pipeline=4),
    Layout(pipeline=4, virtual=2),
    Layout(pipeline=2, micro_batch=4, recompute="full"),
    Layout(context=4, tensor=2),
    Layout(tensor=2, expert=4, fsdp=True),
)


def worked_out(formula: str) -> float:
    """What the arithmetic before the colon gives [byte]; words that name a count are skipped."""
    sums = ""
    for number, word, sign in re.findall(r"(\d[\d.]*(?:e[+-]?\d+)?)|([A-Za-z]+)|([-+/()])", formula.split(":")[0]):
        sums += number or sign or {"x": "*", "billion": f"*{GIGA}", "GiB": f"*{GIB}"}.get(word, "")
    return float(eval(sums, {"__builtins__": {}}))


def check(parts: tuple[Part, ...]) -> None:
    for part in parts:
        assert worked_out(part.formula) == pytest.approx(part.bytes, rel=1e-4), (part.name, part.formula)


def test_the_reader_of_formulas() -> None:
    assert worked_out("(2 billion in experts x 0.5 B + 3 layers x 4 B) / 2: not 7 of them") == 5e8 + 6
    assert worked_out("0 B") == 0


@pytest.mark.parametrize("name", MODELS)
def test_on_one_chip(name: str) -> None:
    model, chip = catalog.model(name), catalog.chip("h200")
    for base in WEIGHT_FORMATS:
        check(tuning_memory(model, chip, base=base, rank=16).parts)
    for asked in ({"method": "full"}, {"modules": "all", "rank": 64}, {"recompute": "none"}, {"whole_logits": True}):
        found = finetuning(model, chip, base="bf16", **asked)
        assert [p.name for p in found.parts] == list(MEMORY_PARTS) == list(PART_NAMES)
        check(found.parts)


@pytest.mark.parametrize("layout", SPLITS, ids=str)
@pytest.mark.parametrize(
    ("name", "method"), [("llama-2-70b", "lora"), ("llama-2-70b", "full"), ("deepseek-v3", "full")]
)
def test_on_many_chips(name: str, method: str, layout: Layout) -> None:
    if layout.expert > 1 and name == "llama-2-70b":
        layout = Layout(tensor=2, fsdp=True)
    if layout.pipeline > 1 and name == "deepseek-v3":
        layout = Layout(expert=8)  # 61 layers divide by no number of stages
    model, chip = catalog.model(name), catalog.chip("h200")
    check(finetuning(model, chip, chips=16, method=method, layout=layout, sequences=64, modules="all").parts)


@pytest.mark.parametrize(("chips", "sequences"), [(1, 1), (2, 2)])
@pytest.mark.parametrize("name", ["gpt-3-175b", "llama-3-8b", "deepseek-v3"])
@pytest.mark.parametrize("base", ["bf16", "nf4"])
def test_both_commands_say_the_same(name: str, base: str, chips: int, sequences: int) -> None:
    model, chip = catalog.model(name), catalog.chip("h200")
    long = finetuning(model, chip, base=base, chips=chips, sequences=sequences)
    short = fit_answer(model, chip, [base], Serving(chips), Tuning(batch=sequences))["tuning"][base]  # type: ignore[index]
    assert {p["part"]: p["bytes"] for p in short["parts"]} == {k: v for k, v in long.memory.items() if v}
    assert (short["verdict"], short["memory_bytes"]) == (long.fit, long.room)


def test_memory_of_one_chip_needs_no_published_rate() -> None:
    chip = catalog.chip("alibaba-zhenwu-810e")  # its bandwidth is not published
    found = tuning_memory(catalog.model("llama-3-8b"), chip, base="nf4")
    assert found.fit == "fits"
    assert found.room == usable_memory(chip)[0]


def test_a_batch_that_no_layout_divides_is_said() -> None:
    found = fit_answer(catalog.model("llama-2-70b"), catalog.chip("h100"), ["int4"], Serving(3), Tuning())
    assert "no layout divides" in found["tuning"]["int4"]["refused"]  # type: ignore[index]
