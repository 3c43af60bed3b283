"""Conservation and order in memory: nothing held vanishes, and more of anything is never worse."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from chipwall import catalog
from chipwall.catalog.architecture import Architecture
from chipwall.errors import InputError
from chipwall.perf.device import hardware
from chipwall.perf.formats import stored_bytes
from chipwall.perf.layout import Layout, serving_layouts
from chipwall.perf.serving.fits import Asked, fitting, limits_of
from chipwall.perf.serving.memory import (
    Holding,
    Machine,
    chip_weights,
    engine_memory,
    longest_sequence,
    room_for_cache,
    sequence_bytes,
    sequences_held,
)
from chipwall.perf.serving.serve import Question, serving
from chipwall.perf.serving.setup import serving_hardware
from chipwall.perf.shipped import shipped
from chipwall.perf.training.memory import memory_parts
from chipwall.perf.training.search import candidates, run_of
from chipwall.perf.training.shape import shape_of
from chipwall.perf.training.train import template_run

SHIPPED = shipped()

MODELS = (
    "llama-3.1-8b", "llama-3.1-70b", "mixtral-8x7b", "deepseek-v3", "qwen3-235b-a22b", "gpt-oss-120b", "qwen3.6-27b",
    "gemma-4-31b", "llama-4-scout", "nemotron-3-super-120b-a12b", "kimi-k2",
)  # fmt: skip
CHIPS = ("a100", "h100", "h200", "h20", "b200", "mi300x", "910c", "l40s")
FORMATS = ("bf16", "fp8", "int4")
SERVED, FAST = ("llama-3.1-8b", "llama-3.1-70b", "mixtral-8x7b"), ("h100", "h200", "b200")
TRAINED = ("llama-3.1-8b", "llama-2-70b", "mixtral-8x7b", "qwen3-235b-a22b")
ENGINES = ("vllm", "sglang", "trtllm")


@cache
def layouts_of(model: str, chips: int) -> list[Layout]:
    return serving_layouts(chips=chips, **limits_of(catalog.model(model).architecture), domain=8)


def a_of(model: str) -> Architecture:
    return catalog.model(model).architecture


cases = st.tuples(st.sampled_from(MODELS), st.sampled_from((1, 2, 4, 8, 16, 32))).flatmap(
    lambda mc: st.tuples(st.just(mc[0]), st.sampled_from(layouts_of(*mc)))
)
formats, lengths = st.sampled_from(FORMATS), st.integers(1, 200_000).map(float)


@settings(max_examples=150, deadline=None)
@given(cases, formats)
def test_all_chips_hold_all_weights(case: tuple[str, Layout], weights: str) -> None:
    """However a model is cut, its chips together hold at least what it has, and one of them no more than all of it."""
    model, layout = case
    a, stored = a_of(model), tuple(stored_bytes(catalog.model(model), weights).items())
    whole = a.weight_bytes(dict(stored))
    held = chip_weights(a, stored, layout)
    assert held * layout.chips / layout.replicas >= whole * (1 - 1e-9)
    assert held <= chip_weights(a, stored, Layout()) * (1 + 1e-9)


@settings(max_examples=150, deadline=None)
@given(cases, lengths)
def test_a_sequence_is_held_whole_and_never_exceeds_its_chip(case: tuple[str, Layout], length: float) -> None:
    model, layout = case
    a = a_of(model)
    ways = {"tensor": layout.tensor, "pipeline": layout.pipeline, "context": layout.context}
    one = float(sequence_bytes(a, length, 2.0, **ways))
    whole = float(a.cache_bytes(length, 2.0))
    assert one * layout.tensor * layout.pipeline * layout.context >= whole * (1 - 1e-9)
    room = 3.7 * one
    assert float(sequence_bytes(a, longest_sequence(a, room, 2.0, layout), 2.0, **ways)) <= room * (1 + 1e-9)
    assert sequences_held(a, room, length, 2.0, layout) == 3 * layout.ranks
    assert sequences_held(a, 0.99 * one, length, 2.0, layout) == 0


@settings(max_examples=80, deadline=None)
@given(st.sampled_from(MODELS), lengths, st.floats(1.0, 4.0))
def test_a_longer_sequence_needs_no_less(model: str, length: float, by: float) -> None:
    a = a_of(model)
    assert float(sequence_bytes(a, length * by, 2.0)) >= float(sequence_bytes(a, length, 2.0))


@settings(max_examples=80, deadline=None)
@given(cases, formats, st.sampled_from(ENGINES), st.floats(1.01, 3.0))
def test_more_memory_leaves_more_room(case: tuple[str, Layout], weights: str, engine: str, by: float) -> None:
    model, layout = case
    a, stored = a_of(model), tuple(stored_bytes(catalog.model(model), weights).items())
    small, large = (Machine(80 * 2.0**30 * x, "NVIDIA", "hopper") for x in (1.0, by))
    before, after = (room_for_cache(a, stored, layout, m, engine_memory(Holding(engine), SHIPPED.overhead)) for m in (small, large))
    assert after.bytes >= before.bytes
    assert before.low <= before.bytes <= before.high


@settings(max_examples=25, deadline=None)
@given(
    st.sampled_from(MODELS), st.sampled_from(CHIPS), st.sampled_from((1, 2, 4, 8)), formats,
    st.integers(1, 60_000), st.integers(1, 60_000),
)  # fmt: skip
def test_room_is_one_number_and_chips_never_hurt(
    model: str, chip: str, chips: int, weights: str, one: int, other: int
) -> None:
    def found(n: int, context: int):
        return fitting(
            catalog.model(model), catalog.chip(chip), chips=n, weights=weights, asked=Asked("bf16", float(context), 1.0),
            how=engine_memory(Holding("vllm"), SHIPPED.overhead), beyond=True,
        )  # fmt: skip

    first, second = found(chips, one), found(chips, other)
    assert first.longest == second.longest
    assert (first.held >= 1) == (first.budget.free >= 0)
    more = found(2 * chips, one)
    assert more.held >= first.held
    assert more.longest >= first.longest
    if first.budget.free >= 0:
        assert first.chips_needed
        assert first.chips_needed <= chips


def rate(model: str, chip: str, q: Question, **changed: float) -> float:
    try:
        hw = hardware(catalog.chip(chip), SHIPPED.kernels)
        hw = replace(hw, **{name: getattr(hw, name) * by for name, by in changed.items()})
        return float(serving(catalog.model(model), hw, q, SHIPPED).throughput.value)
    except InputError:
        return 0.0


questions = st.builds(
    lambda p, o, first, token: Question(
        chips=8, prompt=float(p), output=float(o), ttft_limit=first, tpot_limit=token, beyond_context=True, precision="bf16"
    ),
    st.integers(100, 8000), st.integers(50, 1000), st.floats(0.2, 5.0), st.floats(0.01, 0.2),
)  # fmt: skip


@settings(max_examples=20, deadline=None)
@given(
    st.sampled_from(("llama-3.1-8b", "llama-3.1-70b", "mixtral-8x7b")),
    st.sampled_from(("h100", "h200", "b200")),
    questions,
    st.floats(1.0, 3.0),
)
def test_a_looser_limit_is_never_worse(model: str, chip: str, q: Question, by: float) -> None:
    before = rate(model, chip, q)
    assert rate(model, chip, replace(q, tpot_limit=q.tpot_limit * by)) >= before * (1 - 1e-3)
    assert rate(model, chip, replace(q, ttft_limit=q.ttft_limit * by)) >= before * (1 - 1e-3)


@settings(max_examples=20, deadline=None)
@given(
    st.sampled_from(SERVED), st.sampled_from(FAST), questions,
    st.sampled_from(("memory", "memory_bandwidth", "link_bandwidth")), st.floats(1.0, 3.0),
)  # fmt: skip
def test_more_memory_bandwidth_or_chips_is_never_worse(
    model: str, chip: str, q: Question, what: str, by: float
) -> None:
    before = rate(model, chip, q)
    assert rate(model, chip, q, **{what: by}) >= before * (1 - 1e-3)
    assert rate(model, chip, replace(q, chips=16)) >= before * (1 - 1e-3)


@settings(max_examples=30, deadline=None)
@given(
    st.sampled_from(TRAINED), st.sampled_from((8, 64)), st.integers(0, 10**6), st.sampled_from((1, 2, 4)),
)  # fmt: skip
def test_states_of_training_are_held_once_at_least(model: str, chips: int, pick: int, times: int) -> None:
    """All chips together hold at least 18 bytes of every weight, less the gradients a shard drops; more tokens need more."""
    chip, shape = catalog.chip("h100"), shape_of(catalog.model(model))
    hw = hardware(chip, SHIPPED.kernels)
    template = template_run(hw, chips=chips, sequence=4096, year=2026.0)
    plans = candidates(shape, hw, template, sequences=256)
    assume(plans)
    plan = plans[pick % len(plans)]
    run = run_of(plan, template, sequences=256.0)
    parts = memory_parts(shape, run)
    states = float(sum(parts[name] for name in ("weights", "gradients", "optimizer")))
    assert states * chips >= 14.0 * float(shape.weights) * (1 - 1e-6)
    longer = memory_parts(shape, replace(run, sequence=run.sequence * times))
    assert float(sum(longer.values())) >= float(sum(parts.values())) * (1 - 1e-9)


def test_it_is_the_same_memory_whoever_asks() -> None:
    with pytest.raises(InputError, match="GiB short per chip"):
        serving(
            catalog.model("llama-3.1-70b"),
            serving_hardware(catalog.chip("h100"), SHIPPED),
            Question(precision="bf16"),
            SHIPPED,
        )
