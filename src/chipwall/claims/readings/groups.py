"""Readings of a chip among others: which family it belongs to, when it came out, how it stands against the best of a group."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

from chipwall.catalog.periods import parse_period
from chipwall.catalog.records import Chip
from chipwall.claims.library import Library
from chipwall.claims.readings.law import legal_quantity
from chipwall.claims.records import Claim, Reading, Value
from chipwall.errors import ChipwallError, Unknown
from chipwall.text import text
from chipwall.units import format_quantity

__all__ = ["CHIP_GROUPS", "belongs_to", "came_out", "model_parameters", "ratio_to_best"]

Conditions = Mapping[str, Value]
# Groups a chip can be compared with: by the country of its designer.
CHIP_GROUPS: Mapping[str, tuple[str, ...]] = {"chinese": ("CN",), "american": ("US",), "all": ()}
_UNITS = {
    "tpp": "TPP",
    "memory_bandwidth": "byte/s",
    "memory_capacity": "byte",
    "bf16_rate": "flop/s",
    "fp8_rate": "flop/s",
}


def belongs_to(claim: Claim, at: Conditions, world: Library) -> Reading:
    """Whether a chip is of a family of silicon, Hopper for example."""
    from chipwall.perf.load import silicon_of

    chip = world.chip(claim.subject)
    found = silicon_of(chip)
    told = text("{chip} is a part of {family}", chip=chip.name, family=found.title())
    return Reading(
        found.startswith(str(at["family"]).split("-")[0]),
        sources=_sources(chip, "maker", "form_factor"),
        calculation=told,
    )


def came_out(claim: Claim, at: Conditions, world: Library) -> Reading:
    """Whether a chip was announced, or first shipped, between two days."""
    chip, event = world.chip(claim.subject), str(at["event"])
    first, last = at["from"], at["until"]
    assert isinstance(first, date)
    assert isinstance(last, date)
    begin, end, said = _when(chip, event)
    told = text(
        "{chip}: {event} {when}",
        chip=chip.name,
        event=text("announced") if event == "announced" else text("available"),
        when=said,
    )
    sources = _sources(chip, event, "released")
    if first <= begin and end <= last:
        return Reading(True, sources=sources, calculation=told)
    if end < first or last < begin:
        return Reading(False, sources=sources, calculation=told)
    return Reading(
        None,
        unknown=text("{chip}: {event} {when}, which is not exact enough", chip=chip.name, event=event, when=said),
        sources=sources,
    )


def _when(chip: Chip, event: str) -> tuple[date, date, str]:
    words = chip.word(event) or (chip.word("released") if event == "announced" else "")
    period = parse_period(words) if words else None
    if period is None or period.start is None or period.end is None:
        raise Unknown(text("when {chip} came out is not published", chip=chip.name))
    return period.start, period.end, words


def ratio_to_best(claim: Claim, at: Conditions, world: Library) -> Reading:
    """The subject's number over the best one of a group on sale that day [1]."""
    group, measure, on = str(at["group"]), str(at["measure"]), at["on"]
    assert isinstance(on, date)
    subject = world.chip(claim.subject)
    own, own_sources = _number(subject, measure, world)
    best: Chip | None = None
    number = 0.0
    cited: tuple[str, ...] = ()
    for chip in world.catalog.chips.values():
        if chip.id == subject.id or chip.family == subject.family or not _on_sale(chip, group, on):
            continue
        try:
            found, sources = _number(chip, measure, world)
        except ChipwallError:
            continue
        if found > number:
            best, number, cited = chip, found, sources
    if best is None:
        raise Unknown(text("no chip of that group was on sale on {day}", day=on))
    unit = _UNITS[measure]
    told = text(
        "{one}: {own}; best of the group: {other}, {number}",
        one=subject.name,
        own=format_quantity(own, unit),
        other=best.name,
        number=format_quantity(number, unit),
    )
    return Reading(own / number, own / number, own / number, tuple(dict.fromkeys((*own_sources, *cited))), told)


def _on_sale(chip: Chip, group: str, on: date) -> bool:
    countries = CHIP_GROUPS[group]
    if countries and chip.word("designer_country") not in countries:
        return False
    if chip.word("status") in ("rumoured", "cancelled", "announced"):
        return False
    words = chip.word("available") or chip.word("released")
    period = parse_period(words) if words else None
    return period is not None and period.start is not None and period.start <= on + timedelta(days=1)


def _number(chip: Chip, measure: str, world: Library) -> tuple[float, tuple[str, ...]]:
    if measure == "tpp":
        return legal_quantity(chip, "tpp")
    return chip.require(measure), _sources(chip, measure)


def _sources(chip: Chip, *quantities: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(f.source for q in quantities if (f := chip.fact(q))))


def model_parameters(claim: Claim, at: Conditions, world: Library) -> Reading:
    """Parameters of a language model, all or those active for one token [1]."""
    model = world.model(str(at["model"]))
    active = at["counted"] == "active"
    found = model.active_parameters if active else model.parameters
    if active and found is None and not model.is_moe:
        found = model.parameters
    if found is None:
        raise Unknown(text("the parameters of {model} are not published", model=model.name))
    told = text("{model}: {count:,.4g} billion parameters", model=model.name, count=found / 10**9)
    return Reading(float(found), float(found), float(found), (model.source,), told)
