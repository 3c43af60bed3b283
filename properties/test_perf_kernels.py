"""Properties of kernels and collectives: physics that no fit may break, on any chip and shape."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chipwall import catalog
from chipwall.catalog.records import Chip
from chipwall.perf import hpc
from chipwall.perf import ops as kernels
from chipwall.perf.device import Hardware, hardware, stacked
from chipwall.perf.ops import collectives
from chipwall.perf.shipped import shipped
from chipwall.sources import Fact

SHIPPED = shipped()

CHIPS = ("h200", "h100", "h20", "a100", "b200", "mi300x", "ascend-910c", "mlu590", "l40s", "nvidia-b300")
sizes = st.integers(1, 16384).map(float)
chips = st.sampled_from(CHIPS)
factors = st.floats(1.0, 8.0)


def with_fact(chip: Chip, quantity: str, factor: float) -> Chip:
    """The same chip with one figure of its data sheet larger."""
    old = chip.chosen[quantity]
    assert isinstance(old.value, float)
    new = Fact(quantity, old.value * factor, "", "", "estimated", "test")
    return replace(chip, chosen={**chip.chosen, quantity: new})


def times(hw: Hardware, m: float, n: float, k: float) -> dict[str, float]:
    """One time of each kind."""
    heads: dict[str, Any] = {"heads": 32.0, "kv_heads": 8.0, "head_dim": 128.0}
    return {
        "gemm": float(kernels.gemm_time(hw, m=m, n=n, k=k)),
        "moe": float(kernels.moe_ffn_time(hw, tokens=m, hidden=k, ffn=n, experts=64.0, top_k=4.0)),
        "grouped": float(kernels.grouped_gemm_time(hw, m=m, n=n, k=k, groups=8.0)),
        "prefill": float(kernels.attention_prefill_time(hw, batch=1.0, queries=m, **heads)),
        "backward": float(kernels.attention_backward_time(hw, batch=1.0, queries=m, **heads)),
        "decode": float(kernels.attention_decode_time(hw, batch=m, context=n, **heads)),
        "move": float(kernels.elementwise_time(hw, moved=m * n)),
        "reduce": float(collectives.all_reduce_time(hw, n=8.0, size=m * n)),
        "gather": float(collectives.all_gather_time(hw, n=16.0, size=m * n)),
    }


@settings(max_examples=40, deadline=None)
@given(chips, st.sampled_from(["memory_bandwidth", "bf16_rate", "link_bandwidth", "tdp"]), factors, sizes, sizes, sizes)
def test_more_of_anything_never_slows(name: str, quantity: str, factor: float, m: float, n: float, k: float) -> None:
    chip = catalog.chip(name)
    if not chip.value(quantity):
        return
    before = times(hardware(chip, SHIPPED.kernels), m, n, k)
    after = times(hardware(with_fact(chip, quantity, factor), SHIPPED.kernels), m, n, k)
    for kind, time in before.items():
        assert after[kind] <= time * (1 + 1e-12), kind


@settings(max_examples=60, deadline=None)
@given(chips, sizes, sizes, sizes, st.sampled_from(["bf16", "fp8", "int4_weights"]))
def test_no_product_is_faster_than_the_data_sheet_allows(name: str, m: float, n: float, k: float, recipe: str) -> None:
    hw = hardware(catalog.chip(name), SHIPPED.kernels)
    time = kernels.gemm_time(hw, m=m, n=n, k=k, recipe=recipe)
    compute, memory = kernels.gemm_limit(hw, m=m, n=n, k=k, recipe=recipe)
    if np.isfinite(time):
        assert time >= max(compute, memory)


@settings(max_examples=60, deadline=None)
@given(chips, sizes, sizes, sizes, st.integers(1, 4096).map(float))
def test_more_rows_never_take_less_time(name: str, m: float, n: float, k: float, more: float) -> None:
    hw = hardware(catalog.chip(name), SHIPPED.kernels)
    few, many = times(hw, m, n, k), times(hw, m + more, n, k)
    for kind in ("moe", "grouped", "prefill", "decode", "move", "reduce", "gather"):
        assert many[kind] >= few[kind] * (1 - 1e-12), kind
    # a full wave of tiles may cost less than one tile into the next, never less than the wave before
    assert many["gemm"] >= few["gemm"] * 0.5


@settings(max_examples=40, deadline=None)
@given(chips, st.sampled_from(["all_reduce", "all_gather", "reduce_scatter", "all_to_all"]), st.integers(2, 512), sizes)
def test_a_collective_is_never_faster_than_the_link(name: str, op: str, n: int, size: float) -> None:
    hw = hardware(catalog.chip(name), SHIPPED.kernels)
    time = collectives.collective_time(hw, op, n=float(n), size=size * 1e4, in_switch=0.0)
    rate = collectives.bus_bandwidth(op, n=float(n), size=size * 1e4, time=time)
    assert rate <= max(hw.link_bandwidth, hw.host_bandwidth, hw.nic_bandwidth * hw.scaleup_domain) * (1 + 1e-12)


@settings(max_examples=20, deadline=None)
@given(chips, sizes, sizes, sizes)
def test_chips_that_differ_only_in_name_are_equal(name: str, m: float, n: float, k: float) -> None:
    chip = catalog.chip(name)
    other = replace(chip, id="vendor-other", name="Other", aliases=())
    assert times(hardware(chip, SHIPPED.kernels), m, n, k) == times(hardware(other, SHIPPED.kernels), m, n, k)
    assert [e.value for e in hpc.hpc_estimates(hardware(chip, SHIPPED.kernels), SHIPPED)] == [
        e.value for e in hpc.hpc_estimates(hardware(other, SHIPPED.kernels), SHIPPED)
    ]


@settings(max_examples=20, deadline=None)
@given(st.lists(chips, min_size=2, max_size=6), st.lists(sizes, min_size=2, max_size=6))
def test_arrays_give_what_scalars_give(names: list[str], rows: list[float]) -> None:
    count = min(len(names), len(rows))
    each = [hardware(catalog.chip(name), SHIPPED.kernels) for name in names[:count]]
    many = stacked(each)
    m = np.array(rows[:count])
    together = kernels.gemm_time(many, m=m, n=4096.0, k=4096.0)
    alone = [kernels.gemm_time(hw, m=r, n=4096.0, k=4096.0) for hw, r in zip(each, m.tolist(), strict=True)]
    np.testing.assert_allclose(together, alone, rtol=1e-12)
    reduced = collectives.all_reduce_time(many, n=8.0, size=m * 1e4)
    alone = [collectives.all_reduce_time(hw, n=8.0, size=r * 1e4) for hw, r in zip(each, m.tolist(), strict=True)]
    np.testing.assert_allclose(reduced, alone, rtol=1e-12)


def test_the_compiled_formula_is_the_same_formula() -> None:
    numba = pytest.importorskip("numba")
    hw = hardware(catalog.chip("h200"), SHIPPED.kernels)
    c = [
        hw.constants[f"gemm.fp8.{q}"]
        for q in ("efficiency", "memory", "launch", "depth_half", "wave", "chain", "quantise")
    ]
    m = np.geomspace(1, 65536, 200).round()
    given = (m, 4096.0, 8192.0, 1.0, 1.0, 2.0, 1.0, hw.peak("fp8"), hw.memory_bandwidth, hw.cores, *c)
    smooth = numba.njit(kernels.smooth_maximum)
    scope = {**kernels.gemm_seconds.__globals__, "smooth_maximum": smooth}
    scope["product_seconds"] = numba.njit(type(smooth.py_func)(kernels.product_seconds.__code__, scope))
    plain = type(kernels.gemm_seconds)(kernels.gemm_seconds.__code__, scope)
    np.testing.assert_allclose(numba.njit(plain)(*given), kernels.gemm_seconds(*given), rtol=1e-12)
