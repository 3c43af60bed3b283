"""From a claim to a verdict: compute the quantity at every point of the free conditions and compare.

A claim whose value lies inside the interval of the estimate is *cannot tell*, never *supported*: the whole interval must
be on one side. Where conditions are free, a claim that holds at some points and fails at others *depends*, and the
boundary is described.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date
from itertools import product
from statistics import median

import numpy as np

from chipwall.catalog.prices import stale_after
from chipwall.claims.library import Library
from chipwall.claims.readings.table import READINGS
from chipwall.claims.records import Claim, ClaimAnswer, Point, Reading, Value, Verdict
from chipwall.claims.region import described_region
from chipwall.errors import ChipwallError

__all__ = ["CONFIDENCE", "evaluated", "verdict"]

# Share of the draws of a simulation that must agree before the claim is held to be true, or false, of a scenario [1].
CONFIDENCE = 0.9


def verdict(claim: Claim, world: Library) -> Verdict:
    """Whether a claim holds in a world of facts, law, series and engines.

    Parameters
    ----------
    claim : Claim
        Parsed and checked.
    world : Library
        The catalogue, the law and the market book it is evaluated against; nothing is read from anywhere else.
    """
    points = tuple(_point(claim, conditions, world) for conditions in _combinations(claim.free))
    holding = [p.holds for p in points]
    answer = _answer(holding)
    if all(_stale(claim, p) for p in points):
        answer = "stale evidence"
    region = fails = None
    if answer == "depends":
        known = [p for p in points if p.holds is not None]
        region = described_region([p.conditions for p in known], [bool(p.holds) for p in known])
    elif answer == "cannot tell" and False in holding:
        fails = described_region([p.conditions for p in points], [p.holds is False for p in points])
    chances = [p.probability for p in points if p.probability is not None]
    value, low, high = _summary([p.reading for p in points])
    return Verdict(
        claim=claim,
        answer=answer,
        value=value,
        low=low,
        high=high,
        share_holding=holding.count(True) / len(points),
        share_unknown=holding.count(None) / len(points),
        probability=float(np.mean(chances)) if chances else None,
        region=region,
        fails=fails,
        points=points,
        sources=tuple(dict.fromkeys(s for p in points for s in p.reading.sources)),
    )


def evaluated(claims: Iterable[Claim], world: Library) -> list[Verdict]:
    """Verdicts of many claims, in order; simulations are shared between them, up to the last quarter that any asks for."""
    asked = list(claims)
    quarters, paths = _named(asked, "quarter", "from"), _named(asked, "path")
    if paths:
        world = world.planned(horizon=max(quarters), keep=tuple(sorted(paths)))
    return [verdict(claim, world) for claim in asked]


def _named(claims: Iterable[Claim], *conditions: str) -> set[str]:
    """Values that claims about the market give these conditions."""
    simulated = [c for c in claims if "path" in c.fixed or "path" in c.free]
    return {
        str(v)
        for c in simulated
        for n in conditions
        for v in (*c.free.get(n, ()), *([c.fixed[n]] if n in c.fixed else ()))
    }


def _stale(claim: Claim, point: Point) -> bool:
    """Whether a point rests on quotes that are too old for the day it asks about."""
    dated = point.reading.dated
    at = {**claim.fixed, **point.conditions}
    on, offer = at.get("on"), str(at.get("offer", "buy" if claim.quantity == "price" else "rent"))
    return dated is not None and isinstance(on, date) and (on - dated).days > stale_after(offer)


def _combinations(free: Mapping[str, tuple[Value, ...]]) -> list[dict[str, Value]]:
    return [dict(zip(free, values, strict=True)) for values in product(*free.values())]


def _point(claim: Claim, conditions: Mapping[str, Value], world: Library) -> Point:
    try:
        reading = READINGS[claim.quantity](claim, {**claim.fixed, **conditions}, world)
    except ChipwallError as problem:
        # a fact that nobody has, or a setup that cannot be: an answer, not a failure
        reading = Reading(None, unknown=" ".join(problem.lines()[:2]))
    holds, chance = _compared(claim, reading)
    return Point(dict(conditions), reading, holds, chance)


def _compared(claim: Claim, reading: Reading) -> tuple[bool | None, float | None]:
    """Whether the relation holds of a reading, and in what share of the draws where there are draws."""
    if reading.value is None:
        return None, None
    if claim.relation == "is true":
        return bool(reading.value) is claim.value, None
    if claim.relation == "is":
        return str(reading.value).casefold() == str(claim.value).casefold(), None
    least, most = _bounds(claim)
    if reading.sample is not None:
        inside = (reading.sample >= least) & (reading.sample <= most)
        chance = float(inside.mean())
        return (True if chance >= CONFIDENCE else False if chance <= 1 - CONFIDENCE else None), chance
    assert isinstance(reading.value, float)
    low = reading.value if reading.low is None else reading.low
    high = reading.value if reading.high is None else reading.high
    if least <= low and high <= most:
        return True, None
    if high < least or most < low:
        return False, None
    return None, None


def _bounds(claim: Claim) -> tuple[float, float]:
    """The numbers that make the claim true, from least to most."""
    assert isinstance(claim.value, float)
    slack = abs(claim.value) * claim.tolerance
    # a hundred-millionth of room, so that decimals which do not exist in binary do not decide
    room = 1e-8 * max(abs(claim.value), abs(claim.upper))
    if claim.relation == "at least":
        return claim.value - slack - room, float("inf")
    if claim.relation == "at most":
        return float("-inf"), claim.value + slack + room
    if claim.relation == "between":
        return claim.value - slack - room, claim.upper + abs(claim.upper) * claim.tolerance + room
    return claim.value - slack - room, claim.value + slack + room


def _answer(holding: list[bool | None]) -> ClaimAnswer:
    if all(h is True for h in holding):
        return "supported"
    if all(h is False for h in holding):
        return "contradicted"
    if True in holding and False in holding:
        return "depends"
    return "cannot tell"


def _summary(readings: list[Reading]) -> tuple[float | str | bool | None, float | None, float | None]:
    numbers = [r for r in readings if isinstance(r.value, float)]
    if numbers:
        lows = [float(r.value if r.low is None else r.low) for r in numbers]  # type: ignore[arg-type]
        highs = [float(r.value if r.high is None else r.high) for r in numbers]  # type: ignore[arg-type]
        return float(median(float(r.value) for r in numbers)), min(lows), max(highs)  # type: ignore[arg-type]
    words = Counter(r.value for r in readings if r.value is not None)
    return (words.most_common(1)[0][0] if words else None), None, None
