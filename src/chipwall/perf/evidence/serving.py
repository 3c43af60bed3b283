"""Measured serving rows as cases: what the columns of ``inference.csv`` mean, and one prediction for each row.

A row that leaves its layout open is predicted at the best layout of its chips; a benchmark with published latency limits
(MLPerf server and interactive) at the largest batch within them; a blank precision is the one the checkpoint is
published in.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np

from chipwall import catalog
from chipwall.catalog.records import Chip, LanguageModel
from chipwall.errors import ChipwallError
from chipwall.perf.calibrated import Calibrated, ServingConstants
from chipwall.perf.device import hardware
from chipwall.perf.layout import Layout, serving_layout
from chipwall.perf.overhead import LEAN_YEAR
from chipwall.perf.serving.engines import engine_family, engine_on, year_of
from chipwall.perf.serving.memory import Holding, engine_memory
from chipwall.perf.serving.precision import CACHE_BYTES, default_cache, format_key, precision_of
from chipwall.perf.serving.regimes import MAX_BATCH, NO_LIMIT, Requests, prefill_time, served, taken
from chipwall.perf.serving.setup import setup, stacked_setups
from chipwall.perf.serving.step import Setup, ranks_of
from chipwall.text import Text, text
from chipwall.units import GIGA

__all__ = [
    "METRICS",
    "Cases",
    "ServingCase",
    "cases",
    "cases_of_row",
    "engine_of",
    "layouts_of_row",
    "precision_name",
    "predicted_cases",
    "requests_of_row",
    "served_chip",
    "served_model",
    "year_of_serving_row",
]  # fmt: skip

METRICS = ("output_tokens_per_s", "tokens_per_s_total", "samples_per_s", "ttft_ms", "tpot_ms")

# Latency limits of MLPerf Inference: (first token, per token) [s], by model and scenario; mlcommons/inference rules.
MLPERF_LIMITS = {
    ("llama-2-70b", "server"): (2.0, 0.2), ("llama-2-70b", "interactive"): (0.45, 0.04),
    ("llama-3.1-70b", "server"): (2.0, 0.2), ("llama-3.1-70b", "interactive"): (0.45, 0.04),
    ("llama-3.1-405b", "server"): (6.0, 0.175), ("llama-3.1-405b", "interactive"): (4.5, 0.08),
    ("llama-3.1-8b", "server"): (2.0, 0.1), ("llama-3.1-8b", "interactive"): (0.5, 0.03),
    ("gpt-j-6b", "server"): (20.0, 1.0), ("mixtral-8x7b", "server"): (2.0, 0.2),
    ("deepseek-r1", "server"): (2.0, 0.08), ("deepseek-r1", "interactive"): (1.5, 0.015),
    ("gpt-oss-120b", "server"): (3.0, 0.08), ("gpt-oss-120b", "interactive"): (2.0, 0.015),
}  # fmt: skip
# Names of measured tables that the catalogue leaves open, and the record that stands for them.
STAND_INS = {"Ascend-910B": "huawei-ascend-910b"}
# Mean prompts of MLPerf data sets where the row does not say [token]; reference implementations, medium confidence.
DATASET_PROMPTS = {
    "llama-2-70b": 294.0,
    "llama-3.1-70b": 294.0,
    "llama-3.1-405b": 9428.0,
    "llama-3.1-8b": 778.0,
    "gpt-j-6b": 780.0,
    "mixtral-8x7b": 400.0,
    "deepseek-r1": 1400.0,
    "gpt-oss-120b": 1400.0,
}
# Publishers of "untuned" tables whose runs are prepared all the same: a chip maker's own image with the flags it recommends.
PREPARED = ("AMD ROCm vLLM docker benchmarks",)
DATASET_OUTPUTS = {"gpt-j-6b": 128.0, "llama-3.1-8b": 128.0, "llama-2-70b": 290.0}


@dataclass(frozen=True, slots=True)
class ServingCase:
    """One row in one layout."""

    setup: Setup
    requests: Requests
    arch: str
    engine: str
    metric: str
    prefill_only: bool
    layout: Layout
    year: float
    recipe: str
    flags: str


@dataclass(frozen=True, slots=True)
class Cases:
    """Many cases as arrays; ``owner`` is the row of each, rows in order."""

    setup: Setup
    requests: Requests
    owner: Any
    arch: tuple[str, ...]
    engine: tuple[str, ...]
    metric: tuple[str, ...]
    prefill_only: Any
    year: Any
    recipe: tuple[str, ...]
    flags: tuple[str, ...]

    def at(self, where: Any) -> Cases:
        """Some of the cases."""
        return Cases(
            taken(self.setup, where), self.requests.at(where), self.owner[where], tuple(np.array(self.arch)[where]),
            tuple(np.array(self.engine)[where]), tuple(np.array(self.metric)[where]), self.prefill_only[where], self.year[where],
            tuple(np.array(self.recipe)[where]), tuple(np.array(self.flags)[where]),
        )  # fmt: skip


def cases_of_row(row: Mapping[str, str], calibrated: Calibrated) -> list[ServingCase] | Text:
    """The cases of a row, one per possible layout; or the reason why it cannot be expressed."""
    if row["metric"] not in METRICS:
        return text("metric '{metric}' is not one of a serving estimate", metric=row["metric"])
    model = served_model(row)
    engine = engine_of(row, served_chip(row))
    requests = requests_of_row(row, model)
    if isinstance(requests, Text):
        return requests
    year = year_of_serving_row(row, engine, calibrated.serving)
    asked = (row["chip"], row["model"], row.get("params_b", ""), row.get("moe", ""))
    formats = (precision_name(row), row.get("precision_kv", "").lower())
    layouts = tuple(layouts_of_row(row, model))
    flags = "default" if row.get("class") == "untuned" and row["source_name"] not in PREPARED else "tuned"
    recipe, made = _setups(asked, engine, year, flags, formats, layouts, calibrated)
    return _that_fit(
        [
            ServingCase(s, requests, s.hw.arch, engine, row["metric"], _prefill_only(row), layout, year, recipe, flags)
            for s, layout in zip(made, layouts, strict=True)
        ]
    )


@lru_cache(maxsize=4096)
def _setups(
    asked: tuple[str, str, str, str], engine: str, year: float, flags: str, formats: tuple[str, str],
    layouts: tuple[Layout, ...], calibrated: Calibrated,
) -> tuple[str, tuple[Setup, ...]]:  # fmt: skip
    """Recipe and setups of a chip and a model as a row names them; rows of one run, and of one sweep, share them."""
    named = dict(zip(("chip", "model", "params_b", "moe"), asked, strict=True))
    chip, model = served_chip(named), served_model(named)
    hw = hardware(chip, calibrated.kernels, engine=engine)
    precision = precision_of(formats[0], model=model, hw=hw)
    cache = formats[1] if formats[1] in CACHE_BYTES else format_key(formats[1])
    cache = cache or default_cache(precision, engine=engine, model=model, hw=hw)
    if "gpt-oss" in model.id and hw.arch == "hopper":
        cache = "bf16"  # no FP8 cache for its attention sinks there: the FP8 label of the source is the weights'
    recipe = precision.experts if model.is_moe else precision.dense
    constants = calibrated.serving.at(hw.arch, engine, year, recipe, flags, chip=hw.id)
    how = engine_memory(Holding(engine, sampler="lean" if year >= LEAN_YEAR else "full"), calibrated.overhead)
    kept = cache if cache in CACHE_BYTES else "bf16"
    found = (setup(hw, model.architecture, precision, x, cache=kept, constants=constants, how=how) for x in layouts)
    # a benchmark sets the limit of sequences itself
    return recipe, tuple(replace(one, cap=MAX_BATCH) for one in found)


def _that_fit(found: list[ServingCase]) -> list[ServingCase]:
    """Cases whose weights leave some room, else the one that comes nearest."""

    def room(case: ServingCase) -> float:
        return float(case.setup.room)

    return [c for c in found if room(c) > 0.0] or [max(found, key=room)]


def served_chip(row: Mapping[str, str]) -> Chip:
    """The chip of a row."""
    return catalog.chip(STAND_INS.get(row["chip"], row["chip"]))


def served_model(row: Mapping[str, str]) -> LanguageModel:
    """The model of a row; a dense one that the catalogue lacks by its size."""
    try:
        return catalog.load().names.model_of_table(row["model"])
    except ChipwallError:
        size = _number(row.get("params_b", ""))
        if size is None or row.get("moe") == "1":
            raise
        return _dense_stand_in(size * GIGA)


def _dense_stand_in(parameters: float) -> LanguageModel:
    """A dense model of that many parameters for a name the catalogue lacks: the nearest one, with its depth scaled."""
    plain = [m for m in catalog.load().models.values() if len(m.layers) == 1 and m.parameters]
    dense = [
        m
        for m in plain
        if m.layers[0].attention == "full" and m.layers[0].feed_forward == "dense" and m.layers[0].gated
    ]
    near = min(dense, key=lambda m: abs(np.log(float(m.parameters or 1.0) / parameters)))
    layers = near.layers[0]
    depth = max(1, round(layers.count * parameters / float(near.parameters or 1.0)))
    return replace(near, layers=(replace(layers, count=depth),), parameters=None)


def engine_of(row: Mapping[str, str], chip: Chip) -> str:
    """Family of the serving software of a row, as it is called on its chip."""
    if row.get("source_name", "").startswith("MLPerf"):
        return "tuned"
    engine = engine_family(row.get("engine", "")) or "vllm"
    return engine_on("huawei", engine) if chip.vendor.lower() == "huawei" and engine == "vllm" else engine


def year_of_serving_row(row: Mapping[str, str], engine: str, fitted: ServingConstants) -> float:
    """Date of the software of a row, as a year with fraction."""
    return fitted.year(engine, year_of(row.get("date", "")))


def precision_name(row: Mapping[str, str]) -> str:
    """Format of the weights of a row as people write it; empty for the usual one of the model."""
    name = row.get("precision_weights", "").lower()
    if name:
        return name
    first = row.get("notes", "").split(";")[0]
    for mark, meaning in (("FP8", "fp8"), ("NVFP4", "fp4"), ("AWQ", "int4")):
        if mark in first:
            return meaning
    return ""


def _prefill_only(row: Mapping[str, str]) -> bool:
    return "PREFILL" in row.get("notes", "") or "INPUT" in row.get("notes", "")


def _number(words: str) -> float | None:
    try:
        return float(words)
    except ValueError:
        return None


def requests_of_row(row: Mapping[str, str], model: LanguageModel) -> Requests | Text:
    """Lengths, regime and limits of a row."""
    prompt, output = _number(row.get("isl", "")), _number(row.get("osl", ""))
    mlperf = row.get("source_name", "").startswith("MLPerf")
    if mlperf:
        prompt = prompt or DATASET_PROMPTS.get(model.id)
        output = output or DATASET_OUTPUTS.get(model.id)
    if prompt is None:
        return text("prompt length not given")
    if output is None:
        if row["metric"] not in ("ttft_ms", "tpot_ms") and not _prefill_only(row):
            return text("output length not given")
        output = 1.0
    prompt, output = max(prompt, 1.0), max(output, 1.0)
    scenario, load = row.get("scenario", ""), row.get("batch_or_concurrency", "")
    code = {"offline": 1, "server": 2, "interactive": 3, "static-batch": 4}.get(scenario, 0)
    given: dict[str, float] = {}
    at_once = re.match(r"inf \((\d+)", load)
    workers = re.search(r"(\d+) prefill \+ (\d+) decode", row.get("notes", ""))
    if at_once:
        code, given["count"] = 6, float(at_once[1])
    elif load.startswith("qps"):
        speed = load.split()[1]
        code, given["rate"] = 7, 1e6 if speed == "INF" else float(speed)
    elif (size := _number(load)) is not None and not mlperf:
        code = 4 if code == 4 else 6 if code == 1 else 5
        given["concurrency"] = size
        given["count"] = size
    elif code == 4:
        return text("batch of a static run not given")
    elif not mlperf:
        code = 0 if code in (2, 3) else code
    if mlperf and code in (2, 3):
        first, each = MLPERF_LIMITS.get((model.id, scenario), (NO_LIMIT, NO_LIMIT))
        given |= {"ttft_limit": first, "tpot_limit": each}
    if workers:
        code = 8
        given |= {"prefillers": float(workers[1]), "decoders": float(workers[2])}
    return Requests(prompt=prompt, output=output, regime=code, cap=MAX_BATCH, **given)


def layouts_of_row(row: Mapping[str, str], model: LanguageModel) -> list[Layout]:
    """The layout of a row, or every one it may have had."""
    chips = int(_number(row.get("n_chips", "")) or 1)
    tensor, stages = int(_number(row.get("tp", "")) or 0), int(_number(row.get("pp", "")) or 1)
    expert, copies = int(_number(row.get("ep", "")) or 1), int(_number(row.get("dp", "")) or 1)
    notes = row.get("notes", "").lower()
    if model.is_moe and ("attention-dp" in notes or "attention dp" in notes or (expert > 1 and copies > 1)):
        return [serving_layout(expert=chips, data=chips, attention_data_parallel=True)]
    if tensor:
        copies = max(chips // (tensor * stages), 1)
        within = expert if 1 < expert <= tensor else 1
        return [serving_layout(tensor=tensor, pipeline=stages, data=copies, expert=within)]
    heads = model.heads or 1
    degrees = [(t, p) for t in (1, 2, 4, 8) for p in (1, 2, 4, 8) if t * p <= 8 and chips % (t * p) == 0]
    return [serving_layout(tensor=t, pipeline=p, data=chips // (t * p)) for t, p in degrees if heads % t == 0]


def cases(rows: Sequence[Mapping[str, str]], calibrated: Calibrated) -> tuple[Cases | None, dict[int, str]]:
    """All cases of the rows as arrays, and for each row left out (by position) the reason."""
    each: list[ServingCase] = []
    owner: list[int] = []
    reasons: dict[int, str] = {}
    for i, row in enumerate(rows):
        try:
            found = cases_of_row(row, calibrated)
        except ChipwallError as error:
            reasons[i] = error.what
            continue
        if isinstance(found, Text):
            reasons[i] = found
            continue
        each += found
        owner += [i] * len(found)
    if not each:
        return None, reasons
    names = list(Requests.__dataclass_fields__)
    columns = {n: np.array([getattr(c.requests, n) for c in each], dtype=float) for n in names}
    return Cases(
        setup=stacked_setups([c.setup for c in each]),
        requests=Requests(**columns),
        owner=np.array(owner),
        arch=tuple(c.arch for c in each),
        engine=tuple(c.engine for c in each),
        metric=tuple(c.metric for c in each),
        prefill_only=np.array([c.prefill_only for c in each]),
        year=np.array([c.year for c in each]),
        recipe=tuple(c.recipe for c in each),
        flags=tuple(c.flags for c in each),
    ), reasons


def case_values(c: Cases) -> Any:
    """The metric of every case, in the unit of its row."""
    s, q = c.setup, c.requests
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        got = served(s, q)
    metric = np.array(c.metric)
    total = got["output"] * (q.prompt + q.output) / q.output
    if np.any(c.prefill_only):
        crowd = np.maximum(8192.0 / q.prompt, 1.0) * ranks_of(s)
        total = np.where(c.prefill_only, s.replicas * crowd * q.prompt / prefill_time(s, q, crowd), total)
    value = np.where(metric == "output_tokens_per_s", got["output"], got["requests"])
    value = np.where(metric == "tokens_per_s_total", total, value)
    value = np.where(metric == "ttft_ms", got["ttft"] * 1e3, value)
    return np.where(metric == "tpot_ms", got["tpot"] * 1e3, value)


def predicted_cases(c: Cases) -> tuple[Any, Any]:
    """The rows that have cases, and the prediction of each: the best of its layouts."""
    value = case_values(c)
    late = np.isin(np.array(c.metric), ("ttft_ms", "tpot_ms"))
    starts = np.r_[0, np.nonzero(np.diff(c.owner))[0] + 1]
    best = np.maximum.reduceat(np.where(late, -value, value), starts)
    return c.owner[starts], np.abs(best)
