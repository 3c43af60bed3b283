"""Files: the one reader of TOML and CSV, and the one way to write a file whole.

A file from outside is somebody else's: it may be a folder, a pipe, a hundred megabytes, another encoding, nested without
end, or hold numbers that are none. Whatever is wrong is an :class:`~chipwall.errors.InputError` with file and line; several
problems are told at once. Files of the package are read by :func:`shipped_toml` and :func:`shipped_rows`.
"""

from __future__ import annotations

import csv
import io
import math
import os
import re
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from chipwall.errors import InputError
from chipwall.inputs import hidden_characters, nearest_names, quote
from chipwall.text import Text, text

__all__ = [
    "Problems",
    "Rows",
    "numbered",
    "read_rows",
    "read_toml",
    "require_place",
    "shaped",
    "shipped_rows",
    "shipped_toml",
    "text_of_file",
    "toml_of_text",
    "write_whole",
]

# What a file from outside may cost: bytes of a TOML file and of a table, rows of a table, levels of nesting.
MOST_TOML, MOST_TABLE, MOST_ROWS, DEEPEST = 2 * 2**20, 64 * 2**20, 200_000, 12
# Longest cell of a table, and longest list of problems that is told [1].
LONGEST_CELL, MOST_TOLD = 20_000, 12


class Problems:
    """Everything wrong in one file, told at once: each problem with its line and what to do.

    Parameters
    ----------
    file : str
        How messages name the file.
    words : str
        Its content, to find lines.
    fix : str
        What to read where there are several problems.
    """

    def __init__(self, file: str, words: str = "", *, fix: str = "") -> None:
        self.file, self.fix = file, fix
        self.lines = words.splitlines()
        self.found: list[tuple[int, Text, str]] = []
        self._headers: dict[str, list[int]] = {}

    def __len__(self) -> int:
        return len(self.found)

    def add(self, line: int, what: Text, fix: str = "") -> None:
        """Note a problem."""
        self.found.append((line, what, fix))

    def line_of(self, header: str, nth: int = 0, key: str = "") -> int:
        """Line of the nth table of that name, or of a key inside it; 1 where it is not found."""
        begins = self._begins(header)
        if nth >= len(begins):
            return 1
        start = begins[nth]
        inner = re.compile(rf"(^|[{{,\s]){re.escape(key)}\s*=|^\s*\[+\w+\.{re.escape(key)}\]") if key else None
        plain = header.strip("[]")
        for i in range(start + 1, len(self.lines)):
            line = self.lines[i].strip()
            if inner is not None and inner.search(self.lines[i]):
                return i + 1
            if line.startswith("[") and not line.startswith((f"[{plain}.", f"[[{plain}.")):
                break
        return start + 1

    def _begins(self, header: str) -> list[int]:
        """Where tables of that name begin; looked for once."""
        if header not in self._headers:
            self._headers[header] = [i for i, line in enumerate(self.lines) if line.split("#")[0].strip() == header]
        return self._headers[header]

    def stop(self) -> None:
        """Raise if there is anything: one problem with its own fix, several on one line, the first dozen told."""
        if not self.found:
            return
        told = sorted(self.found, key=lambda p: p[0])
        if len(told) == 1:
            line, what, fix = told[0]
            raise InputError(what, where=text("{file}, line {line}", file=self.file, line=line), fix=fix or self.fix)
        listed = " | ".join(
            f"{self.file}:{line}: {what}" + (f". {fix}" if fix else "") for line, what, fix in told[:MOST_TOLD]
        )
        more = len(told) - MOST_TOLD
        raise InputError(
            text("{count} problems in {file}", count=len(told), file=self.file),
            where=text("{listed} | and {more} more", listed=listed, more=more) if more > 0 else listed,
            fix=self.fix,
        )


def text_of_file(path: Path, *, argument: str = "", most: int = MOST_TOML, fix: str = "") -> str:
    """The content of a file from outside: a plain file of bounded size, UTF-8 with or without a mark, no terminal codes.

    Raises
    ------
    InputError
        No such file, a folder, a device, too large, unreadable, or not text.
    """
    name = quote(str(path))
    try:
        found = os.stat(path)
        if not stat.S_ISREG(found.st_mode):
            kind = text("a folder") if stat.S_ISDIR(found.st_mode) else text("not a plain file")
            raise InputError(text("'{file}' is {kind}", file=name, kind=kind), where=argument, fix=fix)
        if found.st_size > most:
            raise InputError(
                text(
                    "'{file}' has {size:.1f} MiB; at most {most:.0f} are read",
                    file=name,
                    size=found.st_size / 2**20,
                    most=most / 2**20,
                ),
                where=argument,
                fix=text("Split it, or leave out what is not asked"),
            )
        words = Path(path).read_bytes().decode("utf-8-sig")
    except (OSError, ValueError) as error:
        why = _reason(error)
        raise InputError(text("cannot read {path}: {why}", path=name, why=why), where=argument, fix=fix) from None
    for number, line in enumerate(words.split("\n"), 1):
        if hidden := hidden_characters(line.rstrip("\r")):
            raise InputError(
                text("a control character {code} in the text", code=hidden),
                where=text("{file}, line {line}", file=name, line=number),
                fix=text("Take it out: files are plain text"),
            )
    return words


def _reason(error: Exception) -> Text:
    if isinstance(error, FileNotFoundError):
        return text("no such file")
    if isinstance(error, UnicodeDecodeError):
        return text("not UTF-8 text")
    return Text.of(getattr(error, "strerror", None) or "not a name of a file")


def toml_of_text(words: str, *, file: str, exact: bool = False) -> dict[str, Any]:
    """The tables of a TOML text: numbers finite and of 64 bits, strings without terminal codes, nesting bounded.

    Parameters
    ----------
    words, file : str
        The text, and how messages name it.
    exact : bool
        Keep decimals exact, as :class:`~decimal.Decimal`.
    """
    import tomllib

    try:
        found = tomllib.loads(words.removeprefix("\ufeff"), parse_float=_decimal if exact else _finite)
    except tomllib.TOMLDecodeError as error:
        line = re.search(r"line (\d+)", str(error))
        raise InputError(
            text("not valid TOML: {why}", why=quote(str(error))),
            where=text("{file}, line {line}", file=file, line=line[1] if line else 1),
        ) from None
    except (ValueError, RecursionError) as error:
        token = error.args[0] if isinstance(error, _NotFinite) else ""
        raise InputError(
            text("'{token}' is not a finite number", token=quote(token))
            if token
            else text("a number or a list without end"),
            where=text("{file}, line {line}", file=file, line=_line_with(words, token)),
            fix=text("Write plain numbers; at most {deepest} levels of lists", deepest=DEEPEST),
        ) from None
    _require_plain(found, file=file, words=words)
    return found


class _NotFinite(ValueError):
    """A float of a file that is none; holds the token."""


def _finite(token: str) -> float:
    found = float(token)
    if not math.isfinite(found):
        raise _NotFinite(token)
    return found


def _decimal(token: str) -> Decimal:
    found = Decimal(token)
    if not found.is_finite() or abs(found.adjusted()) > 40:
        raise _NotFinite(token)
    return found


def _line_with(words: str, token: str) -> int:
    at = words.find(token) if token else -1
    return words.count("\n", 0, at) + 1 if at >= 0 else 1


def _require_plain(value: Any, *, file: str, words: str, depth: int = 0) -> None:
    """Refuse nesting without end, integers beyond 64 bits, and strings that steer a terminal once their escapes are read."""
    what: Text | None = None
    if depth > DEEPEST:
        what = text("lists or tables are nested deeper than {deepest} levels", deepest=DEEPEST)
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            _require_plain(key, file=file, words=words, depth=depth)
            _require_plain(inner, file=file, words=words, depth=depth + 1)
    elif isinstance(value, list):
        for inner in value:
            _require_plain(inner, file=file, words=words, depth=depth + 1)
    elif isinstance(value, int) and abs(value) >= 2**63:
        what = text("a whole number beyond 64 bits")
    elif isinstance(value, str) and (hidden := hidden_characters(value.replace("\n", " "))):
        what = text("a control character {code} in the text", code=hidden)
    if what is not None:
        fix = text("Write plain words and numbers")
        raise InputError(what, where=text("{file}, line {line}", file=file, line=_line_with(words, "\\u")), fix=fix)


# What a field of a TOML table may hold.
_KINDS: Mapping[str, tuple[Callable[[Any], bool], Text]] = {
    "word": (lambda v: isinstance(v, str) and len(v) <= 4000, text("words in quotes")),
    "number": (lambda v: isinstance(v, (int, float, Decimal)) and not isinstance(v, bool), text("a number")),
    "flag": (lambda v: isinstance(v, bool), text("true or false")),
    "day": (lambda v: isinstance(v, date) and not isinstance(v, datetime), text("a date like 2026-12-01")),
    "words": (lambda v: isinstance(v, list) and all(isinstance(w, str) for w in v), text("a list of words in quotes")),
    "pair": (
        lambda v: isinstance(v, list) and len(v) == 2 and all(_KINDS["number"][0](n) for n in v),
        text("[low, high]"),
    ),
    "range": (lambda v: _KINDS["number"][0](v) or _KINDS["pair"][0](v), text("a number or [low, high]")),
    "any": (lambda v: True, text("anything")),
}


def shaped(document: dict[str, Any], shape: Mapping[str, Mapping[str, str]], problems: Problems) -> dict[str, Any]:
    """The tables of a document whose fields hold what they should; whatever does not is a problem with its line.

    Parameters
    ----------
    document : dict
        Parsed TOML.
    shape : mapping
        By header, ``[one]`` or ``[[many]]``: kind of each field, a key of the table above; ``*`` for any other field.

    Returns
    -------
    dict
        By name of the table, without brackets: one table, or the list of them.
    """
    headers = {h.strip("[]"): h for h in shape}
    for name in document:
        if name not in headers:
            hint = ", ".join(nearest_names(name, headers) or headers)
            what = text("unknown table '{table}'", table=quote(name))
            problems.add(problems.line_of(f"[{name}]"), what, text("Did you mean {near}?", near=hint))
    found: dict[str, Any] = {}
    for name, header in headers.items():
        many = header.startswith("[[")
        value = document.get(name, [] if many else {})
        rows = value if many else [value]
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            problems.add(
                1,
                text("'{table}' is not a table", table=name),
                text("Write {header} on a line of its own", header=header),
            )
            rows = []
        sound = [_row_of(row, shape[header], problems, header, nth) for nth, row in enumerate(rows)]
        found[name] = sound if many else (sound[0] if sound else {})
    return found


def _row_of(row: dict[str, Any], shape: Mapping[str, str], problems: Problems, header: str, nth: int) -> dict[str, Any]:
    """The fields of one table that are known and of their kind."""
    found = {}
    for key, value in row.items():
        kind = shape.get(key, shape.get("*"))
        line = problems.line_of(header, nth, key)
        if kind is None:
            near = nearest_names(key, shape)
            fix = (
                text("Did you mean {near}?", near=", ".join(near))
                if near
                else text("Known: {names}", names=", ".join(shape))
            )
            problems.add(line, text("unknown key '{key}'", key=quote(key)), fix)
        elif not _KINDS[kind][0](value):
            what = text("{key} cannot be '{value}'", key=key, value=quote(value))
            problems.add(line, what, text("{key} must be {must}", key=key, must=_KINDS[kind][1]))
        else:
            found[key] = value
    return found


def read_toml(path: Path, *, argument: str = "", exact: bool = False, fix: str = "") -> tuple[str, dict[str, Any]]:
    """Text and tables of a TOML file from outside; see :func:`text_of_file` and :func:`toml_of_text`."""
    words = text_of_file(path, argument=argument, fix=fix)
    return words, toml_of_text(words, file=quote(str(path)), exact=exact)


@dataclass(frozen=True, slots=True)
class Rows:
    """A table of strings: its columns, its rows, the line on which each ends, and the lines with more or fewer cells."""

    file: str
    columns: tuple[str, ...]
    rows: tuple[dict[str, str], ...]
    lines: tuple[int, ...]
    ragged: frozenset[int] = frozenset()

    def __iter__(self) -> Iterator[dict[str, str]]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)


def read_rows(
    path: Path,
    *,
    argument: str = "",
    needed: Sequence[str] = (),
    most: int = MOST_ROWS,
    fold: bool = False,
    fix: str = "",
) -> Rows:
    """The rows of a CSV file from outside, as strings without blanks around them.

    Parameters
    ----------
    path : Path
        The file; the first line names its columns.
    needed : sequence of str
        Columns that must be there.
    most : int
        Rows that are read; more are refused.
    fold : bool
        Read column names without case.
    """
    words = text_of_file(path, argument=argument, most=MOST_TABLE, fix=fix)
    name = quote(str(path))
    try:
        reader = csv.reader(io.StringIO(words), strict=True)
        head = next(reader, None)
        columns = tuple((c.strip().lower() if fold else c.strip()) for c in head or ())
        _require_columns(columns, needed, name)
        rows, lines, ragged = [], [], set[int]()
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            _require_short(cells, name, reader.line_num)
            if len(cells) != len(columns):
                ragged.add(reader.line_num)
            rows.append({c: (cells[i].strip() if i < len(cells) else "") for i, c in enumerate(columns) if c})
            lines.append(reader.line_num)
            if len(rows) > most:
                raise InputError(
                    text("'{file}' has more than {most} rows", file=name, most=f"{most:,}"),
                    where=argument,
                    fix=text("Split it into several files"),
                )
    except csv.Error as error:
        raise InputError(
            text("not valid CSV: {why}", why=quote(str(error))),
            where=text("{file}, line {line}", file=name, line=reader.line_num),
            fix=text("Give a text file in UTF-8, with commas and one line of column names"),
        ) from None
    return Rows(name, columns, tuple(rows), tuple(lines), frozenset(ragged))


def _require_columns(columns: Sequence[str], needed: Sequence[str], file: str) -> None:
    twice = [c for c in dict.fromkeys(columns) if c and columns.count(c) > 1]
    if twice:
        raise InputError(
            text("column '{column}' is there twice", column=quote(twice[0])),
            where=file,
            fix=text("Name each column once"),
        )
    missing = [c for c in needed if c not in columns]
    if missing:
        raise InputError(
            text("column '{column}' is missing", column=missing[0]),
            where=text(
                "{file}; its first line: {header}", file=file, header=quote(", ".join(columns)) or text("empty")
            ),
            fix=text("The first line must name: {columns}", columns=", ".join(needed)),
        )


def _require_short(cells: Sequence[str], file: str, line: int) -> None:
    if any(len(c) > LONGEST_CELL for c in cells):
        where = text("{file}, line {line}", file=file, line=line)
        raise InputError(
            text("a cell longer than {most} characters", most=LONGEST_CELL), where=where, fix=text("Shorten it")
        )


def numbered(words: str) -> float | None:
    """The finite number in a cell, None where there is none."""
    try:
        found = float(words)
    except ValueError:
        return None
    return found if math.isfinite(found) else None


def shipped_toml(package: str, name: str, *, exact: bool = False) -> dict[str, Any]:
    """A TOML file of the package's own data: ``shipped_toml("chipwall.market", "data/supply.toml")``."""
    import tomllib
    from importlib import resources

    words = (resources.files(package) / name).read_text(encoding="utf-8")
    return tomllib.loads(words, parse_float=Decimal) if exact else tomllib.loads(words)


def shipped_rows(package: str, name: str) -> list[dict[str, str]]:
    """A CSV table of the package's own data, cells as strings."""
    from importlib import resources

    words = (resources.files(package) / name).read_text(encoding="utf-8")
    return list(csv.DictReader(words.splitlines()))


# ---------------------------------------------------------------------------------------------- what leaves


def require_place(path: Path, *, argument: str = "out", folder: bool = False) -> Path:
    """A place that can be written, checked before any work is done: a file that is none yet or a plain one, or a folder.

    Raises
    ------
    InputError
        An empty or endless name, a folder where a file is meant or the other way round, no such folder, or no permission.
    """
    import tempfile

    name = str(path)
    problem: Text | None = None
    try:
        there = path.exists()
        parent = path if folder and there else path.parent
        if name.strip() in ("", ".", "-") or name != name.strip() or hidden_characters(name) or "\x00" in name:
            problem = text("'{path}' is not the name of a file", path=quote(name))
        elif len(path.name.encode()) > 240:
            problem = text("the name is longer than a file may have")
        elif folder and there and not path.is_dir():
            problem = text("'{path}' is not a folder", path=quote(name))
        elif not folder and there and path.is_dir():
            problem = text("'{path}' is a folder", path=quote(name))
        elif not parent.is_dir():
            problem = text("no folder '{path}'", path=quote(str(parent)))
        elif not os.access(path if there else parent, os.W_OK) or (not there and not os.access(parent, os.X_OK)):
            problem = text("'{path}' may not be written", path=quote(name))
        elif not there or folder:  # the permission bits do not tell all: a superuser, a full disk, a file system of its own
            tempfile.TemporaryFile(dir=parent).close()
    except (OSError, ValueError) as error:
        problem = text("cannot write {path}: {why}", path=quote(name), why=_reason(error))
    if problem is not None:
        raise InputError(problem, where=argument, fix=text("Name a file in a folder that exists and may be written"))
    return path


def write_whole(path: Path, content: str | bytes | Callable[[Path], None], *, argument: str = "out") -> None:
    """Write a file so that it is there whole or not at all.

    A new file gets the permissions that the user's mask leaves, a file that is there keeps its own, and a link is followed.
    A device or a pipe is written to, never replaced.

    Parameters
    ----------
    content : str, bytes or callable
        What to write; a callable writes to the path it is given.
    """
    name = quote(str(path))
    try:
        target = Path(os.path.realpath(path))
        data = content.encode("utf-8") if isinstance(content, str) else content
        if target.exists() and not stat.S_ISREG(target.stat().st_mode):
            if isinstance(data, bytes):
                with target.open("wb") as out:
                    out.write(data)
                return
            raise InputError(text("'{path}' is not a plain file", path=name), where=argument)
        mode = stat.S_IMODE(target.stat().st_mode) if target.exists() else 0o666 & ~_mask()
        _replace(target, data, mode)
    except OSError as error:
        raise InputError(
            text("cannot write {path}: {why}", path=name, why=_reason(error)),
            where=argument,
            fix=text("Name a file in a folder that exists and may be written"),
        ) from None


def _replace(target: Path, data: bytes | Callable[[Path], None], mode: int) -> None:
    import tempfile

    handle, half = tempfile.mkstemp(dir=target.parent, prefix=".", suffix=target.suffix)
    try:
        with os.fdopen(handle, "wb") as out:
            if isinstance(data, bytes):
                out.write(data)
        if not isinstance(data, bytes):
            data(Path(half))
        os.chmod(half, mode)
        os.replace(half, target)
    except BaseException:
        Path(half).unlink(missing_ok=True)
        raise


def _mask() -> int:
    found = os.umask(0o077)
    os.umask(found)
    return found
