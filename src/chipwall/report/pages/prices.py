"""The section on money: what the chips were offered for, to buy and to rent, each price with its day and its range."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from chipwall import catalog
from chipwall.catalog.prices import Price, Quote, prices, quoted_price
from chipwall.catalog.records import Chip
from chipwall.errors import Unknown
from chipwall.report.forms.document import Section
from chipwall.report.forms.table import Cell, Column, Table
from chipwall.report.pages.catalog import MARKS
from chipwall.text import Text, text
from chipwall.units import HOUR

__all__ = ["history_table", "price_ratio_cell", "price_rows", "price_section", "quote_record", "quote_sentence"]

_MOST_PER_OFFER = 4


def price_section(chip: Chip, others: Sequence[Chip], *, on: date | None = None) -> tuple[Text, Section]:
    """The sentence for the first page, and the section: the latest prices of each chip by that day."""
    day = on or date.today()
    held = {one.id: prices(one.id, known_on=day) for one in (chip, *others)}
    rows = [_row(one, price, day) for one in (chip, *others) for price in _latest(held[one.id])]
    silent = [one.name for one in (chip, *others) if not held[one.id]]
    sentences = [
        text("Offers and quotes, not trades; a price of a whole server is divided by its cards and includes the host.")
    ]
    if silent:
        sentences.append(text("No price was found for {chips}.", chips=", ".join(silent)))
    table = Table("", (Column("chip", text("Chip")), *_COLUMNS), tuple(rows))
    section = Section("prices", text("What it costs"), tuple(sentences), (table,) if rows else ())
    return quote_sentence(chip, day), section


_COLUMNS = (
    Column("offer", text("Offer")),
    Column("period", text("When")),
    Column("place", text("Where")),
    Column("amount", text("Per chip"), right=True),
    Column("low_high", text("Range"), right=True),
    Column("status", text("Status")),
    Column("source", text("Source")),
    Column("note", text("Notes")),
)


def history_table(held: Sequence[Price], on: date) -> Table:
    """Every quote of one chip as it was printed, newest first."""
    return Table("", _COLUMNS, tuple(_row(None, price, on) for price in held))


def _latest(found: Sequence[Price]) -> list[Price]:
    """The latest price of each term and place, newest first."""
    newest: dict[tuple[str, str, str, str], Price] = {}
    for price in found:
        newest.setdefault((price.offer, price.place, price.term, price.currency), price)
    kept = list(newest.values())
    return [p for offer in ("buy", "rent") for p in [q for q in kept if q.offer == offer][:_MOST_PER_OFFER]]


def _amount(price: Price | Quote, value: float) -> str:
    """Money as people say it: whole for a purchase, cents per hour for a rent."""
    return f"{value:,.0f} {price.currency}" if price.offer == "buy" else f"{value * HOUR:,.2f} {price.currency}/h"


def _row(chip: Chip | None, price: Price, on: date) -> tuple[object, ...]:
    from chipwall.catalog.prices import stale_after

    span = "-"
    if price.low is not None and price.high is not None and price.high > price.low:
        span = f"{_amount(price, price.low)} – {_amount(price, price.high)}"
    where = text("{place}, {channel}", place=Text.of(price.place), channel=Text.of(price.term))
    worked = text("{published} {unit} for {cards} cards", published=price.published, unit=price.unit, cards=price.cards)
    status = Text.of(price.status)
    if (on - price.dated).days > stale_after(price.offer):
        status = text("{status}, stale", status=status)
    source = catalog.load().sources[price.source]
    cells = (
        Text.of(price.offer),
        price.period.label,
        where,
        Cell(_amount(price, price.amount), price.amount, (price.source,), MARKS.get(price.status, ""), worked),
        span,
        status,
        Cell(price.source, price.source, url=source.url),
        price.note,
    )
    return cells if chip is None else (chip.name, *cells)


def _quoted(chip: Chip, offer: str, on: date) -> Quote | None:
    try:
        return quoted_price(chip.id, offer=offer, on=on)
    except Unknown:
        return None


def quote_sentence(chip: Chip, on: date) -> Text:
    """The latest price to buy and to rent, in words."""
    found = [q for offer in ("buy", "rent") if (q := _quoted(chip, offer, on)) is not None]
    parts = [
        text(
            "to {offer} {amount} ({place}, {when}, {status})",
            offer=Text.of(q.offer),
            amount=MARKS.get(q.status, "") + _amount(q, q.amount),
            place=Text.of(q.place),
            when=q.held[0].period.label,
            status=text("{status}, stale", status=Text.of(q.status)) if q.stale else Text.of(q.status),
        )
        for q in found
    ]
    if not parts:
        return text("No price of {chip} was found.", chip=chip.name)
    said = parts[0] if len(parts) == 1 else text("{first}; {second}", first=parts[0], second=parts[1])
    return text("Latest offer found: {offers}.", offers=said)


def price_ratio_cell(chip: Chip, other: Chip) -> Cell:
    """The price of one chip over another's, by the newest quotes; none where one is missing or stale."""
    today = date.today()
    own, their = _quoted(chip, "buy", today), _quoted(other, "buy", today)
    held = [q for q in (own, their) if q is not None]
    sources = tuple(dict.fromkeys(s for q in held for s in q.sources))
    if own is None or their is None:
        return Cell("-", None, sources, calculation=text("not known on both sides"))
    if own.stale or their.stale:
        return Cell("-", None, sources, calculation=text("a quote is too old to compare"))
    value = own.amount / their.amount
    told = text("{a} / {b}", a=_amount(own, own.amount), b=_amount(their, their.amount))
    weakest = max((MARKS.get(q.status, "") for q in held), key=len)
    return Cell(f"{value:.2f}x" if value < 10 else f"{value:.1f}x", value, sources, weakest, told)


def price_rows(chips: Sequence[Chip]) -> list[tuple[object, ...]]:
    """Rows of a comparison: the newest quote of each chip to buy and to rent, with its mark; stale ones say so."""
    today = date.today()
    rows: list[tuple[object, ...]] = []
    for offer, title in (("buy", text("Price")), ("rent", text("Rent"))):
        found = [_quoted(chip, offer, today) for chip in chips]
        if any(found):
            rows.append((Cell(title, "price_usd" if offer == "buy" else "rent_usd_per_h"), *map(_quote_cell, found)))
    return rows


def _quote_cell(found: Quote | None) -> Cell:
    if found is None:
        return Cell("-", None)
    shown = _amount(found, found.amount)
    amount = found.amount * HOUR if found.offer == "rent" else found.amount
    said = text("{amount}, stale", amount=shown) if found.stale else shown
    return Cell(said, amount, found.sources, MARKS.get(found.status, ""), found.words)


def quote_record(found: Quote) -> dict[str, object]:
    """A quote for JSON: money as people say it, with everything that qualifies it."""
    times = HOUR if found.offer == "rent" else 1.0
    return {
        "chip": found.chip,
        "offer": found.offer,
        "unit": f"{found.currency}/h" if found.offer == "rent" else found.currency,
        "amount": found.amount * times,
        "low": found.low * times,
        "high": found.high * times,
        "place": found.place,
        "term": found.term,
        "on": found.on.isoformat(),
        "dated": found.dated.isoformat(),
        "age_days": found.age.days,
        "stale": found.stale,
        "status": found.status,
        "sources": list(found.sources),
        "held": len(found.held),
    }
