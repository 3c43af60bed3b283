"""Runs of the table as each tool writes them: the schemas that its readers must understand, holding the public figures."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

Row = Mapping[str, str]


def table() -> list[dict[str, str]]:
    """Public runs with their address; see ``runs.csv``."""
    with (Path(__file__).parent / "runs.csv").open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


def real(value: str) -> float | None:
    return float(value) if value else None


def ms(value: str) -> float | None:
    return float(value) * 1e3 if value else None


def vllm_bench(row: Row) -> dict[str, Any]:
    count, said = float(row["completed"]), row["statistic"]
    return {
        "backend": "vllm", "model_id": row["model"], "num_prompts": count, "completed": count, "failed": 0,
        "request_rate": real(row["rate"]) or "inf", "max_concurrency": real(row["users"]),
        "duration": count / float(row["request_rate"]), "total_input_tokens": count * float(row["prompt"]),
        "total_output_tokens": count * float(row["output"]), "request_throughput": real(row["request_rate"]),
        "output_throughput": real(row["output_rate"]), f"{said}_ttft_ms": ms(row["ttft_s"]), f"{said}_tpot_ms": ms(row["tpot_s"]),
    }  # fmt: skip


def sglang_bench(row: Row) -> dict[str, Any]:
    count = float(row["completed"])
    return {
        "backend": "sglang", "dataset_name": "random", "request_rate": real(row["rate"]), "max_concurrency": None,
        "total_input_tokens": count * float(row["prompt"]), "total_output_tokens": count * float(row["output"]),
        "total_output_tokens_retokenized": count * float(row["output"]), "mean_e2e_latency_ms": ms(row["latency_s"]),
        "median_ttft_ms": ms(row["ttft_s"]), "median_itl_ms": ms(row["tpot_s"]), "output_throughput": real(row["output_rate"]),
        "random_range_ratio": 0.0, "duration": count / float(row["request_rate"]), "completed": count,
    }  # fmt: skip


def aiperf(row: Row) -> dict[str, Any]:
    def metric(value: float | None, unit: str) -> dict[str, Any]:
        return {"unit": unit, "avg": value}

    load = {"concurrency": real(row["users"])} if row["users"] else {"rate": real(row["rate"])}
    return {
        "aiperf_version": "0.11.0", "request_throughput": metric(real(row["request_rate"]), "requests/sec"),
        "request_latency": metric(ms(row["latency_s"]), "ms") | {"count": real(row["completed"])},
        "time_to_first_token": metric(ms(row["ttft_s"]), "ms"), "inter_token_latency": metric(ms(row["tpot_s"]), "ms"),
        "output_token_throughput": metric(real(row["output_rate"]), "tokens/sec"),
        "input_sequence_length": metric(real(row["prompt"]), "tokens"),
        "output_sequence_length": metric(real(row["output"]), "tokens"),
        "input_config": {"tokenizer": {"name": row["model"]}, "phases": [{"name": "profiling", **load}]},
    }  # fmt: skip


def inference_perf(row: Row) -> dict[str, Any]:
    return {
        "load_summary": {"count": real(row["completed"]), "requested_rate": real(row["rate"])},
        "successes": {
            "count": real(row["completed"]),
            "latency": {
                "request_latency": {"median": float(row["ttft_s"]) + float(row["tpot_s"]) * (float(row["output"]) - 1)},
                # pieces of the stream, of which most hold two tokens
                "time_per_output_token": {"median": float(row["tpot_s"]) / 2},
                "time_to_first_token": {"median": real(row["ttft_s"])},
            },
            "throughput": {"output_tokens_per_sec": real(row["output_rate"]), "requests_per_sec": real(row["request_rate"])},
            "prompt_len": {"mean": real(row["prompt"])}, "output_len": {"mean": real(row["output"])},
        },
        "failures": {"count": 0},
    }  # fmt: skip


def guidellm(rows: Sequence[Row]) -> dict[str, Any]:
    def told(value: float | None) -> dict[str, Any]:
        return {"successful": {"mean": value, "median": value, "percentiles": {"p99": value}}}

    def one(row: Row) -> dict[str, Any]:
        kind = (
            {"type_": "concurrent", "streams": real(row["users"])}
            if row["users"]
            else {"type_": "poisson", "rate": real(row["rate"])}
        )
        return {
            "config": {"strategy": kind, "backend": {"model": row["model"]}},
            "metrics": {
                "request_totals": {"successful": real(row["completed"]), "errored": 0},
                "requests_per_second": told(real(row["request_rate"])), "output_tokens_per_second": told(real(row["output_rate"])),
                "prompt_token_count": told(real(row["prompt"])), "output_token_count": told(real(row["output"])),
                "request_latency": told(float(row["ttft_s"]) + float(row["tpot_s"]) * (float(row["output"]) - 1)),
                "time_to_first_token_ms": told(ms(row["ttft_s"])), "inter_token_latency_ms": told(ms(row["tpot_s"])),
                "time_per_output_token_ms": told(ms(row["tpot_s"])),
            },
        }  # fmt: skip

    return {"metadata": {"guidellm_version": "0.5.0"}, "benchmarks": [one(r) for r in rows]}


def genai_bench(row: Row) -> dict[str, Any]:
    def told(value: float | None) -> dict[str, Any]:
        return {"mean": value, "p50": value, "p99": value}

    latency = float(row["ttft_s"]) + float(row["tpot_s"]) * (float(row["output"]) - 1)
    return {
        "_time_unit": "s",
        "aggregated_metrics": {
            "num_concurrency": real(row["users"]), "num_completed_requests": real(row["completed"]), "num_error_requests": 0,
            "requests_per_second": real(row["request_rate"]), "mean_output_throughput_tokens_per_s": real(row["output_rate"]),
            "stats": {
                "ttft": told(real(row["ttft_s"])), "tpot": told(real(row["tpot_s"])), "e2e_latency": told(latency),
                "num_input_tokens": told(real(row["prompt"])), "num_output_tokens": told(real(row["output"])),
            },
        },
    }  # fmt: skip


def loadgen(row: Row) -> str:
    latency = float(row["ttft_s"]) + float(row["tpot_s"]) * (float(row["output"]) - 1)
    lines = [
        "================================================", "MLPerf Results Summary",
        "================================================", "SUT name : SUT", "Scenario : Server", "Mode     : PerformanceOnly",
        f"Completed samples per second    : {row['request_rate']}", f"Completed tokens per second: {row['output_rate']}",
        "Result is : VALID", f"Mean latency (ns)               : {latency * 1e9:.0f}",
        f"50.00 percentile latency (ns)   : {latency * 1e9:.0f}",
        f"Mean First Token latency (ns)   : {float(row['ttft_s']) * 1e9:.0f}",
        f"50.00 percentile first token latency (ns)   : {float(row['ttft_s']) * 1e9:.0f}",
        f"Mean Time per Output Token (ns)   : {float(row['tpot_s']) * 1e9:.0f}",
        f"50.00 percentile time to output token (ns)   : {float(row['tpot_s']) * 1e9:.0f}",
        f"target_qps : {row['rate'] or row['request_rate']}", "min_query_count : 1000",
    ]  # fmt: skip
    return "\n".join(lines) + "\n"


def printed(row: Row) -> str:
    count = float(row["completed"])
    lines = [
        "============ Serving Benchmark Result ============", f"Successful requests:                     {count:.0f}",
        f"Maximum request concurrency:             {float(row['users']):.0f}",
        f"Benchmark duration (s):                  {count / float(row['request_rate']):.4f}",
        f"Total input tokens:                      {count * float(row['prompt']):.0f}",
        f"Total generated tokens:                  {count * float(row['output']):.0f}",
        f"Request throughput (req/s):              {float(row['request_rate']):.4f}",
        f"Output token throughput (tok/s):         {float(row['output_rate']):.4f}",
        "---------------Time to First Token----------------", f"Median TTFT (ms):                        {ms(row['ttft_s']):.4f}",
        "-----Time per Output Token (excl. 1st token)------", f"Median TPOT (ms):                        {ms(row['tpot_s']):.4f}",
        "==================================================",
    ]  # fmt: skip
    return "\n".join(lines) + "\n"


BY_TOOL: Mapping[str, Callable[[Row], dict[str, Any]]] = {
    "vllm bench": vllm_bench, "sglang bench": sglang_bench, "aiperf": aiperf, "inference-perf": inference_perf,
}  # fmt: skip


def written(folder: Path, rows: Sequence[Row]) -> list[Path]:
    """The runs in files of the tool that measured them."""
    places = []
    for at, row in enumerate(rows, 1):
        place = folder / f"run{at:02d}.json"
        place.write_text(json.dumps(BY_TOOL[row["tool"]](row)), encoding="utf-8")
        places.append(place)
    return places
