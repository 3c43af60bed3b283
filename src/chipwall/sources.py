"""Where numbers come from: :class:`Source` and :class:`Fact`.

A source is something a reader can open: it has an address. A fact without one is ``unsourced``: it is shown as such, and
counts as unknown everywhere else. Two sources that disagree are two facts; which one is used is decided by a visible rule
in :mod:`chipwall.catalog.choose`, never by an edit.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal, get_args

__all__ = ["DERIVED", "KINDS", "STATUSES", "UNSOURCED", "Fact", "Kind", "Source", "Status", "address_of"]

Status = Literal["official", "measured", "reported", "estimated", "unverified", "unsourced"]
STATUSES: tuple[Status, ...] = get_args(Status)
Kind = Literal["primary", "filing", "dataset", "press", "derived", "unsourced"]
KINDS: tuple[Kind, ...] = get_args(Kind)
# The two ids that are no document: numbers computed from other facts, and numbers that nobody found written down.
DERIVED = "derived"
UNSOURCED = "unsourced"


@dataclass(frozen=True, slots=True)
class Source:
    """A place where facts were read.

    Attributes
    ----------
    id, title, publisher : str
        How facts refer to it, what it is called, who stands behind it.
    place : str
        A citation that is no web address (``87 FR 62186``).
    published : str
        As exact as it is known (ISO, possibly a year or a range).
    licence, note : str
        ``note`` says what a reader must know, for example that it was read through a copy.
    url, archive : str
        Where a reader opens it, and where a copy stands that will not change.
    kind : str
        ``primary`` (the maker's own page, paper or code), ``filing`` (to an authority, or a law), ``dataset``, ``press``,
        ``derived`` (computed here), ``unsourced``.
    accessed, retrieved : str
        When the page or its copy was last looked at, and when its figures were taken over.
    """

    id: str
    title: str
    publisher: str = ""
    place: str = ""
    published: str = ""
    licence: str = ""
    note: str = ""
    url: str = ""
    kind: str = ""
    accessed: str = ""
    retrieved: str = ""
    archive: str = ""


@dataclass(frozen=True, slots=True)
class Fact:
    """One value of one quantity, from one source.

    Attributes
    ----------
    quantity : str
        A name from the glossary, ``memory_bandwidth`` for example.
    value : float, str, bool, date or None
        In SI without prefix (byte, byte/s, flop/s, W, m2, s, USD); per direction for links; ``None`` means that
        somebody looked and it is not published.
    published, unit : str
        The number and its unit exactly as the source prints them; ``published`` is exact in decimal.
    status : str
        ``official``, ``measured``, ``reported``, ``estimated``, ``unverified`` (read, but in a weak place only) or
        ``unsourced`` (not read anywhere).
    source : str
        Id of a :class:`Source`; ``derived`` and ``unsourced`` are no documents.
    locator : str
        Where in the source: page, table, row.
    accessed : str
        When it was read or published, as exact as known.
    low, high : float or None
        5 and 95 percent bounds of an estimate, SI.
    derived : bool
        Computed from other facts; never preferred to a published one.
    second : bool
        A second source, kept for cross-checking.
    prefer : str
        A reason, if an editor chose this fact against the rule.
    url : str
        Address of the very page, where the source is a collection of pages.
    quote : str
        The source's own few words about the figure.
    formula : str
        How a derived number follows, with its inputs.
    """

    quantity: str
    value: float | str | bool | None
    published: str
    unit: str
    status: Status
    source: str
    locator: str = ""
    accessed: str = ""
    note: str = ""
    low: float | None = None
    high: float | None = None
    derived: bool = False
    second: bool = False
    prefer: str = ""
    url: str = ""
    quote: str = ""
    formula: str = ""

    @property
    def sourced(self) -> bool:
        """Whether it was read somewhere, or follows from what was."""
        return self.status != UNSOURCED

    @property
    def number(self) -> float | None:
        """The value if it is a number, else None."""
        return self.value if isinstance(self.value, float) else None

    @property
    def decimal(self) -> Decimal | None:
        """The published number, exact, in its published unit; None if it is not a number."""
        return Decimal(self.published) if isinstance(self.value, float) else None

    @property
    def on(self) -> date | None:
        """The value as a date if it names one day, else None."""
        try:
            return date.fromisoformat(str(self.value))
        except ValueError:
            return None


def address_of(fact: Fact, source: Source) -> str:
    """Where a reader opens the page that states a fact; empty for what is no document."""
    return fact.url or source.url
