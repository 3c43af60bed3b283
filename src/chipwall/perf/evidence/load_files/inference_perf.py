"""Results of inference-perf: ``stage_N_lifecycle_metrics.json`` and the summary.

Field names: reports of inference-perf 0.2 (kubernetes-sigs); times are in seconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chipwall.perf.evidence.load_files.records import LoadRun, Times, positive

__all__ = ["inference_perf_run", "is_inference_perf"]


def is_inference_perf(entry: Mapping[str, Any]) -> bool:
    """Whether a JSON object is one of its reports."""
    return isinstance(entry.get("successes"), Mapping) and isinstance(entry.get("load_summary"), Mapping)


def inference_perf_run(entry: Mapping[str, Any], place: str) -> LoadRun:
    """A report as a run; its clients arrive at the rate that was asked for, or are as many as ``concurrency`` says."""
    done, load = entry["successes"], entry["load_summary"]
    latency, speed = _mapping(done, "latency"), _mapping(done, "throughput")
    failures = _mapping(entry, "failures")
    requests, completed = positive(speed.get("requests_per_sec")), positive(done.get("count")) or 0.0
    users = positive(load.get("concurrency"))
    return LoadRun(
        tool="inference-perf",
        place=place,
        users=users,
        rate=None if users is not None else positive(load.get("requested_rate")),
        prompt=positive(_mapping(done, "prompt_len").get("mean")),
        output=positive(_mapping(done, "output_len").get("mean")),
        completed=completed,
        failed=positive(failures.get("count")) or 0.0,
        duration=completed / requests if requests else None,
        output_rate=positive(speed.get("output_tokens_per_sec")),
        request_rate=requests,
        first=_times(latency, "time_to_first_token"),
        each=_times(latency, "time_per_output_token"),
        whole=_times(latency, "request_latency"),
    )


def _mapping(entry: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = entry.get(name)
    return found if isinstance(found, Mapping) else {}


def _times(latency: Mapping[str, Any], name: str) -> Times:
    found = _mapping(latency, name)
    return Times(*(positive(found.get(key)) for key in ("mean", "median", "p99")))
