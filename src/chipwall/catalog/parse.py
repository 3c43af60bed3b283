"""From rows of data files to records: schema, units, sources, ranges, dates. Problems are collected, never raised."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from chipwall.catalog.choose import chosen_fact
from chipwall.catalog.files import Problem, Record
from chipwall.catalog.layers import Layers
from chipwall.catalog.quantities import QUANTITIES
from chipwall.catalog.records import Checkpoint, Chip, LanguageModel, System
from chipwall.catalog.schema import SCHEMA_VERSION, ChipFile, FactRow, ModelRow, SourceRow, SystemRow
from chipwall.catalog.tower import Tower
from chipwall.errors import InputError
from chipwall.sources import DERIVED, UNSOURCED, Fact, Source
from chipwall.text import Text, text
from chipwall.units import GIGA, to_si, unit

__all__ = ["chip_record", "fact_record", "model_record", "source_record", "system_record", "validated"]

R = TypeVar("R", bound=BaseModel)
_DATED = {"announced", "available", "released"}
_STATUS_WORDS = {"shipping", "announced", "rumoured", "cancelled"}
_ADDRESS = re.compile(r"https?://[^\s/]+\.[^\s/]+(/\S*)?")


def validated(schema: type[R], record: Record, problems: list[Problem], *, line: int = 0) -> R | None:
    """The record in its schema, or None with every violation noted."""
    try:
        return schema.model_validate(record.values)
    except ValidationError as error:
        for issue in error.errors():
            where = ".".join(str(p) for p in issue["loc"]) or "record"
            problems.append(
                Problem(record.file, line or record.line, text("{field}: {why}", field=where, why=issue["msg"]))
            )
        return None


def source_record(record: Record, problems: list[Problem]) -> Source | None:
    """A ``[[source]]``; one that a reader cannot open is a problem, unless its facts are computed or have no source."""
    row = validated(SourceRow, record, problems)
    if row is None:
        return None
    what = []
    if row.kind not in (DERIVED, UNSOURCED) and not row.url:
        what.append(text("source '{source}' has no address (url)", source=row.id))
    what += [
        text("source '{source}': '{address}' is not a web address", source=row.id, address=address)
        for address in (row.url, row.archive)
        if address and not _ADDRESS.fullmatch(address)
    ]
    what += [
        text("source '{source}': {field} {day} is in the future", source=row.id, field=Text.of(field), day=words)
        for field in ("published", "accessed", "retrieved")
        if (when := _latest_day(words := getattr(row, field))) and when > date.today()
    ]
    problems += [Problem(record.file, record.line, w) for w in what]
    return Source(**row.model_dump())


def _version_fits(record: Record, problems: list[Problem]) -> bool:
    version = record.values.get("schema", SCHEMA_VERSION)
    if isinstance(version, int) and version > SCHEMA_VERSION:
        what = text(
            "written for data format {got}, this chipwall reads {known}: update chipwall",
            got=version,
            known=SCHEMA_VERSION,
        )
        problems.append(Problem(record.file, 1, what))
        return False
    return True


def fact_record(
    file: str, line: int, values: Mapping[str, Any], sources: Mapping[str, Source], problems: list[Problem]
) -> Fact | None:
    """One fact in SI, or None with the reason noted."""
    numbers = {k: Decimal(v) if isinstance(v, int) and not isinstance(v, bool) else v for k, v in values.items()}
    row = validated(FactRow, Record(file, line, numbers), problems)
    if row is None:
        return None
    before = len(problems)
    _check_fact(row, file, line, sources, problems)
    if len(problems) > before:
        return None
    known = isinstance(row.value, Decimal)
    return Fact(
        quantity=row.quantity,
        value=to_si(row.value, row.unit) if isinstance(row.value, Decimal) else row.value,
        published="" if row.value is None else str(row.value),
        unit=row.unit,
        status=row.status,
        source=row.source,
        locator=row.locator,
        accessed=row.accessed,
        note=row.note,
        low=to_si(row.low, row.unit) if known and row.low is not None else None,
        high=to_si(row.high, row.unit) if known and row.high is not None else None,
        derived=row.derived,
        second=row.second,
        prefer=row.prefer,
        url=row.url,
        quote=row.quote,
        formula=row.formula,
    )


def _check_fact(row: FactRow, file: str, line: int, sources: Mapping[str, Source], problems: list[Problem]) -> None:
    def problem(what: str) -> None:
        problems.append(Problem(file, line, what))

    quantity = QUANTITIES.get(row.quantity)
    if quantity is None:
        problem(text("unknown quantity '{quantity}'", quantity=row.quantity))
        return
    if row.source not in sources:
        problem(text("{quantity}: no source '{source}'", quantity=row.quantity, source=row.source))
    if (row.status == UNSOURCED) != (row.source == UNSOURCED):
        problem(
            text("{quantity}: status and source are both '{word}', or neither", quantity=row.quantity, word=UNSOURCED)
        )
    if row.source == DERIVED and not row.formula:
        problem(text("{quantity}: a derived fact needs its formula with its inputs", quantity=row.quantity))
    if row.url and not _ADDRESS.fullmatch(row.url):
        problem(text("{quantity}: '{address}' is not a web address", quantity=row.quantity, address=row.url))
    if row.status == "official" and not row.locator:
        problem(text("{quantity}: an official fact needs a locator", quantity=row.quantity))
    if (row.value is None) != row.unknown:
        problem(text("{quantity}: give a value, or unknown = true", quantity=row.quantity))
    elif row.value is not None:
        _check_value(row, quantity.dimension, problem)
    if (when := _latest_day(row.accessed)) and when > date.today():
        problem(text("{quantity}: accessed {day} is in the future", quantity=row.quantity, day=row.accessed))


def _check_value(row: FactRow, dimension: str, problem: Any) -> None:
    if dimension in ("word", "flag"):
        if not isinstance(row.value, bool if dimension == "flag" else str):
            problem(
                text(
                    "{quantity}: '{value}' is not a {kind}",
                    quantity=row.quantity,
                    value=str(row.value),
                    kind=Text.of(dimension),
                )
            )
        elif row.quantity == "status" and row.value not in _STATUS_WORDS:
            problem(
                text(
                    "status '{value}' is none of {words}", value=str(row.value), words=", ".join(sorted(_STATUS_WORDS))
                )
            )
        elif row.quantity in _DATED and _first_day(str(row.value)) is None:
            problem(text("{quantity}: '{value}' is not a date", quantity=row.quantity, value=str(row.value)))
        return
    if not isinstance(row.value, Decimal):
        problem(text("{quantity}: '{value}' is not a number", quantity=row.quantity, value=str(row.value)))
        return
    try:
        got = unit(row.unit).dimension
    except InputError as error:
        problem(text("{quantity}: {why}", quantity=row.quantity, why=error.what))
        return
    if got != dimension:
        problem(
            text(
                "{quantity}: unit '{unit}' is {got}, not {dimension}",
                quantity=row.quantity,
                unit=row.unit,
                got=got,
                dimension=dimension,
            )
        )
    # a link of zero is knowledge: the card has none
    if row.value < 0 or (row.value == 0 and row.quantity != "link_bandwidth"):
        problem(text("{quantity}: {value} is not positive", quantity=row.quantity, value=str(row.value)))
    low, high = row.low, row.high
    if (low is not None and low > row.value) or (high is not None and high < row.value):
        problem(
            text(
                "{quantity}: {low} to {high} does not bracket {value}",
                quantity=row.quantity,
                low=str(low),
                high=str(high),
                value=str(row.value),
            )
        )


def _first_day(words: str) -> date | None:
    """The first day that a date as exact as known can mean: 2024, 2024-Q2, 2024-H1, 2024-05, 2024-05-01."""
    match = re.fullmatch(r"(\d{4})(?:-(?:Q([1-4])|H([12])|(\d{2})(?:-(\d{2}))?))?", words)
    if not match:
        return None
    quarter, half = match[2], match[3]
    month = int(match[4] or 0) or (3 * int(quarter) - 2 if quarter else 6 * int(half) - 5 if half else 1)
    try:
        return date(int(match[1]), month, int(match[5] or 1))
    except ValueError:
        return None


def _latest_day(accessed: str) -> date | None:
    """The latest first-day among the dates of an ``accessed`` field such as ``2022/2026-03``; None if there is none."""
    days = [_first_day(part) for part in re.split(r"[/ ]|(?<=\d{4})-(?=\d{4})", accessed)]
    return max((d for d in days if d), default=None)


def chip_record(record: Record, sources: Mapping[str, Source], problems: list[Problem]) -> Chip | None:
    """A chip file as a record."""
    if not _version_fits(record, problems):
        return None
    row = validated(ChipFile, record, problems)
    if row is None:
        return None
    expected = f"chips/{row.vendor}/{row.id.removeprefix(row.vendor + '-')}.toml"
    if record.file != expected and not record.file.endswith(f"/{row.id}.toml"):
        problems.append(Problem(record.file, 1, text("id '{id}' does not match the file name", id=row.id)))
    found = _facts(record, sources, problems)
    return Chip(row.id, row.name, row.vendor, row.family, row.aliases, found, _chosen(found))


def _facts(record: Record, sources: Mapping[str, Source], problems: list[Problem]) -> tuple[Fact, ...]:
    """The facts of a record; one that is told twice is a problem."""
    seen: dict[tuple[object, ...], int] = {}
    found = []
    for line, values in record.facts:
        fact = fact_record(record.file, line, values, sources, problems)
        if fact is None:
            continue
        told = (fact.quantity, fact.published, fact.unit, fact.source, fact.locator, fact.url)
        if told in seen:
            what = text("{quantity}: told twice, first in line {line}", quantity=fact.quantity, line=seen[told])
            problems.append(Problem(record.file, line, what))
        seen[told] = line
        found.append(fact)
    return tuple(found)


def _chosen(facts: tuple[Fact, ...]) -> dict[str, Fact]:
    by_quantity: dict[str, list[Fact]] = {}
    for fact in facts:
        by_quantity.setdefault(fact.quantity, []).append(fact)
    return {quantity: chosen_fact(group) for quantity, group in by_quantity.items()}


def system_record(record: Record, sources: Mapping[str, Source], problems: list[Problem]) -> System | None:
    """A ``[[system]]`` as a record."""
    row = validated(SystemRow, record, problems)
    if row is None:
        return None
    return System(row.id, row.name, row.chip, _chosen(_facts(record, sources, problems)), row.aliases, row.note)


def model_record(record: Record, sources: Mapping[str, Source], problems: list[Problem]) -> LanguageModel | None:
    """A ``[[model]]`` as a record."""
    values = {k: Decimal(v) if k.endswith("_b") and isinstance(v, int) else v for k, v in record.values.items()}
    row = validated(ModelRow, Record(record.file, record.line, values), problems)
    if row is None:
        return None
    if row.source not in sources:
        problems.append(
            Problem(record.file, record.line, text("{name}: no source '{source}'", name=row.name, source=row.source))
        )
    released = row.released if isinstance(row.released, date) else _first_day(row.released or "")
    if released and released > date.today():
        problems.append(
            Problem(
                record.file,
                record.line,
                text("{name}: released {day} is in the future", name=row.name, day=str(released)),
            )
        )
    fields = row.model_dump(
        exclude={
            "parameters_b",
            "active_parameters_b",
            "vision_b",
            "lookup_b",
            "released",
            "layers",
            "draft",
            "checkpoints",
            "tower",
        }
    )
    return LanguageModel(
        **fields,
        layers=tuple(Layers(**r.model_dump()) for r in row.layers),
        draft=tuple(Layers(**r.model_dump()) for r in row.draft),
        checkpoints=tuple(
            Checkpoint(c.format, tuple(c.parts.items()), c.hf_id, _billions(c.size_gb), c.locator)
            for c in row.checkpoints
        ),
        parameters=_billions(row.parameters_b),
        active_parameters=_billions(row.active_parameters_b),
        vision=float(row.vision_b) * GIGA,
        lookup=float(row.lookup_b) * GIGA,
        tower=None if row.tower is None else Tower(**row.tower.model_dump()),
        released=released,
    )


def _billions(value: Decimal | None) -> float | None:
    return None if value is None else float(value * Decimal(GIGA))
