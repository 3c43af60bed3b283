"""What the asker knows beyond the packaged law: a document he holds, and parties of his own. Both keep their provenance.

An overlay is a TOML file of records on rules that exist::

    [[record]]
    rule = "affiliates"
    state = "stayed"                   # one of the states of the law
    effective = 2026-11-10
    end = 2027-11-09                   # last day; open unless stated
    document = "FR Doc 2026-99999"     # what was seen
    seen = 2026-11-12                  # when
"""

from __future__ import annotations

import csv
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from chipwall.controls.law import Law, Record, Rule
from chipwall.controls.parties import LISTS, Listing, Party, Stake
from chipwall.controls.records import STATES
from chipwall.errors import InputError
from chipwall.text import Text, listed, text

__all__ = ["overlaid", "read_parties", "with_parties"]

_FIX = text("The format is described in docs/controls.md, 'What you know yourself'")


def _document(path: Path) -> Mapping[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
    except OSError as error:
        raise InputError(text("cannot read '{path}'", path=path), where=Text.of(error.strerror or "error")) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(text("'{path}' is not TOML", path=path), where=str(error)) from error


def overlaid(law: Law, path: Path) -> Law:
    """The law with the records of an overlay file: from their day of effect they stand before the packaged ones.

    Raises
    ------
    InputError
        The file cannot be read, names no rule of the law, or lacks the document that was seen.
    """
    document = _document(path)
    problems: list[str] = [text("unknown table '{name}'", name=name) for name in document if name != "record"]
    rules = dict(law.rules)
    for table in document.get("record", ()):
        record = _record(table, law, problems)
        if record is not None:
            rules[table["rule"]] = _with_record(rules[table["rule"]], record)
    if not document.get("record"):
        problems.append(text("the overlay holds no [[record]]"))
    if problems:
        raise InputError(
            text("the overlay cannot be read: {problems}", problems=listed(problems, sign=";")),
            where=str(path),
            fix=_FIX,
        )
    return replace(law, rules=rules)


def _record(table: Mapping[str, Any], law: Law, problems: list[str]) -> Record | None:
    name, state, first = table.get("rule"), table.get("state"), table.get("effective")
    where, before = str(name or "?"), len(problems)
    if name not in law.rules:
        problems.append(text("no rule '{name}'; rules: {all}", name=where, all=", ".join(law.rules)))
    if state not in STATES:
        problems.append(text("{where}: state is one of {all}", where=where, all=", ".join(STATES)))
    for field in ("effective", "seen"):
        if not isinstance(table.get(field), date):
            problems.append(text("{where}: {field} is not a date", where=where, field=field))
    if not table.get("document"):
        problems.append(text("{where}: no document named", where=where))
    if len(problems) > before or not isinstance(first, date):
        return None
    seen = table["seen"]
    return Record(
        value=None,
        unit="",
        state=str(state),
        published=first,
        effective=first,
        compliance=table.get("compliance", first),
        end=table.get("end"),
        citation=text("your overlay: {document}, seen {day}", document=table["document"], day=seen.isoformat()),
        source="overlay",
        checked=seen,
        confidence="overlay",
        note=str(table.get("note", "")),
    )


def _with_record(rule: Rule, record: Record) -> Rule:
    """A rule whose earlier records give way to the new one while it lasts."""
    kept: list[Record] = []
    for old in rule.records:
        ends = old.end or date.max
        if ends < record.effective or (record.end is not None and old.effective > record.end):
            kept.append(old)
            continue
        if old.effective < record.effective:
            kept.append(replace(old, end=record.effective - timedelta(days=1)))
        if record.end is not None and ends > record.end:
            later = record.end + timedelta(days=1)
            kept.append(replace(old, effective=later, compliance=max(old.compliance, later)))
    return replace(rule, records=tuple(sorted((*kept, record), key=lambda one: one.effective)))


def with_parties(law: Law, path: Path) -> Law:
    """The law with the parties of a file added; see :func:`read_parties`."""
    return replace(law, parties=law.parties.with_more(read_parties(path, law)))


def read_parties(path: Path, law: Law) -> tuple[Party, ...]:
    """One's own parties from a CSV file.

    Columns: ``name``; optional ``aliases`` (with ``|``), ``country``, ``headquarters``, ``parent`` (a name), ``list`` (EL,
    MEU, SDN, CMIC, UVL; several with ``|``), ``footnote``, ``policy``, ``since``, ``until``, ``owners``
    (``NAME=PERCENT;...``), ``source``.

    Raises
    ------
    InputError
        With every line that cannot be read.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as handle:
            rows = list(csv.DictReader(handle))
    except OSError as error:
        raise InputError(text("cannot read '{path}'", path=path), where=Text.of(error.strerror or "error")) from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(text("'{path}' is not a CSV file in UTF-8", path=path), where=str(error)) from error
    problems: list[str] = []
    found = [party for line, row in enumerate(rows, start=2) if (party := _party(row, line, law, problems))]
    if not rows or "name" not in rows[0]:
        problems.append(text("a column 'name' and at least one row are needed"))
    if problems:
        raise InputError(
            text("the parties cannot be read: {problems}", problems=listed(problems[:5], sign=";")),
            where=str(path),
            fix=_FIX,
        )
    return tuple(found)


def _party(row: Mapping[str, str | None], line: int, law: Law, problems: list[str]) -> Party | None:
    cells = {
        name: (value or "").strip()
        for name, value in row.items()
        if isinstance(name, str) and not isinstance(value, list)
    }
    if not cells.get("name"):
        problems.append(text("line {line}: no name", line=line))
        return None
    kinds = [word.strip() for word in cells.get("list", "").split("|") if word.strip()]
    unknown = [kind for kind in kinds if kind not in LISTS]
    seats = {field: cells.get(field, "") for field in ("country", "headquarters")}
    unknown += [code for code in seats.values() if code and code not in law.countries.table]
    until = _day(cells.get("until", ""), line, problems)
    if unknown:
        problems.append(text("line {line}: unknown {words}", line=line, words=", ".join(unknown)))
        return None
    source = cells.get("source") or text("your own file")
    listings = tuple(
        Listing(
            kind,
            cells.get("footnote", ""),
            cells.get("policy", ""),
            cells.get("since") or "1900",
            until,
            source,
            source,
        )
        for kind in kinds
    )
    parent = law.parties.find(cells["parent"]) if cells.get("parent") else None
    return Party(
        id=f"own:{cells['name']}",
        name=cells["name"],
        aliases=tuple(word.strip() for word in cells.get("aliases", "").split("|") if word.strip()),
        country=seats["country"],
        headquarters=seats["headquarters"] or seats["country"],
        parent=parent.id if parent else "",
        source=source,
        listings=listings,
        stakes=_stakes(cells.get("owners", ""), line, problems),
    )


def _day(words: str, line: int, problems: list[str]) -> date | None:
    try:
        return date.fromisoformat(words) if words else None
    except ValueError:
        problems.append(text("line {line}: '{words}' is not a date", line=line, words=words))
        return None


def _stakes(words: str, line: int, problems: list[str]) -> tuple[Stake, ...]:
    found = []
    for piece in (part.strip() for part in words.split(";") if part.strip()):
        name, _, share = piece.rpartition("=")
        try:
            found.append(Stake(name.strip(), Decimal(share.strip().rstrip("%")), "", "your own file"))
        except InvalidOperation:
            problems.append(text("line {line}: '{words}' is no share of an owner", line=line, words=piece))
    return tuple(found)
