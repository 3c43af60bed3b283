"""The public face: what it offers, what it refuses, and that its answers are whole."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from datetime import date
from typing import Any

import pytest

import chipwall as cw
from chipwall.api.doors import DOORS


def test_every_public_name_is_there_and_has_a_docstring() -> None:
    for name in cw.__all__:
        found = getattr(cw, name)
        assert name == "__version__" or found.__doc__, name
    assert list(cw.__all__) == sorted(cw.__all__)
    assert set(DOORS) <= set(cw.__all__)


def test_the_import_loads_nothing() -> None:
    code = "import sys, chipwall; print([m for m in sys.modules if m.startswith('chipwall') or m in ('numpy', 'click', 'typing')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert set(json.loads(done.stdout.replace("'", '"'))) <= {"chipwall", "chipwall._version", "typing"}


def test_an_unknown_name_of_the_package_says_what_there_is() -> None:
    with pytest.raises(AttributeError, match="serve"):
        _ = cw.nosuch


ANSWERS: dict[str, Any] = {
    "serve": lambda: cw.serve("llama-3.1-70b", "h200", chips=8, users=64, precision="fp8"),
    "train": lambda: cw.train("llama-3-70b", "h100", chips=64, batch=128, tokens=1e12),
    "tune": lambda: cw.tune("llama-2-70b", "h200", base="nf4"),
    "fits": lambda: cw.fits("gpt-3-175b", "h200"),
    "retrieve": lambda: cw.retrieve("llama-3.1-8b", "h200"),
    "compute": lambda: cw.compute("h200"),
    "compare": lambda: cw.compare("h200", "h20", "llama-2-70b", precision="fp8"),
    "decide": lambda: cw.decide("h200", to="CN", on="2026-02-01"),
    "timeline": lambda: cw.timeline("h200", to="China"),
    "simulate": lambda: cw.simulate("h200-share-cap", against="no-sales", draws=50, until="2026Q2"),
    "check": lambda: cw.check("h200-capacity"),
    "chips": lambda: cw.chips(memory=">= 96 GB"),
    "sweep": lambda: cw.sweep(cw.serve, model="llama-2-70b", chip=["h200", "h20"], chips=8, users=[1, 8]),
}


OTHERS: dict[str, Any] = {
    "serve": lambda: cw.serve("deepseek-v3", "h20", chips=16, users=8),
    "train": lambda: cw.train("mixtral-8x7b", "a100-80gb-sxm", chips=16, batch=64),
    "tune": lambda: cw.tune("llama-3.1-8b", "rtx-4090"),
    "fits": lambda: cw.fits("llama-3.1-8b", "l4"),
    "retrieve": lambda: cw.retrieve("llama-2-70b", "b200"),
    "compute": lambda: cw.compute("mi300x"),
    "compare": lambda: cw.compare("b200", "h100", "llama-3.1-8b"),
    "decide": lambda: cw.decide("h20", to="CN", on="2025-05-01"),
    "timeline": lambda: cw.timeline("h20", to="CN"),
    "simulate": lambda: cw.simulate("as-it-stands", draws=30, until="2026Q3"),
    "check": lambda: cw.check("h200-bandwidth"),
    "chips": lambda: cw.chips(vendor="amd"),
    "sweep": lambda: cw.sweep(cw.serve, model="llama-3.1-8b", chip=["h100"], users=[4]),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_an_answer_does_not_depend_on_what_was_asked_before(name: str) -> None:
    """A, then another question of the same door, then A again: the same answer to the last digit."""
    first = json.dumps(ANSWERS[name]().to_dict())
    other = json.dumps(OTHERS[name]().to_dict())
    assert other != first
    assert json.dumps(ANSWERS[name]().to_dict()) == first


@pytest.mark.parametrize("name", ANSWERS)
def test_one_answer_for_all(name: str) -> None:
    answer = ANSWERS[name]()
    assert isinstance(answer, cw.Answer)
    assert answer.door == name
    assert len(repr(answer)) < 300
    assert "\n" not in repr(answer)
    plain = json.dumps(answer.to_dict(), allow_nan=False)
    assert json.loads(plain)
    shown = answer._repr_html_()
    assert shown.startswith("<table>")
    assert "<script" not in shown
    assert answer.why()
    frame = answer.to_frame("polars")
    assert frame.shape[0] >= 1
    for figure in answer.figures.values():
        assert figure.low <= figure.value * (1 + 1e-9)
        assert figure.value <= figure.high * (1 + 1e-9)
        assert figure.unit
    for source in answer.cite():
        assert source.title


def test_figures_are_attributes_and_a_slip_names_the_nearest() -> None:
    answer = ANSWERS["serve"]()
    assert answer.rate.low < answer.rate.value < answer.rate.high
    assert answer.rate.basis == "calibrated"
    assert answer.layout.tensor >= 1
    assert answer.nearest()
    with pytest.raises(AttributeError, match="rate"):
        _ = answer.rates


def test_both_table_libraries_give_the_same_numbers() -> None:
    answer = ANSWERS["sweep"]()
    one, two = answer.to_frame("pandas"), answer.to_frame("polars")
    assert list(one.columns) == two.columns
    assert one["rate_token_per_s"].tolist() == two["rate_token_per_s"].to_list()


def test_a_chip_can_be_invented() -> None:
    fast = cw.chip("h200").with_(memory_bandwidth="6 TB/s", bf16_rate="2 PFLOP/s")
    assert fast.value("memory_bandwidth") == 6e12
    assert fast.id != cw.chip("h200").id
    before, after = (cw.serve("llama-3.1-8b", c, users=1).rate.value for c in ("h200", fast))
    assert after > before
    assert cw.decide(fast, to="CN", on="2026-02-01").eccn == "3A090.a"
    with pytest.raises(cw.InputError, match="memory_bandwidth"):
        cw.chip("h200").with_(memory_bandwith="6 TB/s")
    with pytest.raises(cw.InputError, match="nothing"):
        cw.chip("h200").with_()
    unknown = cw.chip("h200").with_(memory_bandwidth=None)
    assert unknown.value("memory_bandwidth") is None


def test_a_sweep_is_the_same_arithmetic() -> None:
    grid = cw.sweep(
        cw.serve, model="llama-3.1-70b", chip=["h200", "h20"], chips=[4, 8], users=[1, 16, 300], precision="fp8"
    )
    assert len(grid) == 12
    for row in grid:
        alone = cw.serve("llama-3.1-70b", row["chip"], chips=row["chips"], users=row["users"], precision="fp8")
        assert math.isclose(row["rate_token_per_s"], alone.rate.value, rel_tol=1e-9)
        assert math.isclose(row["rate_low_token_per_s"], alone.rate.low, rel_tol=1e-9)
        assert math.isclose(row["ttft_s"], alone.ttft.value, rel_tol=1e-9)
        assert row["basis"] == alone.rate.basis


def test_a_sweep_mixes_models_loads_and_limits() -> None:
    grid = cw.sweep(
        cw.serve,
        model=["llama-3.1-8b", "mixtral-8x7b"],
        chip="h100",
        chips=4,
        load=[cw.Full(), cw.Arrivals(2), cw.Batch(8), cw.Burst(40), cw.Within(tpot="50 ms")],
    )
    assert len(grid) == 10
    for row, load in zip(
        grid, [cw.Full(), cw.Arrivals(2), cw.Batch(8), cw.Burst(40), cw.Within(tpot="50 ms")] * 2, strict=True
    ):
        alone = cw.serve(row["model"], "h100", chips=4, load=load)
        assert math.isclose(row["rate_token_per_s"], alone.rate.value, rel_tol=1e-9)


def test_a_point_without_an_answer_keeps_its_row() -> None:
    grid = cw.sweep(cw.serve, model="llama-3.1-405b", chip=["l4", "h200"], chips=8, precision="fp8")
    assert grid.rows[0]["problem"]
    assert not grid.rows[1]["problem"]
    with pytest.raises(cw.InputError, match="no point"):
        cw.sweep(cw.serve, model="llama-3.1-405b", chip=["l4"], chips=1)


def test_plain_loads_and_records_are_one() -> None:
    for plain, record in (
        ({"users": 8}, cw.Users(8)),
        ({"rate": 2}, cw.Arrivals(2)),
        ({"batch": 8}, cw.Batch(8)),
        ({"burst": 9}, cw.Burst(9)),
        ({"tpot": "40 ms"}, cw.Within(tpot=0.04)),
        ({}, cw.Full()),
    ):
        one = cw.serve("llama-3.1-8b", "h200", **plain)  # type: ignore[arg-type]
        assert one.rate == cw.serve("llama-3.1-8b", "h200", load=record).rate


BAD: list[tuple[str, tuple[Any, ...], dict[str, Any], str]] = [
    ("serve", ("h200", "llama-3.1-70b"), {}, "is a chip"),
    ("serve", ("llama-3.1-70b", "h200", 8), {}, "chips="),
    ("serve", ("llama-3.1-70b", "h200"), {"chps": 8}, "chips"),
    ("serve", ("llama-3.1-70b", "h200"), {"isl": 8}, "prompt"),
    ("serve", ("llama-3.1-70b",), {}, "needs chip"),
    ("serve", (None, "h200"), {}, "model"),
    ("serve", ("llama-3.1-70b", 7), {}, "chip"),
    ("serve", ("llama-3.1-70b", "h2000"), {}, "h200"),
    ("serve", ("llama-3.1-70b", "h200"), {"chips": 0}, "chips"),
    ("serve", ("llama-3.1-70b", "h200"), {"chips": 2.5}, "chips"),
    ("serve", ("llama-3.1-70b", "h200"), {"chips": True}, "chips"),
    ("serve", ("llama-3.1-70b", "h200"), {"prompt": math.nan}, "prompt"),
    ("serve", ("llama-3.1-70b", "h200"), {"prompt": math.inf}, "prompt"),
    ("serve", ("llama-3.1-70b", "h200"), {"users": [1, 2]}, "users"),
    ("serve", ("llama-3.1-70b", "h200"), {"users": 8, "rate": 1}, "one load"),
    ("serve", ("llama-3.1-70b", "h200"), {"load": 5}, "load"),
    ("serve", ("llama-3.1-70b", "h200"), {"ttft": "5 GB"}, "ttft"),
    ("serve", ("llama-3.1-70b", "h200"), {"ttft": -1}, "ttft"),
    ("serve", ("llama-3.1-70b", "h200"), {"precision": ""}, "precision"),
    ("serve", ("llama-3.1-70b", "h200"), {"engine": "vlm"}, "vllm"),
    ("serve", ("llama-3.1-70b", "h200"), {"tensor": "x"}, "tensor"),
    ("serve", ("llama-3.1-70b", "h200"), {"pipeline": 2}, "pipeline"),
    ("serve", ("llama-3.1-70b", "h200"), {"prefix_reuse": 1.0}, "prefix_reuse"),
    ("serve", ("llama-3.1-70b", "h200"), {"attention_dp": "yes"}, "attention_dp"),
    ("train", ("h100", "llama-3-70b"), {}, "is a chip"),
    ("train", ("llama-3-70b", "h100"), {"batch": "many"}, "batch"),
    ("train", ("llama-3-70b", "h100"), {"sequence": 8}, "length"),
    ("train", ("llama-3-70b", "h100"), {"software": "nosuch"}, "software"),
    ("train", ("llama-3-70b", "h100"), {"recompute": "some"}, "recompute"),
    ("train", ("llama-3-70b", "h100"), {"network": "0 Gbit/s"}, "network"),
    ("train", ("llama-3-70b", "h100"), {"tokens": math.inf}, "tokens"),
    ("train", ("llama-3-70b", "h100"), {"year": 0}, "year"),
    ("tune", ("llama-2-70b", "h200"), {"method": "full", "base": "nf4"}, "base"),
    ("tune", ("llama-2-70b", "h200"), {"rank": -1}, "rank"),
    ("fits", ("gpt-3-175b", "h200"), {"precision": "fp99"}, "precision"),
    ("fits", ("gpt-3-175b", "h200"), {"reserve": 1.5}, "reserve"),
    ("retrieve", ("llama-3.1-8b", "h200"), {"probes": math.inf}, "probes"),
    ("compute", ("llama-3.1-8b",), {}, "is a model"),
    ("compare", ("h200", "h20", "b200"), {}, "is a chip"),
    ("compare", ("h200", "h20", "llama-2-70b"), {"precision": "fp99"}, "precision"),
    ("decide", ("h200",), {}, "destination"),
    ("decide", ("h200",), {"to": "CN", "on": "2026-13-01"}, "date"),
    ("decide", ("h200",), {"to": "CN", "on": 20260201}, "date"),
    ("decide", ("h200",), {"to": "Chna", "on": "2026-02-01"}, "China"),
    ("decide", ("h200",), {"to": "US", "on": "2026-02-01"}, "United States"),
    ("decide", ("h20",), {"to": "CN", "vendor": "nvida"}, "nvidia"),
    ("decide", ("h20",), {"to": "CN", "tpp": "a lot"}, "tpp"),
    ("timeline", ("h200",), {"to": "CN", "onn": 1}, "onn"),
    ("timeline", ("h200",), {"to": "CN", "since": "2027-01-01", "until": "2026-01-01"}, "empty"),
    ("simulate", ("h200-share-cup",), {}, "h200-share-cap"),
    ("simulate", ("no-sales",), {"draws": 0}, "draws"),
    ("simulate", ("no-sales",), {"draws": 10**9}, "draws"),
    ("simulate", ("no-sales",), {"until": "2026"}, "quarter"),
    ("simulate", ("no-sales",), {"vs": "record"}, "against"),
    ("check", ("no-such-claim",), {}, "claim"),
    ("check", (5,), {}, "claims"),
    ("chips", (), {"memory": "96 Gb"}, "bits"),
    ("chips", (), {"memory": "lots"}, "memory"),
    ("chips", (), {"vendor": "nvida"}, "nvidia"),
    ("chip", ("",), {}, "name"),
    ("chip", ("a" * 5000,), {}, "name"),
    ("chip", ("\x1b[31mh200",), {}, "name"),
    ("sweep", (len,), {}, "cw.serve"),
    ("sweep", (cw.serve,), {"model": "llama-2-70b", "chip": []}, "chip"),
    ("sweep", (cw.serve,), {"usrs": [1]}, "users"),
    ("sweep", (cw.serve,), {"model": "llama-2-70b", "chip": "h200", "users": range(1, 300_000)}, "points"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "args", "kwargs", "said"), BAD, ids=lambda v: str(v)[:40])
def test_a_slip_is_refused_and_named(name: str, args: tuple[Any, ...], kwargs: dict[str, Any], said: str) -> None:
    with pytest.raises(cw.ChipwallError) as caught:
        getattr(cw, name)(*args, **kwargs)
    lines = caught.value.lines()
    assert 1 <= len(lines) <= 3
    assert said.casefold() in "\n".join(lines).casefold()
    assert all(len(line) < 600 for line in lines)
    assert "\x1b" not in "\n".join(lines)


def test_dates_come_as_words_or_records() -> None:
    assert (
        cw.decide("h200", to="CN", on=date(2026, 2, 1)).answer == cw.decide("h200", to="China", on="2026-02-01").answer
    )


def test_a_part_of_the_memory_is_told_by_one_use_and_format() -> None:
    found = cw.fits("gpt-3-175b", "h200", precision="int4", use="serve")
    assert found.verdict == "fits"
    assert math.isclose(found.free.value, found.memory.value - found.needed.value)
