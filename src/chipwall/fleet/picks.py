"""From capacities to fleets: how many replicas of which ways carry a rate, alone, split by work, or side by side.

Everything here is arithmetic on a :class:`Searched`, so that a changed rate or price needs no new search.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chipwall.fleet.capacity import Capacity, aggregated, decoders, prefillers, transfer_time
from chipwall.fleet.need import ServeNeed
from chipwall.fleet.ways import Ways
from chipwall.perf.serving.iteration import decode_time

__all__ = ["Pick", "Pool", "Searched", "fleets", "searched"]

Price = Callable[[str], float | None]
"""Money a month of one chip, by its id; None where it is unknown."""


@dataclass(frozen=True, slots=True)
class Pool:
    """Replicas of one way that do the same: ``serve``, ``prefill`` or ``decode``; ``share`` of the requests is theirs [1]."""

    role: str
    way: int
    replicas: int
    share: float = 1.0


@dataclass(frozen=True, slots=True)
class Pick:
    """A fleet that carries the rate: its kind (``aggregated``, ``disaggregated``, ``mixed`` or ``beside``) and its pools."""

    kind: str
    pools: tuple[Pool, ...]


@dataclass(frozen=True, slots=True)
class Searched:
    """Every way with what one replica of it takes, whatever the rate.

    Attributes
    ----------
    need : ServeNeed
        The question; its rate may change afterwards.
    ways : Ways
        Chips, precisions, layouts.
    whole, first, after : Capacity
        Of replicas that do both, that only prefill, and that only decode.
    wait : array
        What a first token has besides the prefill replica: hand-over, one decode step, front end [s].
    use : array
        Share of the rate of equal lengths that lengths as asked for reach [1].
    memo : dict
        What was worked out of single ways and holds at every rate.
    """

    need: ServeNeed
    ways: Ways
    whole: Capacity
    first: Capacity
    after: Capacity
    wait: NDArray[Any]
    use: NDArray[Any]
    memo: dict[Any, Any] = field(default_factory=dict, compare=False, repr=False)

    def once(self, key: Any, of: Callable[[], Any]) -> Any:
        """A value that is worked out the first time it is asked for."""
        if key not in self.memo:
            self.memo[key] = of()
        return self.memo[key]


def searched(need: ServeNeed, ways: Ways) -> Searched:
    """Prices every way once."""
    s, q = ways.setup, need.requests()
    wait = hand_over(s, q)
    use = (s.constants["serving.server"] if need.spread else 1.0) * np.ones_like(s.room)
    each = (
        aggregated(s, q, share=need.share), prefillers(s, q, share=need.share, wait=wait), decoders(s, q, share=need.share),
    )  # fmt: skip
    whole, first, after = (replace(c, rate=c.rate * use, most=c.most * use) for c in each)
    return Searched(need, ways, whole, first, after, wait, use)


def hand_over(s: Any, q: Any) -> NDArray[Any]:
    """What a first token has besides the prefill: the cache's way over the network, one decode step, the front end [s]."""
    step = decode_time(s, q, np.ones_like(s.room))
    return np.asarray(transfer_time(s, q, s.hw.nic_bandwidth) + step + s.constants["serving.first"] + 0.0 * s.room)


def _count(rate: float, each: NDArray[Any], chips: NDArray[Any]) -> NDArray[Any]:
    """Chips that carry a rate in each way [1]; infinity where one replica carries nothing."""
    with np.errstate(divide="ignore"):
        return np.where(each > 0.0, np.ceil(rate / np.maximum(each, 1e-300) - 1e-9) * chips, np.inf)


def _best(
    found: Searched, c: Capacity, rate: float, ids: NDArray[Any]
) -> dict[tuple[str, str, str], tuple[float, int]]:
    """Per chip, engine and cache the fewest chips and their way; of equal counts the way with most to spare."""
    counts = _count(rate, c.rate, found.ways.chips)
    spare = np.where(np.isfinite(counts), counts, 0.0) / found.ways.chips * c.rate
    best: dict[tuple[str, str, str], tuple[float, int]] = {}
    for way in np.lexsort((-spare, counts)):
        if not np.isfinite(counts[way]):
            break
        v = found.ways.variants[way]
        best.setdefault((str(ids[way]), v.engine, v.cache), (float(counts[way]), int(way)))
    return best


def fleets(found: Searched, rate: float, *, price: Price, stock: Callable[[str], float]) -> list[Pick]:
    """The fleets worth a comparison: of every chip the best of each kind, the best pair of two, and chips side by side."""
    ids = found.ways.chip_ids
    kinds, picks = found.need.kinds, []
    if "aggregated" in kinds:
        picks += list(_alone(found, rate, ids, stock))
        picks += _beside(found, rate, ids, price, stock)
    if "disaggregated" in kinds:
        picks += list(_split(found, rate, ids, price, stock))
    return picks


def _alone(found: Searched, rate: float, ids: NDArray[Any], stock: Callable[[str], float]) -> Iterable[Pick]:
    best = _best(found, found.whole, rate, ids)
    for chip, each in _by_chip(best):
        count, way = min(each)
        if count <= stock(chip):
            yield Pick("aggregated", (Pool("serve", way, int(count / found.ways.chips[way])),))


def _by_chip(best: dict[tuple[str, str, str], tuple[float, int]]) -> Iterable[tuple[str, list[tuple[float, int]]]]:
    ordered = sorted(best.items(), key=lambda item: item[0])
    for chip, each in groupby(ordered, key=lambda item: item[0][0]):
        yield chip, [value for _, value in each]


def _split(
    found: Searched, rate: float, ids: NDArray[Any], price: Price, stock: Callable[[str], float]
) -> Iterable[Pick]:
    """Prefill and decode apart: of every chip by itself, and the two chips that cost least together.

    Both sides need one engine and one format of the cache; which chip prefills says nothing about which decodes, so the
    cheapest of each side make the cheapest pair.
    """
    first, after = _best(found, found.first, rate, ids), _best(found, found.after, rate, ids)
    chips, pairs = found.ways.chips, []
    for (a, engine, cache), (m, i) in first.items():
        for (b, other, stored), (n, j) in after.items():
            if (engine, cache) != (other, stored):
                continue
            if (m + n > stock(a)) if a == b else (m > stock(a) or n > stock(b)):
                continue
            pools = (Pool("prefill", i, int(m / chips[i])), Pool("decode", j, int(n / chips[j])))
            pairs.append((a, b, m, n, pools))
    own: dict[str, Pick] = {}
    for a, b, _, _, pools in sorted(pairs, key=lambda p: p[2] + p[3]):
        if a == b:
            own.setdefault(a, Pick("disaggregated", pools))
    yield from own.values()
    mixed = [p for p in pairs if p[0] != p[1]]
    money = [
        (m * x + n * y, pools)
        for a, b, m, n, pools in mixed
        if (x := price(a)) is not None and (y := price(b)) is not None
    ]
    if money:
        yield Pick("mixed", min(money, key=lambda p: p[0])[1])


def _beside(found: Searched, rate: float, ids: NDArray[Any], price: Price, stock: Callable[[str], float]) -> list[Pick]:
    """Two or more kinds of chip that share the requests, where no stock is enough alone: cheapest capacity first."""
    limited = [c for c in dict.fromkeys(ids.tolist()) if np.isfinite(stock(c))]
    if not limited:
        return []
    dearest = max((p for c in dict.fromkeys(ids.tolist()) if (p := price(c)) is not None), default=1.0)
    offers = []
    for chip in dict.fromkeys(ids.tolist()):
        at = np.flatnonzero((ids == chip) & (found.whole.rate > 0.0) & (found.ways.chips <= stock(chip)))
        if at.size:
            way = int(at[np.argmax(found.whole.rate[at] / found.ways.chips[at])])
            each = price(chip)
            per = found.ways.chips[way] / found.whole.rate[way]
            offers.append((per * (dearest if each is None else each), chip, way))
    pools, left = [], rate
    for _, chip, way in sorted(offers):
        if left <= 0.0:
            break
        one, g = float(found.whole.rate[way]), int(found.ways.chips[way])
        most = stock(chip) // g if np.isfinite(stock(chip)) else np.inf
        n = int(min(np.ceil(left / one - 1e-9), most))
        if n:
            pools.append((way, n, n * one))
            left -= n * one
    return _shared(pools) if left <= 1e-9 * rate and len(pools) > 1 else []


def _shared(pools: Sequence[tuple[int, int, float]]) -> list[Pick]:
    total = sum(p[2] for p in pools)
    return [Pick("beside", tuple(Pool("serve", way, n, carried / total) for way, n, carried in pools))]
