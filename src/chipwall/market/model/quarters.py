"""Calendar quarters as words and as numbers; the simulation starts in :data:`START`."""

from __future__ import annotations

import re

from chipwall.errors import InputError
from chipwall.text import text

__all__ = ["LAST", "START", "quarter_index", "quarter_name", "quarter_year", "quarters"]

START = "2022Q1"
LAST = "2040Q4"
_FORM = re.compile(r"^(\d{4})Q([1-4])$")


def quarter_index(name: str, *, where: str = "") -> int:
    """Quarters since :data:`START` [1]; the inverse of :func:`quarter_name`.

    Examples
    --------
    >>> quarter_index("2023Q2")
    5
    """
    match = _FORM.match(name)
    if not match:
        raise InputError(
            text("'{name}' is not a quarter", name=name), where=where, fix=text("Write a quarter like 2026Q3")
        )
    index = (int(match[1]) - int(START[:4])) * 4 + int(match[2]) - 1
    last = (int(LAST[:4]) - int(START[:4])) * 4 + int(LAST[5]) - 1
    if not 0 <= index <= last:
        raise InputError(
            text("quarter {name} is out of range", name=name),
            where=where,
            fix=text("Choose a quarter from {first} to {last}", first=START, last=LAST),
        )
    return index


def quarter_name(index: int) -> str:
    """The word of a quarter counted from :data:`START`.

    Examples
    --------
    >>> quarter_name(5)
    '2023Q2'
    """
    return f"{int(START[:4]) + index // 4}Q{index % 4 + 1}"


def quarters(until: str) -> tuple[str, ...]:
    """All quarters from :data:`START` to ``until``, both included."""
    return tuple(quarter_name(i) for i in range(quarter_index(until) + 1))


def quarter_year(index: int) -> float:
    """The middle of a quarter as a decimal year [year].

    Examples
    --------
    >>> quarter_year(0)
    2022.125
    """
    return int(START[:4]) + (index + 0.5) / 4
