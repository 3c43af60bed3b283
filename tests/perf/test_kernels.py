"""Kernels against arithmetic done by hand and against published measurements."""

from __future__ import annotations

import numpy as np
import pytest

from chipwall import catalog
from chipwall.perf import ops as kernels
from chipwall.perf.device import hardware
from chipwall.perf.evidence.kernel_predictions import kernel_time
from chipwall.perf.evidence.kernels import kernel_row, measured_time
from chipwall.perf.load import measured
from chipwall.perf.numeric import smooth_maximum
from chipwall.perf.shipped import shipped

SHIPPED = shipped()

H200 = hardware(catalog.chip("h200"), SHIPPED.kernels)


def test_smooth_maximum_is_the_maximum_where_times_differ() -> None:
    assert smooth_maximum(1.0, 100.0) == pytest.approx(100.0, rel=1e-6)
    assert smooth_maximum(1.0, 1.0) == pytest.approx(2**0.25)


def test_limit_of_a_product_by_hand() -> None:
    compute, memory = kernels.gemm_limit(H200, m=8192, n=8192, k=8192)
    assert compute == pytest.approx(2 * 8192**3 / 989.5e12)
    assert memory == pytest.approx(3 * 8192**2 * 2 / 4.8e12)


def test_a_large_product_reaches_what_h100_tables_show() -> None:
    # 8192 x 8192 x 8192 in BF16 runs at 780 to 820 TFLOP/s on an H100 in the aiconfigurator tables
    time = float(kernels.gemm_time(hardware(catalog.chip("h100"), SHIPPED.kernels, engine="trtllm"), m=8192, n=8192, k=8192))
    assert 2 * 8192**3 / time == pytest.approx(800e12, rel=0.08)


def test_chips_with_watts_to_spare_run_nearer_their_peak() -> None:
    shares = {}
    for name in ("h20", "h200", "b200"):
        hw = hardware(catalog.chip(name), SHIPPED.kernels)
        shares[name] = 2 * 8192**3 / float(kernels.gemm_time(hw, m=8192, n=8192, k=8192)) / hw.peak("bf16")
    assert shares["h20"] > shares["h200"] > shares["b200"]
    assert shares["h20"] > 0.85


def test_pairs_of_causal_and_windowed_attention() -> None:
    assert kernels.attention_pairs(4.0, 4.0, 4.0, True) == 10.0  # 1 + 2 + 3 + 4
    assert kernels.attention_pairs(2.0, 4.0, 4.0, True) == 7.0  # the last two of four see 3 and 4
    assert kernels.attention_pairs(4.0, 4.0, 2.0, True) == 7.0  # 1 + 2 + 2 + 2
    assert kernels.attention_pairs(3.0, 5.0, 5.0, False) == 15.0


def test_grouped_heads_read_less_of_the_cache() -> None:
    given = {"batch": 64.0, "context": 8192.0, "heads": 64.0, "head_dim": 128.0}
    full = kernels.attention_decode_time(H200, kv_heads=64.0, **given)
    grouped = kernels.attention_decode_time(H200, kv_heads=8.0, **given)
    assert full / grouped == pytest.approx(8.0, rel=0.15)


def test_experts_touched_by_random_rows() -> None:
    assert kernels.touched_experts(128.0, 1.0) == pytest.approx(1.0, rel=0.01)
    assert kernels.touched_experts(8.0, 1e6) == pytest.approx(8.0)
    assert kernels.reached_experts(8.0, 4.0, 0.0) == 4.0


def test_textbook_attention_is_slower_than_fused() -> None:
    given = {"batch": 4.0, "queries": 4096.0, "heads": 16.0, "kv_heads": 16.0, "head_dim": 128.0}
    assert kernels.attention_prefill_time(H200, **given, fused=False) > 1.5 * kernels.attention_prefill_time(
        H200, **given
    )


def test_arrays_broadcast() -> None:
    m, n = np.array([1.0, 64.0, 4096.0])[:, None], np.array([1024.0, 8192.0])
    assert np.shape(kernels.gemm_time(H200, m=m, n=n, k=4096.0)) == (3, 2)


@pytest.mark.parametrize("kernel", ["gemm", "moe", "grouped", "attention"])
def test_rows_of_the_shipped_table_come_out_near_their_measurements(kernel: str) -> None:
    errors = []
    for raw in measured("kernels")[::7]:
        if raw["use"] != "fit":
            continue
        row = kernel_row(raw)
        if row.kernel == kernel and row.chip.rate("bf16"):
            hw = hardware(row.chip, SHIPPED.kernels, engine=row.library)
            errors.append(abs(kernel_time(hw, row) / measured_time(row) - 1.0))
    assert len(errors) > 25
    assert float(np.median(errors)) < 0.08
