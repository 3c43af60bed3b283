"""Start-up logs: what each says of weights, cache and outcome, beside what the memory model says of the same run.

The columns are those of ``data/measured/startup.csv``; its notes are for people and are not read. Rows of training
(outcomes and peaks) are answered by :mod:`chipwall.perf.evidence.startup_training`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from chipwall import catalog
from chipwall.catalog.architecture import Architecture
from chipwall.catalog.records import LanguageModel
from chipwall.errors import ChipwallError, InputError
from chipwall.perf.budget import usable_memory
from chipwall.perf.calibrated import Calibrated, OverheadConstants
from chipwall.perf.evidence.validate import FitOrFail, Prediction, Skip
from chipwall.perf.formats import CACHE_BYTES, stored_bytes
from chipwall.perf.layout import Layout, serving_layout, serving_layouts
from chipwall.perf.load import silicon_of
from chipwall.perf.overhead import LEAN_SAMPLER, LEAN_SINCE, memory_rules
from chipwall.perf.serving.engines import engine_family
from chipwall.perf.serving.memory import Holding, Machine, Room, Stored, engine_memory, room_for_cache, sequence_bytes
from chipwall.text import text
from chipwall.units import GIB

__all__ = ["StartupRun", "predict_startups", "room_of", "run_of_row"]

# Words that follow the name of a model in a checkpoint's name and change neither its layers nor its size.
SUFFIXES = re.compile(
    r"[-_ ](instruct|it|chat|hf|thinking|base|dynamic|fp8|bf16|w8a8|w4a16|awq|gptq|nvfp4|fp4|mxfp4|int4|int8|autoround|"
    r"quantized[.\w]*|\d{4}|v\d(\.\d)?|0528)$",
    re.IGNORECASE,
)
WEIGHTS, CACHE, TOKENS, AT_ONCE, SERVES, BUFFER = (
    "weights_gib_per_chip", "cache_gib_per_chip", "cache_tokens", "max_concurrency", "outcome_serve", "kv_buffer_gib",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class StartupRun:
    """One run of a log, ready to be priced."""

    model: LanguageModel
    stored: Stored
    layout: Layout
    machine: Machine
    how: Holding
    cache: str
    length: float

    @property
    def shape(self) -> Architecture:
        """The model's layers."""
        return self.model.architecture


def predict_startups(
    rows: Sequence[Mapping[str, str]], calibrated: Calibrated
) -> Iterator[Prediction | FitOrFail | Skip]:
    """What the memory model says of each row; rows of a run that cannot be expressed are skipped with the reason."""
    for row in rows:
        name, metric = row["id"], row["metric"]
        try:
            if metric in ("outcome_train", "peak_gib_per_chip"):
                from chipwall.perf.evidence.startup_training import training_row

                yield training_row(row)
                continue
            if metric == BUFFER:
                yield _buffer(row)
                continue
            yield _answer(name, metric, row["value"], run_of_row(row), calibrated.overhead)
        except ChipwallError as problem:
            yield Skip(name, problem.what)


def _answer(name: str, metric: str, value: str, case: StartupRun, overhead: OverheadConstants) -> Prediction | FitOrFail | Skip:
    room = room_of(case, overhead)
    if metric == SERVES:
        needed = _one(case)
        word = "fits" if room.bytes >= needed and room.bytes > 0 else "fails"
        return FitOrFail(
            name, value, word, "fits" if room.low >= needed else word, "fits" if room.high >= needed else "fails"
        )
    measured = float(value)
    if metric == WEIGHTS:
        size = (room.weights + room.draft) / GIB
        return Prediction(name, measured, size, size * 0.98, size * 1.02, "calculated", metric)
    scale = {CACHE: GIB, TOKENS: _token(case), AT_ONCE: _one(case)}.get(metric)
    if scale is None:
        return Skip(name, text("no prediction of '{metric}'", metric=metric))
    low, middle, high = (x / scale for x in (room.low, room.bytes, room.high))
    return Prediction(name, measured, middle, low, high, "calibrated", metric)


def _buffer(row: Mapping[str, str]) -> Prediction:
    """The cache of a stated number of tokens, whole, in 16 bits unless another format is stated [GiB]."""
    length = _number(row["max_model_len"])
    if not length:
        raise InputError(text("the tokens of the buffer are not stated"), where=row["id"])
    size = CACHE_BYTES.get({"f16": "fp16", "q8_0": "int8"}.get(row["kv_format"], row["kv_format"]) or "bf16", 2.0)
    found = float(model_of_checkpoint(row).architecture.cache_bytes(length, size)) / GIB
    return Prediction(row["id"], float(row["value"]), found, found * 0.98, found * 1.02, "calculated", BUFFER)


def _one(case: StartupRun) -> float:
    """One sequence of the longest length on one chip [byte]."""
    return float(sequence_bytes(case.shape, case.length, CACHE_BYTES[case.cache], **_ways(case.layout)))


def _token(case: StartupRun) -> float:
    """Bytes of a token as engines log it [byte]: the sequence of the longest length, over its tokens."""
    return _one(case) / case.length


def _ways(layout: Layout) -> dict[str, float]:
    return {"tensor": layout.tensor, "pipeline": layout.pipeline, "context": layout.context}


def room_of(case: StartupRun, overhead: OverheadConstants) -> Room:
    """The room for the cache of one chip."""
    return room_for_cache(case.shape, case.stored, case.layout, case.machine, engine_memory(case.how, overhead))


def run_of_row(row: Mapping[str, str]) -> StartupRun:
    """The run of a row; a :class:`~chipwall.errors.ChipwallError` says what cannot be expressed."""
    model = model_of_checkpoint(row)
    machine = machine_of_row(row)
    chips = int(float(row["n_chips"] or 1))
    family = engine_family(row["engine"]) or "vllm"
    asked = row["weights_format"].split("+")[0].removesuffix(" gguf") or "bf16"
    stored = tuple(stored_bytes(model, asked).items())
    how = Holding(
        family,
        share=_number(row["memory_utilization"]),
        tokens=_number(row["max_batched_tokens"]),
        sequences=_number(row["max_sequences"]),
        sampler="lean" if lean(row["version"], row["date"], model) else "full",
        draft="own" if row["draft"].startswith("mtp") else "1" if row["draft"] else "",
    )
    length = _number(row["max_model_len"]) or float(model.max_context or 4096)
    cache = {"": "bf16", "auto": "bf16", "fp8_e4m3": "fp8", "fp8_e5m2": "fp8"}.get(row["kv_format"], row["kv_format"])
    return StartupRun(
        model, stored, layout_of(row, model, chips), machine, how, cache if cache in CACHE_BYTES else "bf16", length
    )


def _number(words: str) -> float:
    return float(words) if words.strip() else 0.0


def lean(version: str, date: str, model: LanguageModel | None = None) -> bool:
    """Whether a version of vLLM keeps few copies of the logits in its trial run; by its date where there is no number.

    A log without either is taken to be of the half year after the model came out.

    Examples
    --------
    >>> lean("0.19.0", ""), lean("0.11.0", ""), lean("", "2025-08-20")
    (True, False, False)
    """
    numbers = re.findall(r"(\d+)\.(\d+)", version)
    if numbers:
        return all((int(a), int(b)) >= LEAN_SAMPLER for a, b in numbers)
    if date:
        return date >= LEAN_SINCE
    released = model.released if model is not None else None
    return released is None or (released + timedelta(days=182)).isoformat() >= LEAN_SINCE


def model_of_checkpoint(row: Mapping[str, str]) -> LanguageModel:
    """The catalogue's model behind a checkpoint's name: the name as it stands, then without its suffixes."""
    first: ChipwallError | None = None
    for name in (row["hf_id"], row["model"]):
        while name:
            try:
                return catalog.model(name.rsplit("/", 1)[-1])
            except ChipwallError as problem:
                first = first or problem
            shorter = SUFFIXES.sub("", name)
            name = shorter if shorter != name else ""
    raise first or InputError(text("no model is named"), where=row["id"])


def machine_of_row(row: Mapping[str, str]) -> Machine:
    """The memory of a row's chip; one that is not in the catalogue has the memory that is stated."""
    stated = _number(row["memory_gb"])
    name = re.sub(r"[- ]?\d+ ?GB$", "", row["chip"].strip(), flags=re.IGNORECASE)
    for words in (f"{name} {stated:g}GB" if stated else name, f"{name}-{stated:g}gb" if stated else name, name):
        try:
            chip = catalog.chip(words)
        except ChipwallError:
            continue
        reported, _ = usable_memory(chip)
        if stated and abs(reported / GIB / stated - 1.0) > 0.12:
            reported = stated * 0.99 * GIB if chip.is_hbm else stated * GIB
        return Machine(reported, chip.vendor, silicon_of(chip))
    if not stated and row["metric"] == WEIGHTS:
        return Machine(float("nan"), "", "")  # weights do not depend on it
    if not stated:
        raise InputError(text("neither chip nor memory is stated"), where=row["id"])
    return Machine(stated * GIB, "NVIDIA", "")


def layout_of(row: Mapping[str, str], model: LanguageModel, chips: int) -> Layout:
    """The ways of a row; what it leaves open is filled by the engine's habit: tensor parallel over what there is."""
    tp, pp, ep = (int(_number(row[k])) for k in ("tp", "pp", "ep"))
    spread = row["attention_dp"].strip().lower() in ("yes", "true", "1")
    pp = pp or 1
    if not tp:
        tp = (
            1
            if spread
            else max(x.tensor for x in serving_layouts(chips=chips, heads=_heads(model), layers=0x7FFF, experts=0))
        )
    ep = ep or (int(_number(row["dp"])) * tp if spread else 1)
    made = serving_layout(tensor=tp, pipeline=pp, expert=max(ep, 1), attention_data_parallel=spread)
    return replace(made, data=max(chips // (tp * pp), 1))


def _heads(model: LanguageModel) -> float:
    return max((float(g.heads) for g in model.architecture.attention if g.grows), default=1.0)


def rows_with_room(
    rows: Sequence[Mapping[str, str]], overhead: OverheadConstants
) -> list[tuple[Mapping[str, str], StartupRun, float]]:
    """Runs that state the room for the cache, each with what its engine kept [byte]: share less weights less room."""
    found: list[tuple[Mapping[str, str], StartupRun, float]] = []
    seen: set[str] = set()
    weights = {r["id"][:-1]: float(r["value"]) * GIB for r in rows if r["metric"] == WEIGHTS}
    order: dict[str, Any] = {CACHE: 0, TOKENS: 1, AT_ONCE: 2}
    for row in sorted((r for r in rows if r["metric"] in order), key=lambda r: order[r["metric"]]):
        run = row["id"][:-1]
        if run in seen:
            continue
        try:
            case = run_of_row(row)
            room = room_of(case, overhead)
        except ChipwallError:
            continue
        scale = {CACHE: GIB, TOKENS: _token(case), AT_ONCE: _one(case)}[row["metric"]]
        held = weights.get(run, room.weights + room.draft)
        seen.add(run)
        found.append((row, case, kept_of(case, room, held, float(row["value"]) * scale)))
    return found


def kept_of(case: StartupRun, room: Room, weights: float, cache: float) -> float:
    """What the engine kept [byte], its arithmetic turned round."""
    counts, seen = memory_rules(case.how.engine).counts, case.machine.visible
    if counts == "rest":
        return seen - weights - cache / room.share
    if counts == "static":
        return seen - (cache + weights) / room.share
    return room.share * seen - weights - cache
