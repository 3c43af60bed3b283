"""Newer tables in a folder: checked whole, compared with what is held, and only then written.

A table is recognised by its name and must have the columns of the one it replaces. Every problem of every table is told at
once; with any problem nothing is written.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from chipwall import catalog, perf
from chipwall.catalog.files import DATA, Problem
from chipwall.catalog.price_check import price_problems
from chipwall.errors import InputError
from chipwall.files import write_whole
from chipwall.inputs import quote
from chipwall.text import text

__all__ = ["Change", "changes_in", "write_changes"]

MEASURED = Path(perf.__file__).parent / "data" / "measured"
PRICED = ("prices.csv", "rates.csv")
_KEYS = {
    "prices.csv": ("chip", "offer", "what", "place", "term", "period", "source", "unit", "note"),
    "rates.csv": ("currency", "date"),
}


@dataclass(frozen=True, slots=True)
class Change:
    """What a newer table changes: rows that are new, differ, or are gone."""

    file: str
    new: int
    changed: int
    gone: int
    place: Path
    content: str


def _place_of(name: str) -> Path | None:
    """The table that a file of this name replaces."""
    place = DATA / name if name in PRICED else MEASURED / name
    return place if place.is_file() and place.suffix == ".csv" else None


def changes_in(folder: Path) -> tuple[list[Change], list[Problem]]:
    """What the tables of a folder would change, and everything that is wrong with them.

    Raises
    ------
    InputError
        No folder, or no table in it that the package has.
    """
    if not folder.is_dir():
        raise InputError(text("no folder {path}", path=quote(str(folder))), where="folder")
    found = [p for p in sorted(folder.glob("*.csv")) if _place_of(p.name) is not None]
    strange = [p for p in sorted(folder.iterdir()) if p.is_file() and p not in found]
    problems = [Problem(p.name, 1, text("is no table of this package")) for p in strange]
    if not found and not problems:
        names = ", ".join((*PRICED, *sorted(p.name for p in MEASURED.glob("*.csv"))))
        raise InputError(
            text("no table in {path}", path=quote(str(folder))),
            where="folder",
            fix=text("Tables: {names}", names=names),
        )
    changes = []
    for path in found:
        place = _place_of(path.name)
        assert place is not None
        change = _compared(path, place, problems)
        if change is not None:
            changes.append(change)
    if any(p.name in PRICED for p in found):
        problems += price_problems(folder, catalog.load())
    return changes, sorted(problems)


def _read(path: Path, problems: list[Problem]) -> tuple[list[str], list[dict[str, str]]]:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file)
            return list(reader.fieldnames or ()), [{k: v or "" for k, v in row.items() if k} for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        problems.append(Problem(path.name, 1, text("cannot be read: {why}", why=str(error))))
        return [], []


def _compared(path: Path, place: Path, problems: list[Problem]) -> Change | None:
    columns, rows = _read(path, problems)
    held_columns, held = _read(place, problems)
    if not columns:
        return None
    missing = [c for c in held_columns if c not in columns]
    strange = [c for c in columns if c not in held_columns]
    if missing or strange:
        said = text(
            "columns of another schema: without {missing}, with {strange}",
            missing=", ".join(missing) or "-",
            strange=", ".join(strange) or "-",
        )
        problems.append(Problem(path.name, 1, said))
        return None
    keys = _KEYS.get(path.name, ("id",))
    if path.name not in PRICED:
        problems += _row_problems(path.name, rows)
    before = {tuple(r[k] for k in keys): r for r in held}
    after = {tuple(r[k] for k in keys): r for r in rows}
    new, gone = after.keys() - before.keys(), before.keys() - after.keys()
    changed = [k for k in after.keys() & before.keys() if after[k] != before[k]]
    return Change(path.name, len(new), len(changed), len(gone), place, path.read_text(encoding="utf-8"))


def _row_problems(name: str, rows: list[dict[str, str]]) -> list[Problem]:
    """Rows of a table of measurements that repeat an id, come from the future or measure no number."""
    problems, seen, today = list[Problem](), set[str](), date.today().isoformat()
    for line, row in enumerate(rows, 2):
        if row["id"] in seen:
            problems.append(Problem(name, line, text("id '{id}' stands twice", id=quote(row["id"]))))
        seen.add(row["id"])
        if row.get("date", "") > today:
            problems.append(
                Problem(name, line, text("'{period}' is not a time in the past", period=quote(row["date"])))
            )
        if "value" in row:
            try:
                float(row["value"] or 0)
            except ValueError:
                problems.append(Problem(name, line, text("'{value}' is not a number", value=quote(row["value"]))))
    return problems


def write_changes(changes: list[Change]) -> None:
    """Put the newer tables in place of the held ones, each whole."""
    for change in changes:
        write_whole(change.place, change.content, argument="folder")
