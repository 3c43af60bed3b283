"""One block of draws through all quarters of one scenario. Records in, arrays out; every step is a function elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from chipwall.market import demand, gates
from chipwall.market.draws import Draws, block_draws
from chipwall.market.ecosystem import maturity_step, software_efficiency
from chipwall.market.levers import Timeline
from chipwall.market.priors import Priors
from chipwall.market.products import PLATFORMS, SEGMENTS, Product, load_record, platform_slices
from chipwall.market.quarters import quarter_index, quarter_year
from chipwall.market.service import Service
from chipwall.market.stock import Cohorts
from chipwall.market.supply import ChineseSupply
from chipwall.market.world import grey_flow, nvidia_revenue, us_h200_shipments, us_rent

__all__ = ["HISTORY_END", "Block", "block_paths"]

Array = NDArray[np.float64]
# Last quarter in which deliveries of US parts are the counted record.
HISTORY_END = "2025Q2"
# Cost of a unit of service that utilities are measured against [USD/quarter]; a constant that only keeps exp() small.
REFERENCE_COST = 2000.0
# Chinese stock before 2022Q1 in H100-equivalents (estimated), nearly all CUDA.
BEFORE = {"cuda": 25_000.0, "rocm": 0.0, "cann": 1_500.0, "other": 500.0}
SPLIT = np.array([0.55, 0.15, 0.2, 0.1])


@dataclass(frozen=True)
class Block:
    """Everything one worker needs: picklable, no file reading inside.

    Attributes
    ----------
    blocked : array [quarters, products]
        1 where a performance limit takes the product out.
    normals : array [draws, parameters] or None
        Parameters as standard normal numbers given from outside (sensitivity), else drawn.
    lever_values : mapping of str to array [draws]
        Lever settings that differ between draws (sensitivity), from the first quarter after the history.
    still : bool
        Use one set of shocks, that of the first draw, for all draws.
    """

    products: tuple[Product, ...]
    service: Service
    lines: Timeline
    blocked: Array
    allocations: Mapping[str, float]
    priors: Priors
    seed: int
    number: int
    size: int
    quarters: int
    normals: Array | None = None
    lever_values: Mapping[str, Array] = field(default_factory=dict)
    keep: tuple[str, ...] = ()
    still: bool = False


def block_paths(block: Block) -> dict[str, Array]:
    """All quantities of a block, each [quarters, draws], and each parameter [1, draws] under ``parameter:name``."""
    run = _Run(block)
    for t in range(block.quarters):
        run.quarter(t)
    from chipwall.market.quantities import derived

    found = derived(run.out, block)
    found |= {f"parameter:{name}": value[None, :] for name, value in run.p.items()}
    if block.keep:
        found = {name: found[name] for name in block.keep}
    return found


class _Run:
    """State of one block while it runs."""

    def __init__(self, block: Block) -> None:
        self.block, self.lines, self.products = block, block.lines, block.products
        draws = block_draws(
            seed=block.seed,
            block=block.number,
            size=block.size,
            parameters=len(block.priors.names),
            products=len(block.products),
            quarters=block.quarters,
        )
        if block.still:
            draws = draws.stilled()
        normals = draws.parameters if block.normals is None else block.normals
        self.p = p = block.priors.sample(normals)
        self.draws, n = draws, block.size
        self.nests = platform_slices(self.products)
        self.us = slice(0, self.nests[1].stop)
        self.chinese = slice(self.nests[2].start, len(self.products))
        self.licensed = np.array([[x.licensed] for x in self.products], dtype=float)
        self.history_end = quarter_index(HISTORY_END)
        self.quality = np.array([[x.quality_at(t) for x in self.products] for t in range(block.quarters)])
        self._exogenous(p, draws)
        self._static_choice(p, draws)
        self.supply = ChineseSupply(
            self.products[self.chinese],
            p,
            tools=self._lever("tool_control"),
            hbm=self._lever("hbm_control"),
            shocks=draws.shocks["supply"],
            record=load_record(),
        )
        before = np.outer([BEFORE[g] for g in PLATFORMS], np.ones(n))
        self.service_stock = Cohorts(block.quarters, (SPLIT[:, None, None] * before).reshape(-1, n), p["economic_life"])
        self.unit_stock = Cohorts(block.quarters, np.zeros((len(self.products), n)), p["economic_life"])
        self.active = np.repeat(SPLIT[:, None, None] * before[None], 1, axis=0)
        self.maturity = {"cann": p["cann_maturity_2022"].copy(), "other": p["other_maturity_2022"].copy()}
        self.carried, self.tightness = np.zeros((len(SEGMENTS), n)), np.ones(n)
        self.closed, self.domestic_money = np.zeros(n), np.full(n, 0.5)
        self.inventory = np.zeros((len(self.products[self.chinese]), n))
        self.cumulated = np.zeros((len(self.products), n))
        self.cost_per_service = np.full(n, 1500.0)
        self.out: dict[str, Array] = {}

    def _lever(self, name: str) -> Array:
        """A lever by quarter; where its setting differs between draws, its mean (supply paths take [quarters])."""
        values: Array = getattr(self.lines, name)
        return values

    def _setting(self, name: str, t: int) -> Array:
        """A lever this quarter: a number, or one per draw."""
        drawn = self.block.lever_values.get(name)
        if drawn is not None and t > self.history_end:
            return drawn
        return np.asarray(getattr(self.lines, name)[t])

    def _exogenous(self, p: Mapping[str, Array], draws: Draws) -> None:
        quarters = self.block.quarters
        shocks = draws.shocks
        self.budget = demand.base_budget(p, quarters=quarters, shocks=shocks["budget"])
        self.grey = grey_flow(p, quarters=quarters, level=draws.levels["grey"], record=load_record())
        self.h200_us = us_h200_shipments(p, quarters=quarters)
        self.rent_us = us_rent(p, quarters=quarters, shocks=shocks["rent_us"])
        self.nvidia = nvidia_revenue(p, quarters=quarters, shocks=shocks["nvidia"])
        self.record_factor = np.exp(p["record_error"] * draws.levels["record"])
        self.states = {
            name: gates.regime_states(
                getattr(self.lines, name),
                persistence=p["gate_persistence"],
                opening=p["gate_opening"],
                uniform=draws.gates[:, i],
            )
            for i, name in enumerate(("washington", "beijing"))
        }
        segments = np.stack([np.zeros_like(p["lab_share"]), p["lab_share"], p["state_share"], p["startup_share"]])
        segments[0] = np.maximum(1 - segments.sum(axis=0), 0.05)
        self.segment_share = segments / segments.sum(axis=0)

    def _static_choice(self, p: Mapping[str, Array], draws: Draws) -> None:
        """Prices, and the part of utility that no quarter changes: service of the hardware."""
        low, high = (np.log([x.price[i] for x in self.products])[:, None] for i in (0, 1))
        self.price = np.exp((low + high) / 2 + (high - low) / (2 * 1.6448536269514722) * draws.prices)
        scale = p["price_response"] / p["nest_similarity"]
        with np.errstate(divide="ignore"):
            log_service = np.log(self.block.service.by_segment)
        self.fixed = np.exp(log_service[:, :, None] * scale)
        self.scale = scale

    # --- one quarter

    def quarter(self, t: int) -> None:
        """Advance by one quarter and write what it says."""
        prices, offered = self._prices(t), self._offered(t)
        weights = self._weights(t, prices)
        base = self.budget[t] * self.tightness ** np.clip(self.p["rent_elasticity"], 0.0, 1.0)
        budget = self.segment_share * base + self.carried
        quota = self.lines.domestic_quota[t][:, None]
        bought = demand.purchases(
            weights,
            budget=budget,
            offered=offered * prices,
            nests=self.nests,
            similarity=self.p["nest_similarity"],
            extra=(self.us, self.p["additional_share"]) if t > self.history_end else None,
            us=self.us,
            quota=quota if quota.any() else None,
        )
        units = bought.spent.sum(axis=0) / prices
        self._settle(t, prices=prices, bought=bought, units=units, budget=budget, offered=offered)
        self._advance(t, prices=prices, bought=bought, units=units)

    def _prices(self, t: int) -> Array:
        """What buyers pay, products x draws [USD]."""
        prices = self.price * self.quality[t][:, None]
        share = self._setting("share", t)
        share = share[:, None] if share.shape == (len(self.products),) else share[None, :] * self.licensed
        self.taken = share
        return demand.buyer_price(prices, share=share, pass_through=self.p["pass_through"])

    def _offered(self, t: int) -> Array:
        """Units that can be delivered, products x draws."""
        offered = np.zeros((len(self.products), self.block.size))
        made = self.supply.quarter(t, sold_share=self.domestic_money)
        self.inventory += made.packages
        offered[self.chinese] = self.inventory
        stopped = self.lines.stop is not None and t >= self.lines.stop
        offered[: self.us.stop] = self._us_offered(t, stopped=stopped)
        grey_at = next(i for i, x in enumerate(self.products) if x.id == "grey")
        enforced = self._setting("enforcement", t) * self.p["grey_enforcement"]
        offered[grey_at] = self.grey[t] * (1 - enforced)
        self._write(t, dies_huawei=made.dies, hbm_stock=made.hbm_stock, yield_huawei=self.supply.yield_huawei[t])
        self._write(t, wafers_advanced=self.supply.wafers[t])
        for i, product in enumerate(self.products[self.chinese]):
            self._write(t, **{f"supply_{product.id}": made.packages[i]})
        return offered

    def _us_offered(self, t: int, *, stopped: bool) -> Array:
        us = self.products[self.us]
        state_us, state_cn = self.states["washington"][t], self.states["beijing"][t]
        if stopped:
            state_us = np.zeros_like(state_us)
        self._write(t, washington=state_us.astype(float), beijing=state_cn.astype(float))
        now = gates.gate_closedness(state_us, state_cn)
        self.closed += 0.35 * (now - self.closed)
        if t <= self.history_end:
            record = load_record()
            counted = [record.get(x.id, {}).get(t, (0.0,))[0] if x.licensed else 0.0 for x in us]
            return np.outer(counted, np.ones(self.block.size)) * self.record_factor
        permitted = (self.lines.permitted[t] * (1 - self.block.blocked[t]))[self.us, None] * self.licensed[self.us]
        pace, approvals = self._setting("licence_pace", t), self._setting("beijing_pace", t)
        return gates.legal_supply(
            permitted=permitted,
            allocation=np.stack([self._allocation(x) for x in us]),
            washington=gates.washington_cap(
                state_us, trickle=self.p["washington_trickle"], pace=np.where(np.isnan(pace), self.p["licence_pace"], pace)
            ),
            volume_room=self._volume_room(t),
            unit_cap=self.lines.unit_cap[t][self.us, None],
            beijing=gates.beijing_cap(
                state_cn,
                trickle=self.p["beijing_trickle"],
                managed=np.where(np.isnan(approvals), self.p["beijing_managed"], approvals),
            ),
        )

    def _allocation(self, product: Product) -> Array:
        name = f"{product.id}_allocation"
        if name in self.p:
            return self.p[name]
        return np.full(self.block.size, self.block.allocations.get(product.id, 0.0))

    def _volume_room(self, t: int) -> Array:
        """What is left under the cap on cumulated shipments relative to US ones, by aggregate TPP per product."""
        fraction = self._setting("cap_fraction", t)
        us = self.products[self.us]
        room = np.full((len(us), self.block.size), np.inf)
        for i, product in enumerate(us):
            limit = fraction if fraction.shape == (self.block.size,) else fraction[i]
            if product.licensed and np.any(np.isfinite(limit)):
                home = self.h200_us[: t + 1].sum(axis=0) if product.id == "h200" else np.zeros(self.block.size)
                room[i] = np.where(np.isfinite(limit), np.nan_to_num(limit, posinf=0.0) * home - self.cumulated[i], np.inf)
        return np.maximum(room, 0.0)

    def _weights(self, t: int, prices: Array) -> Array:
        """exp(utility / similarity), segments x products x draws."""
        p, n = self.p, self.block.size
        per_use = 1 / p["nest_similarity"]
        cost = demand.service_cost(
            prices,
            power=self._power(),
            overhead=p["server_overhead"],
            life=p["economic_life"],
            energy=p["energy_price"],
        )
        maturity = np.ones((len(PLATFORMS), n))
        maturity[2], maturity[3] = self.maturity["cann"], self.maturity["other"]
        self.efficiency = np.ones_like(maturity)
        self.efficiency[2] = software_efficiency(maturity[2], floor=p["cann_efficiency_floor"])
        self.efficiency[3] = software_efficiency(maturity[3], floor=p["other_efficiency_floor"])
        by_product = np.log(cost * (1 / REFERENCE_COST) / self.quality[t][:, None])
        by_product *= -self.scale
        by_platform = p["price_response"] * np.log(self.efficiency) + p["ecosystem_weight"] * maturity
        by_platform[2:] += p["domestic_taste"]
        by_platform[0] -= p["policy_pressure"] * self._pressure(t) + p["supply_risk_aversion"] * self.closed
        by_platform[1] -= p["policy_pressure"] * self._pressure(t) + p["supply_risk_aversion"] * self.closed
        own = self.active / self.active.sum(axis=1, keepdims=True)
        shared = np.exp((by_platform + p["own_share_feedback"] * own) * per_use)
        each = np.exp(by_product)
        weights = self.fixed * each
        for i, nest in enumerate(self.nests):
            weights[:, nest] *= shared[:, i, None]
        self.utility_gap = by_platform[2] - by_platform[0]
        return weights

    def _power(self) -> Array:
        power = self.block.service.power[:, None] * np.ones((1, self.block.size))
        power[self.chinese] *= self.p["energy_penalty"]
        return power

    def _pressure(self, t: int) -> Array:
        """Beijing's guidance against US parts, 0 to 1, by draw."""
        given = self._setting("guidance", t)
        return np.where(np.isnan(given), 1 - self.states["beijing"][t] / 3, given)

    # --- the books

    def _settle(
        self, t: int, *, prices: Array, bought: demand.Purchases, units: Array, budget: Array, offered: Array
    ) -> None:
        """Money and deliveries of the quarter."""
        by_product = bought.spent.sum(axis=0)
        self.carried = self.p["carry_over"] * bought.left
        lapsed = bought.left - self.carried
        licensed = by_product * self.licensed
        for i, product in enumerate(self.products):
            self._write(t, **{f"delivered_{product.id}": units[i], f"spending_{product.id}": by_product[i]})
            if product.licensed:
                self._write(t, **{f"offered_{product.id}": offered[i]})
        self._write(
            t,
            budget=budget.sum(axis=0),
            additional=bought.additional.sum(axis=0),
            unmet=bought.left.sum(axis=0),
            carried=self.carried.sum(axis=0),
            lapsed=lapsed.sum(axis=0),
            us_take=(licensed * self.taken).sum(axis=0),
            seller_net_us=(licensed * (1 - self.taken)).sum(axis=0),
            revenue_nvidia=licensed[self.nests[0]].sum(axis=0),
        )
        self.inventory -= np.minimum(units[self.chinese], self.inventory)
        self.cumulated += units
        spent = by_product.sum(axis=0)
        self.domestic_money = by_product[self.chinese].sum(axis=0) / np.maximum(spent, 1.0)
        self.tightness = self.tightness * 0.75 + 0.25 * np.clip(budget.sum(axis=0) / np.maximum(spent, 1.0), 0.5, 4.0)

    def _advance(self, t: int, *, prices: Array, bought: demand.Purchases, units: Array) -> None:
        """Stocks, ecosystems and rents at the end of the quarter."""
        p, n = self.p, self.block.size
        equivalent = units * self.quality[t][:, None]
        chips = bought.spent * (self.quality[t][:, None] / prices)
        chips *= self.block.service.by_segment[:, :, None]
        added = np.stack([chips[:, nest].sum(axis=1) for nest in self.nests], axis=1)
        self.active = np.maximum(self.service_stock.add(added.reshape(-1, n)).reshape(len(SEGMENTS), -1, n), 1e-6)
        if self.lines.stop is not None and t >= self.lines.stop:
            self.active[:, :2] *= (1 - p["support_decay_after_stop"]) ** (t - self.lines.stop + 1)
        in_use = self.unit_stock.add(equivalent)
        effective = self.active.sum(axis=0) * self.efficiency
        total = effective.sum(axis=0)
        spend = self._setting("engineering_spend", t)
        for i, name in ((2, "cann"), (3, "other")):
            self.maturity[name] = maturity_step(
                self.maturity[name],
                by_use=p["learning_by_use"],
                active_share=effective[i] / total,
                by_spend=p["learning_by_spend"] * spend,
            )
            self._write(t, **{f"ecosystem_{name}": self.maturity[name]})
        self._write_stock(t, in_use, effective)
        new = (added.sum(axis=0) * self.efficiency).sum(axis=0)
        self._rents(t, bought, new)
        self._write(t, service_new=new, service_new_us=(added.sum(axis=0) * self.efficiency)[:2].sum(axis=0))

    def _write_stock(self, t: int, in_use: Array, effective: Array) -> None:
        self._write(t, service_active=effective.sum(axis=0), service_active_us=effective[:2].sum(axis=0))
        share = self.active[:, 2].sum(axis=0) / self.active.sum(axis=(0, 1))
        self._write(t, own_share_cann=share, utility_gap=self.utility_gap)
        weights = self.block.service.by_basis
        for b, basis in enumerate(("training", "bandwidth", "rent")):
            for i, product in enumerate(self.products):
                self._write(t, **{f"stock:{basis}:{product.id}": in_use[i] * weights[b, i]})

    def _rents(self, t: int, bought: demand.Purchases, new: Array) -> None:
        """Rent of an H100's service in China, and what is leased abroad."""
        p = self.p
        spent = bought.spent.sum(axis=(0, 1))
        price = spent / np.maximum(new, 1.0)
        self.cost_per_service += 0.3 * (np.where(new > 1.0, price, self.cost_per_service) - self.cost_per_service)
        power = 700.0
        floor = demand.service_cost(
            self.cost_per_service, power=np.array(power), overhead=p["server_overhead"], life=p["economic_life"],
            energy=p["energy_price"],
        ) / demand.HOURS  # fmt: skip
        noise = np.exp(p["rent_volatility"] * self.draws.shocks["rent_cn"][t])
        rent = floor * np.clip(self.tightness, 0.3, 4.0) ** p["rent_slope"] * noise
        private = self.budget[t] * (self.segment_share[0] + self.segment_share[1])
        growth = p["leasing_growth"] ** (quarter_year(t) - 2025.5) / (self.budget[t] / self.budget[self.history_end]
                  if self.block.quarters > self.history_end else 1.0)  # fmt: skip
        open_now = 0.0 if self.lines.stop is not None and t >= self.lines.stop else self._setting("leasing", t)
        leased = private * p["leasing_share"] * growth * open_now
        self._write(t, rent_china_h100=rent, rent_us_h100=self.rent_us[t], leasing_spend=leased)
        self._write(t, offshore_h100e=leased / (self.rent_us[t] * demand.HOURS), nvidia_dc_revenue=self.nvidia[t])
        self._write(t, us_shipments_h200=self.h200_us[t])

    def _write(self, t: int, **values: Array) -> None:
        for name, value in values.items():
            row = self.out.get(name)
            if row is None:
                row = self.out[name] = np.empty((self.block.quarters, self.block.size))
            row[t] = value
