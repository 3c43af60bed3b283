"""How old the data is: the newest row of each kind, of all and of one chip, and facts drawn to be checked by hand."""

from __future__ import annotations

import random
import re
from collections.abc import Iterable
from functools import lru_cache

from chipwall import catalog
from chipwall.catalog.prices import prices
from chipwall.catalog.quantities import QUANTITIES
from chipwall.catalog.records import Chip
from chipwall.errors import ChipwallError
from chipwall.perf.load import MEASURED, measured
from chipwall.report.forms.table import Cell, Column, Table
from chipwall.report.pages.catalog import fact_cell
from chipwall.sources import Fact, address_of
from chipwall.text import Text, text

__all__ = ["FIRST_TABLE", "age_sentence", "age_table", "newest_measurement", "sample_table"]

# What the first table about a chip says; a sample is drawn from these.
FIRST_TABLE = (
    "maker", "status", "announced", "available", "form_factor", "fab_node", "memory_type", "memory_capacity", "memory_reported",
    "memory_bandwidth", "bf16_rate", "fp8_rate", "int8_rate", "fp4_rate", "fp64_rate", "link_bandwidth", "scaleup_domain", "tdp",
)  # fmt: skip
_DATED = re.compile(r"^20\d\d(?:-(?:0[1-9]|1[0-2])(?!\d)(?:-\d\d)?)?")


def _newest(days: Iterable[str]) -> str:
    """The latest of some days as tables write them; empty where none is a day."""
    return max((m[0] for m in map(_DATED.match, days) if m), default="")


@lru_cache(maxsize=1)
def _days_by_chip() -> dict[str, dict[str, str]]:
    """Per kind of measurement and chip the newest day, chips by id."""
    found: dict[str, dict[str, str]] = {}
    for kind in MEASURED:
        named: dict[str, list[str]] = {}
        for row in measured(kind):
            if "chip" in row:  # some tables are of models alone
                named.setdefault(row["chip"], []).append(row.get("date", ""))
        for name, days in named.items():
            chip, newest = _id_of(name), _newest(days)
            if chip and newest > found.get(kind, {}).get(chip, ""):
                found.setdefault(kind, {})[chip] = newest
    return found


def _id_of(name: str) -> str:
    names = catalog.load().names
    alias = names.chip_aliases.get(name)
    if alias is not None:
        return alias.id
    try:
        return names.chip(name).id
    except ChipwallError:
        return ""


def newest_measurement(chip: Chip) -> tuple[str, str]:
    """Day and kind of the newest measurement of a chip; empty where none is dated."""
    return max(((days[chip.id], kind) for kind, days in _days_by_chip().items() if chip.id in days), default=("", ""))


def age_sentence(chip: Chip) -> Text:
    """What a brief says about the age of what it knows of a chip."""
    day, kind = newest_measurement(chip)
    read = _newest(f.accessed for f in chip.facts)
    paid = _newest(p.period.label for p in prices(chip.id)) or "-"
    if not day:
        return text(
            "Newest measurement of this chip: none. Facts looked at {read}, newest price {paid}.", read=read, paid=paid
        )
    return text(
        "Newest measurement of this chip: {day} ({kind}). Facts looked at {read}, newest price {paid}.",
        day=day, kind=Text.of(kind), read=read, paid=paid,
    )  # fmt: skip


def age_table() -> Table:
    """The newest row of each kind of data, and of which chips it is."""
    known = catalog.load()
    facts = [f for c in known.chips.values() for f in c.facts]
    rows: list[tuple[object, ...]] = [
        (Cell(text("facts"), "facts"), len(facts), _newest(f.accessed for f in facts), ""),
        _price_row("buy"),
        _price_row("rent"),
    ]
    for kind in MEASURED:
        days = [row.get("date", "") for row in measured(kind)]
        newest = _newest(days)
        chips = sorted(c for c, day in _days_by_chip().get(kind, {}).items() if day == newest)
        rows.append((Cell(Text.of(kind), kind), len(days), newest or "-", ", ".join(chips[:4])))
    columns = (
        Column("kind", text("Kind")),
        Column("rows", text("Rows"), right=True),
        Column("newest", text("Newest")),
        Column("chips", text("Of these chips")),
    )
    return Table(text("Data of {version}", version=known.version), columns, tuple(rows))


def _price_row(offer: str) -> tuple[object, ...]:
    from chipwall.catalog.prices import load_prices

    held = [p for p in load_prices() if p.offer == offer]
    newest = _newest(p.period.label for p in held)
    chips = sorted({p.chip for p in held if p.period.label == newest})
    title = text("prices") if offer == "buy" else text("rents")
    return (Cell(title, "prices" if offer == "buy" else "rents"), len(held), newest, ", ".join(chips[:4]))


def sample_table(seed: int, count: int) -> Table:
    """Facts of the first tables drawn at random, each with what is needed to look it up."""
    known = catalog.load()
    all_of_them = [
        (c, f)
        for c in known.chips.values()
        for q in FIRST_TABLE
        if (f := c.fact(q)) is not None and f.value is not None
    ]
    drawn = random.Random(seed).sample(all_of_them, min(count, len(all_of_them)))
    columns = (
        Column("chip", text("Chip")),
        Column("quantity", text("Quantity")),
        Column("value", text("Value"), right=True),
        Column("status", text("Status")),
        Column("source", text("Source")),
        Column("locator", text("Where in it")),
        Column("url", text("Address")),
    )
    return Table("", columns, tuple(_sampled(chip, fact) for chip, fact in drawn))


def _sampled(chip: Chip, fact: Fact) -> tuple[object, ...]:
    source = catalog.load().sources[fact.source]
    address = address_of(fact, source)
    title = Cell(QUANTITIES[fact.quantity].title, fact.quantity)
    return (
        chip.id,
        title,
        fact_cell(fact),
        Text.of(fact.status),
        Cell(fact.source, fact.source, url=address),
        fact.locator or fact.formula,
        address,
    )
