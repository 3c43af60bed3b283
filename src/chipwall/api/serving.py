"""How fast a model serves: words to the engine's question, and its record to an answer."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from chipwall.answer import Answer
from chipwall.api.doors import calibrated_in_use, chip_of, door, figure_of, lines_of, model_of, source_of
from chipwall.catalog.records import Chip, LanguageModel
from chipwall.errors import InputError
from chipwall.inputs import choice, count, flag, number, optional_count, seconds, share, term
from chipwall.perf.calibrated import Calibrated
from chipwall.perf.device import Hardware
from chipwall.perf.load import measured
from chipwall.perf.serving.images import LARGEST_SIDE, with_images
from chipwall.perf.serving.loads import Arrivals, Batch, Burst, Disaggregated, Full, Load, Users, Within
from chipwall.perf.serving.serve import Question, Serving, serving
from chipwall.perf.serving.setup import serving_hardware
from chipwall.perf.serving.workload import FLAGS
from chipwall.text import text
from chipwall.units import parse_quantity

if TYPE_CHECKING:
    from chipwall.perf.serving.drafts import Acceptance

__all__ = ["MOST_TOKENS", "AmountLike", "operators_of", "question_of", "serve", "serve_answer"]

# Longest prompt or answer that is priced [token]; no published model takes a hundredth of it.
MOST_TOKENS = 1e8
# Largest memory that is taken for one [byte].
MOST_BYTES = 2.0**50
# Tokens of an answer where nothing is said [token].
OUTPUT = 1000.0
AmountLike = str | float
"""A number in SI, or words with a unit."""


def load_of(
    load: Load | None,
    users: AmountLike | None,
    rate: AmountLike | None,
    batch: AmountLike | None,
    burst: AmountLike | None,
    ttft: AmountLike | None,
    tpot: AmountLike | None,
    prefill_workers: int,
) -> Load:
    """The load: a record, or the one that the plain arguments name; two at once are refused."""
    given = {"users": users, "rate": rate, "batch": batch, "burst": burst}
    named = [n for n, v in given.items() if v is not None]
    limits = [n for n, v in (("ttft", ttft), ("tpot", tpot)) if v is not None]
    if load is not None and not isinstance(load, Load):
        raise InputError(
            text("load is not a load"),
            where="load",
            fix=text(
                "Give Full(), Users(64), Arrivals(2.5), Batch(8), Burst(100), Within(tpot=0.05) or Disaggregated(2)"
            ),
        )
    if len(named) + (load is not None) > 1:
        raise InputError(
            text("one load at a time"),
            where=", ".join([*(["load"] if load is not None else []), *named]),
            fix=text("Give one of users, rate, batch or burst, or none to fill the memory or the limits"),
        )
    if prefill_workers:
        if load is not None or rate is not None or batch is not None or burst is not None:
            raise InputError(
                text("replicas that only prefill take users alone as their load"),
                where="prefill_workers",
                fix=text("Leave the other load out"),
            )
        return Disaggregated(
            prefill_workers, None if users is None else float(number(users, "users", least=1, most=1e7))
        )
    if load is not None:
        return load
    if limits and not named:
        return Within(None if ttft is None else seconds(ttft, "ttft"), None if tpot is None else seconds(tpot, "tpot"))
    kinds = {"users": Users, "rate": Arrivals, "batch": Batch, "burst": Burst}
    return kinds[named[0]](given[named[0]]) if named else Full()


def _load_fields(load: Load) -> dict[str, Any]:
    """A load as the fields of the engine's question."""
    if isinstance(load, Users):
        return {"concurrency": load.count}
    if isinstance(load, Arrivals):
        return {"rate": load.rate, "arrival_cv": load.cv, "in_flight": load.in_flight or 0.0}
    if isinstance(load, Batch):
        return {"concurrency": load.size, "static": True}
    if isinstance(load, Burst):
        return {"burst": load.count}
    if isinstance(load, Within):
        limits = {"ttft_limit": load.ttft, "tpot_limit": load.tpot}
        return {n: v for n, v in limits.items() if v is not None}
    if isinstance(load, Disaggregated):
        return {"prefillers": load.prefillers, **({} if load.users is None else {"concurrency": load.users})}
    return {}


def question_of(
    model: LanguageModel | None = None,
    *,
    chips: Any = 1,
    prompt: Any = 1000,
    output: Any = None,
    load: Load | None = None,
    users: Any = None,
    rate: Any = None,
    batch: Any = None,
    burst: Any = None,
    ttft: Any = None,
    tpot: Any = None,
    precision: Any = None,
    kv: Any = None,
    engine: Any = None,
    engine_date: Any = None,
    flags: Any = "tuned",
    tensor: Any = "auto",
    pipeline: Any = 1,
    expert: Any = None,
    context: Any = 1,
    attention_dp: Any = False,
    prefill_workers: Any = 0,
    prefix_reuse: Any = 0.0,
    accepted: Any = 1.0,
    drafted: Any = None,
    draft_tokens: Any = None,
    memory_utilization: Any = None,
    max_batched_tokens: Any = None,
    max_sequences: Any = None,
    chunked_prefill: Any = True,
    front_end: Any = None,
    max_in_flight: Any = None,
    draft: Any = None,
    weights_on_host: Any = None,
    beyond_context: Any = False,
    images: Any = 0,
    image_size: Any = "1024x1024",
    adapters: Any = 0,
    adapter_rank: Any = 16,
) -> Question:
    """The engine's question from what a person gave; see :func:`serve`. ``model`` is needed for ``draft_tokens`` only."""
    from chipwall.perf.serving.engines import ENGINES, asked_year

    asked = _load_fields(
        load_of(
            load,
            users,
            rate,
            batch,
            burst,
            ttft,
            tpot,
            count(prefill_workers, "prefill_workers", least=0, most=100_000),
        )
    )
    chip_count, spread = count(chips, "chips"), flag(attention_dp, "attention_dp")
    ways: dict[str, Any] = {
        "tensor": optional_count(tensor, "tensor"),
        "pipeline": count(pipeline, "pipeline"),
        "context": count(context, "context"),
    }
    expert_ways = (chip_count if spread else 1) if expert is None else count(expert, "expert")
    if max_in_flight is not None:
        if not asked.get("rate"):
            raise InputError(
                text("a limit of requests in flight belongs to a stream of arrivals"),
                where="max_in_flight",
                fix=text("Give a rate too, or users for a fixed number of requests"),
            )
        asked["in_flight"] = number(max_in_flight, "max_in_flight", least=1, most=1e7)
    # limits beside a load are judged; limits alone are the load
    for name, value in (("ttft", ttft), ("tpot", tpot)):
        if value is not None:
            asked[f"{name}_limit"] = seconds(value, name)
    published = None if draft_tokens is None else _acceptance(model, draft_tokens, accepted, drafted)
    if published is not None:
        accepted, drafted = published.accepted, published.draft_tokens + 1.0
    speculated = number(accepted, "accepted", least=1, most=1000)
    width, height = image_sides(image_size)
    return Question(
        prompt=number(prompt, "prompt", least=1, most=MOST_TOKENS),
        output=OUTPUT if output is None else number(output, "output", least=1, most=MOST_TOKENS),
        chips=chip_count,
        precision="" if precision is None else term(precision, "precision", example="fp8").lower(),
        cache="" if kv is None else term(kv, "kv", example="fp8").lower(),
        engine="" if engine is None else choice(engine, "engine", tuple(ENGINES)),
        flags=choice(flags, "flags", FLAGS),
        engine_year=None if engine_date is None else asked_year(str(engine_date)),
        expert=expert_ways,
        spread=spread,
        reused=share(prefix_reuse, "prefix_reuse"),
        accepted=speculated,
        drafted=speculated if drafted is None else number(drafted, "drafted", least=speculated, most=1000),
        memory_share=0.0 if memory_utilization is None else utilization(memory_utilization),
        step_tokens=0.0 if max_batched_tokens is None else float(count(max_batched_tokens, "max_batched_tokens")),
        chunked=flag(chunked_prefill, "chunked_prefill"),
        front_end=None if front_end is None else seconds(front_end, "front_end"),
        step_sequences=0.0 if max_sequences is None else float(count(max_sequences, "max_sequences")),
        draft="" if draft is None else str(draft).strip().lower(),
        on_host=0.0 if weights_on_host is None else bytes_of(weights_on_host, "weights_on_host"),
        beyond_context=flag(beyond_context, "beyond_context"),
        images=number(images, "images", least=0, most=10_000),
        image_width=width,
        image_height=height,
        adapters=float(count(adapters, "adapters", least=0, most=100_000)),
        adapter_rank=float(count(adapter_rank, "adapter_rank", most=65_536)),
        **ways,
        **asked,
    )


def image_sides(value: Any) -> tuple[int, int]:
    """Width and height of an image [pixel]: ``"1024x768"``, or one number for a square."""
    words = re.fullmatch(r"(\d{1,6})(?:\s*[xX×*]\s*(\d{1,6}))?", str(value).strip())
    if words is None:
        raise InputError(
            text("'{words}' is not the size of an image", words=str(value)[:40]),
            where="image_size",
            fix=text("Give width x height in pixels, for example 1024x768"),
        )
    width = count(int(words[1]), "image_size", most=LARGEST_SIDE)
    return width, width if words[2] is None else count(int(words[2]), "image_size", most=LARGEST_SIDE)


def _acceptance(model: LanguageModel | None, draft_tokens: Any, accepted: Any, drafted: Any) -> Acceptance:
    """The published acceptance of a model that drafts so many tokens per step."""
    from chipwall.perf.serving.drafts import acceptance_of, published_acceptance

    if accepted != 1.0 or drafted is not None:
        raise InputError(
            text("draft_tokens takes the published acceptance, accepted and drafted give your own"),
            where="draft_tokens", fix=text("Give one or the other"),
        )  # fmt: skip
    wanted = count(draft_tokens, "draft_tokens", most=100)
    if model is None:
        raise InputError(text("draft_tokens needs a model"), where="draft_tokens", fix=text("Give accepted and drafted"))
    return acceptance_of(published_acceptance(measured("drafts"), (model.id, model.name.lower())), wanted, model.name)


def _told_acceptance(answer: Answer, model: LanguageModel, draft_tokens: int) -> Answer:
    """The answer with what its speculation rests on."""
    used = _acceptance(model, draft_tokens, 1.0, None)
    told = text(
        "{model} yields {accepted:.3g} tokens per step with {n} drafted ({method}, {mode}; {source})",
        model=used.model, accepted=used.accepted, n=used.draft_tokens, method=used.method, mode=used.mode, source=used.source,
    )  # fmt: skip
    return replace(answer, notes=(told, *answer.notes))


def utilization(value: Any) -> float:
    """The share of the memory that an engine may use, above zero [1]."""
    return number(value, "memory_utilization", above=0, most=1, example="0.9")


def bytes_of(value: Any, argument: str) -> float:
    """An amount of memory: ``"20 GiB"``, or bytes [byte]."""
    if isinstance(value, str):
        return parse_quantity(value, dimension="byte", where=argument)
    return number(value, argument, least=0, most=MOST_BYTES, example="'20 GiB'")


@door
def serve(
    model: str | LanguageModel,
    chip: str | Chip,
    *,
    chips: int = 1,
    prompt: float = 1000,
    output: float | None = None,
    load: Load | None = None,
    users: float | None = None,
    rate: float | None = None,
    batch: float | None = None,
    burst: float | None = None,
    ttft: AmountLike | None = None,
    tpot: AmountLike | None = None,
    precision: str | None = None,
    kv: str | None = None,
    engine: str | None = None,
    engine_date: str | None = None,
    flags: str = "tuned",
    tensor: int | str = "auto",
    pipeline: int = 1,
    expert: int | None = None,
    context: int = 1,
    attention_dp: bool = False,
    prefill_workers: int = 0,
    prefix_reuse: float = 0.0,
    accepted: float = 1.0,
    drafted: float | None = None,
    draft_tokens: int | None = None,
    memory_utilization: float | None = None,
    max_batched_tokens: int | None = None,
    max_sequences: int | None = None,
    chunked_prefill: bool = True,
    front_end: AmountLike | None = None,
    max_in_flight: float | None = None,
    draft: str | int | None = None,
    weights_on_host: AmountLike | None = None,
    beyond_context: bool = False,
    images: float = 0,
    image_size: str | int = "1024x1024",
    adapters: int = 0,
    adapter_rank: int = 16,
) -> Answer:
    """How fast a model serves on some chips: throughput, latencies, batch, memory and energy.

    Parameters
    ----------
    model, chip : str or record
        ``"llama-3.1-70b"``, ``"h200"``, or records, invented ones too.
    chips : int
        Chips in all [1].
    prompt, output : float
        Mean tokens of a prompt, its text alone, and of an answer (1000 by default) [token].
    load : Full, Users, Arrivals, Batch, Burst, Within or Disaggregated
        What the clients do; or one of the next arguments, or none to fill the memory.
    users, rate, batch, burst : float
        Requests in the system, requests per second, sequences of one static batch, requests at one moment.
    ttft, tpot : str or float
        Limits on the mean time to first token and per output token: ``"500 ms"``, or seconds. Alone they find the
        largest load within them; beside a load the answer says whether it meets them.
    precision, kv : str
        Format of the weights and of the cache; as published, and as the engine does, by default.
    flags : str
        ``"tuned"`` for the load, or ``"default"`` as the engine starts without any.
    engine_date : str
        Release of the engine as ``2026-05``; today's by default.
    engine : str
        Family of serving software.
    tensor, pipeline, expert, context : int
        Layout; searched where ``tensor`` is ``"auto"``.
    attention_dp : bool
        Data-parallel attention, experts spread over ``expert`` chips (all of them by default).
    prefill_workers : int
        Replicas that only prefill (disaggregated serving).
    prefix_reuse : float
        Share of the prompt found in the prefix cache [1].
    accepted, drafted : float
        Tokens that a step of speculative decoding yields, and verifies [1].
    draft_tokens : int
        Tokens that the model's own draft proposes in a step; how many are accepted is taken from published runs [1].
    memory_utilization, max_batched_tokens, max_sequences : float, int, int
        What the engine may use of the memory [1], and the tokens and sequences of its largest step; its own defaults.
    chunked_prefill : bool
        Whether prompts are computed in pieces beside the others' decoding (default), or whole.
    front_end : str or float
        Time of a request outside the engine before its first token, ``"10 ms"`` or seconds; as fitted by default.
    max_in_flight : float
        Requests of a stream that the clients let be in the system at most [1].
    draft : str or int
        A draft that memory must hold: ``"own"`` for the layers in the checkpoint, or a number of layers.
    weights_on_host : str or float
        Weights of each chip that its host keeps, ``"20 GiB"`` or bytes; every step reads them over the host link.
    beyond_context : bool
        Ask on for sequences longer than the model's maximum.
    images, image_size : float, str
        Images of each prompt [1], and their size in pixels as ``"1024x768"``: their tokens join the prompt, the vision
        tower the time to first token.
    adapters, adapter_rank : int
        Low-rank adapters served beside the model, wanted alike often, and their rank [1].

    Returns
    -------
    Answer
        Of an embedding model or a reranker (nothing is decoded) figures ``requests`` [1/s], ``rate`` [token/s of prompts]
        and ``latency`` [s]. Else figures ``rate`` [token/s of all chips], ``ttft`` [s], ``tpot`` [s], ``ttft_burst`` [s, where
        all come at the same moment], ``energy`` [J/token]; the record is the engine's
        :class:`~chipwall.perf.serving.workload.Serving`.

    Raises
    ------
    InputError
        A name, number, unit or pair that cannot be, or a model that does not fit.

    Limits
    ------
    Means, not tails; lengths spread narrowly.

    Examples
    --------
    >>> serve("llama-2-70b", "h200", chips=8, precision="fp8").rate.basis
    'calibrated'
    """
    asked = {n: v for n, v in locals().items() if n not in ("model", "chip")}
    record, calibrated = model_of(model), calibrated_in_use()
    question = with_images(record, question_of(record, **asked))
    machine = serving_hardware(chip_of(chip), calibrated, engine=question.engine)
    if record.purpose:
        return _encoding_answer(record, machine, question, output, calibrated)
    answer = serve_answer(record, machine.name, question, serving(record, machine, question, calibrated))
    return answer if draft_tokens is None else _told_acceptance(answer, record, draft_tokens)


def serve_answer(model: LanguageModel, chip: str, question: Question, found: Serving) -> Answer:
    """The engine's record of serving as an answer; ``chip`` is the name of the chip."""
    figures = {
        "rate": figure_of(found.throughput),
        "ttft": figure_of(found.ttft),
        "tpot": figure_of(found.tpot),
        "ttft_burst": figure_of(found.ttft_burst),
        "energy": figure_of(found.energy),
    }
    e = found.throughput
    return Answer(
        "serve",
        text("{model} on {chips} x {chip}", model=model.name, chips=question.chips, chip=chip),
        figures,
        found,
        lines=lines_of(e),
        notes=e.notes,
        sources=tuple(dict.fromkeys([*e.sources, model.source])),
        measured=e.nearest,
        data=found.as_json,
        source_of=source_of,
    )


def _encoding_answer(
    model: LanguageModel, hw: Hardware, question: Question, output: Any, calibrated: Calibrated
) -> Answer:
    """A model that writes no text as an answer; refuses an answer's length."""
    from chipwall.perf.serving.embedding import encoding

    if output is not None:
        raise InputError(
            text("{model} writes no text: nothing is decoded", model=model.name),
            where="output",
            fix=text("Leave it out: a request is one prompt, read once"),
        )
    found = encoding(model, hw, question, calibrated)
    figures = {
        "requests": figure_of(found.requests), "rate": figure_of(found.tokens), "latency": figure_of(found.latency),
    }  # fmt: skip
    return Answer(
        "serve",
        text("{model} on {chips} x {chip}", model=model.name, chips=question.chips, chip=hw.name),
        figures,
        found,
        notes=found.requests.notes,
        sources=tuple(dict.fromkeys([*found.requests.sources, model.source])),
        data=found.as_json,
        source_of=source_of,
    )


def operators_of(model: LanguageModel, chip: Chip, question: Question, found: Serving) -> list[dict[str, Any]]:
    """The operator table of one iteration of an answer: what is multiplied, how often, with how many bytes and FLOP."""
    from chipwall.perf.serving.breakdown import operator_rows
    from chipwall.perf.serving.serve import requests_of, setups_of

    question, calibrated = with_images(model, question), calibrated_in_use()
    machine = serving_hardware(chip, calibrated, engine=question.engine)
    layouts, made, _, _ = setups_of(model, machine, question, calibrated)
    return operator_rows(made[layouts.index(found.layout)], requests_of(question), found.batch)
