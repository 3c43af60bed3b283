"""The section on money: what the chips were offered for, to buy and to rent, each price with its day and its range."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from chipwall.catalog.records import Chip
from chipwall.catalog.series import Price, prices
from chipwall.report.forms.document import Section
from chipwall.report.forms.table import Cell, Column, Table
from chipwall.report.pages.catalog import MARKS
from chipwall.text import Text, text
from chipwall.units import HOUR

__all__ = ["price_section"]

_MOST_PER_CHIP = 6


def price_section(chip: Chip, others: Sequence[Chip]) -> tuple[Text, Section]:
    """The sentence for the first page, and the section: the latest prices of each chip."""
    rows = [_row(one, price) for one in (chip, *others) for price in _latest(prices(one.id))]
    columns = (
        Column("chip", text("Chip")),
        Column("offer", text("Offer")),
        Column("period", text("When")),
        Column("place", text("Where")),
        Column("amount", text("Per chip"), right=True),
        Column("low_high", text("Range"), right=True),
        Column("status", text("Status")),
        Column("source", text("Source")),
        Column("note", text("Notes")),
    )
    silent = [one.name for one in (chip, *others) if not prices(one.id)]
    sentences = [
        text("Offers and quotes, not trades; a price of a whole server is divided by its cards and includes the host.")
    ]
    if silent:
        sentences.append(text("No price was found for {chips}.", chips=", ".join(silent)))
    section = Section(
        "prices", text("What it costs"), tuple(sentences), (Table("", columns, tuple(rows)),) if rows else ()
    )
    return _sentence(chip), section


def _latest(found: Sequence[Price]) -> list[Price]:
    """The latest price of each series and offer, newest first."""
    ordered = sorted(found, key=_end, reverse=True)
    newest: dict[tuple[str, str], Price] = {}
    for price in ordered:
        newest.setdefault((price.observation.series, price.offer), price)
    return list(newest.values())[:_MOST_PER_CHIP]


def _end(price: Price) -> date:
    """Last day that the price speaks of."""
    return price.observation.period.end or date.min


def _amount(price: Price, value: float) -> str:
    """Money as people say it: whole for a purchase, cents per hour for a rent."""
    return f"{value:,.0f} {price.currency}" if price.offer == "buy" else f"{value * HOUR:,.2f} {price.currency}/h"


def _row(chip: Chip, price: Price) -> tuple[object, ...]:
    seen = price.observation
    span = "-"
    if price.low is not None and price.high is not None and price.high > price.low:
        span = f"{_amount(price, price.low)} – {_amount(price, price.high)}"
    where = text("{place}, {channel}", place=Text.of(price.place), channel=Text.of(price.channel))
    worked = text("{published} {unit} for {cards} cards", published=seen.published, unit=seen.unit, cards=price.cards)
    return (
        chip.name,
        Text.of(price.offer),
        seen.period.label,
        where,
        Cell(_amount(price, price.amount), price.amount, (seen.source,), MARKS.get(seen.status, ""), worked),
        span,
        Text.of(seen.status),
        Cell(seen.source, seen.source),
        seen.note,
    )


def _sentence(chip: Chip) -> Text:
    """The latest price to buy and to rent, in words."""
    parts = []
    for offer in ("buy", "rent"):
        found = sorted((p for p in prices(chip.id) if p.offer == offer), key=lambda p: (p.cards == 1, _end(p)))
        if found:
            price = found[-1]
            parts.append(
                text(
                    "to {offer} {amount} ({place}, {when}, {status})",
                    offer=Text.of(offer),
                    amount=_amount(price, price.amount),
                    place=Text.of(price.place),
                    when=price.observation.period.label,
                    status=Text.of(price.observation.status),
                )
            )
    if not parts:
        return text("No price of {chip} was found.", chip=chip.name)
    said = parts[0] if len(parts) == 1 else text("{first}; {second}", first=parts[0], second=parts[1])
    return text("Latest offer found: {offers}.", offers=said)
