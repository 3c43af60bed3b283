"""How well the numbers of a catalogue chip are known, and what a limit may make of them.

One rule for every operand. A published number decides. An estimate decides only where its whole band lies on one side of
the limit. What the catalogue recalls without a source decides nothing: it is kept as a hint, which says which way an open
answer leans. A mark (designed for data centres or not) that nobody sourced counts as unknown, unless it follows from facts
that are sourced: high-bandwidth memory, or a maker who builds the part for its own data centres.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING

from chipwall.controls import measures
from chipwall.controls.law import Law
from chipwall.sources import Fact
from chipwall.text import Text, text

if TYPE_CHECKING:
    from chipwall.catalog.records import Chip

__all__ = ["Mark", "Weighed", "availability", "datacentre_mark", "weighed", "weighed_area"]

INFERRED = "inferred"
_RECALLED = ("unsourced", "compiler-recall")  # read nowhere: the status of such a fact, and the source id of older ones
_KNOWN = ("official", "measured", "reported")
# Half width of an estimate whose source states no bounds. Twenty percent is the spread between public guesses of one chip's
# applicable area (MI308X: 2,070 and 2,400 mm2); a figure computed from a sibling's clock and cores is good to one.
_SHARES = {"computed-sibling": Decimal("0.01")}
_ESTIMATE = Decimal("0.2")
_ONE_DIE = Decimal("0.01")  # a die area rounded to the millimetre
_AGREE = Decimal("0.02")  # a recalled rate that a reported total confirms within this is no longer recalled
_RATES = ("fp4_rate", "fp6_rate", "fp8_rate", "int8_rate", "int4_rate", "fp16_rate", "bf16_rate")
# the 2026 policy asks for parts on sale in the United States on this day (91 FR 1684, summary)
_ON_SALE = "2026-01-15"


@dataclass(frozen=True, slots=True)
class Weighed:
    """One operand as the law may use it: a value that decides, its status, its band, or only a hint."""

    value: Decimal | None
    status: str = ""
    band: tuple[Decimal, Decimal] | None = None
    hint: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Mark:
    """Whether a part is designed or marketed for data centres, how well that is known, and where it was read."""

    value: bool | None
    status: str
    says: str
    source: str = ""
    hint: bool | None = None


def _claim(chip: Chip, quantity: str) -> Fact | None:
    """What the catalogue holds, sourced or not."""
    return chip.chosen.get(quantity)


def _sourced(fact: Fact | None) -> bool:
    return fact is not None and str(fact.status) not in _RECALLED and fact.source not in _RECALLED


def _share(fact: Fact, *, one_die: bool = False) -> tuple[Decimal, Decimal]:
    """Least and greatest value over the value."""
    if fact.low is not None and fact.high is not None and fact.number:
        return Decimal(repr(fact.low / fact.number)), Decimal(repr(fact.high / fact.number))
    if fact.status not in ("estimated", "unverified"):
        return Decimal(1), Decimal(1)
    half = _ONE_DIE if one_die else _SHARES.get(fact.source, _ESTIMATE)
    return 1 - half, 1 + half


def _facts_of(chip: Chip, quantity: str) -> list[Fact]:
    """The facts that a measure of the chip rests on."""
    if quantity == "tpp":
        measure = measures.total_processing_performance(chip)
        name = f"{measure.number_format}_rate" if measure.number_format else "reported_tpp"
        names: tuple[str, ...] = (name,)
    else:
        names = {"dram_bandwidth": ("memory_bandwidth",), "io_rate": ("link_bandwidth", "pcie_generation")}[quantity]
    return [fact for name in names if (fact := _claim(chip, name)) is not None]


def weighed(chip: Chip, quantity: str, measure: measures.Measure) -> Weighed:
    """A measure of a chip as the law may use it (``tpp``, ``dram_bandwidth``, ``io_rate``)."""
    if measure.value is None:
        # a higher rate is recalled and nobody sourced it: which way an open answer leans, and no more
        claimed = measures.claimed_tpp(chip) if quantity == "tpp" else None
        return Weighed(None) if claimed is None else Weighed(None, "unsourced", None, claimed)
    facts = _facts_of(chip, quantity)
    if all(_sourced(fact) for fact in facts):
        low, high = Decimal(1), Decimal(1)
        for fact in facts:
            shares = _share(fact)
            low, high = low * shares[0], high * shares[1]
        band = None if low == high == 1 else (measure.value * low, measure.value * high)
        return Weighed(measure.value, measure.status, band)
    if quantity == "tpp":
        told = measures.exact_number(_claim(chip, "reported_tpp"), "TPP")
        if told and _sourced(_claim(chip, "reported_tpp")) and abs(told - measure.value) <= _AGREE * told:
            return Weighed(measure.value, "reported")
        sourced = _highest_sourced(chip)
        if sourced is not None:
            # the highest rate is recalled; the highest sourced one is a floor for the total, not the total
            return Weighed(None, "unsourced", None, measure.value)
    return Weighed(None, "unsourced", None, measure.value)


def _highest_sourced(chip: Chip) -> Decimal | None:
    found = [measures.exact_number(fact, "TFLOP/s") for name in _RATES if _sourced(fact := _claim(chip, name))]
    return max((value for value in found if value is not None), default=None)


def weighed_area(chip: Chip) -> Weighed:
    """Applicable die area: as good as the die it was read from; a sum over several dies is an estimate."""
    fact = _claim(chip, "applicable_die_area")
    value = measures.exact_number(fact, "mm2")
    if fact is None or value is None:
        return Weighed(None)
    single, dies = _claim(chip, "compute_die_area"), _claim(chip, "compute_dies")
    one_die = dies is None or dies.number in (None, 1.0)
    read = one_die and single is not None and measures.exact_number(single, "mm2") == value and single.status in _KNOWN
    if value <= 0:
        return Weighed(value, fact.status)
    if not _sourced(fact):
        return Weighed(None, "unsourced", None, value)
    low, high = _share(fact, one_die=read)
    status = single.status if read and single is not None else fact.status
    return Weighed(value, status, None if low == high == 1 else (value * low, value * high))


@lru_cache(maxsize=512)
def compiled_pattern(pattern: str) -> re.Pattern[str]:
    """A pattern of the law's data, in any case of letters."""
    return re.compile(pattern, re.IGNORECASE)


def datacentre_mark(chip: Chip, law: Law) -> Mark:
    """The mark that Note 2 to 3A090 turns on, with its source; unknown where it is only recalled."""
    fact = _claim(chip, "data_centre")
    recalled = None if fact is None else fact.value in (True, 1.0, "1", "yes", "true")
    if fact is not None and _sourced(fact) and fact.status in _KNOWN:
        says = text("{status}, {source}", status=Text.of(fact.status), source=fact.source)
        return Mark(recalled, fact.status, says, fact.source)
    for line in law.marks:
        if line.vendor == chip.vendor and compiled_pattern(line.pattern).search(chip.name):
            return Mark(line.datacenter, "official", line.says, line.source)
    memory = _claim(chip, "memory_type")
    if memory is not None and "HBM" in str(memory.value) and memory.status in _KNOWN and _sourced(memory):
        says = text(
            "inferred: {memory} ({source}) is fitted to parts for data centres",
            memory=str(memory.value),
            source=memory.source,
        )
        return Mark(True, INFERRED, says, memory.source)
    maker = next((vendor for vendor in law.vendors if vendor.id == chip.vendor), None)
    if maker is not None and maker.in_house:
        return Mark(True, INFERRED, text("inferred: the maker builds it for its own data centres"), "")
    return Mark(None, "unsourced", text("no source was found for the mark"), "", recalled)


def availability(
    chip_name: str,
    *,
    vendor: str,
    country: str,
    parts: frozenset[str],
    law: Law,
    available: Fact | None = None,
    status: str = "",
) -> tuple[bool | None, str]:
    """Whether a part was commercially available in the United States on 2026-01-15, as far as can be told, and why."""
    if country == "CN":
        return False, text("of Chinese make: not on sale in the United States as far as any source tells")
    only = next((part for part in law.parts if part.id in parts and part.china_only), None)
    if only is not None:
        return False, text("made for China only, not on sale in the United States")
    maker = next((one for one in law.vendors if one.id == vendor), None)
    if maker is not None and maker.in_house:
        return False, text("built for the maker's own data centres and not sold as a chip")
    if status in ("announced", "rumoured", "cancelled"):
        return False, text("not on sale on 2026-01-15: {status}", status=Text.of(status))
    day = str(available.value) if available is not None else ""
    if day[:4].isdigit() and day > _ON_SALE:
        return False, text("on sale only from {day}", day=day)
    if day[:4].isdigit() and len(day) >= 7 and day[:7] <= _ON_SALE[:7]:
        return None, text("on sale since {day}; where was not checked", day=day)
    return None, text("not known")
