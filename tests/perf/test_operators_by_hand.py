"""Every operator against values worked by hand from its formula, with plain numbers."""

from __future__ import annotations

from dataclasses import replace
from math import exp, sqrt

import pytest

from chipwall import catalog
from chipwall.perf import ops
from chipwall.perf.device import hardware
from chipwall.perf.ops import attention, collectives
from chipwall.perf.shipped import shipped

SHIPPED = shipped()

H200 = hardware(catalog.chip("h200"), SHIPPED.kernels)
FREE = 1e30


def test_a_product_is_its_covered_tiles_or_its_traffic() -> None:
    shape = {"m": 10.0, "n": 300.0, "k": 400.0, "weight_bytes": 1.0, "input_bytes": 2.0, "output_bytes": 4.0,
             "efficiency": 0.5, "memory_efficiency": 0.8}  # fmt: skip
    work = ops.product_seconds(
        **shape, covered_rows=16.0, covered_columns=330.0, peak=1e9, bandwidth=FREE, depth_half=100.0
    )
    assert work == pytest.approx(2 * 16 * 330 * 400 * 1.25 / 0.5e9)
    traffic = ops.product_seconds(
        **shape, covered_rows=16.0, covered_columns=330.0, peak=FREE, bandwidth=1e6, depth_half=100.0
    )
    assert traffic == pytest.approx((300 * 400 + 10 * 400 * 2 + 10 * 300 * 4) / 0.8e6)


def test_averaged_tiles_double_few_rows_and_add_to_many() -> None:
    assert ops.averaged_rows(1e-3, 32.0) == pytest.approx(2e-3, rel=1e-3)
    assert ops.averaged_rows(1e5, 32.0) == pytest.approx(1e5 + 32.0, rel=1e-6)
    assert ops.averaged_rows(32.0, 32.0) == 48.0


def test_one_kernel_has_whole_tiles_a_wave_a_launch_and_a_conversion() -> None:
    given = {"weight_bytes": 1.0, "input_bytes": 1.0, "output_bytes": 2.0, "peak": 1e12, "efficiency": 0.5,
             "memory_efficiency": 1.0, "depth_half": 0.0, "quantise": 0.5}  # fmt: skip
    # 100 rows are two tiles of 64; 2 x 3 tiles of 128 on 4 cores are one and a half waves, a third of it idle
    plain = ops.gemm_seconds(
        100.0, 384.0, 512.0, **given, quantised=0.0, bandwidth=FREE, cores=2.0, launch=1e-6, wave=0.6, chain=1e-9
    )
    waves = 3.0 / 2.0
    columns = 384 * (1 + 0.6 * (2.0 / waves - 1.0))
    assert plain == pytest.approx(1e-6 + 512e-9 + 2 * 128 * columns * 512 / 0.5e12)
    narrow = ops.gemm_seconds(
        100.0, 384.0, 512.0, **given | {"peak": FREE}, quantised=1.0, bandwidth=1e9, cores=2.0, launch=0.0, wave=0.6,
        chain=0.0,
    )  # fmt: skip
    assert narrow == pytest.approx(100 * 512 * 3 / 0.5e9 + (384 * 512 + 100 * 512 + 2 * 100 * 384) / 1e9)


def test_grouped_products_of_touched_experts() -> None:
    assert ops.touched_experts(8.0, 16.0) == pytest.approx(8 * (1 - exp(-2)))
    common = {"rows": 40.0, "touched": 4.0, "hidden": 100.0, "ffn": 30.0, "first": 2.0, "second": 1.0, "weight_bytes": 2.0,
              "efficiency": 0.5, "memory_efficiency": 0.5, "launch": 3e-6, "padding": 1e-9, "depth_half": 0.0}  # fmt: skip
    work = ops.experts_seconds(**common, peak=1e9, bandwidth=FREE, busy=1.5)
    assert work == pytest.approx(3e-6 + 2 * 40 * 1.5 * 3 * 100 * 30 / 0.5e9)
    traffic = ops.experts_seconds(**common, peak=FREE, bandwidth=1e9, busy=1.5)
    assert traffic == pytest.approx(3e-6 + 4 * 3 * 100 * 30 * 2 / 0.5e9)
    # evenly spread rows reach as many experts as there are, random ones fewer
    assert ops.reached_experts(8.0, 5.0, 0.0) == 5.0
    assert ops.reached_experts(8.0, 5.0, 1.0) == pytest.approx(8 * (1 - exp(-5 / 8)))


def test_what_moves_around_experts() -> None:
    # own rows: permuted, activated and combined in 16 bits, and read once as inputs; foreign rows passed over
    assert ops.rearranged_bytes(10.0, 0.0, 100.0, 30.0, 1.0, 1.0, 1.0) == 10 * 130 * 7
    assert ops.rearranged_bytes(0.0, 5.0, 100.0, 30.0, 1.0, 1.0, 0.5) == 0.5 * 5 * (200 + 90) * 2
    sizes = {"hidden": 4096.0, "ffn": 1024.0, "experts": 64.0, "top_k": 4.0}
    own = replace(H200, constants={**H200.constants, "moe.bf16.foreign": 0.0, "moe.bf16.launch": 0.0})
    alone = float(ops.moe_ffn_time(own, tokens=65536.0, **sizes))
    shared = float(ops.moe_ffn_time(own, tokens=65536.0, expert_parallel=8.0, **sizes))
    assert alone / shared == pytest.approx(8.0, rel=0.05)


def test_pairs_work_and_traffic_of_attention() -> None:
    # four queries at the end of ten keys see 7, 8, 9 and 10; with a window of 8 they see 7, 8, 8 and 8
    assert attention.attention_pairs(4.0, 10.0, 10.0, True) == 34.0
    assert attention.attention_pairs(4.0, 10.0, 8.0, True) == 31.0
    assert attention.attention_pairs(4.0, 10.0, 8.0, False) == 32.0
    flops, moved, length = attention.attention_work(2.0, 4.0, 10.0, 10.0, 8.0, 2.0, 64.0, 32.0, 12.0, 1.0, True)
    assert flops == 2 * 2 * 8 * 34 * (96 + 24)
    assert moved == 2 * 96 * (2 * 8 * 4 + 1 * 2 * 10)
    assert length == 8.5
    assert attention.attention_seconds(1e6, 1.0, 50.0, 1e9, FREE, 0.5, 1.0, 25.0) == pytest.approx(1e6 / 0.5e9 * 1.5)
    assert attention.attention_seconds(1.0, 1e6, 50.0, FREE, 1e9, 0.5, 0.8, 25.0) == pytest.approx(1e6 / 0.8e9)


def test_backward_does_five_products_for_two() -> None:
    constants = {"efficiency": 0.5, "length_half": 0.0, "causal_half": 0.0, "softmax": 0.0, "cache_write": 0.0,
                 "backward": 1.0, "scores": 0.0}  # fmt: skip
    forward, backward = attention.attention_passes_seconds(
        1.0, 64.0, 64.0, 64.0, 8.0, 8.0, 64.0, 64.0, 2.0, True, False, 1e9, FREE, constants
    )
    assert backward / forward == pytest.approx(2.5)


def test_decode_attention_stops_at_its_window() -> None:
    given = {"batch": 64.0, "heads": 32.0, "kv_heads": 8.0, "head_dim": 128.0}
    short, window = (
        float(ops.attention_decode_time(H200, context=4096.0, **given)),
        float(ops.attention_decode_time(H200, context=65536.0, window=4096.0, **given)),
    )
    assert window == pytest.approx(short)


def test_kernels_that_move_data() -> None:
    assert ops.elementwise_seconds(1e6, 3.0, 1e9, 0.5, 1e-6) == pytest.approx(3e-6 + 1e6 / 0.5e9)


def test_a_ring_by_hand() -> None:
    assert collectives.traffic_share("all_reduce", 8.0) == 1.75
    assert collectives.traffic_share("all_gather", 8.0) == 0.875
    got = collectives.collective_seconds(1e6, 0.875, 8.0, 1e9, 0.5, 1e-5, 1e-6, 1e4, 0.7)
    assert got == pytest.approx(1e-5 + 7e-6 + 0.875 * 1.1 / 0.5e9 * (1e6 + sqrt(1e10)))


def test_the_kernels_of_engines_shoot_once_or_twice() -> None:
    small = collectives.engine_reduce_seconds(1e4, 8.0, 1e11, 3e-6, 1e-7, 0.5, 5e-6, 0.5)
    assert small == pytest.approx(3e-6 + 7e-7 + 7 * 1e4 / 0.5e11)
    large = collectives.engine_reduce_seconds(1e7, 8.0, 1e11, 3e-6, 1e-7, 0.5, 5e-6, 0.5)
    assert large == pytest.approx(3e-6 + 7e-7 + 5e-6 + 1.75 * 1e7 / 0.5e11)


def test_an_engine_takes_the_faster_kernel_and_the_librarys_between_nodes() -> None:
    for n, size in ((8.0, 65536.0), (8.0, 1e9), (2.0, 1e6)):
        engine = float(collectives.engine_all_reduce_time(H200, n=n, size=size))
        library = float(collectives.all_reduce_time(H200, n=n, size=size))
        assert engine <= library
    assert float(collectives.engine_all_reduce_time(H200, n=16.0, size=65536.0)) == pytest.approx(
        float(collectives.all_reduce_time(H200, n=16.0, size=65536.0))
    )
    foreign = replace(H200, own_reduce=0.0)
    assert float(collectives.engine_all_reduce_time(foreign, n=8.0, size=65536.0)) == pytest.approx(
        float(collectives.all_reduce_time(foreign, n=8.0, size=65536.0))
    )
    # 64 KB over eight H200 takes 4 to 7 us in the engines' tables
    assert 3e-6 < float(collectives.engine_all_reduce_time(H200, n=8.0, size=65536.0)) < 8e-6


def test_tokens_to_experts_by_hand() -> None:
    burst = collectives.exchange_seconds(1e6, 4.0, 1.0, 1e11, 1e10, 2e-5, 0.5, 0.8)
    assert burst == pytest.approx(2e-5 + 0.75 * 1e6 / 0.8e10 + 0.25 * 1e6 / 0.5e11)
    assert collectives.exchange_seconds(1e6, 4.0, 0.0, 1e11, 1e10, 2e-5, 0.5, 0.8) == pytest.approx(1e6 / 0.8e10)
    assert collectives.exchange_seconds(1e6, 1.0, 0.0, 1e11, 1e10, 2e-5, 0.5, 0.8) == pytest.approx(1e6 / 0.5e11)


def test_point_to_point_over_link_and_network() -> None:
    c = H200.constants
    over = float(collectives.point_to_point_time(H200, size=1e6, across_nodes=True, nic_bandwidth=1e10))
    assert over == pytest.approx(c["network.latency"] + 1e6 / (1e10 * c["network.efficiency"]))
    link = float(collectives.point_to_point_time(H200, size=1e6))
    assert link == pytest.approx(
        c["collective.all_gather.latency"] + 1e6 / (H200.link_bandwidth * c["collective.all_gather.efficiency"])
    )


def test_a_ring_over_nodes_spreads_the_buffer_over_the_cards() -> None:
    still = {name: (0.0 if name.startswith("network") and not name.endswith("efficiency") else value)
             for name, value in H200.constants.items()}  # fmt: skip
    hw = replace(H200, constants=still)
    both = float(collectives.all_gather_time(hw, n=32.0, size=1e9, node=8.0, nic_bandwidth=1e10))
    local = float(collectives.all_gather_time(hw, n=8.0, size=1e9, node=8.0))
    assert both - local == pytest.approx(0.75 * (1e9 / 8) / (1e10 * still["network.efficiency"]))
