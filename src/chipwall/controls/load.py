"""The one place that reads the law's files. Everything is checked, and every problem is reported at once.

A parameter or a rule without a citation does not load; neither does a clause that names a limit nobody states.
"""

from __future__ import annotations

import csv
import tomllib
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

from chipwall.controls.acts import Acts, acts_of
from chipwall.controls.countries import Countries, Country, GroupChange
from chipwall.controls.law import (
    Coverage,
    DatedRecord,
    Event,
    Gate,
    Law,
    Letter,
    MarkLine,
    Memory,
    NamedPart,
    Phrase,
    Rule,
    Vendor,
)
from chipwall.controls.logic import Clause, Test
from chipwall.controls.parties import Listing, Parties, Party, Stake
from chipwall.controls.records import STATES
from chipwall.errors import DataError
from chipwall.files import shipped_toml
from chipwall.sources import Source
from chipwall.text import Text, listed, text

__all__ = ["law", "load_acts", "parsed_clause", "parsed_record"]

Table = Mapping[str, Any]
_GROUPS = ("A:1", "A:2", "A:3", "A:4", "A:5", "A:6", "B", "D:1", "D:2", "D:3", "D:4", "D:5", "E:1", "E:2")
_DATES = ("published", "effective", "compliance", "end", "checked")


def parsed_record(table: Table, *, where: str, problems: list[str], needs_value: bool) -> DatedRecord | None:
    """A dated record from its table; problems are added to the list, and None is returned if there are any.

    A record needs published, effective, citation, source, checked and state; ``compliance`` is the day of effect unless
    stated, ``end`` is open unless stated.
    """
    before = len(problems)
    needed = ("published", "effective", "citation", "source", "checked", "state")
    problems.extend(text("{where}: no {field}", where=where, field=name) for name in needed if not table.get(name))
    wrong = [name for name in _DATES if name in table and not isinstance(table[name], date)]
    problems.extend(text("{where}: {field} is not a date", where=where, field=name) for name in wrong)
    if table.get("state") and table["state"] not in STATES:
        problems.append(text("{where}: unknown state '{state}'", where=where, state=table["state"]))
    if needs_value and not isinstance(table.get("value"), (int, Decimal)):
        problems.append(text("{where}: no value", where=where))
    if needs_value and not table.get("unit"):
        problems.append(text("{where}: no unit", where=where))
    if len(problems) > before:
        return None
    value = table.get("value")
    return DatedRecord(
        value=None if value is None else Decimal(value),
        unit=str(table.get("unit", "")),
        state=table["state"],
        published=table["published"],
        effective=table["effective"],
        compliance=table.get("compliance", table["effective"]),
        end=table.get("end"),
        citation=_citation(table),
        source=table["source"],
        checked=table["checked"],
        confidence=table.get("confidence", "seen"),
        note=table.get("note", ""),
    )


def _citation(table: Table) -> str:
    """Where the record stands in print, with what must be said besides in words that can be translated."""
    if not table.get("tail"):
        return str(table["citation"])
    return text("{citation}: {tail}", citation=table["citation"], tail=Text.of(table["tail"]))


def parsed_clause(table: Table, *, where: str, problems: list[str]) -> Clause | None:
    """A clause from its table; problems are added to the list."""
    tests = [Test.parse(words) for words in table.get("tests", ())]
    for words, test in zip(table.get("tests", ()), tests, strict=True):
        if test is None:
            problems.append(text("{where}: '{words}' is not a test", where=where, words=words))
    missing = [name for name in ("rule", "family", "outcome", "paragraph") if not table.get(name)]
    problems.extend(text("{where}: no {field}", where=where, field=name) for name in missing)
    if not tests:
        problems.append(text("{where}: no tests", where=where))
    if missing or not tests or None in tests:
        return None
    return Clause(
        id=table["id"],
        rule=table["rule"],
        family=table["family"],
        outcome=table["outcome"],
        paragraph=table["paragraph"],
        title=Text.of(table.get("title", "")),
        tests=tuple(test for test in tests if test is not None),
    )


def _rules(tables: Sequence[tuple[str, Table]], *, needs_value: bool, problems: list[str]) -> dict[str, Rule]:
    found: dict[str, Rule] = {}
    for name, table in tables:
        where = f"{name}, {table['id']}"
        if table["id"] in found:
            problems.append(text("{where}: stated twice", where=where))
        rows = [
            parsed_record(row, where=f"{where} {row.get('effective', '')}", problems=problems, needs_value=needs_value)
            for row in table.get("record", ())
        ]
        if not rows:
            problems.append(text("{where}: no record", where=where))
        records = tuple(sorted((row for row in rows if row is not None), key=lambda row: row.effective))
        found[table["id"]] = Rule(
            id=table["id"],
            title=Text.of(table["title"]),
            records=records,
            countries=tuple(table.get("countries", ())),
            parts=tuple(table.get("parts", ())),
            exempt_end_uses=tuple(table.get("exempt_end_uses", ())),
            headings=tuple(table.get("headings", ())),
        )
    return found


def _gates(tables: Sequence[tuple[str, Table]], problems: list[str]) -> tuple[Gate, ...]:
    found = []
    for name, table in tables:
        record = parsed_record(table, where=f"{name}, {table['summary'][:30]}", problems=problems, needs_value=False)
        if record is not None:
            found.append(
                Gate(tuple(table["parts"]), table["status"], table["evidence"], Text.of(table["summary"]), record)
            )
    return tuple(sorted(found, key=lambda gate: gate.record.effective))


def _toml(folder: Traversable, *names: str) -> list[tuple[str, Table]]:
    """Every TOML file of the named folders, with its name, in order."""
    found: list[tuple[str, Table]] = []
    for name in names:
        for entry in sorted((folder / name).iterdir(), key=lambda path: path.name):
            if entry.name.endswith(".toml"):
                parsed = tomllib.loads(entry.read_text(encoding="utf-8"), parse_float=Decimal)
                found.append((f"{name}/{entry.name}", parsed))
    return found


def _rows(folder: Traversable, name: str) -> list[dict[str, str]]:
    # csv keeps every cell as text: NA is Namibia, not a missing value
    return list(csv.DictReader((folder / name).read_text(encoding="utf-8").splitlines()))


def _countries(folder: Traversable) -> Countries:
    chinese = {row["iso2"]: tuple(row["names"].split("|")) for row in _rows(folder, "country_names_zh.csv")}
    table = {
        row["iso2"]: Country(
            row["iso2"],
            Text.of(row["name"]),
            frozenset(group for group in _GROUPS if row[group] == "1"),
            chinese.get(row["iso2"], ()),
        )
        for row in _rows(folder, "country_groups.csv")
    }
    changes: dict[tuple[str, str], list[GroupChange]] = {}
    for row in _rows(folder, "country_group_changes.csv"):
        if row["group"] not in _GROUPS or row["group"] == "D:5":
            continue  # Hong Kong is resolved by name; D:5 is read from the State Department's list
        change = GroupChange(
            iso2=row["iso2"],
            group=row["group"],
            adds=row["change"] == "add",
            effective=date.fromisoformat(row["effective_date"]),
            published=date.fromisoformat(row["published"]),
            citation=row["citation"],
            note=row["note"],
        )
        changes.setdefault((change.iso2, change.group), []).append(change)
    ordered = {key: tuple(sorted(found, key=lambda change: change.effective)) for key, found in changes.items()}
    ordered |= {(iso2, "D:5"): found for iso2, found in _state_list(folder).items()}
    return Countries(table, ordered)


def _parties(folder: Traversable) -> Parties:
    """Every named party with its entries and its owners."""
    listings: dict[str, list[Listing]] = {}
    for row in _rows(folder, "party_listings.csv"):
        until = date.fromisoformat(row["until"]) if row["until"] else None
        entry = Listing(
            row["list"], row["footnote"], row["policy"], row["since"], until, row["citation"], row["source"]
        )
        listings.setdefault(row["party"], []).append(entry)
    stakes: dict[str, list[Stake]] = {}
    for row in _rows(folder, "party_owners.csv"):
        stake = Stake(row["owner"], Decimal(row["percent"]), row["since"], row["source"])
        stakes.setdefault(row["party"], []).append(stake)
    return Parties.of(
        Party(
            id=row["id"],
            name=row["name"],
            aliases=tuple(words.strip() for words in row["aliases"].split("|") if words.strip()),
            country=row["country"],
            headquarters=row["headquarters"],
            parent=row["parent"],
            kind=row["kind"],
            source=row["source"],
            note=row["note"],
            listings=tuple(listings.get(row["id"], ())),
            stakes=tuple(stakes.get(row["id"], ())),
        )
        for row in _rows(folder, "parties.csv")
    )


def _state_list(folder: Traversable) -> dict[str, tuple[GroupChange, ...]]:
    """Country Group D:5 from the State Department's list: 22 CFR 126.1 decides it whatever the printed table says."""
    found: dict[str, list[GroupChange]] = {}
    for row in _rows(folder, "state_list.csv"):
        first = date.fromisoformat(row["since"]) if row["since"] else date(1900, 1, 1)
        found.setdefault(row["iso2"], []).append(
            GroupChange(row["iso2"], "D:5", True, first, first, row["citation"], row["note"])
        )
        if row["until"]:
            after = date.fromordinal(date.fromisoformat(row["until"]).toordinal() + 1)
            leaves = GroupChange(
                row["iso2"], "D:5", False, after, after, row["until_citation"] or row["citation"], row["note"]
            )
            found[row["iso2"]].append(leaves)
    return {iso2: tuple(sorted(changes, key=lambda change: change.effective)) for iso2, changes in found.items()}


def _events(folder: Traversable) -> tuple[Event, ...]:
    return tuple(
        Event(
            id=row["event_id"],
            on=date.fromisoformat(row["date_effective"] or row["date_published"]),
            title=row["event"],
            actor=row["actor"],
            citation=row["citation"] or row["instrument"],
            effect=row["effect"],
        )
        for row in _rows(folder, "events.csv")
    )


def _cross_checks(found: Law, problems: list[str]) -> None:
    """Names that must resolve: limits and rules of clauses, sources of records."""
    for clause in found.clauses:
        if clause.rule not in found.rules:
            problems.append(text("clause {id}: unknown rule '{rule}'", id=clause.id, rule=clause.rule))
        problems.extend(
            text("clause {id}: unknown limit '{limit}'", id=clause.id, limit=test.limit)
            for test in clause.tests
            if test.operator != "is" and test.limit not in found.parameters
        )
    problems.extend(
        text("{title}: unknown source '{source}'", title=title, source=record.source)
        for _, title, record in found.records()
        if record.source not in found.sources
    )


@cache
def law() -> Law:
    """The law as packaged; read and checked once per process.

    Raises
    ------
    DataError
        With every problem of every file, one a line.
    """
    return law_from(files("chipwall.controls") / "data")


@cache
def load_acts() -> Acts:
    """The acts beyond shipping, with their rules and red flags."""
    return acts_of(shipped_toml("chipwall.controls", "data/acts.toml", exact=True))


def law_from(folder: Traversable) -> Law:
    """The law in a folder of the packaged shape; see :func:`law`."""
    problems: list[str] = []
    documents = _toml(folder, "us", "cn")

    def tables(kind: str) -> list[tuple[str, Table]]:
        return [(name, table) for name, document in documents for table in document.get(kind, ())]

    clauses = [
        parsed_clause(table, where=f"{name}, {table['id']}", problems=problems) for name, table in tables("clause")
    ]
    names = tomllib.loads((folder / "parts.toml").read_text(encoding="utf-8"), parse_float=Decimal)
    memories = tomllib.loads((folder / "memory.toml").read_text(encoding="utf-8"), parse_float=Decimal)["memory"]
    sources = tomllib.loads((folder / "sources.toml").read_text(encoding="utf-8"))["source"]
    coverage = tomllib.loads((folder / "coverage.toml").read_text(encoding="utf-8"))
    found = Law(
        rules=_rules(tables("rule"), needs_value=False, problems=problems),
        parameters=_rules(tables("parameter"), needs_value=True, problems=problems),
        clauses=tuple(clause for clause in clauses if clause is not None),
        letters=tuple(
            Letter(**{**table, "parts": tuple(table["parts"]), "destinations": tuple(table["destinations"])})
            for _, table in tables("letter")
        ),
        phrases={table["phrase"]: Phrase(**table) for _, table in tables("phrase")},
        parties=_parties(folder),
        vendors=tuple(Vendor(**table) for table in names["vendor"]),
        parts=tuple(NamedPart(**{**table, "cpu_dram": Decimal(table.get("cpu_dram", 0))}) for table in names["part"]),
        marks=tuple(MarkLine(**{**table, "says": Text.of(table["says"])}) for table in names.get("mark", ())),
        memories=tuple(Memory(**{**table, "over": Decimal(table["over"])}) for table in memories),
        gates=_gates(tables("gate"), problems),
        countries=_countries(folder),
        events=_events(folder),
        sources={table["id"]: Source(**table) for table in sources},
        coverage=Coverage(
            verified_to=coverage["verified_to"],
            audited_to=coverage["audited_to"],
            not_advice=Text.of(coverage["not_advice"]),
            modelled=tuple(Text.of(words) for words in coverage["modelled"]),
            not_modelled=tuple(Text.of(words) for words in coverage["not_modelled"]),
        ),
    )
    _cross_checks(found, problems)
    if problems:
        raise DataError(text("the law does not load: {problems}", problems=listed(problems, sign=";")))
    return found
