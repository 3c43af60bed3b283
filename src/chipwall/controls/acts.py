"""Acts beyond shipping a chip: rental, training for others, service, repair and return, weights, access to a model.

The table of what was read stands in ``data/acts.toml``. An act that no text read asks a licence for is ``none_found``, never
"not required": regulations on acts hang on knowledge, and letters are private.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Literal

from chipwall.controls.context import CONTROLLED
from chipwall.controls.decide import decide
from chipwall.controls.law import Law
from chipwall.controls.logic import Truth, any_of
from chipwall.controls.records import Decision, Item, Journey
from chipwall.text import Text, text

__all__ = ["KNOWLEDGE", "Act", "ActAnswer", "Acts", "Asking", "Said", "Sign", "acts_of", "judged"]

Outcome = Literal["required", "red_flag", "unknown", "none_found", "not_required"]
KNOWLEDGE = ("nothing", "training", "military")
# what wins where several rules speak: a licence, then what is open, then a sign, then silence
_ORDER: tuple[Outcome, ...] = ("required", "unknown", "red_flag", "none_found", "not_required")
_LICENCES: Mapping[str, Outcome] = {
    "required": "required",
    "required_by_letter": "required",
    "not_required": "not_required",
}


@dataclass(frozen=True, slots=True)
class Act:
    """An act: who is liable for it, and what must be asked."""

    id: str
    title: Text
    liable: Text
    questions: tuple[Text, ...]


@dataclass(frozen=True, slots=True)
class ActRule:
    """What one text says about some acts, while it runs; empty fields ask for nothing."""

    acts: tuple[str, ...]
    since: date
    until: date | None
    outcome: Outcome
    books: str
    says: Text
    citation: str
    source: str
    knows: tuple[str, ...] = ()
    hq: bool = False
    vendor: str = ""
    design: str = ""
    operations: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Sign:
    """A red flag of the guidance, with where it was read."""

    acts: tuple[str, ...]
    says: tuple[Text, ...]
    citation: str
    source: str


@dataclass(frozen=True, slots=True)
class Acts:
    """What is known of acts beyond shipping: the acts by id, the rules that speak to them, and the red flags."""

    acts: Mapping[str, Act]
    rules: tuple[ActRule, ...]
    signs: tuple[Sign, ...]


@dataclass(frozen=True, slots=True)
class Asking:
    """What is known of an act.

    Attributes
    ----------
    journey : Journey
        Where the user sits, its party, parent and owners.
    knows : str
        A word of :data:`KNOWLEDGE`; empty where nobody said.
    operations : Decimal or None
        Operations spent on training a model.
    published : bool or None
        Whether its weights are published.
    """

    journey: Journey
    item: Item | None = None
    knows: str = ""
    vendor: str = ""
    operations: Decimal | None = None
    published: bool | None = None


@dataclass(frozen=True, slots=True)
class Said:
    """A rule that speaks, or may speak, to the act: ``applies`` is None where what it asks was not told."""

    outcome: Outcome
    applies: Truth
    says: Text
    citation: str
    source: str
    books: str = ""


@dataclass(frozen=True, slots=True)
class ActAnswer:
    """What was found about one act on a day.

    ``outcome`` is as enforced, ``books`` as printed; ``decisions`` are the shipments that the act is made of.
    """

    act: Act
    on: date
    outcome: Outcome
    books: str
    said: tuple[Said, ...]
    signs: tuple[Sign, ...]
    decisions: tuple[Decision, ...] = ()


def acts_of(document: Mapping[str, Any]) -> Acts:
    """The acts, rules and signs of ``data/acts.toml``."""
    return Acts(
        {
            row["id"]: Act(
                row["id"],
                Text.of(row["title"]),
                Text.of(row["liable"]),
                tuple(Text.of(one) for one in row["questions"]),
            )
            for row in document["act"]
        },
        tuple(_rule(row) for row in document["rule"]),
        tuple(
            Sign(tuple(row["acts"]), tuple(Text.of(one) for one in row["says"]), row["citation"], row["source"])
            for row in document["sign"]
        ),
    )


def _rule(row: Mapping[str, Any]) -> ActRule:
    return ActRule(
        acts=tuple(row["acts"]),
        since=row["since"],
        until=row.get("until"),
        outcome=row["outcome"],
        books=row.get("books", ""),
        says=Text.of(row["says"]),
        citation=row["citation"],
        source=row["source"],
        knows=tuple(row.get("knows", ())),
        hq=row.get("hq", False),
        vendor=row.get("vendor", ""),
        design=row.get("design", ""),
        operations=row.get("operations"),
    )


def judged(name: str, asking: Asking, *, acts: Acts, law: Law, on: date) -> ActAnswer:
    """What was found about the act of that id on a day, the strictest first."""
    act = acts.acts[name]
    said = [
        Said(rule.outcome, applies, rule.says, rule.citation, rule.source, rule.books)
        for rule in acts.rules
        if act.id in rule.acts
        and rule.since <= on
        and (rule.until is None or on <= rule.until)
        and (applies := _applies(rule, asking, law, on)) is not False
    ]
    said += [*_of_party(asking, law, on), *_embargoed(asking.journey, law)]
    decisions = _shipments(act, asking, law, on)
    found = [one.outcome if one.applies else "unknown" for one in said]
    found += [
        _LICENCES.get(one.licence.as_enforced, "unknown") for one in decisions if one.journey.activity == "export"
    ]
    books = [one.books if one.applies else "unknown" for one in said if one.books]
    signs = tuple(sign for sign in acts.signs if act.id in sign.acts)
    outcome: Outcome = min(found, key=_ORDER.index, default="unknown")
    return ActAnswer(act, on, outcome, books[0] if books else outcome, tuple(said), signs, decisions)


def _applies(rule: ActRule, asking: Asking, law: Law, on: date) -> Truth:
    """Whether what a rule asks for holds; None where it was not told."""
    tests: list[Truth] = []
    if rule.knows:
        tests.append(None if not asking.knows else asking.knows in rule.knows)
    if rule.hq:
        tests.append(_seated(asking.journey, law, on))
    if rule.vendor:
        tests.append(asking.vendor == rule.vendor if asking.vendor else None)
    if rule.design:
        chip = asking.item
        caught = None if chip is None else _caught(chip, asking.journey, law, on)
        tests.append(None if chip is None else caught if chip.designer_country == rule.design else False)
    if rule.operations is not None:
        enough = None if asking.operations is None else asking.operations >= rule.operations
        tests.append(False if asking.published or enough is False else None if asking.published is None else enough)
    return False if False in tests else None if None in tests else True


def _caught(item: Item, journey: Journey, law: Law, on: date) -> Truth:
    eccn = decide(item, journey, on=on, law=law).eccn
    return None if eccn == "unknown" else eccn in CONTROLLED


def _seated(journey: Journey, law: Law, on: date) -> Truth:
    """Whether the user or a parent sits in Macau or D:5; None where nobody said where."""
    party = law.parties.find(journey.party) if journey.party else None
    seats = {journey.headquarters, journey.parent, *(law.parties.seats(party) if party else ())} - {""}
    if any(seat == "MO" or law.countries.member(seat, "D:5", on=on) for seat in seats):
        return True
    return False if journey.headquarters and (party is not None or not journey.party or journey.screened) else None


def _of_party(asking: Asking, law: Law, on: date) -> list[Said]:
    """What the named party adds: a list, or that nobody knows it."""
    journey, parties = asking.journey, law.parties
    if not journey.party and not journey.owners:
        return []
    party = parties.find(journey.party) if journey.party else None
    owned = parties.owned(journey.owners, on, screened=journey.screened).half if journey.owners else False
    listed = any_of((parties.passes_on(party, on) if party else False, owned))
    if party is None and journey.party and not journey.screened and not listed:
        near = ", ".join(parties.near(journey.party))
        says = text("{name} is not in the table of parties: look into the current lists", name=journey.party)
        says = text("{says}; like it: {near}", says=says, near=near) if near else says
        return [Said("unknown", True, says, "744.11", "")]
    if listed is False:
        return []
    says = text(
        "a listed party, or owned by listed ones: items for it need a licence; for the act alone no text was read"
    )
    return [Said("unknown", True, says, "744.11", "")]


def _embargoed(journey: Journey, law: Law) -> list[Said]:
    """Part 746 and OFAC reach services as well as goods; nothing of that was read here."""
    places = {journey.destination, journey.headquarters, journey.parent} & set(law.rules["part746"].countries)
    if not places:
        return []
    says = text("{places}: part 746 and OFAC reach more than goods; not read", places=", ".join(sorted(places)))
    return [Said("unknown", True, says, "15 CFR part 746", "")]


def _shipments(act: Act, asking: Asking, law: Law, on: date) -> tuple[Decision, ...]:
    """Repair and return is an entry into the United States and an export back."""
    if act.id != "repair-return" or asking.item is None:
        return ()
    back = asking.journey
    entry = Journey(activity="us_import", exporter=back.destination, destination="US", end_use="repair")
    return tuple(decide(asking.item, way, on=on, law=law) for way in (entry, back))
