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

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from chipwall.controls.law import DatedRecord, Law, Rule
from chipwall.controls.parties import LISTS, Listing, Party, Stake
from chipwall.controls.records import STATES
from chipwall.errors import InputError
from chipwall.files import Problems, read_rows, read_toml, shaped
from chipwall.inputs import quote
from chipwall.text import listed, text

__all__ = ["overlaid", "read_parties", "with_parties"]

_COLUMNS = (
    "name",
    "aliases",
    "country",
    "headquarters",
    "parent",
    "list",
    "footnote",
    "policy",
    "since",
    "until",
    "owners",
    "source",
)
_FIX = text("The format is described in docs/controls.md, 'What you know yourself'")


_SHAPE = {
    "[[record]]": {
        **dict.fromkeys(("rule", "state", "document", "note"), "word"),
        **dict.fromkeys(("effective", "end", "seen", "compliance"), "day"),
    }
}


def overlaid(law: Law, path: Path) -> Law:
    """The law with the records of an overlay file: from their day of effect they stand before the packaged ones.

    Raises
    ------
    InputError
        The file cannot be read, names no rule of the law, or lacks the document that was seen.
    """
    words, document = read_toml(path, argument="overlay", fix=_FIX)
    shape = Problems(quote(path.name), words, fix=_FIX)
    document = shaped(document, _SHAPE, shape)
    shape.stop()
    problems: list[str] = []
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


def _record(table: Mapping[str, Any], law: Law, problems: list[str]) -> DatedRecord | None:
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
    return DatedRecord(
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


def _with_record(rule: Rule, record: DatedRecord) -> Rule:
    """A rule whose earlier records give way to the new one while it lasts."""
    kept: list[DatedRecord] = []
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
    table = read_rows(path, argument="parties", needed=("name",), fold=True, fix=_FIX)
    problems: list[str] = [
        text("unknown column '{name}'; columns: {all}", name=quote(name), all=", ".join(_COLUMNS))
        for name in table.columns
        if name not in _COLUMNS
    ]
    own = {row["name"].casefold(): f"own:{row['name']}" for row in table.rows}
    found = []
    for line, row in zip(table.lines, table.rows, strict=True):
        if line in table.ragged:
            problems.append(text("line {line}: the row has more or fewer cells than the header", line=line))
        elif not row["name"]:
            problems.append(text("line {line}: no name", line=line))
        else:
            found.append(_party(dict.fromkeys(_COLUMNS, "") | row, line, own, law, problems))
    if not table.rows:
        problems.append(text("at least one row is needed"))
    if problems:
        raise InputError(
            text("the parties cannot be read: {problems}", problems=listed(problems[:5], sign=";")),
            where=str(path),
            fix=_FIX,
        )
    return tuple(found)


def _party(cells: Mapping[str, str], line: int, own: Mapping[str, str], law: Law, problems: list[str]) -> Party:
    kinds = _pieces(cells["list"], "|")
    seats = {field: cells[field].upper() for field in ("country", "headquarters")}
    unknown = [kind for kind in kinds if kind not in LISTS]
    unknown += [code for code in seats.values() if code and code not in law.countries.table]
    parent = law.parties.find(cells["parent"]) if cells["parent"] else None
    parent_id = parent.id if parent else own.get(cells["parent"].casefold(), "")
    if cells["parent"] and not parent_id:
        unknown.append(cells["parent"])
    if unknown:
        problems.append(text("line {line}: unknown {words}", line=line, words=", ".join(unknown)))
    source = cells["source"] or text("your own file")
    since, until = _day(cells["since"], line, problems), _day(cells["until"], line, problems)
    first = since.isoformat() if since else "1900"
    listings = tuple(Listing(kind, cells["footnote"], cells["policy"], first, until, source, source) for kind in kinds)
    return Party(
        id=f"own:{cells['name']}",
        name=cells["name"],
        aliases=tuple(_pieces(cells["aliases"], "|")),
        country=seats["country"],
        headquarters=seats["headquarters"] or seats["country"],
        parent=parent_id,
        source=source,
        listings=listings,
        stakes=_stakes(cells["owners"], line, problems),
    )


def _pieces(words: str, sign: str) -> list[str]:
    return [piece.strip() for piece in words.split(sign) if piece.strip()]


def _day(words: str, line: int, problems: list[str]) -> date | None:
    try:
        return date.fromisoformat(words) if words else None
    except ValueError:
        problems.append(text("line {line}: '{words}' is not a date", line=line, words=words))
        return None


def _stakes(words: str, line: int, problems: list[str]) -> tuple[Stake, ...]:
    found = []
    for piece in _pieces(words, ";"):
        name, _, share = piece.rpartition("=")
        try:
            percent = Decimal(share.strip().rstrip("%"))
        except InvalidOperation:
            percent = Decimal(0)
        if not name.strip() or not percent.is_finite() or not 0 < percent <= 100:
            problems.append(text("line {line}: '{words}' is no share of an owner", line=line, words=piece))
        else:
            found.append(Stake(name.strip(), percent, "", "your own file"))
    return tuple(found)
