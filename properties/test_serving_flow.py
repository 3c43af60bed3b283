"""Conservation in every answer about serving: requests in the system, served and offered, and more that is never less."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import chipwall as cw
from chipwall.errors import ChipwallError
from chipwall.perf.serving.workload import Serving

MODELS = ("llama-3.1-8b", "llama-3.1-70b", "mixtral-8x7b", "gpt-oss-120b", "deepseek-r1")
CHIPS = ("h100", "h200", "b200", "mi300x", "h20", "l40s", "ascend-910b")
SETUPS = st.fixed_dictionaries(
    {
        "model": st.sampled_from(MODELS),
        "chip": st.sampled_from(CHIPS),
        "chips": st.sampled_from((1, 2, 8, 16)),
        "prompt": st.floats(0.7, 4.3).map(lambda x: round(10**x)),
        "output": st.floats(0.0, 3.5).map(lambda x: round(10**x)),
    }
)
LOADS = st.one_of(
    st.just({}),
    st.floats(0.0, 3.5).map(lambda x: {"users": float(round(10**x))}),
    st.floats(-2.0, 2.5).map(lambda x: {"rate": 10**x}),
    st.floats(-2.0, 2.5).map(lambda x: {"rate": 10**x, "max_in_flight": 32}),
    st.floats(0.0, 3.0).map(lambda x: {"burst": float(round(10**x))}),
    st.floats(0.0, 2.5).map(lambda x: {"batch": float(round(10**x))}),
    st.floats(-2.0, 0.0).map(lambda x: {"tpot": 10**x}),
    st.floats(0.0, 2.5).map(lambda x: {"users": float(round(10**x)), "prefill_workers": 1, "tensor": 1}),
)


@lru_cache(maxsize=4096)
def _asked(given: tuple[tuple[str, Any], ...]) -> Serving | None:
    question = dict(given)
    try:
        return cw.serve(question.pop("model"), question.pop("chip"), **question).record  # type: ignore[no-any-return]
    except ChipwallError:
        return None


def answered(setup: dict[str, Any], **load: Any) -> Serving:
    found = _asked(tuple(sorted({**setup, **load}.items())))
    assume(found is not None)
    assert found is not None
    return found


def time_in_system(found: Serving, output: float) -> float:
    return found.ttft.value + max(output - 1.0, 0.0) * found.tpot.value


@settings(max_examples=60, deadline=None)
@given(SETUPS, LOADS)
def test_rate_times_time_in_system_is_what_is_in_the_system(setup: dict[str, Any], load: dict[str, Any]) -> None:
    found = answered(setup, **load)
    inside = found.requests_per_s * time_in_system(found, setup["output"])
    assert found.inside == pytest.approx(inside, rel=1e-9)
    assert found.throughput.value == pytest.approx(found.requests_per_s * setup["output"], rel=1e-9)
    if "users" in load:
        assert inside == pytest.approx(load["users"], rel=1e-6)
    assert found.batch <= found.most * (1 + 1e-9)
    decoding = found.layout.replicas - load.get("prefill_workers", 0)
    assert (
        found.batch * decoding <= inside * (1 + 1e-6)
        or "batch" in load
        or "rate" in load
        or "burst" in load
    )


@settings(max_examples=40, deadline=None)
@given(SETUPS, st.floats(0.01, 1.5), st.floats(0.0, 3.0))
def test_what_arrives_is_served_below_saturation_and_never_more(setup: dict[str, Any], share: float, cv: float) -> None:
    most = answered(setup).requests_per_s
    found = answered(setup, load=cw.Arrivals(share * most, cv=cv))
    assert found.requests_per_s <= share * most * (1 + 1e-12)
    said = any("saturated" in str(note) for note in found.throughput.notes)
    assert said == (found.requests_per_s < share * most * (1 - 1e-6))
    if share < 0.9:
        assert found.requests_per_s == pytest.approx(share * most, rel=1e-12)


@settings(max_examples=25, deadline=None)
@given(SETUPS, st.integers(1, 400), st.floats(1.01, 8.0))
def test_more_users_never_get_less_done(setup: dict[str, Any], users: int, more: float) -> None:
    few, many = (answered(setup, users=float(n), tensor=1) for n in (users, round(users * more)))
    # a peak between the loads that are tried may be missed by half a percent
    assert many.requests_per_s >= few.requests_per_s * 0.995


@settings(max_examples=25, deadline=None)
@given(SETUPS, st.floats(0.02, 0.8), st.floats(1.05, 3.0))
def test_a_larger_stream_waits_no_less(setup: dict[str, Any], share: float, more: float) -> None:
    most = answered(setup, tensor=1).requests_per_s
    low, high = (answered(setup, rate=share * most * x, tensor=1) for x in (1.0, more))
    assert high.inside >= low.inside * (1 - 1e-9)
    assert high.ttft.value >= low.ttft.value * (1 - 1e-6)


@settings(max_examples=25, deadline=None)
@given(SETUPS, LOADS.filter(lambda x: "tpot" not in x), st.floats(-3.0, 1.0))
def test_a_limit_is_checked_whatever_the_load(setup: dict[str, Any], load: dict[str, Any], limit: float) -> None:
    assume(load)
    found = answered(setup, **load, ttft=10**limit)
    assert bool(found.missed) == (found.ttft.value > 10**limit * (1 + 1e-9))


def served(**question: Any) -> Serving:
    return cw.serve(question.pop("model"), question.pop("chip"), **question).record  # type: ignore[no-any-return]


def test_a_burst_and_a_steady_stream_are_told_apart() -> None:
    setup = {"model": "llama-3.1-70b", "chip": "h200", "chips": 2, "prompt": 2000, "output": 300, "precision": "fp8"}
    found = served(**setup, users=64.0)
    assert found.ttft_burst.value > 2 * found.ttft.value
    at_once = served(**setup, burst=64.0)
    assert at_once.ttft.value == pytest.approx(found.ttft_burst.value, rel=1e-6)


def test_limits_of_the_engine_are_inputs() -> None:
    setup = {"model": "llama-3.1-8b", "chip": "h100", "chips": 1, "prompt": 200, "output": 60, "engine": "vllm"}
    free = served(**setup, rate=400.0)
    assert served(**setup, rate=400.0, max_sequences=64).requests_per_s < free.requests_per_s
    assert served(**setup, rate=400.0, max_in_flight=64).inside == pytest.approx(64.0, rel=1e-6)
    slow = served(**setup, users=8.0, front_end=0.5)
    assert slow.ttft.value > 0.5
    long = {**setup, "prompt": 30_000}
    assert served(**long, users=8.0, max_batched_tokens=2048).ttft.value != served(**long, users=8.0).ttft.value
    assert served(**long, users=8.0, chunked_prefill=False).tpot.value != served(**long, users=8.0).tpot.value
