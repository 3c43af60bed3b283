"""Country groups by date: the printed table, and the dated changes undone to reach an earlier day.

Hong Kong is not a destination of its own and counts as China; Macau is not in D:5, and every D:5 test names it besides.
Tables are read as plain text, so that Namibia stays ``NA``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches

from chipwall.errors import InputError, unknown_name
from chipwall.inputs import quote
from chipwall.text import text

__all__ = ["Countries", "Country", "GroupChange"]


@dataclass(frozen=True, slots=True)
class Country:
    """A destination of the printed table: ISO code, name, the groups it is printed in, and its names in Chinese."""

    iso2: str
    name: str
    groups: frozenset[str]
    chinese: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class GroupChange:
    """One dated change of one group: ``adds`` or removes a country from ``effective`` on."""

    iso2: str
    group: str
    adds: bool
    effective: date
    published: date
    citation: str
    note: str


@dataclass(frozen=True, slots=True)
class Countries:
    """Every destination, by code, with its dated changes."""

    table: Mapping[str, Country]
    changes: Mapping[tuple[str, str], tuple[GroupChange, ...]]

    def resolve(self, name: str, *, argument: str = "") -> str:
        """ISO code of a country written as a code or a name; raises :class:`InputError` with the nearest names.

        ``argument`` is what the caller calls it, named in the error.
        """
        code = name.strip().upper()
        if code in self.table:
            return code
        by_name = {country.name.lower(): iso2 for iso2, country in self.table.items()}
        by_name |= {"uae": "AE", "usa": "US", "uk": "GB", "china": "CN", "hong kong": "HK", "south korea": "KR"}
        by_name |= {words: iso2 for iso2, country in self.table.items() for words in country.chinese}
        if name.strip().lower() in by_name:
            return by_name[name.strip().lower()]
        near = get_close_matches(name.strip().lower(), by_name, n=3, cutoff=0.6)
        codes = [f"{by_name[words]} ({self.table[by_name[words]].name})" for words in near]
        error = unknown_name("country", quote(name), nearest=codes, listing="chipwall controls countries")
        if argument:
            what = text("{argument}: {what}", argument=argument, what=error.what)
            raise InputError(what, where=error.where, fix=error.fix)
        raise error

    def member(self, iso2: str, group: str, *, on: date) -> bool:
        """Whether a country is in a group on a date.

        The latest change up to the date decides; where all changes are later, the earliest is undone; without changes
        the printed table stands. A membership removed twice is thus gone from the earlier removal on.
        """
        code = "CN" if iso2 == "HK" else iso2
        known = self.changes.get((code, group), ())
        if group == "D:5" and not known:
            return False  # on no page of the State Department's list, whatever the printed table says
        past = [change for change in known if change.effective <= on]
        if past:
            return past[-1].adds
        if known:
            return not known[0].adds
        return group in self.table[code].groups

    def macau_or_d5(self, iso2: str, *, on: date) -> bool:
        """Macau, or a member of D:5."""
        return bool(iso2) and (iso2 == "MO" or self.member(iso2, "D:5", on=on))

    def favoured(self, iso2: str, *, on: date) -> bool:
        """A member of A:5 or A:6."""
        return self.member(iso2, "A:5", on=on) or self.member(iso2, "A:6", on=on)

    def listed_2023(self, iso2: str, *, on: date) -> bool:
        """A destination of the 2023 rule: Macau, or D:1, D:4 or D:5 without A:5 and A:6."""
        if iso2 == "MO":
            return True
        grouped = any(self.member(iso2, group, on=on) for group in ("D:1", "D:4", "D:5"))
        return grouped and not self.favoured(iso2, on=on)
