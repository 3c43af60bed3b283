"""From a catalogue chip, or from plain numbers, to the item that the law reads."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Literal

from chipwall.controls import measures
from chipwall.controls.evidence import Weighed, availability, compiled_pattern, datacentre_mark, weighed, weighed_area
from chipwall.controls.law import Law
from chipwall.controls.logic import Interval, LegalNumber
from chipwall.controls.records import Item, Journey
from chipwall.errors import InputError
from chipwall.text import Text, text

if TYPE_CHECKING:
    from chipwall.catalog.records import Chip

__all__ = [
    "OPERAND_NAMES",
    "contradiction",
    "is_amount",
    "item_of_chip",
    "item_of_numbers",
    "operands",
    "taken_at_its_word",
    "vendor_of",
]

# Density may be printed rounded: beside TPP and area it may be off by this much before the three contradict each other.
DENSITY_TOLERANCE = Decimal("0.002")
# what a clause may name, as people say it
OPERAND_NAMES: Mapping[str, Text] = {
    "tpp": text("TPP"),
    "performance_density": text("performance density"),
    "memory_density": text("memory bandwidth density"),
    "dram_bandwidth": text("DRAM bandwidth"),
    "io_rate": text("I/O rate"),
    "dram_plus_io": text("DRAM bandwidth plus I/O rate"),
    "datacenter": text("data-centre design"),
    "transistors": text("transistors"),
    "hbm": text("high-bandwidth memory"),
    "aggregate_tpp_share": text("TPP shipped to China over TPP shipped to US customers"),
    "us_available": text("commercially available in the US"),
}
# powers of ten an amount may span: far beyond any chip, and small enough to divide, add and round without an overflow
_POWERS = 20
_SYNTHETIC = re.compile(r"^synthetic\b(?:\s*\((.*)\))?", re.IGNORECASE)


def vendor_of(name: str, law: Law) -> tuple[str, str]:
    """Vendor id and its country, recognised in a part's name; empty strings when nobody is.

    ``synthetic`` has no vendor and ``synthetic (Intel)`` has that one, so that a test case can name a letter's reader.
    """
    synthetic = _SYNTHETIC.match(name.strip())
    words = (synthetic[1] or "") if synthetic else name
    if synthetic and compiled_pattern(r"\b(PRC|China|Chinese|CN)\b").search(words):
        return "", "CN"
    for vendor in law.vendors:
        if compiled_pattern(vendor.pattern).search(words) or words.strip().lower() == vendor.id:
            return vendor.id, vendor.country
    return "", ""


def is_amount(number: Decimal) -> bool:
    """Whether a number can be a quantity of an item: finite, not negative, and of a size to calculate with."""
    return number.is_finite() and number >= 0 and abs(number.adjusted()) <= _POWERS


def named_parts(name: str, vendor: str, law: Law) -> frozenset[str]:
    """Ids of the parts that a letter, guidance or announcement names and that this name is."""
    return frozenset(
        part.id for part in law.parts if part.vendor == vendor and compiled_pattern(part.pattern).search(name)
    )


def item_of_numbers(
    name: str,
    *,
    law: Law,
    kind: Literal["processor", "memory", ""] = "",
    vendor: str = "",
    datacenter: bool | None = None,
    tpp: Decimal | None = None,
    die_area: Decimal | None = None,
    density: Decimal | None = None,
    dram_bandwidth: Decimal | None = None,
    io_rate: Decimal | None = None,
    transistors: Decimal | None = None,
    hbm: bool | None = None,
) -> Item:
    """An item from plain numbers in the units of the law; a name only tells vendor and named parts.

    Parameters
    ----------
    name : str
        ``H20 SXM``; a name ending in ``(bare)`` is a memory device.
    law : Law
        For vendors and named parts.
    tpp, die_area, density, dram_bandwidth, io_rate, transistors : Decimal or None
        [TPP], [mm2], [TPP/mm2] or for memory [GB/s/mm2], [GB/s], [GB/s], [1e9]. None is unknown, zero area is *no die
        counts*. ``dram_bandwidth`` includes what hangs on an on-package CPU.

    Raises
    ------
    InputError
        Density that contradicts TPP and area, or a negative number.
    """
    numbers = {
        "tpp": tpp,
        "die area": die_area,
        "density": density,
        "DRAM bandwidth": dram_bandwidth,
        "I/O rate": io_rate,
    }
    for label, number in numbers.items():
        if number is not None and not is_amount(number):
            raise InputError(text("{label} {number} is not an amount", label=Text.of(label), number=number), where=name)
    found_kind = kind or ("memory" if name.strip().lower().endswith("(bare)") else "processor")
    # a memory device's density is bandwidth over area, so TPP has no say in it
    problem = contradiction(tpp, die_area, density) if found_kind == "processor" else ""
    if problem:
        raise InputError(problem, where=name, fix=text("Leave the density out, or correct one of the three"))
    found_vendor, country = vendor_of(name, law)
    if vendor:
        found_vendor, country = vendor.lower(), next((v.country for v in law.vendors if v.id == vendor.lower()), "")
    parts = named_parts(name, found_vendor, law)
    on_sale, why = availability(name, vendor=found_vendor, country=country, parts=parts, law=law)
    return Item(
        name=name,
        kind=found_kind,
        vendor=found_vendor,
        designer_country=country,
        parts=parts,
        datacenter=datacenter,
        tpp=tpp,
        die_area=die_area,
        density=density,
        dram_bandwidth=dram_bandwidth,
        io_rate=io_rate,
        cpu_dram=sum((part.cpu_dram for part in law.parts if part.id in parts), Decimal(0)),
        transistors=transistors,
        hbm=hbm,
        us_available=on_sale,
        us_available_why=why,
    )


def contradiction(tpp: Decimal | None, die_area: Decimal | None, density: Decimal | None) -> str:
    """Why TPP, area and density cannot all be true; empty when they can, or when one is missing."""
    if tpp is None or density is None or not die_area:
        return ""
    quotient = tpp / die_area
    if abs(density - quotient) <= DENSITY_TOLERANCE * quotient:
        return ""
    return text(
        "density {density} contradicts {tpp} TPP / {area} mm2 = {quotient}",
        density=density,
        tpp=tpp,
        area=die_area,
        quotient=measures.plain_decimal(Decimal(f"{quotient:.4f}")),
    )


def item_of_chip(chip: Chip, *, law: Law) -> Item:
    """The item that a catalogue chip is: what decides, what is only a band or a hint, and where each number comes from."""
    tpp, density = measures.total_processing_performance(chip), measures.performance_density(chip)
    dram, rate = measures.dram_bandwidth(chip), measures.io_rate(chip)
    found = {"tpp": tpp, "performance_density": density, "dram_bandwidth": dram, "io_rate": rate}
    known = {name: weighed(chip, name, found[name]) for name in ("tpp", "dram_bandwidth", "io_rate")}
    area, mark = weighed_area(chip), datacentre_mark(chip, law)
    parts = named_parts(chip.name, chip.vendor, law)
    cpu_dram = sum((part.cpu_dram for part in law.parts if part.id in parts), Decimal(0))
    country = chip.word("designer_country") or next((v.country for v in law.vendors if v.id == chip.vendor), "")
    on_sale, why = availability(
        chip.name,
        vendor=chip.vendor,
        country=country,
        parts=parts,
        law=law,
        available=chip.fact("available"),
        status=chip.word("status"),
    )
    memory = known["dram_bandwidth"].value
    statuses = {name: one.status for name, one in known.items() if one.status}
    statuses |= {"datacenter": mark.status} | ({"performance_density": area.status} if area.status else {})
    provenance = {name: _provenance(measure) for name, measure in found.items()} | {"datacenter": mark.says}
    return Item(
        name=chip.name,
        vendor=chip.vendor,
        designer_country=country,
        parts=parts,
        datacenter=mark.value,
        tpp=known["tpp"].value,
        die_area=area.value,
        density=density.value if known["tpp"].value is not None and area.value else None,
        # the catalogue tells the stacks on the accelerator; the law's figure may include what hangs on the CPU
        dram_bandwidth=None if memory is None else memory + cpu_dram,
        io_rate=known["io_rate"].value,
        cpu_dram=cpu_dram,
        transistors=measures.exact_number(chip.fact("transistors"), "1e9"),
        hbm=chip.is_hbm if chip.word("memory_type") else None,
        provenance=provenance,
        sources=_sources(found, mark.source),
        notes=_notes(found, statuses, known, mark.hint),
        statuses=statuses,
        bands=_bands(known, area),
        hints=_hints(known, area, mark.hint),
        us_available=on_sale,
        us_available_why=why,
    )


def _sources(found: Mapping[str, measures.Measure], mark: str) -> tuple[str, ...]:
    """Ids of every source that the item rests on."""
    ids = [source for measure in found.values() for source in measure.sources]
    return tuple(dict.fromkeys((*ids, mark) if mark else ids))


def _bands(known: Mapping[str, Weighed], area: Weighed) -> dict[str, tuple[Decimal, Decimal]]:
    """Bands by operand; density carries those of total and area."""
    found = {name: one.band for name, one in known.items() if one.band is not None}
    total = known["tpp"]
    if total.value and area.value and (total.band or area.band):
        low, high = total.band or (total.value, total.value)
        small, large = area.band or (area.value, area.value)
        found["performance_density"] = (low / large, high / small)
    return found


def _hints(known: Mapping[str, Weighed], area: Weighed, mark: bool | None) -> dict[str, Decimal | bool]:
    found: dict[str, Decimal | bool] = {name: one.hint for name, one in known.items() if one.hint is not None}
    if area.hint is not None:
        found["die_area"] = area.hint
    return found if mark is None else {**found, "datacenter": mark}


def _notes(
    found: Mapping[str, measures.Measure],
    statuses: Mapping[str, str],
    known: Mapping[str, Weighed],
    mark: bool | None,
) -> tuple[tuple[str, str], ...]:
    """Per operand, what a reader must know about its number."""
    notes: list[tuple[str, str]] = []
    for name, measure in found.items():
        if measure.alternative is not None:
            says = text(
                "{quantity} is {value} under another reading: {note}",
                quantity=OPERAND_NAMES[name],
                value=measure.alternative,
                note=measure.alternative_note,
            )
            notes.append((name, says))
        if statuses.get(name) in ("estimated", "unverified"):
            says = text(
                "{quantity} rests on a source of status '{status}'",
                quantity=OPERAND_NAMES[name],
                status=Text.of(statuses[name]),
            )
            notes.append((name, says))
    for name, one in known.items():
        if one.hint is not None:
            says = text(
                "{quantity}: {value} is recalled without a source and decides nothing",
                quantity=OPERAND_NAMES[name],
                value=measures.plain_decimal(one.hint),
            )
            notes.append((name, says))
    if mark is not None:
        says = text(
            "{quantity}: '{value}' is recalled without a source and decides nothing",
            quantity=OPERAND_NAMES["datacenter"],
            value=text("yes") if mark else text("no"),
        )
        notes.append(("datacenter", says))
    return tuple(notes)


def _provenance(measure: measures.Measure) -> str:
    if measure.value is None:
        return measure.unknown
    return text(
        "{formula} ({status}; {sources})",
        formula=measure.formula,
        status=Text.of(measure.status),
        sources=", ".join(measure.sources),
    )


def taken_at_its_word(item: Item) -> Item:
    """The item with recalled values in place of unknown ones and no bands: which way an open answer leans."""
    hints = dict(item.hints)
    changes: dict[str, object] = {name: value for name, value in hints.items() if getattr(item, name) is None}
    if "dram_bandwidth" in changes:
        changes["dram_bandwidth"] = Decimal(str(changes["dram_bandwidth"])) + item.cpu_dram
    total, area = changes.get("tpp", item.tpp), changes.get("die_area", item.die_area)
    if (
        item.kind == "processor"
        and item.density is None
        and isinstance(total, Decimal)
        and isinstance(area, Decimal)
        and area
    ):
        changes["density"] = total / area
    return replace(item, **changes, bands={}, hints={})  # type: ignore[arg-type]  # names and types are the record's own


def operands(
    item: Item, journey: Journey, *, dram_bandwidth: Decimal | None, datacenter: bool | None
) -> Mapping[str, LegalNumber]:
    """Every operand that a clause may name, under one reading of the open ones; an estimate comes with its band.

    Density is the given one, else the exact quotient, else unknown; without any die that counts it is undefined, which
    the rules treat as unknown.
    """
    processor = item.kind == "processor"
    top = item.tpp if processor else item.dram_bandwidth
    density = item.density
    if density is None and top is not None and item.die_area:
        density = top / item.die_area
    both = None if dram_bandwidth is None or item.io_rate is None else dram_bandwidth + item.io_rate
    found: dict[str, LegalNumber] = {
        "tpp": item.tpp,
        "performance_density": density if processor else None,
        "memory_density": None if processor else density,
        "dram_bandwidth": dram_bandwidth,
        "io_rate": item.io_rate,
        "dram_plus_io": both,
        "datacenter": datacenter,
        "transistors": item.transistors,
        "hbm": item.hbm,
        "aggregate_tpp_share": journey.aggregate_tpp_share,
        "us_available": item.us_available if journey.us_available is None else journey.us_available,
        **item.figures,
    }
    return found if not item.bands else found | _intervals(item, found)


def _intervals(item: Item, found: Mapping[str, LegalNumber]) -> dict[str, LegalNumber]:
    """The operands whose number is an estimate, as intervals around the number in use."""
    bands = dict(item.bands)
    if {"dram_bandwidth", "io_rate"} & set(bands):
        memory, rate = (bands.get(name, _point(found[name])) for name in ("dram_bandwidth", "io_rate"))
        if memory is not None and rate is not None:
            bands["dram_plus_io"] = (memory[0] + rate[0], memory[1] + rate[1])
    intervals: dict[str, LegalNumber] = {}
    for name, (low, high) in bands.items():
        key = "memory_density" if name == "performance_density" and item.kind == "memory" else name
        value = found.get(key)
        if isinstance(value, Decimal):
            intervals[key] = Interval(low, value, high)
    return intervals


def _point(value: LegalNumber) -> tuple[Decimal, Decimal] | None:
    return (value, value) if isinstance(value, Decimal) else None
