"""One block of draws through all quarters of one scenario, in one module for one reason: the order of a quarter is the model.

Records in, arrays out; every step is a function elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chipwall.market.model import demand, gates
from chipwall.market.model.draws import Draws, block_draws
from chipwall.market.model.ecosystem import maturity_step, software_efficiency
from chipwall.market.model.given import faded_years, given_paths, us_h200_shipments
from chipwall.market.model.ledger import QuarterLedger
from chipwall.market.model.paths import found_in
from chipwall.market.model.priors import Z95, Priors
from chipwall.market.model.products import PLATFORMS, SEGMENTS, Product, platform_slices
from chipwall.market.model.quarters import quarter_year
from chipwall.market.model.record import Known
from chipwall.market.model.service import Service
from chipwall.market.model.stock import Cohorts
from chipwall.market.model.supply import ChineseSupply, SupplyLevers
from chipwall.market.model.timeline import Timeline
from chipwall.text import text

__all__ = ["Block", "block_paths"]

Array = NDArray[np.float64]
# Cost of a unit of service that utilities are measured against [USD/quarter]; a constant that only keeps exp() small.
REFERENCE_COST = 2000.0
# Chinese stock before 2022Q1 in H100-equivalents (estimated), nearly all CUDA, and its split over segments.
BEFORE = {"cuda": 25_000.0, "rocm": 0.0, "cann": 1_500.0, "other": 500.0}
SPLIT = np.array([0.55, 0.15, 0.2, 0.1])
# Compute outside China before 2022Q1 in the same unit (estimated: A100 and V100 of four years).
WORLD_BEFORE = 250_000.0
# Weight of this quarter in what buyers remember of closed gates, tightness and the price of service.
MEMORY, TIGHTNESS_MEMORY, COST_MEMORY = 0.35, 0.25, 0.3
# No response is so strong that a product of weights leaves the range of a float.
LARGEST = 120.0
# Middle of the year in which the level of leasing is set.
LEASING_YEAR = 2025.5


@dataclass(frozen=True)
class Block:
    """Everything one worker needs: picklable, no file reading inside.

    Attributes
    ----------
    blocked : array [quarters, products]
        1 where a performance limit takes the product out.
    known : Known
        The record as it stood on a day: what is data, and where forecasts begin.
    supply : mapping
        Tables of Chinese supply, see :class:`~chipwall.market.model.supply.ChineseSupply`.
    normals : array [draws, parameters] or None
        Parameters as standard normal numbers given from outside (sensitivity), else drawn.
    lever_values : mapping of str to array [draws]
        Lever settings that differ between draws (sensitivity), from the first quarter after the counted record.
    still : bool
        Use one set of shocks, that of the first draw, for all draws.
    """

    products: tuple[Product, ...]
    service: Service
    lines: Timeline
    blocked: Array
    allocations: Mapping[str, float]
    priors: Priors
    known: Known
    supply: Mapping[str, Mapping[str, Any]]
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
        known = block.known
        # the last quarter in which every counted line still has its count; legal US parts are counted to their own last quarter
        self.counted_to = known.counted_to
        self.legal_to = max((known.last.get(n, -1) for n in ("a800", "h800", "h20")), default=-1)
        self.chinese_from = self.nests[2].start
        self.quality = np.array([[x.quality_at(t) for x in self.products] for t in range(block.quarters)])
        basis = block.service.by_basis
        self.ledger = QuarterLedger(self.products, by_basis=basis, quarters=block.quarters, draws=block.size)
        self._given(draws)
        self._fixed_part(draws)
        self._first_state()

    def _given(self, draws: Draws) -> None:
        """Paths that the market takes as given."""
        p, quarters, shocks = self.p, self.block.quarters, draws.shocks
        known = self.block.known
        self.budget = demand.base_budget(p, quarters=quarters, shocks=shocks["budget"])
        given = given_paths(known, quarters=quarters, draws=draws)
        self.grey, self.rent_us, self.nvidia, self.world = given.grey, given.rent_us, given.nvidia, given.world
        self.h200_us = us_h200_shipments(p, quarters=quarters)
        self.h200_us_sum = np.cumsum(self.h200_us, axis=0)
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
            levers=SupplyLevers(
                tools=self.lines.tool_control,
                hbm=self.lines.hbm_control,
                servicing=self.lines.servicing,
                wafer_output=self.lines.wafer_output,
                yield_output=self.lines.yield_output,
                cxmt_output=self.lines.cxmt_output,
            ),
            shocks=shocks["supply"],
            counts=known.counts,
            level=draws.levels["huawei"],
            shapes=self.block.supply,
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
        self.hardware = np.exp(
            np.clip(np.log(self.block.service.by_segment)[:, :, None] * self.scale, -LARGEST, LARGEST)
        )
        self.running = self.block.service.power[:, None] * np.ones((1, self.block.size))
        self.running[self.chinese] *= self.p["energy_penalty"]
        # list prices of US makers stay; the others' rise where they sell out
        self.free = 1 - self.licensed
        self.premium = np.ones_like(self.price)
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
        self.backlog, self.tightness = np.zeros((len(SEGMENTS), n)), np.ones(n)
        self.legal_share, self.moved = np.zeros(n), np.zeros(n)
        self.closed, self.domestic_money = np.zeros(n), np.full(n, 0.5)
        self.inventory = np.zeros((len(self.products[self.chinese]), n))
        self.cumulated = np.zeros((len(self.products), n))
        self.cost_per_service = np.full(n, 15_000.0)
        self.rented, self.diverted_sum = np.zeros(n), np.zeros(n)
        self.inside_sum, self.outside_sum = np.full(n, sum(BEFORE.values())), np.full(n, WORLD_BEFORE)

    def _setting(self, name: str, t: int) -> Array:
        """A lever this quarter: a number, one per draw, or for levers on products [products, 1 or draws]."""
        drawn = self.block.lever_values.get(name)
        value = np.asarray(getattr(self.lines, name)[t])
        if drawn is not None and t > self.counted_to:
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
        weights = self._weights(t, nests)
        returned = self._returned(t)
        flow = self.segment_share * (self.budget[t] + returned)
        sold = offered[self.live] * self.prices[self.live]
        if t <= self.counted_to:
            bought = demand.counted_purchases(
                weights, money=flow, sold=sold, nests=nests, similarity=self.p["nest_similarity"]
            )
            # what was counted was bought: a budget below it was larger than its prior
            flow = np.maximum(flow, flow - bought.left)
            bought = replace(bought, left=np.maximum(bought.left, 0.0) + self.backlog)
        else:
            bought = self._buy(t, weights, flow, sold, nests)
        self.ledger.write_products(t, offered=offered)
        self.ledger.write(t, leasing_returned=returned)
        self._settle(t, bought, flow, sold)
        self._advance(t, bought, nests)

    def _buy(self, t: int, weights: Array, flow: Array, sold: Array, nests: tuple[slice, ...]) -> demand.Purchases:
        """Purchases out of this quarter's budget and the orders that wait."""
        us = slice(0, nests[1].stop)
        quota = self.lines.domestic_quota[t][:, None]
        legal = self.p["additional_share"] * (1.0 if t > self.counted_to else 0.0)
        return demand.purchases(
            weights,
            money=flow + self.backlog,
            offered=sold,
            nests=nests,
            similarity=self.p["nest_similarity"],
            extra=(us, legal),
            foreign=us if quota.any() else None,
            quota=quota if quota.any() else None,
        )

    def _reprice(self, t: int) -> None:
        """Prices to buyers and what they do to utility."""
        self.taken = self._setting("share", t) * self.licensed
        quality = self.quality[t][:, None]
        listed = self.price * quality * self._setting("price_factor", t) * self.premium
        self.prices = demand.buyer_price(listed, share=self.taken, pass_through=self.p["pass_through"])
        cost = self._cost(self.prices, self.running)
        self.cheapness = np.exp(np.clip(np.log(cost / (REFERENCE_COST * quality)) * -self.scale, -LARGEST, LARGEST))

    def _cost(self, price: Array, power: Array) -> Array:
        """Cost of owning one chip for a quarter [USD/quarter]."""
        overhead, life, energy = (self.p[k] for k in ("server_overhead", "economic_life", "energy_price"))
        return demand.service_cost(price, power=power, overhead=overhead, life=life, energy=energy)

    def _offered(self, t: int) -> Array:
        """Units that can be delivered [products, draws]."""
        offered = np.empty((len(self.products), self.block.size))
        made = self.supply.quarter(t, sold_share=self.domestic_money, pull=np.log(self.tightness))
        self.inventory += made.packages
        offered[self.chinese] = self.inventory
        offered[self.us] = self._us_offered(t)
        offered[self.grey_row] = self._smuggled(t)
        self.ledger.write(
            t,
            dies_huawei=made.dies,
            hbm_stock=made.hbm_stock,
            yield_huawei=self.supply.yield_huawei[t],
            wafers_advanced=self.supply.wafers[t],
            **{f"supply_{p.id}": made.packages[i] for i, p in enumerate(self.products[self.chinese])},
        )
        return offered

    def _smuggled(self, t: int) -> Array:
        """Smuggled units: deterred by enforcement and by legal supply, drawn in by scarcity [draws].

        Legal supply and scarcity act by what they differ from the last counted quarters, whose flow already has them.
        """
        p = self.p
        enforced = self._setting("enforcement", t) * p["grey_enforcement"]
        flow = self.grey[t] * (1 - enforced)
        if t <= self.counted_to:
            self.counted_scarcity, self.counted_legal = np.log(self.tightness), self.legal_share.copy()
            return np.asarray(flow)
        scarcity = np.log(self.tightness) - getattr(self, "counted_scarcity", 0.0)
        legal = self.legal_share - getattr(self, "counted_legal", 0.0)
        return np.asarray(flow * np.exp(p["grey_price_response"] * scarcity - p["grey_legal_response"] * legal))

    def _returned(self, t: int) -> Array:
        """Money that a closed valve on leasing sends home [USD a quarter]: part of what would have been spent abroad."""
        open_part = np.asarray(self._setting("leasing", t))
        return np.asarray(self._leasing_wish(t) * (1 - open_part) * self.p["leasing_return"])

    def _leasing_wish(self, t: int) -> Array:
        """What would be spent on capacity abroad with the valve open and no shortage at home [USD a quarter]."""
        p = self.p
        # it was small before the rule of October 2022 and grew into its trend by early 2024
        begun = float(np.clip((quarter_year(t) - 2022.75) / 1.25, 0.0, 1.0))
        years = quarter_year(t) - LEASING_YEAR
        level = p["budget_2025"] * self.segment_share[:2].sum(axis=0) * p["leasing_share"]
        return np.asarray(begun * level * p["leasing_growth"] ** (faded_years(years) if years > 0 else years))

    def _us_offered(self, t: int) -> Array:
        us, p = self.products[self.us], self.p
        state_us, state_cn = self.states["washington"][t], self.states["beijing"][t]
        if self._stopped(t):
            state_us = np.zeros_like(state_us)
        self.ledger.write(t, washington=state_us.astype(float), beijing=state_cn.astype(float))
        self.closed += MEMORY * (gates.gate_closedness(state_us, state_cn) - self.closed)
        pace, approvals = self._setting("licence_pace", t), self._setting("beijing_pace", t)
        pace = np.where(np.isnan(pace), p["licence_pace"], pace)
        approvals = np.where(np.isnan(approvals), p["beijing_managed"], approvals)
        offers = self.lines.permitted[t] * (1 - self.block.blocked[t]) * self.lines.on_market[t]
        free = gates.legal_supply(
            permitted=offers[self.us, None] * self.licensed[self.us],
            allocation=np.stack([self._allocation(x) for x in us])
            * (1 - self._setting("us_first", t) * p["us_backlog"]),
            washington=gates.washington_cap(state_us, trickle=p["washington_trickle"], pace=pace),
            volume_room=self._volume_room(t),
            unit_cap=self._setting("unit_cap", t)[self.us],
            beijing=gates.beijing_cap(state_cn, trickle=p["beijing_trickle"], managed=approvals),
            worth=self.block.service.by_segment[0, self.us],
        )
        return self._counted_us(t, np.asarray(free))

    def _counted_us(self, t: int, free: Array) -> Array:
        """Counted deliveries of legal US parts where there is a count, else what the gates let through [products, draws]."""
        counts = self.block.known.counts
        held = np.maximum(self.lines.banned[t], self.block.blocked[t])
        for i, product in enumerate(self.products[self.us]):
            if not product.licensed:
                continue
            last = max(self.legal_to, self.block.known.last.get(product.id, -1))
            if t > last or (t not in counts.get(product.id, {}) and t > self.legal_to):
                continue
            units = counts.get(product.id, {}).get(t, (0.0,))[0] * (1 - held[i]) * (not self._stopped(t))
            free[i] = np.minimum(units * self.record_factor, self._setting("unit_cap", t)[i])
        return np.asarray(free)

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
        np.exp(np.maximum(own, -LARGEST, out=own), out=own)
        weights = self.hardware[:, self.live] * self.cheapness[self.live]
        for i, nest in enumerate(nests):
            weights[:, nest] *= own[:, i, None]
        return np.asarray(weights)

    # --- the books

    def _settle(self, t: int, bought: demand.Purchases, flow: Array, sold: Array) -> None:
        """Money and deliveries of the quarter: budget + additional + waiting = spent + abroad + cancelled + waiting then."""
        by_product = np.zeros_like(self.prices)
        by_product[self.live] = bought.spent.sum(axis=0)
        units = by_product / self.prices
        licensed = by_product * self.licensed
        take = licensed * self.taken
        budget, waiting = flow.sum(axis=0), self.backlog.sum(axis=0)
        unmet, additional = bought.left.sum(axis=0), bought.additional.sum(axis=0)
        self.moved = self._move_abroad(t, unmet)
        kept = (unmet - self.moved) * (1 - self.p["order_cancel"])
        self.backlog = bought.left * np.divide(kept, unmet, out=np.zeros_like(unmet), where=unmet > 0)
        spent = by_product.sum(axis=0)
        self.ledger.write_products(t, delivered=units, spending=by_product)
        self.inventory = np.maximum(self.inventory - units[self.chinese], 0.0)
        whole = np.maximum(sold, 1e-9)
        plenty = by_product[self.live] < 0.995 * whole
        self.ledger.write(
            t,
            budget=budget,
            additional=additional,
            unmet=unmet,
            moved_abroad=self.moved,
            cancelled=unmet - self.moved - kept,
            backlog=kept,
            us_take=take.sum(axis=0),
            seller_net_us=licensed.sum(axis=0) - take.sum(axis=0),
            revenue_nvidia=licensed[self.nests[0]].sum(axis=0),
            inventory_domestic=self.inventory.sum(axis=0),
            chosen_freely=np.divide(
                (by_product[self.live] * plenty).sum(axis=0), spent, out=np.zeros_like(spent), where=spent > 0
            ),
        )
        self.cumulated += units
        self.units = units
        spent = np.maximum(spent, 1.0)
        self.domestic_money = by_product[self.chinese].sum(axis=0) / spent
        self.legal_share += MEMORY * (licensed.sum(axis=0) / spent - self.legal_share)
        pressure = np.clip((budget + additional + waiting) / spent, 0.5, 4.0)
        self.tightness += TIGHTNESS_MEMORY * (pressure - self.tightness)
        if t > self.counted_to:
            asked, offered = np.zeros_like(self.premium), np.zeros_like(self.premium)
            asked[self.live], offered[self.live] = bought.asked, sold
            self.premium = demand.premium(
                self.premium, asked=asked, offered=offered, flexibility=self.p["price_flexibility"], free=self.free
            )

    def _move_abroad(self, t: int, unmet: Array) -> Array:
        """Unmet orders that turn into rent abroad, as far as the valve is open [USD a quarter]."""
        if t <= self.counted_to or self._stopped(t):
            return np.zeros_like(unmet)
        return np.asarray(unmet * self.p["leasing_response"] * self._setting("leasing", t))

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
        valve = 0.0 if self._stopped(t) else self._setting("leasing", t)
        # an order of hardware is paid at once, rent quarter by quarter: what moves buys this part of a life each quarter
        self.rented = self.rented * (1 - 1 / p["economic_life"]) * valve + self.moved / p["economic_life"]
        leased = self._leasing_wish(t) * valve + self.rented
        delivered = self.units * self.licensed
        self._outside(t, delivered)
        self.ledger.write(
            t,
            rent_china_h100=rent,
            rent_us_h100=self.rent_us[t],
            leasing_spend=leased,
            offshore_h100e=leased / (self.rent_us[t] * demand.HOURS),
            nvidia_dc_revenue=self.nvidia[t],
            us_shipments_h200=self.h200_us[t],
        )

    def _outside(self, t: int, licensed: Array) -> None:
        """Compute outside China in the definition of the counted record, and what diverted parts cost US buyers."""
        weight = (self.quality[t] * np.array([x.record_weight for x in self.products]))[:, None]
        service = self.units * weight
        inside = service.sum(axis=0)
        # smuggled and legal parts of the counted designers left the world total for China
        counted = service[self.us].sum(axis=0)
        outside = np.maximum(self.world[t] * (1 + self.p["uncounted_world"]) - counted, 0.0)
        diverted = (
            (licensed * weight).sum(axis=0) * self.p["diverted_share"] if t > self.counted_to else np.zeros_like(inside)
        )
        self.inside_sum, self.outside_sum = self.inside_sum + inside, self.outside_sum + outside
        self.diverted_sum = self.diverted_sum + diverted
        self.ledger.write(
            t,
            world_h100e=self.world[t],
            outside_new_h100e=outside,
            inside_new_h100e=inside,
            outside_h100e=self.outside_sum,
            inside_h100e=self.inside_sum,
            gap=self.outside_sum / np.maximum(self.inside_sum, 1.0),
            diverted_h100e=diverted,
            diverted_cost=self.diverted_sum * self.rent_us[t] * demand.HOURS,
        )
