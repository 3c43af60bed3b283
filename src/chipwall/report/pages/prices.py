"""The section on money: what the chips were offered for, to buy and to rent, each price with its day and its range."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from chipwall import catalog
from chipwall.catalog.prices import Price, Quote, prices, quoted_price
from chipwall.catalog.records import Chip
from chipwall.errors import Unknown
from chipwall.report.forms.charts.chart import Chart, Dot, DotRow, DotRows, Panel
from chipwall.report.forms.document import KeyNumber, Section
from chipwall.report.forms.table import Cell, Column, Table
from chipwall.report.language.names import short_name
from chipwall.report.language.numbers import Bilingual, count_words, money_words, month_words, range_words, times_words
from chipwall.report.pages.catalog import MARKS
from chipwall.report.pages.serving_section import CHIPS, ServedRun, side_of
from chipwall.text import Text, listed, text
from chipwall.units import HOUR, MEGA

__all__ = ["history_table", "price_ratio_cell", "price_rows", "price_section", "quote_record", "quote_sentence"]

_MOST_PER_OFFER = 4
# places, terms and offers as people say them; tables of the catalogue use the words on the left
_SAID: Mapping[str, Text] = {
    "china": text("China"), "world": text("world"), "united-states": text("United States"), "europe": text("Europe"),
    "on-demand": text("on demand"), "spot": text("spot"), "reserved": text("reserved"), "reserved-1y": text("one-year contract"),
    "reserved-3y": text("three-year contract"), "average": text("average"), "list": text("list price"), "transacted": text("paid"),
    "legal": text("legal"), "grey": text("grey market"), "quote": text("quote"),
}  # fmt: skip


def _word(token: str) -> Text:
    return _SAID.get(token) or Text.of(token)


def price_section(runs: Sequence[ServedRun], *, on: date | None = None) -> tuple[Section, KeyNumber | None]:
    """What it costs: the newest quotes to buy and to rent by that day, and what a million tokens cost at that rent."""
    day = on or date.today()
    chips = [run.chip for run in runs]
    lines = [_Costs(run, _quoted(run.chip, "buy", day), _quoted(run.chip, "rent", day)) for run in runs]
    held = {one.id: prices(one.id, known_on=day) for one in chips}
    details = Table(
        text("Latest quote of each kind"),
        (Column("chip", text("Chip")), *_COLUMNS),
        tuple(_row(one, price, day) for one in chips for price in _latest(held[one.id])),
    )
    silent = [one.name for one in chips if not held[one.id]]
    sentences = [
        text("Offers and quotes, not trades; a price of a whole server is divided by its cards and includes the host.")
    ]
    if silent:
        sentences.append(text("No price was found for {chips}.", chips=listed(silent)))
    known = any(line.buy or line.rent for line in lines)
    table = _cost_table(lines)
    section = Section(
        "cost",
        text("What does it cost?"),
        tuple(sentences),
        (table,) if known else (),
        (_cost_chart(lines, table, day),) if known else (),
        finding=quote_sentence(chips[0], day),
        details=(details,) if details.rows else (),
    )
    return section, _key_number(lines[0])


@dataclass(frozen=True, slots=True)
class _Costs:
    """Price, rent and what a million tokens cost at that rent, as far as they are known."""

    run: ServedRun
    buy: Quote | None
    rent: Quote | None

    @property
    def per_million(self) -> tuple[float, float, float] | None:
        """Rent of the chips over tokens at full load, with the intervals of both as if independent [currency]."""
        if self.rent is None or self.rent.stale or self.run.full is None:
            return None
        rate, rent = self.run.full.throughput, self.rent
        value = rent.amount * CHIPS / rate.value * MEGA
        up = math.hypot(math.log(rent.high / rent.amount), math.log(rate.value / rate.low))
        down = math.hypot(math.log(rent.amount / rent.low), math.log(rate.high / rate.value))
        return value, value * math.exp(-down), value * math.exp(up)


def _key_number(own: _Costs) -> KeyNumber | None:
    """The rent where it is known, else the price; a stale one says so."""
    for found, scale, unit in ((own.rent, HOUR, text("to rent one, an hour")), (own.buy, 1.0, text("to buy one"))):
        if found is not None and not (found.stale and found.offer == "rent"):
            label = text(
                "{what}; {place}, {when}",
                what=unit,
                place=_word(found.place),
                when=month_words(found.held[0].period.label),
            )
            label = text("{label}, stale", label=label) if found.stale else label
            return KeyNumber(
                label,
                money_words(found.amount * scale, found.currency),
                range_words(found.low * scale, found.high * scale, money_words, currency=found.currency),
                "cost",
            )
    return None


def _cost_chart(lines: Sequence[_Costs], table: Table, day: date) -> Chart:
    drawn = [line for line in lines if line.buy or line.rent]
    panels = (
        Panel(text("To buy, USD"), zero=True, shown="count"),
        Panel(text("To rent, USD an hour"), zero=True),
        Panel(text("Million tokens, USD"), zero=True),
    )
    rows = tuple(
        DotRow(
            short_name(line.run.chip.name),
            (_quote_dot(line.buy, 1.0), _quote_dot(line.rent, HOUR), _million_dot(line.per_million)),
            side_of(line.run.chip), line.run is lines[0].run,
        )
        for line in drawn
    )  # fmt: skip
    return Chart(
        "cost",
        _cost_finding(drawn, day),
        text(
            "Newest quote of each chip to buy and to rent, and rent over tokens written at full load on {count} chips; "
            "lines are the "
            "range of quotes, wider with age, and 80 % intervals; hollow: estimated or stale",
            count=CHIPS,
        ),
        text("Source: quotes in the catalogue with their days; serving model of chipwall"),
        DotRows(panels, rows),
        table,
    )  # fmt: skip


def _cost_finding(lines: Sequence[_Costs], day: date) -> Text:
    own = next((line for line in lines if line.per_million), None)
    if own is None or own.per_million is None:
        return quote_sentence(lines[0].run.chip, day)
    value, low, high = own.per_million
    return text(
        "A million tokens cost about {value} USD on rented {chip} ({low} to {high})",
        value=f"{value:.2f}", chip=short_name(own.run.chip.name), low=f"{low:.2f}", high=f"{high:.2f}",
    )  # fmt: skip


def _quote_dot(found: Quote | None, scale: float) -> Dot | str:
    if found is None:
        return text("no quote")
    sure = found.status in ("official", "measured", "reported") and not found.stale
    value = found.amount * scale
    shown = count_words(value) if found.offer == "buy" else f"{value:.2f}"
    return Dot(value, shown, found.low * scale, found.high * scale, sure, found.words)


def _million_dot(found: tuple[float, float, float] | None) -> Dot | str:
    return text("not known") if found is None else Dot(found[0], f"{found[0]:.2f}", found[1], found[2])


def _cost_table(lines: Sequence[_Costs]) -> Table:
    """Price, rent and cost of a million tokens, one row a chip."""
    columns = (
        Column("chip", text("Chip")),
        Column("price_usd", text("To buy"), right=True),
        Column("price_low_usd", text("from"), right=True),
        Column("price_high_usd", text("to"), right=True),
        Column("price_when", text("When")),
        Column("rent_usd_per_h", text("To rent, an hour"), right=True),
        Column("rent_when", text("When")),
        Column("usd_per_million_tokens", text("Million tokens"), right=True),
    )
    rows = []
    for line in lines:
        buy, rent, each = line.buy, line.rent, line.per_million
        row: list[object] = [line.run.chip.name, _quote_cell(buy)]
        row += [
            Cell(money_words(v, buy.currency), v, buy.sources) if buy else Cell("-")
            for v in ((buy.low, buy.high) if buy else (0, 0))
        ]
        row += [month_words(buy.held[0].period.label) if buy else "-", _quote_cell(rent)]
        row += [month_words(rent.held[0].period.label) if rent else "-"]
        row += [
            Cell("-")
            if each is None or rent is None
            else Cell(money_words(each[0]), each[0], rent.sources, "~", range_words(each[1], each[2], money_words))
        ]
        rows.append(tuple(row))
    return Table("", columns, tuple(rows))


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


def _amount(price: Price | Quote, value: float) -> Text:
    """Money as people say it: whole for a purchase, cents per hour for a rent."""
    if price.offer == "buy":
        return money_words(value, price.currency, digits=5)
    hourly = money_words(value * HOUR, price.currency)
    return Bilingual(f"{value * HOUR:,.2f} {price.currency}/h", f"每小时 {hourly.zh}")


def _row(chip: Chip | None, price: Price, on: date) -> tuple[object, ...]:
    from chipwall.catalog.prices import stale_after

    across: str = "-"
    if price.low is not None and price.high is not None and price.high > price.low:
        across = text("{low} to {high}", low=_amount(price, price.low), high=_amount(price, price.high))
    where = text("{place}, {channel}", place=_word(price.place), channel=_word(price.term))
    worked = text("{published} {unit} for {cards} cards", published=price.published, unit=price.unit, cards=price.cards)
    status = Text.of(price.status)
    if (on - price.dated).days > stale_after(price.offer):
        status = text("{status}, stale", status=status)
    source = catalog.load().sources[price.source]
    cells = (
        Text.of(price.offer),
        month_words(price.period.label),
        where,
        Cell(_amount(price, price.amount), price.amount, (price.source,), MARKS.get(price.status, ""), worked),
        across,
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
            amount=text("about {amount}", amount=_amount(q, q.amount)) if q.status in MARKS else _amount(q, q.amount),
            place=_word(q.place),
            when=month_words(q.held[0].period.label),
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
        missing = chip.name if own is None else other.name
        return Cell("-", None, sources, calculation=text("no price for {chip}", chip=missing))
    if own.stale or their.stale:
        return Cell("-", None, sources, calculation=text("a quote is too old to compare"))
    value = own.amount / their.amount
    told = text("{a} / {b}", a=_amount(own, own.amount), b=_amount(their, their.amount))
    weakest = max((MARKS.get(q.status, "") for q in held), key=len)
    return Cell(times_words(value, digits=3), value, sources, weakest, told)


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
    scale = HOUR if found.offer == "rent" else 1.0
    return {
        "chip": found.chip,
        "offer": found.offer,
        "unit": f"{found.currency}/h" if found.offer == "rent" else found.currency,
        "amount": found.amount * scale,
        "low": found.low * scale,
        "high": found.high * scale,
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
