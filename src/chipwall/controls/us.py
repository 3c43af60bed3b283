"""The law of the United States, clause by clause, for one possible world: every number known, every reading settled.

:mod:`chipwall.controls.worlds` builds the worlds that the known facts leave open and compares their outcomes. What is
here compares no threshold: those are clauses in the data, run by :mod:`chipwall.controls.logic`.
"""

from __future__ import annotations

from chipwall.controls.context import CONTROLLED, Context, Need, Outcome, World
from chipwall.controls.law import Letter
from chipwall.controls.records import ExceptionAnswer
from chipwall.controls.us_exceptions import exceptions
from chipwall.text import Text, text

__all__ = ["letter_reaches", "outcome"]


def _seated_in_d5(context: Context, world: World) -> str:
    """The first seat of the party in Macau or D:5, or empty."""
    return next((seat for seat in world.seats if context.countries.macau_or_d5(seat, on=context.on)), "")


def _need_2022(context: Context, found: Outcome) -> Need:
    to = context.destination
    listed = to == "CN" or (to == "MO" and context.view.binds("r2022-macau"))
    found.find(
        text("destination"),
        listed,
        text("{country}: the 2022 rule names China, and Macau from 2023-01-17; headquarters do not count", country=to),
        context.citation("r2022-macau" if to == "MO" else "r2022"),
    )
    return Need(destination=listed)


def _need_2023(context: Context, world: World, found: Outcome) -> Need:
    to, day, countries = context.destination, context.on, context.countries
    need = Need(destination=countries.listed_2023(to, on=day))
    groups = [group for group in ("D:1", "D:4", "D:5", "A:5", "A:6") if countries.member(to, group, on=day)]
    says = text(
        "{country} ({groups}): Macau, or D:1, D:4, D:5 and not A:5, A:6",
        country=to,
        groups=", ".join(groups) or text("no group"),
    )
    found.find(text("destination"), need.destination, says, context.citation("r2023"))
    if to == "AE" and context.view.runs("uae-named"):
        _need_uae(context, need, found)
    seat = _seated_in_d5(context, world)
    need.headquarters = bool(seat)
    found.find(
        text("headquarters"),
        need.headquarters,
        text("party or parent headquartered in Macau or D:5: {seat}", seat=seat)
        if seat
        else text("no seat of the party in Macau or D:5 ({seats})", seats=", ".join(world.seats) or text("none given")),
        context.citation("headquarters"),
    )
    if need.headquarters and not need.destination:
        found.flags.add("hq_rule")
    return need


def _need_uae(context: Context, need: Need, found: Outcome) -> None:
    """The United Arab Emirates by name, its Supplement 8 parties, and what lapses."""
    listing = context.party.supplement8
    state = context.view.state("supplement-8")
    need.uae_open = bool(listing) and listing != "listed" and state == "scheduled_unverified"
    need.uae_exempt = bool(listing) and not need.uae_open
    need.destination = not need.uae_exempt and not need.uae_open
    if need.uae_exempt:
        says = text(
            "{party} is exempt (Supplement 8 to part 740 and the parties named with it)", party=context.party.phrase
        )
    elif need.uae_open:
        says = text(
            "the listing of {party} lapsed on 2027-04-06 unless renewed; not verified", party=context.party.phrase
        )
    else:
        found.flags.add("uae_named")
        says = text("the United Arab Emirates is named in the licence requirement; the party is not exempt")
    found.find(
        text("United Arab Emirates"), None if need.uae_open else need.destination, says, context.citation("uae-named")
    )


def _need(context: Context, world: World, found: Outcome) -> Need:
    """Whether the list needs a licence for this class, destination and party."""
    if context.journey.activity == "us_import" or context.destination == "US":
        return Need()
    if world.eccn == "3A090(2022)":
        return _need_2022(context, found)
    if world.eccn in CONTROLLED:
        return _need_2023(context, world, found)
    if world.eccn == "3A090.c":
        listed = context.countries.macau_or_d5(context.destination, on=context.on)
        bound = context.view.binds("hbm")
        found.find(
            text("destination"),
            listed and bound,
            text("{country}: 3A090.c looks at Macau and D:5, from its compliance date", country=context.destination),
            context.citation("hbm"),
        )
        return Need(destination=listed and bound)
    return Need()


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


def _review_policy(context: Context, world: World, need: Need) -> str:
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
        found.find(text("ownership"), result, says, context.citation("affiliates"))
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
        found.exceptions = exceptions(context, world, need)
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


def _licence(context: Context, need: Need, *, owned: str, available: bool, letters: frozenset[str]) -> str:
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


def _books(context: Context, world: World, need: Need, owned: str, found: Outcome) -> None:
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
            text("AI Diffusion"),
            worldwide,
            text("3A090.a to any country: state {state}", state=Text.of(record.state)),
            record.citation,
        )
        if not worldwide:
            found.flags.add("compliance_date_2025-05-15")
        elif not need and owned != "in_force":
            found.flags.add("on_books_worldwide_not_enforced")


def _policy_of_answer(context: Context, world: World, need: Need, licence: str) -> str:
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
    for rule in sorted(letters):
        says = text(
            "{title} reaches this part on this journey; the letter is not public",
            title=context.law.rules[rule].title,
        )
        found.find(text("vendor letter"), True, says, context.citation(rule))
    if to == "AE" and context.party.supplement8 and view.runs("supplement-8"):
        lapsed = view.state("supplement-8") != "in_force" and context.party.supplement8 != "listed"
        found.flags.add("scheduled_lapse_unverified" if lapsed else "supp8_740")
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
    is_named = any(part.gp10 for part in context.law.parts if part.id in context.item.parts)
    in_class = context.item.designer_country == "CN" and world.eccn in CONTROLLED
    if not (is_named or in_class):
        return
    found.flags.add("gp10_named" if is_named else "gp10_class")
    says = text("presumed made in violation of the rules; dealing in it anywhere is a General Prohibition 10 risk")
    if context.party.analysis_only:
        found.flags.add("gp10_analysis_carveout")
        says = text("presumed made in violation of the rules; buying for technical analysis only is carved out")
    found.find(text("General Prohibition 10"), True, says, context.citation("gp10"))
