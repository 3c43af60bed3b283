"""Serving on one setup: room for the cache, batches, rates and latencies, from the time of one iteration.

Four regimes share :func:`chipwall.perf.serving.step.step_time`: a static batch (prefill, then decode together), requests
in flight (every iteration mixes decoding sequences and pieces of prompts, as continuous batching with chunked prefill
does), a burst of requests that all arrive at once, and a stream of requests with a rate. Scalars or arrays throughout.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from chipwall.perf.numeric import Numeric
from chipwall.perf.serving.iteration import (
    decode_time,
    in_flight_time,
    mixed_steps,
    pipeline_loss,
    prefill_time,
    prompt_time,
)
from chipwall.perf.serving.memory import sequence_bytes
from chipwall.perf.serving.step import Setup, ranks_of

__all__ = [
    "NO_LIMIT",
    "REGIMES",
    "Requests",
    "batch_room",
    "batch_under_limits",
    "burst",
    "cache_per_sequence",
    "closed_loop",
    "decode_time",
    "first_token_time",
    "holds_one",
    "in_flight_time",
    "mixed_steps",
    "pipeline_loss",
    "prefill_time",
    "sequence_cache",
    "served",
    "static_batch_time",
    "taken",
]  # fmt: skip

# What is asked of the engine; the code of a regime is its place here.
REGIMES = ("saturated", "offline", "server", "interactive", "static", "concurrency", "burst", "rate", "disaggregated")
MAX_BATCH = 2048.0
# A limit in seconds that nothing reaches: no limit.
NO_LIMIT = 1e8
# Load of the prompts' queue above which a run is not steady: the wait is told at this load [1].
BUSIEST = 0.95


@dataclass(frozen=True, slots=True)
class Requests:
    """What the clients send, and what they must get.

    Attributes
    ----------
    prompt, output : float or array
        Mean tokens of a prompt and of an answer [token].
    regime : int or array
        Place in :data:`REGIMES`.
    concurrency : float or array
        Requests in the system, or the size of a static batch [1].
    count : float or array
        Requests of a burst [1].
    rate : float or array
        Requests that arrive per second [1/s].
    ttft_limit, tpot_limit : float or array
        Limits on the first token and on the time per token [s].
    prefillers, decoders : float or array
        Workers of each kind in a disaggregated deployment, each with the layout of the setup [1].
    reused : float or array
        Share of the prompt that a prefix cache already holds [1].
    accepted : float or array
        Tokens that one decode step yields under speculative decoding, 1 without [1].
    drafted : float or array
        Tokens that one decode step verifies, 1 without [1].
    """

    prompt: Numeric
    output: Numeric
    regime: Numeric = 0
    concurrency: Numeric = 1.0
    count: Numeric = 1.0
    rate: Numeric = 0.0
    ttft_limit: Numeric = NO_LIMIT
    tpot_limit: Numeric = NO_LIMIT
    prefillers: Numeric = 0.0
    decoders: Numeric = 0.0
    reused: Numeric = 0.0
    accepted: Numeric = 1.0
    drafted: Numeric = 1.0
    cap: Numeric = MAX_BATCH

    def at(self, where: Any) -> Requests:
        """Some of the entries."""
        return Requests(**{f.name: taken(getattr(self, f.name), where) for f in fields(Requests)})

    @property
    def fresh(self) -> Numeric:
        """Prompt tokens that must be computed [token]."""
        return self.prompt * (1.0 - self.reused)


def taken(value: Any, where: Any) -> Any:
    """Entries of an array, or of every array of a record; scalars as they are."""
    if isinstance(value, np.ndarray):
        return value[where] if value.ndim else value
    if isinstance(value, dict):
        return {k: taken(v, where) for k, v in value.items()}
    if isinstance(value, tuple):
        return tuple(taken(v, where) for v in value)
    if hasattr(value, "__dataclass_fields__"):
        return replace(value, **{f.name: taken(getattr(value, f.name), where) for f in fields(value) if f.init})
    return value


def sequence_cache(s: Setup, length: Any) -> Any:
    """Cache and state of one sequence of so many tokens on one chip that holds it [byte]."""
    return sequence_bytes(
        s.model, length, s.cache_bytes, tensor=s.tensor, pipeline=s.pipeline, context=s.context, draft=s.draft
    )


def cache_per_sequence(s: Setup, q: Requests) -> Any:
    """Cache of one sequence on one chip that holds it, averaged over its life and its neighbours' [byte]."""
    return sequence_cache(s, q.prompt + s.constants["memory.held"] * q.output)


def holds_one(s: Setup, q: Requests) -> Any:
    """Whether one chip has room for one whole sequence, prompt and answer: without it nothing is served."""
    return s.room >= sequence_cache(s, q.prompt + q.output)


def batch_room(s: Setup, q: Requests) -> Any:
    """Sequences of one replica that the cache holds at once, on average over their lives [1].

    At least one, which is for a measured run to be priced at all: whether even one fits is said by :func:`holds_one`.
    """
    each = np.minimum(s.room / cache_per_sequence(s, q), np.minimum(q.cap, s.cap))
    return np.maximum(each, 1.0) * ranks_of(s)


def static_batch_time(s: Setup, q: Requests, batch: Any) -> tuple[Any, Any]:
    """Time of the first token, and of each following one, of a static batch of one replica [s]."""
    return prefill_time(s, q, batch), decode_time(s, q, batch) / q.accepted


def closed_loop(s: Setup, q: Requests, batch: Any) -> tuple[Any, Any, Any]:
    """Rate of one replica [1/s], time per token and mean time to the first token [s] with a fixed number of clients.

    By Little's law the clients in flight are the rate times what a request takes: the wait for its prompt, then its answer,
    during which the prompts of its neighbours are computed. The wait and the rate determine each other; two rounds settle
    them.
    """
    token = in_flight_time(s, q, batch, neighbours=np.maximum(batch - 1.0, 0.0)) / q.accepted
    service = prompt_time(s, q, batch)
    first = s.constants["serving.first"] + service
    for _ in range(2):
        rate = batch / (first + np.maximum(q.output - 1.0, 0.0) * token)
        # what a client finds is the queue of the others (arrival theorem)
        others = rate * np.maximum(batch - 1.0, 0.0) / np.maximum(batch, 1.0)
        first = _first_token(s, batch, others, service, token, s.constants["serving.together"])
    rate = batch / (first + np.maximum(q.output - 1.0, 0.0) * token)
    # clients beyond what the cache holds wait until as many answers are done
    waiting = np.maximum(q.concurrency / s.replicas - batch, 0.0) / rate
    return rate, token, first + waiting


def _first_token(s: Setup, batch: Any, arrivals: Any, service: Any, token: Any, together: Any) -> Any:
    """Mean time to the first token of one replica [s] from the time of a prompt and of a decoding iteration.

    A request waits for the iteration that runs, half of one on average; then for the prompts before it, a queue with
    constant service (M/D/1), wait = rho / (2 (1 - rho)) x service [1]_; then for its own. Clients of a closed loop whose
    lengths are alike also stay in step: a share ``together`` of the others asks at once, and half of them come first.

    References
    ----------
    .. [1] L. Kleinrock, Queueing Systems, volume 1, Wiley, 1975, equation 5.63 with no variance of the service.
    """
    ranks = ranks_of(s)
    load = np.minimum(arrivals / ranks * service, BUSIEST)
    queue = load / (2.0 * (1.0 - load)) * service
    crowd = together * np.maximum(batch / ranks - 1.0, 0.0) / 2.0 * service
    running = np.where(np.asarray(batch) > 1.0, 0.5 * token, 0.0)
    return s.constants["serving.first"] + service + queue + crowd + running


def first_token_time(s: Setup, q: Requests, batch: Any, arrivals: Any) -> Any:
    """Mean time to the first token of one request among ``batch`` in flight, arriving at random [s].

    Parameters
    ----------
    batch : float or array
        Sequences of the replica in flight [1].
    arrivals : float or array
        Requests per second and replica [1/s].
    """
    service = prompt_time(s, q, batch)
    decode = decode_time(s, q, np.maximum(batch, 1.0))
    return _first_token(s, batch, arrivals, service, decode, 0.0)


def batch_under_limits(s: Setup, q: Requests, most: Any, *, margin: Any = 1.0, rounds: int = 4) -> Any:
    """The largest batch of one replica whose time per token stays under its limit [1].

    The time of an iteration is close to a straight line in the batch, so a few steps of false position find it within
    a thousandth; one where not even a single sequence holds the limit.
    """
    limit = q.tpot_limit * margin * q.accepted
    low = np.ones_like(most)
    fast, slow, high = in_flight_time(s, q, low), in_flight_time(s, q, most), most
    whole = slow <= limit
    for _ in range(rounds):
        guess = low + (high - low) * np.clip((limit - fast) / np.maximum(slow - fast, 1e-12), 0.0, 1.0)
        spent = in_flight_time(s, q, guess)
        ok = spent <= limit
        low, fast = np.where(ok, guess, low), np.where(ok, spent, fast)
        high, slow = np.where(ok, high, guess), np.where(ok, slow, spent)
    # the last straight line is not tried: the answer moves smoothly with every constant, which the fit needs
    guess = low + (high - low) * np.clip((limit - fast) / np.maximum(slow - fast, 1e-12), 0.0, 1.0)
    return np.where(whole, most, guess)


def burst(s: Setup, q: Requests, room: Any) -> Any:
    """Requests per second of one replica when ``count`` of them arrive at once, first arrival to last answer [1/s]."""
    share = q.count / s.replicas
    batch = np.maximum(np.minimum(share, room), 1.0)
    return batch / (in_flight_time(s, q, batch) * q.output / q.accepted)


def served(s: Setup, q: Requests) -> dict[str, Any]:
    """Rates and latencies of every entry under its regime.

    Returns
    -------
    dict of str to array
        ``requests`` [1/s] and ``output`` [token/s] of the whole setup, ``tpot`` and ``ttft`` [s], ``batch`` sequences in
        flight per replica, ``room`` the cache holds, ``step`` [s] the iteration behind it.
    """
    c = s.constants
    regime = np.asarray(q.regime)
    room = batch_room(s, q)
    batch = np.minimum(np.where(regime == 5, q.concurrency / s.replicas, room), room)
    batch = np.where(regime == 4, q.concurrency / s.replicas, batch)
    batch = np.where(regime == 6, np.minimum(q.count / s.replicas, room), batch)
    batch = np.maximum(batch, 1e-3)
    limited = np.isfinite(q.tpot_limit) & (np.asarray(q.tpot_limit) < NO_LIMIT) & ((regime == 2) | (regime == 3))
    if np.any(limited):
        margin = np.where(regime == 3, c["serving.interactive"], c["serving.server"])
        where = np.nonzero(np.broadcast_to(limited, np.shape(room)))
        part, asked = taken(s, where), q.at(where)
        batch = np.array(np.broadcast_to(batch, np.shape(room)), dtype=float)
        batch[where] = batch_under_limits(
            part, asked, room[where], margin=taken(np.broadcast_to(margin, np.shape(room)), where)
        )
    arriving = regime == 7
    if np.any(arriving):
        batch = np.where(arriving, _batch_of_stream(s, q, room), batch)
    looped = regime == 5
    if np.all(looped):
        rate, tpot, ttft = closed_loop(s, q, batch)
        output, step = s.replicas * rate * q.output, tpot * q.accepted
        return {
            "requests": output / q.output,
            "output": output,
            "tpot": tpot,
            "ttft": ttft,
            "batch": batch,
            "room": room,
            "step": step,
        }
    step = in_flight_time(s, q, batch)
    output = s.replicas * batch * q.accepted / step * _use(c, regime)
    tpot = step / q.accepted
    if np.any(arriving):
        most = s.replicas * room * q.accepted / in_flight_time(s, q, room) * c["serving.saturated"]
        output = np.where(arriving, smallest(q.rate * q.output, most), output)
    ttft = first_token_time(s, q, batch, output / q.output / s.replicas)
    if np.any(looped):
        rate, token, first = closed_loop(s, q, batch)
        output = np.where(looped, s.replicas * rate * q.output, output)
        tpot, ttft = np.where(looped, token, tpot), np.where(looped, first, ttft)
    still = regime == 4
    if np.any(still):
        # beyond the cache a batch runs in waves, each as large as the cache holds
        waves = np.maximum(np.ceil(batch / room - 1e-9), 1.0)
        first, following = static_batch_time(s, q, batch / waves)
        whole = (first + following * np.maximum(q.output - 1.0, 0.0)) / c["serving.static"]
        output = np.where(still, s.replicas * batch * q.output / (whole * waves), output)
        tpot, ttft, step = (
            np.where(still, following, tpot),
            np.where(still, first, ttft),
            np.where(still, following, step),
        )
        batch = np.where(still, batch / waves, batch)
    apart = np.asarray(q.decoders) > 0
    if np.any(apart):
        rate, token = _disaggregated(s, q)
        output, tpot = np.where(apart, rate * q.output, output), np.where(apart, token, tpot)
    return {
        "requests": output / q.output,
        "output": output,
        "tpot": tpot,
        "ttft": ttft,
        "batch": batch,
        "room": room,
        "step": step,
    }


def smallest(a: Any, b: Any) -> Any:
    """A smooth minimum of two rates: close to the smaller where they differ."""
    return (np.maximum(a, 1e-12) ** -4.0 + np.maximum(b, 1e-12) ** -4.0) ** -0.25


def _use(c: Any, regime: Any) -> Any:
    """Share of the steady rate that a run of each regime reaches: start, end and spread of lengths [1]."""
    names = (
        "serving.saturated",
        "serving.offline",
        "serving.server",
        "serving.server",
        "serving.static",
        "",
        "serving.burst",
        "",
        "",
    )
    use: Any = 1.0
    for code, name in enumerate(names):
        if name:
            use = np.where(regime == code, c[name], use)
    return use


def _batch_of_stream(s: Setup, q: Requests, room: Any) -> Any:
    """Sequences in flight per replica under a steady stream: Little's law, solved by iteration [1]."""
    batch = np.ones_like(room)
    for _ in range(6):
        token = in_flight_time(s, q, batch) / q.accepted
        batch = np.clip(q.rate / s.replicas * q.output * token, 0.5, room)
    return batch


def _disaggregated(s: Setup, q: Requests) -> tuple[Any, Any]:
    """Requests per second, and time per token, of prefill and decode workers with a fixed number of clients [1/s, s]."""
    first = prefill_time(s, q, 1.0) + s.constants["serving.host"]
    decoders, prefillers = np.maximum(q.decoders, 1.0), np.maximum(q.prefillers, 1.0)
    token = decode_time(s, q, np.maximum(q.concurrency / decoders, 1.0)) / q.accepted
    most = prefillers / first
    rate = np.minimum(q.concurrency / (s.constants["serving.first"] + first + q.output * token), most)
    for _ in range(3):
        busy = np.clip(rate * q.output * token, decoders, np.maximum(q.concurrency, decoders))
        token = decode_time(s, q, busy / decoders) / q.accepted
        rate = smallest(q.concurrency / (s.constants["serving.first"] + first + q.output * token), most)
    return rate, token
