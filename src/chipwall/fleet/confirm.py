"""The front of a plan run request by request: where the simulation finds worse tails than the closed forms, it wins.

Each fleet of the front is simulated at its rate, a few replicas of it where it has many. If a latency at the quantile asked is
more than a tenth above the closed form's and over its limit, the capacity of that way is lowered to what the simulation
holds, and the fleets are chosen anew.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from chipwall.fleet.fleet_plan import FleetPlan, plan_of
from chipwall.fleet.options import FleetOption
from chipwall.fleet.picks import Pool, Searched
from chipwall.fleet.service import ReplicaService, service_of_setup
from chipwall.fleet.simulate import LoadResult, Prefill, simulated_load
from chipwall.fleet.traffic import Fixed, Traffic
from chipwall.perf.serving.loads import Arrivals
from chipwall.perf.serving.serve import holding_of
from chipwall.perf.serving.setup import with_layout

__all__ = ["Confirmed", "confirmed_plan"]

# Requests of one run, replicas that are run of a fleet of many, and rounds of search and run [1].
REQUESTS, REPLICAS, ROUNDS = 12_000, 4, 4
# How far apart simulation and closed form may be before the simulation wins [1], and by how much a round lowers a capacity.
APART, LOWER = 0.10, 0.9


@dataclass(frozen=True, slots=True)
class Confirmed:
    """One fleet, simulated: its tails at the quantile asked, simulated and as planned [s], and the word of its state."""

    chip: str
    layout: str
    ttft: float
    ttft_planned: float
    tpot: float
    tpot_planned: float
    state: str


def confirmed_plan(p: FleetPlan, *, seed: int = 0) -> tuple[FleetPlan, tuple[Confirmed, ...]]:
    """The plan that its simulation upholds, and what each fleet of its front came to."""
    for _ in range(ROUNDS):
        runs = [confirming_run(o, p, seed) for o in p.front]
        worse = [o for o, r in zip(p.front, runs, strict=True) if r is not None and _fails(o, r, p)]
        if not worse:
            break
        found = p.searched
        for option in worse:
            found = _lowered(found, [pool for pool in option.pick.pools if pool.role != "prefill"])
        p = plan_of(found, p.supply, rate=p.rate, pay=p.pay)
    else:
        runs = [confirming_run(o, p, seed) for o in p.front]
    told = tuple(_told(o, r, p) for o, r in zip(p.front, runs, strict=True) if r is not None)
    return p, told


def confirming_run(option: FleetOption, p: FleetPlan, seed: int) -> LoadResult | None:
    """One fleet run request by request; None for kinds of chip side by side, whose pools are fleets of their own."""
    if option.kind == "beside":
        return None
    need = p.need
    lengths = Fixed(max(round(need.prompt), 1)), Fixed(max(round(need.output), 1))
    services = {pool.role: _service(p.searched, pool) for pool in option.pick.pools}
    pools = {pool.role: pool for pool in option.pick.pools}
    use = float(np.min([p.searched.use[pool.way] for pool in option.pick.pools]))
    if "serve" in pools:
        few = min(pools["serve"].replicas, REPLICAS)
        rate = p.rate / use * few / pools["serve"].replicas
        return simulated_load(
            services["serve"], Traffic(Arrivals(rate), *lengths), replicas=few, requests=REQUESTS, seed=seed
        )
    return simulated_load(
        services["decode"], Traffic(Arrivals(p.rate / use), *lengths), replicas=pools["decode"].replicas, requests=REQUESTS,
        prefill=Prefill(services["prefill"], pools["prefill"].replicas), seed=seed,
    )  # fmt: skip


def _service(found: Searched, pool: Pool) -> ReplicaService:
    def made() -> ReplicaService:
        v, layout, need = found.ways.variants[pool.way], found.ways.layouts[pool.way], found.need
        q = replace(need.question, prompt=need.prompt, output=need.output)
        s = with_layout(v.base, v.precision, layout, holding_of(q, v.engine, found.ways.calibrated))
        return service_of_setup(s, q, chips=layout.chips)

    service: ReplicaService = found.once(("service", pool.way), made)
    return service


def _tails(r: LoadResult, p: FleetPlan) -> tuple[float, float]:
    name = f"p{p.need.share * 100:.0f}"
    return float(getattr(r.ttft, name)), float(getattr(r.tpot, name))


def _fails(option: FleetOption, r: LoadResult, p: FleetPlan) -> bool:
    name, need = f"p{p.need.share * 100:.0f}", p.need
    pairs = zip(_tails(r, p), (option.ttft[name].value, option.tpot[name].value), (need.ttft, need.tpot), strict=True)
    return any(limit is not None and run > limit and run > planned * (1.0 + APART) for run, planned, limit in pairs)


def _lowered(found: Searched, pools: list[Pool]) -> Searched:
    """The same search with a tenth less capacity in some ways."""
    changes: dict[str, Any] = {}
    for pool in pools:
        name = {"serve": "whole", "decode": "after"}[pool.role]
        capacity = changes.get(name, getattr(found, name))
        rate = capacity.rate.copy()
        rate[pool.way] *= LOWER
        changes[name] = replace(capacity, rate=rate)
    kept = {k: v for k, v in found.memo.items() if k[0] in ("bands", "service")}
    return replace(found, **changes, memo=kept)


def _told(option: FleetOption, r: LoadResult, p: FleetPlan) -> Confirmed:
    name = f"p{p.need.share * 100:.0f}"
    first, token = _tails(r, p)
    return Confirmed(
        option.chip_words, option.layout_words, first, option.ttft[name].value, token, option.tpot[name].value, r.state
    )
