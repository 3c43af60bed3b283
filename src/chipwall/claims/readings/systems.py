"""Readings of systems: a rack or node against another, as the sum of its chips."""

from __future__ import annotations

from collections.abc import Mapping

from chipwall.catalog.quantities import QUANTITIES
from chipwall.claims.library import Library
from chipwall.claims.records import Claim, Reading, Value
from chipwall.errors import Unknown
from chipwall.text import text
from chipwall.units import format_quantity

__all__ = ["system_ratio"]


def system_ratio(claim: Claim, at: Mapping[str, Value], world: Library) -> Reading:
    """One system's sum over another's [1]: peak rates, memory, bandwidth, or power of chips and hosts."""
    measure = str(at["measure"])
    (top, top_sources), (under, under_sources) = (_sum(str(at[name]), measure, world) for name in ("system", "over"))
    unit = "W" if measure == "power" else QUANTITIES[measure].dimension
    told = text(
        "{one}: {top}; {other}: {under}",
        one=world.catalog.systems[str(at["system"])].name,
        top=format_quantity(top, unit),
        other=world.catalog.systems[str(at["over"])].name,
        under=format_quantity(under, unit),
    )
    ratio = top / under
    return Reading(ratio, ratio, ratio, tuple(dict.fromkeys((*top_sources, *under_sources))), told)


def _sum(system_id: str, measure: str, world: Library) -> tuple[float, tuple[str, ...]]:
    system = world.catalog.systems[system_id]
    chip = world.chip(system.chip)
    count = system.value("chips")
    if not count:
        raise Unknown(text("how many chips {system} holds is not published", system=system.name))
    quantity = "tdp" if measure == "power" else measure
    fact = chip.fact(quantity)
    each = chip.require(quantity)
    hosts = (system.value("host_power") or 0.0) * (system.value("nodes") or 0.0) if measure == "power" else 0.0
    return each * count + hosts, tuple(s for s in ((fact.source if fact else ""), system.facts["chips"].source) if s)
