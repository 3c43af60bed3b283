"""How fast a model serves on some chips: the one door to throughput, latency, batch, room and energy.

:func:`serving` answers one question with its breakdown; :func:`chipwall.perf.serving.regimes.served` and
:func:`chipwall.perf.serving.search.best_under_limits` are the same arithmetic for arrays of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from chipwall.catalog.records import Chip, LanguageModel
from chipwall.errors import InputError
from chipwall.perf.device import Hardware, hardware
from chipwall.perf.estimate import Estimate, Part
from chipwall.perf.evidence.nearest import exact_and_nearest
from chipwall.perf.evidence.serving_classes import basis_for, class_for
from chipwall.perf.evidence.serving_rows import band
from chipwall.perf.power import joules_per_token, power_under_load
from chipwall.perf.serving.breakdown import iteration_parts
from chipwall.perf.serving.constants import step_constants, tuned_architectures
from chipwall.perf.serving.engines import TUNED, engine_on, software_year
from chipwall.perf.serving.precision import CACHE_BYTES, Precision, default_cache, precision_of
from chipwall.perf.serving.regimes import NO_LIMIT, Requests, batch_room, cache_per_sequence, cache_room, served
from chipwall.perf.serving.search import best_under_limits, checked_layout, possible_layouts, require_fit, side_by_side
from chipwall.perf.serving.setup import Layout, relaid, setup
from chipwall.perf.serving.step import Setup
from chipwall.perf.serving.workload import Question, Serving
from chipwall.text import text

__all__ = ["Question", "Serving", "requests_of", "serving", "setups_of"]


def requests_of(q: Question) -> Requests:
    """The question as requests; refuses lengths and loads that mean nothing."""
    for name, value in (("--isl", q.prompt), ("--osl", q.output)):
        if not value >= 1 or not np.isfinite(value):
            raise InputError(
                text("{value:g} tokens is not a length", value=value), where=name, fix=text("Give one token or more")
            )
    if q.concurrency < 0 or q.rate < 0 or q.chips < 1:
        raise InputError(text("a load and a number of chips are not negative"), fix=text("Give one or more"))
    if not 0 <= q.reused < 1 or q.accepted < 1 or q.drafted < q.accepted:
        raise InputError(
            text("prefix reuse must lie in [0, 1), and accepted tokens in [1, drafted]"),
            where="--prefix-reuse, --accepted, --drafted",
            fix=text("For example --prefix-reuse 0.5, --accepted 2.4 --drafted 4"),
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
        ttft_limit=q.ttft_limit,
        tpot_limit=q.tpot_limit,
        reused=q.reused,
        accepted=q.accepted,
        drafted=q.drafted,
        prefillers=float(q.prefillers),
    )


def setups_of(
    model: LanguageModel, chip: Chip, q: Question, *, hw: Hardware | None = None
) -> tuple[list[Layout], list[Setup], Precision, str]:
    """Every feasible layout of a question with its setup, the precision, and the format of the cache.

    Raises
    ------
    InputError
        The model does not fit, or the layout does not divide the heads, the experts or the chips.
    Unknown
        The chip lacks the format asked for.
    """
    engine = engine_on(chip.vendor.lower(), q.engine)
    machine = hw or hardware(chip, engine=engine)
    precision = precision_of(q.precision, model=model, hw=machine, strict=bool(q.precision), where="--precision")
    cache = q.cache.lower() or default_cache(precision, engine=engine, model=model, hw=machine)
    if cache not in CACHE_BYTES:
        raise InputError(
            text("unknown cache format '{name}'", name=cache),
            where="--kv",
            fix=text("Use one of: {names}", names=", ".join(CACHE_BYTES)),
        )
    dims = model.architecture
    constants = step_constants(machine.arch, engine, q.engine_year)
    if q.tensor or q.spread or q.context > 1:
        tensor = max(q.tensor, 1)
        asked = [
            checked_layout(
                model,
                chips=q.chips,
                tensor=tensor,
                pipeline=q.pipeline,
                expert=q.expert,
                spread=q.spread,
                context=q.context,
            )
        ]
    else:
        asked = possible_layouts(model, q.chips, domain=int(machine.scaleup_domain))
    if not asked:
        raise InputError(
            text("no layout of {model} divides {chips} chips", model=model.name, chips=q.chips), where="--n"
        )
    layouts = require_fit(asked, machine, dims, precision, model, reserve=constants["memory.reserve"])
    first = setup(machine, dims, precision, layouts[0], cache=cache, constants=constants)
    made = [first, *(relaid(first, precision, x) for x in layouts[1:])]
    return layouts, made, precision, cache


def serving(model: LanguageModel, chip: Chip, question: Question, *, hw: Hardware | None = None) -> Serving:
    """Throughput, latencies, batch, room and energy of serving a model.

    Parameters
    ----------
    model, chip : LanguageModel, Chip
        From the catalogue, or invented.
    question : Question
        Lengths, load, limits, precision, layout.
    hw : Hardware, optional
        The chip with changed numbers, for what-if questions.

    Returns
    -------
    Serving
        Estimates with their 80 % bands.

    Limits
    ------
    Lengths are means: a wide spread of lengths costs more than the fitted factors allow for. Latencies are means, not
    tails. Speculative decoding and prefix reuse are stated factors, not predicted.
    """
    machine = hw or hardware(chip, engine=engine_on(chip.vendor.lower(), question.engine))
    layouts, made, precision, cache = setups_of(model, chip, question, hw=machine)
    requests = requests_of(question)
    at, got = _best_layout(made, layouts, requests, question)
    s, layout = made[at], layouts[at]
    basis = basis_for(chip.id, machine.arch, arch_rows=tuned_architectures())
    shown = _inputs(model, chip, question, layout, precision, cache)
    exact, nearest = exact_and_nearest(model, chip, question, precision)
    notes = _notes(question, got, machine, basis, precision)
    parts, bound = iteration_parts(s, requests, got["batch"])
    watts = power_under_load(machine, parts)
    moe, tuned = model.is_moe, engine_on(chip.vendor.lower(), question.engine) in TUNED

    def estimate(quantity: str, value: float, unit: str, *, metric: str, breakdown: tuple[Part, ...] = ()) -> Estimate:
        low, high = band(class_for(tuned=tuned, moe=moe, metric=metric), basis)
        return Estimate(
            quantity,
            value,
            unit,
            value * low,
            value * high,
            "measured" if exact and metric == "output" else basis,
            bound,
            breakdown,
            sum(p.value for p in breakdown),
            inputs=shown,
            nearest=nearest,
            sources=machine.sources,
            notes=notes,
        )

    energy = joules_per_token(watts, chips=question.chips, output=got["output"])
    return Serving(
        throughput=estimate("output_tokens_per_s", got["output"], "token/s", metric="output", breakdown=parts),
        ttft=estimate("ttft", got["ttft"], "s", metric="ttft"),
        tpot=estimate("tpot", got["tpot"], "s", metric="tpot"),
        energy=estimate("energy_per_output_token", energy, "J/token", metric="output"),
        batch=got["batch"],
        most=got["room"],
        cache_room=float(cache_room(s)),
        cache_per_sequence=float(cache_per_sequence(s, requests)),
        weights=float(s.weights),
        reserve=float(s.constants["memory.reserve"]),
        layout=layout,
        precision=precision,
        cache=cache,
        requests_per_s=got["requests"],
        inputs=shown,
    )


def _best_layout(
    made: list[Setup], layouts: list[Layout], q: Requests, question: Question
) -> tuple[int, dict[str, float]]:
    """The layout with the highest rate, and what it does; refuses where no layout holds the limits."""
    asked = Requests(**{n: np.atleast_1d(float(getattr(q, n))) for n in Requests.__dataclass_fields__})
    if question.prefillers:
        return _best_disaggregated(made, layouts, asked, question)
    if int(q.regime) != 2:
        got = served(side_by_side(made), asked)
        at = int(np.argmax(got["output"]))
        return at, {k: float(np.broadcast_to(v, (len(made), 1))[at, 0]) for k, v in got.items()}
    found = best_under_limits(made, asked)
    at = int(found["layout"][0])
    if at < 0:
        raise InputError(
            text("no layout holds the latency limits"),
            where=text(
                "first token {first:g} s, per token {each:g} s", first=question.ttft_limit, each=question.tpot_limit
            ),
            fix=text("Relax a limit, or use more or faster chips"),
        )
    output = float(found["output"][0])
    room = float(batch_room(made[at], q))
    values = {k: float(found[k][0]) for k in ("output", "tpot", "ttft", "batch")}
    return at, values | {"requests": output / question.output, "room": room, "step": values["tpot"] * question.accepted}


def _best_disaggregated(
    made: list[Setup], layouts: list[Layout], q: Requests, question: Question
) -> tuple[int, dict[str, float]]:
    """As :func:`_best_layout`, some replicas prefilling and the others decoding."""
    able = [i for i, x in enumerate(layouts) if x.replicas > question.prefillers]
    if not able:
        raise InputError(
            text("{count} replicas cannot all prefill", count=question.prefillers),
            where="--prefill-workers",
            fix=text("Leave at least one replica to decode: give --tp so that there are more replicas"),
        )
    decoders = np.array([[float(layouts[i].replicas - question.prefillers)] for i in able])
    got = served(
        side_by_side([made[i] for i in able]),
        replace(q, decoders=decoders, regime=np.array([8.0]), concurrency=np.maximum(q.concurrency, 1.0)),
    )
    at = int(np.argmax(got["output"]))
    return able[at], {k: float(np.broadcast_to(v, (len(able), 1))[at, 0]) for k, v in got.items()}


def _inputs(
    model: LanguageModel, chip: Chip, q: Question, layout: Layout, precision: Precision, cache: str
) -> dict[str, Any]:
    return {
        "model": model.id,
        "chip": chip.id,
        "chips": q.chips,
        "prompt_tokens": q.prompt,
        "output_tokens": q.output,
        "precision": precision.name,
        "cache": cache,
        "engine": engine_on(chip.vendor.lower(), q.engine),
        "engine_year": software_year(engine_on(chip.vendor.lower(), q.engine), q.engine_year),
        "tensor_parallel": layout.tensor,
        "pipeline_parallel": layout.pipeline,
        "replicas": layout.replicas,
        "expert_parallel": layout.expert,
    }


def _notes(q: Question, got: Mapping[str, float], hw: Hardware, basis: str, precision: Precision) -> tuple[str, ...]:
    notes: list[str] = []
    if basis == "extrapolated":
        notes.append(text("no serving run of {chip} or its architecture was fitted: the band is wider", chip=hw.name))
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
    if q.concurrency > got["room"] * 1.001 and q.concurrency:
        notes.append(
            text("more requests than the cache holds: {room:.0f} per replica run, the others wait", room=got["room"])
        )
    if q.rate and got["requests"] < 0.9 * q.rate:
        notes.append(
            text(
                "saturated: {rate:.3g} requests/s arrive, {served:.3g} are served", rate=q.rate, served=got["requests"]
            )
        )
    if q.reused or q.accepted > 1:
        notes.append(text("prefix reuse and accepted draft tokens are the factors you gave, not predictions"))
    return tuple(notes)
