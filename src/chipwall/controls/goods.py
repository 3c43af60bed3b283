"""What may be asked about by name: a chip, a server or rack with chips in it, or memory by its generation.

A server or rack is judged by the chips inside it: if one of them meets 3A090, the computer is 4A090 (Technical Notes to
4A090), and its total is not added up. Memory traded bare is judged by its bandwidth density alone.
"""

from __future__ import annotations

import re
from dataclasses import replace
from decimal import Decimal
from difflib import get_close_matches

from chipwall import catalog
from chipwall.catalog.records import System
from chipwall.controls.item import item_of_chip
from chipwall.controls.law import Law
from chipwall.controls.records import Item
from chipwall.errors import InputError, unknown_name
from chipwall.text import Text, text

__all__ = ["item_by_name"]

# a density that a source only says to lie over a limit: shown just above it, with everything beyond left possible
_JUST_OVER, _FAR = Decimal("0.01"), Decimal(1000)


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _system(name: str) -> System | None:
    asked = _plain(name)
    if asked in {_plain(c.family) for c in catalog.load().chips.values()}:
        return None  # the name of a family is the chip, though a node of eight may carry it too
    for system in catalog.load().systems.values():
        if asked in {_plain(words) for words in (system.id, system.name, *system.aliases)}:
            return system
    return None


def item_by_name(name: str, *, law: Law) -> Item:
    """The item of a name: a memory generation, a system of the catalogue, else a chip.

    Raises
    ------
    InputError
        Nothing of the catalogue answers to the name; the message names the nearest chips and systems.
    """
    for memory in law.memories:
        if re.match(memory.pattern, name.strip(), re.IGNORECASE):
            return _memory(memory.id, memory.over, memory.status, memory.source)
    try:
        chip = catalog.chip(name)
    except InputError as error:
        system = _system(name)
        if system is not None:
            return _computer(system, law)
        near = get_close_matches(name.lower(), catalog.load().systems, n=3, cutoff=0.6)
        if near:
            raise unknown_name("chip", name, nearest=near, listing="chipwall catalog list") from error
        raise
    # the catalogue answers the name of a system with the chip inside it; the law asks about the computer
    own = any(_plain(name) in _plain(words) for words in (chip.id, chip.name, *chip.aliases))
    system = None if own else _system(name)
    return item_of_chip(chip, law=law) if system is None else _computer(system, law)


def _memory(generation: str, over: Decimal, status: str, source: str) -> Item:
    """A bare stack of a generation, known to lie over a density and no more."""
    says = text(
        "every {generation} stack in production exceeds {over} GB/s/mm2 ({source})",
        generation=generation.upper(),
        over=over,
        source=source,
    )
    density = over + _JUST_OVER
    return Item(
        name=f"{generation.upper()} stack",
        kind="memory",
        density=density,
        provenance={"memory_density": says},
        sources=(source,),
        statuses={"memory_density": status},
        bands={"performance_density": (density, _FAR)},
        us_available_why=Text("memory"),
    )


def _computer(system: System, law: Law) -> Item:
    """A server or rack: its chip, judged through 4A090."""
    inside = item_of_chip(catalog.chip(system.chip), law=law)
    count = system.value("chips")
    says = text(
        "judged by each {chip} inside, {count} of them; totals are not added", chip=inside.name, count=int(count or 0)
    )
    return replace(inside, name=system.name, computer=True, notes=(("tpp", says), *inside.notes))
