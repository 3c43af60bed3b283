"""The law as dated records: rules, parameters, clauses, letters, parties, and what is in force on a day.

A record carries three clocks (published, effective, compliance), an end, a state and a citation. Old law is never
edited to look like new law: a change is a new record, and a draft is a small difference on top.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any

from chipwall.controls.countries import Countries
from chipwall.controls.logic import Clause, DatedLimit
from chipwall.controls.parties import Parties
from chipwall.controls.records import Measured
from chipwall.sources import Source
from chipwall.text import text

__all__ = [
    "Coverage",
    "DatedRecord",
    "Gate",
    "Law",
    "LawOn",
    "Letter",
    "MarkLine",
    "Memory",
    "NamedPart",
    "Phrase",
    "Rule",
    "Vendor",
]


@dataclass(frozen=True, slots=True)
class DatedRecord:
    """One dated state of a rule, or one dated value of a parameter.

    Attributes
    ----------
    value : Decimal or None
        The number of a parameter; None for a rule.
    published, effective, compliance, end : date
        ``end`` is the last day; the compliance date is the day from which an exporter is bound.
    state : str
        One of :data:`chipwall.controls.records.STATES`.
    """

    value: Decimal | None
    unit: str
    state: str
    published: date
    effective: date
    compliance: date
    end: date | None
    citation: str
    source: str
    checked: date
    confidence: str
    note: str

    def runs(self, on: date) -> bool:
        """Whether the record is the law's state on that day, complied with or not."""
        return self.effective <= on and (self.end is None or on <= self.end)


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule or a parameter: what it is called, and its records in order of effect."""

    id: str
    title: str
    records: tuple[DatedRecord, ...]
    countries: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()
    exempt_end_uses: tuple[str, ...] = ()
    headings: tuple[str, ...] = ()

    def record(self, on: date) -> DatedRecord | None:
        """The record of that day: the latest one that runs, or None."""
        running = [record for record in self.records if record.runs(on)]
        return running[-1] if running else None


@dataclass(frozen=True, slots=True)
class Letter:
    """A letter to one vendor: parts it names, and whom it reaches.

    A private letter is told in words, so it has a sure core, an open rim and a known outside. Clauses of the family
    ``rule`` are the core; where only a clause of the family ``rule.rim`` is met, the letter may or may not reach. With
    ``open`` set even a named part is only in the rim, because the filing does not say which customers it means.
    """

    rule: str
    vendor: str
    parts: tuple[str, ...]
    destinations: tuple[str, ...]
    groups: str
    headquarters: bool
    open: bool = False


@dataclass(frozen=True, slots=True)
class Phrase:
    """A word of the case tables that stands for an end use, not for a party."""

    phrase: str
    end_use: str = ""
    analysis_only: bool = False


@dataclass(frozen=True, slots=True)
class Vendor:
    """A maker, its country, and the pattern by which people's names for its parts are recognised."""

    id: str
    country: str
    pattern: str
    in_house: bool = False


@dataclass(frozen=True, slots=True)
class NamedPart:
    """A part that a letter, guidance or announcement names."""

    id: str
    vendor: str
    pattern: str
    cpu_dram: Decimal = Decimal(0)
    gp10: bool = False
    china_only: bool = False
    source: str = ""


@dataclass(frozen=True, slots=True)
class MarkLine:
    """A line of products that its maker says is, or is not, for data centres."""

    vendor: str
    pattern: str
    datacenter: bool
    says: str
    source: str


@dataclass(frozen=True, slots=True)
class Memory:
    """A generation of bare memory, and the bandwidth density that a source says it exceeds [GB/s/mm2]."""

    id: str
    pattern: str
    over: Decimal
    status: str
    source: str


@dataclass(frozen=True, slots=True)
class Gate:
    """One report about China's own gate, for some parts (none named: every foreign part)."""

    parts: tuple[str, ...]
    status: str
    evidence: str
    summary: str
    record: DatedRecord


@dataclass(frozen=True, slots=True)
class Coverage:
    """What is modelled, what is not, and how far the text was read."""

    verified_to: date
    audited_to: date
    not_advice: str
    modelled: tuple[str, ...]
    not_modelled: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Event:
    """One dated event of the record, for the reader of a timeline."""

    id: str
    on: date
    title: str
    actor: str
    citation: str
    effect: str


@dataclass(frozen=True, slots=True)
class LawOn:
    """The law on one day: limits by id, clauses by family, and the record of each rule."""

    on: date
    limits: Mapping[str, DatedLimit]
    clauses: Mapping[str, tuple[Clause, ...]]
    records: Mapping[str, DatedRecord]

    def family(self, name: str) -> tuple[Clause, ...]:
        """Clauses of a family on that day, in order of precedence."""
        return self.clauses.get(name, ())

    def state(self, rule: str) -> str:
        """State of a rule on that day; empty if it has none."""
        record = self.records.get(rule)
        return record.state if record else ""

    def binds(self, rule: str) -> bool:
        """Whether a rule is in force and its compliance date has come."""
        record = self.records.get(rule)
        return record is not None and record.state in ("in_force", "letter_private") and record.compliance <= self.on

    def runs(self, rule: str) -> bool:
        """Whether a rule has any record on that day."""
        return rule in self.records


@dataclass(frozen=True, slots=True, eq=False)
class Law:
    """Everything the law engine knows, read once. Two laws are the same only if they are one object."""

    rules: Mapping[str, Rule]
    parameters: Mapping[str, Rule]
    clauses: tuple[Clause, ...]
    letters: tuple[Letter, ...]
    phrases: Mapping[str, Phrase]
    parties: Parties
    vendors: tuple[Vendor, ...]
    parts: tuple[NamedPart, ...]
    marks: tuple[MarkLine, ...]
    memories: tuple[Memory, ...]
    gates: tuple[Gate, ...]
    countries: Countries
    events: tuple[Event, ...]
    sources: Mapping[str, Source]
    coverage: Coverage
    repealed: Mapping[str, date] = field(default_factory=dict)  # clauses and rules that a draft ends, from that day
    measures: tuple[Callable[[Any, Any], Measured], ...] = ()  # what a draft would do beside classes and limits

    def on(self, day: date) -> LawOn:
        """The law of one day; the last days asked are kept, because searches ask the same few again."""
        return _law_on(self, day)

    def horizon(self, day: date) -> str:
        """``verified`` up to the text read, ``audited`` up to the last audit, ``after_horizon`` beyond."""
        if day <= self.coverage.verified_to:
            return "verified"
        return "audited" if day <= self.coverage.audited_to else "after_horizon"

    def records(self) -> Iterator[tuple[str, str, DatedRecord]]:
        """Every record with the kind and the title of what it belongs to."""
        for rule in self.rules.values():
            yield from (("rule", rule.title, record) for record in rule.records)
        for parameter in self.parameters.values():
            yield from (("parameter", parameter.title, record) for record in parameter.records)
        for gate in self.gates:
            yield "china", gate.summary, gate.record

    def change_dates(self) -> dict[date, tuple[str, ...]]:
        """Days on which anything in the law starts, binds or stops, with what does."""
        found: dict[date, list[str]] = {}
        limits: dict[date, list[str]] = {}
        for kind, title, record in self.records():
            days = {record.effective, record.compliance}
            if record.end is not None:
                days.add(record.end + timedelta(days=1))
            for day in days:
                (limits if kind == "parameter" else found).setdefault(day, []).append(title)
        # a rule that moves on a day speaks for its limits; a limit that moves alone speaks for itself
        found |= {day: titles for day, titles in limits.items() if day not in found}
        for changes in self.countries.changes.values():
            for change in changes:
                names = {"country": change.iso2, "group": change.group, "citation": change.citation}
                joins = text("{country} joins {group} ({citation})", **names)
                words = joins if change.adds else text("{country} leaves {group} ({citation})", **names)
                found.setdefault(change.effective, []).append(words)
        for party in self.parties:
            for listing in party.listings:
                if len(listing.since) == len("2025-03-25"):
                    joined = text("{name} joins the Entity List", name=party.name)
                    found.setdefault(date.fromisoformat(listing.since), []).append(joined)
        after = self.coverage.audited_to + timedelta(days=1)
        found.setdefault(after, []).append(text("end of the audited record"))
        return {day: tuple(dict.fromkeys(found[day])) for day in sorted(found)}

    def undone(self, day: date) -> Iterator[tuple[str, Law]]:
        """Per thing that moves on a day, its title and the law in which it had not moved: what tells cause from date.

        Rules come before limits: a rule that moves speaks for its limits.
        """
        # a limit that no clause tests (a rate of duty) goes with its rule
        tested = {test.limit for clause in self.clauses for test in clause.tests}
        for rule in self.rules.values():
            records = _without_turn(rule.records, day)
            if records != rule.records:
                yield rule.title, replace(self, rules={**self.rules, rule.id: replace(rule, records=records)})
        for limit in self.parameters.values():
            records = _without_turn(limit.records, day)
            if records != limit.records and limit.id in tested:
                limits = {**self.parameters, limit.id: replace(limit, records=records)}
                yield limit.title, replace(self, parameters=limits)
        for key, changes in self.countries.changes.items():
            kept = tuple(change for change in changes if change.effective != day)
            if kept != changes:
                moved = next(change for change in changes if change.effective == day)
                words = {"country": moved.iso2, "group": moved.group, "citation": moved.citation}
                joins = text("{country} joins {group} ({citation})", **words)
                title = joins if moved.adds else text("{country} leaves {group} ({citation})", **words)
                others = {**self.countries.changes, key: kept}
                yield title, replace(self, countries=replace(self.countries, changes=others))
        for gate in self.gates:
            if gate.record.effective == day or gate.record.end == day - timedelta(days=1):
                before = _without_turn((gate.record,), day)
                gates = tuple(one for one in self.gates if one is not gate)
                gates += tuple(replace(gate, record=record) for record in before)
                ordered = tuple(sorted(gates, key=lambda one: one.record.effective))
                yield gate.summary, replace(self, gates=ordered)


def _without_turn(records: tuple[DatedRecord, ...], day: date) -> tuple[DatedRecord, ...]:
    """Records as they would stand had nothing of them started, bound or stopped on a day."""
    kept = []
    for record in records:
        if record.effective == day:
            continue
        if record.end == day - timedelta(days=1):
            kept.append(replace(record, end=None))
        elif record.compliance == day:
            kept.append(replace(record, compliance=date.max))
        else:
            kept.append(record)
    return tuple(kept)


@lru_cache(maxsize=512)
def _law_on(law: Law, day: date) -> LawOn:
    gone = {name for name, since in law.repealed.items() if since <= day}
    records = {rule.id: record for rule in law.rules.values() if rule.id not in gone and (record := rule.record(day))}
    limits = {}
    for parameter in law.parameters.values():
        record = parameter.record(day)
        if record is not None and record.value is not None:
            limits[parameter.id] = DatedLimit(record.value, record.unit, record.citation)
    families: dict[str, list[Clause]] = {}
    for clause in law.clauses:
        if clause.rule in records and clause.id not in gone:
            families.setdefault(clause.family, []).append(clause)
    return LawOn(day, limits, {name: tuple(found) for name, found in families.items()}, records)
