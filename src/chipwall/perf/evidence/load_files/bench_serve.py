"""Results of ``vllm bench serve`` (and of its sweeps) and of ``sglang.bench_serving``: JSON, JSON lines, or the printed block.

Field names and definitions: vllm/benchmarks/serve.py of vLLM 0.25 and python/sglang/bench_serving.py of SGLang 0.5.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from chipwall.perf.evidence.load_files.records import LoadRun, Times, positive

__all__ = ["bench_run", "is_bench", "printed_runs"]

# What marks a result of either tool, and what only SGLang writes.
MARKS = ("median_ttft_ms", "mean_ttft_ms", "median_itl_ms")
SGLANG = ("total_output_tokens_retokenized", "mean_e2e_latency_ms", "random_range_ratio", "sharegpt_output_len")


def is_bench(entry: Mapping[str, Any]) -> bool:
    """Whether a JSON object is a result of one of them."""
    return "total_output_tokens" in entry and any(mark in entry for mark in MARKS)


def bench_run(entry: Mapping[str, Any], place: str) -> LoadRun:
    """One result as a run."""
    sglang = any(mark in entry for mark in SGLANG)
    completed = positive(entry.get("completed")) or 0.0
    prompts, duration = positive(entry.get("num_prompts")), positive(entry.get("duration"))
    each = _times(entry, "tpot")
    if each.usual is None:
        each = _times(entry, "itl")
    rate = positive(entry.get("request_rate"))
    users = positive(entry.get("max_concurrency"))
    return LoadRun(
        tool="sglang bench" if sglang else "vllm bench",
        place=place,
        version=str(entry.get("vllm_version") or entry.get("version") or ""),
        model=str(entry.get("model_id") or entry.get("model") or ""),
        users=users if users is not None else _all_at_once(entry, prompts, completed),
        rate=rate if users is None else None,
        prompt=_per(entry.get("total_input_tokens"), completed),
        output=_per(entry.get("total_output_tokens"), completed),
        completed=completed,
        failed=positive(entry.get("failed")) or max((prompts or completed) - completed, 0.0),
        duration=duration,
        output_rate=positive(entry.get("output_throughput")),
        request_rate=positive(entry.get("request_throughput")) or _per(completed, duration),
        first=_times(entry, "ttft"),
        each=each,
        whole=_times(entry, "e2el") if "mean_e2el_ms" in entry else _times(entry, "e2e_latency"),
    )


def _all_at_once(entry: Mapping[str, Any], prompts: float | None, completed: float) -> float | None:
    """With an infinite rate and no limit of users every request is there from the start."""
    return None if positive(entry.get("request_rate")) is not None else prompts or completed or None


def _per(total: Any, count: float | None) -> float | None:
    value = positive(total)
    return value / count if value is not None and count else None


def _times(entry: Mapping[str, Any], name: str) -> Times:
    return Times(*(positive(entry.get(f"{kind}_{name}_ms"), scale=1e-3) for kind in ("mean", "median", "p99")))


# Lines of the printed block and the JSON field that each is.
PRINTED = {
    "Successful requests": "completed", "Failed requests": "failed", "Benchmark duration (s)": "duration",
    "Maximum request concurrency": "max_concurrency", "Max request concurrency": "max_concurrency",
    "Max reqeuest concurrency": "max_concurrency", "Traffic request rate": "request_rate",
    "Request rate configured (RPS)": "request_rate", "Total input tokens": "total_input_tokens",
    "Total generated tokens": "total_output_tokens", "Request throughput (req/s)": "request_throughput",
    "Output token throughput (tok/s)": "output_throughput", "Mean E2E Latency (ms)": "mean_e2e_latency_ms",
    "Median E2E Latency (ms)": "median_e2e_latency_ms", "Mean E2EL (ms)": "mean_e2el_ms", "Median E2EL (ms)": "median_e2el_ms",
}  # fmt: skip
HEAD = re.compile(r"^=+ Serving Benchmark Result =+\s*$")
LINE = re.compile(r"^(?P<name>[A-Z][A-Za-z0-9 ()/]+?):\s+(?P<value>\S+)\s*$")
STATISTIC = re.compile(r"^(Mean|Median|P99) (TTFT|TPOT|ITL) \(ms\)$")


def printed_runs(words: str, file: str) -> Iterator[LoadRun]:
    """Every block ``Serving Benchmark Result`` of a log."""
    entry: dict[str, Any] | None = None
    count = 0
    for line in [*words.splitlines(), "====="]:
        bare = line.strip(" #")
        if HEAD.match(bare):
            entry, count = {}, count + 1
        elif entry is not None and bare and set(bare) == {"="}:
            if is_bench(entry):
                yield bench_run(entry, f"{file}, {count}")
            entry = None
        elif entry is not None and (found := LINE.match(bare)):
            _note(entry, found["name"], found["value"])


def _note(entry: dict[str, Any], name: str, value: str) -> None:
    statistic = STATISTIC.match(name)
    field = "_".join((*statistic.groups(), "ms")).lower() if statistic else PRINTED.get(name)
    if name == "Total generated tokens (retokenized)":
        field = "total_output_tokens_retokenized"
    if field is not None:
        try:
            entry[field] = float(value.replace(",", ""))
        except ValueError:
            entry[field] = value
