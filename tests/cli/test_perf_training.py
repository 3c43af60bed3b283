"""``chipwall train`` and ``chipwall finetune`` as a person and a program meet them."""

from __future__ import annotations

import json

TRAIN = ["train", "llama-3-70b", "--chip", "h100", "--chips", "64", "--batch", "128", "--precision", "fp8"]
LAYOUT = ["--tensor", "4", "--pipeline", "4", "--virtual", "5", "--context", "2"]


def test_training_is_told_with_interval_layout_and_neighbours(run) -> None:
    said = run(*TRAIN, *LAYOUT, "--tokens", "1e12", "--explain")
    assert said.status == 0
    for words in (
        "80 % interval",
        "MFU",
        "HFU",
        "TP 4 x PP 4 (VP 5) x CP 2",
        "measured nearby",
        "time of the run",
        "linear layers",
        "gradients",
    ):
        assert words in said.out


def test_json_has_units_in_its_names_and_parts_that_sum(run) -> None:
    told = json.loads(run(*TRAIN, *LAYOUT, "--json").out)
    assert told["unit"] == "s"
    assert abs(sum(p["value"] for p in told["breakdown"]) - told["value"]) < 1e-9 * told["value"]
    assert {"memory_bytes", "energy_per_token_j", "tokens_per_s_per_chip", "mfu", "hfu", "layout_searched"} <= set(told)
    assert not told["layout_searched"]


def test_a_layout_is_searched_and_said_so(run) -> None:
    said = run(*TRAIN)
    assert said.status == 0
    assert "layout searched" in said.out


def test_175_billion_at_three_widths(run) -> None:
    told = json.loads(run("finetune", "gpt-3-175b", "--chip", "h200", "--base", "bf16,int8,nf4", "--json").out)
    assert [t["fit"] for t in told] == ["does not fit", "does not fit", "fits"]
    assert [t["smallest_chips"] for t in told][:2] == [4, 2]
    said = run("finetune", "gpt-3-175b", "--chip", "h200", "--explain")
    assert "does not fit" in said.out
    assert "at least 4 chips" in said.out


def test_refusals_take_three_lines_at_most(run) -> None:
    for bad in (
        [*TRAIN, "--tensor", "3"],
        ["train", "gpt-3-175b", "--chip", "h100", "--chips", "8", "--batch", "64"],
        ["train", "llama-2-7b", "--chip", "a100", "--precision", "fp8"],
        ["train", "llama-2-7b", "--chip", "a100", "--chips", "0"],
        ["finetune", "llama-2-7b", "--chip", "a100", "--rank", "0"],
        ["finetune", "llama-2-7b", "--chip", "a100", "--base", "int1"],
    ):
        said = run(*bad)
        assert said.status == 2, bad
        assert 1 <= len(said.err.strip().splitlines()) <= 3
