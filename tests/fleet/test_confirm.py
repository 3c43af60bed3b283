"""The front run request by request: closed forms agree, or the simulation wins and more chips are planned."""

from __future__ import annotations

from typing import Any

import pytest

import chipwall as cw

ASKED: dict[str, Any] = {
    "rate": 50, "prompt": 2000, "output": 300, "ttft": "1 s", "tpot": "30 ms", "precision": "fp8", "confirm": True,
}  # fmt: skip


@pytest.mark.parametrize(("chip", "kind"), [("h200", "aggregated"), ("h200", "disaggregated"), ("h20", "aggregated")])
def test_tails_hold_when_they_are_run(chip: str, kind: str) -> None:
    plain = cw.plan("llama-3.1-70b", **{**ASKED, "chips": chip, "kinds": kind, "confirm": False}).record
    p = cw.plan("llama-3.1-70b", **ASKED, chips=chip, kinds=kind).record
    assert p.best.chips.value >= plain.best.chips.value
    for run in p.simulated:
        assert run.state == "STABLE"
        assert run.tpot <= max(0.030, run.tpot_planned * 1.1) * 1.001
        assert run.ttft <= max(1.0, run.ttft_planned * 1.1) * 1.001
        assert run.tpot == pytest.approx(run.tpot_planned, rel=0.2)


def test_the_same_question_gives_the_same_runs() -> None:
    asked = {**ASKED, "chips": "h200", "kinds": "aggregated"}
    assert cw.plan("llama-3.1-70b", **asked).to_dict() == cw.plan("llama-3.1-70b", **asked).to_dict()
