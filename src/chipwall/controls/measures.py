"""The quantities that the export rules measure, in exact decimal, each with the arithmetic that gave it.

All limits in the law are compared as decimals, as the text prints them, so nothing here passes through a binary float:
a measure starts from the published number of a :class:`~chipwall.sources.Fact` and its unit.

Sources
-------
.. [1] Technical Notes to ECCN 3A090, 15 CFR part 774 Supp. 1, as amended by 88 FR 73458 (FR Doc 2023-23055).
.. [2] ECCN 3A090, 87 FR 62186 (FR Doc 2022-21658): aggregate bidirectional transfer rate.
.. [3] ECCN 3A090.c, 89 FR 96790 (FR Doc 2024-28270): memory bandwidth density.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, localcontext
from typing import TYPE_CHECKING

from chipwall import units
from chipwall.catalog.records import FORMAT_BITS
from chipwall.sources import STATUSES, Status
from chipwall.text import text

if TYPE_CHECKING:
    from chipwall.catalog.records import Chip
    from chipwall.sources import Fact

__all__ = [
    "Measure",
    "claimed_tpp",
    "dram_bandwidth",
    "io_rate",
    "memory_bandwidth_density",
    "memory_density_of",
    "performance_density",
    "total_processing_performance",
    "tpp_of_rates",
]

TF32_LABEL = "tf32"
# An unsourced rate that exceeds the sourced ones by no more than this changes nothing that they say [1].
SOURCED_ENOUGH = Decimal("0.02")
# x16 slot, both directions, GB/s of raw lane rate as the data sheets round it: 1 GB/s x 16 lanes x 2 at generation 3.
PCIE_X16_BIDIRECTIONAL: Mapping[int, Decimal] = {
    3: Decimal(32),
    4: Decimal(64),
    5: Decimal(128),
    6: Decimal(256),
}


@dataclass(frozen=True, slots=True)
class Measure:
    """One legal quantity of one chip.

    Attributes
    ----------
    quantity : str
        ``tpp``, ``performance_density``, ``memory_bandwidth_density``, ``io_rate`` or ``dram_bandwidth``.
    value : Decimal or None
        Exact; None when it is not known.
    unit : str
        ``TPP``, ``TPP/mm2``, ``GB/s/mm2`` or ``GB/s``; the units in which the law prints its limits.
    formula : str
        The arithmetic with its numbers substituted; empty when the value is not known.
    number_format : str
        The format that decided a TPP (``fp8``), else empty.
    sources : tuple of str
        Ids of the sources of the facts used.
    status : str
        The weakest status among the facts used, or empty.
    unknown : str
        Why the value is not known; empty when it is.
    alternative : Decimal or None
        The value under the other reading, where two readings of the rule are possible and differ.
    alternative_note : str
        Which reading that is.
    """

    quantity: str
    value: Decimal | None
    unit: str
    formula: str = ""
    number_format: str = ""
    sources: tuple[str, ...] = ()
    status: Status | str = ""
    unknown: str = ""
    alternative: Decimal | None = None
    alternative_note: str = ""


def exact_number(fact: Fact | None, unit_symbol: str) -> Decimal | None:
    """The published number of a fact, converted without rounding to the given unit; None if it is no number."""
    if fact is None or fact.decimal is None:
        return None
    have, want = units.unit(fact.unit).factor, units.unit(unit_symbol).factor
    if have == want:
        return fact.decimal
    with localcontext() as context:
        context.prec = 40
        return (fact.decimal * Decimal(repr(have)) / Decimal(repr(want))).normalize()


def plain_decimal(value: Decimal) -> str:
    """A decimal as people write it: no exponent, no trailing zeros, long quotients cut to four places."""
    short = value
    if -value.as_tuple().exponent > 6:  # type: ignore[operator]
        short = round(value, 4)
    shown = f"{short:,f}"
    return shown.rstrip("0").rstrip(".") if "." in shown else shown


def weakest(statuses: list[Status]) -> str:
    """The least certain of several statuses, in the order in which :data:`chipwall.sources.STATUSES` lists them."""
    return max(statuses, key=STATUSES.index) if statuses else ""


def tpp_of_rates(rates: Mapping[str, Decimal]) -> tuple[Decimal, str]:
    """Total processing performance [TPP] from dense rates, and the format that decides.

    TPP is 2 x MacTOPS x bit length, and a multiply-accumulate already counts as two operations in a published TOPS
    figure, so it is dense TOPS x bit length with no second factor of two [1]_, Technical Note 2. The highest format
    counts. TF32 is left out: its multiply inputs carry 19 bits, and its treatment at 32 is not settled.

    Parameters
    ----------
    rates : mapping of str to Decimal
        Dense peak rate by format [TOPS].

    Examples
    --------
    >>> tpp_of_rates({"int8": Decimal(600)})
    (Decimal('4800'), 'int8')
    """
    products = {name: rate * FORMAT_BITS[name] for name, rate in rates.items() if name != TF32_LABEL}
    winner = max(products, key=lambda name: products[name])
    return products[winner], winner


def total_processing_performance(chip: Chip) -> Measure:
    """TPP of a catalogue chip [TPP]: dense TOPS x bit length, highest over the formats it lists [1]_."""
    found = {name: chip.fact(f"{name}_rate") for name in FORMAT_BITS}
    facts = {name: fact for name, fact in found.items() if fact is not None and fact.decimal is not None}
    rates = {name: value for name, fact in facts.items() if (value := exact_number(fact, "TFLOP/s")) is not None}
    if not any(name != TF32_LABEL for name in rates):
        return _reported_tpp(chip)
    value, winner = tpp_of_rates(rates)
    claimed = claimed_tpp(chip)
    if claimed is not None and claimed > value * (1 + SOURCED_ENOUGH):
        # what is sourced is a floor for the total, not the total
        says = text(
            "the highest dense rate of {chip} has no source; the sourced ones give {tpp}",
            chip=chip.name,
            tpp=plain_decimal(value),
        )
        return Measure("tpp", None, "TPP", unknown=says)
    bits = FORMAT_BITS[winner]
    tf32 = rates[TF32_LABEL] * FORMAT_BITS[TF32_LABEL] if TF32_LABEL in rates else None
    return Measure(
        "tpp",
        value,
        "TPP",
        formula=text(
            "{rate} dense TOPS ({format}) x {bits} bit = {tpp}",
            rate=plain_decimal(rates[winner]),
            format=winner,
            bits=bits,
            tpp=plain_decimal(value),
        ),
        number_format=winner,
        sources=(facts[winner].source,),
        status=facts[winner].status,
        alternative=tf32 if tf32 is not None and tf32 > value else None,
        alternative_note=text("TF32 counted at 32 bit") if tf32 is not None and tf32 > value else "",
    )


def claimed_tpp(chip: Chip) -> Decimal | None:
    """The total over every dense rate that the catalogue holds, sourced or not [TPP]; it counts for nothing by itself."""
    found = {name: exact_number(chip.claim(f"{name}_rate"), "TFLOP/s") for name in FORMAT_BITS}
    rates = {name: value for name, value in found.items() if value is not None}
    return tpp_of_rates(rates)[0] if any(name != TF32_LABEL for name in rates) else None


def _reported_tpp(chip: Chip) -> Measure:
    """TPP as a source reports it, where no dense rate of any format is known."""
    fact = chip.fact("reported_tpp")
    value = exact_number(fact, "TPP")
    if fact is None or value is None:
        return Measure(
            "tpp", None, "TPP", unknown=text("no dense rate of {chip} is published in any format", chip=chip.name)
        )
    return Measure(
        "tpp",
        value,
        "TPP",
        formula=text("{tpp} as reported; no dense rate is known", tpp=plain_decimal(value)),
        sources=(fact.source,),
        status=fact.status,
    )


def performance_density(chip: Chip) -> Measure:
    """TPP over applicable die area [TPP/mm2].

    Applicable area is every logic die on a process with a non-planar transistor: compute, I/O and base dies, not memory
    [1]_, Technical Note 3 and 4. A chip without a known applicable area has an unknown density, never zero.
    """
    tpp = total_processing_performance(chip)
    fact = chip.fact("applicable_die_area")
    area = exact_number(fact, "mm2")
    if tpp.value is None:
        return Measure("performance_density", None, "TPP/mm2", unknown=tpp.unknown)
    if fact is None or area is None:
        return Measure(
            "performance_density",
            None,
            "TPP/mm2",
            unknown=text("the applicable (non-planar logic) die area of {chip} is not known", chip=chip.name),
        )
    if area <= 0:
        return Measure(
            "performance_density",
            None,
            "TPP/mm2",
            unknown=text("no die of {chip} counts as non-planar logic, so density is undefined", chip=chip.name),
        )
    value = _quotient(tpp.value, area)
    both: list[Status] = [status for status in (tpp.status, fact.status) if status in STATUSES]
    return Measure(
        "performance_density",
        value,
        "TPP/mm2",
        formula=text(
            "{tpp} TPP / {area} mm2 = {density}",
            tpp=plain_decimal(tpp.value),
            area=plain_decimal(area),
            density=plain_decimal(round(value, 4)),
        ),
        number_format=tpp.number_format,
        sources=tuple(dict.fromkeys((*tpp.sources, fact.source))),
        status=weakest(both),
        alternative=None if tpp.alternative is None else _quotient(tpp.alternative, area),
        alternative_note=tpp.alternative_note,
    )


def _quotient(dividend: Decimal, divisor: Decimal) -> Decimal:
    """A quotient to 28 digits: exact where it is finite, and never close enough to a printed limit to be misjudged."""
    with localcontext() as context:
        context.prec = 28
        return dividend / divisor


def memory_density_of(bandwidth: Decimal, area: Decimal) -> Decimal:
    """Memory bandwidth density of a bare stack [GB/s/mm2]: bandwidth [GB/s] over package or stack area [mm2] [3]_."""
    return _quotient(bandwidth, area)


def memory_bandwidth_density(chip: Chip) -> Measure:
    """Memory bandwidth density [GB/s/mm2] for 3A090.c; not a property of a processor.

    3A090.c looks at memory stacks traded bare. Memory packaged with a chip whose dominant function is processing is
    outside it [3]_, so every accelerator answers unknown here, with that reason.
    """
    return Measure(
        "memory_bandwidth_density",
        None,
        "GB/s/mm2",
        unknown=text("the memory of {chip} is packaged with a processor; 3A090.c looks at bare stacks", chip=chip.name),
    )


def dram_bandwidth(chip: Chip) -> Measure:
    """Total DRAM bandwidth [GB/s] as the 2026 review policy and the 2025 letters use the term."""
    fact = chip.fact("memory_bandwidth")
    value = exact_number(fact, "GB/s")
    if fact is None or value is None:
        return Measure(
            "dram_bandwidth", None, "GB/s", unknown=text("the memory bandwidth of {chip} is not known", chip=chip.name)
        )
    return Measure(
        "dram_bandwidth",
        value,
        "GB/s",
        formula=text(
            "{bandwidth} GB/s, {words}", bandwidth=plain_decimal(value), words=chip.word("memory_type") or "DRAM"
        ),
        sources=(fact.source,),
        status=fact.status,
    )


def io_rate(chip: Chip) -> Measure:
    """Aggregate bidirectional I/O rate, memory excluded [GB/s]: chip-to-chip links plus a PCIe x16 slot [2]_.

    The slot is taken at 16 lanes in both directions, 64 GB/s for generation 4; a link figure is the sum of both
    directions over all links.
    """
    link_fact, slot_fact = chip.fact("link_bandwidth"), chip.fact("pcie_generation")
    link = exact_number(link_fact, "GB/s bidirectional")
    generation = exact_number(slot_fact, "gen")
    slot = PCIE_X16_BIDIRECTIONAL.get(int(generation)) if generation is not None else None
    if link_fact is None or link is None:
        return Measure(
            "io_rate", None, "GB/s", unknown=text("the link bandwidth of {chip} is not known", chip=chip.name)
        )
    if slot_fact is None or slot is None:
        return Measure(
            "io_rate", None, "GB/s", unknown=text("the PCIe generation of {chip} is not known", chip=chip.name)
        )
    total = link + slot
    return Measure(
        "io_rate",
        total,
        "GB/s",
        formula=text(
            "{link} links + {slot} PCIe x16 = {total} GB/s both ways",
            link=plain_decimal(link),
            slot=plain_decimal(slot),
            total=plain_decimal(total),
        ),
        sources=tuple(dict.fromkeys((link_fact.source, slot_fact.source))),
        status=weakest([link_fact.status, slot_fact.status]),
    )
