"""Sizing questions of strangers, each with its address: what they were told by their machines, and what is said here."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from chipwall.api.performance import fits
from chipwall.api.training import tune

CASES = tomllib.loads((Path(__file__).parent / "public_sizing.toml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", CASES["serve"], ids=lambda c: c["id"])
def test_what_people_could_serve(case: dict[str, Any]) -> None:
    asked = {k: case[k] for k in ("chips", "context", "engine", "memory_utilization", "tensor") if k in case}
    found = fits(case["model"], case["chip"], precision=case["precision"], use="serve", **asked)
    assert found.record["verdict"] in case["verdict"], found.record["verdict"]


@pytest.mark.parametrize("case", CASES["tune"], ids=lambda c: c["id"])
def test_what_people_could_tune(case: dict[str, Any]) -> None:
    asked = {k: case[k] for k in ("method", "batch", "length", "micro_batch") if k in case}
    found = tune(case["model"], case["chip"], chips=case["chips"], **asked)
    assert found.record.fit in case["verdict"], found.record.budget.need


def test_what_does_not_fit_is_told_in_the_layout_that_comes_nearest() -> None:
    """A model of 671 billion weights on 8 chips is short of what eight of them lack, not of a whole copy on each."""
    found = fits("deepseek-v3", "h800", chips=8, precision="fp8", use="serve")
    told = found.record["serving"]["fp8"]
    assert told["layout"] != "TP1 x8"
    assert told["cache_room_bytes_per_chip"] > -40 * 2**30
