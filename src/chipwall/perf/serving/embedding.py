"""Models that write no text: embedding models and rerankers. A request is one prompt, read once; nothing is decoded.

The step is that of serving with no sequence decoding: what a prompt costs there, it costs here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from chipwall.catalog.records import LanguageModel
from chipwall.errors import InputError
from chipwall.perf.budget import Budget
from chipwall.perf.calibrated import Calibrated
from chipwall.perf.device import Hardware
from chipwall.perf.estimate import Estimate
from chipwall.perf.layout import Layout
from chipwall.perf.overhead import step_limits
from chipwall.perf.serving.engines import engine_on
from chipwall.perf.serving.fits import check_context
from chipwall.perf.serving.memory import EngineMemory, Machine, serving_budget
from chipwall.perf.serving.precision import Precision
from chipwall.perf.serving.regimes import NO_LIMIT
from chipwall.perf.serving.serve import holding_of, question_standing, setups_of
from chipwall.perf.serving.setup import machine_of
from chipwall.perf.serving.step import Setup, ranks_of, step_time
from chipwall.perf.serving.workload import Question
from chipwall.text import Text, text
from chipwall.units import format_quantity

__all__ = ["Encoding", "encoding"]

# Rounds in which the batch of an open loop settles [1].
ROUNDS = 60


@dataclass(frozen=True, slots=True)
class Encoding:
    """Answer of :func:`encoding`.

    Attributes
    ----------
    requests, tokens, latency : Estimate
        Prompts per second of all chips, their tokens per second, and the time from a request to its vector or score.
    batch : float
        Prompts of one step of a replica [1].
    layout, precision : Layout, Precision
        Layout, given or found, and recipes of the parts.
    """

    requests: Estimate
    tokens: Estimate
    latency: Estimate
    batch: float
    layout: Layout
    precision: Precision
    machine: Machine
    how: EngineMemory
    model: LanguageModel
    inputs: Mapping[str, Any] = field(hash=False, default_factory=dict)

    def budget(self) -> Budget:
        """Memory of the fullest chip with the prompts of one step, every term with its formula."""
        return serving_budget(
            self.model.architecture, self.precision.stored, self.layout, self.machine, self.how, cache="bf16",
            context=self.inputs["prompt_tokens"], sequences=self.batch * self.layout.replicas,
        )  # fmt: skip

    def as_json(self) -> dict[str, Any]:
        """Plain values, SI, the unit in the field name."""
        return {
            "purpose": self.model.purpose, "requests": self.requests.as_json(), "prompt_tokens": self.tokens.as_json(),
            "latency": self.latency.as_json(), "batch_per_replica": self.batch, "notes": list(self.requests.notes),
            "layout": {
                "tensor_parallel": self.layout.tensor, "pipeline_parallel": self.layout.pipeline,
                "replicas": self.layout.replicas,
            },
            "inputs": dict(self.inputs),
        }  # fmt: skip


def encoding(model: LanguageModel, hw: Hardware, question: Question, calibrated: Calibrated) -> Encoding:
    """Prompts per second and latency of an embedding model or a reranker.

    Parameters
    ----------
    model : LanguageModel
        From the catalogue, or invented.
    hw : Hardware
        The chip with the constants of its engine.
    question : Question
        Length of a prompt, load, precision, layout; nothing is decoded.
    calibrated : Calibrated
        What is fitted.

    Limits
    ------
    No run of such a model was fitted: the step is that of language models, without its decoding. Prompts of a step have one
    length; a vector is pooled for nothing.
    """
    _refuse_decoding(model, question)
    check_context(model, question.prompt, beyond=question.beyond_context, where="prompt")
    engine = engine_on(hw.vendor, question.engine)
    layouts, made, precision, _ = setups_of(model, hw, question, calibrated)
    how = holding_of(question, engine, calibrated)
    tokens = question.step_tokens or step_limits(how.rules, memory=float(hw.memory), arch=hw.arch)[0]
    found = [_loaded(s, x, model, question, tokens) for s, x in zip(made, layouts, strict=True)]
    at = max(range(len(found)), key=lambda i: _value(found[i], question))
    rate, latency, batch = found[at]
    s, layout = made[at], layouts[at]
    stands = question_standing(model, hw, question, precision, calibrated, group=s.group, replicas=s.replicas)
    low, high = stands.band("output")
    notes = _notes(question, found[at], layout, model)
    inputs = {
        "model": model.id, "chip": hw.id, "chips": question.chips, "prompt_tokens": question.prompt,
        "precision": precision.name, "engine": engine,
        "tensor_parallel": layout.tensor, "pipeline_parallel": layout.pipeline, "replicas": layout.replicas,
    }  # fmt: skip

    def estimate(quantity: str, value: float, unit: str, *, time: bool = False) -> Estimate:
        ends = (value / high, value / low) if time else (value * low, value * high)
        return Estimate(
            quantity, value, unit, *ends, "extrapolated", "compute", inputs=inputs, sources=hw.sources, notes=notes
        )

    return Encoding(
        requests=estimate("requests_per_s", rate, "1/s"),
        tokens=estimate("prompt_tokens_per_s", rate * question.prompt, "token/s"),
        latency=estimate("latency", latency, "s", time=True),
        batch=batch, layout=layout, precision=precision, machine=machine_of(hw), how=how, model=model, inputs=inputs,
    )  # fmt: skip


def _refuse_decoding(model: LanguageModel, q: Question) -> None:
    """What decodes, drafts or hands a cache over has no place here."""
    for name, given in (
        ("accepted", q.accepted > 1), ("draft", bool(q.draft)), ("prefill_workers", bool(q.prefillers)),
        ("prefix_reuse", q.reused > 0), ("tpot", q.tpot_limit < NO_LIMIT),
    ):  # fmt: skip
        if given:
            raise InputError(
                text("{model} writes no text: nothing is decoded", model=model.name),
                where=name,
                fix=text("Leave it out: a request is one prompt, read once"),
            )


def _seconds(s: Setup, model: LanguageModel, prompt: float, prompts: float) -> float:
    """One step over so many prompts of a replica [s]; a token of an encoder sees all others, not only those before it."""
    seen = 2.0 * prompt if model.bidirectional else prompt
    return float(
        np.asarray(
            step_time(s, decoding=0.0, context=1.0, prompt_tokens=prompts * prompt, prompt=seen, sampling=0.0)
        )
    )


def _most(s: Setup, tokens: float, prompt: float) -> float:
    """Prompts of the largest step of a replica [1]: as many as the engine's tokens of a step hold, one at least."""
    return max(float(np.floor(tokens / prompt)), 1.0) * float(ranks_of(s))


def _loaded(s: Setup, layout: Layout, model: LanguageModel, q: Question, tokens: float) -> tuple[float, float, float]:
    """Prompts per second of all chips, time of one request [s], and prompts of a step under the load asked.

    ``tokens`` are those of the engine's largest step [token].
    """
    most, copies = _most(s, tokens, q.prompt), float(layout.replicas)

    def took(prompts: float) -> float:
        return _seconds(s, model, q.prompt, prompts)

    if q.ttft_limit < NO_LIMIT and not (q.concurrency or q.rate or q.burst):
        while most > 1.0 and took(most) > q.ttft_limit:
            most = max(np.floor(most / 2.0), 1.0)
        return copies * most / took(most), took(most), most
    if q.rate:
        return _arriving(q.rate / copies, most, took, copies)
    if q.burst or q.static:
        waiting = max((q.burst or q.concurrency) / copies, 1.0)
        batch = min(waiting, most)
        whole = waiting / batch * took(batch)
        return waiting * copies / whole, whole if q.static else (whole + took(batch)) / 2.0, batch
    if q.concurrency:
        each = max(q.concurrency / copies, 1.0)
        batch = min(each, most)
        rate = batch / took(batch)
        return min(q.concurrency, copies * each) / each * rate, each / rate, batch
    return copies * most / took(most), took(most), most


def _arriving(rate: float, most: float, took: Any, copies: float) -> tuple[float, float, float]:
    """Open loop: the prompts that arrive during one step make up the next; half a step is waited for on average."""
    if rate * took(most) >= most:
        return copies * most / took(most), 1.5 * took(most), most
    batch = 1.0
    for _ in range(ROUNDS):
        batch = min(max(rate * took(batch), 1.0), most)
    busy = min(rate * took(batch) / batch, 1.0)
    return copies * rate, took(batch) * (1.0 + busy / 2.0), batch


def _value(found: tuple[float, float, float], q: Question) -> tuple[bool, float, float]:
    """What makes one layout better than another: it keeps the limit, serves more, answers sooner."""
    rate, latency, _ = found
    return latency <= q.ttft_limit, rate, -latency


def _notes(q: Question, found: tuple[float, float, float], layout: Layout, model: LanguageModel) -> tuple[Text, ...]:
    rate, latency, _ = found
    kind = text("a reranker") if model.purpose == "reranker" else text("an embedding model")
    notes = [text("{kind}: a request is one prompt, read once; nothing is decoded, and no such run was fitted", kind=kind)]
    if q.rate > rate * (1.0 + 1e-9):
        notes.append(text("saturated: {rate:.3g} requests/s arrive, {served:.3g} are served", rate=q.rate, served=rate))
        notes.append(text("the time is that of a request that is served; the queue of the others grows without end"))
    elif latency > q.ttft_limit:
        notes.append(
            text(
                "limit not met: {name} {value} against {limit}", name=text("time of a request"),
                value=format_quantity(latency, "s", digits=3), limit=format_quantity(q.ttft_limit, "s", digits=3),
            )
        )  # fmt: skip
    return tuple(notes)
