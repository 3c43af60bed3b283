"""``chipwall validate load``: a prediction, or a reason to skip, for every filled cell of a table of load points."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from chipwall import catalog
from chipwall.catalog.records import Chip, LanguageModel
from chipwall.errors import ChipwallError, InputError
from chipwall.fleet.bands import load_band
from chipwall.fleet.notes import REPLAYED, SHAREGPT, Setting, read_notes, refused
from chipwall.fleet.service import ReplicaService, service_of
from chipwall.fleet.simulate import LoadResult, simulated_load
from chipwall.fleet.traffic import Fixed, Lengths, LogNormal, Prefixes, Traffic, Uniform
from chipwall.perf.calibrated import Calibrated
from chipwall.perf.serving.engines import engine_family, engine_on, year_of
from chipwall.perf.serving.loads import Arrivals, Users
from chipwall.perf.serving.setup import serving_hardware
from chipwall.perf.serving.workload import Question
from chipwall.text import Text, text

__all__ = ["COLUMNS", "LOAD_METRICS", "LoadCell", "LoadScores", "LoadSkip", "check_load_columns", "load_table"]

COLUMNS = (
    "id kind source url chip n model precision engine version date input output rate_rps concurrency ttft_p50 ttft_p99 tpot_p50 "
    "tpot_p99 throughput notes use"
).split()
NEEDED = "id kind chip n model input output".split()
LOAD_METRICS = ("ttft_p50", "ttft_p99", "tpot_p50", "tpot_p99", "throughput")
# Requests simulated for a point where its notes do not say how many it had; clients of a closed loop send ten each.
# What streaming over HTTP adds to every step of an engine, as clients see it [s]: from the points at one request per second
# of the first two sweeps of kubernetes-sigs/inference-perf (lp-ip-vllm-0, lp-ip-vllm+batch_size-0); the others are judge.
STREAM = 0.9e-3
# A request log is on the engine's clock: nothing of the front end is in it [s].
ENGINE_CLOCK = 1e-6
FEW, MOST, EACH = 200, 6000, 10
# How long a steady stream is simulated, its first quarter as the start [s], and requests that are sent at most.
LASTS, MOST_SENT = 120.0, 20_000


@dataclass(frozen=True, slots=True)
class LoadCell:
    """One filled cell, measured and predicted, in the unit of its column: ms, or tokens/s."""

    id: str
    metric: str
    measured: float
    predicted: float
    low: float
    high: float
    basis: str
    class_: str

    def as_json(self) -> dict[str, Any]:
        """The cell in the published schema."""
        names = ("id", "metric", "measured", "predicted", "low", "high", "basis")
        return {**{n: getattr(self, n) for n in names}, "class": self.class_}


@dataclass(frozen=True, slots=True)
class LoadSkip:
    """A point that is not answered, and why."""

    id: str
    reason: Text


@dataclass(frozen=True, slots=True)
class LoadScores:
    """Everything that ``chipwall validate load`` says of a table."""

    results: tuple[LoadCell, ...]
    skipped: tuple[LoadSkip, ...]

    def by_class(self) -> dict[str, dict[str, Any]]:
        """Count, median error, bias and share inside the interval, by class and metric."""
        groups: dict[str, list[LoadCell]] = {}
        for cell in self.results:
            groups.setdefault(f"{cell.class_}: {cell.metric}", []).append(cell)
        return {name: _scores(cells) for name, cells in sorted(groups.items())}

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "results": [c.as_json() for c in self.results],
            "skipped": [{"id": s.id, "reason": str(s.reason)} for s in self.skipped],
            "summary": {"cells": len(self.results), "skipped": len(self.skipped), "by_class": self.by_class()},
        }


def _scores(cells: Sequence[LoadCell]) -> dict[str, Any]:
    errors = sorted(abs(c.predicted / c.measured - 1.0) for c in cells)
    signed = sorted(c.predicted / c.measured - 1.0 for c in cells)
    n = len(cells)
    return {
        "rows": n, "median_error": errors[n // 2], "mean_error": sum(errors) / n, "within_15": sum(e <= 0.15 for e in errors) / n,
        "within_20": sum(e <= 0.2 for e in errors) / n, "bias": signed[n // 2],
        "interval_coverage": sum(c.low <= c.measured <= c.high for c in cells) / n,
    }  # fmt: skip


def check_load_columns(columns: Sequence[str], where: str) -> None:
    """Refuses a table that lacks a column, or has one that nobody knows."""
    missing, unknown = [n for n in NEEDED if n not in columns], [n for n in columns if n not in COLUMNS]
    if missing:
        raise InputError(
            text("column '{column}' is missing", column=missing[0]), where=where,
            fix=text("A table of kind {kind} needs: {columns}", kind="load", columns=", ".join(NEEDED)),
        )  # fmt: skip
    if unknown:
        raise InputError(
            text("unknown column '{column}'", column=unknown[0]), where=where,
            fix=text("Columns of this kind: {columns}", columns=", ".join(COLUMNS)),
        )  # fmt: skip


def load_table(rows: Sequence[Mapping[str, str]], calibrated: Calibrated) -> LoadScores:
    """Simulates every point of a table."""
    cells: list[LoadCell] = []
    skipped: list[LoadSkip] = []
    for row in rows:
        try:
            reason = refused(row.get("notes", ""))
            if reason is not None:
                raise InputError(reason)
            cells += _cells(row, _simulated(row, calibrated))
        except ChipwallError as refusal:
            skipped.append(LoadSkip(row.get("id", ""), refusal.what))
    return LoadScores(tuple(cells), tuple(skipped))


def point_number(row: Mapping[str, str], column: str, *, least: float = 0.0) -> float | None:
    """A number above ``least``; None for an empty cell."""
    words = row.get(column, "").strip()
    if not words:
        return None
    try:
        found = float(words)
    except ValueError:
        found = math.nan
    if not least < found < math.inf:
        raise InputError(text("'{value}' is not a number above zero", value=words), where=column)
    return found


# Mean tokens of a prompt where a source publishes answers alone: the data sets of MLPerf Inference, by model.
PROMPTS = {"deepseek-r1": 3880.0, "gpt-oss-120b": 1200.0, "mixtral-8x7b": 145.0}


def _simulated(row: Mapping[str, str], calibrated: Calibrated) -> LoadResult:
    setting = read_notes(row.get("notes", ""))
    model, chip = catalog.model(row["model"]), catalog.chip(row["chip"])
    output = point_number(row, "output")
    prompt = point_number(row, "input") or PROMPTS.get(model.id)
    if prompt is None or output is None:
        raise InputError(text("lengths are not stated"), where="input, output")
    chips = round(point_number(row, "n") or 1)
    rate, users = point_number(row, "rate_rps"), point_number(row, "concurrency")
    service, replicas = _service(row, setting, model, chip, chips, prompt, output, calibrated)
    lengths = _lengths(setting, prompt, output)
    requests = _requests(setting, rate, users)
    if rate is not None:
        load: Arrivals | Users = Arrivals(
            rate, cv=0.0 if setting.arrivals == "constant" else 1.0, in_flight=setting.in_flight or None
        )
    else:
        load = Users(users or float(requests))
    alike = Prefixes(1, setting.cached * prompt) if setting.cached else None
    start = 0 if _whole(row, setting) else requests // 4
    return simulated_load(
        service, Traffic(load, *lengths, alike), replicas=replicas, router="least-loaded", requests=requests, start_up=start
    )


def _whole(row: Mapping[str, str], setting: Setting) -> bool:
    """Whether a point tells of a whole run, start and end included."""
    return bool(setting.requests or setting.seconds or not row.get("rate_rps", "").strip())


def _requests(setting: Setting, rate: float | None, users: float | None) -> int:
    if setting.requests:
        return setting.requests
    if rate is not None and setting.seconds:
        return max(round(rate * setting.seconds), 20)
    if rate is not None:
        return min(max(round(rate * LASTS), FEW), MOST_SENT)
    return min(max(int(EACH * (users or 0.0)), FEW), MOST)


def _lengths(setting: Setting, prompt: float, output: float) -> tuple[Lengths, Lengths]:
    if setting.lengths == "uniform":
        return tuple(Uniform(max(setting.low * n, 1.0), n) for n in setting.nominal)  # type: ignore[return-value]
    if setting.lengths in ("sharegpt", "replayed"):
        spread = SHAREGPT if setting.lengths == "sharegpt" else REPLAYED
        return LogNormal(prompt, spread[0]), LogNormal(output, spread[1])
    return Fixed(prompt), Fixed(output)


def _service(
    row: Mapping[str, str], setting: Setting, model: LanguageModel, chip: Chip, chips: int, prompt: float, output: float,
    calibrated: Calibrated,
) -> tuple[ReplicaService, int]:  # fmt: skip
    mlperf = row.get("source", "").startswith("MLPerf")
    engine = "tuned" if mlperf else engine_on(chip.vendor.lower(), engine_family(row.get("engine", "")) or "vllm")
    tensor = setting.tensor or (0 if mlperf or not setting.copies else max(chips // setting.copies, 1))
    words = row.get("precision", "").lower()
    precision = "int4" if "4-bit" in words or "int4" in words else "" if "not stated" in words else words
    question = Question(
        prompt=prompt, output=output, chips=chips, precision=precision, engine=engine, engine_year=year_of(row.get("date", "")),
        tensor=tensor, pipeline=setting.pipeline or 1, expert=setting.expert or 1,
        spread=setting.attention_dp or min(setting.copies, setting.expert) > 1,
        step_sequences=float(setting.sequences), step_tokens=float(setting.step_tokens), flags="tuned",
        front_end=ENGINE_CLOCK if "log" in row.get("source", "") else None,
    )  # fmt: skip
    source = row.get("source", "")
    streamed = row["kind"] == "open" and not mlperf and "log" not in source
    return _made(model.id, chip.id, question, setting.way, STREAM if streamed else 0.0, calibrated)


@lru_cache(maxsize=64)
def _made(
    model: str, chip: str, question: Question, way: str, stream: float, calibrated: Calibrated
) -> tuple[ReplicaService, int]:
    hw = serving_hardware(catalog.chip(chip), calibrated, engine=question.engine)
    service = service_of(catalog.model(model), hw, question, calibrated, way=way)
    if stream:
        decode = service.decode + stream
        decode[0] = 0.0
        service = replace(service, decode=decode)
    return service, max(question.chips // service.chips, 1)


def _cells(row: Mapping[str, str], found: LoadResult) -> list[LoadCell]:
    source = row.get("source", "")
    class_ = "MLPerf Server" if source.startswith("MLPerf") else "request log" if "log" in source else row["kind"]
    whole = _whole(row, read_notes(row.get("notes", "")))
    told = {
        "ttft_p50": found.ttft.p50 * 1e3, "ttft_p99": found.ttft.p99 * 1e3, "tpot_p50": found.tpot.p50 * 1e3,
        "tpot_p99": found.tpot.p99 * 1e3,
        "throughput": found.whole_output_tokens_per_s if whole else found.output_tokens_per_s,
    }  # fmt: skip
    cells = []
    for metric in LOAD_METRICS:
        measured = point_number(row, metric)
        if measured is None or not math.isfinite(told[metric]):
            continue
        low, high, basis = load_band(class_, metric)
        cells.append(
            LoadCell(row["id"], metric, measured, told[metric], told[metric] * low, told[metric] * high, basis, class_)
        )
    return cells
