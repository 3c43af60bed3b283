"""What of the law is stale on a day, and why: flips by their own terms, text that was not read whole, old checks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from chipwall.controls.law import Law
from chipwall.controls.records import state_text
from chipwall.text import Text, text

__all__ = ["OLD", "Stale", "StaleKind", "horizon"]

StaleKind = Literal["flip_passed", "flip_coming", "after_audit", "part_read", "recalled", "old"]
OLD = timedelta(days=180)
"""A record nobody looked at for longer than this is old; rules on chips changed eleven times in three years."""


@dataclass(frozen=True, slots=True)
class Stale:
    """One thing that may have moved.

    Attributes
    ----------
    kind : str
        ``flip_passed`` and ``flip_coming``: a date written into the text itself, after the last audit; ``after_audit``: an
        event known only from reports; ``part_read``, ``recalled``: how the text was read; ``old``: last looked at long ago.
    on : date
        The day that makes it stale.
    """

    kind: StaleKind
    on: date
    title: str
    why: Text
    citation: str


def horizon(law: Law, on: date) -> tuple[Stale, ...]:
    """Everything stale on a day, flips first.

    Limits
    ------
    What nobody wrote into the record cannot be told: a rule published after the audit is missing here as well.
    """
    flips = _flips(law, on)
    days = {one.on for one in flips}
    # an event that only tells a flip of the text itself is told once
    found = [*flips, *(one for one in _events(law, on) if one.on not in days), *_readings(law, on)]
    order = ("flip_passed", "flip_coming", "after_audit", "recalled", "part_read", "old")
    return tuple(sorted(dict.fromkeys(found), key=lambda one: (order.index(one.kind), one.on, one.title)))


def _flips(law: Law, on: date) -> list[Stale]:
    """Dates after the audit that a text carries itself: a start, or an end with what follows."""
    found = []
    for _, title, record in law.records():
        days = {record.effective, record.compliance} | ({record.end + timedelta(days=1)} if record.end else set())
        for day in sorted(one for one in days if one > law.coverage.audited_to):
            starts = day in (record.effective, record.compliance)
            if starts:
                why = text("from this day, by its own terms: {state}", state=state_text(record.state))
            else:
                why = text("until the day before, by its own terms: {state}", state=state_text(record.state))
            found.append(Stale("flip_passed" if day <= on else "flip_coming", day, title, why, record.citation))
    return found


def _events(law: Law, on: date) -> list[Stale]:
    return [
        Stale("after_audit", event.on, event.title, text("after the last audit"), event.citation)
        for event in law.events
        if law.coverage.audited_to < event.on <= on
    ]


def _readings(law: Law, on: date) -> list[Stale]:
    found = []
    for _, title, record in law.records():
        if not record.effective <= on or (record.end is not None and record.end < on):
            continue
        if record.confidence in ("memory", "seen-partly"):
            kind: StaleKind = "recalled" if record.confidence == "memory" else "part_read"
            why = (
                text("told from recall, no text was read")
                if kind == "recalled"
                else text("read in part or in summaries")
            )
            found.append(Stale(kind, record.checked, title, why, record.citation))
        elif on - record.checked > OLD:
            why = text("last looked at {day}", day=record.checked.isoformat())
            found.append(Stale("old", record.checked, title, why, record.citation))
    return found
