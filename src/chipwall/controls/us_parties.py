"""Rules that look at who takes part and where, not at the item: lists, ownership, the Emirates by name, embargoes."""

from __future__ import annotations

from decimal import Decimal

from chipwall.controls.context import Context, LegalOutcome, Need, World
from chipwall.controls.logic import any_of
from chipwall.controls.measures import plain_decimal
from chipwall.controls.parties import LISTS
from chipwall.text import Text, listed, text

__all__ = ["embargo", "find_emirates", "find_lists", "find_ownership"]

# destinations of part 746 whose text was read only in outline: an item outside 3A090 may or may not be on the CCL
_OUTLINE = ("SY",)


def find_lists(context: Context, need: Need, found: LegalOutcome) -> None:
    """The Entity List and the other lists, for the end user by name."""
    asked = context.journey.party
    if asked and context.party is None and not context.journey.screened and not context.phrase.phrase:
        found.flags.add("party_unmatched")
        near = context.law.parties.near(asked)
        found.find(
            text("party"),
            None,
            text("'{name}' is in no table of parties, so no list could be checked{near}", name=asked, near=_near(near)),
            "15 CFR part 744 Supp. 4",
        )
    need.listed = context.listed
    entry = context.entry
    if entry is not None and context.party is not None:
        found.flags.add("entity_listed")
        if entry.footnote:
            found.flags.add(f"entity_footnote_{entry.footnote}")
        says = text(
            "{name} stands on the Entity List ({citation}): every item subject to the regulations needs a licence",
            name=context.party.name,
            citation=entry.citation,
        )
        if need.listed is None:
            says = text(
                "{name} joined the Entity List in {since} ({citation}); the day was not read",
                name=context.party.name,
                since=entry.since,
                citation=entry.citation,
            )
        found.find(text("Entity List"), need.listed, says, entry.citation)
    for kind in ("MEU", "SDN", "CMIC", "UVL"):
        _other_list(context, kind, need, found)
    if context.unmatched and need.listed is False:
        need.listed = None


def _near(names: tuple[str, ...]) -> Text:
    return text("; near: {names}", names=listed(names)) if names else Text("")


def _other_list(context: Context, kind: str, need: Need, found: LegalOutcome) -> None:
    """A list whose own rule is not worked out here: a flag, and for military end users an open answer."""
    entry = context.party.standing(kind, context.on) if context.party else None
    if entry is None or context.party is None:
        return
    found.flags.add(f"{kind.lower()}_listed")
    says = text("{name}: {list}", name=context.party.name, list=Text.of(LISTS[kind]))
    found.find(text("other lists"), True, says, entry.citation)
    if kind in ("MEU", "SDN") and need.listed is False:
        need.listed = None


def find_ownership(context: Context, need: Need, found: LegalOutcome) -> None:
    """The affiliates rule: shares of listed owners, added up, against half."""
    held, state = context.ownership, context.view.state("affiliates")
    if not state or need.listed is True:
        return
    whole = held.half
    if whole is False:
        if held.listed:
            found.flags.add("ownership_red_flag")
            says = text(
                "{percent} percent owned by listed parties ({names}): under half, a red flag to be resolved",
                percent=plain_decimal(held.listed),
                names=listed(held.names),
            )
            found.find(text("ownership"), False, says, context.citation("affiliates"))
        return
    words = {
        "in_force": ("affiliates_rule", text("owned half or more by listed parties: same restriction")),
        "stayed": ("affiliates_stayed", text("the affiliates rule is stayed; ownership is a red flag only")),
        "scheduled_unverified": (
            "affiliates_status_unverified",
            text(
                "the affiliates rule returned on 2026-11-10 by its own terms; treat it as in force until you hold an extension"
            ),
        ),
    }
    flag, says = words[state]
    if whole is None:
        found.flags.add("ownership_open")
        open_names = listed(held.unmatched) or text("owners whose listing is not dated")
        says = text(
            "{listed} percent are held by listed parties and {open} percent by {names}; nobody looked those up",
            listed=plain_decimal(held.listed),
            open=plain_decimal(held.open),
            names=open_names,
        )
        need.owned = "open" if state != "stayed" else ""
        found.find(text("ownership"), None, says, context.citation("affiliates"))
        return
    found.flags.add(flag)
    total = text(
        "{percent} percent by {names}: {says}",
        percent=plain_decimal(min(held.listed, Decimal(100))),
        names=listed(held.names),
        says=says,
    )
    result = {"in_force": True, "stayed": False, "scheduled_unverified": None}[state]
    found.find(text("ownership"), result, total, context.citation("affiliates"))
    need.owned = state


def find_emirates(context: Context, need: Need, found: LegalOutcome) -> None:
    """The United Arab Emirates by name, its Supplement 8 parties, and what lapses."""
    entry = context.supplement8
    name = context.party.name if context.party else context.journey.party
    ends = entry is not None and entry.until is not None
    need.uae_open = ends and context.view.state("supplement-8") == "scheduled_unverified"
    need.uae_exempt = entry is not None and not need.uae_open
    need.destination = not need.uae_exempt and not need.uae_open
    if need.uae_exempt:
        says = text("{party} is exempt (Supplement 8 to part 740 and the parties named with it)", party=name)
    elif need.uae_open:
        says = text("the listing of {party} lapsed on 2027-04-06 unless renewed; not verified", party=name)
    else:
        found.flags.add("uae_named")
        says = text("the United Arab Emirates is named in the licence requirement; the party is not exempt")
    result = None if need.uae_open else need.destination
    found.find(text("United Arab Emirates"), result, says, context.citation("uae-named"))


def embargo(context: Context, world: World, need: Need, found: LegalOutcome) -> None:
    """Part 746: a licence of its own for these destinations, whatever the class of the item."""
    rule = context.law.rules["part746"]
    to = context.destination
    if to in rule.countries and context.view.runs("part746"):
        found.flags.add("part746")
        # from September 2025 on items outside the control list may go to Syria; which list this one is on was not asked
        open_now = to in _OUTLINE and context.view.runs("syria-2025") and not need
        need.embargo = None if open_now else True
        says = text("{country}: part 746 needs a licence of its own; sanctions of OFAC besides", country=to)
        if open_now:
            says = text(
                "{country}: part 746 was eased in September 2025; whether this item is freed was not read", country=to
            )
        found.find(text("embargo"), need.embargo, says, context.citation("part746"))
        return
    if any(seat in rule.countries for seat in world.seats):
        found.flags.add("part746")
        seats = listed(seat for seat in world.seats if seat in rule.countries)
        says = text("a party is seated in {seats}: sanctions of OFAC and part 746 are to be checked", seats=seats)
        need.embargo = any_of((need.embargo, None))
        found.find(text("embargo"), None, says, context.citation("part746"))
