"""Readings from the law: its quantities, multiples of its limits, decisions, and what an event of the record did."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal

from chipwall.catalog.records import Chip
from chipwall.claims.library import Library
from chipwall.claims.records import Claim, Reading, Value
from chipwall.controls import measures
from chipwall.controls.decide import decide
from chipwall.controls.measures import Measure
from chipwall.controls.records import Activity, Decision, Journey
from chipwall.errors import Unknown
from chipwall.text import Text, text
from chipwall.units import to_si

__all__ = [
    "decision",
    "earlier_relaxations",
    "event_effect",
    "legal_measure",
    "legal_quantity",
    "limit_operand",
    "measure_over_limit",
]

Conditions = Mapping[str, Value]
_MEASURES = {
    "tpp": measures.total_processing_performance,
    "performance_density": measures.performance_density,
    "dram_bandwidth": measures.dram_bandwidth,
    "io_rate": measures.io_rate,
}


def legal_measure(claim: Claim, at: Conditions, world: Library) -> Reading:
    """A quantity of the law for a chip: the exact decimal of the rules, as a number in SI."""
    found = _measure(claim.subject, str(at["measure"]), world)
    value = to_si(found[1], found[0].unit)
    return Reading(value, value, value, found[0].sources, found[0].formula)


def measure_over_limit(claim: Claim, at: Conditions, world: Library) -> Reading:
    """A quantity of the law over a limit in force on a day [1]."""
    name, on = str(at["limit"]), at["on"]
    assert isinstance(on, date)
    limit = world.law.on(on).limits.get(name)
    if limit is None:
        raise Unknown(text("the limit {limit} is not in force on {day}", limit=name, day=on))
    operand = _operand(name, on, world)
    if operand not in _MEASURES:
        raise Unknown(text("{limit} limits {operand}, which is not a property of a chip", limit=name, operand=operand))
    found, value = _measure(claim.subject, operand, world)
    ratio = float(value / limit.value)
    told = text(
        "{formula}; / {limit} {unit} ({citation}) = {ratio:.3g}",
        formula=found.formula,
        limit=measures.plain_decimal(limit.value),
        unit=limit.unit,
        citation=limit.citation,
        ratio=ratio,
    )
    return Reading(ratio, ratio, ratio, (*found.sources, _limit_source(name, on, world)), told)


def limit_operand(claim: Claim, at: Conditions, world: Library) -> Reading:
    """What the limit limits, as the clauses of that day use it."""
    name, on = str(at["limit"]), at["on"]
    assert isinstance(on, date)
    rule = world.law.parameters[name]
    record = rule.record(on)
    if record is None:
        raise Unknown(text("the limit {limit} is not in force on {day}", limit=name, day=on))
    told = text(
        "{title}: {value} {unit} ({citation})",
        title=rule.title,
        value=record.value,
        unit=record.unit,
        citation=record.citation,
    )
    return Reading(_operand(name, on, world), sources=(record.source,), calculation=told)


def decision(claim: Claim, at: Conditions, world: Library) -> Reading:
    """One answer of the law for a chip on a journey on a day."""
    on = at["on"]
    assert isinstance(on, date)
    activity: Activity = str(at["activity"])  # type: ignore[assignment]  # the parser has checked the word
    journey = Journey(
        activity=activity,
        destination=str(at["destination"]),
        headquarters=str(at["headquarters"]),
        party="" if at["party"] == "none" else str(at["party"]),
        # a claim about a duty speaks of the entry that carries it; no exempt end use is claimed
        end_use="re-export" if activity == "us_import" else "",
    )
    found = decide(world.chip(claim.subject), journey, on=on, law=world.law)
    records = world.law.on(on).records
    rules = tuple(records[r].source for r in found.states if r in records)
    return _answer(found, str(at["answer"]), on, tuple(dict.fromkeys((*found.item.sources, *rules))))


def _answer(found: Decision, asked: str, on: date, sources: tuple[str, ...]) -> Reading:
    cited = _tests(found, on)
    numbers: dict[str, Decimal | None] = {"duty": found.duty.pct, "revenue_share": found.revenue_share.pct}
    if asked in numbers:
        pct = numbers[asked]
        if pct is None:
            raise Unknown(text("the duty cannot be told: {why}", why=found.duty.why))
        share = float(pct) / 100
        why = found.duty.why if asked == "duty" else found.revenue_share.why
        return Reading(share, share, share, sources, text("{cited}; {why}", cited=cited, why=why))
    words = {
        "eccn": found.eccn,
        "licence_as_enforced": found.licence.as_enforced,
        "licence_on_books": found.licence.on_books,
        "review_policy": found.review_policy or "none",
        "china_gate": found.cn_import.status,
    }
    if words[asked] in ("unknown", "conditional") and asked != "china_gate":
        why = "; ".join(found.unknowns[:1])
        return Reading(None, unknown=text("the law cannot tell on {day}: {why}", day=on, why=why), sources=sources)
    return Reading(words[asked], sources=sources, calculation=cited)


def _tests(found: Decision, on: date) -> Text:
    """Class and day, and the threshold tests that are met with their numbers and citations."""
    failed = {c.clause for c in found.trace if c.result is not True}
    met = [
        f"{c.operand} {_number(c.value)} {c.operator} {_number(c.limit)} ({c.citation})"
        for c in found.trace
        if c.clause not in failed and isinstance(c.value, Decimal)
    ]
    shown = "; ".join(dict.fromkeys(met)) or "; ".join(dict.fromkeys(found.citations[:2]))
    return text("{day}: {eccn}; {tests}", day=on, eccn=found.eccn, tests=shown)


def _number(value: Decimal | bool | None) -> str:
    return measures.plain_decimal(value) if isinstance(value, Decimal) else str(value)


def event_effect(claim: Claim, at: Conditions, world: Library) -> Reading:
    """What an event of the record did to the law, in the words of the record."""
    found = next(e for e in world.law.events if e.id == at["event"])
    told = text("{day}: {title} ({citation})", day=found.on, title=found.title, citation=found.citation)
    return Reading(found.effect, calculation=told)


# Acts of the record that loosened the rules for chips to China, or announced that they would be loosened.
RELAXATIONS = ("T029", "T034", "T036", "T048", "T052")


def earlier_relaxations(claim: Claim, at: Conditions, world: Library) -> Reading:
    """How many acts of the record loosened the rules for chips to China before a day, that month's own act not counted [1]."""
    on = at["on"]
    assert isinstance(on, date)
    found = [e for e in world.law.events if e.id in RELAXATIONS and (on - e.on).days > _OWN_ACT]
    told = text("{count} before: {acts}", count=len(found), acts="; ".join(f"{e.on}: {e.title}" for e in found) or "-")
    return Reading(float(len(found)), float(len(found)), float(len(found)), calculation=told)


# An article on an act appears within this many days of it [day].
_OWN_ACT = 30


def legal_quantity(chip: Chip, name: str) -> tuple[float, tuple[str, ...]]:
    """A quantity of the law for a chip, SI, and its sources; raises :class:`Unknown` where it cannot be told."""
    found = _MEASURES[name](chip)
    if found.value is None:
        raise Unknown(found.unknown)
    return to_si(found.value, found.unit), found.sources


def _measure(chip_id: str, name: str, world: Library) -> tuple[Measure, Decimal]:
    found = _MEASURES[name](world.chip(chip_id))
    if found.value is None:
        raise Unknown(found.unknown)
    return found, found.value


def _operand(limit: str, on: date, world: Library) -> str:
    """The operand of the first clause that uses the limit on that day."""
    view = world.law.on(on)
    for clauses in view.clauses.values():
        for clause in clauses:
            for test in clause.tests:
                if test.limit == limit:
                    return test.operand
    raise Unknown(text("no clause uses the limit {limit} on {day}", limit=limit, day=on))


def _limit_source(name: str, on: date, world: Library) -> str:
    record = world.law.parameters[name].record(on)
    return record.source if record else ""
