"""Names of chips in measured tables: the catalogue's, and the few that only such a table uses."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

from chipwall import catalog
from chipwall.catalog.records import Chip
from chipwall.errors import ChipwallError
from chipwall.perf.load import table
from chipwall.sources import Fact

__all__ = ["measured_chip"]

# What a part of a module has less of; counts and clocks stay.
SCALED = ("memory_capacity", "memory_reported", "memory_bandwidth", "tdp", "core_count", "link_bandwidth", "l2_cache")


def _catalogued(name: str) -> Chip:
    """The catalogue's chip; of a name that covers several, such as ``MI350X/MI355X(gfx950)``, the first it knows."""
    try:
        return catalog.chip(name)
    except ChipwallError as unknown:
        plain = name.partition("(")[0].strip()
        for one in [plain, *plain.split("/")] if plain != name or "/" in plain else []:
            try:
                return catalog.chip(one.strip())
            except ChipwallError:
                continue
        raise unknown


@lru_cache(maxsize=512)
def measured_chip(name: str) -> Chip:
    """The chip that a row of a measured table names; raises :class:`~chipwall.errors.InputError` with the nearest.

    A variant (a part of a module, a bin that was never sold on its own) is its base with some facts replaced.
    """
    variants = table("variants")["variant"]
    if name not in variants:
        return _catalogued(name)
    entry = variants[name]
    base = catalog.chip(str(entry["base"]))
    changed = {quantity: float(value) for quantity, value in entry.items() if isinstance(value, float)}
    scale = changed.pop("scale", 1.0)
    if scale != 1.0:
        for quantity, fact in base.chosen.items():
            if (quantity in SCALED or quantity.endswith("_rate")) and fact.number is not None:
                changed[quantity] = fact.number * scale
    facts = {
        q: Fact(q, v, str(v), "SI", "reported", "measured-variants", note=entry["source"]) for q, v in changed.items()
    }
    chosen = {**base.chosen, **facts}
    chosen = {q: f for q, f in chosen.items() if f.number != 0.0 or not q.endswith("_rate")}
    # the generic 910B is not for sale: rows that do not state the bin keep their own name
    return replace(base, name=name, chosen=chosen) if facts else base
