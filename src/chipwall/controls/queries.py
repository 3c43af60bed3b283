"""The law seen over time, across destinations and against chips: pure functions from records to records."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from chipwall.controls.decide import decide
from chipwall.controls.item import item_of_chip, operands
from chipwall.controls.law import DatedRecord, Event, Law, Rule
from chipwall.controls.logic import Interval, LegalNumber
from chipwall.controls.records import Decision, Item, Journey, state_text
from chipwall.errors import InputError
from chipwall.text import text

if TYPE_CHECKING:
    from chipwall.catalog.records import Chip

__all__ = ["ClauseRegion", "LawChange", "Turn", "WallPoint", "answer_turns", "differences", "regions", "wall_points"]


@dataclass(frozen=True, slots=True)
class Turn:
    """A day on which the answer changes: the new answer, what changed (name, before, after), and what the law did."""

    on: date
    decision: Decision
    changed: tuple[tuple[str, str, str], ...]
    why: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LawChange:
    """One thing that reads differently on two days."""

    kind: str
    title: str
    before: str
    after: str
    on: date
    citation: str


@dataclass(frozen=True, slots=True)
class WallPoint:
    """A chip in the plane of two operands, with its class; None where a number is not known."""

    chip: str
    name: str
    x: Decimal | None
    y: Decimal | None
    eccn: str
    status: str
    decision: Decision


@dataclass(frozen=True, slots=True)
class ClauseRegion:
    """The rectangle of one clause in that plane; an open side is None, a closed edge belongs to the region."""

    clause: str
    outcome: str
    citation: str
    x_from: Decimal | None
    x_to: Decimal | None
    y_from: Decimal | None
    y_to: Decimal | None


def _shown(decision: Decision) -> dict[str, str]:
    """The parts of an answer by name, as words."""
    return {
        text("classification"): decision.eccn,
        text("licence as enforced"): decision.licence.as_enforced,
        text("licence on the books"): decision.licence.on_books,
        text("exceptions"): ", ".join(decision.exception_names) or "none",
        text("review policy"): decision.review_policy or "none",
        text("duty"): _duty_words(decision),
        text("revenue share"): text("{pct} percent", pct=decision.revenue_share.pct),
        text("China's gate"): decision.cn_import.status,
        text("review policy on the books"): decision.published.review_policy or "none",
        text("flags"): " ".join(flag for flag in decision.flags if flag != "spec_estimate") or "none",
    }


def _duty_words(decision: Decision) -> str:
    """The duty in short: a percentage of an import, and what an export costs besides."""
    duty = decision.duty
    if decision.journey.activity != "us_import":
        return duty.why
    return "unknown" if duty.pct is None else text("{pct} percent", pct=duty.pct)


def _causes(
    item: Item, journey: Journey, day: date, *, law: Law, after: dict[str, str], reasons: Sequence[str]
) -> tuple[str, ...]:
    """What the law did that changed this answer: whatever, had it not moved, would have left another answer.

    Where no single move decides (two that each suffice), everything that moved on the day is told.
    """
    found: list[str] = []
    rules = {rule.title for rule in law.rules.values()}
    for title, other in law.undone(day):
        if title not in rules and rules & set(found):
            continue  # a rule that moves speaks for its limits
        if _shown(decide(item, journey, on=day, law=other)) != after:
            found.append(title)
    party = law.parties.find(journey.party) if journey.party else None
    named = [reason for reason in reasons if party is not None and party.name in reason]
    return tuple(dict.fromkeys([*named, *found])) or tuple(reasons)


def answer_turns(
    item: Item | Chip, journey: Journey, *, since: date, until: date, law: Law
) -> tuple[Turn, ...]:
    """Every day from ``since`` to ``until`` on which the answer changes, with the first day's answer in front.

    The answer can change only on a day on which some record or country group does, so only those days are asked.
    """
    if until < since:
        raise InputError(
            text("the time from {since} to {until} is empty", since=since, until=until),
            fix=text("Give the earlier day first"),
        )
    found_item = item if isinstance(item, Item) else item_of_chip(item, law=law)
    first = decide(found_item, journey, on=since, law=law)
    turns = [Turn(since, first, (), (text("first day asked"),))]
    for day, reasons in law.change_dates().items():
        if not since < day <= until:
            continue
        decision = decide(found_item, journey, on=day, law=law)
        before, after = _shown(turns[-1].decision), _shown(decision)
        changed = tuple((name, before[name], after[name]) for name in after if before[name] != after[name])
        if changed:
            why = _causes(found_item, journey, day, law=law, after=after, reasons=reasons)
            turns.append(Turn(day, decision, changed, why))
    return tuple(turns)


def differences(
    earlier: date, later: date, *, law: Law
) -> tuple[tuple[LawChange, ...], tuple[Event, ...]]:
    """What reads differently in law on two days, and the events between them.

    Returns
    -------
    changes : tuple of LawChange
        Rules and limits that started, stopped or changed state, and country groups.
    events : tuple of Event
        What happened after the earlier day, up to the later one.
    """
    if later < earlier:
        earlier, later = later, earlier
    found: list[LawChange] = []
    for kind, table in ((text("rule"), law.rules), (text("limit"), law.parameters)):
        for rule in table.values():
            found += _transitions(kind, rule, earlier, later)
    for (iso2, group), changes in law.countries.changes.items():
        state = law.countries.member(iso2, group, on=earlier)
        for change in changes:
            if earlier < change.effective <= later and change.adds is not state:
                title = text("{country} in {group}", country=law.countries.table[iso2].name, group=group)
                yes, no = text("yes"), text("no")
                before, after = (yes, no) if state else (no, yes)
                found.append(LawChange(text("country"), title, before, after, change.effective, change.citation))
                state = change.adds
    events = tuple(sorted((one for one in law.events if earlier < one.on <= later), key=lambda event: event.on))
    return tuple(sorted(found, key=lambda change: (change.on, change.kind, change.title))), events


def _words(record: DatedRecord | None, day: date) -> str:
    """A record in short: value and unit, or state, or that it is not yet to be complied with."""
    if record is None:
        return text("none")
    if record.value is not None:
        return f"{record.value} {record.unit}" if record.unit != "1" else f"{record.value}"
    state = state_text(record.state)
    return state if record.compliance <= day else text("{state}, not yet binding", state=state)


def _transitions(kind: str, rule: Rule, earlier: date, later: date) -> list[LawChange]:
    """Every change of a rule or limit between two days, each on its own day; what began and ended inside counts too."""
    days = {day for record in rule.records for day in (record.effective, record.compliance)}
    days |= {record.end + timedelta(days=1) for record in rule.records if record.end is not None}
    found, last, words = [], rule.record(earlier), _words(rule.record(earlier), earlier)
    for day in sorted(day for day in days if earlier < day <= later):
        record = rule.record(day)
        now = _words(record, day)
        if now != words:
            cited = record or last or rule.records[-1]
            found.append(LawChange(kind, rule.title, words, now, day, cited.citation))
        last, words = record or last, now
    return found


def wall_points(chips: Iterable[Chip], *, x: str, y: str, on: date, law: Law) -> tuple[WallPoint, ...]:
    """Chips in the plane of two operands, classified for China on the day.

    Parameters
    ----------
    x, y : str
        Operands: ``tpp``, ``performance_density``, ``dram_bandwidth``, ``io_rate``.
    """
    journey = Journey(destination="CN", headquarters="CN")
    found = []
    for chip in chips:
        item = item_of_chip(chip, law=law)
        numbers = operands(item, journey, dram_bandwidth=item.dram_bandwidth, datacenter=item.datacenter)
        across, up = numbers[x], numbers[y]
        decision = decide(item, journey, on=on, law=law)
        found.append(
            WallPoint(
                chip.id,
                chip.name,
                _plain_number(across),
                _plain_number(up),
                decision.eccn,
                chip.word("status"),
                decision,
            )
        )
    return tuple(found)


def _plain_number(value: LegalNumber) -> Decimal | None:
    """The number in use, an estimate's too; None for what is not known."""
    if isinstance(value, Interval):
        return value.value
    return value if isinstance(value, Decimal) else None


def regions(*, families: Sequence[str], x: str, y: str, on: date, law: Law) -> tuple[ClauseRegion, ...]:
    """The rectangle of each clause of some families in the plane of two operands, read from the clauses themselves.

    A clause that tests any other number is left out: it has no rectangle in this plane. What a stricter class takes by
    the horizontal operand alone is cut off the classes after it.
    """
    view = law.on(on)
    found = []
    for clause in (clause for family in families for clause in view.family(family)):
        if any(test.operand not in (x, y) or test.limit not in view.limits for test in clause.tests):
            continue
        low: dict[str, Decimal] = {}
        high: dict[str, Decimal] = {}
        for test in clause.tests:
            side, pick = (low, max) if test.operator in (">=", ">") else (high, min)
            limit = view.limits[test.limit].value
            side[test.operand] = pick(side.get(test.operand, limit), limit)
        citation = view.limits[clause.tests[0].limit].citation
        found.append(
            ClauseRegion(clause.id, clause.outcome, citation, low.get(x), high.get(x), low.get(y), high.get(y))
        )
    return tuple(_without_taken(area, found[:index]) for index, area in enumerate(found))


def _without_taken(area: ClauseRegion, earlier: Sequence[ClauseRegion]) -> ClauseRegion:
    """A region without the half-planes that an earlier clause with another outcome takes."""
    for taken in earlier:
        half_plane = taken.x_to is None and taken.y_from is None and taken.y_to is None
        if half_plane and taken.outcome != area.outcome and taken.x_from is not None:
            area = replace(area, x_to=min(area.x_to or taken.x_from, taken.x_from))
    return area
