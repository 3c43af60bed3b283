"""Reading of memory: what a task needs over what the chips have."""

from __future__ import annotations

from collections.abc import Mapping

from chipwall.claims.records import Claim, Reading, Value
from chipwall.claims.world import World
from chipwall.perf.memory import SERVING_RESERVE, Part, adapter_parts, serving_parts, usable_memory
from chipwall.text import text
from chipwall.units import GIB

__all__ = ["memory_share"]


def memory_share(claim: Claim, at: Mapping[str, Value], world: World) -> Reading:
    """Memory needed over memory there [1].

    The value counts the usual reserve of a serving engine (or the runtime of a trainer) as needed; the low end leaves it
    out, because a patient operator can do without most of it.
    """
    chip, model = world.chip(claim.subject), world.model(str(at["model"]))
    chips, weights = int(_number(at, "chips")), str(at["weights"])
    memory = usable_memory(chip)[0] * chips
    parts: tuple[Part, ...]
    if at["task"] == "serve":
        parts = serving_parts(
            model,
            chip,
            chips=chips,
            weights=weights,
            context=int(_number(at, "context")),
            sequences=int(_number(at, "sequences")),
            kv_bytes_per_value=2.0,
            reserve=SERVING_RESERVE,
        )
    else:
        parts = adapter_parts(
            model,
            weights=weights,
            rank=int(_number(at, "rank")),
            modules=4,
            batch=int(_number(at, "sequences")),
            length=int(_number(at, "context")),
        )
    need = sum(p.bytes for p in parts)
    spare = parts[-1].bytes  # both budgets end with what is kept free
    told = text(
        "{need:.0f} GiB needed ({largest}: {formula}) / {memory:.0f} GiB of {chips} x {chip}",
        need=need / GIB,
        largest=parts[0].name,
        formula=parts[0].formula,
        memory=memory / GIB,
        chips=chips,
        chip=chip.name,
    )
    fact = chip.fact("memory_reported") or chip.fact("memory_capacity")
    sources = (*((fact.source,) if fact else ()), model.source)
    return Reading(need / memory, (need - spare) / memory, need / memory, sources, told, basis="interval")


def _number(at: Mapping[str, Value], name: str) -> float:
    value = at[name]
    assert isinstance(value, float)
    return value
