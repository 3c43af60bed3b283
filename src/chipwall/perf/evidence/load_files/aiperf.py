"""Results of AIPerf and of GenAI-Perf: ``profile_export_*.json``, one run a file, and AIPerf's file of a sweep.

Field names: docs of AIPerf 0.11 (a metric is ``{"unit", "avg", "p50", "p99", ...}``) and of GenAI-Perf 0.0.16.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from chipwall.perf.evidence.load_files.records import LoadRun, Times, positive

__all__ = ["aiperf_runs", "is_aiperf"]

# Seconds in a unit that the tools write.
UNITS = {"s": 1.0, "sec": 1.0, "seconds": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}


def is_aiperf(entry: Mapping[str, Any]) -> bool:
    """Whether a JSON object is one of theirs."""
    return "per_combination_metrics" in entry or (
        isinstance(entry.get("request_latency"), Mapping) and "request_throughput" in entry
    )


def aiperf_runs(entry: Mapping[str, Any], file: str) -> Iterator[LoadRun]:
    """The runs of a file."""
    combinations = entry.get("per_combination_metrics")
    if not isinstance(combinations, list):
        yield _run(entry, entry, file)
        return
    for at, one in enumerate(combinations, 1):
        if isinstance(one, Mapping) and isinstance(one.get("metrics"), Mapping):
            yield _run(one["metrics"], one, f"{file}, {at}")


def _run(metrics: Mapping[str, Any], entry: Mapping[str, Any], place: str) -> LoadRun:
    count = _value(metrics, "request_count") or _entry(metrics, "request_latency", "count") or 0.0
    users, rate = _load(entry)
    version = str(entry.get("aiperf_version") or "")
    return LoadRun(
        tool="genai-perf" if not version and "per_combination_metrics" not in entry and _perf_analyzer(entry) else "aiperf",
        place=place,
        version=version,
        model=_model(entry),
        users=users,
        rate=None if users is not None else rate,
        prompt=_value(metrics, "input_sequence_length"),
        output=_value(metrics, "output_sequence_length"),
        completed=count,
        failed=_value(metrics, "error_request_count") or 0.0,
        duration=_value(metrics, "benchmark_duration"),
        output_rate=_value(metrics, "output_token_throughput"),
        request_rate=_value(metrics, "request_throughput"),
        first=_times(metrics, "time_to_first_token"),
        each=_times(metrics, "inter_token_latency"),
        whole=_times(metrics, "request_latency"),
    )  # fmt: skip


def _entry(metrics: Mapping[str, Any], name: str, key: str) -> float | None:
    found = metrics.get(name)
    return positive(found.get(key)) if isinstance(found, Mapping) else None


def _value(metrics: Mapping[str, Any], name: str) -> float | None:
    return _entry(metrics, name, "avg") or _entry(metrics, name, "mean")


def _times(metrics: Mapping[str, Any], name: str) -> Times:
    found = metrics.get(name)
    if not isinstance(found, Mapping):
        return Times()
    scale = UNITS.get(str(found.get("unit", "ms")), 1e-3)
    mean = found.get("avg", found.get("mean"))
    return Times(*(positive(v, scale=scale) for v in (mean, found.get("p50"), found.get("p99"))))


def _perf_analyzer(entry: Mapping[str, Any]) -> bool:
    given = entry.get("input_config")
    return isinstance(given, Mapping) and ("perf_analyzer" in given or "concurrency" in given)


def _load(entry: Mapping[str, Any]) -> tuple[float | None, float | None]:
    """Users and rate, wherever that version of the tool keeps them."""
    given = entry.get("input_config")
    places: list[Any] = [entry.get("parameters")]
    if isinstance(given, Mapping):
        phases = given.get("phases")
        places += [given, given.get("loadgen"), _inner(given, "perf_analyzer", "stimulus")]
        if isinstance(phases, list):
            places += [p for p in phases if isinstance(p, Mapping) and not p.get("exclude_from_results")]
    found = [p for p in places if isinstance(p, Mapping)]
    users = next((v for p in found if (v := positive(p.get("concurrency")))), None)
    rate = next((v for p in found for key in ("request_rate", "rate") if (v := positive(p.get(key)))), None)
    return users, rate


def _inner(given: Mapping[str, Any], *keys: str) -> Any:
    found: Any = given
    for key in keys:
        found = found.get(key) if isinstance(found, Mapping) else None
    return found


def _model(entry: Mapping[str, Any]) -> str:
    given = entry.get("input_config")
    if not isinstance(given, Mapping):
        return ""
    named = _inner(given, "tokenizer", "name")
    items = _inner(given, "models", "items")
    listed = items[0].get("name") if isinstance(items, list) and items and isinstance(items[0], Mapping) else None
    older = given.get("model_names") or _inner(given, "endpoint", "model_names")
    return str(named or listed or (older[0] if isinstance(older, list) and older else older) or "")
