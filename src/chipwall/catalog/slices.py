"""A part of one card as a chip of its own: the MIG profiles of NVIDIA, ``h100 1g.10gb``.

A slice has so many of the seven compute slices and so many of the eight memory slices of its card. Arithmetic follows the
multiprocessors, capacity and bandwidth follow the memory slices, and there is no link to another slice [1]_.

Sources
-------
.. [1] NVIDIA Multi-Instance GPU User Guide, tables of supported profiles (source ``nvidia-mig-guide``); multiprocessors and
   memory of Hopper profiles as ``nvidia-smi mig -lgip`` prints them (source ``mig-parted-139``).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from chipwall.catalog.records import Chip
from chipwall.errors import InputError
from chipwall.sources import DERIVED, Fact
from chipwall.text import text
from chipwall.units import GIGA

__all__ = ["Profile", "asked_profile", "sliced"]

GUIDE = "nvidia-mig-guide"
# Memory slices of a card.
SLICES = 8
# Multiprocessors of a profile by its compute slices, and of the whole card, by the silicon of the family.
CORES: Mapping[str, tuple[Mapping[int, int], int]] = {
    "a30": ({1: 14, 2: 28, 4: 56}, 56),
    "a100": ({1: 14, 2: 28, 3: 42, 4: 56, 7: 98}, 108),
    "a800": ({1: 14, 2: 28, 3: 42, 4: 56, 7: 98}, 108),
    "h100": ({1: 16, 2: 32, 3: 60, 4: 64, 7: 132}, 132),
    "h800": ({1: 16, 2: 32, 3: 60, 4: 64, 7: 132}, 132),
    "h200": ({1: 16, 2: 32, 3: 60, 4: 64, 7: 132}, 132),
    "gh200": ({1: 16, 2: 32, 3: 60, 4: 64, 7: 132}, 132),
    "b200": ({1: 18, 2: 36, 3: 70, 4: 72, 7: 148}, 148),
}
# A slice reports a little less than its share: 9.75 of 9.96 GiB on an H100 80 GB, 10.75 of 11.6 on an H100 NVL.
REPORTED_SHARE, REPORTED_LEAST = 0.98, 0.92
_PROFILE = re.compile(r"^(?P<base>.*?)(?:mig)?(?P<compute>[1-7])g\.?(?P<gigabytes>\d+)gb(?:\+me)?$")
_EVEN = ("memory_bandwidth", "l2_cache", "on_chip_sram")


@dataclass(frozen=True, slots=True)
class Profile:
    """A profile as people name it: compute slices [1] and nominal memory [GB]."""

    compute: int
    gigabytes: int

    @property
    def name(self) -> str:
        """``1g.10gb``."""
        return f"{self.compute}g.{self.gigabytes}gb"


def asked_profile(spelling: str) -> tuple[str, Profile] | None:
    """The card and the profile that a spelling (see :func:`chipwall.catalog.names.key`) names; None when it names none."""
    found = _PROFILE.match(spelling)
    if found is None or not found["base"]:
        return None
    return found["base"], Profile(int(found["compute"]), int(found["gigabytes"]))


def sliced(card: Chip, profile: Profile) -> Chip:
    """The slice as a chip.

    Raises
    ------
    InputError
        The card cannot be sliced, or not so; the message lists the profiles it has.
    """
    cores, eighths = _shares(card, profile)
    share = eighths / SLICES
    facts = {q: f for q, f in card.chosen.items() if not isinstance(f.value, float)}
    facts |= {
        q: _scaled(f, cores, f"{card.id}, {profile.name}: {cores:.4g} of the multiprocessors")
        for q, f in card.chosen.items()
        if q.endswith("_rate") or q in ("core_count", "tdp")
    }
    facts |= {
        q: _scaled(f, share, f"{card.id}, {profile.name}: {eighths} of 8 memory slices")
        for q, f in card.chosen.items()
        if q in _EVEN
    }
    facts["memory_capacity"] = _made("memory_capacity", profile.gigabytes * GIGA, f"{profile.gigabytes}", "GB", profile)
    if (seen := card.fact("memory_reported")) is not None and seen.number is not None:
        amount = seen.number * share
        facts["memory_reported"] = replace(
            _scaled(seen, share * REPORTED_SHARE, f"{card.id}: {eighths} of 8 memory slices less about 2 %"),
            low=amount * REPORTED_LEAST,
            high=amount,
        )
    facts["link_bandwidth"] = _made("link_bandwidth", 0.0, "0", "GB/s bidirectional", profile)
    facts["scaleup_domain"] = _made("scaleup_domain", 1.0, "1", "count", profile)
    for kept in ("pcie_generation", "boost_clock"):
        if kept in card.chosen:
            facts[kept] = card.chosen[kept]
    name = f"{card.name} {profile.name}"
    return Chip(f"{card.id}-{profile.name}", name, card.vendor, card.family, (), tuple(facts.values()), facts)


def _shares(card: Chip, profile: Profile) -> tuple[float, int]:
    """Share of the arithmetic, and memory slices of eight."""
    table, total = CORES.get(card.family, ({}, 0))
    if not table:
        raise InputError(
            text("{chip} cannot be sliced", chip=card.name),
            fix=text("Cards with slices: {names}", names=", ".join(CORES)),
        )
    capacity = card.require("memory_capacity") / GIGA
    eighths = next(
        (
            m
            for m in (1, 2, 4, 8)
            if abs(profile.gigabytes - capacity * m / SLICES) <= max(1.5, 0.06 * capacity * m / SLICES)
        ),
        0,
    )
    least = {1: 1, 2: 2, 3: 4, 4: 4, 7: 8}.get(profile.compute, 0)
    if profile.compute not in table or eighths < least or eighths > 2 * least:
        usual = [
            f"{g}g.{_nominal(capacity, m)}gb" for g, m in ((1, 1), (1, 2), (2, 2), (3, 4), (4, 4), (7, 8)) if g in table
        ]
        raise InputError(
            text("{chip} has no slice {profile}", chip=card.name, profile=profile.name),
            fix=text("It has: {names}", names=", ".join(usual)),
        )
    return table[profile.compute] / total, eighths


def _nominal(capacity: float, eighths: int) -> int:
    return round(capacity * eighths / SLICES)


def _scaled(fact: Fact, factor: float, words: str) -> Fact:
    """A fact times a factor, with the arithmetic; the published form keeps its unit."""
    if fact.number is None or fact.decimal is None:
        return fact
    return replace(
        fact, value=fact.number * factor, published=f"{float(fact.decimal) * factor:.6g}", status="estimated",
        source=DERIVED, locator="", note="", low=None, high=None, derived=True, second=False, prefer="", url="", quote="",
        formula=f"{fact.published} {fact.unit} x {factor:.4g} ({words}; {GUIDE})",
    )  # fmt: skip


def _made(quantity: str, value: float, published: str, unit: str, profile: Profile) -> Fact:
    return Fact(
        quantity, value, published, unit, "official", GUIDE, locator=f"profile {profile.name}", accessed="2026-11-28"
    )
