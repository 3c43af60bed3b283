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

from chipwall.text import Text, text

__all__ = [
    "ACTIVITIES",
    "STATES",
    "Activity",
    "Book",
    "Branch",
    "ChinaGate",
    "Comparison",
    "Condition",
    "Decision",
    "Duty",
    "ExceptionAnswer",
    "Finding",
    "Item",
    "Journey",
    "Jurisdiction",
    "Leaning",
    "Licence",
    "Measured",
    "RevenueShare",
    "State",
    "state_text",
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
_STATE_WORDS: Mapping[str, Text] = {
    "in_force": text("in force"),
    "stayed": text("stayed"),
    "not_enforced": text("printed, not enforced"),
    "letter_private": text("private letter"),
    "announced": text("announced"),
    "draft_withdrawn": text("withdrawn draft"),
    "scheduled_unverified": text("scheduled change, not verified"),
    "reported": text("reported"),
}


def state_text(state: str) -> Text:
    """The state of a rule as people say it."""
    return _STATE_WORDS.get(state, Text.of(state))


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
    statuses : mapping of str to str
        Per operand, how well its value is known: a status of :data:`chipwall.sources.STATUSES`, or ``inferred`` for a
        mark that follows from other facts. An operand that the caller gave has none and counts as given.
    bands : mapping of str to (Decimal, Decimal)
        Per operand, the least and the greatest value that its source leaves possible. A limit inside the band decides
        nothing.
    hints : mapping of str to (Decimal or bool)
        What the catalogue recalls without a source. It decides nothing; it only says which way an open answer leans.
    us_available : bool or None
        Commercially available in the United States on 2026-01-15, as far as the catalogue can tell, and why.
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
    statuses: Mapping[str, str] = field(default_factory=dict, hash=False)
    bands: Mapping[str, tuple[Decimal, Decimal]] = field(default_factory=dict, hash=False)
    hints: Mapping[str, Decimal | bool] = field(default_factory=dict, hash=False)
    us_available: bool | None = None
    us_available_why: str = ""
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
        The end user by name, looked up in the table of parties; a name that is not found is unknown, never free.
    owners : tuple of (str, Decimal)
        Who owns it, with percent: shares of listed parties add up.
    screened : bool
        The caller has screened party and owners himself and found no list; otherwise an unmatched name stays unknown.
    shipper : str
        Who exports: ``vendor``, another name, or empty when nobody said (then the maker is assumed). A private letter
        binds whom it informs.
    heading : str
        HTSUS heading of an entry, ``8471.80``; empty when not said.
    analysis_only : bool
        Bought for technical analysis only, which the guidance of 2025-05-13 carves out.
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
    owners: tuple[tuple[str, Decimal], ...] = ()
    screened: bool = False
    shipper: str = ""
    heading: str = ""
    analysis_only: bool = False


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
class Condition:
    """One thing that must hold for a policy or an exception: held, failed, or not known, and what is known of it."""

    id: str
    says: str
    holds: bool | None
    known: str
    citation: str


@dataclass(frozen=True, slots=True)
class Book:
    """One reading of the law from class to conditions: the published text, or the law as the bureau says it enforces."""

    licence: str
    exceptions: tuple[ExceptionAnswer, ...]
    review_policy: str
    conditions: tuple[Condition, ...] = ()


@dataclass(frozen=True, slots=True)
class Branch:
    """A rule whose state on the day is not verified, and the licence answer either way."""

    rule: str
    if_so: str
    licence: str
    citation: str


@dataclass(frozen=True, slots=True)
class Jurisdiction:
    """Whether the item is subject to the regulations at all (None: the text that decides was not read), and why."""

    subject: bool | None
    basis: str
    citation: str


@dataclass(frozen=True, slots=True)
class Leaning:
    """Which way an open answer leans if recalled and estimated values are taken at their word; it decides nothing."""

    eccn: str
    licence: str


@dataclass(frozen=True, slots=True)
class Measured:
    """What a draft's measure would do to this journey: deny, certify, notify, hold or cap; None when it cannot tell."""

    id: str
    outcome: str
    applies: bool | None
    says: str
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
        ``licences_being_issued``, ``approval_within_allocation``, ``denied_by_draft``, ``unknown``, or empty when no
        licence is in question.
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
    published : Book
        The published text from requirement to conditions, where ``licence``, ``exceptions`` and ``review_policy`` of the
        decision are the law as enforced; ``why_differ`` says in one sentence why the two part, and is empty if not.
    conditions : tuple of Condition
        What must hold for the review policy to be the one named.
    strength, because : str, tuple of str
        ``sure``, ``likely`` or ``unknown``, and what keeps it from being sure.
    leaning : Leaning or None
        For an open answer, which way it leans.
    branches : tuple of Branch
        Per unverified rule that the answer turns on, the answer either way.
    measures : tuple of Measured
        What the measures of a draft would do.
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
    published: Book = Book("", (), "")
    why_differ: str = ""
    conditions: tuple[Condition, ...] = ()
    jurisdiction: Jurisdiction = Jurisdiction(None, "", "")
    strength: str = "sure"
    because: tuple[str, ...] = ()
    leaning: Leaning | None = None
    branches: tuple[Branch, ...] = ()
    measures: tuple[Measured, ...] = ()

    @property
    def enforced(self) -> Book:
        """The law as the bureau says it enforces, from requirement to conditions."""
        return Book(self.licence.as_enforced, self.exceptions, self.review_policy, self.conditions)

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
            self.published.licence,
            self.published.review_policy,
            tuple((m.id, m.applies) for m in self.measures if m.applies is not False),
            self.duty.pct,
            self.revenue_share.pct,
            self.cn_import.status,
        )
