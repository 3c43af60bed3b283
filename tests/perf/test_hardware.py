"""The hardware record: units, what stands in for what is not published, refusals, stacking."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from chipwall import catalog
from chipwall.errors import InputError, Unknown
from chipwall.perf.device import hardware, require_recipe, stacked
from chipwall.perf.evidence.names import measured_chip
from chipwall.perf.shipped import shipped
from chipwall.units import GIB

SHIPPED = shipped()


def test_numbers_of_the_h200() -> None:
    hw = hardware(catalog.chip("h200"), SHIPPED.kernels)
    assert hw.peak("bf16") == pytest.approx(989.5e12)
    assert hw.memory_bandwidth == pytest.approx(4.8e12)
    assert hw.link_bandwidth == pytest.approx(450e9)
    assert hw.memory == pytest.approx(140.4 * GIB)
    assert (hw.arch, hw.vendor, hw.in_switch) == ("hopper", "nvidia", 1.0)


def test_marketing_gigabytes_of_stacked_memory_are_binary() -> None:
    hw = hardware(catalog.chip("mi300x"), SHIPPED.kernels)
    assert 0.98 * 192 * GIB <= hw.memory <= 192 * GIB


def test_missing_figures_are_filled_in_visibly() -> None:
    hw = hardware(catalog.chip("ascend-910c"), SHIPPED.kernels)
    assert "core_count" in hw.assumed
    assert hw.arch == "ascend"


def test_a_chip_without_rates_is_refused() -> None:
    chip = catalog.chip("h200")
    bare = replace(chip, chosen={q: f for q, f in chip.chosen.items() if not q.endswith("_rate")})
    with pytest.raises(InputError, match="peak rate"):
        hardware(bare, SHIPPED.kernels)


def test_a_missing_precision_says_what_there_is() -> None:
    with pytest.raises(Unknown, match="FP8") as problem:
        require_recipe(hardware(catalog.chip("a100"), SHIPPED.kernels), "fp8")
    assert "bf16" in problem.value.fix


def test_stacking_gathers_every_number() -> None:
    each = [hardware(catalog.chip(name), SHIPPED.kernels) for name in ("h200", "h20")]
    many = stacked(each, index=[0, 1, 1])
    np.testing.assert_allclose(many.tdp, [700, 400, 400])
    assert many.constants["gemm.bf16.efficiency"].shape == (3,)


def test_variants_of_measured_tables() -> None:
    half, whole = measured_chip("MI250X-GCD"), catalog.chip("mi250x")
    assert half.value("memory_bandwidth") == pytest.approx(whole.require("memory_bandwidth") / 2)
    assert measured_chip("H100-96GB-HBM2e-500W").value("tdp") == 500.0
    assert measured_chip("MI300X/MI325X(gfx942,304CU)").id == "amd-mi300x"
    with pytest.raises(InputError):
        measured_chip("no such chip")


def test_familiarity_says_how_far_the_fit_reaches() -> None:
    found = SHIPPED.kernels
    names = {"h200": "seen", "b300": "unseen chip", "mlu590": "unseen architecture"}
    for name, expected in names.items():
        assert found.familiarity("gemm", hardware(catalog.chip(name), SHIPPED.kernels)) == expected


def test_constants_stay_inside_their_bounds() -> None:
    found = SHIPPED.kernels
    for name in ("h200", "h20", "b200", "mi355x", "a100", "ascend-910c"):
        hw = hardware(catalog.chip(name), SHIPPED.kernels)
        for constant in found.constants.values():
            kernel, quantity = constant.name.split(".", 1)
            values = [
                v for key, v in hw.constants.items() if key.startswith(kernel + ".") and key.endswith("." + quantity)
            ]
            assert values
            assert all(constant.low <= v <= constant.high for v in values)
