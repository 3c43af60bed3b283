"""The frontier: no point beats another, ends hold, the same numbers as serving itself, refusals."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest

import chipwall as cw
from chipwall.errors import InputError


@pytest.fixture(scope="module")
def asked() -> Any:
    return cw.frontier("llama-3.1-70b", chips="h200,h20", precision="fp8", points=6)


def test_more_for_a_user_is_less_for_a_chip(asked) -> None:
    for chip in ("nvidia-h200-sxm", "nvidia-h20-96gb"):
        own = [p for p in asked.points if p.chip == chip]
        assert 2 <= len(own) <= 6
        for a, b in pairwise(own):
            assert a.per_user > b.per_user
            assert a.per_chip < b.per_chip
        assert all(p.low <= p.per_chip <= p.high and p.user_low <= p.per_user <= p.user_high for p in own)


def test_a_point_is_what_serving_answers_for_as_many_users(asked) -> None:
    for p in asked.points[::3]:
        tensor = int(p.layout.removeprefix("TP").split()[0])
        got = cw.serve(
            "llama-3.1-70b", p.chip, chips=int(p.chips), users=p.users, precision="fp8", tensor=tensor,
            pipeline=int(p.layout.split("PP")[1]) if "PP" in p.layout else 1,
        )  # fmt: skip
        assert got.rate.value / p.chips == pytest.approx(p.per_chip, rel=2e-3)
        assert 1 / got.tpot.value == pytest.approx(p.per_user, rel=2e-3)


def test_published_runs_stand_beside_the_line(asked) -> None:
    assert len(asked.published) > 10
    assert {m.chip for m in asked.published} <= {"nvidia-h200-sxm", "nvidia-h20-96gb"}


def test_the_command_line_gives_the_same(run, asked) -> None:
    answer = run("frontier", "llama-3.1-70b", "--chips", "h200,h20", "--precision", "fp8", "--points", "6", "--json")
    assert json.loads(answer.out) == asked.to_dict()


@pytest.mark.parametrize(
    ("changes", "said"),
    [({"chips": []}, "0 chips"), ({"points": 1}, "points cannot be"), ({"chips": "t4", "precision": "bf16", "prompt": 0}, "prompt"),
     ({"chips": "rtx-4080"}, "no chip can serve")],
)  # fmt: skip
def test_what_cannot_be_is_refused(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        cw.frontier("llama-3.1-405b", **{"chips": "h200", **changes})
