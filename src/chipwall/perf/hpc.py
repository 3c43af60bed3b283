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

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from chipwall.catalog.records import Chip
from chipwall.errors import ChipwallError, InputError
from chipwall.perf.constants import calibration
from chipwall.perf.device import Hardware, hardware, spec_sheet
from chipwall.perf.efficiency import watts_per_teraflop
from chipwall.perf.estimate import Basis, Bound, Estimate, Part
from chipwall.perf.evidence.names import measured_chip
from chipwall.perf.fitting.bands import interval
from chipwall.perf.fitting.kernels import KernelFamily
from chipwall.perf.fitting.regression import FittedConstant, Floats
from chipwall.perf.load import measured
from chipwall.perf.numeric import MULTIPLY_ADD, Numeric
from chipwall.text import Text, text
from chipwall.units import GIGA, TERA

__all__ = [
    "conjugate_gradient_rate", "fft_time", "hpc_estimates", "hpc_family", "linpack_rate", "matrix_rate", "stencil_time",
    "stream_bandwidth", "vector_rate",
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


def _fp64(hw: Hardware) -> tuple[Numeric, Numeric]:
    """Vector and matrix peak in FP64 [flop/s]; the matrix units count only where they are faster."""
    vector = hw.peak("fp64")
    matrix: Any = hw.peak("fp64_tensor")
    larger: Any = np.where(matrix > vector, matrix, vector)
    return vector, larger[()]


def vector_rate(hw: Hardware) -> Numeric:
    """Rate of a chain of multiply-adds outside the matrix units in FP64 [flop/s]."""
    return _fp64(hw)[0] * hw.constants["hpc.vector"]


def matrix_rate(hw: Hardware) -> Numeric:
    """Rate of a large matrix product in FP64 (DGEMM) [flop/s]."""
    return _fp64(hw)[1] * hw.constants["hpc.matrix"]


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


@lru_cache(maxsize=256)
def hpc_estimates(chip: Chip, *, chips: int = 1) -> tuple[Estimate, ...]:
    """Every scientific kernel on one chip, or on ``chips`` chips that work together.

    Returns
    -------
    tuple of Estimate
        Rates in SI with their 80 % band; the band is wider for an architecture without a measurement.
    """
    if chips < 1:
        raise InputError(text("{n} is not a number of chips", n=chips), fix=text("Give a whole number of one or more"))
    hw = hardware(chip)
    double = hw.supports("fp64")
    cut = double and float(hw.peak("fp64")) < 0.1 * float(hw.peak("fp32"))
    rows: list[tuple[Text, Numeric, str, Bound, str]] = [
        (text("memory stream (triad)"), chips * stream_bandwidth(hw), "byte/s", "memory", "stream")
    ]
    if double:
        rows += _double_rows(hw, chips)
    notes = _notes(hw, double=double, cut=cut)
    return tuple(_estimate(hw, chip, *row, chips=chips, notes=notes) for row in rows)


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
    hw: Hardware, chip: Chip, name: Text, value: Numeric, unit: str, bound: Bound, kind: str, *, chips: int,
    notes: tuple[Text, ...],
) -> Estimate:  # fmt: skip
    familiar = calibration().familiarity("hpc", hw)
    low, high = interval(float(value), f"hpc/{familiar}", "hpc", bands=calibration().bands, inverse=True)
    # what the data sheet allows bounds the interval too
    vector, matrix = _fp64(hw)
    limit = {"stream": hw.memory_bandwidth, "vector": vector, "matrix": matrix, "linpack": matrix}.get(kind)
    if limit is not None and unit != "point/s":
        high = max(min(high, chips * float(limit)), float(value))
    nearest = tuple(
        {"id": r["id"], "what": f"{r['benchmark']} {r['variant']}", "chip": r["chip"], "value": r["per_chip_value"],
         "unit": r["metric"]}
        for r in measured("hpc")
        if KIND_OF.get(r["benchmark"]) == kind and measured_family(r["chip"]) == hw.family
    )  # fmt: skip
    basis: Basis = "calibrated" if familiar == "seen" else "extrapolated"
    return Estimate(
        quantity=name, value=float(value), unit=unit, low=low, high=high, basis=basis, bound=bound,
        breakdown=(Part(name, 1.0 / float(value), bound),), breakdown_total=1.0 / float(value),
        inputs={"chip": chip.id, "chips": chips}, nearest=nearest[:3], sources=hw.sources, notes=notes,
    )  # fmt: skip


# ------------------------------------------------------------------------------------------------ rows and fit

KIND_OF = {
    "BabelStream": "stream", "OpenCL-Benchmark": "stream", "device memcpy": "stream", "DGEMM (CoralGemm)": "matrix",
    "SGEMM (CoralGemm)": "single", "DGEMM (node-burn)": "matrix", "HPL (rocHPL)": "linpack", "HPL": "linpack",
    "HPCG": "gather",
}  # fmt: skip


@lru_cache(maxsize=64)
def measured_family(name: str) -> str:
    """Catalogue family of a chip named in the HPC table, empty when it is not known."""
    try:
        return measured_chip(name).family.lower()
    except ChipwallError:
        return ""


@dataclass(frozen=True, slots=True)
class _Case:
    id: str
    sheet: Hardware
    kind: str
    rate: float


def _case(row: Mapping[str, str]) -> _Case:
    kind = KIND_OF.get(row["benchmark"], "")
    if row["variant"] == "vector FMA":
        kind = "vector" if row["precision"] == "fp64" else "vector32"
    if not kind:
        raise InputError(text("benchmark '{name}' is not modelled", name=row["benchmark"]))
    scale = {"gbps": GIGA, "tflops": TERA, "gflops": GIGA}[row["metric"]]
    return _Case(row["id"], spec_sheet(measured_chip(row["chip"])), kind, float(row["per_chip_value"]) * scale)


def hpc_family(rows: Sequence[Mapping[str, str]] | None = None) -> KernelFamily:
    """Rows marked fit of the HPC table, ready to fit; groups are chips."""
    found = [r for r in (measured("hpc") if rows is None else rows) if r.get("use", "fit") == "fit"]
    cases = [_case(row) for row in found]
    kind = np.array([c.kind for c in cases])
    vector = np.array([float(_fp64(c.sheet)[0]) for c in cases])
    matrix = np.array([float(_fp64(c.sheet)[1]) for c in cases])
    single = np.array([float(c.sheet.peak("fp32")) for c in cases])
    bandwidth = np.array([float(c.sheet.memory_bandwidth) for c in cases])

    def formula(v: Mapping[str, Floats], i: Any) -> Floats:
        rate = {
            "stream": bandwidth[i] * v["hpc.stream"],
            "vector": vector[i] * v["hpc.vector"],
            "vector32": single[i] * v["hpc.vector"],
            "matrix": matrix[i] * v["hpc.matrix"],
            "single": np.fmax(single[i], matrix[i]) * (v["hpc.matrix"] + v["hpc.single"] * (1.0 - v["hpc.matrix"])),
            "linpack": matrix[i] * v["hpc.matrix"] * v["hpc.linpack"],
            "gather": bandwidth[i] * v["hpc.stream"] * CG_FLOPS_PER_BYTE * v["hpc.gather"],
        }
        return np.asarray(1.0 / np.select([kind[i] == name for name in rate], list(rate.values())))

    terms = (
        FittedConstant("hpc.stream", "1", 0.3, 1.0, 0.85, {"vendor": 0.5, "arch": 0.3}),
        FittedConstant("hpc.vector", "1", 0.3, 1.0, 0.9, {}),
        FittedConstant(
            "hpc.matrix", "1", 0.0, 0.95, 0.6, {"vendor": 0.3, "arch": 0.2}, slope=(0.9, 0.2), peak="fp64_tensor"
        ),
        FittedConstant(
            "hpc.single", "1", 0.0, 1.0, 0.4, {}, note="part of what FP64 loses to power that FP32 does not"
        ),
        FittedConstant(
            "hpc.linpack", "1", 0.3, 1.0, 0.85, {"vendor": 0.3}, note="LINPACK over a matrix product of the same chip"
        ),
        FittedConstant(
            "hpc.gather", "1", 0.2, 1.0, 0.75, {}, note="sparse and transposed access over a stream; prior, see notes"
        ),
    )
    labels = {name: np.array([getattr(c.sheet, name) for c in cases]) for name in ("vendor", "arch", "family")}
    labels |= {"chip": np.array([row["chip"] for row in found]), "kind": kind}
    ratio = np.array([watts_per_teraflop(c.sheet.peaks, c.sheet.tdp, "fp64_tensor") for c in cases])
    target = -np.log([c.rate for c in cases])
    return KernelFamily(
        "hpc", tuple(c.id for c in cases), terms, formula, labels, ratio, target, tuple(labels["chip"].tolist())
    )
