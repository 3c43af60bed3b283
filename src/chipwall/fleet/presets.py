"""The public workload presets and traces that ship with the package, each with its source and licence."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from pathlib import Path

import numpy as np

from chipwall.errors import InputError
from chipwall.files import toml_of_text
from chipwall.fleet.traffic import Trace
from chipwall.text import text

__all__ = ["MOST_REQUESTS", "Preset", "preset_named", "presets", "read_trace", "shipped_traces", "trace_named"]

_DATA = files("chipwall.fleet") / "data"
# Requests of one trace file at most.
MOST_REQUESTS = 10_000_000
COLUMNS = ("arrival_s", "prompt_tokens", "output_tokens")
# Traces that ship: title with source, commit and licence; tokens of a block of their column prefix_blocks.
SHIPPED = {
    "azure-2023-conv": "Azure LLM inference trace 2023, conversation (Azure/AzurePublicDataset @ b469a11, CC-BY 4.0)",
    "azure-2023-code": "Azure LLM inference trace 2023, code (Azure/AzurePublicDataset @ b469a11, CC-BY 4.0)",
    "mooncake-conversation": "Mooncake conversation trace, first hour (kvcache-ai/Mooncake @ 3b5a594, Apache-2.0)",
}
PREFIX_BLOCK = 512
# Rows that are turned into numbers at a time.
CHUNK = 100_000


@dataclass(frozen=True, slots=True)
class Preset:
    """One workload: mean tokens, limits at the 99th percentile [s] (infinite: none), and why."""

    id: str
    prompt: float
    output: float
    ttft: float
    tpot: float
    reason: str
    source: str
    licence: str


@lru_cache(maxsize=1)
def presets() -> dict[str, Preset]:
    """The presets by name."""
    place = _DATA / "presets.toml"
    table = toml_of_text(place.read_text(encoding="utf-8"), file=str(place))
    origin = {"source": f"{table['source']} ({table['address']})", "licence": table["licence"]}
    return {
        name: Preset(name, float(p["prompt"]), float(p["output"]), float(p.get("ttft_p99", np.inf)),
                     float(p.get("tpot_p99", np.inf)), p["reason"], **origin)
        for name, p in table["preset"].items()
    }  # fmt: skip


def preset_named(name: str) -> Preset:
    """One preset; the message of a wrong name lists them."""
    if name not in presets():
        raise InputError(
            text("no preset '{name}'", name=name), where="preset", fix=text("Use one of: {names}", names=", ".join(presets()))
        )
    return presets()[name]


def shipped_traces() -> tuple[str, ...]:
    """Names of the traces that ship."""
    return tuple(SHIPPED)


def trace_named(name: str, *, speed: float = 1.0) -> Trace:
    """A trace that ships."""
    place = _DATA / f"trace-{name}.csv.gz"
    words = io.TextIOWrapper(gzip.GzipFile(fileobj=io.BytesIO(place.read_bytes())), encoding="utf-8")
    return _trace(words, name, SHIPPED[name], speed)


def read_trace(place: Path, *, speed: float = 1.0) -> Trace:
    """A trace from a file: CSV with ``arrival_s``, ``prompt_tokens``, ``output_tokens`` and, if known, ``prefix_blocks``.

    Read a block of rows at a time: ten million requests take about 200 MB.

    Raises
    ------
    InputError
        No such file or column, a time before the one above it, a number that is none, no request, or too many.
    """
    try:
        with place.open(encoding="utf-8", newline="") as words:
            return _trace(words, str(place), place.name, speed)
    except (OSError, UnicodeDecodeError) as problem:
        raise InputError(
            text("the trace cannot be read: {problem}", problem=str(getattr(problem, "strerror", None) or problem)),
            where=str(place), fix=text("Give a CSV file in UTF-8 with {columns}", columns=", ".join(COLUMNS)),
        ) from None  # fmt: skip


def _trace(words: io.TextIOBase | io.TextIOWrapper, where: str, title: str, speed: float) -> Trace:
    parts = list(_numbers(words, where))
    if not parts:
        raise InputError(text("a trace without a request"), where=where, fix=text("Give one request at least"))
    arrival = np.concatenate([p[0] for p in parts])
    falls = np.flatnonzero(np.diff(arrival) < 0)
    if falls.size:
        raise InputError(
            text("the times of the trace are not in order"), where=text("{file}, request {row}", file=where, row=int(falls[0]) + 2),
            fix=text("Sort its rows by arrival_s"),
        )  # fmt: skip
    prompt, output, blocks = (np.concatenate([p[i] for p in parts]) for i in (1, 2, 3))
    known = np.minimum(blocks * PREFIX_BLOCK, prompt - 1).astype(np.int32) if blocks.any() else np.zeros(0, dtype=np.int32)
    return Trace(arrival, prompt, output, known, title=title, speed=speed)


def _numbers(words: io.TextIOBase | io.TextIOWrapper, where: str) -> Iterator[tuple[np.ndarray, ...]]:
    """Columns of the file, a block of rows at a time."""
    reader = csv.reader(words)
    try:
        head = [name.strip() for name in next(reader, [])]
        missing = [name for name in COLUMNS if name not in head]
        if missing:
            raise InputError(
                text("column '{column}' is missing", column=missing[0]), where=where,
                fix=text("Give a CSV file in UTF-8 with {columns}", columns=", ".join(COLUMNS)),
            )  # fmt: skip
        places = [head.index(name) for name in (*COLUMNS, *(["prefix_blocks"] if "prefix_blocks" in head else []))]
        rows: list[list[str]] = []
        seen = 0
        for row in reader:
            rows.append(row)
            if len(rows) == CHUNK:
                seen += CHUNK
                yield _columns(rows, places, where, seen - CHUNK)
                rows = []
            if seen > MOST_REQUESTS:
                raise InputError(
                    text("a trace of more than {most:,} requests", most=MOST_REQUESTS), where=where,
                    fix=text("Cut it, or simulate a part of it"),
                )  # fmt: skip
        if rows:
            yield _columns(rows, places, where, seen)
    except csv.Error as problem:
        raise InputError(
            text("the trace cannot be read: {problem}", problem=str(problem)), where=where,
            fix=text("Give a CSV file in UTF-8 with {columns}", columns=", ".join(COLUMNS)),
        ) from None  # fmt: skip


def _columns(rows: list[list[str]], places: list[int], where: str, before: int) -> tuple[np.ndarray, ...]:
    try:
        found = [np.array([row[i] for row in rows], dtype=float) for i in places]
    except (ValueError, IndexError):
        found = []
    good = bool(found) and all(np.all(np.isfinite(x)) for x in found) and bool(np.all(found[0] >= 0))
    if good:
        good = all(bool(np.all((x >= 1) & (x <= 1e7))) for x in found[1:3]) and all(bool(np.all(x >= 0)) for x in found[3:])
    if not good:
        raise InputError(
            text("a request of the trace is not three numbers: a time, and tokens from 1 to ten million"),
            where=text("{file}, requests {first} to {last}", file=where, first=before + 1, last=before + len(rows)),
            fix=text("Correct or drop such rows"),
        )  # fmt: skip
    blocks = found[3] if len(found) > 3 else np.zeros(len(rows))
    return found[0], found[1].astype(np.int32), found[2].astype(np.int32), blocks.astype(np.int32)
