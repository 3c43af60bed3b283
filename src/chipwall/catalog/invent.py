"""Invented chips: a chip of the catalogue with some figures replaced, for what-if questions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from chipwall.catalog.quantities import QUANTITIES
from chipwall.catalog.records import Chip
from chipwall.errors import InputError, unknown_name
from chipwall.inputs import amount, data_rate, nearest_names, number, quote, term
from chipwall.sources import Fact
from chipwall.text import text

__all__ = ["invented"]

# How an SI unit is written beside a published number.
_SYMBOLS = {"byte": "B", "byte/s": "B/s", "flop/s": "FLOP/s", "1/s": "Hz", "generation": "gen", "word": "", "flag": ""}


def invented(chip: Chip, *, name: str = "", quantities: Mapping[str, object]) -> Chip:
    """A chip with other figures: each is a fact without a source, and the only one of its quantity in use.

    Parameters
    ----------
    chip : Chip
        Where all other figures come from.
    name : str
        What it is called; by default the chip's name with what was changed.
    quantities : mapping
        By quantity of the glossary: an amount with its unit (``"6 TB/s"``), a number in SI, or None for unknown.

    Raises
    ------
    InputError
        A quantity that is not in the glossary, or a value that cannot be one.

    Limits
    ------
    Constants fitted for the silicon are kept; a figure far outside those of its architecture is extrapolated.
    """
    if not quantities:
        raise InputError(text("nothing is changed"), fix=text("Give a quantity, for example memory_bandwidth='6 TB/s'"))
    made = {q: _fact(q, value) for q, value in quantities.items()}
    said = ", ".join(f"{q} {quote(v)}" for q, v in quantities.items())
    called = term(name, "name") if name else f"{chip.name} with {said}"
    kept = tuple(f for f in chip.facts if f.quantity not in made)
    facts = (*kept, *(f for f in made.values() if f is not None))
    chosen = {q: f for q, f in chip.chosen.items() if q not in made} | {q: f for q, f in made.items() if f is not None}
    return replace(chip, id=f"{chip.id}*", name=called, aliases=(), facts=facts, chosen=chosen)


def _fact(quantity: str, value: object) -> Fact | None:
    if quantity not in QUANTITIES:
        near = nearest_names(quantity, QUANTITIES)
        raise unknown_name("quantity", quote(quantity), nearest=near, listing="chipwall chip h200")
    if value is None:
        return None
    found: float | str | bool
    dimension = QUANTITIES[quantity].dimension
    if dimension in ("word", "flag"):
        found = bool(value) if dimension == "flag" else term(value, quantity)
    elif dimension == "byte/s":
        found = data_rate(value, quantity)
    elif isinstance(value, str) and dimension not in ("1", "generation"):
        found = amount(value, quantity, dimension=dimension)
    else:
        found = number(value, quantity, least=0.0, most=1e24)
    unit = _SYMBOLS.get(dimension, dimension)
    return Fact(quantity, found, str(found), unit, "unverified", "given by the caller", prefer="given by the caller")
