"""Predictions for rows of the kernel and collective tables, each with its band and basis."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from chipwall.errors import ChipwallError
from chipwall.perf import ops as kernels
from chipwall.perf.calibrated import Calibrated
from chipwall.perf.constants import Calibration
from chipwall.perf.device import Hardware, hardware
from chipwall.perf.estimate import interval
from chipwall.perf.evidence.collectives import CollectiveRow, collective_row
from chipwall.perf.evidence.kernels import KernelRow, kernel_row, value_of
from chipwall.perf.evidence.names import measured_chip
from chipwall.perf.evidence.validate import Prediction, Skip
from chipwall.perf.formats import RECIPES
from chipwall.perf.ops import collectives
from chipwall.text import Text, text
from chipwall.units import GIGA

__all__ = ["kernel_time", "predict_collectives", "predict_kernels"]

# Kernels in a row's words and the family of constants that they use.
FAMILY = {"gemm": "gemm", "grouped": "moe", "moe": "moe", "attention": "attention", "elementwise": "elementwise",
          "copy": "elementwise", "layer": "elementwise", "block": "gemm", "decode": "decode"}  # fmt: skip


def kernel_time(hw: Hardware, row: KernelRow) -> float:
    """Predicted time of a row's kernel [s]."""
    s: dict[str, Any] = dict(row.shape)
    if row.kernel == "gemm":
        return float(kernels.gemm_time(hw, m=s["m"], n=s["n"], k=s["k"], recipe=row.recipe))
    if row.kernel == "grouped":
        return float(kernels.grouped_gemm_time(hw, **s, recipe=row.recipe))
    if row.kernel == "moe":
        return float(kernels.moe_ffn_time(hw, **s, recipe=row.recipe))
    if row.kernel == "decode":
        return float(kernels.attention_decode_time(hw, **s))
    if row.kernel == "attention":
        return _attention_time(hw, row)
    if row.kernel == "block":
        return _block_time(hw, row)
    moved = float(kernels.elementwise_time(hw, moved=s["moved"]))
    if row.kernel == "layer":
        product = float(kernels.gemm_time(hw, m=s["m"], n=s["n"], k=s["k"], recipe=row.recipe))
        return float(s["products"]) * product + moved
    return float(kernels.smooth_maximum(moved, s.get("host", 0.0)))


# Bytes that a layer moves beside its products, in multiples of a token's hidden and inner vectors: norms, residuals, gate.
BLOCK_PASSES, BLOCK_KERNELS = (8.0, 5.0), 8.0


def _block_time(hw: Hardware, row: KernelRow) -> float:
    """A transformer layer: its products, attention, and what is moved between them; training has three passes of products."""
    s = row.shape
    tokens, hidden, inner, keys = s["tokens"], s["hidden"], s["inner"], s["kv_heads"] * s["head_dim"]
    sizes = [(hidden, hidden)] * 2 + [(keys, hidden)] * 2 + [(inner, hidden)] * 2 + [(hidden, inner)]
    products = sum(float(kernels.gemm_time(hw, m=tokens, n=n, k=k, recipe=row.recipe)) for n, k in sizes)
    moved = 2.0 * tokens * (BLOCK_PASSES[0] * hidden + BLOCK_PASSES[1] * inner)
    between = float(kernels.elementwise_time(hw, moved=moved, kernels=BLOCK_KERNELS))
    heads: dict[str, Any] = {n: s[n] for n in ("heads", "kv_heads", "head_dim")}
    if row.passes == "decode":
        return products + between + float(kernels.attention_decode_time(hw, batch=tokens, context=s["context"], **heads))
    length = min(s["context"], tokens)
    prompts = {"batch": max(tokens // s["context"], 1.0), "queries": length, **heads}
    attention = float(kernels.attention_prefill_time(hw, **prompts))
    if row.passes == "both":
        attention += float(kernels.attention_backward_time(hw, **prompts))
    times = 3.0 if row.passes == "both" else 1.0
    return times * (products + between) + attention


def _attention_time(hw: Hardware, row: KernelRow) -> float:
    how = {"causal": row.causal, "recipe": row.recipe, "fused": row.library != "naive"}
    time = 0.0
    if row.passes != "backward":
        time += float(kernels.attention_prefill_time(hw, **row.shape, **how))  # type: ignore[arg-type]
    if row.passes != "forward":
        time += float(kernels.attention_backward_time(hw, **row.shape, **how))  # type: ignore[arg-type]
    if row.passes == "both":
        time -= float(hw.constants[f"attention.{'fp8' if row.recipe.startswith('fp8') else 'bf16'}.launch"])
    return time


def _situation(
    fitted: Calibration, family: str, row_class: str, hw: Hardware, *, known_library: bool = True
) -> tuple[str, tuple[str, ...]]:
    """Basis of a prediction, and the classes whose band applies, most telling first."""
    familiar = fitted.familiarity(family, hw)
    if familiar == "seen" and known_library:
        return "calibrated", (f"{family}/{row_class}", family)
    if familiar == "seen":
        familiar = "unseen chip"
    # no table of decoding kernels was fitted: the band of prompt attention on silicon never seen
    return "extrapolated", (
        f"{family}/{familiar}",
        f"{family}/unseen architecture",
        family,
        "attention/unseen architecture",
    )


def predict_kernels(rows: Sequence[Mapping[str, str]], calibrated: Calibrated) -> list[Prediction | Skip]:
    """One answer for each row of the shared kernel table."""
    return [_kernel_answer(row, calibrated.kernels) for row in rows]


def _kernel_answer(row: Mapping[str, str], fitted: Calibration) -> Prediction | Skip:
    try:
        case = kernel_row(row)
        hw = hardware(measured_chip(row["chip"]), fitted, engine=case.library)
    except ChipwallError as problem:
        return Skip(row.get("id", ""), Text.of(problem.what))
    how = RECIPES[case.recipe].maths if case.kernel in ("gemm", "grouped", "moe", "layer") else "bf16"
    if not hw.supports(how):
        return Skip(case.id, text("{chip} has no {format} arithmetic", chip=hw.name, format=how.upper()))
    family = FAMILY[case.kernel]
    basis, classes = _situation(fitted, family, row.get("class", ""), hw, known_library=bool(case.library))
    time = kernel_time(hw, case)
    low, high = interval(time, *classes, bands=fitted.bands)
    value, one, other = (value_of(case, t) for t in (time, low, high))
    return Prediction(case.id, case.value, value, min(one, other), max(one, other), basis, _class(case, family))


def _class(case: KernelRow, family: str) -> str:
    names = {"moe": "moe_ffn", "grouped": "moe_ffn", "layer": "training_layer", "block": "transformer_layer"}
    return names.get(case.kernel, family)


def predict_collectives(rows: Sequence[Mapping[str, str]], calibrated: Calibrated) -> list[Prediction | Skip]:
    """One answer for each row of the shared collectives table: bus bandwidth [GB/s], else latency [us]."""
    return [_collective_answer(row, calibrated.kernels) for row in rows]


def _collective_answer(row: Mapping[str, str], fitted: Calibration) -> Prediction | Skip:
    try:
        case = collective_row(row)
        hw = hardware(measured_chip(row["chip"]), fitted)
    except ChipwallError as problem:
        return Skip(row.get("id", ""), Text.of(problem.what))
    linked = bool(hw.link_bandwidth > 0)
    family = "exchange" if case.op == "exchange" else "collective"
    basis, classes = _situation(fitted, family, row.get("class", ""), hw)
    across = case.nodes > 1
    if not linked or (across and family == "collective"):
        basis, classes = "extrapolated", (f"{family}/unseen architecture",)
    time, bandwidth = _collective_time(hw, case)
    low, high = interval(time, *classes, bands=fitted.bands)
    kind = "exchange" if family == "exchange" else "network" if across else "link" if linked else "pcie"
    if case.busbw is None:
        assert case.latency is not None
        return Prediction(case.id, case.latency * 1e6, time * 1e6, low * 1e6, high * 1e6, basis, kind)
    value = bandwidth / GIGA
    return Prediction(case.id, case.busbw / GIGA, value, value * time / high, value * time / low, basis, kind)


def _collective_time(hw: Hardware, case: CollectiveRow) -> tuple[float, float]:
    """Time [s] and bus bandwidth as the row counts it [byte/s]."""
    inside = max(case.n / case.nodes, 1.0)
    if case.op == "exchange":
        time = float(collectives.expert_exchange_time(hw, n=case.n, sent=case.size, node=inside, burst=case.burst))
        bandwidth = case.size / time
        if case.logical:
            # counts what stays with the sender's own server, or rank, as if it had travelled too
            parts = case.nodes if case.nodes > 1 else case.n
            bandwidth *= parts / (parts - 1.0)
        return time, bandwidth
    if case.op == "p2p":
        time = float(collectives.point_to_point_time(hw, size=case.size, across_nodes=case.nodes > 1))
        return time, case.size / time
    switch = None if case.in_switch is None else float(case.in_switch)
    time = float(collectives.collective_time(hw, case.op, n=case.n, size=case.size, in_switch=switch, node=inside))
    return time, float(collectives.bus_bandwidth(case.op, n=case.n, size=case.size, time=time))
