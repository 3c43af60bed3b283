"""The law across chips."""

from __future__ import annotations

import numpy as np
import pytest

from chipwall import catalog
from chipwall.perf.constants import Constant, offset_key
from chipwall.perf.device import hardware
from chipwall.perf.efficiency import STEEPEST_SLOPE, matrix_efficiency, watts_per_teraflop
from chipwall.perf.shipped import shipped

SHIPPED = shipped()


def test_watts_per_teraflop() -> None:
    hw = hardware(catalog.chip("h200"), SHIPPED.kernels)
    assert watts_per_teraflop(hw.peaks, hw.tdp, "bf16") == pytest.approx(700 / 989.5)
    # no FP4 on Hopper: its fastest format stands in
    assert watts_per_teraflop(hw.peaks, hw.tdp, "fp4") == pytest.approx(700 / 1979)


def test_the_law_rises_with_power_and_never_pays_for_a_lower_peak() -> None:
    ratio = np.geomspace(0.02, 20, 50)
    shares = matrix_efficiency(ratio, level=1.7, slope=STEEPEST_SLOPE)
    assert np.all(np.diff(shares) > 0)
    # peak x efficiency at fixed power: the peak falls as the ratio rises
    assert np.all(np.diff(shares / ratio) < 0)


def test_fitted_slopes_keep_that_promise() -> None:
    slopes = {name: c.slope for name, c in SHIPPED.kernels.constants.items() if c.slope}
    assert {"gemm.efficiency", "moe.efficiency", "attention.efficiency", "hpc.matrix"} <= slopes.keys()
    assert all(0 < slope <= STEEPEST_SLOPE for slope in slopes.values())


def test_offsets_apply_where_all_their_labels_hold() -> None:
    key = offset_key({"recipe": "fp8", "arch": "hopper"})
    assert key == "arch=hopper,recipe=fp8"
    constant = Constant("x.y", "1", 0.0, 1.0, 0.0, offsets={key: 1.0, "vendor=amd": -1.0})
    assert constant.value({"arch": "hopper", "recipe": "fp8"}) == pytest.approx(1 / (1 + np.exp(-1)))
    assert constant.value({"arch": "hopper"}) == 0.5
    assert constant.value({"vendor": "amd", "recipe": "fp8"}) < 0.5
