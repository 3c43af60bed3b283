"""Supply of Chinese makers: the least of silicon, memory stacks and packaging, with lags and banks that run down.

For Huawei, dies come from advanced wafers (share, dies per wafer, yield that learns with cumulated wafers) one foundry
lag ago, and from a bank of dies made abroad; memory stacks come from a bank imported before the rule of December 2024,
from what still leaks, and from a Chinese memory maker that starts at an uncertain date. Other makers follow a plan
limited by their share of wafers.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chipwall.market.model.products import Product
from chipwall.market.model.quarters import quarter_index, quarter_year

__all__ = ["ChineseSupply", "Made", "die_yield", "generation_mix", "growth_path", "wright_loss"]

Array = NDArray[np.float64]
MONTHS = 3.0
WAFER_YEAR = 2025.875


@cache
def _shapes() -> Mapping[str, Mapping[str, Any]]:
    words = (resources.files("chipwall.market") / "data" / "supply.toml").read_text(encoding="utf-8")
    return tomllib.loads(words)


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


def generation_mix(products: tuple[Product, ...], quarters: int) -> Array:
    """Share of Huawei's packages that each product takes [quarters, products]; rows add up to one."""
    shape = _shapes()["generations"]
    at = [quarter_index(q) for q in shape["quarters"]]
    mix = np.stack([np.interp(np.arange(quarters), at, shape[p.id]) for p in products], axis=1)
    return np.asarray(mix / mix.sum(axis=1, keepdims=True))


def _spread_over(first: str, last: str, quarters: int) -> Array:
    share = np.zeros(max(quarters, quarter_index(last) + 1))
    share[quarter_index(first) : quarter_index(last) + 1] = 1.0
    return np.asarray((share / share.sum())[:quarters])


def _before_2024(years: Array, maker: str) -> Array:
    shape = _shapes()["before_2024"]
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
    """State of the Chinese makers over one run.

    Parameters
    ----------
    products : tuple of Product
        The Chinese ones, in order: Huawei's lines first, then the other makers.
    parameters : mapping of str to array [draws]
        See ``data/priors.toml``.
    tools, hbm : array [quarters]
        Strength of tool controls and of memory controls, 0 to 1 [1].
    shocks : array [quarters, draws]
        Standard normal numbers.
    record : mapping
        Counted deliveries per product and quarter [units], used instead of the plan while they last.
    """

    def __init__(
        self,
        products: tuple[Product, ...],
        parameters: Mapping[str, Array],
        *,
        tools: Array,
        hbm: Array,
        shocks: Array,
        record: Mapping[str, Mapping[int, tuple[float, float, float]]],
    ) -> None:
        p, quarters = parameters, len(shocks)
        self.products = products
        self.huawei = [x for x in products if x.maker == "huawei"]
        self.others = [x for x in products if x.maker != "huawei"]
        years = np.array([quarter_year(i) for i in range(quarters)])
        tool_effect = _shapes()["tools"]
        brake = tools * tool_effect["wafer_effect"]
        monthly = growth_path(
            p["advanced_wafers_2025"], growth=p["wafer_growth"], year=WAFER_YEAR, years=years, brake=brake
        )
        self.wafers = MONTHS * monthly
        at = quarter_index("2024Q3")
        self.yield_huawei = die_yield(self.wafers, at=at, start=p["yield_2024"], exponent=p["yield_learning"])
        gross = self.wafers * p["gross_dies_per_wafer"]
        self._own = _lagged(gross * self.yield_huawei * p["huawei_wafer_share"], p["foundry_lag"])
        self._plan = self._huawei_plan(p, years) * np.exp(
            shocks * p["supply_volatility"] - p["supply_volatility"] ** 2 / 2
        )
        self._mix = generation_mix(tuple(self.huawei), quarters)
        self._dies = self._mix @ np.array([x.dies for x in self.huawei])
        self._stacks = self._mix @ np.array([x.stacks for x in self.huawei])
        banks = _shapes()["banks"]
        self._die_inflow = _spread_over(banks["dies_from"], banks["dies_to"], quarters)
        self._stack_inflow = self._memory(p, hbm, tools * tool_effect["memory_effect"], quarters)
        self._old = self._mix[:, [i for i, x in enumerate(self.huawei) if "910" in x.id]].sum(axis=1)
        self._other_plan = self._other_plans(p, years, gross, at)
        self._record = record
        self._bank, self.hbm_stock = np.zeros_like(p["yield_2024"]), np.zeros_like(p["yield_2024"])
        self._scale = np.ones_like(p["yield_2024"])
        self._p = p

    @staticmethod
    def _huawei_plan(p: Mapping[str, Array], years: Array) -> Array:
        """Packages that packaging and the maker's plans allow [quarters, draws]."""
        after = growth_path(p["packaging_2025"], growth=p["packaging_growth"], year=2025.5, years=years)
        part = np.clip(years - 2024.5, 0, 1)[:, None]
        between = p["packaging_2024"] ** (1 - part) * p["packaging_2025"] ** part
        return np.where(years[:, None] > 2025.5, after, between * _before_2024(years, "huawei")[:, None])

    def _memory(self, p: Mapping[str, Array], hbm: Array, brake: Array, quarters: int) -> Array:
        """Memory stacks that reach Huawei [quarters, draws]."""
        banks = _shapes()["banks"]
        bank = _spread_over(banks["stacks_from"], banks["stacks_to"], quarters)[:, None] * p["hbm_bank"]
        index = np.arange(quarters)[:, None]
        ruled = index > quarter_index(banks["stacks_to"])
        # without controls, imports go on at four times the pace at which the bank was laid in
        free = p["hbm_bank"] / 3
        leak = np.where(ruled, hbm[:, None] * p["hbm_leak"] + (1 - hbm[:, None]) * free, 0.0)
        since = (index - quarter_index("2025Q2") - p["cxmt_start"]) / 4
        made = p["cxmt_stacks"] * np.clip(since, 0, 1) * p["cxmt_growth"] ** np.clip(since - 1, 0, 6)
        return np.asarray((bank + leak + made * (1 - brake[:, None])) * (1 - p["hbm_supply_other"]))

    def _other_plans(self, p: Mapping[str, Array], years: Array, gross: Array, at: int) -> list[Array]:
        """Packages of each other maker: its plan, within its share of wafers from mid-2025 [quarters, draws]."""
        start = _before_2024(years, "other")[:, None]
        other = growth_path(p["other_2024"], growth=p["other_growth"], year=2024.5, years=years)
        plans = {
            "cambricon": growth_path(p["cambricon_2025"], growth=p["cambricon_growth"], year=2025.5, years=years),
            "other-domestic": np.where(years[:, None] > 2024.5, other, p["other_2024"] * start),
        }
        good = die_yield(self.wafers, at=at, start=p["cambricon_yield_2024"], exponent=p["yield_learning"])
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

    def quarter(self, t: int, *, sold_share: Array) -> Made:
        """What the makers finish in quarter ``t``.

        Parameters
        ----------
        t : int
            Quarter index; call once per quarter, in order.
        sold_share : array [draws]
            Share of last quarter's money that went to Chinese chips [1]; it feeds the growth of capacity.
        """
        if t > quarter_index("2025Q2"):
            self._scale *= np.exp(self._p["reinvestment"] * (2 * sold_share - 1))
        self._bank += self._die_inflow[t] * self._p["foreign_die_bank"]
        self.hbm_stock += self._stack_inflow[t]
        plan = self._plan[t] * self._scale
        own = self._own[t] * self._scale
        # dies made abroad fit the older lines only
        from_bank = np.minimum(self._bank, plan * self._dies[t] * self._old[t])
        silicon = (own + from_bank) / self._dies[t]
        packages = np.minimum(np.minimum(plan, silicon), self.hbm_stock / self._stacks[t])
        used = packages * self._dies[t]
        self._bank -= np.minimum(from_bank, used * self._old[t])
        self.hbm_stock = np.maximum(self.hbm_stock - packages * self._stacks[t], 0.0)
        rows = [packages * self._mix[t, i] for i in range(len(self.huawei))]
        for i, product in enumerate(self.others):
            counted = self._record.get(product.id, {})
            row = self._other_plan[i][t] * self._scale
            # before a count begins, its first value stands
            level = counted[max(t, min(counted))][0] if counted and t <= max(counted) else None
            rows.append(row if level is None else np.full_like(row, level))
        return Made(np.stack(rows), used, own, self.hbm_stock)
