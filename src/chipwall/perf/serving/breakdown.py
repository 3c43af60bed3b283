"""Where the time of one iteration goes, and what binds it: compute, memory, network or host."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from chipwall.perf.estimate import Bound, Part
from chipwall.perf.serving.regimes import Requests, mixed_steps, pipeline_loss
from chipwall.perf.serving.step import PARTS, Setup, ranks_of, step_parts
from chipwall.text import text

__all__ = ["iteration_parts", "operator_rows"]

FREE = 1e30
_NAMES = {
    "attention products": text("attention products"),
    "attention": text("attention"),
    "feed-forward": text("feed-forward"),
    "experts": text("experts"),
    "head": text("output head"),
    "data movement": text("data movement"),
    "exchange": text("exchange between chips"),
    "vision tower": text("vision tower"),
    "adapters": text("served adapters"),
    "layers": text("launches and synchronisation"),
    "host": text("scheduler and sampling"),
    "host link": text("weights from the host"),
}


def iteration_parts(s: Setup, q: Requests, batch: float) -> tuple[tuple[Part, ...], Bound]:
    """Parts of the iteration with ``batch`` sequences of one replica in flight [s], and what takes most of it."""
    parts = _parts(s, q, batch)
    without_memory = _parts(_unbounded(s, memory=True), q, batch)
    loss = float(pipeline_loss(s))
    total: dict[Bound, float] = {"compute": 0.0, "memory": 0.0, "network": 0.0, "host": 0.0}
    found = []
    for name, spent in parts.items():
        if spent <= 0:
            continue
        fixed = PARTS[name]
        bound: Bound = "compute" if without_memory[name] > 0.5 * spent else "memory"
        if fixed == "network":
            bound = "network"
        elif fixed == "host":
            bound = "host"
        elif fixed == "memory":
            bound = "memory"
        total[bound] += spent
        found.append(Part(_NAMES[name], spent, bound))
    if loss > 1:
        found.append(Part(text("pipeline bubbles"), sum(p.value for p in found) * (loss - 1.0), "network"))
    return tuple(found), max(total, key=lambda b: total[b])


def _parts(s: Setup, q: Requests, batch: float) -> dict[str, float]:
    decoding, with_piece, share = mixed_steps(s, q, batch)
    part = float(share)
    alone, beside = step_parts(s, **decoding), step_parts(s, **with_piece)
    return {name: float(max(1.0 - part, 0.0) * alone[name] + part * beside[name]) for name in alone}


def _unbounded(s: Setup, *, memory: bool) -> Setup:
    """The setup with memory traffic for free."""
    return replace(s, hw=replace(s.hw, memory_bandwidth=FREE)) if memory else s


def operator_rows(s: Setup, q: Requests, batch: float) -> list[dict[str, Any]]:
    """The operator table of one iteration: columns, depth, occurrences, arithmetic and weight bytes on one chip."""
    from chipwall.perf.operators import operators

    each = float(batch / s.pipeline)
    tokens = each + each * float(q.fresh / q.output)
    shards = 1.0 if s.spread else s.tensor / s.expert
    bytes_of = {
        "attention": s.attention,
        "dense": s.dense,
        "shared": s.dense,
        "router": s.head,
        "head": s.head,
        "experts": s.experts,
    }
    rows = []
    for op in operators(s.model, tensor_parallel=s.tensor, expert_shards=shards):
        times = float(op.times)
        if not times:
            continue
        own = tokens / float(ranks_of(s))
        count = {
            "token": own,
            "sequence": each / float(ranks_of(s)),
            "pick": tokens * float(op.block.picks if op.block else 0.0) / float(s.expert),
        }[op.rows]
        copies = float(op.block.experts / s.expert) if op.block else 1.0
        rows.append(
            {
                "operator": op.name,
                "part": op.part,
                "rows": count,
                "columns": float(op.columns),
                "depth": float(op.depth),
                "times": times,
                "flop": 2.0 * count * float(op.columns) * float(op.depth) * times,
                "weight_bytes": float(op.columns)
                * float(op.depth)
                * times
                * copies
                * float(bytes_of[op.part].weight_bytes),
            }
        )
    return rows
