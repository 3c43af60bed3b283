"""Rows of the table of scientific kernels: what each measured, and those of a family of chips."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from chipwall.errors import ChipwallError, InputError
from chipwall.perf.device import Hardware, spec_sheet
from chipwall.perf.evidence.names import measured_chip
from chipwall.text import text
from chipwall.units import GIGA, TERA

__all__ = ["KernelCase", "computed_alike", "kernel_case_of"]

KIND_OF = {
    "BabelStream": "stream", "OpenCL-Benchmark": "stream", "device memcpy": "stream", "DGEMM (CoralGemm)": "matrix",
    "SGEMM (CoralGemm)": "single", "DGEMM (node-burn)": "matrix", "HPL (rocHPL)": "linpack", "HPL": "linpack",
    "HPCG": "gather",
}  # fmt: skip
# Rows shown beside an estimate.
SHOWN = 3


@dataclass(frozen=True, slots=True)
class KernelCase:
    """One row: the chip's data sheet, the kind of kernel, and the rate it measured, SI."""

    id: str
    sheet: Hardware
    kind: str
    rate: float


def kernel_case_of(row: Mapping[str, str]) -> KernelCase:
    """A row as a case; refuses a benchmark that is not modelled."""
    kind = KIND_OF.get(row["benchmark"], "")
    if row["variant"] == "vector FMA":
        kind = "vector" if row["precision"] == "fp64" else "vector32"
    if not kind:
        raise InputError(text("benchmark '{name}' is not modelled", name=row["benchmark"]))
    scale = {"gbps": GIGA, "tflops": TERA, "gflops": GIGA}[row["metric"]]
    return KernelCase(row["id"], spec_sheet(measured_chip(row["chip"])), kind, float(row["per_chip_value"]) * scale)


def computed_alike(rows: Sequence[Mapping[str, str]], kind: str, family: str) -> tuple[Mapping[str, Any], ...]:
    """The first rows of a kind of kernel on a family of chips, in the units of the table."""
    found: list[Mapping[str, Any]] = []
    for r in rows:
        if KIND_OF.get(r["benchmark"]) == kind and _family(r["chip"]) == family:
            what = f"{r['benchmark']} {r['variant']}"
            found.append(
                {"id": r["id"], "what": what, "chip": r["chip"], "value": r["per_chip_value"], "unit": r["metric"]}
            )
            if len(found) == SHOWN:
                break
    return tuple(found)


def _family(name: str) -> str:
    """Catalogue family of a chip named in the table, empty when it is not known."""
    try:
        return measured_chip(name).family.lower()
    except ChipwallError:
        return ""
