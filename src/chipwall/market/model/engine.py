"""One block of draws through all quarters of one scenario. Records in, arrays out; every step is a function elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from chipwall.market.model import demand, gates
from chipwall.market.model.draws import Draws, block_draws
from chipwall.market.model.ecosystem import maturity_step, software_efficiency
from chipwall.market.model.given import faded_years, grey_flow, nvidia_revenue, us_h200_shipments, us_rent
from chipwall.market.model.ledger import Ledger
from chipwall.market.model.paths import found_in
from chipwall.market.model.priors import Z95, Priors
from chipwall.market.model.products import PLATFORMS, SEGMENTS, Product, load_record, platform_slices
from chipwall.market.model.quarters import quarter_index, quarter_year
from chipwall.market.model.service import Service
from chipwall.market.model.stock import Cohorts
from chipwall.market.model.supply import ChineseSupply
from chipwall.market.model.timeline import Timeline
from chipwall.text import text

__all__ = ["HISTORY_END", "Block", "block_paths"]

Array = NDArray[np.float64]
# Last quarter in which deliveries of US parts are the counted record.
HISTORY_END = "2025Q2"
# Cost of a unit of service that utilities are measured against [USD/quarter]; a constant that only keeps exp() small.
REFERENCE_COST = 2000.0
# Chinese stock before 2022Q1 in H100-equivalents (estimated), nearly all CUDA, and its split over segments.
BEFORE = {"cuda": 25_000.0, "rocm": 0.0, "cann": 1_500.0, "other": 500.0}
SPLIT = np.array([0.55, 0.15, 0.2, 0.1])
# Weight of this quarter in what buyers remember of closed gates, tightness and the price of service.
MEMORY, TIGHTNESS_MEMORY, COST_MEMORY = 0.35, 0.25, 0.3


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
    found = run.ledger.quantities(run.quality)
    found |= {f"parameter:{name}": value[None, :] for name, value in run.p.items()}
    return {name: found_in(found, name, text("quantity")) for name in block.keep} if block.keep else found


class _Run:
    """State of one block while it runs."""

    def __init__(self, block: Block) -> None:
        self.block, self.lines, self.products = block, block.lines, block.products
        draws = block_draws(
            seed=block.seed,
            block=block.number,
            size=block.size,
            parameters=len(block.priors.names),
            products=tuple(p.id for p in block.products),
            quarters=block.quarters,
        )
        if block.still:
            draws = draws.stilled()
        self.p = block.priors.sample(draws.parameters if block.normals is None else block.normals)
        self.draws = draws
        self.nests = platform_slices(self.products)
        self.us = slice(0, self.nests[1].stop)
        self.chinese = slice(self.nests[2].start, len(self.products))
        self.licensed = np.array([[x.licensed] for x in self.products], dtype=float)
        self.grey_row, self.h200_row = (
            next(i for i, x in enumerate(self.products) if x.id == n) for n in ("grey", "h200")
        )
        self.history_end = quarter_index(HISTORY_END)
        self.quality = np.array([[x.quality_at(t) for x in self.products] for t in range(block.quarters)])
        basis = block.service.by_basis
        self.ledger = Ledger(self.products, by_basis=basis, quarters=block.quarters, draws=block.size)
        self._given(draws)
        self._fixed_part(draws)
        self._first_state()

    def _given(self, draws: Draws) -> None:
        """Paths that the market takes as given."""
        p, quarters, shocks = self.p, self.block.quarters, draws.shocks
        self.budget = demand.base_budget(p, quarters=quarters, shocks=shocks["budget"])
        self.grey = grey_flow(p, quarters=quarters, level=draws.levels["grey"], record=load_record())
        self.h200_us = us_h200_shipments(p, quarters=quarters)
        self.h200_us_sum = np.cumsum(self.h200_us, axis=0)
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
        self.supply = ChineseSupply(
            self.products[self.chinese],
            p,
            tools=self.lines.tool_control,
            hbm=self.lines.hbm_control,
            shocks=shocks["supply"],
            record=load_record(),
        )
        others = np.stack([p["lab_share"], p["state_share"], p["startup_share"]])
        platforms = np.maximum(1 - others.sum(axis=0), 0.05)  # they take the rest
        self.segment_share = np.vstack([platforms[None], others]) / (platforms + others.sum(axis=0))

    def _fixed_part(self, draws: Draws) -> None:
        """Prices, and the part of utility that no quarter changes: service of the hardware."""
        low, high = (np.log([x.price[i] for x in self.products])[:, None] for i in (0, 1))
        self.price = np.exp((low + high) / 2 + (high - low) / (2 * Z95) * draws.prices)
        self.scale = self.p["price_response"] / self.p["nest_similarity"]
        self.per_use = 1 / self.p["nest_similarity"]
        self.hardware = np.exp(np.log(self.block.service.by_segment)[:, :, None] * self.scale)
        self.running = self.block.service.power[:, None] * np.ones((1, self.block.size))
        self.running[self.chinese] *= self.p["energy_penalty"]
        self.priced_at = np.full((len(self.products), 2), np.nan)
        self.cheapness = np.empty_like(self.price)
        self.prices = np.empty_like(self.price)

    def _first_state(self) -> None:
        p, n, quarters = self.p, self.block.size, self.block.quarters
        before = np.outer([BEFORE[g] for g in PLATFORMS], np.ones(n))
        self.active = SPLIT[:, None, None] * before
        self.service_stock = Cohorts(quarters, self.active.reshape(-1, n), p["economic_life"])
        self.unit_stock = Cohorts(quarters, np.zeros((len(self.products), n)), p["economic_life"])
        self.maturity = np.ones((len(PLATFORMS), n))
        self.maturity[2], self.maturity[3] = p["cann_maturity_2022"], p["other_maturity_2022"]
        self.floor = np.stack([p["cann_efficiency_floor"], p["other_efficiency_floor"]])
        self.carried, self.tightness = np.zeros((len(SEGMENTS), n)), np.ones(n)
        self.closed, self.domestic_money = np.zeros(n), np.full(n, 0.5)
        self.inventory = np.zeros((len(self.products[self.chinese]), n))
        self.cumulated = np.zeros((len(self.products), n))
        self.cost_per_service = np.full(n, 15_000.0)

    def _setting(self, name: str, t: int) -> Array:
        """A lever this quarter: a number, one per draw, or for levers on products [products, 1 or draws]."""
        drawn = self.block.lever_values.get(name)
        value = np.asarray(getattr(self.lines, name)[t])
        if drawn is not None and t > self.history_end:
            # a varied lever on products is varied where the scenario sets it
            return np.where(np.isfinite(value) & (value > 0), drawn[:, None], value).T if value.ndim else drawn
        return value[:, None] if value.ndim else value

    def _stopped(self, t: int) -> bool:
        return self.lines.stop is not None and t >= self.lines.stop

    # --- one quarter

    def quarter(self, t: int) -> None:
        """Advance by one quarter and write what it says."""
        self._reprice(t)
        offered = self._offered(t)
        # products that no draw offers this quarter are left out of the choice: nobody could take them
        self.live = np.flatnonzero(offered.any(axis=1))
        nests = tuple(slice(*np.searchsorted(self.live, (x.start, x.stop))) for x in self.nests)
        us = slice(0, nests[1].stop)
        weights = self._weights(t, nests)
        base = self.budget[t] * self.tightness ** np.clip(self.p["rent_elasticity"], 0.0, 1.0)
        budget = self.segment_share * base + self.carried
        quota = self.lines.domestic_quota[t][:, None]
        bought = demand.purchases(
            weights,
            budget=budget,
            offered=offered[self.live] * self.prices[self.live],
            nests=nests,
            similarity=self.p["nest_similarity"],
            extra=(us, self.p["additional_share"]) if t > self.history_end else None,
            us=us,
            quota=quota if quota.any() else None,
        )
        self.ledger.write_products(t, offered=offered)
        self._settle(t, bought, budget)
        self._advance(t, bought, nests)

    def _reprice(self, t: int) -> None:
        """Prices to buyers and what they do to utility; only rows whose price or quality changed."""
        self.taken = self._setting("share", t) * self.licensed
        now = np.stack([self.taken[:, 0], self.quality[t]], axis=1)
        changed = (now != self.priced_at).any(axis=1) | ("share" in self.block.lever_values)
        rows = np.flatnonzero(changed)
        self.priced_at = now
        quality = self.quality[t][rows, None]
        self.prices[rows] = demand.buyer_price(
            self.price[rows] * quality, share=self.taken[rows], pass_through=self.p["pass_through"]
        )
        cost = self._cost(self.prices[rows], self.running[rows])
        self.cheapness[rows] = np.exp(np.log(cost / (REFERENCE_COST * quality)) * -self.scale)

    def _cost(self, price: Array, power: Array) -> Array:
        """Cost of owning one chip for a quarter [USD/quarter]."""
        overhead, life, energy = (self.p[k] for k in ("server_overhead", "economic_life", "energy_price"))
        return demand.service_cost(price, power=power, overhead=overhead, life=life, energy=energy)

    def _offered(self, t: int) -> Array:
        """Units that can be delivered [products, draws]."""
        offered = np.empty((len(self.products), self.block.size))
        made = self.supply.quarter(t, sold_share=self.domestic_money)
        self.inventory += made.packages
        offered[self.chinese] = self.inventory
        offered[self.us] = self._us_offered(t)
        enforced = self._setting("enforcement", t) * self.p["grey_enforcement"]
        offered[self.grey_row] = self.grey[t] * (1 - enforced)
        self.ledger.write(
            t,
            dies_huawei=made.dies,
            hbm_stock=made.hbm_stock,
            yield_huawei=self.supply.yield_huawei[t],
            wafers_advanced=self.supply.wafers[t],
            **{f"supply_{p.id}": made.packages[i] for i, p in enumerate(self.products[self.chinese])},
        )
        return offered

    def _us_offered(self, t: int) -> Array:
        us, p = self.products[self.us], self.p
        state_us, state_cn = self.states["washington"][t], self.states["beijing"][t]
        if self._stopped(t):
            state_us = np.zeros_like(state_us)
        self.ledger.write(t, washington=state_us.astype(float), beijing=state_cn.astype(float))
        self.closed += MEMORY * (gates.gate_closedness(state_us, state_cn) - self.closed)
        if t <= self.history_end:
            record = load_record()
            counted = np.array([record.get(x.id, {}).get(t, (0.0,))[0] if x.licensed else 0.0 for x in us])
            held = np.maximum(self.lines.banned[t], self.block.blocked[t])[self.us]
            past = np.outer(counted * (1 - held) * (not self._stopped(t)), self.record_factor)
            return np.minimum(past, self._setting("unit_cap", t)[self.us])
        pace, approvals = self._setting("licence_pace", t), self._setting("beijing_pace", t)
        pace = np.where(np.isnan(pace), p["licence_pace"], pace)
        approvals = np.where(np.isnan(approvals), p["beijing_managed"], approvals)
        return gates.legal_supply(
            permitted=(self.lines.permitted[t] * (1 - self.block.blocked[t]))[self.us, None] * self.licensed[self.us],
            allocation=np.stack([self._allocation(x) for x in us]),
            washington=gates.washington_cap(state_us, trickle=p["washington_trickle"], pace=pace),
            volume_room=self._volume_room(t),
            unit_cap=self._setting("unit_cap", t)[self.us],
            beijing=gates.beijing_cap(state_cn, trickle=p["beijing_trickle"], managed=approvals),
        )

    def _allocation(self, product: Product) -> Array:
        """What the maker sets aside for China [units/quarter]."""
        given = self.p.get(f"{product.id}_allocation")
        return np.full(self.block.size, self.block.allocations.get(product.id, 0.0)) if given is None else given

    def _volume_room(self, t: int) -> Array:
        """What is left under the volume cap; only the H200 has US shipments here."""
        home = np.zeros((self.us.stop, self.block.size))
        home[self.h200_row] = self.h200_us_sum[t]
        return gates.volume_room(self._setting("cap_fraction", t)[self.us], home=home, sold=self.cumulated[self.us])

    def _weights(self, t: int, nests: tuple[slice, ...]) -> Array:
        """exp(utility / similarity) of the products on offer [segments, products, draws]."""
        p = self.p
        self.efficiency = np.ones_like(self.maturity)
        self.efficiency[2:] = software_efficiency(self.maturity[2:], floor=self.floor)
        given = self._setting("guidance", t)
        pressure = np.where(np.isnan(given), 1 - self.states["beijing"][t] / 3, given)
        platform = p["ecosystem_weight"] * self.maturity
        platform[2:] += p["price_response"] * np.log(self.efficiency[2:]) + p["domestic_taste"]
        platform[:2] -= p["policy_pressure"] * pressure + p["supply_risk_aversion"] * self.closed
        self.ledger.write(t, utility_gap=platform[2] - platform[0])
        own = self.active / self.active.sum(axis=1, keepdims=True)
        own *= p["own_share_feedback"]
        own += platform
        own *= self.per_use
        own -= own.max(axis=1, keepdims=True)  # shares stay the same, and no feedback is too strong for exp()
        np.exp(own, out=own)
        weights = self.hardware[:, self.live] * self.cheapness[self.live]
        for i, nest in enumerate(nests):
            weights[:, nest] *= own[:, i, None]
        return weights

    # --- the books

    def _settle(self, t: int, bought: demand.Purchases, budget: Array) -> None:
        """Money and deliveries of the quarter."""
        by_product = np.zeros_like(self.prices)
        by_product[self.live] = bought.spent.sum(axis=0)
        units = by_product / self.prices
        self.carried = self.p["carry_over"] * bought.left
        licensed = by_product * self.licensed
        take = licensed * self.taken
        unmet, asked, carried = (money.sum(axis=0) for money in (bought.left, budget, self.carried))
        self.ledger.write_products(t, delivered=units, spending=by_product)
        self.inventory = np.maximum(self.inventory - units[self.chinese], 0.0)
        self.ledger.write(
            t,
            budget=asked,
            additional=bought.additional.sum(axis=0),
            unmet=unmet,
            carried=carried,
            lapsed=unmet - carried,
            us_take=take.sum(axis=0),
            seller_net_us=licensed.sum(axis=0) - take.sum(axis=0),
            revenue_nvidia=licensed[self.nests[0]].sum(axis=0),
            inventory_domestic=self.inventory.sum(axis=0),
        )
        self.cumulated += units
        self.units = units
        spent = np.maximum(by_product.sum(axis=0), 1.0)
        self.domestic_money = by_product[self.chinese].sum(axis=0) / spent
        self.tightness += TIGHTNESS_MEMORY * (np.clip(asked / spent, 0.5, 4.0) - self.tightness)

    def _advance(self, t: int, bought: demand.Purchases, nests: tuple[slice, ...]) -> None:
        """Stocks, ecosystems and rents at the end of the quarter."""
        p, n = self.p, self.block.size
        quality = self.quality[t][:, None]
        chips = bought.spent
        chips *= (quality / self.prices)[self.live]
        chips *= self.block.service.by_segment[:, self.live, None]
        added = np.stack([chips[:, nest].sum(axis=1) for nest in nests], axis=1)
        active = self.service_stock.add(added.reshape(-1, n)).reshape(len(SEGMENTS), -1, n)
        self.active = np.maximum(active, 1e-6, out=active)
        if self._stopped(t):
            self.active[:, :2] *= (1 - p["support_decay_after_stop"]) ** (t - (self.lines.stop or 0) + 1)
        self.ledger.write_stock(t, self.unit_stock.add(self.units * quality))
        effective = self.active.sum(axis=0) * self.efficiency
        total = effective.sum(axis=0)
        new = added.sum(axis=0) * self.efficiency
        self.maturity[2:] = maturity_step(
            self.maturity[2:],
            by_use=p["learning_by_use"],
            active_share=effective[2:] / total,
            by_spend=p["learning_by_spend"] * self._setting("engineering_spend", t),
        )
        self.ledger.write(
            t,
            ecosystem_cann=self.maturity[2],
            ecosystem_other=self.maturity[3],
            service_active=total,
            service_active_us=effective[:2].sum(axis=0),
            service_new=new.sum(axis=0),
            service_new_us=new[:2].sum(axis=0),
        )
        self._rents(t, new.sum(axis=0))

    def _rents(self, t: int, new: Array) -> None:
        """Rent of an H100's service in China, and what is leased abroad."""
        p = self.p
        spent = self.ledger.by_product["spending"][t].sum(axis=0)
        price = np.divide(spent, new, out=self.cost_per_service.copy(), where=new > 1.0)
        self.cost_per_service += COST_MEMORY * (price - self.cost_per_service)
        floor = self._cost(self.cost_per_service, self.running[self.grey_row])
        noise = p["rent_volatility"] * self.draws.shocks["rent_cn"][t]
        tight = np.log(np.clip(self.tightness, 0.3, 4.0))
        rent = floor / demand.HOURS * np.exp(p["rent_slope"] * tight + noise)
        # leasing grows on its own from the level of mid-2025, and more when chips are short at home
        level = self.budget[: self.history_end + 1][-1] * self.segment_share[:2].sum(axis=0)
        # it was small before the rule of October 2022 and grew into its trend by early 2024
        begun = float(np.clip((quarter_year(t) - 2022.75) / 1.25, 0.0, 1.0))
        years = quarter_year(t) - 2025.5
        leased = (
            begun * level * p["leasing_share"] * p["leasing_growth"] ** (faded_years(years) if years > 0 else years)
        )
        leased *= np.exp(p["leasing_response"] * tight) * (0.0 if self._stopped(t) else self._setting("leasing", t))
        self.ledger.write(
            t,
            rent_china_h100=rent,
            rent_us_h100=self.rent_us[t],
            leasing_spend=leased,
            offshore_h100e=leased / (self.rent_us[t] * demand.HOURS),
            nvidia_dc_revenue=self.nvidia[t],
            us_shipments_h200=self.h200_us[t],
        )
