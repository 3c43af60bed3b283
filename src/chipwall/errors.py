"""What can go wrong, drawn once.

    ChipwallError            every error a person may see
    ├── InputError           the caller can fix it: a name, a unit, a file, an option
    ├── DataError            the catalogue or a data file is wrong; the editor of the data can fix it
    └── Unknown              a fact that the question needs is not known

Each message answers three questions in at most three lines: what was wrong (with the value), where (file and line,
field or argument), and what to do. ``assert`` is for our own bugs only.
"""

from __future__ import annotations

from chipwall.text import Text, text

__all__ = ["ChipwallError", "DataError", "InputError", "Unknown"]


class ChipwallError(Exception):
    """Root of every error that is shown to a person.

    Parameters
    ----------
    what : str
        What was wrong, with the offending value. Build it with :func:`chipwall.text.text` so that it can be translated.
    where : str
        File and line, field or argument; empty where ``what`` already says it.
    fix : str
        What to do next: nearest names, or the command to run.
    """

    def __init__(self, what: str, *, where: str = "", fix: str = "") -> None:
        super().__init__(what)
        self.what, self.where, self.fix = Text.of(what), where, fix

    def lines(self) -> tuple[str, ...]:
        """The message as one to three lines, empty parts left out."""
        return tuple(part for part in (self.what, self.where, self.fix) if part)

    def __str__(self) -> str:
        return "\n".join(self.lines())


class InputError(ChipwallError):
    """Something the caller gave cannot be used."""


class DataError(ChipwallError):
    """A data file breaks a rule of the catalogue."""


class Unknown(ChipwallError):
    """A fact that the question needs is not known; never answered with a zero."""


def unknown_name(kind: str, name: str, *, nearest: list[str], listing: str) -> InputError:
    """The one message for a name that nothing answers to.

    Parameters
    ----------
    kind : str
        What was looked for, in the singular: ``chip``, ``model``, ``country``.
    name : str
        What the caller wrote.
    nearest : list of str
        The closest known names, best first; may be empty.
    listing : str
        The command that lists all of them.
    """
    what = text("unknown {kind} '{name}'", kind=Text.of(kind), name=name)
    listing_text = text("List all: {command}", command=listing)
    if not nearest:
        return InputError(what, fix=listing_text)
    names = ", ".join(f"'{n}'" for n in nearest)
    return InputError(what, where=text("Did you mean {names}?", names=names), fix=listing_text)
