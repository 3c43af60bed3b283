"""The law of the United States, clause by clause, for one possible world: every number known, every reading settled.

:mod:`chipwall.controls.worlds` builds the worlds that the known facts leave open and compares their outcomes. What is
here compares no threshold: those are clauses in the data, run by :mod:`chipwall.controls.logic`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from chipwall.controls.countries import Countries
from chipwall.controls.law import Law, LawOn, Letter, Party
from chipwall.controls.logic import Limit
from chipwall.controls.records import ExceptionAnswer, Finding, Item, Journey
from chipwall.text import text

__all__ = ["Context", "Outcome", "World", "letter_reaches", "outcome"]

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
class _Need:
    """Why the list needs a licence: by destination, by headquarters, by both, or not."""

    destination: bool = False
    headquarters: bool = False
    uae_exempt: bool = False
    uae_open: bool = False

    def __bool__(self) -> bool:
        return self.destination or self.headquarters


def _citation(context: Context, rule: str) -> str:
    record = context.view.records.get(rule)
    return record.citation if record else ""


def _seated_in_d5(context: Context, world: World) -> str:
    """The first seat of the party in Macau or D:5, or empty."""
    return next((seat for seat in world.seats if context.countries.macau_or_d5(seat, on=context.on)), "")


def _need_2022(context: Context, found: Outcome) -> _Need:
    to = context.destination
    listed = to == "CN" or (to == "MO" and context.view.binds("r2022-macau"))
    found.find(
        "destination",
        listed,
        text("{country}: the 2022 rule names China, and Macau from 2023-01-17; headquarters do not count", country=to),
        _citation(context, "r2022-macau" if to == "MO" else "r2022"),
    )
    return _Need(destination=listed)


def _need_2023(context: Context, world: World, found: Outcome) -> _Need:
    to, day, countries = context.destination, context.on, context.countries
    need = _Need(destination=countries.listed_2023(to, on=day))
    groups = [group for group in ("D:1", "D:4", "D:5", "A:5", "A:6") if countries.member(to, group, on=day)]
    says = text(
        "{country} ({groups}): Macau, or D:1, D:4, D:5 and not A:5, A:6",
        country=to,
        groups=", ".join(groups) or "no group",
    )
    found.find("destination", need.destination, says, _citation(context, "r2023"))
    if to == "AE" and context.view.runs("uae-named"):
        _need_uae(context, need, found)
    seat = _seated_in_d5(context, world)
    need.headquarters = bool(seat)
    found.find(
        "headquarters",
        need.headquarters,
        text("party or parent headquartered in Macau or D:5: {seat}", seat=seat)
        if seat
        else text("no seat of the party in Macau or D:5 ({seats})", seats=", ".join(world.seats) or "none given"),
        _citation(context, "headquarters"),
    )
    if need.headquarters and not need.destination:
        found.flags.add("hq_rule")
    return need


def _need_uae(context: Context, need: _Need, found: Outcome) -> None:
    """The United Arab Emirates by name, its Supplement 8 parties, and what lapses."""
    listing = context.party.supplement8
    state = context.view.state("supplement-8")
    need.uae_open = bool(listing) and listing != "listed" and state == "scheduled_unverified"
    need.uae_exempt = bool(listing) and not need.uae_open
    need.destination = not need.uae_exempt and not need.uae_open
    if need.uae_exempt:
        found.flags.add("supp8_740")
        says = text(
            "{party} is exempt (Supplement 8 to part 740 and the parties named with it)", party=context.party.phrase
        )
    elif need.uae_open:
        found.flags.add("scheduled_lapse_unverified")
        says = text(
            "the listing of {party} lapsed on 2027-04-06 unless renewed; not verified", party=context.party.phrase
        )
    else:
        found.flags.add("uae_named")
        says = text("the United Arab Emirates is named in the licence requirement; the party is not exempt")
    found.find(
        "United Arab Emirates", None if need.uae_open else need.destination, says, _citation(context, "uae-named")
    )


def _need(context: Context, world: World, found: Outcome) -> _Need:
    """Whether the list needs a licence for this class, destination and party."""
    if context.journey.activity == "us_import" or context.destination == "US":
        return _Need()
    if world.eccn == "3A090(2022)":
        return _need_2022(context, found)
    if world.eccn in CONTROLLED:
        return _need_2023(context, world, found)
    if world.eccn == "3A090.c":
        listed = context.countries.macau_or_d5(context.destination, on=context.on)
        bound = context.view.binds("hbm")
        found.find(
            "destination",
            listed and bound,
            text("{country}: 3A090.c looks at Macau and D:5, from its compliance date", country=context.destination),
            _citation(context, "hbm"),
        )
        return _Need(destination=listed and bound)
    return _Need()


def letter_reaches(letter: Letter, context: Context, seats: tuple[str, ...]) -> bool:
    """Whether a letter reaches this journey: its destinations or groups, or the seat of a party."""
    to, day, countries = context.destination, context.on, context.countries
    if to in letter.destinations:
        return True
    if letter.groups == "r2023" and countries.listed_2023(to, on=day):
        return True
    if letter.groups == "macau-d5" and countries.macau_or_d5(to, on=day):
        return True
    return letter.headquarters and any(countries.macau_or_d5(seat, on=day) for seat in seats)


def _exceptions(context: Context, world: World, need: _Need) -> tuple[ExceptionAnswer, ...]:
    """Each exception that exists on the day, and whether it covers this class and destination."""
    found = []
    if context.view.runs("nac-2023"):
        found.append(_advanced_computing(context, world, need, name="NAC", rule="nac-2023"))
    if context.view.runs("nac"):
        found.append(_advanced_computing(context, world, need, name="NAC", rule="nac"))
        found.append(_advanced_computing(context, world, need, name="ACA", rule="aca"))
    if context.view.runs("hbm-exception"):
        found.append(_memory_exception(context, world))
    if world.eccn == "3A090.a" and context.view.runs("ai-diffusion"):
        why = text("part of AI Diffusion: on the books, not enforced")
        found += [
            ExceptionAnswer(name, None, why, _citation(context, "ai-diffusion")) for name in ("AIA", "ACM", "LPP")
        ]
    return tuple(found)


def _embargoed(context: Context) -> bool:
    return context.destination in context.law.rules["part746"].countries


def _advanced_computing(context: Context, world: World, need: _Need, *, name: str, rule: str) -> ExceptionAnswer:
    """NAC or ACA (740.8), before and after their split."""
    citation = _citation(context, rule)
    if world.eccn not in CONTROLLED:
        return ExceptionAnswer(name, False, text("only for 3A090.a and .b"), citation)
    if world.eccn == "3A090.a" and world.datacenter:
        return ExceptionAnswer(name, False, text("never for a data-centre part in 3A090.a"), citation)
    if _embargoed(context):
        return ExceptionAnswer(name, False, text("part 746 needs a licence of its own"), citation)
    if rule == "nac-2023":
        return ExceptionAnswer(name, True, text("covers every destination of the rule until 2024-04-03"), citation)
    day, countries = context.on, context.countries
    noticed = countries.macau_or_d5(context.destination, on=day) or need.headquarters
    inside = context.journey.activity == "in_country"
    if name == "NAC":
        if not noticed:
            return ExceptionAnswer(name, False, text("for Macau, D:5 and parties headquartered there"), citation)
        if inside:
            return ExceptionAnswer(
                name, False, text("for exports and reexports; a transfer inside a country uses ACA"), citation
            )
        return ExceptionAnswer(
            name, True, text("after notice to BIS 25 days ahead and its answer; not automatic"), citation
        )
    if noticed and inside:
        return ExceptionAnswer(name, True, text("a transfer inside a country needs no notice"), citation)
    if noticed:
        return ExceptionAnswer(name, False, text("not for Macau, D:5 or parties headquartered there"), citation)
    if any(countries.member(context.destination, group, on=day) for group in ("D:1", "D:4")):
        return ExceptionAnswer(name, True, text("D:1 or D:4 outside D:5; no notice"), citation)
    return ExceptionAnswer(name, False, text("only for D:1 and D:4; whether it reaches others was not read"), citation)


def _memory_exception(context: Context, world: World) -> ExceptionAnswer:
    citation = _citation(context, "hbm-exception")
    if world.eccn != "3A090.c":
        return ExceptionAnswer("HBM", False, text("only for 3A090.c"), citation)
    if _embargoed(context):
        return ExceptionAnswer("HBM", False, text("part 746 needs a licence of its own"), citation)
    if not world.hbm_exception:
        return ExceptionAnswer(
            "HBM", False, text("memory bandwidth density reaches the limit of the exception"), citation
        )
    return ExceptionAnswer("HBM", True, text("packaging chain under US control assumed open, not met"), citation)


def _review_policy(context: Context, world: World, need: _Need) -> str:
    """Policy under which an application for this class, destination and party is read."""
    day, countries, view = context.on, context.countries, context.view
    if world.eccn == "3A090(2022)":
        friendly = any(seat == "US" or countries.favoured(seat, on=day) for seat in world.seats)
        return "case_by_case" if friendly else "presumption_of_denial"
    if world.eccn == "3A090.c":
        return "unknown"  # the paragraph for memory was not read
    if countries.macau_or_d5(context.destination, on=day) or need.headquarters:
        if world.eccn == "3A090.a" and world.datacenter:
            return "case_by_case" if _on_2026_track(context, world) else "presumption_of_denial"
        return "case_by_case" if view.runs("policy-case-by-case-2024") else "unknown"
    if view.runs("policy-approval-d1-d4"):
        return "presumption_of_approval"
    return "not_stated"


def _on_2026_track(context: Context, world: World) -> bool:
    """Exports from the United States to China or Macau, both numbers under the limits, certifications not failed."""
    journey = context.journey
    return (
        context.view.binds("review2026")
        and journey.activity == "export"
        and journey.exporter == "US"
        and context.destination in ("CN", "MO")
        and world.under_review_limits
        and world.certified
    )


def _affiliate_state(context: Context, found: Outcome) -> str:
    """State of the affiliates rule for a party owned by listed ones; empty for everyone else."""
    state = context.view.state("affiliates") if context.party.affiliate else ""
    words = {
        "in_force": ("affiliates_rule", True, text("owned 50 percent or more by a listed party: same restriction")),
        "stayed": ("affiliates_stayed", False, text("the affiliates rule is stayed; ownership is a red flag only")),
        "scheduled_unverified": (
            "affiliates_status_unverified",
            None,
            text("the affiliates rule returned on 2026-11-10 unless extended; not verified"),
        ),
    }
    if state in words:
        flag, result, says = words[state]
        found.flags.add(flag)
        found.find("ownership", result, says, _citation(context, "affiliates"))
    return state


def outcome(context: Context, world: World) -> Outcome:
    """What the law says in one world: licence, books, exceptions, policy, duty, share and flags."""
    found = Outcome(world.eccn)
    need = _need(context, world, found)
    abroad = context.journey.activity != "us_import" and context.destination != "US"
    owned = _affiliate_state(context, found) if abroad else ""
    letters = world.letters if abroad else frozenset()
    available = False
    if need or need.uae_open:
        found.exceptions = _exceptions(context, world, need)
        available = any(answer.available for answer in found.exceptions)
    found.licence = _licence(context, need, owned=owned, available=available, letters=letters)
    if owned == "in_force":
        found.exceptions = tuple(
            ExceptionAnswer(a.name, False, text("not for a party under the Entity List"), a.citation)
            for a in found.exceptions
        )
    _books(context, world, need, owned, found)
    found.review_policy = _policy_of_answer(context, world, need, found.licence)
    _money(context, world, letters, found)
    _flags(context, world, letters, found)
    return found


def _licence(context: Context, need: _Need, *, owned: str, available: bool, letters: frozenset[str]) -> str:
    """The licence answer as enforced: the first line of the ladder that applies."""
    if context.journey.activity == "us_import":
        return "n/a"
    if owned == "in_force":
        return "required"
    by_list = "exception_available" if need and available else "required" if need else ""
    if need.uae_open and not by_list:
        return "required_by_letter" if letters else "conditional"
    # a letter needs the licence either way, so the unverified return of the affiliates rule would not change that
    if owned == "scheduled_unverified" and by_list != "required" and (by_list or not letters):
        return "conditional"
    return by_list or ("required_by_letter" if letters else "not_required")


def _books(context: Context, world: World, need: _Need, owned: str, found: Outcome) -> None:
    """The answer of the published text, before exceptions; letters are not published."""
    abroad = context.journey.activity != "us_import" and context.destination != "US"
    record = context.view.records.get("ai-diffusion")
    worldwide = (
        abroad
        and world.eccn == "3A090.a"
        and record is not None
        and record.compliance <= context.on
        and record.state == "not_enforced"
    )
    if need or owned == "in_force" or worldwide:
        found.on_books = "required"
    elif need.uae_open or owned == "scheduled_unverified":
        found.on_books = "unknown"
    if record is not None and abroad and world.eccn == "3A090.a":
        found.find(
            "AI Diffusion",
            worldwide,
            text("3A090.a to any country: state {state}", state=record.state),
            record.citation,
        )
        if not worldwide:
            found.flags.add("compliance_date_2025-05-15")
        elif not need and owned != "in_force":
            found.flags.add("on_books_worldwide_not_enforced")


def _policy_of_answer(context: Context, world: World, need: _Need, licence: str) -> str:
    if licence == "required_by_letter":
        issued = context.view.runs("licences-2025-08") and context.item.parts & set(
            context.law.rules["revenue-share"].parts
        )
        return "licences_being_issued" if issued else "not_stated"
    if licence in ("required", "exception_available"):
        # an affiliate's application follows the entry of its listed owner, which the question does not name
        return _review_policy(context, world, need) if need else "unknown"
    return "unknown" if licence == "conditional" else ""


def _money(context: Context, world: World, letters: frozenset[str], found: Outcome) -> None:
    if context.journey.activity == "us_import":
        exempt = _end_use(context) in context.law.rules["duty232"].exempt_end_uses
        if world.duty_band and not exempt and context.view.binds("duty232"):
            found.duty_pct = context.limit("duty-pct").value
        return
    shared = context.item.parts & set(context.law.rules["revenue-share"].parts)
    if shared and letters and context.view.runs("revenue-share"):
        found.flags.add("revenue_share_unpublished")
        if context.destination == "CN" or "CN" in world.seats:
            found.revenue_share_pct = context.limit("revenue-share-pct").value


def _end_use(context: Context) -> str:
    return context.journey.end_use or context.party.end_use


def _flags(context: Context, world: World, letters: frozenset[str], found: Outcome) -> None:
    """Flags that no other step raises."""
    view, parts, to = context.view, context.item.parts, context.destination
    if letters:
        found.flags.add("vendor_letter")
    if world.eccn == "3A090.c" and view.runs("hbm") and not view.binds("hbm"):
        found.flags.add("compliance_date_2024-12-31")
    if world.eccn in CONTROLLED and found.licence != "conditional" and _on_2026_track(context, world):
        found.flags.add("needs_certifications")
    if "h200" in parts and to == "CN" and view.runs("announcement-h200"):
        found.flags.add("announcement_pending")
    if parts & {"h20", "mi308"} and letters and view.runs("assurance-2025-07"):
        found.flags.add("assurance_only")
    embargoed = context.law.rules["part746"].countries
    abroad = context.journey.activity != "us_import"
    if abroad and (to in embargoed or any(seat in embargoed for seat in world.seats)):
        found.flags.add("part746")
    _gp10(context, world, found)


def _gp10(context: Context, world: World, found: Outcome) -> None:
    """The presumption about chips of Chinese design."""
    if not context.view.runs("gp10"):
        return
    named: Mapping[str, bool] = {part.id: part.gp10 for part in context.law.parts}
    is_named = any(named.get(part) for part in context.item.parts)
    in_class = context.item.designer_country == "CN" and world.eccn in CONTROLLED
    if not (is_named or in_class):
        return
    found.flags.add("gp10_named" if is_named else "gp10_class")
    says = text("presumed made in violation of the rules; dealing in it anywhere is a General Prohibition 10 risk")
    if context.party.analysis_only:
        found.flags.add("gp10_analysis_carveout")
        says = text("presumed made in violation of the rules; buying for technical analysis only is carved out")
    found.find("General Prohibition 10", True, says, _citation(context, "gp10"))
