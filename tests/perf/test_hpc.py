"""Scientific kernels: each chip of the table left out in turn, and what cut-down FP64 does."""

from __future__ import annotations

import numpy as np
import pytest

from chipwall import catalog
from chipwall.perf.device import hardware
from chipwall.perf.fitting.hpc import hpc_family
from chipwall.perf.fitting.kernels import fit_family
from chipwall.perf.fitting.regression import designed, fitted
from chipwall.perf.hpc import conjugate_gradient_rate, fft_time, hpc_estimates, linpack_rate, stencil_time
from chipwall.perf.load import measured
from chipwall.perf.shipped import shipped

SHIPPED = shipped()


def test_every_chip_left_out_is_predicted_within_fifteen_percent_at_the_median() -> None:
    family = hpc_family(measured("hpc"))
    design = designed(family.terms, family.labels, family.power_ratio)
    chips, errors = family.labels["chip"], np.zeros(len(family.target))
    for chip in sorted(set(chips.tolist())):
        rows = np.flatnonzero(chips == chip)
        part = fitted(design, family.formula, family.target, np.flatnonzero(chips != chip))
        errors[rows] = part.predicted(family.formula, rows) - family.target[rows]
    relative = np.abs(np.exp(errors) - 1)
    assert float(np.median(relative)) < 0.15
    assert float(np.mean(relative < 0.25)) > 0.8


def test_the_same_rows_give_the_same_constants() -> None:
    once, twice = (fit_family(hpc_family(measured("hpc")), cross_validate=False).constants for _ in range(2))
    assert {n: c.level for n, c in once.items()} == {n: c.level for n, c in twice.items()}


def test_cut_down_fp64_shows() -> None:
    h200, h20 = hardware(catalog.chip("h200"), SHIPPED.kernels), hardware(catalog.chip("h20"), SHIPPED.kernels)
    assert linpack_rate(h200) / linpack_rate(h20) > 30
    # memory-bound work keeps most of the ratio of bandwidths
    assert conjugate_gradient_rate(h200) / conjugate_gradient_rate(h20) == pytest.approx(1.2, rel=0.05)
    assert fft_time(h20, points=1e8) > 3 * fft_time(h200, points=1e8)


def test_a_stencil_moves_sixteen_bytes_a_point() -> None:
    hw = hardware(catalog.chip("h100"), SHIPPED.kernels)
    assert stencil_time(hw, points=1e9) == pytest.approx(16e9 / (3.35e12 * hw.constants["hpc.stream"]))


def test_estimates_name_their_basis_and_their_neighbours() -> None:
    found = {str(e.quantity): e for e in hpc_estimates(hardware(catalog.chip("h100"), SHIPPED.kernels), SHIPPED)}
    stream = found["memory stream (triad)"]
    assert stream.basis == "calibrated"
    assert stream.nearest
    assert all(e.low <= e.value <= e.high for e in found.values())
    assert all(e.basis == "extrapolated" for e in hpc_estimates(hardware(catalog.chip("b300"), SHIPPED.kernels), SHIPPED))


def test_a_chip_without_fp64_gets_the_stream_only() -> None:
    found = hpc_estimates(hardware(catalog.chip("ascend-910c"), SHIPPED.kernels), SHIPPED)
    assert len(found) == 1
    assert any("FP64" in note for note in found[0].notes)
