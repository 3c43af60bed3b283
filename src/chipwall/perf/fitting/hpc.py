"""The scientific kernels as a family to fit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from chipwall.perf.efficiency import watts_per_teraflop
from chipwall.perf.evidence.hpc import kernel_case_of
from chipwall.perf.fitting.kernels import KernelFamily
from chipwall.perf.fitting.regression import FittedConstant, Floats
from chipwall.perf.hpc import CG_FLOPS_PER_BYTE, fp64_peaks

__all__ = ["hpc_family"]


def hpc_family(rows: Sequence[Mapping[str, str]]) -> KernelFamily:
    """Rows marked fit of the HPC table, ready to fit; groups are chips."""
    found = [r for r in rows if r.get("use", "fit") == "fit"]
    cases = [kernel_case_of(row) for row in found]
    kind = np.array([c.kind for c in cases])
    vector = np.array([float(fp64_peaks(c.sheet)[0]) for c in cases])
    matrix = np.array([float(fp64_peaks(c.sheet)[1]) for c in cases])
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
        FittedConstant("hpc.matrix", "1", 0.0, 0.95, 0.6, {"vendor": 0.3, "arch": 0.2}, slope=(0.9, 0.2), peak="fp64_tensor"),
        FittedConstant("hpc.single", "1", 0.0, 1.0, 0.4, {}, note="part of what FP64 loses to power that FP32 does not"),
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
