"""What is wrong with the tables of prices and of exchange rates: everything at once, by file and line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path

from chipwall.catalog.files import Problem, read_table
from chipwall.catalog.load import Catalog
from chipwall.catalog.periods import parse_period
from chipwall.catalog.prices import PLACES, PRICE_UNITS, TERMS, WHATS
from chipwall.inputs import quote
from chipwall.sources import STATUSES, UNSOURCED
from chipwall.text import Text, text

__all__ = ["price_problems", "price_sources"]

PRICES, RATES = "prices.csv", "rates.csv"
COLUMNS = (
    "chip", "offer", "what", "cards", "value", "unit", "low", "high", "place", "term", "period", "vintage", "source", "status",
    "read", "note", "series",
)  # fmt: skip
RATE_COLUMNS = ("currency", "date", "per_dollar", "source", "locator")


def price_sources(root: Path) -> set[str]:
    """Ids of the sources that prices and rates rest on."""
    return {row["source"] for name in (PRICES, RATES) for _, row in _rows(root, name, [])}


def _rows(root: Path, name: str, problems: list[Problem]) -> list[tuple[int, dict[str, str]]]:
    """Rows with their lines; a table of other columns is one problem and no rows."""
    if not (root / name).is_file():
        return []
    needed = COLUMNS if name == PRICES else RATE_COLUMNS
    rows = [
        (r.line, {k: (r.values.get(k) or "").strip() for k in r.values if k})
        for r in read_table(root / name, problems, root=root)
    ]
    missing = [c for c in needed if rows and c not in rows[0][1]]
    if missing:
        problems.append(Problem(name, 1, text("columns are missing: {names}", names=", ".join(missing))))
        return []
    return rows


def price_problems(root: Path, found: Catalog) -> list[Problem]:
    """Problems of every row: unknown names, dates to come, bounds that hold nothing, duplicates, currencies without a rate."""
    problems: list[Problem] = []
    rates = _rows(root, RATES, problems)
    for line, row in rates:
        problems += [Problem(RATES, line, what) for what in _rate_faults(row, found)]
    currencies = {"USD"} | {row["currency"] for _, row in rates}
    seen: dict[tuple[str, ...], int] = {}
    for line, row in _rows(root, PRICES, problems):
        problems += [Problem(PRICES, line, what) for what in _price_faults(row, found, currencies)]
        same = tuple(row[k] for k in ("chip", "offer", "what", "place", "term", "period", "source", "unit", "note"))
        if same in seen:
            problems.append(Problem(PRICES, line, text("says again what line {line} says", line=seen[same])))
        seen.setdefault(same, line)
    return problems


def _rate_faults(row: Mapping[str, str], found: Catalog) -> Iterator[Text]:
    day = _day(row["date"])
    if day is None or day > date.today():
        yield text("'{day}' is not a day in the past", day=quote(row["date"]))
    if not (_number(row["per_dollar"]) or 0.0) > 0:
        yield text("'{value}' is not a rate", value=quote(row["per_dollar"]))
    if row["source"] not in found.sources:
        yield text("unknown source '{source}'", source=quote(row["source"]))


def _price_faults(row: Mapping[str, str], found: Catalog, currencies: set[str]) -> Iterator[Text]:
    if row["chip"] not in found.chips:
        yield text("unknown chip '{chip}'", chip=quote(row["chip"]))
    yield from _word_faults(row)
    if row["unit"] not in PRICE_UNITS:
        yield text("unit '{unit}' is no unit of a price", unit=quote(row["unit"]))
    elif (currency := PRICE_UNITS[row["unit"]][0]) not in currencies:
        yield text("currency {currency} has no dated rate in {file}", currency=currency, file=RATES)
    yield from _number_faults(row)
    period = parse_period(row["period"])
    if period.start is None or period.start > date.today():
        yield text("'{period}' is not a time in the past", period=quote(row["period"]))
    source = found.sources.get(row["source"])
    if source is None:
        yield text("unknown source '{source}'", source=quote(row["source"]))
    elif row["status"] == UNSOURCED != row["source"] or row["source"] == UNSOURCED != row["status"]:
        yield text("status and source must both be 'unsourced', or neither")


def _word_faults(row: Mapping[str, str]) -> Iterator[Text]:
    terms = TERMS.get(row["offer"])
    if terms is None:
        yield text("offer '{offer}' is neither buy nor rent", offer=quote(row["offer"]))
    for field, known in (("term", terms or ()), ("place", PLACES), ("what", WHATS), ("status", STATUSES)):
        if known and row[field] not in known:
            names = ", ".join(known)
            yield text("{field} '{value}' is not one of {names}", field=field, value=quote(row[field]), names=names)


def _number_faults(row: Mapping[str, str]) -> Iterator[Text]:
    values = {k: _number(row[k]) for k in ("value", "low", "high", "cards") if row[k]}
    for field, value in values.items():
        if value is None or value <= 0:
            yield text("{field} '{value}' is not a number above zero", field=field, value=quote(row[field]))
    middle = values.get("value")
    if "value" not in values:
        yield text("no value")
    if "cards" not in values:
        yield text("cards is missing")
    low, high = values.get("low"), values.get("high")
    if middle and ((low and low > middle) or (high and high < middle)):
        yield text("{low} to {high} does not hold {value}", low=row["low"], high=row["high"], value=row["value"])


def _number(words: str) -> float | None:
    try:
        found = float(words)
    except ValueError:
        return None
    return found if found == found and abs(found) != float("inf") else None


def _day(words: str) -> date | None:
    try:
        return date.fromisoformat(words)
    except ValueError:
        return None
