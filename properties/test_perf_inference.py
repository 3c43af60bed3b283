"""Properties of the serving model: more of anything never slows it, and names do not matter; and its dimensions hold."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chipwall import catalog
from chipwall.perf.power import joules_per_token
from chipwall.perf.serving.regimes import Requests, batch_room, decode_time, in_flight_time, prefill_time, served
from chipwall.perf.serving.serve import Question, setups_of
from chipwall.perf.serving.setup import serving_hardware
from chipwall.perf.serving.step import Setup, step_parts
from chipwall.perf.shipped import shipped

SHIPPED = shipped()

MODELS = ("llama-3.1-8b", "llama-3.1-70b", "mixtral-8x7b", "deepseek-v2-lite", "qwen3-next-80b-a3b", "gpt-oss-120b")
CHIPS = ("a100", "h100", "h20", "b200", "mi300x", "l40s", "gaudi-3")


@cache
def setup_of(model: str, chip: str) -> Setup:
    record = catalog.model(model)
    return setups_of(
        record,
        serving_hardware(catalog.chip(chip), SHIPPED),
        Question(chips=16, precision="bf16", tensor=8 if record.heads % 8 == 0 else 4, pipeline=2), SHIPPED,
    )[1][0]


loads = st.builds(
    lambda p, o: Requests(prompt=float(p), output=float(o)), st.integers(1, 30_000), st.integers(1, 4_000)
)
setups = st.builds(setup_of, st.sampled_from(MODELS), st.sampled_from(CHIPS))


def faster(s: Setup, what: str, by: float) -> Setup:
    """The same setup with one figure of the chip multiplied."""
    hw = s.hw
    if what == "peak":
        more = {n: getattr(s, n) for n in ("attention", "dense", "experts", "head")}
        return replace(
            s,
            hw=replace(hw, peaks={k: v * by for k, v in hw.peaks.items()}),
            **{n: replace(r, peak=r.peak * by) for n, r in more.items()},
        )
    return replace(s, hw=replace(hw, **{what: getattr(hw, what) * by}))


@settings(max_examples=40, deadline=None)
@given(
    setups,
    loads,
    st.floats(1, 300),
    st.sampled_from(["peak", "memory_bandwidth", "link_bandwidth", "nic_bandwidth", "host_bandwidth"]),
    st.floats(1.0, 8.0),
)
def test_more_of_anything_never_slows(s: Setup, q: Requests, batch: float, what: str, by: float) -> None:
    better = faster(s, what, by)
    for time in (in_flight_time, decode_time, prefill_time):
        assert float(time(better, q, batch)) <= float(time(s, q, batch)) * (1 + 1e-9)


@settings(max_examples=40, deadline=None)
@given(setups, loads, st.floats(1, 200), st.floats(1.01, 3.0))
def test_throughput_rises_with_the_batch(s: Setup, q: Requests, batch: float, by: float) -> None:
    small, large = (b / float(in_flight_time(s, q, b)) for b in (batch, batch * by))
    assert large >= small * (1 - 1e-9)


@settings(max_examples=30, deadline=None)
@given(setups, loads)
def test_longer_never_takes_less(s: Setup, q: Requests) -> None:
    longer = replace(q, prompt=q.prompt * 1.5)
    assert float(prefill_time(s, longer, 1.0)) >= float(prefill_time(s, q, 1.0))
    assert float(decode_time(s, longer, 8.0)) >= float(decode_time(s, q, 8.0))
    assert float(batch_room(s, longer)) <= float(batch_room(s, q))


@settings(max_examples=30, deadline=None)
@given(setups, loads, st.floats(1, 256))
def test_time_is_never_below_the_data_sheet(s: Setup, q: Requests, batch: float) -> None:
    """A decoding iteration reads the cache and the weights of every token once, and multiplies what it must."""
    parts = step_parts(s, decoding=batch, context=q.prompt, prompt_tokens=0.0, prompt=1.0, sampling=batch)
    assert all(float(v) >= 0 for v in parts.values())
    ways = float(s.tensor) * float(s.pipeline)
    cache = batch * float(s.model.cache_bytes(q.prompt, s.cache_bytes)) / ways / float(s.hw.memory_bandwidth)
    peak = max(float(np.nan_to_num(p)) for p in s.hw.peaks.values())
    products = 2.0 * batch * s.model.active_weights / ways / peak
    least = max(cache, products)
    assert least > 0
    assert sum(float(v) for v in parts.values()) >= least * (1 - 1e-9)


@settings(max_examples=20, deadline=None)
@given(setups, loads)
def test_more_memory_never_lowers_the_rate(s: Setup, q: Requests) -> None:
    more = replace(s, room=s.room * 1.3)
    assert float(served(more, q)["output"]) >= float(served(s, q)["output"]) * (1 - 1e-9)


@settings(max_examples=20, deadline=None)
@given(setups, loads, st.lists(st.floats(1, 200), min_size=2, max_size=5))
def test_a_block_is_its_entries(s: Setup, q: Requests, batches: list[float]) -> None:
    block = in_flight_time(s, q, np.array(batches))
    assert np.allclose(block, [float(in_flight_time(s, q, b)) for b in batches], rtol=1e-12)


def test_dimensions_hold() -> None:
    """Time scales as seconds when rates and sizes are given in other units: twice the rates, half the variable time."""
    s = setup_of("llama-3.1-8b", "h100")
    q = Requests(prompt=512.0, output=128.0)
    fixed = dict.fromkeys(
        ("serving.launch", "serving.busy", "serving.host", "serving.sequence", "serving.expert_layer"), 1e-30
    )
    bare = replace(s, constants={**s.constants, **fixed}, tensor=1.0, group=1.0, pipeline=1.0)
    twice = faster(faster(bare, "peak", 2.0), "memory_bandwidth", 2.0)
    assert float(in_flight_time(twice, q, 16.0)) == pytest.approx(float(in_flight_time(bare, q, 16.0)) / 2, rel=1e-9)


def test_energy_has_its_unit() -> None:
    pint = pytest.importorskip("pint")
    u = pint.UnitRegistry()
    u.define("token = [token]")
    watts, output = 700.0 * u.watt, 1000.0 * u.token / u.second
    assert (watts * 8 / output).to(u.joule / u.token).magnitude == pytest.approx(
        joules_per_token(700.0, chips=8, output=1000.0)
    )
