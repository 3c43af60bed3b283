"""Iterations of a serving engine and how they are mixed: decoding, a prompt, and decoding beside a piece of a prompt.

Each function takes a setup and requests and asks :func:`chipwall.perf.serving.step.step_time` for the time of an iteration;
what a run is made of them stands in :mod:`chipwall.perf.serving.regimes`. Scalars or arrays throughout.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from chipwall.catalog.numbers import chosen, greater, lesser
from chipwall.perf.serving.step import Setup, ranks_of, step_time

if TYPE_CHECKING:
    from chipwall.perf.serving.regimes import Requests

__all__ = [
    "CHUNK",
    "decode_time",
    "in_flight_time",
    "mixed_steps",
    "pipeline_loss",
    "prefill_time",
    "prompt_time",
    "prompt_times",
]

# Prompt tokens that an engine puts in one iteration where nothing is said (chunked prefill) [token]; usual defaults are 2k to 16k.
CHUNK = 8192.0


def in_flight_time(s: Setup, q: Requests, batch: Any, *, neighbours: Any = None) -> Any:
    """Mean time of one iteration with ``batch`` sequences of the replica in flight [s].

    Per token that a sequence gains, ``fresh / output`` prompt tokens of its successors are computed; only those of
    ``neighbours`` sequences where the prompt of the sequence itself is counted apart. They do not come spread over the
    iterations: an engine computes a prompt in pieces of up to ``chunk`` tokens [1]_, so an iteration decodes, or it
    decodes beside a piece. The cost of an iteration is concave in its tokens, so the mean of the two costs is what counts,
    not the cost of the mean. A pipeline keeps one micro-batch per stage in flight, so that a token takes one pass over all
    stages.

    References
    ----------
    .. [1] A. Agrawal et al., Taming throughput-latency tradeoff in LLM inference with Sarathi-Serve, OSDI 2024, section 4.
    """
    decoding, with_piece, share = mixed_steps(s, q, batch, neighbours)
    spent = share * step_time(s, **with_piece)
    if not np.all(share >= 1.0):
        spent = spent + greater(1.0 - share, 0.0) * step_time(s, **decoding)
    return spent * pipeline_loss(s)


def mixed_steps(
    s: Setup, q: Requests, batch: Any, neighbours: Any = None
) -> tuple[dict[str, Any], dict[str, Any], Any]:
    """An iteration that decodes, one that decodes beside a piece of a prompt, and the share of the second [1].

    The first two are arguments of :func:`chipwall.perf.serving.step.step_parts`.
    """
    each = batch / s.pipeline
    steps = q.output / q.accepted
    fresh = (each if neighbours is None else neighbours / s.pipeline) * q.fresh / steps
    piece = greater(lesser(q.fresh, q.chunk), greater(lesser(fresh, q.chunk), 1e-9))
    share = fresh / piece
    # where every iteration takes a piece and prompts still queue, those that wait for theirs do not decode
    decoding = each * q.drafted / greater(share, 1.0)
    asked = {"decoding": decoding, "context": q.prompt + q.output / 2.0, "prompt": q.prompt, "sampling": decoding}
    return {**asked, "prompt_tokens": 0.0}, {**asked, "prompt_tokens": piece}, share


def pipeline_loss(s: Setup) -> Any:
    """Time of a step through a pipeline over that of the same layers in one place [1]: uneven stages, bubbles."""
    return 1.0 + s.constants["serving.pipeline"] * (s.pipeline - 1.0) / s.pipeline


def prefill_time(s: Setup, q: Requests, sequences: Any) -> Any:
    """Time to compute the prompts of so many sequences of one replica, nothing else running [s]."""
    each = sequences / s.pipeline
    spent = step_time(s, decoding=0.0, context=0.0, prompt_tokens=each * q.fresh, prompt=q.prompt, sampling=each)
    return spent * (1.0 + (s.pipeline - 1.0) * chosen(sequences > 1, 1.0 / greater(each, 1.0), 0.0))


def decode_time(s: Setup, q: Requests, batch: Any) -> Any:
    """Time of one decode step of ``batch`` sequences of one replica, no prompts in between [s]."""
    each = batch / s.pipeline
    spent = step_time(
        s,
        decoding=each * q.drafted,
        context=q.prompt + q.output / 2.0,
        prompt_tokens=0.0,
        prompt=1.0,
        sampling=each * q.drafted,
    )
    return spent * pipeline_loss(s)


def prompt_time(s: Setup, q: Requests, batch: Any, *, prompts: Any = 1.0) -> Any:
    """Time to compute some prompts, one after another, among ``batch`` sequences in flight [s].

    Their pieces are computed beside the others' decoding; short prompts share an iteration. Under data-parallel attention
    every rank of the group computes prompts of its own in the same iterations.
    """
    ranks = ranks_of(s)
    pieces = greater(prompts * q.fresh / q.chunk, 1.0)
    others = greater(batch - 1.0, 0.0) / s.pipeline * q.drafted
    spent = step_time(
        s, decoding=others, context=q.prompt + q.output / 2.0, prompt_tokens=prompts * q.fresh / pieces * ranks,
        prompt=q.prompt, sampling=others + prompts * ranks / pieces,
    )  # fmt: skip
    return pieces * spent * pipeline_depth(s, pieces)


def prompt_times(s: Setup, q: Requests, batch: Any) -> tuple[Any, Any]:
    """Time of one prompt among ``batch`` sequences, and how much later the next one is done that waits behind it [s].

    The second is less: short prompts share an iteration, and the stages of a pipeline work on several prompts at once.
    """
    service, more = prompt_time(s, q, batch), greater(q.chunk / q.fresh, 1.0)
    return service, (prompt_time(s, q, batch, prompts=1.0 + more) - service) / more


def pipeline_depth(s: Setup, pieces: Any) -> Any:
    """Time of some pieces through a pipeline over that through one stage's worth of layers at a time [1]."""
    return (pieces + s.pipeline - 1.0) / pieces / s.pipeline
