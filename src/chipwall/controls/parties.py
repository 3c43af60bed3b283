"""Who takes part: named parties with their lists, parents and owners, and what a name or a share of it means on a day.

A name is looked up, never guessed: what is not found stays unknown, with the nearest names, because a misspelt party would
otherwise be free of every list. Shares of listed owners add up, through owners that are themselves half owned.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from difflib import get_close_matches

from chipwall.controls.logic import Truth, any_of

__all__ = ["HALF", "LISTS", "Listing", "Ownership", "Parties", "Party", "Stake", "normal"]

HALF = Decimal(50)
"""From this share of listed owners on, the affiliates rule treats the owned party as listed [percent]."""
LISTS: Mapping[str, str] = {
    "EL": "Entity List",
    "MEU": "Military End User List",
    "SDN": "Specially Designated Nationals List",
    "CMIC": "Chinese Military-Industrial Complex Companies List",
    "UVL": "Unverified List",
    "SUPP8": "Supplement 8 to part 740",
    "LICENCE": "licence reported",
}
# lists whose restriction passes to whom they own by half or more, under the affiliates rule (90 FR 47201)
PASSED_ON = ("EL", "MEU", "SDN")
_FORMS = re.compile(
    r"\b(co|company|corp|corporation|inc|incorporated|ltd|limited|llc|plc|pte|pty|gmbh|ag|sa|bv|kk|the)\b\.?|有限责任公司|股份有限公司|有限公司|公司"
)
_SIGNS = re.compile(r"[^\w一-鿿]+")


def normal(name: str) -> str:
    """A name as it is compared: lower case, without signs, spaces and the words of its legal form.

    Examples
    --------
    >>> normal("Huawei Technologies Co., Ltd.") == normal("huawei technologies")
    True
    """
    return _SIGNS.sub("", _FORMS.sub(" ", _SIGNS.sub(" ", name.casefold())))


def _edges(words: str) -> tuple[date, date]:
    """First and last day that a date of day, month or year precision may mean."""
    parts = [int(part) for part in words.split("-")]
    if len(parts) == 3:
        return date(*parts), date(*parts)
    if len(parts) == 2:
        after = date(parts[0] + parts[1] // 12, parts[1] % 12 + 1, 1)
        return date(parts[0], parts[1], 1), after - timedelta(days=1)
    return date(parts[0], 1, 1), date(parts[0], 12, 31)


@dataclass(frozen=True, slots=True)
class Listing:
    """One entry of one list for one party.

    Attributes
    ----------
    kind : str
        A key of :data:`LISTS`.
    footnote : str
        Footnote of the Entity List that widens what is subject to the regulations (``1``, ``4``, ``5``).
    policy : str
        Review policy of the entry; empty where it was not read.
    since : str
        ISO day, month or year: as exact as the source tells; inside that time the listing is not known.
    until : date or None
        Last day; open unless stated.
    """

    kind: str
    footnote: str
    policy: str
    since: str
    until: date | None
    citation: str
    source: str

    def holds(self, on: date) -> Truth:
        """Whether the entry stands on a day; None inside the time that its date leaves open."""
        first, last = _edges(self.since)
        if on < first or (self.until is not None and on > self.until):
            return False
        return True if on >= last else None


@dataclass(frozen=True, slots=True)
class Stake:
    """A share of a party held by another [percent], from a day on, and where it was read."""

    owner: str
    percent: Decimal
    since: str
    source: str


@dataclass(frozen=True, slots=True)
class Party:
    """A firm, institute or government by name, with everything that the rules ask about it."""

    id: str
    name: str
    aliases: tuple[str, ...] = ()
    country: str = ""
    headquarters: str = ""
    parent: str = ""
    kind: str = ""
    source: str = ""
    note: str = ""
    listings: tuple[Listing, ...] = ()
    stakes: tuple[Stake, ...] = ()

    def on_list(self, kind: str, on: date) -> Truth:
        """Whether it stands on a list on a day."""
        return any_of(listing.holds(on) for listing in self.listings if listing.kind == kind)

    def standing(self, kind: str, on: date) -> Listing | None:
        """Its entry of a list that stands, or may stand, on a day."""
        return next((entry for entry in self.listings if entry.kind == kind and entry.holds(on) is not False), None)


@dataclass(frozen=True, slots=True)
class Ownership:
    """What a party's owners add up to on a day [percent].

    ``listed`` is held by parties that are surely listed, ``open`` by owners that nobody could look up or whose listing is
    not dated; ``half`` is whether the sum reaches the line, None when the open part decides.
    """

    listed: Decimal
    open: Decimal
    names: tuple[str, ...]
    unmatched: tuple[str, ...]

    @property
    def half(self) -> Truth:
        """Whether listed owners hold half or more."""
        if self.listed >= HALF:
            return True
        return None if self.listed + self.open >= HALF else False


@dataclass(frozen=True, slots=True)
class Parties:
    """Every named party, found by name, alias or Chinese name."""

    table: Mapping[str, Party]
    index: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, parties: Iterable[Party]) -> Parties:
        """The table with its index of names; a later party of the same name stands before an earlier one."""
        table = {party.id: party for party in parties}
        index = {normal(words): party.id for party in table.values() for words in (*party.aliases, party.name)}
        return cls(table, index)

    def __iter__(self) -> Iterator[Party]:
        return iter(self.table.values())

    def __len__(self) -> int:
        return len(self.table)

    def with_more(self, more: Iterable[Party]) -> Parties:
        """This table with the caller's own parties added or put in place of ours."""
        return Parties.of((*self.table.values(), *more))

    def find(self, name: str) -> Party | None:
        """The party of this name, or None."""
        found = self.index.get(normal(name))
        return self.table[found] if found else None

    def near(self, name: str, *, count: int = 3) -> tuple[str, ...]:
        """Names that look like this one, for somebody who may have misspelt it."""
        asked = normal(name)
        close = get_close_matches(asked, self.index, n=count, cutoff=0.75)
        inside = [words for words in self.index if len(words) >= 5 and words in asked]
        ids = dict.fromkeys(self.index[words] for words in (*close, *sorted(inside, key=len, reverse=True)))
        return tuple(self.table[identity].name for identity in ids)[:count]

    def seats(self, party: Party) -> tuple[str, ...]:
        """Where a party and its parents are headquartered, itself first."""
        found: list[str] = []
        seen: set[str] = set()
        step: Party | None = party
        while step is not None and step.id not in seen:
            seen.add(step.id)
            found += [step.headquarters] if step.headquarters else []
            step = self.table.get(step.parent)
        return tuple(dict.fromkeys(found))

    def passes_on(self, party: Party, on: date, *, seen: frozenset[str] = frozenset()) -> Truth:
        """Whether a party's restriction passes to whom it owns: listed itself, or half owned by such parties."""
        own = any_of(party.on_list(kind, on) for kind in PASSED_ON)
        if own or party.id in seen:
            return own
        held = self.owned([(stake.owner, stake.percent) for stake in party.stakes], on, seen=seen | {party.id})
        return any_of((own, held.half))

    def owned(
        self,
        owners: Iterable[tuple[str, Decimal]],
        on: date,
        *,
        seen: frozenset[str] = frozenset(),
        screened: bool = False,
    ) -> Ownership:
        """What owners add up to, listed and open.

        Parameters
        ----------
        owners : iterable of (str, Decimal)
            Names or ids, with percent.
        screened : bool
            Owners that are not in the table were looked up by the caller and are on no list.
        """
        listed, open_share = Decimal(0), Decimal(0)
        names: list[str] = []
        unmatched: list[str] = []
        for name, percent in owners:
            party = self.table.get(name) or self.find(name)
            if party is None:
                unmatched.append(name)
                open_share += 0 if screened else percent
                continue
            passed = self.passes_on(party, on, seen=seen)
            if passed:
                listed += percent
                names.append(party.name)
            elif passed is None:
                open_share += percent
        return Ownership(listed, open_share, tuple(names), tuple(unmatched))
