"""Readings of the market record: published numbers with definition and vintage, prices and rents."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from chipwall.catalog.periods import Period, parse_period
from chipwall.catalog.series import Observation, Price, Series
from chipwall.claims.library import World
from chipwall.claims.readings.facts import ratio_interval
from chipwall.claims.records import Claim, Reading, Value
from chipwall.errors import Unknown
from chipwall.text import Text, text
from chipwall.units import HOUR, format_quantity

__all__ = ["SEPARATOR", "cost_per_unit_ratio", "observed", "price", "rent", "series", "series_growth", "series_ratio"]

Conditions = Mapping[str, Value]
SEPARATOR = " @ "
_SUMMED = ("year", "half", "fiscal year")


def series(claim: Claim, at: Conditions, world: World) -> Reading:
    """A published number."""
    return observed(str(at["observation"]), world)


def series_ratio(claim: Claim, at: Conditions, world: World) -> Reading:
    """One published number over another [1]; over that of the same period where only a series is named."""
    top, under = str(at["observation"]), str(at["over"])
    if SEPARATOR not in under:
        under = under + SEPARATOR + top.split(SEPARATOR)[1]
    return _divided(observed(top, world), observed(under, world), less=0.0)


def series_growth(claim: Claim, at: Conditions, world: World) -> Reading:
    """One published number over an earlier one, less one [1]."""
    return _divided(observed(str(at["observation"]), world), observed(str(at["from"]), world), less=1.0)


def _divided(top: Reading, bottom: Reading, *, less: float) -> Reading:
    assert isinstance(top.value, float)
    assert isinstance(bottom.value, float)
    if bottom.value == 0:
        raise Unknown(text("the number to compare with is zero"))
    low, high = ratio_interval(_ends(top), _ends(bottom))
    ratio = top.value / bottom.value
    told = text("{top} over {bottom}", top=top.calculation, bottom=bottom.calculation)
    sources = tuple(dict.fromkeys(top.sources + bottom.sources))
    return Reading(ratio - less, low - less, high - less, sources, told, basis="interval")


def _ends(reading: Reading) -> tuple[float, float]:
    assert isinstance(reading.value, float)
    return (
        reading.value if reading.low is None else reading.low,
        reading.value if reading.high is None else reading.high,
    )


def observed(words: str, world: World) -> Reading:
    """The number of ``series @ period``: a row of that period, or the sum of the quarters that make it up."""
    name, label = words.split(SEPARATOR)
    about, period = world.book.find(name), parse_period(label)
    rows = [o for o in world.book.observations[name] if o.value is not None]
    exact = [o for o in rows if o.period.label == label or _same(o.period, period)]
    if exact:
        return _reading(about, [exact[0]], label)
    parts = [o for o in rows if o.period.form in ("quarter", "fiscal quarter") and _inside(o.period, period)]
    whole = {o.period.label: o for o in reversed(parts)}
    if about.kind == "flow" and period.form in _SUMMED and len(whole) == round(period.calendar_quarters):
        return _reading(about, [whole[k] for k in sorted(whole)], label)
    raise Unknown(text("{series} has no number for {period}", series=name, period=label))


def _same(one: Period, other: Period) -> bool:
    return one.dated and (one.start, one.end, one.forecast) == (other.start, other.end, other.forecast)


def _inside(one: Period, whole: Period) -> bool:
    if one.start is None or one.end is None or whole.start is None or whole.end is None:
        return False
    return whole.start <= one.start and one.end <= whole.end


def _reading(about: Series, rows: list[Observation], label: str) -> Reading:
    value = sum(o.value or 0.0 for o in rows)
    ends = [_bounds(o) for o in rows]
    told = text(
        "{series} {period}: {value} {unit}{sum}; counts {counted}, {scope}; vintage {vintage}",
        series=about.words or about.id,
        period=label,
        value=f"{value / about.factor:,.6g}",
        unit=about.unit,
        sum=text(" (sum of {count} quarters)", count=len(rows)) if len(rows) > 1 else "",
        counted=about.counted,
        scope=about.scope,
        vintage=rows[-1].vintage or text("not stated"),
    )
    return Reading(
        value,
        sum(e[0] for e in ends),
        sum(e[1] for e in ends),
        tuple(dict.fromkeys(o.source for o in rows)),
        told,
        basis="interval",
    )


def _bounds(row: Observation) -> tuple[float, float]:
    """Ends of a row. A single bound equal to the value says *at least* or *at most*, so the other side is open."""
    value = row.value or 0.0
    low, high = row.low, row.high
    if low is not None and high is None and low == value:
        return value, float("inf")
    if high is not None and low is None and high == value:
        return 0.0, value
    return (value if low is None else low), (value if high is None else high)


def price(claim: Claim, at: Conditions, world: World) -> Reading:
    """Price of one chip [USD]: the newest quote by the day."""
    return _quoted(claim.subject, at, world, offer="buy")


def rent(claim: Claim, at: Conditions, world: World) -> Reading:
    """Rent of one chip [USD/s]: the newest quote by the day."""
    return _quoted(claim.subject, at, world, offer="rent")


def cost_per_unit_ratio(claim: Claim, at: Conditions, world: World) -> Reading:
    """Price or rent over a fact, relative to the baseline's [1]."""
    measure, offer = str(at["measure"]), str(at["offer"])
    top, bottom = (_quoted(chip, at, world, offer=offer) for chip in (claim.subject, claim.baseline))
    units = [world.chip(chip).require(measure) for chip in (claim.subject, claim.baseline)]
    cost = _divided(top, bottom, less=0.0)
    assert isinstance(cost.value, float)
    assert cost.low is not None
    assert cost.high is not None
    share = units[0] / units[1]
    facts = [f.source for c in (claim.subject, claim.baseline) if (f := world.chip(c).fact(measure))]
    told = text("({cost}) / ({measure} ratio {share:.3g})", cost=cost.calculation, measure=measure, share=share)
    sources = tuple(dict.fromkeys((*cost.sources, *facts)))
    return Reading(cost.value / share, cost.low / share, cost.high / share, sources, told, basis="interval")


def _quoted(chip_id: str, at: Conditions, world: World, *, offer: str) -> Reading:
    on, place = at["on"], str(at["place"])
    assert isinstance(on, date)
    found = [
        p
        for p in world.book.prices
        if p.chip == chip_id
        and p.offer == offer
        and p.currency == "USD"
        and place in (p.place, "anywhere")
        and p.channel != "grey"
        and _start(p) <= on
    ]
    if not found:
        chip = world.chip(chip_id).name
        raise Unknown(text("no quote for {chip} in USD at {place} by {day}", chip=chip, place=place, day=on))
    newest = max(found, key=_start)
    low, high = _bounds(newest.observation)
    row = newest.observation
    told = text(
        "{chip}: {amount} ({place}, {channel}, {period}; vintage {vintage})",
        chip=world.chip(chip_id).name,
        amount=_money(newest),
        place=newest.place,
        channel=newest.channel,
        period=row.period.label,
        vintage=row.vintage,
    )
    cards = newest.cards
    return Reading(newest.amount, low / cards, high / cards, (row.source,), told, basis="interval")


def _start(quote: Price) -> date:
    return quote.observation.period.start or date.min


def _money(quote: Price) -> str | Text:
    if quote.offer == "buy":
        return format_quantity(quote.amount, "USD")
    return text("{amount:.2f} USD an hour", amount=quote.amount * HOUR)
