"""How fast a model serves on some chips: the one door to throughput, latency, batch, room and energy.

:func:`serving` answers one question with its breakdown; :func:`chipwall.perf.serving.regimes.served` and
:func:`chipwall.perf.serving.search.best_under_limits` are the same arithmetic for arrays of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from chipwall.catalog.records import LanguageModel
from chipwall.errors import InputError
from chipwall.perf.adapters import ServedAdapters
from chipwall.perf.calibrated import Calibrated, ServingConstants, Standing
from chipwall.perf.device import Hardware
from chipwall.perf.estimate import Estimate, Part
from chipwall.perf.layout import Layout, checked, serving_layout
from chipwall.perf.overhead import LEAN_YEAR
from chipwall.perf.power import joules_per_token, power_under_load
from chipwall.perf.serving.breakdown import iteration_parts
from chipwall.perf.serving.engines import engine_on
from chipwall.perf.serving.fits import check_context, layouts_for, limits_of
from chipwall.perf.serving.images import tower_seconds
from chipwall.perf.serving.iteration import CHUNK
from chipwall.perf.serving.memory import EngineMemory, Holding, engine_memory, room_for_cache
from chipwall.perf.serving.precision import CACHE_BYTES, Precision, default_cache, precision_of
from chipwall.perf.serving.regimes import (
    NO_LIMIT,
    REGIMES,
    Requests,
    burst_first_token,
    cache_per_sequence,
    closed_loop,
    holds_one,
    served,
)
from chipwall.perf.serving.search import best_under_limits, cache_refusal, require_weights, side_by_side
from chipwall.perf.serving.setup import machine_of, setup, with_layout
from chipwall.perf.serving.step import Setup, ranks_of
from chipwall.perf.serving.tails import latency_tails
from chipwall.perf.serving.workload import FLAGS, Question, Serving
from chipwall.text import Text, listed, text
from chipwall.units import format_quantity

STATIC, BURST = REGIMES.index("static"), REGIMES.index("burst")

__all__ = ["Question", "Serving", "requests_of", "require_text", "serving", "setups_of"]


def requests_of(q: Question) -> Requests:
    """The question as requests; refuses lengths and loads that mean nothing."""
    for name, value in (("prompt", q.prompt), ("output", q.output)):
        if not value >= 1 or not np.isfinite(value):
            raise InputError(
                text("{value:g} tokens is not a length", value=value), where=name, fix=text("Give one token or more")
            )
    if q.concurrency < 0 or q.rate < 0 or q.chips < 1:
        raise InputError(text("a load and a number of chips are not negative"), fix=text("Give one or more"))
    if not 0 <= q.reused < 1 or q.accepted < 1 or q.drafted < q.accepted:
        raise InputError(
            text("prefix reuse must lie in [0, 1), and accepted tokens in [1, drafted]"),
            where="prefix_reuse, accepted, drafted",
            fix=text("For example a reuse of 0.5, 2.4 accepted of 4 drafted"),
        )
    limited = q.ttft_limit < NO_LIMIT or q.tpot_limit < NO_LIMIT
    regime = 6 if q.burst else 4 if q.static else 7 if q.rate else 5 if q.concurrency else 2 if limited else 0
    return Requests(
        prompt=float(q.prompt),
        output=float(q.output),
        regime=regime,
        concurrency=max(q.concurrency, 1.0),
        count=max(q.burst, 1.0),
        rate=q.rate,
        arrival_cv=q.arrival_cv,
        in_flight=q.in_flight or np.inf,
        chunk=chunk_of(q),
        ttft_limit=q.ttft_limit,
        tpot_limit=q.tpot_limit,
        reused=q.reused,
        accepted=q.accepted,
        drafted=q.drafted,
        prefillers=float(q.prefillers),
    )


def chunk_of(q: Question) -> float:
    """Prompt tokens of one iteration at most [token]; a prompt that is not cut must fit into one."""
    most = q.step_tokens or CHUNK
    if q.chunked:
        return most
    if q.step_tokens and q.prompt * (1.0 - q.reused) > q.step_tokens:
        raise InputError(
            text("a prompt of {prompt:,.0f} tokens does not fit into a step of {step:,.0f}", prompt=q.prompt, step=q.step_tokens),
            where="chunked_prefill, max_batched_tokens",
            fix=text("Allow larger steps, or prompts in pieces"),
        )  # fmt: skip
    return max(most, q.prompt)


def setups_of(
    model: LanguageModel, hw: Hardware, q: Question, calibrated: Calibrated
) -> tuple[list[Layout], list[Setup], Precision, str]:
    """Every feasible layout of a question with its setup, the precision, and the format of the cache.

    Raises
    ------
    InputError
        The model does not fit, or the layout does not divide the heads, the experts or the chips.
    Unknown
        The chip lacks the format asked for.
    """
    engine = engine_on(hw.vendor, q.engine)
    precision = precision_of(q.precision, model=model, hw=hw, where="precision")
    cache = q.cache.lower() or default_cache(precision, engine=engine, model=model, hw=hw)
    if cache not in CACHE_BYTES:
        raise InputError(
            text("unknown cache format '{name}'", name=cache),
            where="kv",
            fix=text("Use one of: {names}", names=", ".join(CACHE_BYTES)),
        )
    dims = model.architecture
    recipe = precision.experts if model.is_moe else precision.dense
    constants = calibrated.serving.at(hw.arch, engine, q.engine_year, recipe, flags_of(q), chip=hw.id)
    if q.front_end is not None:
        constants = {**constants, "serving.first": q.front_end}
    how = holding_of(q, engine, calibrated)
    asked = _layouts(model, q, hw)
    tower = tower_seconds(model, hw, q)
    first = setup(hw, dims, precision, asked[0], cache=cache, constants=constants, how=how, tower=tower)
    every = [first, *(with_layout(first, precision, x, how) for x in asked[1:])]
    kept = require_weights(asked, every, model, precision.stored, how, precision=precision.name)
    return [asked[i] for i in kept], [every[i] for i in kept], precision, cache


def flags_of(q: Question) -> str:
    """How the engine of a question is set up; refuses what is neither ``tuned`` nor ``default``."""
    if q.flags not in FLAGS:
        raise InputError(
            text("'{words}' is not a way to set up an engine", words=q.flags), where="flags",
            fix=text("Use one of: {names}", names=", ".join(FLAGS)),
        )  # fmt: skip
    return q.flags


def holding_of(q: Question, engine: str, calibrated: Calibrated) -> EngineMemory:
    """How the engine of a question holds memory."""
    lean = calibrated.serving.year(engine, q.engine_year) >= LEAN_YEAR
    asked = Holding(
        engine, share=q.memory_share, tokens=q.step_tokens, sequences=q.step_sequences,
        sampler="lean" if lean else "full", draft=q.draft, on_host=q.on_host,
        adapters=ServedAdapters(q.adapters, q.adapter_rank),
    )  # fmt: skip
    return engine_memory(asked, calibrated.overhead)


def _layouts(model: LanguageModel, q: Question, hw: Hardware) -> list[Layout]:
    """The layout of a question, or those to search: ways that are given hold, others are open unless tensor is given."""
    dims = model.architecture
    if q.tensor:
        ways = serving_layout(
            tensor=q.tensor, pipeline=q.pipeline, context=q.context, expert=q.expert, attention_data_parallel=q.spread
        )
        return [checked(ways, chips=q.chips, **limits_of(dims))]
    given: dict[str, Any] = {
        name: value
        for name, value in (("pipeline", q.pipeline), ("expert", q.expert), ("context", q.context))
        if value != 1
    }
    if q.spread:
        given["attention_data_parallel"] = True
    return layouts_for(dims, q.chips, domain=int(hw.scaleup_domain), given=given)


def require_text(model: LanguageModel) -> None:
    """Refuses a model that writes no text: nothing of it is decoded."""
    if model.purpose:
        raise InputError(
            text("{model} writes no text: nothing is decoded", model=model.name),
            where="model",
            fix=text("Ask how fast it reads: chipwall infer {model}", model=model.id),
        )


def serving(model: LanguageModel, hw: Hardware, question: Question, calibrated: Calibrated) -> Serving:
    """Throughput, latencies, batch, room and energy of serving a model.

    Parameters
    ----------
    model : LanguageModel
        From the catalogue, or invented.
    hw : Hardware
        The chip, with the constants of the engine that runs on it: :func:`chipwall.perf.serving.setup.serving_hardware`.
    question : Question
        Lengths, load, limits, precision, layout.
    calibrated : Calibrated
        What is fitted.

    Returns
    -------
    Serving
        Estimates with their 80 % bands.

    Limits
    ------
    Lengths are means: a wide spread of lengths costs more than the fitted factors allow for. Latencies are means, not
    tails. Speculative decoding and prefix reuse are stated factors, not predicted.
    """
    require_text(model)
    engine = engine_on(hw.vendor, question.engine)
    check_context(model, question.prompt + question.output, beyond=question.beyond_context, where="prompt, output")
    layouts, made, precision, cache = setups_of(model, hw, question, calibrated)
    how = holding_of(question, engine, calibrated)
    requests = requests_of(question)
    able = [i for i, s in enumerate(made) if bool(holds_one(s, requests))]
    if not able:
        raise cache_refusal(layouts, made, requests, model, precision.stored, how, cache=cache)
    layouts, made = [layouts[i] for i in able], [made[i] for i in able]
    at, got = _best_layout(made, layouts, requests, question)
    s, layout = made[at], layouts[at]
    room = room_for_cache(model.architecture, precision.stored, layout, machine_of(hw), how)
    stands = question_standing(model, hw, question, precision, calibrated, group=s.group, replicas=s.replicas)
    shown = _inputs(model, hw, question, layout, precision, cache, calibrated.serving)
    nearest = stands.nearest()
    missed = _missed(question, got)
    notes = (*missed, *_notes(question, got, s, requests, stands, precision))
    parts, bound = iteration_parts(s, requests, got["batch"])
    watts = power_under_load(hw, ((p.value, p.bound) for p in parts))

    def estimate(quantity: str, value: float, unit: str, *, metric: str, breakdown: tuple[Part, ...] = ()) -> Estimate:
        low, high = stands.band(metric)
        return Estimate(
            quantity,
            value,
            unit,
            value * low,
            value * high,
            # images and adapters were in no run that was fitted
            "extrapolated"
            if question.images or question.adapters
            else stands.basis(metric, chips=question.chips if metric != "ttft" else 0),
            bound,
            breakdown,
            sum(p.value for p in breakdown),
            inputs=shown,
            nearest=nearest,
            sources=hw.sources,
            notes=notes,
        )

    at_start = float(_at_start(s, requests, got))
    energy = joules_per_token(watts, chips=question.chips, output=got["output"])
    return Serving(
        throughput=estimate("output_tokens_per_s", got["output"], "token/s", metric="output", breakdown=parts),
        ttft=estimate("ttft", got["ttft"], "s", metric="ttft"),
        tpot=estimate("tpot", got["tpot"], "s", metric="tpot"),
        ttft_burst=estimate("ttft_burst", at_start, "s", metric="ttft"),
        energy=estimate("energy_per_output_token", energy, "J/token", metric="energy"),
        inside=got["inside"],
        batch=got["batch"],
        most=got["room"],
        missed=missed,
        cache_per_sequence=float(cache_per_sequence(s, requests)),
        room=room,
        layout=layout,
        precision=precision,
        cache=cache,
        requests_per_s=got["requests"],
        tails=latency_tails(s, requests, got["batch"], got["requests"] / layout.replicas),
        shape=model.architecture,
        machine=machine_of(hw),
        how=how,
        inputs=shown,
    )


def _best_layout(
    made: list[Setup], layouts: list[Layout], q: Requests, question: Question
) -> tuple[int, dict[str, float]]:
    """The layout with the highest rate, and what it does; refuses where no layout holds the limits."""
    if len(made) == 1 and not question.prefillers and int(q.regime) != 2:
        return 0, {k: float(v) for k, v in served(made[0], q).items()}
    asked = Requests(**{n: np.atleast_1d(float(getattr(q, n))) for n in Requests.__dataclass_fields__})
    if question.prefillers:
        return _best_disaggregated(made, layouts, asked, question)
    if int(q.regime) != 2:
        got = served(side_by_side(made), asked)
        meets = (got["tpot"] <= question.tpot_limit) & (got["ttft"] <= question.ttft_limit)
        # a layout that meets the limits comes before a faster one that misses them
        value = np.where(meets, got["output"], -1.0) if np.any(meets) else got["output"]
        at = int(np.argmax(value))
        return at, {k: float(np.broadcast_to(v, (len(made), 1))[at, 0]) for k, v in got.items()}
    found = best_under_limits(made, asked)
    at = int(found["layout"][0])
    if at < 0:
        raise _limits_refusal(made, asked, question)
    output = float(found["output"][0])
    values = {k: float(found[k][0]) for k in ("output", "tpot", "ttft", "batch", "room")}
    requests = output / question.output
    inside = requests * (values["ttft"] + max(question.output - 1.0, 0.0) * values["tpot"])
    return at, values | {"requests": requests, "inside": inside, "step": values["tpot"] * question.accepted}


def _at_start(s: Setup, q: Requests, got: Mapping[str, float]) -> Any:
    """Mean time to the first token where all that are in the system come at the same moment [s]."""
    if int(q.regime) in (STATIC, BURST):
        return got["ttft"]
    return burst_first_token(s, q, min(max(got["inside"] / float(s.replicas), 1.0), got["room"]))


def _limits_refusal(made: list[Setup], q: Requests, question: Question) -> InputError:
    """Not even one user is served within the limits: says what one user gets, and which limit is in the way."""
    s = side_by_side(made)
    alone = np.ones((len(made), 1))
    _, token, first = closed_loop(s, replace(q, concurrency=s.replicas * alone), alone)
    asked = [
        (text("first token"), question.ttft_limit, float(np.min(first))),
        (text("per token"), question.tpot_limit, float(np.min(token))),
    ]
    words = listed(
        text(
            "{what} {best} against {limit}",
            what=what,
            best=format_quantity(best, "s"),
            limit=format_quantity(limit, "s"),
        )
        for what, limit, best in asked
        if limit < NO_LIMIT
    )
    return InputError(
        text("no layout meets the latency limits, not for one user"),
        where=text("the best that one user gets: {words}", words=words),
        fix=text("Relax a limit, or use more or faster chips"),
    )


def _missed(q: Question, got: Mapping[str, float]) -> tuple[Text, ...]:
    """Limits that the load given misses, with both numbers."""
    found = []
    for name, value, limit in (
        (text("time per token"), got["tpot"], q.tpot_limit), (text("time to first token"), got["ttft"], q.ttft_limit),
    ):  # fmt: skip
        if value > limit * (1.0 + 1e-9):
            found.append(
                text(
                    "limit not met: {name} {value} against {limit}",
                    name=name, value=format_quantity(value, "s", digits=3), limit=format_quantity(limit, "s", digits=3),
                )
            )  # fmt: skip
    return tuple(found)


def _best_disaggregated(
    made: list[Setup], layouts: list[Layout], q: Requests, question: Question
) -> tuple[int, dict[str, float]]:
    """As :func:`_best_layout`, some replicas prefilling and the others decoding."""
    able = [i for i, x in enumerate(layouts) if x.replicas > question.prefillers]
    if not able:
        raise InputError(
            text("{count} replicas cannot all prefill", count=question.prefillers),
            where="prefill_workers",
            fix=text(
                "Leave at least one replica to decode: give fewer tensor-parallel ways, so that there are more replicas"
            ),
        )
    decoders = np.array([[float(layouts[i].replicas - question.prefillers)] for i in able])
    got = served(
        side_by_side([made[i] for i in able]),
        replace(q, decoders=decoders, regime=np.array([8.0]), concurrency=np.maximum(q.concurrency, 1.0)),
    )
    at = int(np.argmax(got["output"]))
    return able[at], {k: float(np.broadcast_to(v, (len(able), 1))[at, 0]) for k, v in got.items()}


def _inputs(
    model: LanguageModel, hw: Hardware, q: Question, layout: Layout, precision: Precision, cache: str,
    constants: ServingConstants,
) -> dict[str, Any]:  # fmt: skip
    engine = engine_on(hw.vendor, q.engine)
    return {
        "model": model.id,
        "chip": hw.id,
        "chips": q.chips,
        "prompt_tokens": q.prompt,
        "output_tokens": q.output,
        "precision": precision.name,
        "cache": cache,
        "engine": engine,
        "flags": flags_of(q),
        "engine_year": constants.year(engine, q.engine_year),
        "tensor_parallel": layout.tensor,
        "pipeline_parallel": layout.pipeline,
        "replicas": layout.replicas,
        "expert_parallel": layout.expert,
    }


def question_standing(
    model: LanguageModel, hw: Hardware, q: Question, precision: Precision, calibrated: Calibrated, *, group: float,
    replicas: float,
) -> Standing:  # fmt: skip
    """How a question in a layout (chips that share a layer, copies of the model) stands to the measured runs."""
    regime = (
        "batch"
        if q.static
        else "stream"
        if q.rate
        else "split"
        if q.prefillers
        else "clients"
        if q.concurrency
        else "full"
    )
    engine = engine_on(hw.vendor, q.engine)
    return calibrated.evidence.standing(
        hw=hw, engine=engine, model=model, precision=precision.name, regime=regime, tensor=group,
        load=q.concurrency / replicas if q.concurrency else None, context=q.prompt + q.output / 2.0,
        year=calibrated.serving.year(engine, q.engine_year),
    )  # fmt: skip


def _notes(
    q: Question, got: Mapping[str, float], s: Setup, requests: Requests, stands: Standing, precision: Precision
) -> tuple[str, ...]:
    notes: list[str] = []
    hw = s.hw
    if stands.basis("output") == "extrapolated":
        notes.append(
            text("no run like this one was fitted: the band is that of questions as far from the measurements")
        )
    if hw.assumed:
        notes.append(text("not published and assumed typical: {names}", names=", ".join(hw.assumed)))
    if precision.widened:
        notes.append(
            text(
                "{chip} lacks {format} arithmetic: weights are widened on the way in",
                chip=hw.name,
                format=precision.name,
            )
        )
    crowd, most = q.concurrency / float(s.replicas), got["room"]
    capped = most >= min(float(requests.cap), float(s.cap)) * float(ranks_of(s)) * 0.999
    if q.concurrency and crowd > most * 1.001:
        what = text("the engine's limit of sequences") if capped else text("the cache")
        notes.append(
            text("more requests than {what} holds: {room:.0f} per replica run, the others wait", what=what, room=most)
        )
    elif capped and got["batch"] >= most * 0.999:
        notes.append(
            text("held at {most:.0f} sequences per replica, the limit of the engine and not of the memory", most=most)
        )
    if q.rate and got["requests"] < q.rate * (1.0 - 1e-6):
        numbers = {"rate": q.rate, "served": got["requests"]}
        notes.append(text("saturated: {rate:.3g} requests/s arrive, {served:.3g} are served", **numbers))
        if not q.in_flight:
            notes.append(
                text("the others wait, longer and longer: the first-token time is that of a full engine without that wait")
            )
    if q.images:
        notes.append(
            text(
                "{tokens:,.0f} tokens of each prompt are images of {width} x {height} pixels; no run with images was fitted",
                tokens=q.image_tokens, width=q.image_width, height=q.image_height,
            )
        )  # fmt: skip
    if q.adapters:
        notes.append(
            text("requests want the {count:.0f} adapters alike often; no run with adapters was fitted", count=q.adapters)
        )
    if q.reused or q.accepted > 1:
        notes.append(text("prefix reuse and accepted draft tokens are the factors you gave, not predictions"))
    return tuple(notes)
