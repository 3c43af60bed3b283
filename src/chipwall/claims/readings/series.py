"""Readings of the market record: published numbers with definition and vintage, prices and rents."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from chipwall.catalog.periods import Period, parse_period
from chipwall.catalog.prices import TERMS, Price, prices
from chipwall.catalog.series import Observation, Series
from chipwall.claims.library import Library
from chipwall.claims.readings.facts import ratio_interval
from chipwall.claims.records import Claim, Reading, Value
from chipwall.errors import Unknown
from chipwall.text import Text, text
from chipwall.units import HOUR, format_quantity

__all__ = [
    "SEPARATOR",
    "STOCKS",
    "cost_per_unit_ratio",
    "observed",
    "price",
    "price_ratio",
    "published_number",
    "rent",
    "series_growth",
    "series_ratio",
    "stock_share",
]

Conditions = Mapping[str, Value]
SEPARATOR = " @ "
_SUMMED = ("year", "half", "fiscal year")


def published_number(claim: Claim, at: Conditions, world: Library) -> Reading:
    """A published number."""
    return observed(str(at["observation"]), world)


def series_ratio(claim: Claim, at: Conditions, world: Library) -> Reading:
    """One published number over another [1]; over that of the same period where only a series is named."""
    top, under = str(at["observation"]), str(at["over"])
    if SEPARATOR not in under:
        under = under + SEPARATOR + top.split(SEPARATOR)[1]
    return _divided(observed(top, world), observed(under, world), less=0.0)


def series_growth(claim: Claim, at: Conditions, world: Library) -> Reading:
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
    days = [d for d in (top.dated, bottom.dated) if d is not None]
    dated = min(days) if days else None
    return Reading(ratio - less, low - less, high - less, sources, told, basis="interval", dated=dated)


def _ends(reading: Reading) -> tuple[float, float]:
    assert isinstance(reading.value, float)
    return (
        reading.value if reading.low is None else reading.low,
        reading.value if reading.high is None else reading.high,
    )


def observed(words: str, world: Library) -> Reading:
    """The number of ``series @ period``: a row of that period, or the sum of the quarters that make it up."""
    name, label = words.split(SEPARATOR)
    about, period = world.book.find(name), parse_period(label)
    rows = [o for o in world.book.observations[name] if o.value is not None and world.known(o.vintage, o.period)]
    exact = [o for o in rows if o.period.label == label or _same(o.period, period)]
    if exact:
        return _reading(about, [exact[0]], label)
    parts = [o for o in rows if o.period.form in ("quarter", "fiscal quarter") and _inside(o.period, period)]
    whole = {o.period.label: o for o in reversed(parts)}
    if about.kind == "flow" and period.form in _SUMMED and len(whole) == round(period.calendar_quarters):
        return _reading(about, [whole[k] for k in sorted(whole)], label)
    later = [o for o in world.book.observations[name] if o.value is not None and not world.known(o.vintage, o.period)]
    if any(o.period.label == label or _inside(o.period, period) for o in later):
        raise Unknown(
            text(
                "{series} for {period} was published after {day}",
                series=about.words or name,
                period=label,
                day=world.known_on,
            )
        )
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
    return _open_ends(row.value or 0.0, row.low, row.high)


def _open_ends(value: float, low: float | None, high: float | None) -> tuple[float, float]:
    if low is not None and high is None and low == value:
        return value, float("inf")
    if high is not None and low is None and high == value:
        return 0.0, value
    return (value if low is None else low), (value if high is None else high)


def price(claim: Claim, at: Conditions, world: Library) -> Reading:
    """Price of one chip [USD]: the newest quote by the day."""
    return _quoted(claim.subject, at, world, offer="buy")


def rent(claim: Claim, at: Conditions, world: Library) -> Reading:
    """Rent of one chip [USD/s]: the newest quote by the day."""
    return _quoted(claim.subject, at, world, offer="rent")


def cost_per_unit_ratio(claim: Claim, at: Conditions, world: Library) -> Reading:
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


# Parts of China's stock of compute that one source counts in one unit, H100-equivalents on dense 8-bit rates.
_STOCK = (
    "epoch_china_legal_nvidia_h100e_cum",
    "epoch_huawei_h100e_cum",
    "epoch_china_smuggled_h100e_cum",
    "epoch_cambricon_h100e_cum",
)
_H20 = ("epoch_nvidia_china_legal_units_H20", "h100e_per_unit_H20")
STOCKS: Mapping[str, tuple[str, ...]] = {
    "legal": (_STOCK[0],),
    "domestic": (_STOCK[1], _STOCK[3]),
    "smuggled": (_STOCK[2],),
    "h20_or_domestic": ("h20", _STOCK[1], _STOCK[3]),
}


def stock_share(claim: Claim, at: Conditions, world: Library) -> Reading:
    """What a group of sources holds of China's stock of compute, in the newest quarter that all of them count [1]."""
    on, part = at["on"], str(at["part"])
    assert isinstance(on, date)
    rows = {
        name: [
            o
            for o in world.book.observations[name]
            if o.value is not None and o.period.by(on) and world.known(o.vintage, o.period)
        ]
        for name in _STOCK
    }
    shared = set.intersection(*({o.period.label for o in found} for found in rows.values()))
    if not shared:
        raise Unknown(text("no quarter is counted for every part of the stock by {day}", day=on))
    label = max(shared)
    holdings = {name: next(o for o in found if o.period.label == label) for name, found in rows.items()}
    whole = sum(o.value or 0.0 for o in holdings.values())
    held = sum(_h20_stock(label, world) if name == "h20" else holdings[name].value or 0.0 for name in STOCKS[part])
    told = text("{quarter}: {held:,.0f} of {whole:,.0f} H100-equivalents", quarter=label, held=held, whole=whole)
    return Reading(
        held / whole,
        held / whole,
        held / whole,
        tuple(dict.fromkeys(o.source for o in holdings.values())),
        told,
        basis="interval",
    )


def _h20_stock(label: str, world: Library) -> float:
    units = sum(o.value or 0.0 for o in world.book.observations[_H20[0]] if o.period.label <= label)
    return units * next(o.value or 0.0 for o in world.book.observations[_H20[1]])


def price_ratio(claim: Claim, at: Conditions, world: Library) -> Reading:
    """Price or rent of the subject over the baseline's [1]."""
    top, bottom = (_quoted(chip, at, world, offer=str(at["offer"])) for chip in (claim.subject, claim.baseline))
    return _divided(top, bottom, less=0.0)


def _quoted(chip_id: str, at: Conditions, world: Library, *, offer: str) -> Reading:
    on, place = at["on"], str(at["place"])
    assert isinstance(on, date)
    found = [
        p
        for p in prices(chip_id, offer=offer)
        if p.currency == "USD"
        and place in (p.place, "anywhere")
        and p.term not in ("grey", "spot")
        and _start(p) <= on
        and world.known(p.vintage, p.period)
    ]
    if not found:
        chip = world.chip(chip_id).name
        raise Unknown(text("no quote for {chip} in USD at {place} by {day}", chip=chip, place=place, day=on))
    newest = max(found, key=lambda p: (_start(p), -TERMS[offer].index(p.term)))
    told = text(
        "{chip}: {amount} ({place}, {channel}, {period}; vintage {vintage})",
        chip=world.chip(chip_id).name,
        amount=_money(newest),
        place=newest.place,
        channel=text("{term}, without a source", term=newest.term) if newest.status == "unsourced" else newest.term,
        period=newest.period.label,
        vintage=newest.vintage,
    )
    dated = newest.period.end or newest.period.start
    ends = _open_ends(newest.amount, newest.low, newest.high)
    return Reading(newest.amount, *ends, (newest.source,), told, basis="interval", dated=dated)


def _start(quote: Price) -> date:
    return quote.period.start or date.min


def _money(quote: Price) -> str | Text:
    if quote.offer == "buy":
        return format_quantity(quote.amount, "USD")
    return text("{amount:.2f} USD an hour", amount=quote.amount * HOUR)
