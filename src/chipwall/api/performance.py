"""Memory, retrieval, science, and two chips compared."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from chipwall.answer import Answer, Figure
from chipwall.api.doors import calibrated_in_use, chip_of, door, figure_of, lines_of, model_of, source_of
from chipwall.api.serving import MOST_TOKENS, utilization
from chipwall.catalog.records import Chip, LanguageModel
from chipwall.inputs import choice, choices, count, flag, number, optional_count, term
from chipwall.text import text

__all__ = ["compare", "compute", "fits", "retrieve"]


@door
def fits(
    model: str | LanguageModel,
    chip: str | Chip,
    *,
    chips: int = 1,
    precision: str | Sequence[str] | None = None,
    context: int | None = None,
    users: int = 1,
    kv: str = "bf16",
    engine: str | None = None,
    memory_utilization: float | None = None,
    max_batched_tokens: int | None = None,
    max_sequences: int | None = None,
    draft: str | int | None = None,
    tensor: int | str = "auto",
    pipeline: int | None = None,
    expert: int | None = None,
    attention_dp: bool = False,
    beyond_context: bool = False,
    adapters: int = 0,
    adapter_rank: int = 16,
    rank: int = 16,
    modules: str = "attention",
    batch: int | None = None,
    length: int = 2048,
    use: str = "both",
) -> Answer:
    """Does a model fit in memory, to serve it and to fine-tune it with adapters? Every part with its formula.

    Parameters
    ----------
    model, chip : str or record
        ``"gpt-3-175b"``, ``"h200"``, or records.
    chips : int
        Chips that share the model [1].
    precision : str or list of str
        Weight formats; bf16, fp8, int8 and int4 by default.
    context, users : int
        Serving: tokens in the cache per sequence (4,096, or the model's maximum), and sequences in it [1].
    kv, engine : str
        Serving: format of the cache, and the engine; the usual one on the chip.
    memory_utilization, max_batched_tokens, max_sequences, draft
        Serving: settings of the engine, as in :func:`chipwall.api.serving.serve`.
    tensor, pipeline, expert, attention_dp
        Serving: the layout, or parts of it; the one that holds most is searched.
    beyond_context : bool
        Ask on for sequences longer than the model's maximum.
    adapters, adapter_rank : int
        Serving: low-rank adapters kept beside the model, and their rank [1].
    rank, modules, batch, length
        Fine-tuning: rank of the adapters, ``attention`` or ``all`` matrices, sequences (one for each
        chip by default) and tokens of a step.
    use : str
        ``serve``, ``tune`` or ``both``.

    Returns
    -------
    Answer
        A line per use and format with bytes and verdict; with one use and one precision, figures ``needed``,
        ``memory`` and ``free`` [byte] and ``verdict``.
    """
    from chipwall.api.budgets import budgets
    from chipwall.perf.adapters import ServedAdapters
    from chipwall.perf.serving.engines import ENGINES
    from chipwall.perf.serving.memory import Holding

    wanted = choice(use, "use", ("serve", "tune", "both"))
    return budgets(
        model_of(model),
        chip_of(chip),
        chips=count(chips, "chips"),
        formats=None if precision is None else choices(precision, "precision"),
        context=0 if context is None else count(context, "context", most=int(MOST_TOKENS)),
        users=count(users, "users", most=10_000_000),
        kv=term(kv, "kv").lower(),
        how=Holding(
            "" if engine is None else choice(engine, "engine", tuple(ENGINES)),
            share=0.0 if memory_utilization is None else utilization(memory_utilization),
            tokens=0.0 if max_batched_tokens is None else float(count(max_batched_tokens, "max_batched_tokens")),
            sequences=0.0 if max_sequences is None else float(count(max_sequences, "max_sequences")),
            draft="" if draft is None else str(draft).strip().lower(),
            adapters=ServedAdapters(
                float(count(adapters, "adapters", least=0, most=100_000)),
                float(count(adapter_rank, "adapter_rank", most=65_536)),
            ),
        ),
        ways=_fit_ways(tensor, pipeline, expert, spread=flag(attention_dp, "attention_dp")),
        beyond=flag(beyond_context, "beyond_context"),
        rank=count(rank, "rank", most=65_536),
        modules=term(modules, "modules"),
        batch=0 if batch is None else count(batch, "batch", most=10_000_000),
        length=count(length, "length", most=int(MOST_TOKENS)),
        use=wanted,
        calibrated=calibrated_in_use(),
    )


def _fit_ways(tensor: Any, pipeline: Any, expert: Any, *, spread: bool) -> dict[str, Any]:
    """The ways that are given, by the names of a layout; with tensor the others default to one."""
    found: dict[str, Any] = {}
    if t := optional_count(tensor, "tensor"):
        found = {"tensor": t, "pipeline": 1, "expert": 1}
    for name, value in (("pipeline", pipeline), ("expert", expert)):
        if value is not None:
            found[name] = count(value, name, most=100_000)
    return found | ({"attention_data_parallel": True} if spread else {})


@door
def retrieve(
    model: str | LanguageModel,
    chip: str | Chip,
    *,
    chips: int = 1,
    vectors: float = 10_000_000,
    index: str = "ivf",
    embedder: str = "large",
    code_bytes: float = 2.0,
    probes: float = 32,
    visited: float = 128,
    question: float = 32,
    passage: float = 512,
    passages: float = 5,
    answer: float = 256,
    batch: float = 1,
    precision: str = "bf16",
    engine: str | None = None,
) -> Answer:
    """Retrieval and generation: embed the question, search the index, read the passages, answer.

    Parameters
    ----------
    model, chip : str or record
        Who answers, and on which chip.
    chips : int
        Chips of one node that share model and index [1].
    vectors : float
        Vectors in the index [1].
    index, embedder : str
        ``flat``, ``ivf`` or ``graph``; encoder of the question.
    code_bytes, probes, visited : float
        Bytes of one number of a vector; lists read (ivf) and vectors expanded (graph) per query.
    question, passage, passages, answer : float
        Tokens of the question and of a passage, passages read, tokens of the answer.
    batch : float
        Questions that go through together [1].
    precision, engine : str
        Format of the model's weights; serving software.

    Returns
    -------
    Answer
        Figures ``latency`` [s], ``rate`` [question/s], ``first_token`` [s].
    """
    from chipwall.perf.device import hardware
    from chipwall.perf.retrieval import EMBEDDERS, Index, Pipeline, pipeline_estimate
    from chipwall.perf.serving.engines import ENGINES

    record, machine = model_of(model), chip_of(chip)
    encoder = EMBEDDERS[choice(embedder, "embedder", tuple(EMBEDDERS))]
    kind: Any = choice(index, "index", ("flat", "ivf", "graph"))
    where = Index(
        kind,
        number(vectors, "vectors", least=1, most=1e13),
        encoder.dimensions,
        number(code_bytes, "code_bytes", above=0, most=16),
        probes=number(probes, "probes", least=1, most=1e7),
        visited=number(visited, "visited", least=1, most=1e7),
    )
    tokens = {"question": question, "passage": passage, "passages": passages, "answer": answer}
    asked = Pipeline(
        encoder,
        where,
        record,
        **{n: number(v, n, least=1, most=MOST_TOKENS) for n, v in tokens.items()},
        batch=number(batch, "batch", least=1, most=1e6),
        precision=term(precision, "precision").lower(),
    )
    software = "" if engine is None else choice(engine, "engine", tuple(ENGINES))
    calibrated = calibrated_in_use()
    equipped = hardware(machine, calibrated.kernels, engine=software)
    found = pipeline_estimate(equipped, asked, calibrated, chips=count(chips, "chips"), engine=software)
    i, rate = found.inputs, asked.batch
    return Answer(
        "retrieve",
        text("Retrieval with {model} on {n} x {chip}", model=record.name, n=chips, chip=machine.name),
        {
            "latency": figure_of(found),
            "rate": Figure(rate / found.value, rate / found.high, rate / found.low, "1/s", found.basis),
            "first_token": Figure(
                i["first_token_s"],
                i["first_token_s"] * found.low / found.value,
                i["first_token_s"] * found.high / found.value,
                "s",
                found.basis,
            ),
        },
        found,
        lines=lines_of(found),
        notes=found.notes,
        sources=tuple(dict.fromkeys([*found.sources, record.source])),
        data=found.as_json,
        source_of=source_of,
    )


@door
def compute(chip: str | Chip, *, chips: int = 1) -> Answer:
    """Scientific kernels: memory stream, FP64 products, LINPACK, conjugate gradients, FFT, stencil.

    Parameters
    ----------
    chip : str or record
        ``"h200"``.
    chips : int
        Chips that work together [1].

    Returns
    -------
    Answer
        A figure per kernel (``stream``, ``vector``, ``matrix``, ``linpack``, ``gradients``, ``fft``, ``stencil``).
    """
    from chipwall.perf.device import hardware
    from chipwall.perf.hpc import hpc_estimates

    machine, calibrated = chip_of(chip), calibrated_in_use()
    found = hpc_estimates(hardware(machine, calibrated.kernels), calibrated, chips=count(chips, "chips"))
    rows = tuple(
        {
            "kernel": str(e.quantity),
            "rate_si": float(e.value),
            "low_si": float(e.low),
            "high_si": float(e.high),
            "unit": e.unit,
            "bound": e.bound,
            "basis": e.basis,
        }
        for e in found
    )
    return Answer(
        "compute",
        text("Scientific kernels on {n} x {chip}", n=chips, chip=machine.name),
        {_KERNELS.get(str(e.quantity).split(" (")[0].split(",")[0], str(e.quantity)): figure_of(e) for e in found},
        found,
        items=found,
        rows=rows,
        notes=tuple(dict.fromkeys(n for e in found for n in e.notes)),
        sources=found[0].sources if found else (),
        measured=tuple(n for e in found for n in e.nearest),
        data=lambda: [e.as_json() for e in found],
        source_of=source_of,
    )


# Short names of the kernels as attributes of the answer.
_KERNELS = {
    "memory stream": "stream",
    "FP64 multiply-add": "vector",
    "FP64 matrix product": "matrix",
    "LINPACK": "linpack",
    "conjugate gradients": "gradients",
    "FFT": "fft",
    "7-point stencil": "stencil",
}


@door
def compare(
    first: str | Chip,
    second: str | Chip,
    model: str | LanguageModel,
    *,
    chips: int = 8,
    precision: str | Sequence[str] = ("bf16", "fp8"),
    engine: str | None = None,
    tensor: int | None = None,
) -> Answer:
    """How many times faster one chip is than another, by workload, batch and precision, beside the data sheets.

    Parameters
    ----------
    first, second : str or record
        The chips.
    model : str or record
        What they run.
    chips : int
        Chips of each kind in one replica [1].
    precision : str or list of str
        Weight formats.
    engine : str
        Serving software.
    tensor : int
        Tensor-parallel ways; all chips that divide the heads by default.

    Returns
    -------
    Answer
        One line per workload: both rates and their ratio, or why there is none.
    """
    from chipwall.perf.compare import ratios
    from chipwall.perf.formats import ALIASES, FORMATS, RECIPES
    from chipwall.perf.serving.engines import ENGINES

    a, b, record = chip_of(first, "first"), chip_of(second, "second"), model_of(model)
    formats = choices(precision, "precision", tuple(dict.fromkeys([*FORMATS, *ALIASES, *RECIPES])))
    found = ratios(
        a,
        b,
        record,
        calibrated_in_use(),
        chips=count(chips, "chips", most=100_000),
        precisions=formats,
        engine="" if engine is None else choice(engine, "engine", tuple(ENGINES)),
        tensor=0 if tensor is None else count(tensor, "tensor"),
    )
    rows = tuple(
        {
            "workload": str(r.workload),
            "detail": str(r.detail),
            "precision": r.precision,
            "first": r.first,
            "second": r.second,
            "ratio": r.value,
            "why": str(r.why),
        }
        for r in found
    )
    return Answer(
        "compare",
        text("{first} over {second}, {model}", first=a.name, second=b.name, model=record.name),
        record=found,
        items=found,
        rows=rows,
        sources=tuple(dict.fromkeys([*(f.source for c in (a, b) for f in c.chosen.values()), record.source])),
        data=lambda: list(rows),
        source_of=source_of,
    )
