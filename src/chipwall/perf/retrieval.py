"""Retrieval and generation on chips: embedding, vector search, and an answer from the passages found.

Search is counted by bytes and FLOPs: a flat index reads every vector once per batch and multiplies it with every query;
an inverted file reads the lists that the batch touches; a graph jumps from vector to vector, so latency and random
access bind. The index lies in device memory beside the language model, and the same memory bounds both. Generation is
mostly prefill, because the passages are long and the answer is short.

Limits
------
No measured row of a vector search on these chips is among the data: search times are limits and rates of the
calibrated kernels, the constants of random access are typical values of the GPU search literature, and every estimate
is ``extrapolated``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

import numpy as np

from chipwall.catalog.records import LanguageModel
from chipwall.errors import InputError
from chipwall.perf.calibrated import Calibrated
from chipwall.perf.device import Hardware
from chipwall.perf.encoder import EncoderShape, encoder_time
from chipwall.perf.estimate import Bound, Estimate, Part
from chipwall.perf.formats import recipe as recipe_of
from chipwall.perf.layout import Layout
from chipwall.perf.load import table
from chipwall.perf.numeric import Numeric
from chipwall.perf.ops import elementwise_time, gemm_time, touched_experts
from chipwall.perf.ops.collectives import all_gather_time
from chipwall.perf.serving.engines import engine_on
from chipwall.perf.serving.fits import check_context
from chipwall.perf.serving.memory import Holding, engine_memory, room_for_cache, sequence_bytes
from chipwall.perf.serving.precision import precision_of
from chipwall.perf.serving.serve import Question, Serving, serving
from chipwall.perf.serving.setup import machine_of
from chipwall.text import Text, text
from chipwall.units import GIB, format_quantity

__all__ = [
    "EMBEDDERS", "Embedder", "Index", "Pipeline", "answer_times", "embedding_time", "index_bytes", "pipeline_estimate",
    "search_time",
]  # fmt: skip

# Share of the bandwidth that reads of a few hundred bytes at random places reach; Ootomo et al., "CAGRA", ICDE 2024,
# section V, report 60 to 70 % for vectors of 96 to 960 dimensions.
RANDOM_ACCESS = 0.6
# One dependent step of a graph search: a read of device memory, distances, and a sort in the core [s].
HOP_TIME = 2.5e-6


@dataclass(frozen=True, slots=True)
class Embedder:
    """An encoder that turns text into a vector.

    ``layers``, ``hidden``, ``ffn``, ``heads`` and ``dimensions`` (of the vector) are counts [1].
    """

    name: str
    layers: int
    hidden: int
    ffn: int
    heads: int
    dimensions: int
    gated: bool = False

    @property
    def parameters(self) -> float:
        """Weights of the layers [1], embeddings left out."""
        return self.layers * (4.0 * self.hidden**2 + (3.0 if self.gated else 2.0) * self.hidden * self.ffn)


EMBEDDERS: Mapping[str, Embedder] = {name: Embedder(name, **shape) for name, shape in table("embedders").items()}


@dataclass(frozen=True, slots=True)
class Index:
    """A vector index.

    Attributes
    ----------
    kind : str
        ``flat``, ``ivf`` (inverted file) or ``graph``.
    vectors, dimensions : float
        Vectors, and numbers in each [1].
    bytes_per_value : float
        2 for FP16, 1 for 8-bit, 0.125 for a 32-fold product code [byte].
    lists, probes : float
        Inverted file: lists in all, and lists read per query [1].
    degree, visited : float
        Graph: neighbours per vector, and vectors expanded per query [1].
    """

    kind: Literal["flat", "ivf", "graph"]
    vectors: float
    dimensions: float
    bytes_per_value: float = 2.0
    lists: float = 0.0
    probes: float = 32.0
    degree: float = 32.0
    visited: float = 128.0

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            if name not in ("kind", "lists") and not value > 0:
                raise InputError(text("{name} of the index is {value}; it must be above zero", name=name, value=value))

    @property
    def list_count(self) -> float:
        """Lists of an inverted file: as given, else the usual square root of the vectors times four [1]."""
        return self.lists or 4.0 * self.vectors**0.5


def index_bytes(index: Index) -> float:
    """Memory of the index [byte]: codes, 4-byte ids or neighbours, and centroids in FP32."""
    codes = index.vectors * index.dimensions * index.bytes_per_value
    if index.kind == "flat":
        return codes
    if index.kind == "ivf":
        return codes + 8.0 * index.vectors + 4.0 * index.list_count * index.dimensions
    return codes + 4.0 * index.degree * index.vectors


def embedding_time(hw: Hardware, model: Embedder, *, texts: Numeric, length: Numeric, recipe: str = "bf16") -> Numeric:
    """Time to embed ``texts`` of ``length`` tokens each in one batch [s].

    Parameters
    ----------
    texts, length : float or array
        Texts, and tokens of each [1].
    """
    shape = EncoderShape(model.layers, model.hidden, model.ffn, model.heads, gated=model.gated)
    return encoder_time(hw, shape, texts=texts, length=length, recipe=recipe)


def search_time(hw: Hardware, index: Index, *, queries: Numeric, nearest: Numeric = 10.0) -> Numeric:
    """Time to find the ``nearest`` vectors of each of ``queries`` queries in one batch [s].

    Parameters
    ----------
    queries : float or array
        Queries searched together [1].
    nearest : float or array
        Results per query [1].
    """
    wanted = np.asarray(queries, dtype=float)
    if index.kind == "flat":
        scores = _scored(hw, wanted, index.vectors, index)
        # scores written and read once to select from
        return (scores + elementwise_time(hw, moved=8.0 * wanted * index.vectors, kernels=2.0))[()]
    if index.kind == "ivf":
        coarse = gemm_time(hw, m=wanted, n=index.list_count, k=index.dimensions)
        probes = min(index.probes, index.list_count)
        touched = touched_experts(index.list_count, wanted * probes)
        moved = touched / index.list_count * index.vectors * (index.dimensions * index.bytes_per_value + 8.0)
        flops = 2.0 * wanted * probes / index.list_count * index.vectors * index.dimensions
        scan = np.maximum(elementwise_time(hw, moved=moved, kernels=2.0), flops / (hw.peak("fp32") * 0.5))
        return (coarse + scan + elementwise_time(hw, moved=8.0 * wanted * nearest * probes, kernels=2.0))[()]
    reads = wanted * index.visited * index.degree * (index.dimensions * index.bytes_per_value + 4.0)
    return (np.maximum(reads / (hw.memory_bandwidth * RANDOM_ACCESS), index.visited * HOP_TIME))[()]


def _scored(hw: Hardware, queries: Any, vectors: float, index: Index) -> Any:
    """A flat scan: a matrix product whose weights are the vectors; narrower codes are widened on the way in."""
    time = gemm_time(hw, m=queries, n=vectors, k=index.dimensions)
    wide = vectors * index.dimensions * recipe_of("bf16").weight_bytes / (hw.memory_bandwidth * 0.9)
    narrow = vectors * index.dimensions * index.bytes_per_value / (hw.memory_bandwidth * 0.9)
    # few queries: traffic binds, so the width of a code counts
    return np.maximum(time - wide + narrow, narrow)


# ------------------------------------------------------------------------------------------------ generation


def answer_times(
    hw: Hardware, model: LanguageModel, calibrated: Calibrated, *, batch: float, prompt: float, output: float, chips: int = 1,
    precision: str = "bf16", engine: str = "", taken: float = 0.0,
) -> Serving:  # fmt: skip
    """What serving says of a batch that prefills and then decodes together; see :func:`chipwall.perf.serving.serve.serving`.

    Parameters
    ----------
    batch, prompt, output : float
        Sequences, prompt tokens of each and answer tokens of each [1].
    chips : int
        Chips that share each layer [1].
    taken : float
        Memory of each chip that something else holds, the index for example [byte].
    """
    # a copy of the chip with what the index leaves of its memory
    rest = replace(hw, memory=hw.memory - taken)
    asked = Question(
        prompt=prompt, output=output, chips=chips, concurrency=batch, static=True, precision=precision, tensor=chips,
        engine=engine,
    )  # fmt: skip
    return serving(model, rest, asked, calibrated)


# ------------------------------------------------------------------------------------------------ the pipeline


@dataclass(frozen=True, slots=True)
class Pipeline:
    """What a question goes through.

    Attributes
    ----------
    embedder : Embedder
        Encoder of the question.
    index : Index
        Where to look.
    model : LanguageModel
        Who answers.
    question, passage, passages, answer : float
        Tokens of the question and of one passage, passages given to the model, tokens of the answer [1].
    batch : float
        Questions that go through together [1].
    precision : str
        Format of the language model's weights.
    """

    embedder: Embedder
    index: Index
    model: LanguageModel
    question: float = 32.0
    passage: float = 512.0
    passages: float = 5.0
    answer: float = 256.0
    batch: float = 1.0
    precision: str = "bf16"

    @property
    def prompt(self) -> float:
        """Tokens that the model reads [1]."""
        return self.question + self.passage * self.passages


STAGES: Mapping[str, Text] = {
    "embed": text("embed the question"),
    "search": text("search the index"),
    "gather": text("gather results of the chips"),
    "prefill": text("read question and passages"),
    "decode": text("write the answer"),
}


def _stages(hw: Hardware, p: Pipeline, chips: int, served: Serving) -> dict[str, tuple[float, Bound]]:
    """Time and bound of each stage; the index is cut over the chips, each searches its part."""
    part = replace(p.index, vectors=max(p.index.vectors / chips, 1.0), lists=p.index.list_count / chips)
    gather = float(all_gather_time(hw, n=chips, size=p.batch * p.passages * 12.0 * chips)) if chips > 1 else 0.0
    searched = float(search_time(hw, part, queries=p.batch, nearest=p.passages))
    found: dict[str, tuple[float, Bound]] = {
        "embed": (float(embedding_time(hw, p.embedder, texts=p.batch, length=p.question)), "compute"),
        "search": (searched, "memory"),
        "gather": (gather, "network"),
        "prefill": (served.ttft.value, "compute"),
        "decode": (served.tpot.value * p.answer, "memory"),
    }
    return {name: stage for name, stage in found.items() if stage[0] > 0}


def _memory(
    hw: Hardware, p: Pipeline, chips: int, engine: str, calibrated: Calibrated
) -> tuple[dict[str, float], float]:
    """Bytes on one chip, and what the engine may use of it: the model cut over all, the engine, the retriever beside it."""
    stored = precision_of(p.precision, model=p.model, hw=hw, where="precision").stored
    a, layout = p.model.architecture, Layout(tensor=chips)
    room = room_for_cache(a, stored, layout, machine_of(hw), engine_memory(Holding(engine), calibrated.overhead))
    parts = {
        "model": room.weights,
        "engine": room.engine,
        "cache": p.batch * float(sequence_bytes(a, p.prompt + p.answer, 2.0, tensor=chips)),
        "index": index_bytes(p.index) / chips,
        "embedder": 2.0 * p.embedder.parameters,
    }
    return parts, room.usable


def _dividing(model: LanguageModel, least: int) -> int:
    """The smallest number of chips from ``least`` on that divides the heads; ``least`` where none does [1]."""
    heads = model.heads or least
    return next((n for n in range(least, heads + 1) if heads % n == 0), least)


def _check(
    hw: Hardware, p: Pipeline, chips: int, engine: str, calibrated: Calibrated
) -> tuple[dict[str, float], float]:
    for name in ("question", "passage", "passages", "answer", "batch"):
        if not getattr(p, name) > 0:
            raise InputError(text("{name} is {value}; it must be above zero", name=name, value=getattr(p, name)))
    if chips < 1:
        raise InputError(text("{n} is not a number of chips", n=chips), fix=text("Give a whole number of one or more"))
    if p.model.heads and p.model.heads % chips:
        raise InputError(
            text(
                "{chips} chips do not divide the {heads} heads of {model}",
                chips=chips,
                heads=p.model.heads,
                model=p.model.name,
            ),
            fix=text("Give a number of chips that divides the heads"),
        )
    check_context(p.model, p.prompt + p.answer, where="passages")
    parts, room = _memory(hw, p, chips, engine, calibrated)
    used = sum(parts.values())
    if np.isfinite(room) and used > room:
        shared = (used - parts["embedder"]) * chips
        least = int(np.ceil(shared / max(room - parts["embedder"], 1.0)))
        raise InputError(
            text("model, cache and index need {over:.1f} GiB more than {chips} {chip} have", over=(used - room) * chips / GIB,
                 chips=chips, chip=hw.name),
            where=text("of {memory} each, the engine may use {room}", memory=format_quantity(float(hw.memory), "byte"),
                       room=format_quantity(room, "byte")),
            fix=text("Use {n} chips or more, a narrower index, or fewer bits for the weights", n=_dividing(p.model, least)),
        )  # fmt: skip
    return parts, room


def pipeline_estimate(hw: Hardware, p: Pipeline, calibrated: Calibrated, *, chips: int = 1, engine: str = "") -> Estimate:
    """Latency of one batch of questions through the pipeline, with throughput and memory.

    Parameters
    ----------
    hw : Hardware
        The chip with the constants of the engine.
    p : Pipeline
        Encoder, index, model and lengths.
    calibrated : Calibrated
        What is fitted.
    chips : int
        Chips of one node that share the model and the index [1].
    engine : str
        Serving engine.

    Returns
    -------
    Estimate
        Latency [s]; ``inputs`` hold questions per second and bytes by part.

    Raises
    ------
    InputError
        It does not fit, the chip lacks the precision, or a length is not above zero.
    """
    parts, room = _check(hw, p, chips, engine_on(hw.vendor, engine), calibrated)
    served = answer_times(
        hw, p.model, calibrated, batch=p.batch, prompt=p.prompt, output=p.answer, chips=chips, precision=p.precision,
        engine=engine, taken=parts["index"] + parts["embedder"],
    )  # fmt: skip
    stages = _stages(hw, p, chips, served)
    total = sum(time for time, _ in stages.values())
    slowest = max(stages, key=lambda name: stages[name][0])
    # stages of successive batches overlap only if they run on other chips; here they share them
    rate = p.batch / total
    # generation has the band of serving; embedding and search were never measured as such: half to twice
    generated = stages["prefill"][0] + stages["decode"][0]
    rest = total - generated
    band = served.throughput
    low = generated * band.value / band.high + rest / 2.0
    high = generated * band.value / band.low + rest * 2.0
    notes: list[str] = [text("no vector search on this chip was measured: search is by bytes and FLOPs")]
    notes += [note for note in served.throughput.notes if note not in notes]
    inputs: dict[str, Any] = {
        "chip": hw.id, "chips": chips, "model": p.model.id, "embedder": p.embedder.name, "index": asdict(p.index),
        "prompt_tokens": p.prompt, "answer_tokens": p.answer, "batch": p.batch, "precision": p.precision,
        "questions_per_s": rate, "first_token_s": total - stages["decode"][0],
        "memory_bytes_per_chip": parts, "memory_usable_bytes": room,
    }  # fmt: skip
    breakdown = tuple(Part(STAGES[name], time, bound) for name, (time, bound) in stages.items())
    return Estimate(
        quantity="latency", value=total, unit="s", low=low, high=high, basis="extrapolated", bound=stages[slowest][1],
        breakdown=breakdown, breakdown_total=total, inputs=inputs, sources=hw.sources, notes=tuple(notes),
    )  # fmt: skip
