"""Results of genai-bench: one JSON for every scenario and concurrency.

Field names: genai-bench 0.0.2 (sgl-project); ``_time_unit`` says the unit of the times.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chipwall.perf.evidence.load_files.records import LoadRun, Times, positive

__all__ = ["genai_bench_run", "is_genai_bench"]

UNITS = {"s": 1.0, "ms": 1e-3}


def is_genai_bench(entry: Mapping[str, Any]) -> bool:
    """Whether a JSON object is one of its files."""
    found = entry.get("aggregated_metrics")
    return isinstance(found, Mapping) and isinstance(found.get("stats"), Mapping)


def genai_bench_run(entry: Mapping[str, Any], place: str) -> LoadRun:
    """A file as a run."""
    whole = entry["aggregated_metrics"]
    stats, scale = whole["stats"], UNITS.get(str(entry.get("_time_unit", "s")), 1.0)

    def times(name: str) -> Times:
        found = stats.get(name)
        if not isinstance(found, Mapping):
            return Times()
        return Times(*(positive(found.get(key), scale=scale) for key in ("mean", "p50", "p99")))

    def mean(name: str) -> float | None:
        found = stats.get(name)
        return positive(found.get("mean")) if isinstance(found, Mapping) else None

    return LoadRun(
        tool="genai-bench",
        place=place,
        users=positive(whole.get("num_concurrency")),
        prompt=mean("num_input_tokens"),
        output=mean("num_output_tokens"),
        completed=positive(whole.get("num_completed_requests")) or 0.0,
        failed=positive(whole.get("num_error_requests")) or 0.0,
        duration=positive(whole.get("run_duration")),
        output_rate=positive(whole.get("mean_output_throughput_tokens_per_s")),
        request_rate=positive(whole.get("requests_per_second")),
        first=times("ttft"),
        each=times("tpot"),
        whole=times("e2e_latency"),
    )
