"""The plan: the best fleet, the front beside it, why the others lost, what binds, what may fail, and rent against owning."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import partial
from typing import Any

import numpy as np

from chipwall.errors import InputError
from chipwall.fleet.capacity import Capacity, aggregated, decoders, prefillers
from chipwall.fleet.money import Span, break_even
from chipwall.fleet.need import ServeNeed, Supply
from chipwall.fleet.options import FleetOption, Sketch, chip_money, loads_of, options_of, paid_for, sketch
from chipwall.fleet.picks import Pick, Pool, Searched, fleets
from chipwall.perf.layout import layout_words
from chipwall.perf.serving.regimes import taken
from chipwall.text import Text, text
from chipwall.units import HOUR, format_quantity

__all__ = ["BUSY", "Binding", "FleetPlan", "Rejected", "Spare", "plan_of"]

# Utilisation above which a plan warns [1].
BUSY = 0.85
# The most fleets of a front that are told in full.
FRONT = 8
# By how much a limit is lifted to see what that buys [1].
LIFT = 1.25
LIMIT_WORDS: Mapping[str, Text] = {
    "ttft": text("time to first token"),
    "tpot": text("time per token"),
    "prompts": text("computing prompts"),
    "cache": text("memory for the cache"),
}


@dataclass(frozen=True, slots=True)
class Rejected:
    """A chip that is in no fleet of the front, and why."""

    chip: str
    reason: Text


@dataclass(frozen=True, slots=True)
class Binding:
    """What keeps one replica from taking more, and what lifting it buys.

    Attributes
    ----------
    requirement : str
        One of :data:`~chipwall.fleet.capacity.LIMITS`.
    limit, lifted : float or None
        The limit, and the one that was tried [s]; None for what is no latency.
    chips, chips_lifted : int
        Chips of the fleet with each [1].
    said : Text
        One sentence.
    """

    requirement: str
    limit: float | None
    lifted: float | None
    chips: int
    chips_lifted: int
    said: Text


@dataclass(frozen=True, slots=True)
class Spare:
    """The fleet with replicas to spare: how many, its chips [1], its cost a month, and what holds when as many fail."""

    replicas: int
    chips: int
    month: Span | None


@dataclass(frozen=True, slots=True)
class FleetPlan:
    """The answer to a service.

    Attributes
    ----------
    searched : Searched
        Every way that was priced: a changed rate or price needs no new search.
    supply : Supply
        What could be used.
    rate : float
        Requests per second [1/s].
    pay : str
        ``rent``, ``own`` or ``cheapest``.
    best : FleetOption
        The cheapest fleet; where no cost is known, the one with the fewest chips.
    front : tuple of FleetOption
        Fleets that no other beats in cost, chips and rated power at once, the best first.
    rejected : tuple of Rejected
        The chips in none of them.
    binding : Binding
        Of the best.
    spares : tuple of Spare
        N+1 and N+2 of the best.
    one_down : Mapping
        ``utilisation`` [1], ``ttft`` and ``tpot`` [s] at the quantile asked when one replica of the best fails; empty where
        a pool has only one.
    even : tuple of (float, date or None)
        Months until owning the best has cost less than renting, and the day; empty where one is unknown.
    warnings : tuple of Text
        What a reader must know first.
    simulated : tuple
        What request-level runs of the front came to, where they were asked for: records of
        :class:`~chipwall.fleet.confirm.Confirmed`.
    """

    searched: Searched
    supply: Supply
    rate: float
    pay: str
    best: FleetOption
    front: tuple[FleetOption, ...]
    rejected: tuple[Rejected, ...]
    binding: Binding
    spares: tuple[Spare, ...]
    one_down: Mapping[str, float] = field(hash=False)
    even: tuple[float, date | None] | tuple[()]
    warnings: tuple[Text, ...]
    simulated: tuple[Any, ...] = ()

    @property
    def need(self) -> ServeNeed:
        """The question, at the rate planned for."""
        return replace(self.searched.need, rate=self.rate)


def plan_of(found: Searched, supply: Supply, *, rate: float, pay: str) -> FleetPlan:
    """The plan at a rate, from what was searched.

    Raises
    ------
    InputError
        No chip holds the limits, however many: which limit, and by how much.
    """
    price = _prices(found, supply, pay)
    picks = fleets(found, rate, price=price, stock=lambda chip: float(supply.stock.get(chip, np.inf)))
    if not picks:
        raise _impossible(found, supply, rate)
    drawn = [(pick, sketch(pick, found, supply, price)) for pick in picks]
    drawn.sort(key=lambda d: _order(d[1]))
    front = _front(drawn)
    told = options_of([pick for pick, _ in front], found, supply, rate, pay=pay)
    # whole servers and the power that is drawn are counted now: the order may change
    told.sort(key=lambda o: _order(Sketch(int(o.chips.value), None if o.month is None else o.month.value, o.rated)))
    best = told[0]
    return FleetPlan(
        found, supply, rate, pay, best, tuple(told), _rejected(found, supply, rate, drawn, told, drawn[0][1]),
        _binding(found, best, rate), tuple(_spare(best, n) for n in (1, 2)),
        _one_down(found, best, rate), _even(best, supply), _warnings(best, supply),
    )  # fmt: skip


def _prices(found: Searched, supply: Supply, pay: str) -> Callable[[str], float | None]:
    known: dict[str, float | None] = {}

    def price(chip: str) -> float | None:
        if chip not in known:
            counted = paid_for(*chip_money(chip, supply, pay), pay)[0]
            known[chip] = None if counted is None else counted.value
        return known[chip]

    return price


def _order(s: Sketch) -> tuple[bool, float, int, float]:
    return (s.month is None, s.month or 0.0, s.chips, s.rated)


def _front(drawn: Sequence[tuple[Pick, Sketch]]) -> list[tuple[Pick, Sketch]]:
    """Fleets that no other beats in everything that is known of both: cost, chips, rated power."""
    kept: list[tuple[Pick, Sketch]] = []
    for pick, s in drawn:
        if not any(_beats(other, s) for _, other in drawn if other is not s):
            kept.append((pick, s))
    if drawn[0] not in kept:  # the cheapest leads, also where a fleet of unknown cost has fewer chips
        kept.insert(0, drawn[0])
    return kept[:FRONT]


def _beats(a: Sketch, b: Sketch) -> bool:
    pairs = [(float(a.chips), float(b.chips)), (a.rated, b.rated)]
    if b.month is not None:
        if a.month is None:
            return False
        pairs.append((a.month, b.month))
    return all(x <= y for x, y in pairs) and any(x < y for x, y in pairs)


def _rejected(
    found: Searched, supply: Supply, rate: float, drawn: Sequence[tuple[Pick, Sketch]], told: Sequence[FleetOption],
    best: Sketch,
) -> tuple[Rejected, ...]:  # fmt: skip
    kept = {m.chip.id for option in told for m in option.members}
    lost: dict[str, Text] = dict(supply.rejected) | {c: t for c, t in found.ways.refused.items() if c not in kept}
    fewest: dict[str, tuple[Pick, Sketch]] = {}
    for pick, s in drawn:
        names = {found.ways.variants[p.way].chip.id for p in pick.pools}
        if len(names) == 1:
            fewest.setdefault(names.pop(), (pick, s))
    for chip in supply.chips:
        if chip.id in kept or chip.id in lost:
            continue
        if chip.id in fewest:
            pick, s = fewest[chip.id]
            lost[chip.id] = _why_lost(found, pick, s, best)
        elif chip.id in supply.stock:
            lost[chip.id] = text("the {count} there are do not carry the rate", count=supply.stock[chip.id])
        else:
            lost[chip.id] = found.once(("unable", chip.id), partial(_why_unable, found, chip.id))
    return tuple(Rejected(chip, reason) for chip, reason in sorted(lost.items()) if chip not in kept)


def _why_lost(found: Searched, pick: Pick, s: Sketch, best: Sketch) -> Text:
    layout = layout_words(found.ways.layouts[pick.pools[0].way])
    if s.month is None and best.month is not None:
        worth = best.month / s.chips / (365.25 * 24.0 / 12.0)
        return text(
            "price not known: {chips} chips ({layout}) would be the cheapest below {worth:.2f} a chip and hour",
            chips=s.chips, layout=layout, worth=worth,
        )  # fmt: skip
    if s.month is not None and best.month is not None:
        return text(
            "{chips} chips ({layout}) cost {times:.2f} times the best",
            chips=s.chips,
            layout=layout,
            times=s.month / best.month,
        )
    return text("{chips} chips ({layout}), the best takes {best}", chips=s.chips, layout=layout, best=best.chips)


def _why_unable(found: Searched, chip: str) -> Text:
    """Which limit a chip cannot hold for one lone request, and by how much."""
    at = np.flatnonzero(found.ways.chip_ids == chip)
    if not at.size:
        return text("no layout of the model fits on it")
    need, alone = found.need, found.whole.alone
    best = int(
        at[np.argmin(np.maximum(alone["ttft"][at] / (need.ttft or np.inf), alone["tpot"][at] / (need.tpot or np.inf)))]
    )
    for name, limit in (("tpot", need.tpot), ("ttft", need.ttft)):
        value = float(alone[name][best])
        if limit is not None and value > limit:
            return text(
                "{what} {value} for a lone request in {layout}, over the limit by {over}", what=LIMIT_WORDS[name],
                value=format_quantity(value, "s", digits=3), layout=layout_words(found.ways.layouts[best]),
                over=format_quantity(value - limit, "s", digits=3),
            )  # fmt: skip
    return text("the cache of one request does not fit beside the weights")


def _impossible(found: Searched, supply: Supply, rate: float) -> InputError:
    """No number of chips holds the limits: the limit that is nearest to being held, and what it would have to be."""
    need, ways = found.need, found.ways
    if not len(ways):
        first = next(iter({**ways.refused, **supply.rejected}.values()), text("no chip is left to choose from"))
        return InputError(
            text("no chip can serve {model}", model=need.model.name), where=first,
            fix=text("Allow other chips, another day or place, or a smaller precision"),
        )  # fmt: skip
    alone = found.whole.alone
    over = np.maximum(alone["ttft"] / (need.ttft or np.inf), alone["tpot"] / (need.tpot or np.inf))
    best = int(np.argmin(over))
    where = text("{chip} in {layout}", chip=ways.variants[best].chip.name, layout=layout_words(ways.layouts[best]))
    if over[best] <= 1.0:
        return InputError(
            text("the chips there are do not carry {rate:g} requests per second", rate=rate), where=where,
            fix=text("Allow more of them, other chips, or a lower rate"),
        )  # fmt: skip
    name = "ttft" if alone["ttft"][best] / (need.ttft or np.inf) >= over[best] else "tpot"
    limit, value = (need.ttft if name == "ttft" else need.tpot) or 0.0, float(alone[name][best])
    return InputError(
        text(
            "no fleet holds {what} {limit}: the best takes {value} for a lone request, {over} over", what=LIMIT_WORDS[name],
            limit=format_quantity(limit, "s", digits=3), value=format_quantity(value, "s", digits=3),
            over=format_quantity(value - limit, "s", digits=3),
        ),
        where=where,
        fix=text(
            "Allow {value} or more, other chips or precisions, or shorter prompts",
            value=format_quantity(value, "s", digits=3),
        ),
    )  # fmt: skip


def _solve(found: Searched, role: str, at: Any, need: ServeNeed) -> Capacity:
    s, q = taken(found.ways.setup, at), need.requests()
    if role == "serve":
        return aggregated(s, q, share=need.share)
    if role == "prefill":
        return prefillers(s, q, share=need.share, wait=found.wait[at])
    return decoders(s, q, share=need.share)


def _fewest(found: Searched, pool: Pool, need: ServeNeed) -> int:
    """Chips of the pool's kind in the layout that takes fewest [1]; 0 where none does."""
    v = found.ways.variants[pool.way]
    at = np.flatnonzero([w.chip.id == v.chip.id and w.cache == v.cache for w in found.ways.variants])
    key = ("lifted", pool.role, v.chip.id, v.cache, need.ttft, need.tpot, need.prompt)
    each = found.once(key, lambda: _solve(found, pool.role, at, need).rate * found.use[at])
    with np.errstate(divide="ignore"):
        whole = np.ceil(need.rate * pool.share / np.maximum(each, 1e-300) - 1e-9) * found.ways.chips[at]
    count = np.where(each > 0.0, whole, np.inf).min()
    return int(count) if np.isfinite(count) else 0


def _binding(found: Searched, best: FleetOption, rate: float) -> Binding:
    """What binds the largest pool of a fleet, and how many chips of the whole fleet a limit a quarter wider saves."""
    need = replace(found.need, rate=rate)
    at = max(range(len(best.members)), key=lambda i: best.members[i].chips)
    member, pool, chips = best.members[at], best.pick.pools[at], int(best.chips.value)
    name, what = member.binds, LIMIT_WORDS[member.binds]

    def whole(wider: ServeNeed) -> int:
        return min(chips - member.chips + (_fewest(found, pool, wider) or member.chips), chips)

    if name in ("ttft", "tpot"):
        limit = need.ttft if name == "ttft" else need.tpot
        assert limit is not None
        lifted = limit * LIFT
        fewer = whole(replace(need, ttft=lifted) if name == "ttft" else replace(need, tpot=lifted))
        said = text(
            "{what} binds at {limit} ({share:.0%} of requests): {lifted} would take {fewer} chips instead of {chips}",
            what=what, limit=format_quantity(limit, "s", digits=3), share=need.share,
            lifted=format_quantity(lifted, "s", digits=3), fewer=fewer, chips=chips,
        )  # fmt: skip
        return Binding(name, limit, lifted, chips, fewer, said)
    shorter = replace(need, prompt=max(need.prompt / LIFT, 1.0))
    fewer = whole(shorter)
    said = text(
        "{what} binds, no latency limit: prompts of {short:.0f} tokens would take {fewer} chips instead of {chips}",
        what=what, short=shorter.prompt, fewer=fewer, chips=chips,
    )  # fmt: skip
    return Binding(name, None, None, chips, fewer, said)


def _spare(best: FleetOption, count: int) -> Spare:
    """The fleet with so many replicas more in each pool."""
    more = sum(m.layout.chips * count for m in best.members)
    chips = int(best.chips.value) + more
    month = None if best.month is None else best.month.times(chips / best.chips.value)
    return Spare(count, chips, month)


def _one_down(found: Searched, best: FleetOption, rate: float) -> dict[str, float]:
    """What the fleet does when one replica fails, of the pool where that hurts most; empty where a pool has only one."""
    if any(pool.replicas < 2 for pool in best.pick.pools):
        return {}
    each = [rate * p.share / (p.replicas - 1) for p in best.pick.pools]
    busy = [r / m.most for r, m in zip(each, best.members, strict=True)]
    at = busy.index(max(busy))
    pool, done = best.pick.pools[at], {"utilisation": busy[at]}
    if pool.role == "serve" and busy[at] < 1.0:
        share = found.need.share
        got = loads_of(found, [(pool, each[at])], shares=(share,))[0]
        done |= {"ttft": got.ttft[share], "tpot": got.tpot[share]}
    return done


def _even(best: FleetOption, supply: Supply) -> tuple[float, date | None] | tuple[()]:
    if best.rent is None or best.owning is None:
        return ()
    return break_even(
        best.rent.value,
        best.owning.capital.value,
        best.owning.running.value,
        life=supply.own.life.value,
        start=supply.on,
    )


def _warnings(best: FleetOption, supply: Supply) -> tuple[Text, ...]:
    said = []
    if best.utilisation.value > BUSY:
        said.append(
            text(
                "busy at {used:.0%}: above {limit:.0%} a small rise of the rate makes queues long; see N+1",
                used=best.utilisation.value, limit=BUSY,
            )
        )  # fmt: skip
    if best.chips.high is None:
        said.append(text("at the slow end of the interval no number of these chips holds the limits"))
    if best.month is None:
        said.append(text("no price of these chips is known: fleets are compared by chips and power"))
    for chip in dict.fromkeys(m.chip.id for m in best.members):
        said += supply.legal[chip].notes
        if not supply.nodes[chip].known:
            said.append(text("the power of the server around {chip} is not published and assumed typical", chip=chip))
    return tuple(dict.fromkeys(said))


def per_hour(amount: float) -> float:
    """Money a second as money an hour."""
    return amount * HOUR
