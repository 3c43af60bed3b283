"""Layouts of a model on some chips: which are possible, and which is best for a goal or under latency limits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from chipwall.catalog.architecture import Architecture
from chipwall.catalog.records import LanguageModel
from chipwall.errors import InputError
from chipwall.perf.device import Hardware, require_memory
from chipwall.perf.serving.precision import Precision
from chipwall.perf.serving.regimes import (
    Requests,
    batch_room,
    batch_under_limits,
    cache_room,
    first_token_time,
    in_flight_time,
)
from chipwall.perf.serving.setup import Layout, chip_weights
from chipwall.perf.serving.step import Setup
from chipwall.text import text
from chipwall.units import GIB

__all__ = [
    "best_under_limits",
    "checked_layout",
    "feasible_layouts",
    "possible_layouts",
    "require_fit",
    "side_by_side",
    "smallest_chips",
]

# Share of the memory that must be left for the cache before a layout counts as feasible.
LEAST_ROOM = 0.02
BLOCK = 8192


def possible_layouts(model: LanguageModel, chips: int, *, domain: int = 8, pipelines: bool = True) -> list[Layout]:
    """Every layout of a model on so many chips: tensor parallel within a scale-up domain, pipeline stages, replicas, and
    for mixtures of experts data-parallel attention with the experts spread over all chips of the domain."""
    heads = model.heads or 1
    widest = max(min(domain if domain > 1 else 8, chips), 1)
    found = []
    for t in (1, 2, 4, 8, 16):
        for p in (1, 2, 4, 8, 16) if pipelines else (1,):
            # stages may lie in other nodes; within one domain a group larger than it is pointless
            fits = t * p <= max(widest, 8) or (t == widest and chips > widest)
            if t <= widest and heads % t == 0 and chips % (t * p) == 0 and fits:
                found.append(Layout(tensor=t, pipeline=p, replicas=chips // (t * p)))
    if model.is_moe:
        degrees = [e for e in (2, 4, 8, 16, 32, 64) if e <= widest and chips % e == 0 and (model.experts or 1) % e == 0]
        found += [Layout(expert=e, spread=True, replicas=chips // e) for e in degrees]
    return found


def free_memory(hw: Hardware, dims: Architecture, precision: Precision, layout: Layout, *, reserve: float) -> float:
    """Memory left for the cache on one chip [byte]; negative where the weights and the reserve do not fit."""
    return float(hw.memory) - reserve - chip_weights(dims, precision, layout)


def feasible_layouts(
    found: Sequence[Layout], hw: Hardware, dims: Architecture, precision: Precision, *, reserve: float
) -> list[Layout]:
    """Those whose weights leave room for a cache."""
    least = LEAST_ROOM * float(hw.memory)
    return [x for x in found if free_memory(hw, dims, precision, x, reserve=reserve) > least]


def smallest_chips(
    hw: Hardware, dims: Architecture, precision: Precision, model: LanguageModel, *, reserve: float
) -> int | None:
    """The smallest number of chips (of 1, 2, 4, 8 ...) that holds the weights and some cache; None above 512."""
    count = 1
    while count <= 512:
        every = possible_layouts(model, count, domain=int(hw.scaleup_domain))
        if feasible_layouts(every, hw, dims, precision, reserve=reserve):
            return count
        count *= 2
    return None


def require_fit(
    layouts: Sequence[Layout],
    hw: Hardware,
    dims: Architecture,
    precision: Precision,
    model: LanguageModel,
    *,
    reserve: float,
) -> list[Layout]:
    """The feasible layouts; refuses, with the shortfall and the smallest number of chips, where there is none."""
    require_memory(hw)
    fitting = feasible_layouts(layouts, hw, dims, precision, reserve=reserve)
    if fitting:
        return fitting
    least = LEAST_ROOM * float(hw.memory)
    short = min(least - free_memory(hw, dims, precision, x, reserve=reserve) for x in layouts)
    count = smallest_chips(hw, dims, precision, model, reserve=reserve)
    chips = layouts[0].chips
    fix = (
        text("It needs at least {count} x {chip}, or a smaller format", count=count, chip=hw.name)
        if count
        else text("It does not fit on 512 of them either; choose a smaller format or a larger chip")
    )
    raise InputError(
        text(
            "{model} in {precision} does not fit on {chips} x {chip}: {short:.1f} GiB short per chip",
            model=model.name, precision=precision.name, chips=chips, chip=hw.name, short=short / GIB,
        ),
        where=text(
            "usable memory {memory:.1f} GiB per chip, of which {reserve:.1f} GiB are kept in reserve",
            memory=float(hw.memory) / GIB, reserve=reserve / GIB,
        ),
        fix=fix,
    )  # fmt: skip


def checked_layout(
    model: LanguageModel,
    *,
    chips: int,
    tensor: int,
    pipeline: int = 1,
    expert: int = 1,
    spread: bool = False,
    context: int = 1,
) -> Layout:
    """A layout that a person gave; refuses one that does not divide the chips, the heads or the experts."""
    heads, experts = model.heads or 1, model.experts or 0
    shared = expert if spread else tensor
    if min(chips, tensor, pipeline, expert, context) < 1:
        raise InputError(
            text("a layout counts chips: every part is 1 or more"), fix=text("Give whole numbers, for example --tp 8")
        )
    if heads % tensor:
        fitting = ", ".join(str(t) for t in (1, 2, 4, 8, 16, 32) if heads % t == 0)
        raise InputError(
            text(
                "tensor parallel {tensor} does not divide the {heads} heads of {model}",
                tensor=tensor,
                heads=heads,
                model=model.name,
            ),
            where="--tp",
            fix=text("Use one of: {fitting}", fitting=fitting),
        )
    if expert > 1 and (not experts or experts % expert):
        raise InputError(
            text(
                "expert parallel {expert} does not divide the {experts} experts of {model}",
                expert=expert,
                experts=experts,
                model=model.name,
            ),
            where="--ep",
        )
    if chips % (shared * pipeline * context):
        raise InputError(
            text("{chips} chips cannot be cut into groups of {group}", chips=chips, group=shared * pipeline * context),
            where="--tp x --pp",
            fix=text("Choose a group that divides the number of chips"),
        )
    return Layout(tensor, pipeline, chips // (shared * pipeline * context), expert, spread, context)


def side_by_side(each: Sequence[Setup]) -> Setup:
    """Setups of one model on one chip that differ in layout only, as columns that broadcast against rows of requests."""
    names = ("tensor", "pipeline", "replicas", "group", "spread", "expert", "context", "weights")
    changed: dict[str, Any] = {n: np.array([[float(getattr(s, n))] for s in each]) for n in names}
    return replace(each[0], **changed)


def best_under_limits(each: Sequence[Setup], q: Requests) -> dict[str, Any]:
    """For every request mix, the layout with the highest rate within its latency limits.

    Parameters
    ----------
    each : sequence of Setup
        Layouts of one model on one chip.
    q : Requests
        Arrays of mixes; ``ttft_limit`` and ``tpot_limit`` in seconds.

    Returns
    -------
    dict of str to array
        ``layout`` position in ``each`` (-1 where none holds), ``output`` [token/s] of the whole setup, ``batch`` per
        replica, ``tpot`` and ``ttft`` [s].
    """
    s = side_by_side(each)
    count = np.size(q.prompt)
    step = max(BLOCK // len(each), 1)
    blocks = [_best_block(s, q.at(slice(i, i + step)) if count > 1 else q) for i in range(0, count, step)]
    return {k: np.concatenate([b[k] for b in blocks]) for k in blocks[0]}


def _best_block(s: Setup, q: Requests) -> dict[str, Any]:
    c = s.constants
    room = batch_room(s, q)
    batch = batch_under_limits(s, q, room, margin=c["serving.server"], rounds=3)
    time = in_flight_time(s, q, batch)
    output = s.replicas * batch * q.accepted / time * c["serving.server"]
    ttft = first_token_time(s, q, batch, output / q.output / s.replicas)
    holds = (cache_room(s) > 0) & (time <= q.tpot_limit * q.accepted) & (ttft <= q.ttft_limit)
    value = np.where(holds, output, -1.0)
    best = np.argmax(value, axis=0)
    at = (best, np.arange(value.shape[1]))
    wide = np.broadcast_arrays(value, batch, time / q.accepted, ttft)
    output, batch, tpot, first = (w[at] for w in wide)
    return {
        "layout": np.where(output > 0, best, -1),
        "output": np.maximum(output, 0.0),
        "batch": batch,
        "tpot": tpot,
        "ttft": first,
    }
