"""The nouns of the law: what is shipped, how it travels, and the answer. Frozen records, no behaviour.

An :class:`Item` holds legal quantities in the units in which the law prints its limits (TPP, mm2, GB/s), exact in
decimal; everything else in the house is SI, and :mod:`chipwall.controls.item` converts once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Literal, get_args

__all__ = [
    "ACTIVITIES",
    "STATES",
    "Activity",
    "ChinaGate",
    "Comparison",
    "Decision",
    "Duty",
    "ExceptionAnswer",
    "Finding",
    "Item",
    "Journey",
    "Licence",
    "RevenueShare",
    "State",
]

Activity = Literal["export", "reexport", "in_country", "us_import"]
ACTIVITIES: tuple[Activity, ...] = get_args(Activity)
State = Literal[
    "in_force",
    "stayed",
    "not_enforced",
    "letter_private",
    "announced",
    "draft_withdrawn",
    "scheduled_unverified",
    "reported",
]
STATES: tuple[State, ...] = get_args(State)


@dataclass(frozen=True, slots=True)
class Item:
    """A processor or a bare memory device, by the numbers that the law reads.

    Attributes
    ----------
    name : str
        As the caller wrote it; parts that a letter or announcement names are recognised in it.
    kind : str
        ``processor`` or ``memory`` (a stack or device traded bare).
    vendor, designer_country : str
        Whose letters apply; where the designer sits (ISO code). Empty when nobody in particular.
    parts : frozenset of str
        Ids of named parts (``h20``, ``mi308``) that this item is.
    datacenter : bool or None
        Designed or marketed for data centres; None when not known.
    tpp : Decimal or None
        Total processing performance [TPP].
    die_area : Decimal or None
        Applicable die area [mm2]; zero when no die counts. For memory: package or stack area.
    density : Decimal or None
        Performance density [TPP/mm2]; for memory, memory bandwidth density [GB/s/mm2]. Wins over the quotient.
    dram_bandwidth, io_rate : Decimal or None
        Total DRAM bandwidth and aggregate bidirectional I/O rate [GB/s].
    cpu_dram : Decimal
        Part of ``dram_bandwidth`` that hangs on an on-package CPU [GB/s]; whether it counts is not settled.
    transistors : Decimal or None
        In the package [1e9]; only the foundry presumption reads it.
    hbm : bool or None
        High-bandwidth memory in the package.
    computer : bool
        A board or server: judged through 4A090 by the chips inside it.
    other_eccn : str
        ECCN under which the item is already classified, for the .z paragraphs (``5A992``).
    provenance : mapping
        Per operand, where its number comes from, in words.
    sources : tuple of str
        Ids of catalogue sources.
    notes : tuple of (str, str)
        Per operand, anything the reader must know about its number, an alternative TPP for example.
    estimated : frozenset of str
        Operands whose number is an estimate.
    figures : mapping of str to Decimal
        Further operands, for a draft rule that names them (a performance figure, in the unit of its limit).
    """

    name: str
    kind: Literal["processor", "memory"] = "processor"
    vendor: str = ""
    designer_country: str = ""
    parts: frozenset[str] = frozenset()
    datacenter: bool | None = None
    tpp: Decimal | None = None
    die_area: Decimal | None = None
    density: Decimal | None = None
    dram_bandwidth: Decimal | None = None
    io_rate: Decimal | None = None
    cpu_dram: Decimal = Decimal(0)
    transistors: Decimal | None = None
    hbm: bool | None = None
    computer: bool = False
    other_eccn: str = ""
    provenance: Mapping[str, str] = field(default_factory=dict, hash=False)
    sources: tuple[str, ...] = ()
    notes: tuple[tuple[str, str], ...] = ()
    estimated: frozenset[str] = frozenset()
    figures: Mapping[str, Decimal] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class Journey:
    """How the item travels, and to whom.

    Attributes
    ----------
    activity : str
        ``export`` (leaves the United States), ``reexport``, ``in_country`` or ``us_import``.
    exporter, destination : str
        ISO codes; HK is treated as China.
    headquarters, parent : str
        Where the end user, and its ultimate parent, is headquartered. Empty: not known.
    party : str
        A phrase of the party vocabulary (``G42``), or empty.
    end_use : str
        For an import: ``re-export``, ``stock``, ``us-data-centre``, ``repair``, ``research``, ``start-up``,
        ``consumer``, ``public-sector``, or empty when none is claimed.
    aggregate_tpp_share : Decimal or None
        TPP of this product shipped to China and Macau over TPP shipped to US customers [1]; None: certified, not checked.
    us_available : bool or None
        Commercially available in the United States on 2026-01-15; None: certified, not checked.
    exporter_role : str
        ``fab`` or ``osat`` when a foundry or an assembly house exports; switches on the foundry presumption.
    packaged_in : str
        Country of packaging, for the rebuttal of that presumption.
    attested : bool
        An approved or authorised designer attests TPP and density.
    """

    activity: Activity = "export"
    exporter: str = "US"
    destination: str = "CN"
    headquarters: str = ""
    parent: str = ""
    party: str = ""
    end_use: str = ""
    aggregate_tpp_share: Decimal | None = None
    us_available: bool | None = None
    exporter_role: Literal["", "fab", "osat"] = ""
    packaged_in: str = ""
    attested: bool = False


@dataclass(frozen=True, slots=True)
class Comparison:
    """One test of one clause, with the numbers compared.

    ``result`` is None when the operand is not known. ``margin`` is operand minus limit; ``margin_ratio`` the same over
    the limit [1].
    """

    clause: str
    paragraph: str
    operand: str
    value: Decimal | bool | None
    operator: str
    limit: Decimal | bool
    unit: str
    result: bool | None
    margin: Decimal | None
    margin_ratio: Decimal | None
    citation: str
    provenance: str


@dataclass(frozen=True, slots=True)
class Finding:
    """A test that compares no number: a destination, a party, a name, a date."""

    topic: str
    result: bool | None
    says: str
    citation: str


@dataclass(frozen=True, slots=True)
class Licence:
    """Two answers: as the bureau says it enforces, and as the published text reads before exceptions.

    ``as_enforced`` is one of ``n/a``, ``conditional``, ``required``, ``exception_available``, ``required_by_letter``,
    ``unknown``, ``not_required``; ``on_books`` one of ``required``, ``not_required``, ``unknown``.
    """

    as_enforced: str
    on_books: str


@dataclass(frozen=True, slots=True)
class ExceptionAnswer:
    """One licence exception: ``available`` for this class and destination, or not, or not known, and why."""

    name: str
    available: bool | None
    why: str
    citation: str


@dataclass(frozen=True, slots=True)
class Duty:
    """Customs duty: ``pct`` of customs value (None: unknown), on which event, paid by whom, and why."""

    pct: Decimal | None
    event: str
    payer: str
    why: str
    citation: str = ""


@dataclass(frozen=True, slots=True)
class RevenueShare:
    """A share of revenue: ``pct`` of China revenue, paid by whom, with its instrument or the lack of one."""

    pct: Decimal
    payer: str
    why: str
    citation: str = ""


@dataclass(frozen=True, slots=True)
class ChinaGate:
    """China's own gate: ``status``, class of ``evidence``, and what was reported. Never merged into the US answer."""

    status: str
    evidence: str
    says: str
    citation: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer on one date, with everything that decided it.

    Attributes
    ----------
    eccn : str
        ``not_3A090``, ``3A090(2022)``, ``3A090.a``, ``3A090.b``, ``3A090.c`` or ``unknown``.
    also : tuple of str
        Classes that follow from it: ``4A090.a`` for a computer, ``5A992.z`` for an item classified elsewhere.
    review_policy : str
        ``presumption_of_denial``, ``case_by_case``, ``presumption_of_approval``, ``not_stated``,
        ``licences_being_issued``, ``unknown``, or empty when no licence is in question.
    flags : tuple of str
        Sorted words of the flag vocabulary.
    trace, findings : tuples
        Every test made: with numbers, and without.
    unknowns : tuple of str
        What is not known or not verified, and what it would change.
    states : mapping of str to str
        State on the date of every rule that was consulted.
    horizon : str
        ``verified``, ``audited`` or ``after_horizon``.
    """

    item: Item
    journey: Journey
    on: date
    eccn: str
    also: tuple[str, ...]
    licence: Licence
    exceptions: tuple[ExceptionAnswer, ...]
    review_policy: str
    duty: Duty
    revenue_share: RevenueShare
    cn_import: ChinaGate
    flags: tuple[str, ...]
    trace: tuple[Comparison, ...]
    findings: tuple[Finding, ...]
    unknowns: tuple[str, ...]
    citations: tuple[str, ...]
    states: Mapping[str, str] = field(hash=False)
    horizon: str = "verified"

    @property
    def exception_names(self) -> tuple[str, ...]:
        """Names of the exceptions that cover this class and destination."""
        return tuple(answer.name for answer in self.exceptions if answer.available)

    @property
    def answer(self) -> tuple[object, ...]:
        """Everything that a change of law could change; two decisions with equal answers are the same answer."""
        return (
            self.eccn,
            self.licence,
            self.exception_names,
            self.review_policy,
            self.duty.pct,
            self.revenue_share.pct,
            self.cn_import.status,
        )
