"""Scientific kernels: memory streams, matrix products, LINPACK, conjugate gradients, FFT and stencils, by chip.

Most of them are bound by memory bandwidth or by FP64 arithmetic, and chips for AI differ most in the second: export
variants (H20, H800) and the newest parts (B300) carry a few percent of the FP64 units of an H100. A large matrix product
obeys the same law across chips as in low precision, logit(e) = a + b ln(TDP / peak); everything else is bytes.

Limits
------
Fitted on HBM accelerators of 250 W to 1,000 W; each chip is scored with all its rows left out. Whole systems add network
and host time that is in one factor here. No FP64 measurement of a chip with cut-down FP64 was found: those are
extrapolated from the rate of the data sheet.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from chipwall.errors import InputError
from chipwall.perf.calibrated import Calibrated
from chipwall.perf.device import Hardware
from chipwall.perf.estimate import Basis, Bound, Estimate, Part, interval
from chipwall.perf.numeric import MULTIPLY_ADD, Numeric
from chipwall.text import Text, text

__all__ = [
    "CG_FLOPS_PER_BYTE", "conjugate_gradient_rate", "fft_time", "fp64_peaks", "hpc_estimates", "linpack_rate", "matrix_rate",
    "stencil_time", "stream_bandwidth", "vector_rate",
]  # fmt: skip

# Flops per byte of the reference conjugate gradient: a 27-point sparse product reads 12 bytes (value and index) for two
# flops, the multigrid smoother twice as often; Dongarra, Heroux, Luszczek 2016, int. J. HPC Applications 30(1).
CG_FLOPS_PER_BYTE = 1.0 / 6.0
# The radix-2 count that FFT benchmarks report, 5 N log2 N.
FFT_FLOPS = 5.0
FP64_BYTES = 8.0


def stream_bandwidth(hw: Hardware) -> Numeric:
    """Bandwidth that a long copy or triad reaches [byte/s]."""
    return hw.memory_bandwidth * hw.constants["hpc.stream"]


def fp64_peaks(hw: Hardware) -> tuple[Numeric, Numeric]:
    """Vector and matrix peak in FP64 [flop/s]; the matrix units count only where they are faster."""
    vector = hw.peak("fp64")
    matrix: Any = hw.peak("fp64_tensor")
    larger: Any = np.where(matrix > vector, matrix, vector)
    return vector, larger[()]


def vector_rate(hw: Hardware) -> Numeric:
    """Rate of a chain of multiply-adds outside the matrix units in FP64 [flop/s]."""
    return fp64_peaks(hw)[0] * hw.constants["hpc.vector"]


def matrix_rate(hw: Hardware) -> Numeric:
    """Rate of a large matrix product in FP64 (DGEMM) [flop/s]."""
    return fp64_peaks(hw)[1] * hw.constants["hpc.matrix"]


def linpack_rate(hw: Hardware, *, chips: Numeric = 1.0) -> Numeric:
    """LINPACK (HPL) of ``chips`` chips together [flop/s].

    Parameters
    ----------
    chips : float or array
        Accelerators [1]. A node's rate times the nodes; a system's network costs a few percent more.
    """
    return chips * matrix_rate(hw) * hw.constants["hpc.linpack"]


def conjugate_gradient_rate(hw: Hardware, *, chips: Numeric = 1.0) -> Numeric:
    """Conjugate gradients as in HPCG [flop/s]: bandwidth times 1/6 flop per byte, or FP64 vector arithmetic if slower."""
    streamed = stream_bandwidth(hw) * CG_FLOPS_PER_BYTE * hw.constants["hpc.gather"]
    return chips * np.minimum(streamed, vector_rate(hw))


def fft_time(hw: Hardware, *, points: Numeric, dimensions: int = 3) -> Numeric:
    """Time of a complex FP64 FFT [s].

    Parameters
    ----------
    points : float or array
        Points in all [1].
    dimensions : int
        Each dimension reads and writes the whole array once.

    Returns
    -------
    float or array
        Time [s]: the larger of traffic and 5 N log2 N flops.
    """
    moved = 4.0 * FP64_BYTES * dimensions * points
    work = FFT_FLOPS * points * np.log2(points)
    return np.maximum(moved / (stream_bandwidth(hw) * hw.constants["hpc.gather"]), work / vector_rate(hw))


def stencil_time(hw: Hardware, *, points: Numeric, neighbours: int = 7) -> Numeric:
    """Time of one sweep of an FP64 stencil over ``points`` [s]: read once, write once, one multiply-add a neighbour.

    Parameters
    ----------
    points : float or array
        Grid points [1]; the grid does not fit in the cache.
    neighbours : int
        Points of the stencil [1].
    """
    moved, work = 2.0 * FP64_BYTES * points, MULTIPLY_ADD * neighbours * points
    return np.maximum(moved / stream_bandwidth(hw), work / vector_rate(hw))


# ------------------------------------------------------------------------------------------------ answers


def hpc_estimates(hw: Hardware, calibrated: Calibrated, *, chips: int = 1) -> tuple[Estimate, ...]:
    """Every scientific kernel on one chip, or on ``chips`` chips that work together.

    Returns
    -------
    tuple of Estimate
        Rates in SI with their 80 % band; the band is wider for an architecture without a measurement.
    """
    if chips < 1:
        raise InputError(text("{n} is not a number of chips", n=chips), fix=text("Give a whole number of one or more"))
    double = hw.supports("fp64")
    cut = double and float(hw.peak("fp64")) < 0.1 * float(hw.peak("fp32"))
    rows: list[tuple[Text, Numeric, str, Bound, str]] = [
        (text("memory stream (triad)"), chips * stream_bandwidth(hw), "byte/s", "memory", "stream")
    ]
    if double:
        rows += _double_rows(hw, chips)
    notes = _notes(hw, double=double, cut=cut)
    return tuple(_estimate(hw, calibrated, *row, chips=chips, notes=notes) for row in rows)


def _double_rows(hw: Hardware, chips: int) -> list[tuple[Text, Numeric, str, Bound, str]]:
    points, arithmetic = 512.0**3, float(vector_rate(hw))
    gathered = float(stream_bandwidth(hw) * hw.constants["hpc.gather"])
    fft_rate = chips * FFT_FLOPS * points * np.log2(points) / fft_time(hw, points=points)

    def slower(flops_per_byte: float, bandwidth: float) -> Bound:
        return "compute" if arithmetic < flops_per_byte * bandwidth else "memory"

    return [
        (text("FP64 multiply-add, vector units"), chips * arithmetic, "flop/s", "compute", "vector"),
        (text("FP64 matrix product (DGEMM)"), chips * matrix_rate(hw), "flop/s", "compute", "matrix"),
        (text("LINPACK (HPL)"), linpack_rate(hw, chips=chips), "flop/s", "compute", "linpack"),
        (text("conjugate gradients (HPCG-like)"), conjugate_gradient_rate(hw, chips=chips), "flop/s",
         slower(CG_FLOPS_PER_BYTE, gathered), "gather"),
        (text("FFT, 512 x 512 x 512, complex FP64"), fft_rate, "flop/s",
         slower(FFT_FLOPS * float(np.log2(points)) / 96.0, gathered), "gather"),
        (text("7-point stencil, FP64"), chips * points / stencil_time(hw, points=points), "point/s",
         slower(14.0 / 16.0, float(stream_bandwidth(hw))), "stream"),
    ]  # fmt: skip


def _notes(hw: Hardware, *, double: bool, cut: bool) -> tuple[Text, ...]:
    notes = []
    if not double:
        notes.append(text("{chip} has no published FP64 rate: only the memory stream is estimated", chip=hw.name))
    if cut:
        notes.append(
            text(
                "FP64 of {chip} is {share:.1f} % of its FP32 rate: arithmetic, not memory, may bind", chip=hw.name,
                share=100 * float(hw.peak("fp64")) / float(hw.peak("fp32")),
            )
        )  # fmt: skip
    if hw.assumed:
        notes.append(text("not published and assumed typical: {names}", names=", ".join(hw.assumed)))
    return tuple(notes)


def _estimate(
    hw: Hardware, calibrated: Calibrated, name: Text, value: Numeric, unit: str, bound: Bound, kind: str, *, chips: int,
    notes: tuple[Text, ...],
) -> Estimate:  # fmt: skip
    fitted = calibrated.kernels
    familiar = fitted.familiarity("hpc", hw)
    low, high = interval(float(value), f"hpc/{familiar}", "hpc", bands=fitted.bands, inverse=True)
    # what the data sheet allows bounds the interval too
    vector, matrix = fp64_peaks(hw)
    limit = {"stream": hw.memory_bandwidth, "vector": vector, "matrix": matrix, "linpack": matrix}.get(kind)
    if limit is not None and unit != "point/s":
        high = max(min(high, chips * float(limit)), float(value))
    nearest = calibrated.evidence.computed_alike(kind, hw.family)
    basis: Basis = "calibrated" if familiar == "seen" else "extrapolated"
    return Estimate(
        quantity=name, value=float(value), unit=unit, low=low, high=high, basis=basis, bound=bound,
        breakdown=(Part(name, 1.0 / float(value), bound),), breakdown_total=1.0 / float(value),
        inputs={"chip": hw.id, "chips": chips}, nearest=nearest[:3], sources=hw.sources, notes=notes,
    )  # fmt: skip
