"""Reading of memory: what a task needs over what the chips have."""

from __future__ import annotations

from collections.abc import Mapping

from chipwall.catalog.records import Chip, LanguageModel
from chipwall.claims.library import World
from chipwall.claims.records import Claim, Reading, Value
from chipwall.perf.serving.memory import SERVING_RESERVE, serving_parts, usable_memory
from chipwall.text import text
from chipwall.units import GIB

__all__ = ["memory_share"]


def memory_share(claim: Claim, at: Mapping[str, Value], world: World) -> Reading:
    """Memory needed over memory there [1]."""
    return _serving(claim.subject, at, world) if at["task"] == "serve" else _tuning(claim.subject, at, world)


def _serving(chip_id: str, at: Mapping[str, Value], world: World) -> Reading:
    """The value counts the usual reserve of an engine as needed; the low end leaves it out: much of it can be done without."""
    chip, model = world.chip(chip_id), world.model(str(at["model"]))
    chips = int(_number(at, "chips"))
    memory = usable_memory(chip)[0] * chips
    parts = serving_parts(
        model,
        chip,
        chips=chips,
        weights=str(at["weights"]),
        context=int(_number(at, "context")),
        sequences=int(_number(at, "sequences")),
        kv_bytes_per_value=2.0,
        reserve=SERVING_RESERVE,
    )
    need = sum(p.bytes for p in parts)
    told = text(
        "{need:.0f} GiB needed ({largest}: {formula}) / {memory:.0f} GiB of {chips} x {chip}",
        need=need / GIB,
        largest=parts[0].name,
        formula=parts[0].formula,
        memory=memory / GIB,
        chips=chips,
        chip=chip.name,
    )
    # the budget ends with the reserve
    low = (need - parts[-1].bytes) / memory
    return Reading(need / memory, low, need / memory, _sources(chip, model), told, basis="interval")


def _tuning(chip_id: str, at: Mapping[str, Value], world: World) -> Reading:
    """Adapters on a frozen base; the interval is what published peaks of memory leave open."""
    from chipwall.perf.fitting.bands import interval
    from chipwall.perf.training.constants import step_bands
    from chipwall.perf.training.tune import tuning_memory

    chip, model = world.chip(chip_id), world.model(str(at["model"]))
    chips = int(_number(at, "chips"))
    found = tuning_memory(
        model,
        chip,
        chips=chips,
        base=str(at["weights"]),
        rank=int(_number(at, "rank")),
        sequences=int(_number(at, "sequences")),
        sequence=int(_number(at, "context")),
    )
    need = found.bytes
    low, high = interval(need, "memory", "all", bands=step_bands())
    largest = max(found.parts, key=lambda part: part.bytes)
    told = text(
        "{need:.0f} GiB on the fullest chip ({largest} {part:.0f} GiB: {formula}) / {memory:.0f} GiB of {chips} x {chip}",
        need=need / GIB,
        largest=largest.name,
        part=largest.bytes / GIB,
        formula=largest.formula,
        memory=found.room / GIB,
        chips=chips,
        chip=chip.name,
    )
    return Reading(
        need / found.room, low / found.room, high / found.room, _sources(chip, model), told, basis="interval"
    )


def _sources(chip: Chip, model: LanguageModel) -> tuple[str, ...]:
    fact = chip.fact("memory_reported") or chip.fact("memory_capacity")
    return (*((fact.source,) if fact else ()), model.source)


def _number(at: Mapping[str, Value], name: str) -> float:
    value = at[name]
    assert isinstance(value, float)
    return value
