"""The door to the simulation: presets, traces, notes of measured points, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import chipwall as cw
from chipwall.api.doors import calibrated_in_use
from chipwall.errors import InputError
from chipwall.fleet.load_rows import check_load_columns, load_table
from chipwall.fleet.notes import read_notes, refused
from chipwall.fleet.presets import presets, read_trace, shipped_traces, trace_named

pytest.importorskip("numba")
ASKED = {"chips": 1, "prompt": 500, "output": 100, "requests": 400}


def test_an_answer_has_tails_and_parts() -> None:
    found = cw.load("llama-3.1-8b", "h100", rate=5, **ASKED)
    r = found.record
    assert r.ttft.p50 <= r.ttft.p90 <= r.ttft.p95 <= r.ttft.p99
    assert found.ttft_p95.low < found.ttft_p95.value < found.ttft_p95.high
    assert found.rate.value == pytest.approx(5.0, rel=0.15)
    assert r.state == "STABLE"
    many = cw.load("llama-3.1-8b", "h100", rate=500, **{**ASKED, "requests": 6000})
    assert many.record.state == "OVERLOADED"


def test_presets_and_traces_ship_with_source_and_licence() -> None:
    assert len(presets()) == 7
    assert all(p.licence and "github.com" in p.source and p.reason for p in presets().values())
    for name in shipped_traces():
        trace = trace_named(name)
        assert len(trace.arrival) > 8000
        assert np.all(np.diff(trace.arrival) >= 0)
        assert "@" in trace.title
    assert trace_named("mooncake-conversation").known.any()


def test_a_trace_is_replayed() -> None:
    found = cw.load("llama-3.1-8b", "h100", trace="azure-2023-conv", requests=500)
    assert found.record.requests == 500
    assert any("CC-BY" in note for note in found.notes)


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (["1,10,5", "0,10,5"], "not in order"),
        (["1,nan,5"], "three numbers"),
        (["-1,10,5"], "three numbers"),
        (["1,10,0"], "three numbers"),
        ([], "without a request"),
    ],
)
def test_bad_traces_are_refused(tmp_path: Path, rows: list[str], words: str) -> None:
    place = tmp_path / "trace.csv"
    place.write_text("\n".join(["arrival_s,prompt_tokens,output_tokens", *rows]))
    with pytest.raises(InputError, match=words):
        read_trace(place)
    place.write_text("when,prompt_tokens,output_tokens\n")
    with pytest.raises(InputError, match="arrival_s"):
        read_trace(place)


@pytest.mark.parametrize(
    "change",
    [{"rate": 0}, {"rate": -1}, {"rate": 1, "users": 3}, {"users": 2, "max_in_flight": 4}, {"trace": "nosuch"}, {},
     {"rate": 1, "preset": "nosuch"}, {"rate": 1, "ttft": 0}, {"rate": 1, "prompt": 5e6}, {"rate": 1, "router": "x"}],
)  # fmt: skip
def test_impossible_loads_are_refused(change: dict[str, object]) -> None:
    with pytest.raises(InputError):
        cw.load("llama-3.1-8b", "h100", requests=10, **change)


def test_notes_are_read() -> None:
    s = read_notes(
        "open loop, constant interval, 60 s stages, at most 440 requests in flight (44 workers x 10); max-num-seqs 128, prefix "
        "cache (128 of 192 prompt tokens shared by 10), chunked prefill; max-model-len 512"
    )
    assert (s.arrivals, s.seconds, s.in_flight, s.sequences, s.way) == ("constant", 60.0, 440, 128, "pieces")
    assert s.cached == pytest.approx(2 / 3)
    assert read_notes("max-num-seqs 192, no prefix cache, no chunked prefill").way == "whole"
    assert read_notes("V0 engine, max-num-seqs 128, no chunked prefill").way == "apart"
    assert read_notes("submitter Dell; server; Poisson; mean TTFT 57.6; tp None").tensor == 0
    uniform = read_notes("lengths uniform 0.8-1.0 x 1024/8192; agg tp8 ep1; spec none; dp-attn True; Little 0.98")
    assert (uniform.low, uniform.nominal, uniform.tensor, uniform.attention_dp) == (0.8, (1024.0, 8192.0), 8, True)
    log = read_notes("open loop ~10/s Poisson, 300 ShareGPT requests, overloaded; dp2 ep2; max batched tokens 2048")
    assert (log.requests, log.copies, log.expert, log.step_tokens) == (300, 2, 2, 2048)
    for words in ("spec mtp; agg tp8", "EAGLE speculation, max-num-seqs 128", "disagg tp8 ep1", "1P1D, TP4"):
        assert refused(words)
    assert refused("agg tp8 ep1; spec none") is None


def test_points_are_answered_cell_by_cell() -> None:
    row = {
        "id": "one", "kind": "open", "source": "somebody", "chip": "H100-SXM-80GB", "n": "1", "model": "Llama-3.1-8B",
        "precision": "bf16", "engine": "vLLM", "version": "0.11.0", "date": "2025-10", "input": "200", "output": "60",
        "rate_rps": "20", "concurrency": "", "ttft_p50": "31", "ttft_p99": "", "tpot_p50": "8", "tpot_p99": "",
        "throughput": "1200",
        "notes": "open loop, constant interval, 60 s stages; max-num-seqs 128",
    }  # fmt: skip
    bad = {**row, "id": "two", "rate_rps": "-3"}
    found = load_table([row, bad, {**row, "id": "three", "notes": "spec mtp"}], calibrated_in_use())
    assert [c.metric for c in found.results] == ["ttft_p50", "tpot_p50", "throughput"]
    assert all(c.low < c.predicted < c.high for c in found.results)
    assert {c.metric: c.predicted for c in found.results}["throughput"] == pytest.approx(1200, rel=0.03)
    assert [s.id for s in found.skipped] == ["two", "three"]
    with pytest.raises(InputError, match="unknown column"):
        check_load_columns([*row, "colour"], "file.csv")
    with pytest.raises(InputError, match="missing"):
        check_load_columns(["id"], "file.csv")
