"""Demand: budgets, the value that buyers see in a product, and the choice between products under short supply.

Utility in logit units, for segment s and product p on platform g:

    U = a ln(service / cost) + v E(g) + k own_share(s, g) - c pressure [US] - m risk [US] + taste [Chinese]

Products of one platform are closer substitutes than products of two (nested logit). Money follows choice; where a
product runs out, buyers are filled in proportion and choose again among what is left. Budgets are flows. What found no chip
is a stock of orders: part goes abroad, part is cancelled, the rest waits one more quarter.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from chipwall.market.model.quarters import quarter_year

__all__ = [
    "ROUNDS", "Purchases", "base_budget", "buyer_price", "counted_purchases", "nested_shares", "premium", "purchases",
    "service_cost",
]  # fmt: skip

Array = NDArray[np.float64]
# Rounds of choosing again; what is left after them waits as backlog, is cancelled or goes abroad.
ROUNDS = 3
# Largest premium over list, and the share of the way to it that a quarter covers (estimated: grey H100 at about 1.6 times list
# at the peak of 2023, 910C and 950 up by a fifth within weeks of a shortage).
MOST_PREMIUM, PREMIUM_MEMORY = 1.6, 0.4
HOURS = 2190.0
POWER_OVERHEAD = 1.25


def base_budget(parameters: Mapping[str, Array], *, quarters: int, shocks: Array) -> Array:
    """Money meant for accelerators, a flow [USD a quarter, quarters x draws].

    Log-linear between mid-year levels of 2022 to 2025; after that growth that fades, times a shock with memory.

    Limits
    ------
    Budgets are seen only through purchases, which shortage cuts: a level is a prior, not a measurement.
    """
    p = parameters
    levels = np.log(np.stack([p[f"budget_{y}"] for y in range(2022, 2026)]))
    rate, fade, volatility = np.log(p["budget_growth"]), p["budget_growth_fade"], p["budget_volatility"]
    path = np.empty((quarters, levels.shape[1]))
    noise = np.zeros(levels.shape[1])
    for t in range(quarters):
        year = quarter_year(t)
        noise = 0.7 * noise + volatility * shocks[t] * np.sqrt(1 - 0.7**2)
        if year <= 2025.5:
            at = max(year - 2022.5, 0.0)
            low = min(int(at), 2)
            level = levels[low] * (1 - (at - low)) + levels[low + 1] * (at - low)
        else:
            level = levels[3] + rate * -np.expm1(-fade * (year - 2025.5)) / fade
        path[t] = np.exp(level + noise - volatility**2 / 2)
    return path


def buyer_price(price: Array, *, share: Array, pass_through: Array) -> Array:
    """What a buyer pays when a government takes a share of the seller's revenue [USD].

    The seller keeps ``1 - share`` of it. With full pass-through the seller is as well off as without the charge.

    Examples
    --------
    >>> float(buyer_price(np.array(75.0), share=np.array(0.25), pass_through=np.array(1.0)))
    100.0
    """
    return np.asarray(price * (1 + pass_through * share / (1 - share)))


def service_cost(price: Array, *, power: Array, overhead: Array, life: Array, energy: Array) -> Array:
    """Cost of owning one chip for a quarter [USD/quarter].

    Parameters
    ----------
    price : array
        Per package [USD].
    power : array
        Board power [W].
    overhead : array
        Server and network as a multiple of the chip [1].
    life : array
        Economic life [quarter].
    energy : array
        Price of electricity [USD/kWh].
    """
    from chipwall.units import KILO

    return np.asarray(price * overhead / life + power / KILO * POWER_OVERHEAD * HOURS * energy)


def nested_shares(weights: Array, *, nests: tuple[slice, ...], similarity: Array) -> Array:
    """Choice shares from ``exp(utility / similarity)`` [1].

    Parameters
    ----------
    weights : array [segments, products, draws]
        ``exp(U / similarity)``; zero for a product that cannot be had.
    nests : tuple of slice
        Products of each platform.
    similarity : array [draws]
        Dissimilarity of the nests; 1 gives plain logit.

    Returns
    -------
    array [segments, products, draws]
        Shares that add up to one where anything can be had, else zeros.
    """
    factor = _nest_factors(weights, nests=nests, power=_power(similarity))
    shares = np.empty_like(weights)
    for i, nest in enumerate(nests):
        np.multiply(weights[:, nest], factor[:, i, None], out=shares[:, nest])
    return shares


def _power(similarity: Array) -> NDArray[np.float32]:
    return (similarity - 1).astype(np.float32)


def _nest_factors(weights: Array, *, nests: tuple[slice, ...], power: NDArray[np.float32]) -> Array:
    """What turns weights into shares, by nest: ``V ** (similarity - 1) / sum of V ** similarity``, V the sum inside.

    The power is taken in single precision, four times faster and exact to 1e-6; the division is not, so that shares add
    up to one all the same.
    """
    within = np.empty((weights.shape[0], len(nests), weights.shape[2]))
    for i, nest in enumerate(nests):
        np.add.reduce(weights[:, nest], axis=1, out=within[:, i])
    top = np.maximum(within.max(axis=1, keepdims=True), 1e-300)
    relative = np.maximum(within / top, 1e-30).astype(np.float32)
    np.log(relative, out=relative)
    relative *= power
    factor = np.exp(relative, out=relative).astype(np.float64)
    within *= factor
    total = within.sum(axis=1, keepdims=True)
    return np.asarray(np.divide(factor, total, out=factor, where=total > 0))


@dataclass(frozen=True, slots=True)
class Purchases:
    """One quarter of buying.

    ``spent`` [segments, products, draws] in USD; ``left`` and ``additional`` [segments, draws] in USD; ``asked``
    [products, draws]: what buyers wished to spend on each product at first choice [USD].
    Money: money + additional = spent + left.
    """

    spent: Array
    left: Array
    additional: Array
    asked: Array


def purchases(
    weights: Array,
    *,
    money: Array,
    offered: Array,
    nests: tuple[slice, ...],
    similarity: Array,
    extra: tuple[slice, Array] | None = None,
    foreign: slice | None = None,
    quota: Array | None = None,
) -> Purchases:
    """Spend money on what is offered: proportional fill, then choose again among what is left.

    Parameters
    ----------
    weights : array [segments, products, draws]
        ``exp(utility / similarity)``.
    money : array [segments, draws]
        This quarter's budget and the orders that wait [USD].
    offered : array [products, draws]
        Value of the supply at the buyer's price [USD].
    extra : (slice, array [draws]), optional
        Products, and the share of money spent on them that is on top of the budget [1].
    foreign, quota : slice, array [segments, 1], optional
        Products that are not Chinese, and the least share of each segment's purchases that must go to Chinese ones [1]. It binds on
        what is bought, not on what is budgeted: no segment ends a quarter below it, whatever is sold out.
    """
    left, stock = money.copy(), offered.copy()
    spent, plan = np.zeros_like(weights), np.empty_like(weights)
    additional, asked = np.zeros_like(money), np.zeros_like(offered)
    weights = weights * (stock > 0)
    power = _power(similarity)
    ruled = _ruled(quota) if foreign is not None else None
    for turn in range(ROUNDS):
        factor = _nest_factors(weights, nests=nests, power=power)
        factor *= left[:, None]
        for i, nest in enumerate(nests):
            np.multiply(weights[:, nest], factor[:, i, None], out=plan[:, nest])
        if ruled is not None and quota is not None and foreign is not None:
            _tilt(plan[ruled], foreign=foreign, quota=quota[ruled])
        total = plan.sum(axis=0)
        if turn == 0:
            asked = total
        fill = np.minimum(1.0, stock / np.maximum(total, 1e-9))
        plan *= fill
        if ruled is not None and quota is not None and foreign is not None:
            _cut_to_quota(plan[ruled], spent[ruled], foreign=foreign, quota=quota[ruled])
            total, fill = plan.sum(axis=0), np.where(fill < 1.0, fill, 1.0)
            stock -= total
        else:
            stock -= total * fill
        spent += plan
        left -= plan.sum(axis=1)
        if extra is not None:
            more = plan[:, extra[0]].sum(axis=1) * extra[1]
            additional += more
            left += more
        if turn < ROUNDS - 1:
            weights *= stock > 1e-9 * offered
    # rounding may leave a cent of overdraft
    return Purchases(spent, np.maximum(left, 0.0), additional, asked)


def _ruled(quota: Array | None) -> slice | None:
    """The run of segments from the first to the last that has a quota; None without any."""
    at = np.flatnonzero(quota[:, 0]) if quota is not None else np.array([], dtype=np.intp)
    return slice(int(at[0]), int(at[-1]) + 1) if at.size else None


def _tilt(plan: Array, *, foreign: slice, quota: Array) -> None:
    """Plans of a segment that would fall below its quota, moved to it; a segment that can buy nothing Chinese buys nothing."""
    chinese = slice(foreign.stop, plan.shape[1])
    abroad, home = plan[:, foreign].sum(axis=1), plan[:, chinese].sum(axis=1)
    total = abroad + home
    short = abroad > (1 - quota) * total
    down = np.where(short, (1 - quota) * total / np.maximum(abroad, 1e-9), 1.0)
    up = np.where(short & (home > 0), quota * total / np.maximum(home, 1e-9), 1.0)
    plan[:, foreign] *= np.where(short & (home <= 0), 0.0, down)[:, None]
    plan[:, chinese] *= up[:, None]


def _cut_to_quota(plan: Array, spent: Array, *, foreign: slice, quota: Array) -> None:
    """Cut the foreign part of a filled plan so that all purchases so far keep the quota."""
    chinese = slice(foreign.stop, plan.shape[1])
    home = plan[:, chinese].sum(axis=1) + spent[:, chinese].sum(axis=1)
    before, now = spent[:, foreign].sum(axis=1), plan[:, foreign].sum(axis=1)
    with np.errstate(divide="ignore"):
        room = np.where(quota > 0, home * (1 - quota) / np.where(quota > 0, quota, 1.0), np.inf) - before
    plan[:, foreign] *= np.minimum(1.0, np.maximum(room, 0.0) / np.maximum(now, 1e-9))[:, None]


def counted_purchases(
    weights: Array, *, money: Array, sold: Array, nests: tuple[slice, ...], similarity: Array
) -> Purchases:
    """Purchases of a quarter whose deliveries were counted: everything counted was bought.

    Segments share each product as they would choose it; ``left`` is what the budget had beyond that.
    """
    shares = nested_shares(weights * (sold > 0), nests=nests, similarity=similarity)
    wished = shares * money[:, None]
    total = wished.sum(axis=0)
    part = np.where(total > 0, wished / np.where(total > 0, total, 1.0), 1.0 / money.shape[0])
    spent = part * sold
    return Purchases(spent, money - spent.sum(axis=1), np.zeros_like(money), total)


def premium(before: Array, *, asked: Array, offered: Array, flexibility: Array, free: Array) -> Array:
    """Price over list next quarter [1]: a part that sells out rises, within :data:`MOST_PREMIUM`; list prices stay.

    Parameters
    ----------
    before, asked, offered : array [products, draws]
        Premium now [1]; first choices and supply [USD].
    flexibility : array [draws]
        Exponent of asked over offered [1].
    free : array [products, 1]
        1 where the market sets the price, 0 for list prices.
    """
    ratio = np.clip(asked / np.maximum(offered, 1e-9), 1.0, 10.0)
    aim = np.minimum(ratio**flexibility, MOST_PREMIUM)
    return np.asarray(before + free * PREMIUM_MEMORY * (np.where(offered > 0, aim, before) - before))
