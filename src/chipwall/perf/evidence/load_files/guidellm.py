"""Results of GuideLLM: ``benchmarks.json``, one entry for every strategy of a profile.

Field names: GuideLLM 0.3 to 0.5 (a metric has ``successful`` with ``mean``, ``median`` and ``percentiles``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from chipwall.perf.evidence.load_files.records import LoadRun, Times, positive

__all__ = ["guidellm_runs", "is_guidellm"]


def is_guidellm(entry: Mapping[str, Any]) -> bool:
    """Whether a JSON object is one of its files."""
    runs = entry.get("benchmarks")
    return isinstance(runs, list) and any(isinstance(r, Mapping) and "metrics" in r for r in runs)


def guidellm_runs(entry: Mapping[str, Any], file: str) -> Iterator[LoadRun]:
    """The runs of a file."""
    version = _at(entry, "metadata", "guidellm_version")
    for at, run in enumerate(entry["benchmarks"], 1):
        if isinstance(run, Mapping) and isinstance(run.get("metrics"), Mapping):
            yield _run(run, f"{file}, {at}", str(version or ""), entry)


def _run(run: Mapping[str, Any], place: str, version: str, entry: Mapping[str, Any]) -> LoadRun:
    metrics = run["metrics"]
    strategy = _at(run, "config", "strategy") or _at(run, "args", "strategy") or run.get("scheduler") or {}
    kind = str(strategy.get("type_", "")) if isinstance(strategy, Mapping) else ""
    users, rate = _load(kind, strategy if isinstance(strategy, Mapping) else {})
    return LoadRun(
        tool="guidellm",
        place=place,
        version=version,
        model=str(_at(run, "config", "backend", "model") or _at(entry, "args", "model") or ""),
        users=users if users is not None or rate is not None else _mean(metrics, "request_concurrency"),
        rate=rate,
        prompt=_mean(metrics, "prompt_token_count"),
        output=_mean(metrics, "output_token_count"),
        completed=positive(_at(metrics, "request_totals", "successful")) or _count(metrics),
        failed=positive(_at(metrics, "request_totals", "errored")) or 0.0,
        duration=positive(run.get("duration")),
        output_rate=_mean(metrics, "output_tokens_per_second"),
        request_rate=_mean(metrics, "requests_per_second"),
        first=_times(metrics, "time_to_first_token_ms", 1e-3),
        each=_times(metrics, "inter_token_latency_ms", 1e-3),
        whole=_times(metrics, "request_latency", 1.0),
    )  # fmt: skip


def _load(kind: str, strategy: Mapping[str, Any]) -> tuple[float | None, float | None]:
    """Users or rate of a strategy; a run at full throughput has as many users as GuideLLM kept in flight."""
    if kind == "synchronous":
        return 1.0, None
    if kind == "concurrent":
        return positive(strategy.get("streams")) or positive(strategy.get("max_concurrency")), None
    if kind in ("constant", "poisson", "async"):
        return None, positive(strategy.get("rate"))
    return None, None


def _at(entry: Any, *keys: str) -> Any:
    for key in keys:
        entry = entry.get(key) if isinstance(entry, Mapping) else None
    return entry


def _mean(metrics: Mapping[str, Any], name: str) -> float | None:
    return positive(_at(metrics, name, "successful", "mean"))


def _count(metrics: Mapping[str, Any]) -> float:
    return positive(_at(metrics, "request_latency", "successful", "count")) or 0.0


def _times(metrics: Mapping[str, Any], name: str, scale: float) -> Times:
    found = _at(metrics, name, "successful")
    values = (_at(found, "mean"), _at(found, "median"), _at(found, "percentiles", "p99"))
    return Times(*(positive(v, scale=scale) for v in values))
