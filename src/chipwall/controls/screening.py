"""A list of names against the table of parties: what is known of each on a day, and what must still be looked up.

The table holds the parties that public cases about AI chips name, not the lists themselves: a name without an entry here is
not cleared.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Literal

from chipwall.controls.countries import Countries
from chipwall.controls.law import Law
from chipwall.controls.logic import Truth
from chipwall.controls.parties import Listing, Ownership, Parties, Party
from chipwall.files import Problems, read_rows
from chipwall.text import Text, text

__all__ = ["NameToScreen", "Screened", "ScreeningOutcome", "read_names", "screened", "sentence"]

ScreeningOutcome = Literal["listed", "perhaps_listed", "owned", "perhaps_owned", "seat", "no_entry", "not_found"]
_FIX = text("Columns: name; optional owners (NAME=PERCENT;...). Described in docs/controls.md, 'Screening'")


@dataclass(frozen=True, slots=True)
class NameToScreen:
    """A name to screen, with the owners that the asker knows [percent]."""

    name: str
    owners: tuple[tuple[str, Decimal], ...] = ()


@dataclass(frozen=True, slots=True)
class Screened:
    """What the table says of one name on a day.

    Attributes
    ----------
    outcome : str
        The strictest thing found; ``not_found`` where nothing of that name is in the table.
    party : Party or None
        Who was found.
    seats : tuple of str
        Where it and its parents are headquartered.
    listings : tuple of Listing
        Its own entries, and above it those of its parents (``upstream``), that stand or may stand on the day.
    owners : Ownership or None
        What the owners given, or the stakes of the table, add up to.
    near : tuple of str
        Names that look alike, where nothing was found.
    """

    asked: NameToScreen
    outcome: ScreeningOutcome
    party: Party | None
    seats: tuple[str, ...]
    listings: tuple[Listing, ...]
    upstream: tuple[Party, ...]
    owners: Ownership | None
    near: tuple[str, ...]


def read_names(path: Path) -> tuple[NameToScreen, ...]:
    """The names of a CSV file, with every line that cannot be read refused at once."""
    table = read_rows(path, argument="names", needed=("name",), fold=True, fix=_FIX)
    problems = Problems(table.file, fix=_FIX)
    for name in table.columns:
        if name not in ("name", "owners", "note"):
            problems.add(1, text("unknown column '{name}'", name=name))
    found = []
    for line, row in zip(table.lines, table.rows, strict=True):
        if line in table.ragged:
            problems.add(line, text("the row has more or fewer cells than the header"))
        elif not row["name"]:
            problems.add(line, text("no name"))
        else:
            found.append(NameToScreen(row["name"], _owners(row.get("owners", ""), line, problems)))
    if not table.rows:
        problems.add(1, text("at least one row is needed"))
    problems.stop()
    return tuple(found)


def _owners(words: str, line: int, problems: Problems) -> tuple[tuple[str, Decimal], ...]:
    found = []
    for piece in (part.strip() for part in words.split(";") if part.strip()):
        name, _, share = piece.rpartition("=")
        try:
            percent = Decimal(share.strip().rstrip("%"))
        except InvalidOperation:
            percent = Decimal(0)
        if not name.strip() or not percent.is_finite() or not 0 < percent <= 100:
            problems.add(line, text("'{words}' is no share of an owner", words=piece))
        else:
            found.append((name.strip(), percent))
    return tuple(found)


def screened(asked: NameToScreen, *, law: Law, on: date) -> Screened:
    """What the table says of one name on a day; never a clearance."""
    parties = law.parties
    party = parties.find(asked.name)
    owners = _held(asked, party, parties, on)
    if party is None:
        outcome: ScreeningOutcome = "not_found" if owners is None or owners.half is False else _by_owners(owners.half)
        return Screened(asked, outcome, None, (), (), (), owners, parties.near(asked.name))
    listings = tuple(
        one for one in party.listings if one.kind not in ("SUPP8", "LICENCE") and one.holds(on) is not False
    )
    upstream = tuple(one for one in _above(party, parties) if parties.passes_on(one, on) is not False)
    seats = parties.seats(party)
    outcome = _outcome(listings, upstream, owners, seats, law.countries, on)
    return Screened(asked, outcome, party, seats, listings, upstream, owners, ())


def _held(asked: NameToScreen, party: Party | None, parties: Parties, on: date) -> Ownership | None:
    stakes = asked.owners or (tuple((one.owner, one.percent) for one in party.stakes) if party else ())
    return parties.owned(stakes, on) if stakes else None


def _above(party: Party, parties: Parties) -> tuple[Party, ...]:
    found: list[Party] = []
    step = parties.table.get(party.parent)
    while step is not None and step not in found:
        found.append(step)
        step = parties.table.get(step.parent)
    return tuple(found)


def _by_owners(half: Truth) -> ScreeningOutcome:
    return "owned" if half else "perhaps_owned"


def _outcome(
    listings: tuple[Listing, ...],
    upstream: tuple[Party, ...],
    owners: Ownership | None,
    seats: tuple[str, ...],
    countries: Countries,
    on: date,
) -> ScreeningOutcome:
    if any(one.holds(on) for one in listings):
        return "listed"
    if listings:
        return "perhaps_listed"
    if owners is not None and owners.half is not False:
        return _by_owners(owners.half)
    if upstream:
        return "perhaps_owned"  # a parent's share is not told: half or more is what "parent" means, but nobody said so
    if any(seat == "MO" or countries.member(seat, "D:5", on=on) for seat in seats):
        return "seat"
    return "no_entry"


def sentence(found: Screened) -> Text:
    """What to do about one name."""
    says: dict[ScreeningOutcome, Text] = {
        "listed": text("on a list: nothing moves before what that list asks for is met"),
        "perhaps_listed": text("may be on a list on this day: the day of its entry was not read exactly"),
        "owned": text("listed owners hold half or more: the affiliates rule treats it as listed where it is in force"),
        "perhaps_owned": text("a listed parent or owner, its share not known: ask for the shares"),
        "seat": text("on no list here; headquartered in Macau or D:5: the headquarters rule reaches it"),
        "no_entry": text("no entry in this table: not cleared, look into the current lists"),
        "not_found": text("not in this table: unknown, look into the current lists"),
    }
    return says[found.outcome]
