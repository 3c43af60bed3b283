"""What a fleet costs: renting it, owning it, and the day on which the second has paid for itself.

Plain arithmetic on stated numbers, so that every figure can be checked by hand; unknown stays unknown. A month is a twelfth
of a year of 365.25 days (730.5 hours). The ends of an amount take all its factors at their ends at once: they lie further
apart than an 80 % interval of the product.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from datetime import date, timedelta

from chipwall.units import YEAR

__all__ = ["MONTH", "Offer", "OwnershipTerms", "Owning", "Span", "break_even", "owning", "rent_of_month"]

MONTH = YEAR / 12.0
MONTHS_A_YEAR = 12.0


@dataclass(frozen=True, slots=True)
class Span:
    """A number with its ends; an end that no number bounds is None."""

    value: float
    low: float | None
    high: float | None

    @classmethod
    def exact(cls, value: float) -> Span:
        """A number that is known."""
        return cls(value, value, value)

    def times(self, other: Span | float) -> Span:
        """The product of two numbers of zero or more, end by end."""
        by = other if isinstance(other, Span) else Span.exact(other)
        return Span(self.value * by.value, _both(self.low, by.low), _both(self.high, by.high))

    def plus(self, other: Span) -> Span:
        """The sum, end by end."""
        low = None if self.low is None or other.low is None else self.low + other.low
        high = None if self.high is None or other.high is None else self.high + other.high
        return Span(self.value + other.value, low, high)

    def as_json(self) -> dict[str, float | None]:
        """``value``, ``low`` and ``high``."""
        return {"value": self.value, "low": self.low, "high": self.high}


def _both(a: float | None, b: float | None) -> float | None:
    return None if a is None or b is None else a * b


@dataclass(frozen=True, slots=True)
class Offer:
    """What one chip is had for: rent [currency/s], price [currency], and where that stands.

    Attributes
    ----------
    rent, price : Span or None
        Per chip; None where no quote is held, or none that is fresh enough.
    with_server : bool
        Whether the price holds the rest of the server too.
    said : tuple of str
        The quotes in words, with place, term and day.
    sources : tuple of str
        Their ids.
    """

    rent: Span | None = None
    price: Span | None = None
    with_server: bool = False
    said: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class OwnershipTerms:
    """The assumptions of owning, SI and in the plan's currency.

    Attributes
    ----------
    pue : Span
        Power of the building over that of the machines [1].
    electricity : Span
        [currency/J].
    hosting : Span
        Of rated power [currency/(W s)].
    server, network : Span
        Rest of the server, and of the cluster's network, per chip [currency].
    life, interest : Span
        Straight-line depreciation [year], cost of capital [1/year].
    wage, chips_per_person : Span
        Cost of one operator [currency/s], and chips that one looks after [1].
    rack_power : Span
        Rated power of a rack [W].
    """

    pue: Span
    electricity: Span
    hosting: Span
    server: Span
    network: Span
    life: Span
    interest: Span
    wage: Span
    chips_per_person: Span
    rack_power: Span


@dataclass(frozen=True, slots=True)
class Owning:
    """What owning comes to: capital at the start [currency], and each part of a month [currency/month]."""

    capital: Span
    parts: Mapping[str, Span] = field(hash=False)

    @property
    def month(self) -> Span:
        """All parts together [currency/month]."""
        total = Span.exact(0.0)
        for part in self.parts.values():
            total = total.plus(part)
        return total

    @property
    def running(self) -> Span:
        """A month without depreciation and finance: what has to be paid as it goes [currency/month]."""
        total = Span.exact(0.0)
        for name, part in self.parts.items():
            if name not in ("depreciation", "finance"):
                total = total.plus(part)
        return total


def rent_of_month(chips: Span, rent: Span) -> Span:
    """Rent of a month: chips x rent x the seconds of a month [currency/month]."""
    return chips.times(rent).times(MONTH)


def owning(chips: Span, offer: Offer, own: OwnershipTerms, *, rated: float, drawn: float) -> Owning | None:
    """What it costs to own chips; None where no price is known.

    Parameters
    ----------
    chips : Span
        Chips bought [1].
    offer : Offer
        Price of one.
    own : OwnershipTerms
        Assumptions.
    rated, drawn : float
        Rated and mean power of one chip with its share of server and network [W].

    Notes
    -----
    Finance is the level instalment of a loan over the life less straight-line depreciation:
    :math:`C r / (1 - (1 + r)^{-n}) - C / n` with capital :math:`C`, interest :math:`r` a month and :math:`n` months.
    """
    if offer.price is None:
        return None
    each = offer.price.plus(own.network)
    if not offer.with_server:
        each = each.plus(own.server)
    capital = chips.times(each)
    power = chips.times(own.pue).times(own.electricity).times(drawn * MONTH)
    return Owning(
        capital,
        {
            "depreciation": _ends(lambda c, y, _: c / (y * MONTHS_A_YEAR), capital, own.life, own.interest),
            "finance": _ends(_finance, capital, own.life, own.interest),
            "power": power,
            "hosting": chips.times(own.hosting).times(rated * MONTH),
            "staff": chips.times(own.wage).times(MONTH).times(_inverse(own.chips_per_person)),
        },
    )


def _finance(capital: float, years: float, interest: float) -> float:
    months, rate = years * MONTHS_A_YEAR, interest / MONTHS_A_YEAR
    level = rate / (1.0 - (1.0 + rate) ** -months) if rate else 1.0 / months
    return capital * (level - 1.0 / months)


def _ends(of: Callable[[float, float, float], float], capital: Span, life: Span, interest: Span) -> Span:
    """A part of the capital's month: cheapest with little capital and interest over a long life."""
    low = high = None
    if None not in (capital.low, life.high, interest.low):
        low = of(capital.low, life.high, interest.low)  # type: ignore[arg-type]
    if None not in (capital.high, life.low, interest.high):
        high = of(capital.high, life.low, interest.high)  # type: ignore[arg-type]
    value = of(capital.value, life.value, interest.value)
    # interest over a longer life can outweigh the smaller instalment: the ends stay on their sides
    return Span(value, None if low is None else min(low, value), None if high is None else max(high, value))


def _inverse(of: Span) -> Span:
    return Span(1.0 / of.value, 1.0 / of.high if of.high else None, 1.0 / of.low if of.low else None)


def break_even(rent: float, capital: float, running: float, *, life: float, start: date) -> tuple[float, date | None]:
    """Months after which owning has cost less than renting, in cash and without interest, and the day; infinity: never.

    Parameters
    ----------
    rent, running : float
        A month of rent, and a month of what an owner pays as it goes [currency/month].
    capital : float
        Paid on the first day [currency].
    life : float
        Years that the machines last [year]; a later day is none.
    """
    saved = rent - running
    months = capital / saved if saved > 0.0 else math.inf
    if not months <= life * MONTHS_A_YEAR:
        return months, None
    return months, start + timedelta(seconds=months * MONTH)


def terms_with(own: OwnershipTerms, **values: float) -> OwnershipTerms:
    """The same assumptions with some numbers replaced by exact ones."""
    from dataclasses import replace

    known = {f.name for f in fields(OwnershipTerms)}
    return replace(own, **{k: Span.exact(v) for k, v in values.items() if k in known})
