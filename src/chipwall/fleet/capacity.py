"""How many requests a second one replica takes within latency limits at a quantile: closed forms on arrays of ways.

Requests arrive at random (a Poisson stream over the replicas). A replica with ``batch`` sequences in flight serves, by
Little's law, ``batch / (output x time per token)`` requests a second; both quantiles grow with the batch, so the largest one
that holds every limit is found by false position, all ways at once. Aggregated replicas compute prompts between the tokens of
others; disaggregated ones do one of the two.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chipwall.perf.serving.iteration import decode_time, in_flight_time, pipeline_loss, prefill_time, prompt_time
from chipwall.perf.serving.regimes import Requests, batch_room, holds_one, sequence_cache, taken
from chipwall.perf.serving.step import Setup, ranks_of
from chipwall.perf.serving.tails import first_token_tail, token_time_tail

__all__ = [
    "BUSIEST",
    "LIMITS",
    "Capacity",
    "Operating",
    "aggregated",
    "answer_tail",
    "decoders",
    "operating",
    "prefillers",
    "transfer_time",
]

Array = NDArray[Any]
# What may bind, in the order of the columns of ``over``.
LIMITS = ("ttft", "tpot", "prompts", "cache")
# Share of the time that a replica may spend on prompts [1]: beyond it a random stream is not steady.
BUSIEST = 0.95
# The least load that is asked about, sequences in flight [1]: latencies there are those of one lone request.
ALONE = 0.05
# Rounds of false position, and how near the ends have to be [1].
ROUNDS, NEAR = 10, 5e-4


@dataclass(frozen=True, slots=True)
class Capacity:
    """The most that one replica of every way takes.

    Attributes
    ----------
    rate : array
        Requests per second of one replica [1/s]; 0 where a limit cannot be held at all.
    batch : array
        Sequences in flight then [1].
    most : array
        Requests per second that it could serve without latency limits [1/s].
    binds : array of int
        Place in :data:`LIMITS` of what binds, or of what cannot be held.
    alone : mapping of str to array
        ``ttft`` and ``tpot`` quantiles of one lone request [s].
    """

    rate: Array
    batch: Array
    most: Array
    binds: Array
    alone: Mapping[str, Array] = field(hash=False)


@dataclass(frozen=True, slots=True)
class Operating:
    """Latencies at a load: quantiles of the first token and of the time per token [s] by share, and sequences in flight [1]."""

    ttft: Mapping[float, Any] = field(hash=False)
    tpot: Mapping[float, Any] = field(hash=False)
    batch: Any
    rate: Any


def _token(s: Setup, q: Requests, batch: Any) -> Any:
    return in_flight_time(s, q, batch) / q.accepted


def _rate(s: Setup, q: Requests, batch: Any) -> Any:
    """Requests per second of one replica with so many in flight: Little's law over the time of an answer [1/s]."""
    return batch / (np.maximum(q.output, 1.0) * _token(s, q, batch))


def _over(
    s: Setup, q: Requests, batch: Array, room: Array, prompt: Array, share: float
) -> tuple[Array, Array]:
    """Logarithm of what binds most over its limit, and which of :data:`LIMITS` it is; ``prompt`` is a prompt's time [s]."""
    rate = _rate(s, q, batch)
    first = first_token_tail(s, q, batch, rate, share=share)
    token = answer_tail(s, q, batch, share)
    prompts = rate * prompt / BUSIEST
    each = np.stack([first / q.ttft_limit, token / q.tpot_limit, prompts, batch / room])
    return np.log(np.maximum(each.max(axis=0), 1e-12)), each.argmax(axis=0)


def _prompt_seconds(s: Setup, q: Requests) -> Any:
    """Time of a replica that one prompt takes [s]; ranks with sequences of their own compute theirs at once."""
    return prefill_time(s, q, 1.0) / ranks_of(s)


def aggregated(s: Setup, q: Requests, *, share: float) -> Capacity:
    """Replicas that compute prompts and answers together.

    Parameters
    ----------
    s : Setup
        Ways, each with one replica.
    q : Requests
        Lengths and limits [token, s].
    share : float
        Share of the requests that must stay under the limits [1].
    """
    room = np.asarray(batch_room(s, q) + 0.0 * s.room)
    able = np.asarray(holds_one(s, q))
    prompt = np.asarray(_prompt_seconds(s, q) + 0.0 * s.room)

    def over_limits(part: Setup, own: Requests, batch: Array, at: Any) -> tuple[Array, Array]:
        return _over(part, own, batch, room[at], prompt[at], share)

    batch, over, binds = _largest(over_limits, s, q, room, able)
    # a full memory reaches that share of its steady rate, as a stream asked for by its rate does
    full = _rate(s, q, room) * s.constants["serving.saturated"]
    most = np.minimum(full, BUSIEST / np.maximum(prompt, 1e-12))
    rate = np.where(over <= 0.0, np.minimum(_rate(s, q, batch), most), 0.0)
    lone = np.full(room.shape, ALONE)
    tails = {
        "ttft": np.asarray(first_token_tail(s, q, lone, 0.0 * room, share=share)),
        "tpot": np.asarray(answer_tail(s, q, lone, share)),
    }
    return Capacity(rate, batch, np.asarray(most), np.where(able, binds, LIMITS.index("cache")), tails)


def _largest(over: Any, s: Setup, q: Requests, room: Array, able: Array) -> tuple[Array, Array, Array]:
    """The largest batch up to ``room`` that holds every limit, how far over it is (above 0: none holds), and what binds."""
    low = np.minimum(np.full(room.shape, ALONE), room)
    at_low, bind_low = over(s, q, low, ...)
    at_high, bind_high = over(s, q, room, ...)
    at_low = np.where(able, at_low, np.inf)
    high, binds = room.copy(), np.where(at_low > 0.0, bind_low, bind_high)
    whole = (at_high <= 1e-9) & able
    low, at_low = np.where(whole, room, low), np.where(whole, at_high, at_low)
    last = np.zeros(room.shape)
    for _ in range(ROUNDS):
        at = np.flatnonzero((at_low <= 0.0) & ~whole & (high - low > NEAR * low))
        if not at.size:
            break
        a, b, x, y = at_low[at], at_high[at], np.log(low[at]), np.log(high[at])
        guess = np.exp(x + (y - x) * np.clip(-a / np.maximum(b - a, 1e-12), 0.02, 0.98))
        value, bind = over(taken(s, at), q.at(at), guess, at)
        holds = value <= 0.0
        # the end that stays is halved, so that the other one moves (the Illinois rule)
        again = np.where(holds, 1.0, -1.0) == last[at]
        at_high[at] = np.where(holds, np.where(again, b / 2.0, b), value)
        at_low[at] = np.where(holds, value, np.where(again, a / 2.0, a))
        low[at], high[at] = np.where(holds, guess, low[at]), np.where(holds, high[at], guess)
        binds[at], last[at] = np.where(holds, binds[at], bind), np.where(holds, 1.0, -1.0)
    return low, at_low, binds


def operating(s: Setup, q: Requests, rate: Any, *, shares: tuple[float, ...]) -> Operating:
    """Latencies of one replica under so many requests a second [1/s], in flight by Little's law."""
    batch = _in_flight(lambda b: rate * q.output * _token(s, q, b), batch_room(s, q))
    first = {p: first_token_tail(s, q, batch, rate, share=p) for p in shares}
    token = {p: answer_tail(s, q, batch, p) for p in shares}
    return Operating(first, token, batch, rate)


def answer_tail(s: Setup, q: Requests, batch: Any, share: float) -> Any:
    """Time per token that a share of the answers of an aggregated replica stays under [s].

    Answers differ by the pieces of prompts that fall into them, and by how many are beside them (see :func:`decoders`);
    the two are independent, so that their distances from the mean add up in squares. Simulated request by request, quantiles
    at 95 % came to within 6 % of it.
    """
    mean, pieces = _token(s, q, batch), token_time_tail(s, q, batch, share=share)
    more = max(NormalDist().inv_cdf(share), 0.0) * np.sqrt(2.0 / 3.0 * np.maximum(batch, 0.0))
    crowd = _token(s, q, batch + more) - mean if share > 0.5 else 0.0
    return np.where(share > 0.5, mean + np.hypot(np.maximum(pieces - mean, 0.0), crowd), pieces)


def _in_flight(following: Callable[[Any], Any], room: Any) -> Any:
    """The number in flight that brings itself about: a fixed point by secants, within what the cache holds [1]."""
    before = np.full(np.shape(room), 1.0)
    at_before = following(before) - before
    batch = np.clip(before + at_before, ALONE, room)
    for _ in range(4):
        gap = following(batch) - batch
        slope = np.where(
            np.abs(batch - before) > 1e-9, (gap - at_before) / np.where(batch == before, 1.0, batch - before), -1.0
        )
        # times grow more slowly than the batch below saturation: a slope outside means the room is the answer
        step = np.where(slope < -1e-6, -gap / slope, np.where(gap > 0.0, room, 0.0))
        before, at_before, batch = batch, gap, np.clip(batch + step, ALONE, room)
    return batch


def transfer_time(s: Setup, q: Requests, bandwidth: Any) -> Any:
    """Time to hand the cache of one prompt from a prefill to a decode replica [s]: all its chips send at once.

    Parameters
    ----------
    bandwidth : float or array
        Network of one chip, per direction [byte/s]; of the slower side.
    """
    return sequence_cache(s, q.prompt) / np.maximum(bandwidth, 1.0)


def prefillers(s: Setup, q: Requests, *, share: float, wait: Any) -> Capacity:
    """Replicas that only compute prompts, one after another: a queue with random arrivals and constant service (M/D/1).

    Parameters
    ----------
    wait : float or array
        What the first token has besides: transfer, first decode step, front end [s].

    Notes
    -----
    The tail of the wait is that of :func:`~chipwall.perf.serving.tails.first_token_tail`. The largest load is found by
    halving its interval; no step is priced again.
    """
    apart, own = _prompt_times(s, q)
    slack = q.ttft_limit - own - wait
    low, high = np.zeros(apart.shape), np.full(apart.shape, BUSIEST)
    for _ in range(40):
        load = (low + high) / 2.0
        holds = _queue_tail(apart, load, share) <= slack
        low, high = np.where(holds, load, low), np.where(holds, high, load)
    able = (slack >= 0.0) & np.asarray(holds_one(s, replace(q, output=1.0)))
    rate = np.where(able, low / apart, 0.0)
    binds = np.where(low > BUSIEST - 1e-6, LIMITS.index("prompts"), LIMITS.index("ttft"))
    return Capacity(rate, low, BUSIEST / apart, binds, {"ttft": own + wait, "tpot": np.zeros(apart.shape)})


def _prompt_times(s: Setup, q: Requests) -> tuple[Array, Array]:
    """Time between two prompts of a prefill replica whose stages are all busy, and the time that one takes [s]."""
    loss = pipeline_loss(s)
    apart = np.asarray(prefill_time(s, q, 1.0) * loss + 0.0 * s.room)
    return apart, np.maximum(np.asarray(prompt_time(s, q, 1.0) * loss + 0.0 * s.room), apart)


def _queue_tail(service: Any, load: Any, share: float) -> Any:
    """The wait in a queue M/D/1 that a share of the customers stays under [s], in its heavy-traffic form."""
    safe = np.maximum(load, 1e-9)
    return service * safe / (2.0 * (1.0 - safe)) * np.maximum(np.log(safe / (1.0 - share)), 0.0)


def prefill_operating(s: Setup, q: Requests, rate: Any, *, shares: tuple[float, ...], wait: Any) -> Operating:
    """First tokens of a prefill replica under so many prompts a second."""
    apart, own = _prompt_times(s, q)
    load = np.minimum(rate * apart, 0.999)
    first = {p: own + wait + _queue_tail(apart, load, p) for p in shares}
    return Operating(first, dict.fromkeys(shares, 0.0), load, rate)


def decoders(s: Setup, q: Requests, *, share: float) -> Capacity:
    """Replicas that only decode: the time per token of an answer is that of the mean number beside it.

    Notes
    -----
    Numbers in flight are Poisson (M/G/inf). The mean number over the life of one answer, lives being alike, has two thirds of
    that variance: :math:`\\int_0^1 2 (1 - u)^2 du = 2/3` of the batch. Its quantile is what a share of the answers meets.
    """
    room = np.asarray(batch_room(s, q) + 0.0 * s.room)
    able = np.asarray(holds_one(s, q))

    def over(part: Setup, own: Requests, batch: Array, at: Any) -> tuple[Array, Array]:
        token = _decode_tail(part, own, batch, share)
        each = np.stack([token / own.tpot_limit, batch / room[at]])
        return np.log(np.maximum(each.max(axis=0), 1e-12)), np.where(
            each.argmax(axis=0) == 0, LIMITS.index("tpot"), LIMITS.index("cache")
        )

    batch, above, binds = _largest(over, s, q, room, able)
    rate = np.where(above <= 0.0, _decode_rate(s, q, batch), 0.0)
    alone = np.asarray(decode_time(s, q, np.full(room.shape, ALONE)) / q.accepted)
    return Capacity(
        rate, batch, np.asarray(_decode_rate(s, q, room)), np.where(able, binds, LIMITS.index("cache")),
        {"ttft": np.zeros(room.shape), "tpot": alone},
    )  # fmt: skip


def _decode_rate(s: Setup, q: Requests, batch: Any) -> Any:
    return batch * q.accepted / (np.maximum(q.output, 1.0) * decode_time(s, q, batch))


def _decode_tail(s: Setup, q: Requests, batch: Any, share: float) -> Any:
    more = max(NormalDist().inv_cdf(share), 0.0) * np.sqrt(2.0 / 3.0 * np.maximum(batch, 0.0))
    return decode_time(s, q, batch + more) / q.accepted


def decode_operating(s: Setup, q: Requests, rate: Any, *, shares: tuple[float, ...]) -> Operating:
    """Times per token of a decode replica under so many requests a second."""
    batch = _in_flight(lambda b: rate * q.output * decode_time(s, q, b) / q.accepted, batch_room(s, q))
    token = {p: _decode_tail(s, q, batch, p) for p in shares}
    return Operating(dict.fromkeys(shares, 0.0), token, batch, rate)
