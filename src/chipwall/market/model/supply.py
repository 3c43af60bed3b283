"""Supply of Chinese makers: the least of silicon, memory stacks and packaging, with lags and banks that run down.

For Huawei, dies come from advanced wafers (share, dies per wafer, yield that learns with cumulated wafers) one foundry
lag ago, and from a bank of dies made abroad; memory stacks come from a bank imported before the rule of December 2024,
from what still leaks, and from a Chinese memory maker that starts at an uncertain date. Other makers follow a plan
limited by their share of wafers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chipwall.market.model.products import Product
from chipwall.market.model.quarters import quarter_index, quarter_year

__all__ = [
    "BASELINE_TOOLS",
    "ChineseSupply",
    "Made",
    "SupplyLevers",
    "die_yield",
    "generation_mix",
    "growth_path",
    "wright_loss",
]

Array = NDArray[np.float64]
MONTHS = 3.0
WAFER_YEAR = 2025.875
# Strength of the tool controls under which the forecasts behind the priors were made (half of full: estimated).
BASELINE_TOOLS = 0.5
# Standard deviation of the log of Huawei's counts, common to all quarters: sources differ fourfold (0.35 of the fit's targets).
COUNT_ERROR = 0.30


def wright_loss(cumulated: Array, *, at: Array, loss: Array, exponent: Array) -> Array:
    """Share of dies lost after learning [1]: ``loss * (cumulated / at) ** -exponent``.

    Examples
    --------
    >>> float(wright_loss(np.array(4.0), at=np.array(1.0), loss=np.array(0.8), exponent=np.array(0.5)))
    0.4
    """
    return np.asarray(loss * (cumulated / at) ** -exponent)


def die_yield(wafers: Array, *, at: int, start: Array, exponent: Array) -> Array:
    """Yield by quarter [quarters, draws], learning with cumulated wafers from ``start`` in quarter ``at`` [1].

    Limits
    ------
    Kept between 2 and 95 %. Two published yields (20 % in 2024, 40 % early in 2025) are not enough to fit it.
    """
    cumulated = np.cumsum(wafers, axis=0) + 2 * wafers[0]
    reference = cumulated[min(at, len(cumulated) - 1)]
    return np.clip(1 - wright_loss(cumulated, at=reference, loss=1 - start, exponent=exponent), 0.02, 0.95)


def growth_path(level: Array, *, growth: Array, year: float, years: Array, brake: Array | float = 0.0) -> Array:
    """A level that grows by a factor a year from a given year [quarters, draws].

    ``brake`` is the share of the growth that controls take away, by quarter from that year on [1].
    """
    steps = np.diff(years, prepend=years[0])
    held = 1 - np.broadcast_to(np.asarray(brake), years.shape)
    pace = np.cumsum(steps * np.where(years > year, held, 1.0))
    pace -= np.interp(year, years, pace) if years[0] <= year <= years[-1] else pace[-1] + year - years[-1]
    return np.asarray(level * np.exp(np.log(growth) * pace[:, None]))


def generation_mix(products: tuple[Product, ...], quarters: int, shape: Mapping[str, Any]) -> Array:
    """Share of Huawei's packages that each product takes [quarters, products]; rows add up to one.

    ``shape`` holds the quarters of the table and the share of each product in them, by id.
    """
    at = [quarter_index(q) for q in shape["quarters"]]
    mix = np.stack([np.interp(np.arange(quarters), at, shape[p.id]) for p in products], axis=1)
    return np.asarray(mix / mix.sum(axis=1, keepdims=True))


def _spread_over(first: str, last: str, quarters: int) -> Array:
    share = np.zeros(max(quarters, quarter_index(last) + 1))
    share[quarter_index(first) : quarter_index(last) + 1] = 1.0
    return np.asarray((share / share.sum())[:quarters])


def _before_2024(years: Array, shape: Mapping[str, Any], maker: str) -> Array:
    return np.asarray(np.exp(np.interp(years, shape["years"], np.log(shape[maker]))))


def _lagged(path: Array, lag: Array) -> Array:
    """A path [quarters, draws] seen ``lag`` quarters later; the first value stands for everything before."""
    at = np.maximum(np.arange(len(path))[:, None] - lag, 0.0)
    low = np.floor(at).astype(np.intp)
    high = np.minimum(low + 1, len(path) - 1)
    part = at - low
    return np.asarray(
        np.take_along_axis(path, low, axis=0) * (1 - part) + np.take_along_axis(path, high, axis=0) * part
    )


@dataclass(frozen=True, slots=True)
class SupplyLevers:
    """Levers on Chinese makers by quarter [quarters]: ``tools`` 0 to 1, ``hbm`` 0 to 2, ``servicing`` 1 as today to 0 none;
    factors on wafers, yield and the stacks of the Chinese memory maker, 1 as in the priors."""

    tools: Array
    hbm: Array
    servicing: Array
    wafer_output: Array
    yield_output: Array
    cxmt_output: Array


@dataclass(frozen=True, slots=True)
class Made:
    """One quarter of Chinese supply.

    ``packages`` [products, draws] in the order of the products given; ``dies`` used, ``own_dies`` made and
    ``hbm_stock`` left, each [draws].
    """

    packages: Array
    dies: Array
    own_dies: Array
    hbm_stock: Array


class ChineseSupply:
    """Supply of Chinese makers, quarter by quarter.

    Parameters
    ----------
    products : tuple of Product
        Chinese products, in the order of the rows that :meth:`quarter` gives.
    parameters : mapping of str to array [draws]
        Sampled parameters.
    levers : SupplyLevers
        Controls and factors by quarter.
    shocks : array [quarters, draws]
        Standard normal shocks to the plan.
    counts : mapping
        Counted deliveries; where a count exists it is what was made.
    level : array [draws]
        Standard normal level error of the counts of Huawei, common to all quarters.
    shapes : mapping
        Tables of ``data/supply.toml``: generations, banks, what controls of tools take away, the years before 2024.
    """

    def __init__(
        self,
        products: tuple[Product, ...],
        parameters: Mapping[str, Array],
        *,
        levers: SupplyLevers,
        shocks: Array,
        counts: Mapping[str, Mapping[int, tuple[float, float, float]]],
        level: Array,
        shapes: Mapping[str, Mapping[str, Any]],
    ) -> None:
        p, quarters = parameters, len(shocks)
        self._shapes = shapes
        self.products = products
        self.huawei = [x for x in products if x.maker == "huawei"]
        self.others = [x for x in products if x.maker != "huawei"]
        years = np.array([quarter_year(i) for i in range(quarters)])
        self.wafers = self._wafers(p, levers, years)
        at = quarter_index("2024Q3")
        good = die_yield(self.wafers, at=at, start=p["yield_2024"], exponent=p["yield_learning"])
        self.yield_huawei = np.minimum(good * levers.yield_output[:, None], 0.98)
        gross = self.wafers * p["gross_dies_per_wafer"]
        self._own = _lagged(gross * self.yield_huawei * p["huawei_wafer_share"], p["foundry_lag"])
        self._plan = self._huawei_plan(p, years) * np.exp(
            shocks * p["supply_volatility"] - p["supply_volatility"] ** 2 / 2
        )
        self._mix = generation_mix(tuple(self.huawei), quarters, shapes["generations"])
        self._dies = self._mix @ np.array([x.dies for x in self.huawei])
        self._stacks = self._mix @ np.array([x.stacks for x in self.huawei])
        banks = shapes["banks"]
        self._die_inflow = _spread_over(banks["dies_from"], banks["dies_to"], quarters)
        self._stack_inflow = self._memory(p, levers, quarters)
        self._old = self._mix[:, [i for i, x in enumerate(self.huawei) if "910" in x.id]].sum(axis=1)
        self._other_plan = self._other_plans(p, levers, years, gross, at)
        self._counts = counts
        self._counted_to = max((max(counts[x.id]) for x in self.huawei if counts.get(x.id)), default=-1)
        self._factor = np.exp(COUNT_ERROR * level)
        self._bank, self.hbm_stock = np.zeros_like(p["yield_2024"]), np.zeros_like(p["yield_2024"])
        self._scale, self._anchor = np.ones_like(p["yield_2024"]), np.ones_like(p["yield_2024"])
        self._compared = [np.zeros_like(p["yield_2024"]), np.zeros_like(p["yield_2024"])]
        self._p = p

    def _wafers(self, p: Mapping[str, Array], levers: SupplyLevers, years: Array) -> Array:
        """Advanced wafers a quarter [quarters, draws].

        The prior of the growth was set under the controls of its day, so a lever acts by what it differs from them.
        Without servicing, tools that stand already drop out at a constant rate.
        """
        brake = (levers.tools - BASELINE_TOOLS) * self._shapes["tools"]["wafer_effect"]
        monthly = growth_path(
            p["advanced_wafers_2025"], growth=p["wafer_growth"], year=WAFER_YEAR, years=years, brake=brake
        )
        lost = np.cumsum(1 - levers.servicing)[:, None] * p["servicing_loss"]
        return np.asarray(MONTHS * monthly * np.exp(-lost) * levers.wafer_output[:, None])

    def _huawei_plan(self, p: Mapping[str, Array], years: Array) -> Array:
        """Packages that packaging and the maker's plans allow [quarters, draws]."""
        after = growth_path(p["packaging_2025"], growth=p["packaging_growth"], year=2025.5, years=years)
        part = np.clip(years - 2024.5, 0, 1)[:, None]
        between = p["packaging_2024"] ** (1 - part) * p["packaging_2025"] ** part
        return np.where(years[:, None] > 2025.5, after, between * self._early(years, "huawei"))

    def _early(self, years: Array, maker: str) -> Array:
        return _before_2024(years, self._shapes["before_2024"], maker)[:, None]

    def _memory(self, p: Mapping[str, Array], levers: SupplyLevers, quarters: int) -> Array:
        """Memory stacks that reach Huawei [quarters, draws].

        Controls from 0 (none: imports go on) over 1 (as in December 2024: the leak is left) to 2 (nothing comes in).
        """
        banks = self._shapes["banks"]
        bank = _spread_over(banks["stacks_from"], banks["stacks_to"], quarters)[:, None] * p["hbm_bank"]
        index = np.arange(quarters)[:, None]
        ruled = index > quarter_index(banks["stacks_to"])
        # without controls, imports go on at four times the pace at which the bank was laid in
        free = p["hbm_bank"] / 3
        hbm = levers.hbm[:, None]
        held, closed = np.minimum(hbm, 1.0), np.maximum(hbm - 1.0, 0.0)
        leak = np.where(ruled, (held * p["hbm_leak"] + (1 - held) * free) * (1 - closed), 0.0)
        since = (index - quarter_index("2025Q2") - p["cxmt_start"]) / 4
        made = p["cxmt_stacks"] * np.clip(since, 0, 1) * p["cxmt_growth"] ** np.clip(since - 1, 0, 6)
        brake = ((levers.tools - BASELINE_TOOLS) * self._shapes["tools"]["memory_effect"])[:, None]
        made = made * (1 - brake) * levers.cxmt_output[:, None]
        return np.asarray((bank + leak + made) * (1 - p["hbm_supply_other"]))

    def _other_plans(
        self, p: Mapping[str, Array], levers: SupplyLevers, years: Array, gross: Array, at: int
    ) -> list[Array]:
        """Packages of each other maker: its plan, within its share of wafers from mid-2025 [quarters, draws]."""
        start = self._early(years, "other")
        other = growth_path(p["other_2024"], growth=p["other_growth"], year=2024.5, years=years)
        plans = {
            "cambricon": growth_path(p["cambricon_2025"], growth=p["cambricon_growth"], year=2025.5, years=years),
            "other-domestic": np.where(years[:, None] > 2024.5, other, p["other_2024"] * start),
        }
        good = die_yield(self.wafers, at=at, start=p["cambricon_yield_2024"], exponent=p["yield_learning"])
        good = np.minimum(good * levers.yield_output[:, None], 0.98)
        limits = {
            "cambricon": gross * good * p["cambricon_wafer_share"],
            "other-domestic": gross * good * p["other_wafer_share"],
        }
        ruled = years[:, None] > 2025.5
        return [
            np.where(
                ruled, np.minimum(plans[x.id], _lagged(limits[x.id], p["foundry_lag"]) / max(x.dies, 1)), plans[x.id]
            )
            for x in self.others
        ]

    def quarter(self, t: int, *, sold_share: Array, pull: Array) -> Made:
        """What the makers finish in quarter ``t``.

        Parameters
        ----------
        t : int
            Quarter index; call once per quarter, in order.
        sold_share : array [draws]
            Share of last quarter's money that went to Chinese chips [1]; it feeds the growth of capacity.
        pull : array [draws]
            How tight the market is [log]; makers that sell out invest more, makers with full stores less.
        """
        if t > self._counted_to:
            self._scale *= np.exp(self._p["reinvestment"] * (2 * sold_share - 1 + pull))
        self._bank = self._bank + self._die_inflow[t] * self._p["foreign_die_bank"]
        self.hbm_stock = self.hbm_stock + self._stack_inflow[t]
        plan = self._plan[t] * self._scale * self._anchor
        own = self._own[t] * self._scale * self._anchor
        # dies made abroad fit the older lines only
        from_bank = np.minimum(self._bank, plan * self._dies[t] * self._old[t])
        silicon = (own + from_bank) / self._dies[t]
        packages = np.minimum(np.minimum(plan, silicon), self.hbm_stock / self._stacks[t])
        rows = self._huawei_rows(t, packages)
        packages = np.sum(rows, axis=0)
        used = packages * self._dies[t]
        self._bank = self._bank - np.minimum(from_bank, used * self._old[t])
        self.hbm_stock = np.maximum(self.hbm_stock - packages * self._stacks[t], 0.0)
        for i, product in enumerate(self.others):
            rows.append(self._other_row(t, i, product))
        return Made(np.stack(rows), used, own, self.hbm_stock)

    def _huawei_rows(self, t: int, packages: Array) -> list[Array]:
        """Packages by line: the count where there is one, else the model; after the last count the model keeps its level."""
        modelled = [packages * self._mix[t, i] for i in range(len(self.huawei))]
        counted = [self._counts.get(x.id, {}).get(t) for x in self.huawei]
        if t > self._counted_to or not any(counted):
            return modelled
        rows = [m if c is None else c[0] * self._factor for m, c in zip(modelled, counted, strict=True)]
        rows = [np.zeros_like(m) if c is None else m for m, c in zip(rows, counted, strict=True)]
        if t > self._counted_to - 4:
            self._compared[0] += np.sum(rows, axis=0)
            self._compared[1] += packages
        if t == self._counted_to:
            self._anchor = np.clip(self._compared[0] / np.maximum(self._compared[1], 1.0), 0.2, 5.0)
        return rows

    def _other_row(self, t: int, i: int, product: Product) -> Array:
        counted = self._counts.get(product.id, {})
        plan = self._other_plan[i]
        if not counted:
            return np.asarray(plan[t] * self._scale)
        last = max(counted)
        if t <= last:
            # before a count begins, its first value stands
            return np.full_like(plan[t], counted[max(t, min(counted))][0])
        # after it, the plan goes on from the level of the last two counts
        level = np.mean([counted[j][0] for j in sorted(counted)[-2:]])
        return np.asarray(plan[t] / np.maximum(plan[last], 1.0) * level * self._scale)
