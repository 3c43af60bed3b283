"""Bands: coverage by construction, asymmetry, order of width."""

from __future__ import annotations

import numpy as np
import pytest

from chipwall.perf.estimate import interval
from chipwall.perf.evidence.validate import covered_share
from chipwall.perf.fitting.bands import band, bands_by_class
from chipwall.perf.shipped import shipped

SHIPPED = shipped()


def test_the_band_covers_what_it_says() -> None:
    errors = np.random.default_rng(1).normal(0.05, 0.1, 2000)
    low, high = band(errors)
    truth = 1.0 / np.exp(errors)  # measured over predicted
    assert np.mean((truth >= low) & (truth <= high)) == pytest.approx(0.8, abs=0.01)
    # predictions run high, so the band reaches further down
    assert 1 - low > high - 1


def test_small_classes_have_no_band_of_their_own() -> None:
    found = bands_by_class([0.1] * 5 + [-0.1] * 40, ["few"] * 5 + ["many"] * 40, pooled="all")
    assert set(found) == {"many", "all"}


def test_the_first_class_with_a_band_counts() -> None:
    bands = {"b": (0.5, 3.0)}
    assert interval(10.0, "a", "b", bands=bands) == (5.0, 30.0)
    assert interval(10.0, "b", bands=bands, inverse=True) == pytest.approx((10 / 3, 20.0))


@pytest.mark.parametrize("family", ["gemm", "moe", "attention", "collective"])
def test_what_is_less_known_is_told_with_a_wider_band(family: str) -> None:
    bands = SHIPPED.kernels.bands
    widths = [
        bands[name][1] / bands[name][0] for name in (family, f"{family}/unseen chip", f"{family}/unseen architecture")
    ]
    assert widths == sorted(widths)


def test_covered_share() -> None:
    assert covered_share([1.0, 2.0, 3.0], [0.5, 2.5, 2.0], [1.5, 3.0, 4.0]) == pytest.approx(2 / 3)
