"""The data files themselves: where they are, their fingerprint, and each record with its line.

Reading never stops at the first mistake: whatever is wrong is collected as a :class:`Problem` with file and line, so that
an editor sees everything at once.
"""

from __future__ import annotations

import csv
import hashlib
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from chipwall.text import Text, text

__all__ = ["DATA", "Problem", "Record", "data_files", "fingerprint", "read_records", "read_table"]

DATA = Path(__file__).parent / "data"


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """Something wrong in a data file: file (relative to the data folder), line, and what."""

    file: str
    line: int
    what: str = field(compare=False)

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.what}"


@dataclass(frozen=True, slots=True)
class Record:
    """A table of a data file with the line it starts at; ``facts`` are its facts with their lines."""

    file: str
    line: int
    values: dict[str, Any]
    facts: tuple[tuple[int, dict[str, Any]], ...] = ()


def data_files(root: Path = DATA) -> list[Path]:
    """Every data file of the catalogue, in a fixed order."""
    return sorted(p for p in root.rglob("*") if p.suffix in (".toml", ".csv"))


def fingerprint(root: Path = DATA) -> str:
    """A digest of the names and contents of all data files [hex]."""
    digest = hashlib.blake2b(digest_size=8)
    for path in data_files(root):
        digest.update(str(path.relative_to(root)).encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _toml(path: Path, root: Path, problems: list[Problem]) -> tuple[str, dict[str, Any]]:
    """Text and tables of a file; what cannot be read becomes a problem."""
    name = str(path.relative_to(root))
    try:
        content = path.read_text(encoding="utf-8")
        return content, tomllib.loads(content, parse_float=Decimal)
    except OSError as error:
        problems.append(Problem(name, 1, text("cannot be read: {why}", why=Text.of(error.strerror or "error"))))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        line = re.search(r"line (\d+)", str(error))
        problems.append(Problem(name, int(line[1]) if line else 1, text("not valid TOML: {why}", why=str(error))))
    return "", {}


def read_records(path: Path, table: str, problems: list[Problem], *, root: Path = DATA) -> Iterator[Record]:
    """The ``[[table]]`` records of a file, or the file itself as one record if ``table`` is empty."""
    content, values = _toml(path, root, problems)
    if not values:
        return
    name = str(path.relative_to(root))
    fact_lines = [i for i, line in enumerate(content.splitlines(), 1) if re.match(r"\s*\{\s*quantity\s*=", line)]
    if not table:
        yield _record(name, 1, values, fact_lines)
        return
    heads = [i for i, line in enumerate(content.splitlines(), 1) if line.strip() == f"[[{table}]]"]
    extra = set(values) - {table, "schema"}
    if extra:
        problems.append(Problem(name, 1, text("unknown table '{table}'", table=", ".join(sorted(extra)))))
    rows = values.get(table, [])
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        problems.append(Problem(name, 1, text("[[{table}]] is no list of tables", table=table)))
        return
    for i, row in enumerate(rows):
        start, end = (heads + [1] * len(rows))[i], [*heads[i + 1 :], len(content)][0]
        yield _record(name, start, row, [n for n in fact_lines if start < n < end])


def _record(name: str, line: int, values: dict[str, Any], fact_lines: list[int]) -> Record:
    facts = values.get("facts", ())
    lines = fact_lines if len(fact_lines) == len(facts) else [line] * len(facts)
    return Record(name, line, values, tuple(zip(lines, facts, strict=True)))


def read_table(path: Path, problems: list[Problem], *, root: Path = DATA) -> Iterator[Record]:
    """The rows of a CSV file as records; blank cells stay empty strings, and nothing is read as missing."""
    name = str(path.relative_to(root))
    try:
        with path.open(encoding="utf-8", newline="") as handle:
            for row in (reader := csv.DictReader(handle)):
                yield Record(name, reader.line_num, dict(row))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        problems.append(Problem(name, 1, text("cannot be read: {why}", why=str(error))))
