"""Serving on one setup: room for the cache, batches, rates and latencies, from the time of one iteration.

Four regimes share :func:`chipwall.perf.serving.step.step_time`: a static batch (prefill, then decode together), requests
in flight (every iteration mixes decoding sequences and pieces of prompts, as continuous batching with chunked prefill
does), a burst of requests that all arrive at once, and a stream of requests with a rate. Scalars or arrays throughout.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from chipwall.catalog.numbers import chosen, greater, lesser
from chipwall.perf.numeric import Numeric
from chipwall.perf.serving.iteration import (
    CHUNK,
    decode_time,
    in_flight_time,
    mixed_steps,
    pipeline_loss,
    prefill_time,
    prompt_times,
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
    "burst_first_token",
    "cache_per_sequence",
    "closed_loop",
    "decode_time",
    "first_token_time",
    "holds_one",
    "in_flight_time",
    "mixed_steps",
    "pipeline_loss",
    "prefill_time",
    "queue_wait",
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
# Share of the time that prompts take above which more clients may do less by the formulas, answers so short that they may
# [1, token], the ladder of loads on which the best is looked for, and the cuts that find it.
HEAVY, SHORT, STEP, CUTS = 0.4, 12.0, 2.0**0.25, 12
# Chords that find the requests in flight under a stream.
CHORDS = 6
GOLDEN = (5.0**0.5 - 1.0) / 2.0


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
    cap : float or array
        Sequences of a rank at once at most [1].
    in_flight : float or array
        Requests that the clients of a stream let be in the system at most [1].
    chunk : float or array
        Prompt tokens of one iteration at most [token].
    arrival_cv : float or array
        Standard deviation of the time between arrivals over its mean; 1 for arrivals at random [1].
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
    in_flight: Numeric = np.inf
    chunk: Numeric = CHUNK
    arrival_cv: Numeric = 1.0

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
    each = lesser(s.room / cache_per_sequence(s, q), lesser(q.cap, s.cap))
    return greater(each, 1.0) * ranks_of(s)


def static_batch_time(s: Setup, q: Requests, batch: Any) -> tuple[Any, Any]:
    """Time of the first token, and of each following one, of a static batch of one replica [s]."""
    return prefill_time(s, q, batch), decode_time(s, q, batch) / q.accepted


def closed_loop(s: Setup, q: Requests, batch: Any) -> tuple[Any, Any, Any]:
    """Rate of one replica [1/s], time per token and mean time to the first token [s] with a fixed number of clients.

    By Little's law the clients in flight are the rate times what a request takes: the wait for its prompt, then its answer,
    during which the prompts of its neighbours are computed. The wait and the rate determine each other; two rounds settle
    them.
    """
    return _closed_loop(s, q, batch)[:3]


def _closed_loop(s: Setup, q: Requests, batch: Any) -> tuple[Any, Any, Any, Any]:
    """As :func:`closed_loop`, and how much later the next prompt is done that waits behind one [s]."""
    token = in_flight_time(s, q, batch, neighbours=greater(batch - 1.0, 0.0)) / q.accepted
    answer = greater(q.output - 1.0, 0.0) * token
    service, turn = prompt_times(s, q, batch)
    # clients whose lengths are alike stay in step: a share of the others asks at once, and half of them come first; no
    # more than all the others can come first
    everyone = greater(batch / ranks_of(s) - 1.0, 0.0) * turn
    crowd = s.constants["serving.together"] / 2.0 * everyone
    first = s.constants["serving.first"] + service
    for _ in range(2):
        # what a client finds is the queue of the others (arrival theorem)
        others = batch / (first + answer) * greater(batch - 1.0, 0.0) / greater(batch, 1.0)
        ahead = lesser(queue_wait(s, q, others, turn) + crowd, everyone)
        first = s.constants["serving.first"] + service + ahead + _running(batch, token)
    rate = batch / (first + answer)
    # clients beyond what the cache holds wait until as many answers are done
    waiting = greater(q.concurrency / s.replicas - batch, 0.0) / rate
    return rate, token, first + waiting, turn


def steady_loop(s: Setup, q: Requests, batch: Any) -> tuple[Any, Any, Any, Any]:
    """As :func:`closed_loop`, and the sequences served at once: more clients never do less.

    Where prompts take most of the time, so many clients may wait for one another that the terms above count a prompt
    twice. The load with the highest rate is then what is served at once, and the others wait for their turn.
    """
    rate, token, first, turn = _closed_loop(s, q, batch)
    heavy = ((rate * turn > HEAVY * ranks_of(s)) | (q.output <= SHORT)) & (batch > 1.0)
    if not np.any(heavy):
        return rate, token, first, batch
    heavy = np.asarray(heavy)
    asked = np.array(np.broadcast_to(batch, heavy.shape), dtype=float)
    ladder = STEP ** np.arange(np.ceil(np.log(np.max(asked[heavy])) / np.log(STEP)) + 1.0)
    steps = lesser(ladder.reshape(-1, *([1] * heavy.ndim)), asked)
    found = _loop_rate(s, q, steps)
    at = np.argmax(found, axis=0)[None]
    behind = heavy & (found.max(axis=0) > rate)
    if not np.any(behind):  # no lesser load does more
        return rate, token, first, batch
    low, middle, high = (np.take_along_axis(steps, np.clip(at + n, 0, len(steps) - 1), 0)[0] for n in (-1, 0, 1))
    peak = _peak(s, q, low, high)
    best = chosen(_loop_rate(s, q, peak) > np.take_along_axis(found, at, 0)[0], peak, middle)
    best = chosen(behind & (_loop_rate(s, q, best) > rate), best, asked)
    return *closed_loop(s, q, best), best


def _loop_rate(s: Setup, q: Requests, batch: Any) -> Any:
    """Rate of one replica with so many clients of its own [1/s]."""
    return closed_loop(s, replace(q, concurrency=batch * s.replicas), batch)[0]


def _peak(s: Setup, q: Requests, low: Any, high: Any) -> Any:
    """The load with the highest rate between two [1]: golden section in its logarithm."""
    low, high = np.log(low), np.log(high)
    left, right = high - GOLDEN * (high - low), low + GOLDEN * (high - low)
    at_left, at_right = _loop_rate(s, q, np.exp(left)), _loop_rate(s, q, np.exp(right))
    for _ in range(CUTS):
        up = at_left < at_right
        low, high = chosen(up, left, low), chosen(up, high, right)
        left, right = high - GOLDEN * (high - low), low + GOLDEN * (high - low)
        at_left, at_right = _loop_rate(s, q, np.exp(left)), _loop_rate(s, q, np.exp(right))
    return np.exp((low + high) / 2.0)


def queue_wait(s: Setup, q: Requests, arrivals: Any, turn: Any) -> Any:
    """Mean wait for the prompts before one's own at so many requests per second and replica [s].

    A queue with constant service: rho / (2 (1 - rho)) x service for arrivals at random (M/D/1) [1]_, times the square of
    their coefficient of variation for others [2]_.

    References
    ----------
    .. [1] L. Kleinrock, Queueing Systems, volume 1, Wiley, 1975, equation 5.63 with no variance of the service.
    .. [2] J. F. C. Kingman, The single server queue in heavy traffic, Proc. Cambridge Phil. Soc. 57, 1961.
    """
    load = lesser(arrivals / ranks_of(s) * turn, BUSIEST)
    return load / (2.0 * (1.0 - load)) * turn * np.square(q.arrival_cv)


def _running(batch: Any, token: Any) -> Any:
    """What is left, on average, of the iteration that runs on arrival [s]: half of one, where one runs."""
    return chosen(batch > 1.0, 0.5 * token, 0.0)


def first_token_time(s: Setup, q: Requests, batch: Any, arrivals: Any) -> Any:
    """Mean time to the first token of one request among ``batch`` in flight, arriving at random [s].

    Parameters
    ----------
    batch : float or array
        Sequences of the replica in flight [1].
    arrivals : float or array
        Requests per second and replica [1/s].
    """
    service, turn = prompt_times(s, q, batch)
    running = _running(batch, decode_time(s, q, greater(batch, 1.0)))
    return s.constants["serving.first"] + service + queue_wait(s, q, arrivals, turn) + running


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
        guess = low + (high - low) * np.clip((limit - fast) / greater(slow - fast, 1e-12), 0.0, 1.0)
        spent = in_flight_time(s, q, guess)
        ok = spent <= limit
        low, fast = chosen(ok, guess, low), chosen(ok, spent, fast)
        high, slow = chosen(ok, high, guess), chosen(ok, slow, spent)
    # the last straight line is not tried: the answer moves smoothly with every constant, which the fit needs
    guess = low + (high - low) * np.clip((limit - fast) / greater(slow - fast, 1e-12), 0.0, 1.0)
    return chosen(whole, most, guess)


def burst(s: Setup, q: Requests, room: Any) -> Any:
    """Requests per second of one replica when ``count`` of them arrive at once, first arrival to last answer [1/s]."""
    share = q.count / s.replicas
    batch = greater(lesser(share, room), 1.0)
    return batch / (in_flight_time(s, q, batch) * q.output / q.accepted)


def served(s: Setup, q: Requests) -> dict[str, Any]:
    """Rates and latencies of every entry under its regime.

    Returns
    -------
    dict of str to array
        ``requests`` [1/s] and ``output`` [token/s] of the whole setup, ``tpot`` and ``ttft`` [s], ``batch`` sequences in
        flight per replica, ``room`` the cache holds, ``step`` [s] the iteration behind it, ``inside`` requests in the whole
        system, waiting or in flight: the rate times what one takes (Little's law).
    """
    c = s.constants
    regime = q.regime
    room = batch_room(s, q)
    batch = lesser(chosen(regime == 5, q.concurrency / s.replicas, room), room)
    batch = chosen(regime == 4, q.concurrency / s.replicas, batch)
    batch = chosen(regime == 6, lesser(q.count / s.replicas, room), batch)
    batch = greater(batch, 1e-3)
    limited = np.isfinite(q.tpot_limit) & (np.asarray(q.tpot_limit) < NO_LIMIT) & ((regime == 2) | (regime == 3))
    if np.any(limited):
        margin = chosen(regime == 3, c["serving.interactive"], c["serving.server"])
        where = np.nonzero(np.broadcast_to(limited, np.shape(room)))
        part, asked = taken(s, where), q.at(where)
        batch = np.array(np.broadcast_to(batch, np.shape(room)), dtype=float)
        batch[where] = batch_under_limits(
            part, asked, room[where], margin=taken(np.broadcast_to(margin, np.shape(room)), where)
        )
    if np.all(regime == 5):
        own = _looped(s, q, room, {"batch": batch})
        return _told(q, own["requests"], own["tpot"], own["ttft"], own["batch"], room, own["step"])
    step = in_flight_time(s, q, batch)
    requests = s.replicas * batch * q.accepted / step * _use(c, regime) / q.output
    tpot = step / q.accepted
    # what is in flight is the rate times what a request takes: what is not spent on its answer is the wait for its prompt
    answer = greater(q.output - 1.0, 0.0) * tpot
    ttft = greater(s.replicas * batch / requests - answer, c["serving.first"])
    for code, regime_of in ((4, _static), (5, _looped), (6, _burst), (7, _arriving), (8, _split)):
        here = regime == code
        if np.any(here):
            now = {"requests": requests, "tpot": tpot, "ttft": ttft, "batch": batch, "step": step}
            own = regime_of(s, q, room, now)
            requests, tpot, ttft, batch, step = (chosen(here, own[n], now[n]) for n in now)
    return _told(q, requests, tpot, ttft, batch, room, step)


def _told(q: Requests, requests: Any, tpot: Any, ttft: Any, batch: Any, room: Any, step: Any) -> dict[str, Any]:
    inside = requests * (ttft + greater(q.output - 1.0, 0.0) * tpot)
    return {
        "requests": requests, "output": requests * q.output, "tpot": tpot, "ttft": ttft, "batch": batch, "room": room,
        "step": step, "inside": inside,
    }  # fmt: skip


def _static(s: Setup, q: Requests, room: Any, now: dict[str, Any]) -> dict[str, Any]:
    """A batch at a time; beyond the cache it runs in waves, each as large as the cache holds."""
    waves = greater(np.ceil(now["batch"] / room - 1e-9), 1.0)
    batch = now["batch"] / waves
    first, following = static_batch_time(s, q, batch)
    whole = (first + following * greater(q.output - 1.0, 0.0)) / s.constants["serving.static"]
    # a later wave waits for those before it
    ttft = first + (waves - 1.0) / 2.0 * whole
    return {"requests": s.replicas * batch / whole, "tpot": following, "ttft": ttft, "batch": batch, "step": following}


def _looped(s: Setup, q: Requests, room: Any, now: dict[str, Any]) -> dict[str, Any]:
    """A fixed number of clients."""
    rate, tpot, ttft, batch = steady_loop(s, q, now["batch"])
    return {"requests": s.replicas * rate, "tpot": tpot, "ttft": ttft, "batch": batch, "step": tpot * q.accepted}


def _burst(s: Setup, q: Requests, room: Any, now: dict[str, Any]) -> dict[str, Any]:
    """Requests that come together: prompts one after another, and those beyond the cache wait for others to end."""
    share = q.count / s.replicas
    first = burst_first_token(s, q, now["batch"])
    beyond = greater(share - now["batch"], 0.0)
    return {**now, "ttft": first + beyond * beyond / (2.0 * share) * s.replicas / now["requests"]}


def _arriving(s: Setup, q: Requests, room: Any, now: dict[str, Any]) -> dict[str, Any]:
    """A stream of arrivals, of which the clients may let only so many be in flight."""
    most = s.replicas * room * q.accepted / in_flight_time(s, q, room) * s.constants["serving.saturated"] / q.output
    requests, batch, tpot, ttft = _stream(s, q, room, most)
    inside = requests * (ttft + greater(q.output - 1.0, 0.0) * tpot)
    capped = (inside > q.in_flight) | (np.asarray(q.rate) > most) & np.isfinite(q.in_flight)
    if np.any(capped):
        most_batch = np.clip(lesser(q.in_flight, 1e7) / s.replicas, 1e-3, room)
        clients = replace(q, concurrency=lesser(q.in_flight, 1e7))
        rate, token, first, held = steady_loop(s, clients, most_batch)
        requests, batch = chosen(capped, s.replicas * rate, requests), chosen(capped, held, batch)
        tpot, ttft = chosen(capped, token, tpot), chosen(capped, first, ttft)
    return {"requests": requests, "tpot": tpot, "ttft": ttft, "batch": batch, "step": tpot * q.accepted}


def _split(s: Setup, q: Requests, room: Any, now: dict[str, Any]) -> dict[str, Any]:
    """Replicas that prefill beside others that decode: clients that are not decoding wait for their prompts."""
    rate, token = _disaggregated(s, q)
    answer = greater(q.output - 1.0, 0.0) * token
    decoding = lesser(rate * answer / greater(q.decoders, 1.0), room)
    ttft = q.concurrency / rate - answer
    return {"requests": rate, "tpot": token, "ttft": ttft, "batch": decoding, "step": token * q.accepted}


def burst_first_token(s: Setup, q: Requests, batch: Any) -> Any:
    """Mean time to the first token of ``batch`` requests that come to one replica at the same moment [s]."""
    service, turn = prompt_times(s, q, 1.0)
    return s.constants["serving.first"] + service + greater(batch / ranks_of(s) - 1.0, 0.0) / 2.0 * turn


def smallest(a: Any, b: Any) -> Any:
    """A smooth minimum of two rates: close to the smaller where they differ."""
    return (greater(a, 1e-12) ** -4.0 + greater(b, 1e-12) ** -4.0) ** -0.25


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
            use = chosen(regime == code, c[name], use)
    return use


def _stream(s: Setup, q: Requests, room: Any, most: Any) -> tuple[Any, Any, Any, Any]:
    """A steady stream of arrivals: what is served [1/s], sequences in flight per replica, token and first-token time [s].

    Below ``most``, the highest rate of the whole setup, what arrives is served. The requests in the system are the rate
    times what one takes (Little's law), and one that arrives finds that many others (Poisson arrivals see time averages).
    What one takes grows with the others faster than straight, so the chord comes from below and does not overshoot.
    """
    arrivals = lesser(q.rate, most) / s.replicas
    last, missing, batch = 0.0 * room, 0.0 * room, 0.0 * room
    for turn in range(CHORDS):
        token, first = _stream_times(s, q, batch, arrivals)
        gap = batch - arrivals * (first + greater(q.output - 1.0, 0.0) * token)
        slope = 1.0 if turn == 0 else (gap - missing) / greater(batch - last, 1e-12)
        step = chosen(slope > 1e-6, -gap / greater(slope, 1e-6), room)
        step = chosen(gap < -1e-9 * batch, step, 0.0)
        last, missing, batch = batch, gap, np.clip(batch + greater(step, 0.0), 0.0, room)
    batch = chosen(q.rate >= most, room, batch)
    return arrivals * s.replicas, batch, *_stream_times(s, q, batch, arrivals)


def _stream_times(s: Setup, q: Requests, others: Any, arrivals: Any) -> tuple[Any, Any]:
    """Time per token and mean time to the first token of a request that finds ``others`` in flight [s]."""
    token = in_flight_time(s, q, others + 1.0, neighbours=others) / q.accepted
    service, turn = prompt_times(s, q, others + 1.0)
    running = 0.5 * lesser(others, 1.0) * token
    return token, s.constants["serving.first"] + service + queue_wait(s, q, arrivals, turn) + running


def _disaggregated(s: Setup, q: Requests) -> tuple[Any, Any]:
    """Requests per second, and time per token, of prefill and decode workers with a fixed number of clients [1/s, s]."""
    first = prefill_time(s, q, 1.0) + s.constants["serving.host"]
    decoders, prefillers = greater(q.decoders, 1.0), greater(q.prefillers, 1.0)
    token = decode_time(s, q, greater(q.concurrency / decoders, 1.0)) / q.accepted
    most = prefillers / first
    rate = lesser(q.concurrency / (s.constants["serving.first"] + first + q.output * token), most)
    for _ in range(3):
        busy = np.clip(rate * q.output * token, decoders, greater(q.concurrency, decoders))
        token = decode_time(s, q, busy / decoders) / q.accepted
        rate = smallest(q.concurrency / (s.constants["serving.first"] + first + q.output * token), most)
    return rate, token
