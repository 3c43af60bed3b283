"""A chip of the caller's own: a TOML file that starts from a chip of the catalogue and says what is different.

    base = "h100"
    name = "H100 with half the link"
    [facts]
    link_bandwidth = "225 GB/s"

``share`` takes a part of a chip (a slice of a partitioned one), ``dies`` puts several together; ``facts`` come last. A
file in the catalogue's own form (``schema``, ``id`` and a list of ``facts`` with sources) is read as well.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from chipwall.catalog.files import Problem, Record
from chipwall.catalog.invent import invented
from chipwall.catalog.load import Catalog
from chipwall.catalog.own.reading import refusal
from chipwall.catalog.quantities import QUANTITIES
from chipwall.catalog.records import FORMAT_BITS, Chip
from chipwall.errors import ChipwallError
from chipwall.text import Text, text

__all__ = ["SHARED", "chip_at"]

# What a part of a chip has a part of, and several dies have several of; its links and its host stay one.
SHARED = (
    *(f"{name}_rate" for name in FORMAT_BITS),
    *("memory_capacity", "memory_reported", "memory_bandwidth", "tdp", "core_count", "l2_cache", "on_chip_sram"),
)
KEYS = ("base", "name", "share", "dies", "facts")
LARGEST = 1 << 20
MOST_DIES = 1024.0


def chip_at(name: str, catalog: Catalog) -> Chip:
    """The chip that a TOML file describes.

    Raises
    ------
    InputError
        Where the file cannot be read, names no base chip, an unknown quantity, or a value without the right unit.
    """
    path = Path(name).expanduser()
    values = _read(path)
    if "schema" in values or isinstance(values.get("facts"), list):
        return _of_catalogue_form(values, path, catalog)
    unknown = sorted(set(values) - set(KEYS))
    if unknown:
        raise _wrong(text("unknown key '{key}'", key=unknown[0]), path, text("Keys: {keys}", keys=", ".join(KEYS)))
    base = values.get("base")
    if not isinstance(base, str):
        raise _wrong(text("the file names no base chip"), path, text('Start with: base = "h100"'))
    start = catalog.names.chip(base)
    factor = _number(values, "share", path, most=1.0) * _number(values, "dies", path, most=MOST_DIES)
    changed: dict[str, object] = {}
    if factor != 1.0:
        changed = {q: value * factor for q in SHARED if (value := start.value(q)) is not None}
    facts = values.get("facts", {})
    if not isinstance(facts, Mapping):
        raise _wrong(text("[facts] is no table"), path)
    changed |= {str(key): _told(key, value, path) for key, value in facts.items()}
    if "memory_capacity" in facts and "memory_reported" not in facts:
        changed["memory_reported"] = changed["memory_capacity"]
    try:
        return invented(start, name=str(values.get("name") or path.stem), quantities=changed)
    except ChipwallError as error:
        raise _wrong(error.what, path, error.fix) from None


def _wrong(what: str, path: Path, fix: str = "") -> ChipwallError:
    return refusal(what, path, fix or text("How to bring a chip: docs/how-to/bring-your-own-model.md"))


def _read(path: Path) -> dict[str, Any]:
    try:
        if path.is_dir():
            raise _wrong(text("the path is a folder"), path)
        if path.stat().st_size > LARGEST:
            raise _wrong(text("the file is larger than {size} MB", size=LARGEST >> 20), path)
        return tomllib.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
    except OSError as error:
        raise _wrong(text("cannot be read: {why}", why=Text.of(error.strerror or "error")), path) from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise _wrong(text("not valid TOML: {why}", why=str(error)[:120]), path) from None


def _number(values: Mapping[str, Any], key: str, path: Path, *, most: float) -> float:
    value = values.get(key, 1)
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal) or not 0 < float(value) <= most:
        raise _wrong(text("{key} must be above 0 and at most {most:g}", key=key, most=most), path)
    return float(value)


def _told(key: Any, value: Any, path: Path) -> object:
    """A fact as a person writes it: a word with its unit where it has one; a bare number only for counts."""
    quantity = QUANTITIES.get(str(key))
    if quantity is None:
        near = ", ".join(q for q in QUANTITIES if str(key)[:4] in q)[:100]
        raise _wrong(
            text("unknown quantity '{quantity}'", quantity=str(key)[:40]),
            path,
            text("Near: {names}", names=near or "-"),
        )
    bare = isinstance(value, int | float | Decimal) and not isinstance(value, bool)
    if bare and quantity.dimension not in ("1", "generation"):
        example = {"byte": "80 GB", "byte/s": "3.35 TB/s", "flop/s": "989 TFLOP/s", "W": "700 W"}.get(
            quantity.dimension, ""
        )
        what = text("{quantity}: {value} has no unit", quantity=str(key), value=str(value))
        raise _wrong(
            what, path, text('Write it with its unit, for example "{example}"', example=example or quantity.dimension)
        )
    return float(value) if bare else value


def _of_catalogue_form(values: dict[str, Any], path: Path, catalog: Catalog) -> Chip:
    from chipwall.catalog.parse import chip_record

    problems: list[Problem] = []
    facts = values.get("facts")
    rows = tuple((1, f) for f in facts if isinstance(f, dict)) if isinstance(facts, list) else ()
    ids = str(values.get("id", ""))
    made = chip_record(Record(f"chips/{ids}.toml", 1, {"schema": 1, **values}, rows), catalog.sources, problems)
    if problems or made is None:
        raise _wrong(min(problems).what if problems else text("the file describes no chip"), path)
    return made if re.fullmatch(r"[\w.+-]+", made.id) else _refused_id(path)


def _refused_id(path: Path) -> Chip:
    raise _wrong(text("the id of a chip is letters, digits and hyphens"), path)
