"""A plan as plain values: every figure an object with ``value``, ``low`` and ``high``; money in the plan's currency."""

from __future__ import annotations

from typing import Any

from chipwall.fleet.fleet_plan import FleetPlan
from chipwall.fleet.money import Span
from chipwall.fleet.options import FleetOption, Member
from chipwall.fleet.start_flags import start_lines
from chipwall.fleet.work_plan import JobOption, JobPlan
from chipwall.perf.layout import layout_words

__all__ = ["job_data", "job_row", "option_data", "plan_data"]

MILLI = 1e-3


def plan_data(p: FleetPlan) -> dict[str, Any]:
    """The plan as ``--json`` prints it."""
    need = p.need
    return {
        "question": {
            "task": "serve", "model": need.model.id, "rate_per_s": need.rate, "prompt_tokens": need.prompt,
            "output_tokens": need.output, "ttft_limit_s": need.ttft, "tpot_limit_s": need.tpot, "share": need.share,
            "on": p.supply.on.isoformat(), "currency": p.supply.currency, "pay": p.pay,
        },
        "best": option_data(p.best, p),
        "front": [option_data(o, p) for o in p.front],
        "rejected": [{"chip": r.chip, "reason": str(r.reason)} for r in p.rejected],
        "binding": {
            "requirement": p.binding.requirement, "limit_s": p.binding.limit, "lifted_s": p.binding.lifted,
            "chips": p.binding.chips, "chips_lifted": p.binding.chips_lifted, "said": str(p.binding.said),
        },
        "spares": [
            {"replicas": s.replicas, "chips": s.chips, "cost_per_month": None if s.month is None else s.month.as_json()}
            for s in p.spares
        ],
        "one_down": dict(p.one_down),
        "rent_or_own": _even_data(p),
        "start": [{"role": m.role, "chip": m.chip.id, **start_lines(m, need)} for m in p.best.members],
        "warnings": [str(w) for w in p.warnings],
        "simulated": [
            {
                "chip": c.chip, "layout": c.layout, "ttft_ms": c.ttft / MILLI, "ttft_planned_ms": c.ttft_planned / MILLI,
                "tpot_ms": c.tpot / MILLI, "tpot_planned_ms": c.tpot_planned / MILLI, "state": c.state,
            }
            for c in p.simulated
        ],
    }  # fmt: skip


def _even_data(p: FleetPlan) -> dict[str, Any]:
    best, own = p.best, p.best.owning
    months, when = p.even if p.even else (None, None)
    return {
        "rent_per_month": _data(best.rent),
        "own_per_month": _data(best.own),
        "capital": None if own is None else own.capital.as_json(),
        "own_parts_per_month": None if own is None else {k: v.as_json() for k, v in own.parts.items()},
        "break_even_months": months,
        "break_even_on": None if when is None else when.isoformat(),
        "currency": p.supply.currency,
    }


def _data(span: Span | None) -> dict[str, float | None] | None:
    return None if span is None else span.as_json()


def option_data(o: FleetOption, p: FleetPlan) -> dict[str, Any]:
    """One fleet."""
    return {
        "chip": o.chip_words,
        "chips": o.chips.as_json(),
        "replicas": o.replicas.as_json(),
        "layout": o.layout_words,
        "ttft_ms": {name: o.ttft[name].times(1.0 / MILLI).as_json() for name in o.ttft},
        "tpot_ms": {name: o.tpot[name].times(1.0 / MILLI).as_json() for name in o.tpot},
        "utilisation": o.utilisation.as_json(),
        "cost_per_month": _data(o.month),
        "cost_per_million_tokens": _data(o.per_million),
        "currency": p.supply.currency,
        "paid": o.paid,
        "law": o.law,
        "kind": o.kind,
        "basis": sorted({m.basis for m in o.members}),
        "power_w": {"rated": o.rated, "drawn": o.drawn, "building": o.rated * p.supply.own.pue.value},
        "servers": o.servers,
        "racks": o.racks,
        "pools": [_pool_data(m) for m in o.members],
    }


def _pool_data(m: Member) -> dict[str, Any]:
    return {
        "role": m.role, "chip": m.chip.id, "chips": m.chips, "replicas": m.replicas, "layout": layout_words(m.layout),
        "precision": m.precision, "cache": m.cache, "engine": m.engine, "rate_per_replica_per_s": m.rate,
        "capacity_per_replica_per_s": m.capacity, "most_per_replica_per_s": m.most, "batch": m.batch,
        "batch_allowed": m.allowed, "binds": m.binds, "basis": m.basis,
    }  # fmt: skip


def job_row(o: JobOption, money: str) -> dict[str, Any]:
    """One way to do a job, flat."""
    return {
        "chip": o.chip.id, "chips": float(o.chips), "layout": o.layout, "days": o.days.value, "days_low": o.days.low,
        "days_high": o.days.high, "cost": None if o.cost is None else o.cost.value, "currency": money, "paid": o.paid,
        "rated_power_w": o.rated, "energy_j": o.energy, "law": o.law, "basis": o.basis,
    }  # fmt: skip


def job_data(p: JobPlan) -> dict[str, Any]:
    """A plan of training or fine-tuning as ``--json`` prints it."""
    job, money = p.job, p.supply.currency

    def told(o: JobOption) -> dict[str, Any]:
        return {
            "chip": o.chip.id, "chips": Span.exact(float(o.chips)).as_json(), "layout": o.layout, "days": o.days.as_json(),
            "tokens_per_s": o.rate, "cost": _data(o.cost), "cost_per_million_tokens": _data(o.per_million), "currency": money,
            "paid": o.paid, "power_w": {"rated": o.rated}, "energy_j": o.energy, "law": o.law, "basis": o.basis,
        }  # fmt: skip

    return {
        "question": {
            "task": job.task, "model": job.model.id, "tokens": job.tokens, "days": job.days, "batch": job.batch,
            "length": job.length, "precision": job.precision, "method": job.method if job.task == "tune" else None,
            "on": p.supply.on.isoformat(), "currency": money,
        },
        "best": told(p.best),
        "front": [told(o) for o in p.front],
        "rejected": [{"chip": r.chip, "reason": str(r.reason)} for r in p.rejected],
        "binding": {"said": str(p.said)},
    }  # fmt: skip
