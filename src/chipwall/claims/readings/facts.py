"""Readings from the catalogue: facts, their ratios, and places between two chips."""

from __future__ import annotations

from collections.abc import Mapping
from math import log

from chipwall.catalog.quantities import QUANTITIES
from chipwall.claims.library import Library
from chipwall.claims.records import Claim, Reading, Value
from chipwall.errors import Unknown
from chipwall.sources import Fact
from chipwall.text import Text, text
from chipwall.units import format_quantity

__all__ = ["fact", "fact_ratio", "position", "ratio_interval"]

Conditions = Mapping[str, Value]


def fact(claim: Claim, at: Conditions, world: Library) -> Reading:
    """The fact in use, with the bounds of its source."""
    found = _fact(claim.subject, at, world)
    told = text(
        "{chip}: {value} ({status})", chip=world.chip(claim.subject).name, value=_shown(found), status=found.status
    )
    if found.number is None:
        return Reading(found.value, sources=(found.source,), calculation=told)
    return Reading(
        found.number,
        found.number if found.low is None else found.low,
        found.number if found.high is None else found.high,
        (found.source,),
        told,
        basis="exact" if found.low is None else "interval",
    )


def fact_ratio(claim: Claim, at: Conditions, world: Library) -> Reading:
    """The subject's number over the baseline's."""
    top, bottom = _number(claim.subject, at, world), _number(claim.baseline, at, world)
    low, high = ratio_interval(_interval(top), _interval(bottom))
    over, under = top.number, bottom.number
    assert over is not None
    assert under is not None
    told = text(
        "{measure}: {one} / {other} = {ratio:.3g}",
        measure=QUANTITIES[str(at["measure"])].title,
        one=_shown(top),
        other=_shown(bottom),
        ratio=over / under,
    )
    return Reading(over / under, low, high, _sources(top, bottom), told)


def position(claim: Claim, at: Conditions, world: Library) -> Reading:
    """Where the subject lies between the baseline (0) and the upper chip (1), on a logarithmic scale."""
    middle, lower, upper = (_number(chip, at, world) for chip in (claim.subject, claim.baseline, str(at["upper"])))
    values = [f.number for f in (middle, lower, upper)]
    if min(v or 0.0 for v in values) <= 0:
        raise Unknown(
            text("{measure} is zero for one of the chips, so no place between them exists", measure=str(at["measure"]))
        )
    a, b, c = (log(v or 1.0) for v in values)
    if b == c:
        raise Unknown(text("{measure} is the same for both ends", measure=str(at["measure"])))
    told = text(
        "{measure}: {lower}, {middle}, {upper}",
        measure=QUANTITIES[str(at["measure"])].title,
        lower=_shown(lower),
        middle=_shown(middle),
        upper=_shown(upper),
    )
    place = (a - b) / (c - b)
    return Reading(place, place, place, _sources(middle, lower, upper), told)


def ratio_interval(top: tuple[float, float], bottom: tuple[float, float]) -> tuple[float, float]:
    """Ends of a ratio of two independent intervals of positive numbers [1]."""
    return top[0] / bottom[1], (top[1] / bottom[0] if bottom[0] > 0 else float("inf"))


def _fact(chip_id: str, at: Conditions, world: Library) -> Fact:
    chip, measure = world.chip(chip_id), str(at["measure"])
    found = chip.fact(measure)
    if found is None or found.value is None:
        raise Unknown(text("{measure} of {chip} is not published", measure=measure, chip=chip.name))
    return found


def _number(chip_id: str, at: Conditions, world: Library) -> Fact:
    found = _fact(chip_id, at, world)
    if found.number is None:
        raise Unknown(
            text("{measure} of {chip} is not a number", measure=found.quantity, chip=world.chip(chip_id).name)
        )
    return found


def _interval(found: Fact) -> tuple[float, float]:
    number = found.number or 0.0
    return (number if found.low is None else found.low), (number if found.high is None else found.high)


def _sources(*facts: Fact) -> tuple[str, ...]:
    return tuple(dict.fromkeys(f.source for f in facts))


def _shown(found: Fact) -> str | Text:
    if found.number is None:
        return str(found.value)
    return format_quantity(found.number, QUANTITIES[found.quantity].dimension)
