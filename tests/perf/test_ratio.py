"""``chipwall ratio`` and ``chipwall infer`` as a person sees them."""

from __future__ import annotations

import json

import pytest

from chipwall import catalog
from chipwall.perf.compare import ratios
from chipwall.perf.layout import Layout, layout_words
from chipwall.perf.shipped import shipped


def test_h200_over_h20_is_bandwidth_in_decode_and_arithmetic_in_prefill() -> None:
    found = ratios(catalog.chip("h200"), catalog.chip("h20"), catalog.model("gpt-3-175b"), shipped(), precisions=("bf16",))
    peak = next(r.value for r in found if str(r.detail) == "BF16 peak")
    decode = next(r.value for r in found if str(r.detail).startswith("batch 1,"))
    prefill = next(r.value for r in found if str(r.detail).startswith("8192"))
    assert peak == pytest.approx(6.69, abs=0.02)
    assert decode is not None
    assert prefill is not None
    assert 0.95 < decode < 1.5
    assert 2.5 < prefill < peak


def test_what_does_not_fit_has_no_ratio_and_a_reason() -> None:
    found = ratios(catalog.chip("h200"), catalog.chip("h20"), catalog.model("gpt-3-175b"), shipped(), precisions=("bf16",))
    largest = next(r for r in found if "batch 256" in str(r.detail))
    assert largest.value is None
    assert largest.why


def test_a_chip_against_itself_is_one() -> None:
    chip = catalog.chip("h100")
    assert all(
        r.value == pytest.approx(1.0)
        for r in ratios(chip, chip, catalog.model("llama-3.1-8b"), shipped(), chips=1, precisions=("bf16",))
        if r.value
    )


def test_layouts_in_words() -> None:
    assert layout_words(Layout(8)) == "TP8"
    assert layout_words(Layout(4, 2, data=2)) == "TP4 PP2 x2"
    assert layout_words(Layout(expert=8, attention_data_parallel=True)) == "DEP8"


def test_the_commands_answer(run) -> None:
    answer = run("ratio", "h200", "h20", "--model", "llama-3.1-8b", "--chips", "1", "--precision", "bf16")
    assert answer.status == 0
    assert "1.20" in answer.out
    answer = run("infer", "llama-3.1-8b", "--chip", "h100", "--explain")
    assert answer.status == 0
    assert "ffn up" in answer.out


def test_infer_speaks_json(run) -> None:
    answer = run("infer", "llama-3.1-8b", "--chip", "h100", "--users", "8", "--json")
    found = json.loads(answer.out)
    assert found["throughput"]["low"] < found["throughput"]["value"] < found["throughput"]["high"]
    assert found["layout"]["tensor_parallel"] == 1


@pytest.mark.parametrize(
    "options",
    [
        ["--prompt", "0"],
        ["--users", "4", "--rate", "2"],
        ["--tensor", "many"],
        ["--tpot", "-1"],
        ["--chip", "h2oo"],
        ["--tensor", "3", "--chips", "3"],
        ["--expert", "7", "--attention-dp", "--chips", "7"],
    ],
)
def test_infer_refuses_with_three_lines_and_status_two(run, options: list[str]) -> None:
    answer = run("infer", "llama-3.1-8b", *([] if "--chip" in options else ["--chip", "h100"]), *options)
    assert answer.status == 2
    assert 1 <= len(answer.err.strip().splitlines()) <= 3
