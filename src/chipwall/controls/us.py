"""The law of the United States, clause by clause, for one possible world: every number known, every reading settled.

:mod:`chipwall.controls.worlds` builds the worlds that the known facts leave open and compares their outcomes. What is
here compares no threshold: those are clauses in the data, run by :mod:`chipwall.controls.logic`.
"""

from __future__ import annotations

from chipwall.controls.context import CONTROLLED, Context, LegalOutcome, Need, World
from chipwall.controls.law import Letter
from chipwall.controls.logic import Truth
from chipwall.controls.records import ExceptionAnswer, state_text
from chipwall.controls.us_exceptions import exceptions, published_exceptions, temporary_licence
from chipwall.controls.us_parties import embargo, find_emirates, find_lists, find_ownership
from chipwall.text import text

__all__ = ["in_headings", "letter_reaches", "on_2026_track", "outcome"]


def _seated_in_d5(context: Context, world: World) -> str:
    """The first seat of the party in Macau or D:5, or empty."""
    return next((seat for seat in world.seats if context.countries.macau_or_d5(seat, on=context.on)), "")


def _need_2022(context: Context, found: LegalOutcome) -> Need:
    to = context.destination
    listed = to == "CN" or (to == "MO" and context.view.binds("r2022-macau"))
    found.find(
        text("destination"),
        listed,
        text("{country}: the 2022 rule names China, and Macau from 2023-01-17; headquarters do not count", country=to),
        context.citation("r2022-macau" if to == "MO" else "r2022"),
    )
    return Need(destination=listed)


def _need_2023(context: Context, world: World, found: LegalOutcome) -> Need:
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
        find_emirates(context, need, found)
    _need_headquarters(context, world, need, found)
    return need


def _need_headquarters(context: Context, world: World, need: Need, found: LegalOutcome) -> None:
    """The headquarters rule: any destination, if the party or its ultimate parent sits in Macau or D:5."""
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


def _need(context: Context, world: World, found: LegalOutcome) -> Need:
    """Whether the list needs a licence for this class, destination and party."""
    if not context.abroad:
        return Need()
    if world.eccn == "3A090(2022)":
        need = _need_2022(context, found)
    elif world.eccn in CONTROLLED:
        need = _need_2023(context, world, found)
    elif world.eccn == "3A090.c":
        need = _need_memory(context, world, found)
    else:
        need = Need()
    find_lists(context, need, found)
    find_ownership(context, need, found)
    embargo(context, world, need, found)
    return need


def _need_memory(context: Context, world: World, found: LegalOutcome) -> Need:
    """3A090.c: Macau and D:5, and from the same day parties headquartered there (744.23(a)(3)(i)(B))."""
    bound = context.view.binds("hbm")
    reached = context.countries.macau_or_d5(context.destination, on=context.on)
    found.find(
        text("destination"),
        reached and bound,
        text("{country}: 3A090.c looks at Macau and D:5, from its compliance date", country=context.destination),
        context.citation("hbm"),
    )
    need = Need(destination=reached and bound)
    if bound:
        _need_headquarters(context, world, need, found)
    return need


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


def _item_policy(context: Context, world: World, need: Need) -> str:
    """Policy under which an application for this class, destination and party is read."""
    day, countries, view = context.on, context.countries, context.view
    if world.eccn == "3A090(2022)":
        friendly = any(seat == "US" or countries.favoured(seat, on=day) for seat in world.seats)
        return "case_by_case" if friendly else "presumption_of_denial"
    if world.eccn == "3A090.c":
        return "unknown"  # the paragraph for memory was not read
    if countries.macau_or_d5(context.destination, on=day) or need.headquarters:
        if world.eccn == "3A090.a" and world.datacenter:
            return "case_by_case" if on_2026_track(context, world) else "presumption_of_denial"
        return "case_by_case" if view.runs("policy-case-by-case-2024") else "unknown"
    if view.runs("policy-approval-d1-d4"):
        return "presumption_of_approval"
    return "not_stated"


def _stricter(policies: list[str]) -> str:
    """The strictest of several policies that all apply; an unread one may be stricter than any but denial."""
    if "presumption_of_denial" in policies:
        return "presumption_of_denial"
    return policies[0] if len(set(policies)) == 1 else "unknown"


def _review_policy(context: Context, world: World, need: Need) -> str:
    """The policy of the answer: of the item, of the listed party and of the embargo, the strictest of them."""
    found = [_item_policy(context, world, need)] if need else []
    if need.listed:
        entry = context.entry
        found.append((entry.policy if entry else "") or "unknown")
    if need.owned == "in_force" and not need.listed:
        found.append("unknown")  # the most restrictive entry among the owners decides; not worked out
    if need.embargo and context.destination != "CU":
        found.append("unknown")
    elif need.embargo:
        found.append("presumption_of_denial")
    return _stricter(found) if found else "unknown"


def on_2026_track(context: Context, world: World) -> bool:
    """Exports from the United States to China or Macau, both numbers under the limits, certifications not failed.

    The track is for 3A090.a designed for data centres; other items were read case by case before it, without
    certificates.
    """
    journey = context.journey
    return (
        context.view.binds("review2026")
        and world.eccn == "3A090.a"
        and world.datacenter
        and journey.activity == "export"
        and journey.exporter == "US"
        and context.destination in ("CN", "MO")
        and world.under_review_limits
        and world.certified
    )


def outcome(context: Context, world: World) -> LegalOutcome:
    """What the law says in one world: licence, both books, exceptions, policy, duty, share and flags."""
    found = LegalOutcome(world.eccn)
    need = _need(context, world, found)
    letters = world.letters if context.abroad else frozenset()
    if need or need.uae_open:
        found.exceptions = exceptions(context, world, need)
    found.exceptions = temporary_licence(context, need, found.exceptions)
    if need.listed or need.owned == "in_force" or context.unmatched:
        found.exceptions = _closed_to(context, need, found.exceptions)
    usable = any_usable(found.exceptions)
    found.licence = _licence(context, need, usable=usable, letters=letters)
    _books(context, world, need, found)
    found.review_policy = _policy_of_answer(context, world, need, found.licence)
    _published(context, world, need, found)
    _money(context, world, letters, found)
    _flags(context, world, letters, found)
    return found


def _closed_to(context: Context, need: Need, answers: tuple[ExceptionAnswer, ...]) -> tuple[ExceptionAnswer, ...]:
    """Exceptions for a listed or owned party: none; for a name that nobody looked up: not known."""
    if context.unmatched and not (need.listed or need.owned == "in_force"):
        why, open_now = text("not for a party under the Entity List, and the name was not found"), True
    else:
        why, open_now = text("not for a party under the Entity List"), False
    return tuple(
        ExceptionAnswer(a.name, (None if open_now and a.available is not False else False), why, a.citation)
        if a.name != "TGL"
        else a
        for a in answers
    )


def any_usable(answers: tuple[ExceptionAnswer, ...]) -> Truth:
    """Whether an exception covers class and destination: yes, no, or not known because the text was not read."""
    decided = [answer.available for answer in answers if answer.name not in ("AIA", "ACM", "LPP")]
    return True if True in decided else None if None in decided else False


def _licence(context: Context, need: Need, *, usable: Truth, letters: frozenset[str]) -> str:
    """The licence answer as enforced: the first line of the ladder that applies."""
    if context.journey.activity == "us_import":
        return "n/a"
    if need.owned == "in_force" and not (need.listed or need or need.embargo) and usable is None:
        return "unknown"  # the temporary general licence of the affiliates rule may cover it
    if need.listed or need.owned == "in_force":
        return "required"
    by_list = {True: "exception_available", None: "unknown", False: "required"}[usable] if need else ""
    if need.embargo and (by_list or not letters):
        return "required"
    if need.uae_open and not by_list:
        return "required_by_letter" if letters else "conditional"
    # a letter needs the licence either way, so the unverified return of the affiliates rule would not change that
    if need.owned == "scheduled_unverified" and by_list != "required" and (by_list or not letters):
        return "conditional"
    found = by_list or ("required_by_letter" if letters else "not_required")
    return "unknown" if need.open and found in ("not_required", "exception_available") else found


def _worldwide(context: Context, world: World) -> bool:
    """Whether AI Diffusion, printed and not enforced, asks for a licence here."""
    record = context.view.records.get("ai-diffusion")
    return (
        context.abroad
        and world.eccn == "3A090.a"
        and record is not None
        and record.compliance <= context.on
        and record.state == "not_enforced"
    )


def _books(context: Context, world: World, need: Need, found: LegalOutcome) -> None:
    """The requirement of the published text, before exceptions; letters are not published."""
    record, worldwide = context.view.records.get("ai-diffusion"), _worldwide(context, world)
    if need or need.sure or worldwide or need.owned == "scheduled_unverified":
        found.on_books = "required"  # the affiliates rule returned by its own printed terms
    elif need.uae_open or need.open:
        found.on_books = "unknown"
    if record is not None and context.abroad and world.eccn == "3A090.a":
        found.find(
            text("AI Diffusion"),
            worldwide,
            text("3A090.a to any country: state {state}", state=state_text(record.state)),
            record.citation,
        )
        if not worldwide:
            found.flags.add("compliance_date_2025-05-15")
        elif not need and not need.sure:
            found.flags.add("on_books_worldwide_not_enforced")


def _published(context: Context, world: World, need: Need, found: LegalOutcome) -> None:
    """The whole published text: requirement, exceptions and policy, as if everything printed were enforced."""
    if context.journey.activity == "us_import":
        found.published_licence = "n/a"
        return
    if not _worldwide(context, world):
        found.published_licence = found.on_books
        if found.on_books == "required":
            found.published_exceptions, found.published_policy = found.exceptions, found.review_policy
            covered = found.licence == "exception_available"
            found.published_licence = "exception_available" if covered else "required"
            found.published_policy = found.published_policy or "unknown"
        return
    found.published_exceptions = published_exceptions(context, world, need, found.exceptions)
    available = any(answer.available for answer in found.published_exceptions) and not need.sure
    found.published_licence = "exception_available" if available else "required"
    strict = context.countries.macau_or_d5(context.destination, on=context.on) or need.headquarters or need.sure
    found.published_policy = (found.review_policy or "unknown") if strict else "approval_within_allocation"


def _policy_of_answer(context: Context, world: World, need: Need, licence: str) -> str:
    if licence == "required_by_letter":
        issued = context.view.runs("licences-2025-08") and context.item.parts & set(
            context.law.rules["revenue-share"].parts
        )
        return "licences_being_issued" if issued else "not_stated"
    if licence in ("required", "exception_available"):
        return _review_policy(context, world, need)
    if licence == "unknown" and need:
        return _review_policy(context, world, need)  # needed either way; only the exception is open
    return "unknown" if licence == "conditional" else ""


def _money(context: Context, world: World, letters: frozenset[str], found: LegalOutcome) -> None:
    if context.journey.activity == "us_import":
        exempt = _end_use(context) in context.law.rules["duty232"].exempt_end_uses
        if world.duty_band and not exempt and in_headings(context) and context.view.binds("duty232"):
            found.duty_pct = context.limit("duty-pct").value
        return
    shared = context.item.parts & set(context.law.rules["revenue-share"].parts)
    if shared and letters and context.view.runs("revenue-share"):
        found.flags.add("revenue_share_unpublished")
        if context.destination == "CN" or "CN" in world.seats:
            found.revenue_share_pct = context.limit("revenue-share-pct").value


def in_headings(context: Context) -> bool:
    """Whether the entry is made under a heading of the duty; nobody said counts as yes, and the answer says so."""
    heading = context.journey.heading.replace(".", "").replace(" ", "")
    return not heading or any(heading.startswith(known) for known in context.law.rules["duty232"].headings)


def _end_use(context: Context) -> str:
    return context.journey.end_use or context.phrase.end_use


def _flags(context: Context, world: World, letters: frozenset[str], found: LegalOutcome) -> None:
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
    listing = context.supplement8
    if to == "AE" and listing is not None and view.runs("supplement-8"):
        lapsed = view.state("supplement-8") != "in_force" and listing.until is not None
        found.flags.add("scheduled_lapse_unverified" if lapsed else "supp8_740")
    if world.eccn == "3A090.c" and view.runs("hbm") and not view.binds("hbm"):
        found.flags.add("compliance_date_2024-12-31")
    if found.licence != "conditional" and found.review_policy == "case_by_case" and on_2026_track(context, world):
        found.flags.add("needs_certifications")
    if "h200" in parts and to == "CN" and view.runs("announcement-h200"):
        found.flags.add("announcement_pending")
    if parts & {"h20", "mi308"} and letters and view.runs("assurance-2025-07"):
        found.flags.add("assurance_only")
    _gp10(context, world, found)


def _gp10(context: Context, world: World, found: LegalOutcome) -> None:
    """The presumption about chips of Chinese design."""
    if not context.view.runs("gp10"):
        return
    is_named = any(part.gp10 for part in context.law.parts if part.id in context.item.parts)
    in_class = context.item.designer_country == "CN" and world.eccn in CONTROLLED
    if not (is_named or in_class):
        return
    found.flags.add("gp10_named" if is_named else "gp10_class")
    says = text("presumed made in violation of the rules; dealing in it anywhere is a General Prohibition 10 risk")
    if context.phrase.analysis_only or context.journey.analysis_only:
        found.flags.add("gp10_analysis_carveout")
        says = text("presumed made in violation of the rules; buying for technical analysis only is carved out")
    found.find(text("General Prohibition 10"), True, says, context.citation("gp10"))
