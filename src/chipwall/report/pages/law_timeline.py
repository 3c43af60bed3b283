"""The law over time, across destinations and against chips, as tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

from chipwall.controls.countries import Countries
from chipwall.controls.law import Event
from chipwall.controls.measures import plain_decimal
from chipwall.controls.queries import ClauseRegion, LawChange, Turn, WallPoint
from chipwall.controls.records import Decision
from chipwall.report.forms.table import Column, Table
from chipwall.report.pages.law_decision import OPERANDS, legal_figure, licence_words, margin, policy_words
from chipwall.report.pages.law_words import flag_lines, legal_words, place_name
from chipwall.text import Text, listed, text

if TYPE_CHECKING:
    from chipwall.controls.draft import Crossing, Draft  # the draft engine is loaded only for drafts

__all__ = [
    "countries_table",
    "crossings_table",
    "destinations_table",
    "differences_tables",
    "timeline_table",
    "wall_tables",
]


def timeline_table(turns: Sequence[Turn], *, name: str, destination: str) -> Table:
    """One row per change of the answer."""
    rows: list[tuple[object, ...]] = []
    for turn in turns:
        shown = turn.changed or (
            (text("classification"), "", turn.decision.eccn),
            (text("licence as enforced"), "", turn.decision.licence.as_enforced),
        )
        for i, (what, before, after) in enumerate(shown):
            why = listed(turn.why, sign=";") if i == 0 else ""
            for j, change in enumerate(_changes(str(what), before, after)):
                first = i == 0 and j == 0
                rows.append(
                    (
                        turn.on.isoformat() if first else "",
                        Text.of(what) if j == 0 else "",
                        change,
                        why if first else "",
                    )
                )
    return Table(
        text(
            "{item} to {destination}: days on which the answer changes", item=name, destination=place_name(destination)
        ),
        (
            Column("on", text("Day")),
            Column("what", text("What changes")),
            Column("change", text("From and to")),
            Column("why", text("What the law did")),
        ),
        tuple(rows),
    )


def _changes(what: str, before: str, after: str) -> list[Text]:
    """What an answer was and is; of flags, the sentences that came and went, a line each."""
    if what != "flags":
        return [
            text("{before} → {after}", before=legal_words(before), after=legal_words(after))
            if before
            else legal_words(after)
        ]
    old, new = (set() if flags == "none" else set(flags.split()) for flags in (before, after))
    came = [text("now: {line}", line=line) for line in flag_lines(sorted(new - old))]
    return [*came, *(text("no longer: {line}", line=line) for line in flag_lines(sorted(old - new)))]


def destinations_table(decisions: Sequence[Sequence[Decision]], *, on: date) -> Table:
    """Chips down, destinations across; a cell holds both books, and the notes say everything that qualifies a cell."""
    columns = [Column("chip", text("Chip")), Column("eccn", text("Class"))]
    columns += [Column(d.journey.destination, place_name(d.journey.destination)) for d in decisions[0]]
    rows = [
        (line[0].item.name, legal_words(line[0].eccn), *(_cell(decision) for decision in line)) for line in decisions
    ]
    journey = decisions[0][0].journey
    note = text(
        "{activity} from {exporter}; as enforced, then review policy, then the printed text where it differs.",
        activity=legal_words(journey.activity),
        exporter=place_name(journey.exporter or "?"),
    )
    return Table(
        text("Licence by chip and destination, {day}", day=on.isoformat()),
        tuple(columns),
        tuple(rows),
        (note, *_qualifiers(decision for line in decisions for decision in line)),
    )


def _cell(decision: Decision) -> Text:
    """One answer in short: as enforced with policy, and the printed text where it differs."""
    line, policy = licence_words(decision), decision.review_policy
    if policy:
        line = text("{licence}; {policy}", licence=line, policy=policy_words(policy, decision.conditions))
    if decision.why_differ:
        line = text("{line}; on the books: {books}", line=line, books=legal_words(decision.licence.on_books))
    return line if decision.strength != "likely" else text("{line} (likely)", line=line)


def _qualifiers(decisions: Iterable[Decision]) -> list[Text]:
    """Every flag of every cell as a sentence, with the cells that it qualifies."""
    found: dict[str, list[str]] = {}
    for decision in decisions:
        for flag in decision.flags:
            place = place_name(decision.journey.destination)
            found.setdefault(flag, []).append(text("{item} → {place}", item=decision.item.name, place=place))
    return [
        text("{line} ({cells})", line=flag_lines([flag])[0], cells=listed(cells))
        for flag, cells in sorted(found.items())
    ]


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


def drafts_table(drafts: Sequence[Draft]) -> Table:
    """Shipped proposals with their source and what the format cannot say of them."""
    return Table(
        text("Proposals"),
        (
            Column("id", text("Id")),
            Column("title", text("Title")),
            Column("cannot", text("What cannot be said")),
            Column("source", text("Source")),
        ),
        tuple((d.id, Text.of(d.title), listed(d.cannot, sign=";"), d.source) for d in drafts),
        (text("chipwall controls what-if ID shows which chips a proposal moves."),),
    )


def crossings_table(
    crossings: Sequence[Crossing], *, title: str, asked: int, cannot: Sequence[str] = (), source: str = ""
) -> Table:
    """Chips that a draft moves, with the test that decides, what changes, and what of the draft cannot be said."""
    rows = []
    for crossing in crossings:
        test, before, after = crossing.decisive, crossing.before, crossing.after
        row: tuple[object, ...] = ("-",) * 5
        if test:
            operand = OPERANDS.get(test.operand, Text.of(test.operand))
            limit = f"{test.operator} {legal_figure(test.limit)} {test.unit}".strip()
            row = (test.paragraph, operand, legal_figure(test.value), limit, margin(test))
        rows.append(
            (
                crossing.name,
                text("tighter") if crossing.caught else text("looser"),
                _cell(before),
                _cell(after),
                _moved(crossing),
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
            Column("changed", text("What changes")),
            Column("clause", text("Clause")),
            Column("operand", text("Measured")),
            Column("value", text("Value"), right=True),
            Column("limit", text("Limit"), right=True),
            Column("margin", text("Margin"), right=True),
        ),
        tuple(rows),
        (
            text("{crossed} of {asked} chips cross.", crossed=len(crossings), asked=asked),
            *(text("Cannot be said: {what}", what=Text.of(words)) for words in cannot),
            *([text("Source: {source}", source=source)] if source else []),
        ),
    )


def _moved(crossing: Crossing) -> Text:
    """What a draft changes for one chip: class, requirement, policy, duty, and its own measures."""
    before, after = crossing.before, crossing.after
    pairs = (
        (text("classification"), before.eccn, after.eccn),
        (text("licence"), before.licence.as_enforced, after.licence.as_enforced),
        (text("licence on the books"), before.licence.on_books, after.licence.on_books),
        (text("review policy"), before.review_policy, after.review_policy),
    )
    lines = [
        text("{what}: {before} → {after}", what=what, before=legal_words(old), after=legal_words(new))
        for what, old, new in pairs
        if old != new
    ]
    lines += [
        text("{outcome}: {says}", outcome=legal_words(one.outcome), says=one.says)
        for one in after.measures
        if one.applies is not False
    ]
    return listed(lines, sign=";")


def wall_tables(points: Sequence[WallPoint], areas: Sequence[ClauseRegion], *, x: str, y: str) -> tuple[Table, Table]:
    """The numbers behind one wall chart: chips, then regions."""
    across, up = OPERANDS[x], OPERANDS[y]
    chips = Table(
        text("Chips: {x} against {y}", x=across, y=up),
        (
            Column("chip", text("Chip")),
            Column(x, across, right=True),
            Column(y, up, right=True),
            Column("eccn", text("Class")),
            Column("licence", text("Licence to China")),
            Column("status", text("Status")),
        ),
        tuple(
            (p.name, legal_figure(p.x), legal_figure(p.y), legal_words(p.eccn), _cell(p.decision), Text.of(p.status))
            for p in points
        ),
        tuple(_qualifiers(p.decision for p in points)),
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
    return "-" if value is None else plain_decimal(value)


def countries_table(countries: Countries, *, on: date, named: frozenset[str] = frozenset()) -> Table:
    """Every destination with its groups on a day, and what the 2023 rule makes of it."""
    groups = ("A:5", "A:6", "D:1", "D:4", "D:5", "E:1", "E:2")
    rows = []
    for iso2, country in sorted(countries.table.items()):
        held = ", ".join(group for group in groups if countries.member(iso2, group, on=on))
        by_group = text("yes") if countries.listed_2023(iso2, on=on) else text("no")
        listed = text("yes, by name") if iso2 in named else by_group
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
        (
            text("D:5 is read from 22 CFR 126.1, which decides it whatever the printed table says."),
            text("The United Arab Emirates is named apart from its groups from 2026-07-10."),
        ),
    )
