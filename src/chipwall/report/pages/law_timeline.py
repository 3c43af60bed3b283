"""The law over time, across destinations and against chips, as tables."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

from chipwall.controls.countries import Countries
from chipwall.controls.law import Event
from chipwall.controls.measures import plain
from chipwall.controls.queries import LawChange, Region, Turn, WallPoint
from chipwall.controls.records import Decision
from chipwall.report.forms.table import Column, Table
from chipwall.report.pages.law_decision import OPERANDS, margin, number, words
from chipwall.text import Text, listed, text

if TYPE_CHECKING:
    from chipwall.controls.draft import Crossing  # the draft engine is loaded only for drafts

__all__ = ["compare_table", "countries_table", "crossings_table", "differences_tables", "timeline_table", "wall_tables"]


def timeline_table(turns: Sequence[Turn], *, name: str, destination: str) -> Table:
    """One row per change of the answer."""
    rows: list[tuple[object, ...]] = []
    for turn in turns:
        shown = turn.changed or (
            (text("classification"), "", turn.decision.eccn),
            (text("licence as enforced"), "", turn.decision.licence.as_enforced),
        )
        for i, (what, before, after) in enumerate(shown):
            change = text("{before} → {after}", before=words(before), after=words(after)) if before else words(after)
            why = listed(turn.why, sign=";") if i == 0 else ""
            rows.append((turn.on.isoformat() if i == 0 else "", Text.of(what), change, why))
    return Table(
        text("{item} to {destination}: days on which the answer changes", item=name, destination=destination),
        (
            Column("on", text("Day")),
            Column("what", text("What changes")),
            Column("change", text("From and to")),
            Column("why", text("What the law did")),
        ),
        tuple(rows),
    )


def compare_table(decisions: Sequence[Sequence[Decision]], *, on: date) -> Table:
    """Chips down, destinations across; each cell is the licence answer as enforced, with policy where one is needed."""
    columns = [Column("chip", text("Chip")), Column("eccn", text("Class"))]
    columns += [Column(d.journey.destination, d.journey.destination) for d in decisions[0]]
    rows = []
    for line in decisions:
        cells: list[object] = [line[0].item.name, words(line[0].eccn)]
        for decision in line:
            licence, policy = words(decision.licence.as_enforced), decision.review_policy
            names = ", ".join(decision.exception_names)
            if decision.licence.as_enforced == "exception_available":
                cells.append(text("exception {names}", names=names))
            else:
                cells.append(text("{licence}; {policy}", licence=licence, policy=words(policy)) if policy else licence)
        rows.append(tuple(cells))
    note = text("Each end user is taken as headquartered at the destination. Licence as enforced; then review policy.")
    return Table(
        text("Licence by chip and destination, {day}", day=on.isoformat()), tuple(columns), tuple(rows), (note,)
    )


def differences_tables(changes: Sequence[LawChange], events: Sequence[Event]) -> tuple[Table, Table]:
    """What reads differently, and what happened in between."""
    change_table = Table(
        text("What changed in law"),
        (
            Column("on", text("Day")),
            Column("kind", text("Kind")),
            Column("title", text("Rule or limit")),
            Column("before", text("Before")),
            Column("after", text("After")),
            Column("citation", text("Citation")),
        ),
        tuple((c.on.isoformat(), Text.of(c.kind), c.title, c.before, c.after, c.citation) for c in changes),
    )
    event_table = Table(
        text("Events in between"),
        (
            Column("on", text("Day")),
            Column("actor", text("Who")),
            Column("event", text("What")),
            Column("citation", text("Citation")),
        ),
        tuple((e.on.isoformat(), e.actor, e.title, e.citation) for e in events),
    )
    return change_table, event_table


def crossings_table(crossings: Sequence[Crossing], *, title: str, asked: int) -> Table:
    """Chips that a draft moves, with the test that decides."""
    rows = []
    for crossing in crossings:
        test, before, after = crossing.decisive, crossing.before, crossing.after
        row: tuple[object, ...] = ("-",) * 5
        if test:
            operand = OPERANDS.get(test.operand, Text.of(test.operand))
            limit = f"{test.operator} {number(test.limit)} {test.unit}".strip()
            row = (test.paragraph, operand, number(test.value), limit, margin(test))
        rows.append(
            (
                crossing.name,
                text("tighter") if crossing.caught else text("looser"),
                text("{eccn}, {licence}", eccn=words(before.eccn), licence=words(before.licence.as_enforced)),
                text("{eccn}, {licence}", eccn=words(after.eccn), licence=words(after.licence.as_enforced)),
                *row,
            )
        )
    return Table(
        title,
        (
            Column("chip", text("Chip")),
            Column("direction", text("Direction")),
            Column("before", text("Law")),
            Column("after", text("Draft")),
            Column("clause", text("Clause")),
            Column("operand", text("Measured")),
            Column("value", text("Value"), right=True),
            Column("limit", text("Limit"), right=True),
            Column("margin", text("Margin"), right=True),
        ),
        tuple(rows),
        (text("{crossed} of {asked} chips cross.", crossed=len(crossings), asked=asked),),
    )


def wall_tables(points: Sequence[WallPoint], areas: Sequence[Region], *, x: str, y: str) -> tuple[Table, Table]:
    """The numbers behind one wall chart: chips, then regions."""
    across, up = OPERANDS[x], OPERANDS[y]
    chips = Table(
        text("Chips: {x} against {y}", x=across, y=up),
        (
            Column("chip", text("Chip")),
            Column(x, across, right=True),
            Column(y, up, right=True),
            Column("eccn", text("Class")),
            Column("status", text("Status")),
        ),
        tuple((p.name, number(p.x), number(p.y), words(p.eccn), Text.of(p.status)) for p in points),
    )
    regions = Table(
        text("Regions"),
        (
            Column("clause", text("Clause")),
            Column("x_from", text("{x} from", x=across), right=True),
            Column("x_to", text("to"), right=True),
            Column("y_from", text("{y} from", y=up), right=True),
            Column("y_to", text("to"), right=True),
            Column("citation", text("Citation")),
        ),
        tuple((r.clause, _edge(r.x_from), _edge(r.x_to), _edge(r.y_from), _edge(r.y_to), r.citation) for r in areas),
    )
    return chips, regions


def _edge(value: Decimal | None) -> str:
    return "-" if value is None else plain(value)


def countries_table(countries: Countries, *, on: date) -> Table:
    """Every destination with its groups on a day, and what the 2023 rule makes of it."""
    groups = ("A:5", "A:6", "D:1", "D:4", "D:5", "E:1", "E:2")
    rows = []
    for iso2, country in sorted(countries.table.items()):
        held = ", ".join(group for group in groups if countries.member(iso2, group, on=on))
        listed = text("yes") if countries.listed_2023(iso2, on=on) else text("no")
        seat = text("yes") if countries.macau_or_d5(iso2, on=on) else text("no")
        rows.append((iso2, country.name, held or "-", listed, seat))
    return Table(
        text("Country groups on {day}", day=on.isoformat()),
        (
            Column("iso2", text("Code")),
            Column("name", text("Country")),
            Column("groups", text("Groups")),
            Column("listed_2023", text("Destination of the 2023 rule")),
            Column("macau_or_d5", text("Macau or D:5")),
        ),
        tuple(rows),
        (text("The United Arab Emirates is named apart from its groups from 2026-07-10."),),
    )
