"""Prices and rents: one store, every quote with what was priced, where, on which term, when, and by whom.

A quote ages. Up to its half-life it stands as printed; after that its band widens with the time that has passed, as prices
of these chips have moved; after a limit it is stale: it is shown as such and supports nothing. :func:`quoted_price` answers one
question (this chip, bought or rented, on this term, at this place, on this day); :func:`prices` lists what is held.

Notes
-----
The half-width of a band grows as :math:`\\sqrt{w^2 + s^2 (t - h)}` in the logarithm, with age :math:`t`, half-life :math:`h`
and a yearly spread :math:`s`: 0.30 for rents (weekly medians of H100, H200, B200 and A100 rate cards moved by 22 to 27
percent from January to September 2026 and by as much in the year before), 0.20 for purchases (yearly averages of the H100,
2022 to 2025, moved by 17 percent a year).
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from itertools import groupby
from statistics import median

from chipwall.catalog.files import DATA
from chipwall.catalog.periods import Period, parse_period
from chipwall.errors import Unknown
from chipwall.sources import UNSOURCED, Status
from chipwall.text import Text, text
from chipwall.units import GIGA, HOUR, KILO, MEGA, format_quantity

__all__ = [
    "PLACES",
    "PRICE_UNITS",
    "TERMS",
    "Price",
    "Quote",
    "Rate",
    "exchange_rate",
    "exchange_rates",
    "history",
    "load_prices",
    "price_of_row",
    "prices",
    "quoted_price",
    "read_quotes",
    "stale_after",
]  # fmt: skip

# Terms, the usual one first: what somebody who names none means.
TERMS: Mapping[str, tuple[str, ...]] = {
    "rent": ("on-demand", "index", "reserved-1y", "reserved-3y", "reserved", "quote", "spot"),
    "buy": ("average", "quote", "list", "transacted", "grey"),
}
PLACES = ("united-states", "china", "europe", "world")
WHATS = ("chip", "baseboard", "module", "server", "rack")
# Units of the table: currency, how many of it one is, and whether it is for an hour.
PRICE_UNITS: Mapping[str, tuple[str, float, bool]] = {
    "USD": ("USD", 1.0, False),
    "k USD": ("USD", KILO, False),
    "M USD": ("USD", MEGA, False),
    "USD bn": ("USD", GIGA, False),
    "CNY": ("CNY", 1.0, False),
    "k CNY": ("CNY", KILO, False),
    "EUR": ("EUR", 1.0, False),
    "USD/GPU-h": ("USD", 1.0, True),
    "CNY/GPU-h": ("CNY", 1.0, True),
}
HALF_LIFE = {"rent": timedelta(days=60), "buy": timedelta(days=180)}
LIMIT = {"rent": timedelta(days=200), "buy": timedelta(days=550)}
SPREAD = {"rent": 0.30, "buy": 0.20}
# Half-width of a quote that states no range [log]: what a second seller asks instead.
UNSTATED = 0.10
# A rate of exchange further away than this from the quote's day converts nothing.
RATE_LIFE = timedelta(days=400)
YEAR = timedelta(days=365.25)


@dataclass(frozen=True, slots=True)
class Price:
    """A quote as it is held.

    Attributes
    ----------
    offer : str
        ``buy`` [currency per chip] or ``rent`` [currency per chip and second].
    amount, low, high : float or None
        Per chip, SI, in ``currency``; what was priced (``what``) is divided by its ``cards`` and includes the rest of it.
    place, term : str
        One of :data:`PLACES`, one of :data:`TERMS`.
    published, unit : str
        As printed, for the whole of what was priced.
    series : str
        Id of the market series whose number this is, or empty.
    """

    chip: str
    offer: str
    amount: float
    low: float | None
    high: float | None
    currency: str
    place: str
    term: str
    what: str
    cards: int
    period: Period
    vintage: str
    source: str
    status: Status
    read: str
    note: str
    published: str
    unit: str
    series: str

    @property
    def dated(self) -> date:
        """The day in the middle of the period that the price speaks of."""
        assert self.period.start is not None
        assert self.period.end is not None
        return self.period.start + (self.period.end - self.period.start) / 2


@dataclass(frozen=True, slots=True)
class Rate:
    """Units of a currency for one dollar on a day."""

    currency: str
    day: date
    per_dollar: float
    source: str


@dataclass(frozen=True, slots=True)
class Quote:
    """The answer to what a chip costs on a day: amount with its band, per chip, SI.

    ``stale`` quotes are shown and support nothing. ``held`` are the rows it rests on, ``rate`` the rate of exchange.
    """

    chip: str
    offer: str
    amount: float
    low: float
    high: float
    currency: str
    place: str
    term: str
    on: date
    dated: date
    stale: bool
    status: Status
    held: tuple[Price, ...]
    rate: Rate | None = None

    @property
    def age(self) -> timedelta:
        """Between the middle of its period and the day asked about."""
        return max(self.on - self.dated, timedelta())

    @property
    def sources(self) -> tuple[str, ...]:
        """Ids of the sources, the rate of exchange last."""
        rows = [p.source for p in self.held] + ([self.rate.source] if self.rate else [])
        return tuple(dict.fromkeys(rows))

    @property
    def per_hour(self) -> float:
        """A rent as people say it [currency/h]."""
        return self.amount * HOUR

    @property
    def words(self) -> Text:
        """The quote in one sentence, with its mark."""
        amount, low, high = map(self._money, (self.amount, self.low, self.high))
        said = text("{amount}, {low} to {high}", amount=amount, low=low, high=high)
        where = text("{place}, {term}, {day}", place=Text.of(self.place), term=Text.of(self.term), day=self.dated)
        told = text("{said} ({where}; {status})", said=said, where=where, status=Text.of(self.status))
        return text("{told}; stale, {days} days old", told=told, days=self.age.days) if self.stale else told

    def _money(self, amount: float) -> str:
        return (
            f"{amount * HOUR:,.2f} {self.currency}/h"
            if self.offer == "rent"
            else format_quantity(amount, self.currency)
        )


def stale_after(offer: str) -> int:
    """Age from which a quote supports nothing [day]."""
    return LIMIT[offer].days


def read_quotes() -> list[tuple[int, dict[str, str]]]:
    """The rows of the table with their lines."""
    return _table("prices.csv")


def _table(name: str) -> list[tuple[int, dict[str, str]]]:
    with (DATA / name).open(encoding="utf-8", newline="") as file:
        return [
            (n, {k: (v or "").strip() for k, v in row.items() if k}) for n, row in enumerate(csv.DictReader(file), 2)
        ]


def price_of_row(row: Mapping[str, str], unsourced: Iterable[str] = ()) -> Price:
    """The quote of a row that :mod:`chipwall.catalog.check` accepts; one whose source has no page is unsourced."""
    currency, times, hourly = PRICE_UNITS[row["unit"]]
    per = times / int(row["cards"]) if row["what"] != "chip" and not hourly else times
    factor = per / HOUR if hourly else per
    value, low, high = (float(row[k]) * factor if row[k] else None for k in ("value", "low", "high"))
    assert value is not None
    status: Status = UNSOURCED if row["source"] in unsourced else row["status"]  # type: ignore[assignment]
    return Price(
        row["chip"], row["offer"], value, low, high, currency, row["place"], row["term"], row["what"], int(row["cards"]),
        parse_period(row["period"]), row["vintage"], row["source"], status, row["read"], row["note"], row["value"], row["unit"],
        row["series"],
    )  # fmt: skip


@lru_cache(maxsize=1)
def load_prices() -> tuple[Price, ...]:
    """Every quote held, in file order."""
    from chipwall import catalog

    pageless = {s.id for s in catalog.load().sources.values() if s.kind == UNSOURCED}
    return tuple(price_of_row(row, pageless) for _, row in read_quotes())


@lru_cache(maxsize=1)
def exchange_rates() -> tuple[Rate, ...]:
    """Every dated rate of exchange, oldest first."""
    found = [
        Rate(r["currency"], date.fromisoformat(r["date"]), float(r["per_dollar"]), r["source"])
        for _, r in _table("rates.csv")
    ]
    return tuple(sorted(found, key=lambda rate: rate.day))


def prices(
    chip_id: str, *, offer: str = "", place: str = "", term: str = "", known_on: date | None = None
) -> tuple[Price, ...]:
    """Quotes of a chip, newest first; those printed after ``known_on`` left out."""
    found = [
        p
        for p in load_prices()
        if p.chip == chip_id
        and offer in ("", p.offer)
        and place in ("", p.place)
        and (term in ("", p.term) or p.term.startswith(f"{term}-"))
        and (known_on is None or _known(p, known_on))
    ]
    return tuple(sorted(found, key=lambda p: p.dated, reverse=True))


def _known(price: Price, day: date) -> bool:
    assert price.period.start is not None
    printed = parse_period(price.vintage).start if price.vintage else None
    return price.period.start <= day and (printed is None or printed <= day)


def quoted_price(
    chip_id: str,
    *,
    offer: str,
    on: date,
    place: str = "",
    term: str = "",
    currency: str = "USD",
    known_on: date | None = None,
) -> Quote:
    """What a chip costs on a day: the newest quote by then, of the usual term and place where none is asked for.

    Raises
    ------
    Unknown
        No quote, or none that a dated rate of exchange can convert.
    """
    held = [p for p in prices(chip_id, offer=offer, place=place, term=term, known_on=known_on or on) if _known(p, on)]
    usable = [p for p in held if p.status != UNSOURCED]  # what has no source counts as unknown
    if not usable:
        raise Unknown(
            text("no quote of {chip} to {offer} is held for {day}", chip=chip_id, offer=Text.of(offer), day=on)
        )
    best = min(_groups(usable), key=lambda rows: _rank(rows[0], on))
    newest = tuple(p for p in best if p.dated == best[0].dated and p.currency == best[0].currency)
    rate = exchange_rate(newest[0].currency, currency, newest[0].dated)
    middle, low, high = _band(newest, on)
    times = rate[0]
    old = on - newest[0].dated > LIMIT[offer]
    return Quote(
        chip_id, offer, middle * times, low * times, high * times, currency, newest[0].place, newest[0].term, on,
        newest[0].dated, old, _weakest(newest), newest, rate[1],
    )  # fmt: skip


def _groups(held: Iterable[Price]) -> list[list[Price]]:
    """Quotes of one term and place, newest first."""
    ordered = sorted(held, key=lambda p: (p.place, p.term, -p.dated.toordinal()))
    return [list(rows) for _, rows in groupby(ordered, key=lambda p: (p.place, p.term))]


def _rank(price: Price, on: date) -> tuple[bool, int, int, int]:
    """Which group answers: not stale, then the usual term, then the place, then the day."""
    terms = TERMS[price.offer]
    return (
        on - price.dated > LIMIT[price.offer],
        terms.index(price.term),
        PLACES.index(price.place),
        -price.dated.toordinal(),
    )


def _band(held: tuple[Price, ...], on: date) -> tuple[float, float, float]:
    """Middle and ends of several quotes of one day, wider for what has passed since the half-life."""
    middle = median(p.amount for p in held)
    low = min(p.amount if p.low is None else p.low for p in held)
    high = max(p.amount if p.high is None else p.high for p in held)
    offer = held[0].offer
    late = max((on - held[0].dated - HALF_LIFE[offer]) / YEAR, 0.0)
    below, above = (max(abs(math.log(end / middle)), UNSTATED) for end in (low, high))
    grown = SPREAD[offer] ** 2 * late
    return middle, middle * math.exp(-math.hypot(below, grown**0.5)), middle * math.exp(math.hypot(above, grown**0.5))


def _weakest(held: tuple[Price, ...]) -> Status:
    order = ("official", "measured", "reported", "estimated", "unverified", UNSOURCED)
    return max((p.status for p in held), key=order.index)


def exchange_rate(have: str, want: str, day: date) -> tuple[float, Rate | None]:
    """Units of one currency for one of another on a day, and the rate that says so."""
    if have == want:
        return 1.0, None
    foreign = have if have != "USD" else want
    near = [r for r in exchange_rates() if r.currency == foreign and abs(r.day - day) <= RATE_LIFE]
    if not near or "USD" not in (have, want):
        raise Unknown(text("no dated rate of {a} against {b} near {day}", a=have, b=want, day=day))
    rate = min(near, key=lambda r: (r.day > day, abs(r.day - day)))
    return (1 / rate.per_dollar if want == "USD" else rate.per_dollar), rate


def history(chip_id: str, *, offer: str, place: str, term: str) -> tuple[Price, ...]:
    """The series of one term at one place, oldest first."""
    return tuple(reversed(prices(chip_id, offer=offer, place=place, term=term)))
