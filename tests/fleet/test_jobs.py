"""Plans of training and fine-tuning, and of daily users."""

from __future__ import annotations

import json
from typing import Any

import pytest

import chipwall as cw
from chipwall.errors import InputError

TRAIN: dict[str, Any] = {"task": "train", "tokens": 2e12, "days": 40, "chips": ["h100", "h200"], "rent": 2.0}


def test_a_job_is_done_in_time_and_half_the_chips_are_not() -> None:
    best = cw.plan("llama-3.1-8b", **TRAIN).record.best
    assert best.days.value <= 40
    half = cw.train("llama-3.1-8b", best.chip, chips=best.chips // 2, batch=4096, length=4096, tokens=2e12)
    assert half.time.value / 86400 > 40
    own = cw.train("llama-3.1-8b", best.chip, chips=best.chips, batch=4096, length=4096, tokens=2e12)
    assert own.time.value / 86400 == pytest.approx(best.days.value)
    assert best.cost.value == pytest.approx(best.chips * 2.0 * best.days.value * 24)


def test_chips_rise_with_tokens_and_fall_with_days() -> None:
    counts = [cw.plan("llama-3.1-8b", **{**TRAIN, "chips": "h100", "tokens": t}).chips.value for t in (5e11, 2e12, 8e12)]
    assert counts == sorted(counts)
    counts = [cw.plan("llama-3.1-8b", **{**TRAIN, "chips": "h100", "days": d}).chips.value for d in (10, 40, 160)]
    assert counts == sorted(counts, reverse=True)


def test_tuning_without_days_takes_the_fewest_chips_that_hold_it() -> None:
    p = cw.plan("llama-3.1-70b", task="tune", tokens=1e8, chips="h200").record
    assert cw.tune("llama-3.1-70b", "h200", chips=p.best.chips).record.step is not None
    assert p.best.chips == 1 or cw.tune("llama-3.1-70b", "h200", chips=p.best.chips // 2).record.step is None


def test_daily_users_become_requests_of_the_busy_hour() -> None:
    asked = cw.plan("llama-3.1-8b", users=86_400, requests_per_user=10, peak=3, chips="h100", prompt=500, output=100)
    assert asked.record.rate == pytest.approx(30.0)
    assert asked.record.need.mean == pytest.approx(1 / 3)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({**TRAIN, "rate": 3}, "does not belong"),
        ({"task": "train"}, "no tokens"),
        ({**TRAIN, "days": 0.001}, "no fleet does it in 0.001 days"),
        ({"users": 10, "rate": 3}, "one load at a time"),
        ({"rate": 3, "peak": 2}, "needs users"),
        ({"rate": 3, "tokens": 1e9}, "does not belong"),
        ({"users": -1}, "users cannot be"),
        ({"task": "dance"}, "unknown task"),
    ],
)
def test_what_cannot_be_is_refused(asked: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        cw.plan("llama-3.1-8b", **asked)


def test_the_command_line_gives_the_same(run) -> None:
    answer = run(
        "plan", "llama-3.1-8b", "--task", "train", "--tokens", "2e12", "--days", "40", "--chips", "h100,h200", "--rent", "2",
        "--json",
    )  # fmt: skip
    assert json.loads(answer.out) == cw.plan("llama-3.1-8b", **TRAIN).to_dict()
    shown = run("plan", "llama-3.1-8b", "--task", "train", "--tokens", "2e12", "--days", "40", "--chips", "h100").out
    assert "days for 2e+12 tokens" in shown.splitlines()[1]
