"""Logs of MLPerf LoadGen: ``mlperf_log_summary.txt`` of the server and interactive scenarios of language models.

Field names: loadgen/results.cc of mlcommons/inference 5.1; times are in nanoseconds.
"""

from __future__ import annotations

import re

from chipwall.perf.evidence.load_files.records import LoadRun, Times, positive

__all__ = ["is_loadgen", "loadgen_run"]

TITLE = "MLPerf Results Summary"
LINE = re.compile(r"^(?P<name>[^:]+?)\s*:\s*(?P<value>\S+)\s*$")
NANO = 1e-9


def is_loadgen(words: str) -> bool:
    """Whether a text is such a summary."""
    return TITLE in words[:4096]


def loadgen_run(words: str, place: str) -> LoadRun:
    """A summary as a run; the lengths of the data set are not in it and must be given."""
    said = {m["name"].strip().casefold(): m["value"] for line in words.splitlines() if (m := LINE.match(line.strip()))}

    def value(*names: str, scale: float = 1.0) -> float | None:
        for name in names:
            try:
                return positive(float(said[name.casefold()]), scale=scale)
            except (KeyError, ValueError):
                continue
        return None

    def times(what: str, each: str) -> Times:
        return Times(
            value(f"Mean {what} (ns)", scale=NANO), value(f"50.00 percentile {each} (ns)", scale=NANO),
            value(f"99.00 percentile {each} (ns)", scale=NANO),
        )  # fmt: skip

    requests = value("Completed samples per second", "Samples per second")
    tokens = value("Completed tokens per second", "Tokens per second")
    valid = said.get("result is", "") == "VALID"
    count = value("min_query_count", "max_query_count")
    return LoadRun(
        tool="loadgen",
        place=place,
        model="",
        rate=value("target_qps") if said.get("scenario", "").casefold() in ("server", "interactive") else None,
        output=tokens / requests if tokens and requests else None,
        completed=(count or 1.0) if valid else 0.0,
        output_rate=tokens,
        request_rate=requests,
        first=times("First Token latency", "first token latency"),
        each=times("Time per Output Token", "time to output token"),
        whole=times("latency", "latency"),
    )
