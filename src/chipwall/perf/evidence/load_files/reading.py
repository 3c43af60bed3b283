"""A file of a load test: which tool wrote it, and its runs."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from chipwall.errors import InputError
from chipwall.files import text_of_file
from chipwall.perf.evidence.load_files import (
    aiperf,
    bench_serve,
    genai_bench,
    guidellm,
    inference_perf,
    loadgen,
)
from chipwall.perf.evidence.load_files.records import LoadRun, doubt
from chipwall.text import Text, text

__all__ = ["Refused", "believed", "read_runs"]

# The largest result file that is read: detailed ones hold every gap of every request [byte].
LARGEST = 256 << 20
TOOLS = (
    "vllm bench serve, sglang bench_serving, AIPerf, GenAI-Perf, GuideLLM, inference-perf, genai-bench, MLPerf LoadGen"
)

Entry = Mapping[str, Any]
# Which objects are whose, and how they become runs.
READERS: tuple[tuple[Callable[[Entry], bool], Callable[[Entry, str], Iterable[LoadRun]]], ...] = (
    (bench_serve.is_bench, lambda entry, place: (bench_serve.bench_run(entry, place),)),
    (aiperf.is_aiperf, aiperf.aiperf_runs),
    (guidellm.is_guidellm, guidellm.guidellm_runs),
    (inference_perf.is_inference_perf, lambda entry, place: (inference_perf.inference_perf_run(entry, place),)),
    (genai_bench.is_genai_bench, lambda entry, place: (genai_bench.genai_bench_run(entry, place),)),
)

Refused = tuple[str, Text]
"""A run that is not believed: its place, and why."""


def read_runs(places: Sequence[Path]) -> tuple[LoadRun, ...]:
    """Every run of some files, all of one tool.

    Raises
    ------
    InputError
        A file that cannot be read, is cut short, is of no known tool, or files of two tools: clients count and time
        differently, and their difference would be taken for the chip's.
    """
    found: list[LoadRun] = []
    for place in places:
        runs = _runs_of_file(place)
        if not runs:
            raise _unknown(place)
        found += runs
    tools = dict.fromkeys(r.tool for r in found)
    if len(tools) > 1:
        first = {tool: next(r.place for r in found if r.tool == tool) for tool in tools}
        raise InputError(
            text("files of two tools: {tools}", tools=", ".join(f"{t} ({p})" for t, p in first.items())),
            where="from",
            fix=text("Clients count and time differently: calibrate on the files of one tool"),
        )
    return tuple(found)


def believed(
    runs: Sequence[LoadRun], *, prompt: float | None = None, output: float | None = None
) -> tuple[tuple[LoadRun, ...], tuple[Refused, ...]]:
    """The runs whose numbers agree with each other, and the others with the reason; lengths fill in what a file lacks."""
    good, refused = [], []
    for run in runs:
        whole = replace(run, prompt=run.prompt or prompt, output=run.output or output)
        reason = doubt(whole)
        if reason is None:
            good.append(whole)
        else:
            refused.append((whole.place, reason))
    return tuple(good), tuple(refused)


def _runs_of_file(place: Path) -> list[LoadRun]:
    words = text_of_file(place, argument="from", most=LARGEST)
    if loadgen.is_loadgen(words):
        return [loadgen.loadgen_run(words, place.name)]
    start = words.lstrip()[:1]
    if start not in ("{", "["):
        return list(bench_serve.printed_runs(words, place.name))
    return [run for entry, name in _entries(words, place) for run in _runs_of(entry, name)]


def _entries(words: str, place: Path) -> Iterator[tuple[Entry, str]]:
    """The JSON objects of a file: one, a list, or one a line."""
    try:
        whole = json.loads(words)
    except RecursionError:
        raise InputError(text("the file is nested too deeply"), where=str(place)) from None
    except ValueError as error:
        yield from _lines(words, place, error)
        return
    entries = whole if isinstance(whole, list) else [whole]
    for at, entry in enumerate(entries, 1):
        if isinstance(entry, dict):
            yield entry, place.name if len(entries) == 1 else f"{place.name}, {at}"


def _lines(words: str, place: Path, error: ValueError) -> Iterator[tuple[Entry, str]]:
    lines = [(n, line) for n, line in enumerate(words.splitlines(), 1) if line.strip()]
    for n, line in lines:
        try:
            entry = json.loads(line)
        except (ValueError, RecursionError):
            why = text("cut short, or not JSON: {why}", why=str(error)[:80])
            raise InputError(
                why, where=text("{file}, line {line}", file=str(place), line=n if len(lines) > 1 else 1),
                fix=text("Give the file as the tool wrote it; copy it again if the run was interrupted"),
            ) from None  # fmt: skip
        if isinstance(entry, dict):
            yield entry, f"{place.name}, {n}"


def _runs_of(entry: Entry, place: str) -> list[LoadRun]:
    for is_one, runs in READERS:
        if is_one(entry):
            return list(runs(entry, place))
    return []


def _unknown(place: Path) -> InputError:
    return InputError(
        text("no run of a load test was found"), where=str(place), fix=text("Result files of: {tools}", tools=TOOLS)
    )
