"""Reading of memory: what a task needs over what the chips have."""

from __future__ import annotations

from collections.abc import Mapping

from chipwall.catalog.records import Chip, LanguageModel
from chipwall.claims.library import Library
from chipwall.claims.records import Claim, Reading, Value, number_at
from chipwall.text import text
from chipwall.units import GIB

__all__ = ["memory_share"]


def memory_share(claim: Claim, at: Mapping[str, Value], world: Library) -> Reading:
    """Memory needed over memory there [1]."""
    return _serving(claim.subject, at, world) if at["task"] == "serve" else _tuning(claim.subject, at, world)


def _serving(chip_id: str, at: Mapping[str, Value], world: Library) -> Reading:
    """The value counts what the engine keeps as needed; the low end leaves it out: much of it can be done without."""
    from chipwall.perf.serving.engines import engine_on
    from chipwall.perf.serving.fits import Asked, fitting
    from chipwall.perf.serving.memory import Holding, engine_memory

    chip, model = world.chip(chip_id), world.model(str(at["model"]))
    chips = int(number_at(at, "chips"))
    asked = Asked("bf16", number_at(at, "context"), number_at(at, "sequences"))
    how = engine_memory(Holding(engine_on(chip.vendor.lower())), world.calibrated.overhead)
    b = fitting(model, chip, chips=chips, weights=str(at["weights"]), asked=asked, how=how).budget
    largest = max(b.terms, key=lambda t: t.bytes)
    told = text(
        "{need:.0f} GiB needed on each chip ({largest}: {formula}) / {memory:.0f} GiB of one of {chips} x {chip}",
        need=b.need / GIB,
        largest=largest.name,
        formula=largest.formula,
        memory=b.room / GIB,
        chips=chips,
        chip=chip.name,
    )
    low = (b.need - b.bytes_of("engine")) / b.room
    return Reading(b.need / b.room, low, b.need / b.room, _sources(chip, model), told, basis="interval")


def _tuning(chip_id: str, at: Mapping[str, Value], world: Library) -> Reading:
    """Adapters on a frozen base; the interval is what published peaks of memory leave open."""
    from chipwall.perf.estimate import interval
    from chipwall.perf.training.tune import tuning_budget

    chip, model = world.chip(chip_id), world.model(str(at["model"]))
    chips = int(number_at(at, "chips"))
    found = tuning_budget(
        model,
        chip,
        world.calibrated,
        chips=chips,
        base=str(at["weights"]),
        rank=int(number_at(at, "rank")),
        sequences=int(number_at(at, "sequences")),
        sequence=int(number_at(at, "context")),
    )
    need = found.need
    low, high = interval(need, "memory", "all", bands=world.calibrated.training.bands)
    largest = max((t for t in found.terms if t.where == "chip"), key=lambda part: part.bytes)
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
