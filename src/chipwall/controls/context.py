"""One question to the law while it is worked on: its context, one settled world, and what comes out of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from chipwall.controls.countries import Countries
from chipwall.controls.law import Law, LawOn, Phrase
from chipwall.controls.logic import DatedLimit, Truth
from chipwall.controls.parties import Listing, Ownership, Party
from chipwall.controls.records import ExceptionAnswer, Finding, Item, Journey

__all__ = ["CONTROLLED", "NO_PHRASE", "Context", "LegalOutcome", "Need", "World"]

CONTROLLED = ("3A090.a", "3A090.b")
NO_PHRASE = Phrase("")
NO_OWNERS = Ownership(Decimal(0), Decimal(0), (), ())


@dataclass(frozen=True, slots=True)
class Context:
    """One question: item, journey, day, the law of that day, and the party as the tables know it.

    ``unmatched`` are the names of the question that no table knows and that the caller has not screened himself.
    """

    item: Item
    journey: Journey
    on: date
    law: Law
    view: LawOn
    phrase: Phrase = NO_PHRASE
    party: Party | None = None
    ownership: Ownership = NO_OWNERS
    unmatched: tuple[str, ...] = ()

    @property
    def countries(self) -> Countries:
        """The country tables."""
        return self.law.countries

    @property
    def destination(self) -> str:
        """Destination as the US rules see it: Hong Kong is China."""
        return "CN" if self.journey.destination == "HK" else self.journey.destination

    @property
    def abroad(self) -> bool:
        """Whether the journey needs an export licence at all: it neither enters nor stays in the United States."""
        return self.journey.activity != "us_import" and self.destination != "US"

    @property
    def listed(self) -> Truth:
        """Whether the end user stands on the Entity List on the day."""
        return self.party.on_list("EL", self.on) if self.party else False

    @property
    def entry(self) -> Listing | None:
        """The end user's entry of the Entity List, if any stands or may stand."""
        return self.party.standing("EL", self.on) if self.party else None

    @property
    def supplement8(self) -> Listing | None:
        """The end user's place in Supplement 8 to part 740, whatever its day."""
        if self.party is None:
            return None
        return next((entry for entry in self.party.listings if entry.kind == "SUPP8"), None)

    def citation(self, rule: str) -> str:
        """Citation of a rule's record of the day; empty if it has none."""
        record = self.view.records.get(rule)
        return record.citation if record else ""

    def limit(self, parameter: str) -> DatedLimit:
        """The value of a parameter on the day."""
        return self.view.limits[parameter]


@dataclass(frozen=True, slots=True)
class World:
    """One way in which the open questions may be settled."""

    eccn: str
    datacenter: bool
    letters: frozenset[str]
    under_review_limits: bool
    certified: bool
    duty_band: bool
    hbm_exception: bool
    seats: tuple[str, ...]  # where end user and parent are headquartered
    cpu_dram_counts: bool


@dataclass(slots=True)
class LegalOutcome:
    """What the law says in one world, as enforced and as published."""

    eccn: str
    licence: str = "not_required"
    on_books: str = "not_required"
    exceptions: tuple[ExceptionAnswer, ...] = ()
    review_policy: str = ""
    published_licence: str = ""
    published_exceptions: tuple[ExceptionAnswer, ...] = ()
    published_policy: str = ""
    duty_pct: Decimal = Decimal(0)
    revenue_share_pct: Decimal = Decimal(0)
    flags: set[str] = field(default_factory=set)
    findings: list[Finding] = field(default_factory=list)

    def find(self, topic: str, result: bool | None, says: str, citation: str) -> None:
        """Record a test that compares no number."""
        self.findings.append(Finding(topic, result, says, citation))


@dataclass(slots=True)
class Need:
    """Why a licence is needed: by destination, headquarters, a list of parties, ownership or embargo; None is open."""

    destination: bool = False
    headquarters: bool = False
    uae_exempt: bool = False
    uae_open: bool = False
    listed: Truth = False
    owned: str = ""  # state of the affiliates rule for a party half owned by listed ones; "open" when that is not known
    embargo: Truth = False

    def __bool__(self) -> bool:
        return self.destination or self.headquarters

    @property
    def sure(self) -> bool:
        """Whether something besides the list of items surely needs a licence."""
        return self.listed is True or self.owned == "in_force" or self.embargo is True

    @property
    def open(self) -> bool:
        """Whether something that nobody could look up may need one."""
        return self.listed is None or self.owned == "open" or self.embargo is None
