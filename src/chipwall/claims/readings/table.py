"""The table from a quantity of the vocabulary to the pure function that reads it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from chipwall.claims.library import Library
from chipwall.claims.readings import facts, groups, memory, performance, scenarios, series, systems
from chipwall.claims.readings import law as legal
from chipwall.claims.records import Claim, Reading, Value

__all__ = ["READINGS", "ReadingEngine"]

# Claim (for subject and baseline), all conditions of one point, world.
ReadingEngine = Callable[[Claim, Mapping[str, Value], Library], Reading]

READINGS: Mapping[str, ReadingEngine] = {
    "fact": facts.fact,
    "fact_ratio": facts.fact_ratio,
    "position": facts.position,
    "legal_measure": legal.legal_measure,
    "measure_over_limit": legal.measure_over_limit,
    "limit_operand": legal.limit_operand,
    "decision": legal.decision,
    "event_effect": legal.event_effect,
    "earlier_relaxations": legal.earlier_relaxations,
    "belongs_to": groups.belongs_to,
    "came_out": groups.came_out,
    "ratio_to_best": groups.ratio_to_best,
    "model_parameters": groups.model_parameters,
    "system_ratio": systems.system_ratio,
    "memory_share": memory.memory_share,
    "throughput": performance.throughput,
    "throughput_ratio": performance.throughput_ratio,
    "first_token_time": performance.time_to_first_token,
    "token_time": performance.token_time,
    "step_time": performance.optimizer_step_time,
    "training_ratio": performance.training_ratio,
    "work_ratio": performance.work_ratio,
    "measured_ratio": performance.measured_ratio,
    "hpc_ratio": performance.hpc_ratio,
    "energy_ratio": performance.energy_ratio,
    "price": series.price,
    "rent": series.rent,
    "price_ratio": series.price_ratio,
    "cost_per_unit_ratio": series.cost_per_unit_ratio,
    "series": series.published_number,
    "series_ratio": series.series_ratio,
    "series_growth": series.series_growth,
    "stock_share": series.stock_share,
    "scenario_value": scenarios.scenario_value,
    "scenario_difference": scenarios.scenario_difference,
    "scenario_ratio": scenarios.scenario_ratio,
    "scenario_growth": scenarios.scenario_growth,
}
