"""From a catalogue chip, or from plain numbers, to the item that the law reads."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

from chipwall.controls import measures
from chipwall.controls.law import Law
from chipwall.controls.records import Item, Journey
from chipwall.errors import InputError
from chipwall.text import Text, text

if TYPE_CHECKING:
    from chipwall.catalog.records import Chip

__all__ = ["OPERAND_NAMES", "contradiction", "is_amount", "item_of_chip", "item_of_numbers", "operands", "vendor_of"]

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


@lru_cache(maxsize=512)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


def vendor_of(name: str, law: Law) -> tuple[str, str]:
    """Vendor id and its country, recognised in a part's name; empty strings when nobody is.

    ``synthetic`` has no vendor and ``synthetic (Intel)`` has that one, so that a test case can name a letter's reader.
    """
    synthetic = _SYNTHETIC.match(name.strip())
    words = (synthetic[1] or "") if synthetic else name
    if synthetic and _compiled(r"\b(PRC|China|Chinese|CN)\b").search(words):
        return "", "CN"
    for vendor in law.vendors:
        if _compiled(vendor.pattern).search(words) or words.strip().lower() == vendor.id:
            return vendor.id, vendor.country
    return "", ""


def is_amount(number: Decimal) -> bool:
    """Whether a number can be a quantity of an item: finite, not negative, and of a size to calculate with."""
    return number.is_finite() and number >= 0 and abs(number.adjusted()) <= _POWERS


def named_parts(name: str, vendor: str, law: Law) -> frozenset[str]:
    """Ids of the parts that a letter, guidance or announcement names and that this name is."""
    return frozenset(part.id for part in law.parts if part.vendor == vendor and _compiled(part.pattern).search(name))


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
        quotient=measures.plain(Decimal(f"{quotient:.4f}")),
    )


def item_of_chip(chip: Chip, *, law: Law) -> Item:
    """The item that a catalogue chip is, with the provenance of each number."""
    tpp, density = measures.total_processing_performance(chip), measures.performance_density(chip)
    dram, rate = measures.dram_bandwidth(chip), measures.io_rate(chip)
    area, transistors = chip.fact("applicable_die_area"), chip.fact("transistors")
    parts = named_parts(chip.name, chip.vendor, law)
    cpu_dram = sum((part.cpu_dram for part in law.parts if part.id in parts), Decimal(0))
    found = {"tpp": tpp, "performance_density": density, "dram_bandwidth": dram, "io_rate": rate}
    marks = chip.fact("data_centre")
    notes = [
        (
            name,
            text(
                "{quantity} is {value} under another reading: {note}",
                quantity=OPERAND_NAMES[name],
                value=m.alternative,
                note=m.alternative_note,
            ),
        )
        for name, m in found.items()
        if m.alternative is not None
    ]
    notes += [
        (
            name,
            text(
                "{quantity} rests on a source of status '{status}'",
                quantity=OPERAND_NAMES[name],
                status=Text.of(m.status),
            ),
        )
        for name, m in found.items()
        if m.status in ("estimated", "unverified", "reported")
    ]
    return Item(
        name=chip.name,
        vendor=chip.vendor,
        designer_country=chip.word("designer_country"),
        parts=parts,
        datacenter=None if marks is None else marks.value in (True, 1.0, "1", "yes", "true"),
        tpp=tpp.value,
        die_area=measures.exact(area, "mm2"),
        density=density.value,
        # the catalogue tells the stacks on the accelerator; the law's figure may include what hangs on the CPU
        dram_bandwidth=None if dram.value is None else dram.value + cpu_dram,
        io_rate=rate.value,
        cpu_dram=cpu_dram,
        transistors=measures.exact(transistors, "1e9"),
        hbm=chip.is_hbm if chip.word("memory_type") else None,
        provenance={name: _provenance(measure) for name, measure in found.items()},
        sources=tuple(dict.fromkeys(source for measure in found.values() for source in measure.sources)),
        notes=tuple(notes),
        estimated=frozenset(name for name, m in found.items() if m.status == "estimated"),
    )


def _provenance(measure: measures.Measure) -> str:
    if measure.value is None:
        return measure.unknown
    return text(
        "{formula} ({status}; {sources})",
        formula=measure.formula,
        status=Text.of(measure.status),
        sources=", ".join(measure.sources),
    )


def operands(
    item: Item, journey: Journey, *, dram_bandwidth: Decimal | None, datacenter: bool | None
) -> Mapping[str, Decimal | bool | None]:
    """Every operand that a clause may name, under one reading of the open ones.

    Density is the given one, else the exact quotient, else unknown; without any die that counts it is undefined, which
    the rules treat as unknown.
    """
    processor = item.kind == "processor"
    top = item.tpp if processor else item.dram_bandwidth
    density = item.density
    if density is None and top is not None and item.die_area:
        density = top / item.die_area
    both = None if dram_bandwidth is None or item.io_rate is None else dram_bandwidth + item.io_rate
    return {
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
        "us_available": journey.us_available,
        **item.figures,
    }
