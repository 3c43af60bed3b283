"""One question to the law while it is worked on: its context, one settled world, and what comes out of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from chipwall.controls.countries import Countries
from chipwall.controls.law import Law, LawOn, Party
from chipwall.controls.logic import Limit
from chipwall.controls.records import ExceptionAnswer, Finding, Item, Journey

__all__ = ["CONTROLLED", "NO_PARTY", "Context", "Need", "Outcome", "World"]

CONTROLLED = ("3A090.a", "3A090.b")
NO_PARTY = Party("")


@dataclass(frozen=True, slots=True)
class Context:
    """One question: item, journey, day, and the law of that day with the party phrase resolved."""

    item: Item
    journey: Journey
    on: date
    law: Law
    view: LawOn
    party: Party

    @property
    def countries(self) -> Countries:
        """The country tables."""
        return self.law.countries

    @property
    def destination(self) -> str:
        """Destination as the US rules see it: Hong Kong is China."""
        return "CN" if self.journey.destination == "HK" else self.journey.destination

    def citation(self, rule: str) -> str:
        """Citation of a rule's record of the day; empty if it has none."""
        record = self.view.records.get(rule)
        return record.citation if record else ""

    def limit(self, parameter: str) -> Limit:
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
class Outcome:
    """What the law says in one world."""

    eccn: str
    licence: str = "not_required"
    on_books: str = "not_required"
    exceptions: tuple[ExceptionAnswer, ...] = ()
    review_policy: str = ""
    duty_pct: Decimal = Decimal(0)
    revenue_share_pct: Decimal = Decimal(0)
    flags: set[str] = field(default_factory=set)
    findings: list[Finding] = field(default_factory=list)

    def find(self, topic: str, result: bool | None, says: str, citation: str) -> None:
        """Record a test that compares no number."""
        self.findings.append(Finding(topic, result, says, citation))


@dataclass(slots=True)
class Need:
    """Why the list needs a licence: by destination, by headquarters, by both, or not."""

    destination: bool = False
    headquarters: bool = False
    uae_exempt: bool = False
    uae_open: bool = False

    def __bool__(self) -> bool:
        return self.destination or self.headquarters
