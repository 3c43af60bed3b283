"""A fleet told in full: chips, latencies with their intervals, utilisation, money, power, law."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import reduce
from typing import Any

import numpy as np

from chipwall.catalog.records import Chip
from chipwall.fleet.capacity import (
    LIMITS,
    Capacity,
    Operating,
    aggregated,
    decode_operating,
    decoders,
    operating,
    prefill_operating,
    prefillers,
)
from chipwall.fleet.money import MONTH, Owning, Span, owning, rent_of_month
from chipwall.fleet.need import ServeNeed, Supply
from chipwall.fleet.picks import Pick, Pool, Searched
from chipwall.perf.layout import Layout, layout_words
from chipwall.perf.power import POWER_SHARE
from chipwall.perf.serving.regimes import taken
from chipwall.perf.serving.serve import question_standing
from chipwall.units import MEGA

__all__ = [
    "QUANTILES",
    "FleetOption",
    "Member",
    "bands_of",
    "chip_money",
    "loads_of",
    "money_of",
    "options_of",
    "rated_power",
    "sketch",
]

# Quantiles of latencies that are told.
QUANTILES: Mapping[str, float] = {"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99}
# Order in which words of the law weigh: the worst of a fleet's chips is the fleet's.
WORST = ("unasked", "free", "domestic", "licence", "unknown", "refused")


@dataclass(frozen=True, slots=True)
class Member:
    """One pool of a fleet: what it does, on what, how it is laid out.

    Attributes
    ----------
    role : str
        ``serve``, ``prefill`` or ``decode``.
    chip : Chip
        On what.
    precision, cache, engine : str
        Formats of weights and cache, and the software.
    layout : Layout
        Of one replica.
    replicas : int
        Replicas [1].
    rate, capacity, most : float
        Requests per second of one replica: as planned, within the limits, and without limits [1/s].
    batch : float
        Sequences in flight per replica [1].
    allowed : float
        Sequences in flight at which a limit is reached [1].
    binds : str
        Which of :data:`~chipwall.fleet.capacity.LIMITS` that is.
    basis : str
        On what the latencies stand: ``measured``, ``calibrated``, ``extrapolated``.
    ends : tuple of float
        Ends of the interval of its times, as factors [1].
    needed : Span
        Replicas planned, and those that it would take at these ends [1].
    """

    role: str
    chip: Chip
    precision: str
    cache: str
    engine: str
    layout: Layout
    replicas: int
    rate: float
    capacity: float
    most: float
    batch: float
    allowed: float
    binds: str
    basis: str
    ends: tuple[float, float]
    needed: Span

    @property
    def chips(self) -> int:
        """Chips in all [1]."""
        return self.replicas * self.layout.chips

    @property
    def words(self) -> str:
        """``28 x H200: 14 x TP2``."""
        return f"{self.replicas} x {layout_words(self.layout)}"


@dataclass(frozen=True, slots=True)
class FleetOption:
    """One fleet that carries the rate.

    Attributes
    ----------
    pick : Pick
        Its pools.
    members : tuple of Member
        The same in full.
    chips, replicas : Span
        How many [1]; the ends are what the fleet would have to be at the ends of the latencies' interval, None where no
        number would do.
    ttft, tpot : mapping of str to Span
        Quantiles of the first token and of the time per token [s].
    utilisation : Span
        Offered rate over the most it could serve without limits [1].
    rent, own, month, per_million : Span or None
        Rent of a month, cost of owning a month, the one that counts, and that of a million output tokens [currency].
    paid : str
        ``rent``, ``own``, or ``both`` (some pools rented, others owned); empty where neither is known.
    owning : Owning or None
        What owning is made of.
    rated, drawn : float
        Rated and mean power of chips and servers [W].
    servers, racks : int
        Whole ones [1].
    law : str
        The worst word of its chips.
    """

    pick: Pick
    members: tuple[Member, ...]
    chips: Span
    replicas: Span
    ttft: Mapping[str, Span] = field(hash=False)
    tpot: Mapping[str, Span] = field(hash=False)
    utilisation: Span
    rent: Span | None
    own: Span | None
    month: Span | None
    per_million: Span | None
    paid: str
    owning: Owning | None
    rated: float
    drawn: float
    servers: int
    racks: int
    law: str

    @property
    def kind(self) -> str:
        """``aggregated``, ``disaggregated``, ``mixed`` or ``beside``."""
        return self.pick.kind

    @property
    def chip_words(self) -> str:
        """Ids of its chips, ``+`` between."""
        return " + ".join(dict.fromkeys(m.chip.id for m in self.members))

    @property
    def layout_words(self) -> str:
        """How it is laid out: ``14 x TP2``, or prefill and decode apart."""
        if len(self.members) == 1:
            return self.members[0].words
        return ", ".join(f"{m.role} {m.words}" for m in self.members)


def chip_money(chip: str, supply: Supply, pay: str) -> tuple[Span | None, Span | None]:
    """Rent and cost of owning of one chip a month [currency/month]; None where it is not known."""
    offer = supply.offers[chip]
    rent = None if offer.rent is None else rent_of_month(Span.exact(1.0), offer.rent)
    rated = rated_power(chip, supply)
    made = (
        owning(Span.exact(1.0), offer, supply.own, rated=rated, drawn=rated) if pay != "rent" or rent is None else None
    )
    return rent, None if made is None else made.month


def paid_for(rent: Span | None, own: Span | None, pay: str) -> tuple[Span | None, str]:
    """The cost that counts: what was asked for, else the other one that is known; the cheaper where ``cheapest`` is asked."""
    known = [(s, w) for s, w in ((rent, "rent"), (own, "own")) if s is not None]
    if pay == "cheapest":
        return min(known, key=lambda k: k[0].value) if known else (None, "")
    if pay == "own":
        known.reverse()
    return known[0] if known else (None, "")


def rated_power(chip: str, supply: Supply) -> float:
    """Rated power of one chip with its share of the server [W]."""
    at = next(c for c in supply.chips if c.id == chip)
    return float(at.value("tdp") or 0.0) + supply.nodes[chip].host_power


@dataclass(frozen=True, slots=True)
class Sketch:
    """What a comparison needs of a fleet: chips [1], money a month (None: unknown), rated power [W]."""

    chips: int
    month: float | None
    rated: float


def sketch(pick: Pick, found: Searched, supply: Supply, price: Any) -> Sketch:
    """The few numbers of a fleet that comparisons use."""
    chips, month, rated = 0, 0.0, 0.0
    for pool in pick.pools:
        chip = found.ways.variants[pool.way].chip.id
        n = pool.replicas * int(found.ways.chips[pool.way])
        each = price(chip)
        month = math.nan if each is None else month + n * each
        chips, rated = chips + n, rated + n * rated_power(chip, supply)
    return Sketch(chips, None if math.isnan(month) else month, rated)


def capacity_of(found: Searched, role: str) -> Capacity:
    """The capacities of one role."""
    return {"serve": found.whole, "prefill": found.first, "decode": found.after}[role]


def loads_of(found: Searched, pools: Sequence[tuple[Pool, float]], *, shares: tuple[float, ...]) -> list[Operating]:
    """Latencies of pools at so many requests per second and replica [1/s]: one call on arrays for each role."""
    told: dict[int, Operating] = {}
    for role in dict.fromkeys(pool.role for pool, _ in pools):
        at = [i for i, (pool, _) in enumerate(pools) if pool.role == role]
        ways = np.array([pools[i][0].way for i in at])
        rate = np.array([pools[i][1] for i in at]) / found.use[ways]
        s, q = taken(found.ways.setup, ways), found.need.requests()
        if role == "serve":
            got = operating(s, q, rate, shares=shares)
        elif role == "prefill":
            got = prefill_operating(s, q, rate, shares=shares, wait=found.wait[ways])
        else:
            got = decode_operating(s, q, rate, shares=shares)
        for n, i in enumerate(at):
            first, token = (
                {p: float(np.broadcast_to(v, rate.shape)[n]) for p, v in of.items()} for of in (got.ttft, got.tpot)
            )
            told[i] = Operating(first, token, float(np.broadcast_to(got.batch, rate.shape)[n]), pools[i][1])
    return [told[i] for i in range(len(pools))]


def stressed(found: Searched, pool: Pool, factor: float) -> float:
    """Requests per second of one replica if every time were ``factor`` of what is predicted [1/s]."""
    stress(found, [(pool, factor)])
    return float(found.memo["stressed", pool.role, pool.way, factor])


def stress(found: Searched, asked: Sequence[tuple[Pool, float]]) -> None:
    """Works out :func:`stressed` of many pools and factors that are not known yet: one call on arrays for each role."""
    new = {(p.role, p.way, f) for p, f in asked} - {key[1:] for key in found.memo if key[0] == "stressed"}
    for role in dict.fromkeys(r for r, _, _ in sorted(new)):
        here = [(way, f) for r, way, f in sorted(new) if r == role]
        ways, factor = (np.array(column) for column in zip(*here, strict=True))
        s, q, share = taken(found.ways.setup, ways), found.need.requests(), found.need.share
        q = replace(q, ttft_limit=q.ttft_limit / factor, tpot_limit=q.tpot_limit / factor)
        if role == "serve":
            made = aggregated(s, q, share=share)
        elif role == "prefill":
            made = prefillers(s, q, share=share, wait=found.wait[ways])
        else:
            made = decoders(s, q, share=share)
        for (way, f), each in zip(here, made.rate * found.use[ways] / factor, strict=True):
            found.memo["stressed", role, way, f] = float(each)


def ends_of(found: Searched, pool: Pool) -> tuple[float, float]:
    """Ends of the interval of a pool's times, as factors [1]: prompts by the band of rates, answers by that of tokens."""
    bands, _ = bands_of(found, pool)
    return bands["tpot"] if pool.role != "prefill" else (1.0 / bands["output"][1], 1.0 / bands["output"][0])


def bands_of(found: Searched, pool: Pool) -> tuple[dict[str, tuple[float, float]], str]:
    """Factors of the 80 % interval by metric, and the basis, of a pool."""

    def stood() -> tuple[dict[str, tuple[float, float]], str]:
        need, v, layout = found.need, found.ways.variants[pool.way], found.ways.layouts[pool.way]
        q = replace(need.question, prompt=need.prompt, output=need.output, rate=1.0, chips=layout.chips)
        stands = question_standing(
            need.model, v.hw, q, v.precision, found.ways.calibrated, group=float(layout.group), replicas=1.0
        )
        return {m: stands.band(m) for m in ("ttft", "tpot", "output")}, str(stands.basis("tpot"))

    made: tuple[dict[str, tuple[float, float]], str] = found.once(("bands", pool.way), stood)
    return made


def options_of(picks: Sequence[Pick], found: Searched, supply: Supply, rate: float, *, pay: str) -> list[FleetOption]:
    """Fleets in full at a rate."""
    pools = [(pool, rate * pool.share / pool.replicas) for pick in picks for pool in pick.pools]
    stress(found, [(pool, end) for pool, _ in pools for end in ends_of(found, pool)])
    loads = iter(loads_of(found, pools, shares=tuple(QUANTILES.values())))
    return [_option(pick, [next(loads) for _ in pick.pools], found, supply, rate, pay) for pick in picks]


def _option(
    pick: Pick, loads: Sequence[Operating], found: Searched, supply: Supply, rate: float, pay: str
) -> FleetOption:
    members: list[Member] = []
    first: dict[str, Span] = dict.fromkeys(QUANTILES, Span.exact(0.0))
    token = dict(first)
    busy = Span.exact(0.0)
    for pool, at in zip(pick.pools, loads, strict=True):
        bands, basis = bands_of(found, pool)
        low, high = ends_of(found, pool)
        member = _member(found, pool, rate, at, basis, (low, high))
        members.append(member)
        first = {n: _larger(first[n], _banded(at.ttft[p], bands["ttft"])) for n, p in QUANTILES.items()}
        token = {n: _larger(token[n], _banded(at.tpot[p], bands["tpot"])) for n, p in QUANTILES.items()}
        used = member.rate / member.most
        busy = _larger(busy, Span(used, used * low, used * high))
    return _told(pick, tuple(members), first, token, busy, supply, replace(found.need, rate=rate), pay)


def _banded(value: float, band: tuple[float, float]) -> Span:
    return Span(value, value * band[0], value * band[1])


def _larger(a: Span, b: Span) -> Span:
    return b if b.value >= a.value else a


def _replicas(found: Searched, pool: Pool, rate: float, factor: float) -> float | None:
    """Replicas that a pool would need if times were ``factor`` of what is predicted [1]; None: no number would do."""
    each = stressed(found, pool, factor)
    return float(np.ceil(rate * pool.share / each - 1e-9)) if each > 0.0 else None


def _member(found: Searched, pool: Pool, rate: float, at: Operating, basis: str, ends: tuple[float, float]) -> Member:
    v, c = found.ways.variants[pool.way], capacity_of(found, pool.role)
    each, most = float(c.rate[pool.way]), float(c.most[pool.way])
    low, high = (_replicas(found, pool, rate, f) for f in ends)
    needed = Span(
        pool.replicas,
        None if low is None else min(low, float(pool.replicas)),
        None if high is None else max(high, float(pool.replicas)),
    )
    return Member(
        pool.role, v.chip, v.precision.name, v.cache, v.engine, found.ways.layouts[pool.way], pool.replicas,
        rate * pool.share / pool.replicas, each, most, at.batch, float(c.batch[pool.way]), LIMITS[int(c.binds[pool.way])],
        basis, ends, needed,
    )  # fmt: skip


def _told(
    pick: Pick, members: tuple[Member, ...], first: dict[str, Span], token: dict[str, Span], busy: Span, supply: Supply,
    need: ServeNeed, pay: str,
) -> FleetOption:  # fmt: skip
    replicas = [m.needed for m in members]
    chips = [m.needed.times(float(m.layout.chips)) for m in members]
    drawn = sum(m.chips * drawn_power(m, supply) for m in members)
    rent, own, made = money_of(members, chips, supply)
    month, paid = paid_for(rent, own, pay)
    if month is None:  # no one way is known of all chips: each pool by what is known of its own
        month, paid = _paid_apart(members, supply, pay)
    tokens = need.rate * need.output * need.mean * MONTH / MEGA
    servers = sum(math.ceil(m.chips / supply.nodes[m.chip.id].chips) for m in members)
    return FleetOption(
        pick, members, reduce(Span.plus, chips), reduce(Span.plus, replicas), first, token, busy, rent, own, month,
        None if month is None else month.times(1.0 / tokens), paid, made,
        sum(m.chips * rated_power(m.chip.id, supply) for m in members), drawn, servers,
        sum(racks_of(m, supply) for m in members),
        max((supply.legal[m.chip.id].word for m in members), key=WORST.index),
    )  # fmt: skip


def _paid_apart(members: tuple[Member, ...], supply: Supply, pay: str) -> tuple[Span | None, str]:
    """Pools rented and owned side by side; None where nothing is known of one."""
    each = [paid_for(*money_of((m,), [m.needed.times(float(m.layout.chips))], supply)[:2], pay)[0] for m in members]
    known = [e for e in each if e is not None]
    return (reduce(Span.plus, known), "both") if len(known) == len(each) else (None, "")


def money_of(
    members: tuple[Member, ...], chips: list[Span], supply: Supply
) -> tuple[Span | None, Span | None, Owning | None]:
    """Rent of a month, cost of owning a month, and what owning is made of; None where a chip's is unknown."""
    rents, owned = [], []
    for m, n in zip(members, chips, strict=True):
        offer = supply.offers[m.chip.id]
        rents.append(None if offer.rent is None else rent_of_month(n, offer.rent))
        owned.append(
            owning(
                _whole(n, supply.nodes[m.chip.id].chips),
                offer,
                supply.own,
                rated=rated_power(m.chip.id, supply),
                drawn=drawn_power(m, supply),
            )
        )
    rent = None if any(r is None for r in rents) else reduce(Span.plus, [r for r in rents if r is not None])
    if any(o is None for o in owned):
        return rent, None, None
    known = [o for o in owned if o is not None]
    parts = {name: reduce(Span.plus, [o.parts[name] for o in known]) for name in known[0].parts}
    made = Owning(reduce(Span.plus, [o.capital for o in known]), parts)
    return rent, made.month, made


def _whole(chips: Span, node: int) -> Span:
    """Chips of whole servers: a server is not bought in part [1]."""

    def up(count: float) -> float:
        return math.ceil(count / node) * float(node)

    return Span(
        up(chips.value), None if chips.low is None else up(chips.low), None if chips.high is None else up(chips.high)
    )


def drawn_power(m: Member, supply: Supply) -> float:
    """Mean power of one chip with its share of the server [W]: decoding waits for memory, prompts compute."""
    share = POWER_SHARE["compute"] if m.role == "prefill" else POWER_SHARE["memory"]
    busy = min(m.rate / m.most, 1.0)
    idle = POWER_SHARE["host"]
    return float(m.chip.value("tdp") or 0.0) * (idle + (share - idle) * busy) + supply.nodes[m.chip.id].host_power


def racks_of(m: Member, supply: Supply) -> int:
    """Racks of a pool: whole ones where a rack is sold whole, else as many servers as its power allows [1]."""
    node = supply.nodes[m.chip.id]
    if node.racked:
        return math.ceil(m.chips / node.racked)
    server = rated_power(m.chip.id, supply) * node.chips
    each = max(int(supply.own.rack_power.value // server), 1) if server > 0.0 else 1
    return math.ceil(math.ceil(m.chips / node.chips) / each)
