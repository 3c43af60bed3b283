"""Where numbers come from: :class:`Source` and :class:`Fact`.

A fact without a source does not exist here. Two sources that disagree are two facts; which one is used is decided by
a visible rule in :mod:`chipwall.catalog.choose`, never by an edit.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal, get_args

__all__ = ["STATUSES", "Fact", "Source", "Status"]

Status = Literal["official", "measured", "reported", "estimated", "unverified"]
STATUSES: tuple[Status, ...] = get_args(Status)


@dataclass(frozen=True, slots=True)
class Source:
    """A place where facts were read.

    ``id`` is how facts refer to it, ``title`` what it is called, ``publisher`` who stands behind it, ``place`` a public
    address or repository if known, ``published`` the date as exact as it is known (ISO, possibly a year or a range) and
    ``note`` anything a reader must know, for example that it was read through a copy.
    """

    id: str
    title: str
    publisher: str = ""
    place: str = ""
    published: str = ""
    licence: str = ""
    note: str = ""


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
        ``official``, ``measured``, ``reported``, ``estimated`` or ``unverified``.
    source : str
        Id of a :class:`Source`.
    locator : str
        Where in the source.
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
