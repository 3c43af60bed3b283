"""Simulates a load on one or many replicas request by request, with the tails that its clients see."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chipwall.errors import InputError
from chipwall.fleet import core
from chipwall.fleet.service import BATCHES, BLOCK_TOKENS, CONTEXTS, PIECES, POSITIONS, ReplicaService
from chipwall.fleet.traffic import TRAFFIC_BLOCK, RequestBlock, Trace, Traffic
from chipwall.inputs import count, number
from chipwall.perf.serving.loads import Arrivals, Users
from chipwall.text import text

__all__ = ["QUANTILE_SHARES", "ROUTERS", "Limits", "LoadResult", "Prefill", "Quantiles", "simulated_load"]

ROUTERS = ("round-robin", "least-loaded", "prefix-aware")
# Requests that one simulation may be asked for.
MOST_REQUESTS = 10**9
QUANTILE_SHARES = {"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99}
WAYS = {"pieces": core.PIECES, "whole": core.WHOLE, "apart": core.APART}
# Share of the requests that is told apart as the start, where nothing is said [1].
START_UP = 0.1
# Requests in the system at which a run ends: its queue only grows.
MOST_INSIDE = 1_000_000
# Points at which the requests in the system are kept, to see whether they grow.
WATCHED = 200
# Room of the tables by token: steps are seldom larger.
MOST_STEP = 131_072
# Requests in the second half of a run over those in the first, above which its queue grows; and the share of the time in
# the system spent waiting above which a queue stands.
GROWS, STANDS = 1.5, 0.5


@dataclass(frozen=True, slots=True)
class Limits:
    """What a request must hold to count as good: first token, time per token, whole [s]; infinite where nothing is asked."""

    ttft: float = np.inf
    tpot: float = np.inf
    e2e: float = np.inf

    def __post_init__(self) -> None:
        for name in ("ttft", "tpot", "e2e"):
            if getattr(self, name) != np.inf:
                object.__setattr__(self, name, number(getattr(self, name), name, above=0, most=1e8))


@dataclass(frozen=True, slots=True)
class Prefill:
    """Replicas that only compute prompts, beside those that decode.

    Attributes
    ----------
    service : Service
        One of them.
    replicas : int
        How many [1].
    bandwidth : float
        What carries the cache of a request to the replica that decodes it [byte/s].
    latency : float
        Fixed time of a hand-over [s].
    """

    service: ReplicaService
    replicas: int
    bandwidth: float = 25e9
    latency: float = 1e-3


@dataclass(frozen=True, slots=True)
class Quantiles:
    """A latency: its mean and what shares of the requests stay under [s]; NaN where no request has it."""

    mean: float
    p50: float
    p90: float
    p95: float
    p99: float

    def as_json(self) -> dict[str, float]:
        """Plain values [s]."""
        return {name: getattr(self, name) for name in ("mean", *QUANTILE_SHARES)}


@dataclass(frozen=True, slots=True)
class LoadResult:
    """What a simulated load came to; latencies of the steady part, and of the start beside it.

    Attributes
    ----------
    ttft, tpot, e2e : Quantiles
        First token, time per further token, whole request [s].
    queue, prefill, transfer : Quantiles
        Parts of the first token: waiting, computing the prompt, moving its cache [s]; ``front`` is the rest.
    front : float
        Time outside the engine before the first token [s].
    rate, offered : float
        Requests served and sent per second [1/s].
    output_tokens_per_s : float
        Of all replicas [token/s].
    whole_rate, whole_output_tokens_per_s : float
        The same from the first request to the last answer, start and end included, as load tools tell them [1/s, token/s].
    goodput : float
        Requests per second that hold every limit [1/s].
    good : float
        Share of the requests that hold every limit [1].
    inside : float
        Mean requests in the system: sent and not done [1].
    utilisation : float
        Share of the time that replicas compute [1].
    state : str
        ``STABLE``, ``BACKLOGGED`` (a queue stands and does not grow) or ``OVERLOADED`` (it grows).
    requests, preempted, prefix_hits : int
        Requests done, sent back to the queue for want of cache, whose beginning was cached.
    held_back : float
        Share of the requests that their clients sent later than planned, for their limit in flight [1].
    start_up : mapping
        ``ttft``, ``tpot`` and ``e2e`` of the requests at the start [s].
    """

    ttft: Quantiles
    tpot: Quantiles
    e2e: Quantiles
    queue: Quantiles
    prefill: Quantiles
    transfer: Quantiles
    front: float
    rate: float
    offered: float
    output_tokens_per_s: float
    whole_rate: float
    whole_output_tokens_per_s: float
    goodput: float
    good: float
    inside: float
    utilisation: float
    state: str
    requests: int
    seconds: float
    preempted: int
    prefix_hits: int
    held_back: float
    replicas: int
    chips: int
    start_up: Mapping[str, Quantiles] = field(hash=False, default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Plain values, SI, the unit in the field name."""
        latencies = {f"{n}_s": getattr(self, n).as_json() for n in ("ttft", "tpot", "e2e", "queue", "prefill", "transfer")}
        return {
            **latencies, "front_end_s": self.front, "requests_per_s": self.rate, "offered_requests_per_s": self.offered,
            "output_tokens_per_s": self.output_tokens_per_s, "whole_requests_per_s": self.whole_rate,
            "whole_output_tokens_per_s": self.whole_output_tokens_per_s,
            "goodput_requests_per_s": self.goodput, "good_share": self.good,
            "requests_in_system": self.inside, "utilisation": self.utilisation, "state": self.state,
            "requests": self.requests, "simulated_seconds": self.seconds, "preempted": self.preempted,
            "prefix_hits": self.prefix_hits, "held_back_share": self.held_back, "replicas": self.replicas,
            "chips": self.chips, "start_up": {f"{n}_s": q.as_json() for n, q in self.start_up.items()},
        }  # fmt: skip


def simulated_load(
    service: ReplicaService,
    traffic: Traffic,
    *,
    replicas: int = 1,
    router: str = "round-robin",
    prefill: Prefill | None = None,
    limits: Limits | None = None,
    seed: int = 0,
    requests: int = 100_000,
    start_up: int | None = None,
) -> LoadResult:
    """Runs a load request by request.

    Parameters
    ----------
    service : Service
        One replica; with ``prefill`` one that decodes.
    replicas : int
        How many of them [1].
    router : str
        One of :data:`ROUTERS`.
    limits : Limits, optional
        What a good request holds.
    seed : int
        The same seed gives the same requests and the same answer.
    requests : int
        How many are sent; a trace sends no more than it has.
    start_up : int, optional
        Requests at the start that are told apart; a tenth, and of users two of each, by default.

    Raises
    ------
    InputError
        A request that the cache of an empty replica does not hold, an unknown router, a count that is none.

    Limits
    ------
    Half a block of cache per sequence is lost on average; a router sees the requests at a replica, not their lengths; the
    beginning of a prompt is in the cache from the moment that the first request with it is let in.
    """
    replicas, requests = count(replicas, "replicas", most=100_000), count(requests, "requests", most=MOST_REQUESTS)
    seed = count(seed, "seed", least=0, most=2**63 - 1)
    if router not in ROUTERS:
        raise InputError(
            text("'{word}' is not a router", word=router), where="router",
            fix=text("Use one of: {names}", names=", ".join(ROUTERS)),
        )  # fmt: skip
    _check_room(service, traffic, prefill)
    if isinstance(traffic.load, Trace):
        requests = min(requests, len(traffic.load.arrival))
    users = round(traffic.load.count) if isinstance(traffic.load, Users) else 0
    first = _start_up(start_up, requests, users)
    p = _params(service, traffic, replicas, router, prefill, limits or Limits(), users, first, requests)
    st = _state(service, prefill, replicas, traffic, users)
    _run(st, p, traffic, service, seed, requests, users)
    return _result(st, p, service, prefill, traffic, replicas)


def _start_up(asked: int | None, requests: int, users: int) -> int:
    if asked is not None:
        return count(asked, "start_up", least=0, most=max(requests - 1, 0))
    return min(max(int(START_UP * requests), 2 * users), requests // 2)


def _check_room(service: ReplicaService, traffic: Traffic, prefill: Prefill | None) -> None:
    """Refuses requests that an empty replica cannot hold."""
    longest = traffic.longest() + BLOCK_TOKENS
    for one in (service, *([prefill.service] if prefill else [])):
        if longest > one.room:
            raise InputError(
                text("a request of {need:,.0f} tokens, the cache of a replica holds {room:,.0f}", need=longest, room=one.room),
                where="prompt, output",
                fix=text("Use shorter requests, more chips a replica, or a smaller format"),
            )


def _params(
    service: ReplicaService, traffic: Traffic, replicas: int, router: str, prefill: Prefill | None, limits: Limits, users: int,
    start_up: int, requests: int,
) -> core.Params:  # fmt: skip
    kinds = [service, prefill.service if prefill else service]
    batches = max(len(k.decode) for k in kinds)
    decode = np.stack([np.concatenate([k.decode, np.repeat(k.decode[-1:], batches - len(k.decode), 0)]) for k in kinds])
    planes = max(max(len(k.prompt) for k in kinds), 2)
    prompt = np.stack([np.concatenate([k.prompt, np.repeat(k.prompt[-1:], planes - len(k.prompt), 0)]) for k in kinds])
    known = BATCHES[:planes] if planes <= len(BATCHES) else BATCHES
    step = min(max(k.batched_tokens for k in kinds), MOST_STEP)
    batch_at = np.interp(np.arange(batches, dtype=float), known, np.arange(len(known)))
    piece_at = np.interp(np.arange(step + 1, dtype=float), PIECES, np.arange(len(PIECES)))
    sent = prefill.service.cache_per_token / prefill.bandwidth if prefill else 0.0
    arrivals = traffic.load if isinstance(traffic.load, Arrivals) else None
    way = [WAYS[k.way] for k in kinds]
    return core.Params(
        decode=decode, contexts=CONTEXTS, prompt=prompt, batch_at=batch_at, piece_at=piece_at, positions=POSITIONS,
        ki=np.array([(k.max_sequences, min(k.batched_tokens, MOST_STEP), w) for k, w in zip(kinds, way, strict=True)]),
        kf=np.array([(k.per_end, k.room, float(k.block_tokens)) for k in kinds]),
        pi=np.array(
            [ROUTERS.index(router), prefill.replicas if prefill else 0, users,
             int(arrivals.in_flight) if arrivals and arrivals.in_flight else 2**62, start_up, max(requests // WATCHED, 1),
             max(MOST_INSIDE, 4 * users)], dtype=np.int64,
        ),
        pf=np.array(
            [service.accepted, service.drafted, prefill.latency if prefill else 0.0, sent,
             (prefill.service if prefill else service).front, traffic.think, limits.ttft, limits.tpot, limits.e2e]
        ),
    )  # fmt: skip


# Columns of the arrays of the core, in its order.
REPLICA_WHOLE, REPLICA_REAL, SLOT_WHOLE, SLOT_REAL = 12, 6, 14, 7


def _state(service: ReplicaService, prefill: Prefill | None, replicas: int, traffic: Traffic, users: int) -> core.QueueState:
    n = replicas + (prefill.replicas if prefill else 0)
    slots = 2 * TRAFFIC_BLOCK + users
    most = max(service.max_sequences, prefill.service.max_sequences if prefill else 1) + 1
    groups = traffic.prefixes.groups if traffic.prefixes and service.prefix_cache else 1
    whole, real = np.zeros((n, REPLICA_WHOLE), dtype=np.int64), np.zeros((n, REPLICA_REAL))
    whole[:, core.R_ROLE] = core.DECODES if prefill else core.MIXED
    whole[: n - replicas, core.R_ROLE] = core.PREFILLS
    for name in (core.R_WAIT_HEAD, core.R_WAIT_TAIL, core.R_PROMPT_HEAD, core.R_PROMPT_TAIL, core.R_LAST):
        whole[:, name] = -1
    real[:, core.R_END] = np.inf
    prefix = np.zeros((n, groups, 2))
    prefix[:, :, 0] = -1.0
    st = core.QueueState(
        ri=whole, rf=real, si=np.zeros((slots, SLOT_WHOLE), dtype=np.int64), sf=np.zeros((slots, SLOT_REAL)),
        ends=np.zeros((n, most, 2), dtype=np.int64), prefix=prefix,
        sizes=np.full(groups, round(traffic.prefixes.tokens) if traffic.prefixes else 0, dtype=np.int64),
        free=np.arange(slots, dtype=np.int64), events=np.zeros((slots + 1, 2)), count=np.zeros(16, dtype=np.int64),
        amount=np.zeros(12), hist=np.zeros((2, core.METRICS, core.BINS), dtype=np.int64), sums=np.zeros((2, core.METRICS)),
        inside_at=np.full(WATCHED + 1, -1, dtype=np.int64),
    )  # fmt: skip
    st.count[core.C_FREE] = slots
    return st


def _more_slots(st: core.QueueState, wanted: int) -> core.QueueState:
    """The state with places for ``wanted`` more requests; as it is where there are enough."""
    if st.count[core.C_FREE] >= wanted:
        return st
    old, kept = len(st.si), int(st.count[core.C_FREE])
    more = max(old, wanted)
    grown = {n: np.concatenate([x, np.zeros((more, x.shape[1]), x.dtype)]) for n, x in
             (("si", st.si), ("sf", st.sf), ("events", st.events))}  # fmt: skip
    free = np.concatenate([st.free[:kept], np.arange(old, old + more), np.zeros(old - kept, dtype=np.int64)])
    st.count[core.C_FREE] = kept + more
    return st._replace(**grown, free=free)


def _run(
    st: core.QueueState, p: core.Params, traffic: Traffic, service: ReplicaService, seed: int, requests: int, users: int
) -> None:
    front = p.pf[core.P_FRONT]
    for _ in range(min(users, requests)):
        core.push_event(st.events, st.count, front, -1)
    room = float(np.min(p.kf[:, core.K_ROOM])) - BLOCK_TOKENS
    rng = np.random.Generator(np.random.Philox(key=[seed, 2**63]))
    # users go on until the last of the requests is done
    for block in traffic.blocks(seed, requests + users, most_tokens=room):
        st.count[core.C_NEXT] = 0
        st = _more_slots(st, len(block.prompt) + 1)
        known = _known(block, p, service, rng, len(st.ri))
        prefix = block.prefix if service.prefix_cache else np.full_like(block.prefix, -1)
        target = requests if users else 0
        if not core.run(
            st, p, block.arrival + front, block.prompt, block.output, prefix, block.shared, known, block.last, target
        ):
            break


def _known(block: RequestBlock, p: core.Params, service: ReplicaService, rng: np.random.Generator, n: int) -> NDArray[np.int64]:
    """Tokens of each prompt that the cache of its replica holds: those of the trace, by chance where a router does not look."""
    if not service.prefix_cache:
        return np.zeros_like(block.known)
    if p.pi[core.P_ROUTER] == core.PREFIX_AWARE or n == 1:
        return block.known
    return np.where(rng.random(len(block.known)) < 1.0 / n, block.known, 0)


def _quantiles(st: core.QueueState, group: int, metric: int, *, shift: float = 0.0) -> Quantiles:
    """Mean and quantiles of a histogram, a bin taken as even in the logarithm [s]."""
    counts = st.hist[group, metric]
    n = int(counts.sum())
    if n == 0:
        return Quantiles(*[float("nan")] * 5)
    ends = core.SHORTEST * np.exp(np.arange(core.BINS) / core.BINS_PER_E)
    below = np.cumsum(counts)
    found = []
    for part in QUANTILE_SHARES.values():
        at = int(np.searchsorted(below, part * n, side="left"))
        before = below[at] - counts[at]
        inner = (part * n - before) / counts[at]
        found.append(float(ends[at] * np.exp((inner - 1.0) / core.BINS_PER_E)) if at else 0.0)
    return Quantiles(float(st.sums[group, metric]) / n, *found)


def _result(
    st: core.QueueState, p: core.Params, service: ReplicaService, prefill: Prefill | None, traffic: Traffic, replicas: int
) -> LoadResult:
    amount, n = st.amount, st.count
    names = ("ttft", "tpot", "e2e", "queue", "prefill", "transfer")
    steady = {name: _quantiles(st, 1, i) for i, name in enumerate(names)}
    start = {name: _quantiles(st, 0, i) for i, name in enumerate(names[:3])}
    done = int(st.hist[1, core.E2E].sum())
    spent = max(float(amount[core.A_NOW] - amount[core.A_STEADY]), 1e-12)
    offered = traffic.load.rate if isinstance(traffic.load, Arrivals | Trace) else float("nan")
    rate, tokens = _served(st, p, spent)
    whole = max(float(amount[core.A_NOW]), 1e-12)
    lasted = max(float(amount[core.A_LAST]), 1e-12)
    all_tokens = float(amount[core.A_TOKENS] + amount[core.A_TOKENS_START])
    good = float(n[core.C_GOOD]) / max(done, 1)
    return LoadResult(
        **steady, front=float(p.pf[core.P_FRONT]), rate=rate, offered=offered if np.isfinite(offered) else rate,
        output_tokens_per_s=tokens, whole_rate=float(n[core.C_DONE]) / lasted,
        whole_output_tokens_per_s=all_tokens / lasted, goodput=rate * good, good=good,
        inside=float(amount[core.A_INSIDE]) / whole + rate * float(p.pf[core.P_FRONT]),
        utilisation=float(np.mean(st.rf[:, core.R_BUSY])) / whole, state=_state_of(st, p, steady),
        requests=int(n[core.C_DONE]),
        seconds=whole, preempted=int(n[core.C_PREEMPTED]), prefix_hits=int(n[core.C_HITS]),
        held_back=float(n[core.C_LATE]) / max(int(n[core.C_SENT]), 1), replicas=replicas,
        chips=replicas * service.chips + (prefill.replicas * prefill.service.chips if prefill else 0), start_up=start,
    )  # fmt: skip


def _served(st: core.QueueState, p: core.Params, spent: float) -> tuple[float, float]:
    """Requests done and tokens made per second of the steady part, while requests come [1/s, token/s].

    A load of few requests may be over before the first is done: then from the first to the last answer.
    """
    a = st.amount
    if p.pi[core.P_USERS]:
        return int(st.hist[1, core.E2E].sum()) / spent, float(a[core.A_TOKENS]) / spent
    window = float(a[core.A_LAST_SENT] - a[core.A_STEADY])
    done = float(a[core.A_DONE_LAST] - a[core.A_DONE_BEFORE])
    sent = int(st.count[core.C_SENT]) - int(p.pi[core.P_START_UP])
    if window > 0 and done > 0.5 * sent:
        return done / window, float(a[core.A_TOKENS_LAST] - a[core.A_TOKENS_BEFORE]) / window
    lasted = max(float(a[core.A_LAST]), 1e-12)
    return float(st.count[core.C_DONE]) / lasted, float(a[core.A_TOKENS] + a[core.A_TOKENS_START]) / lasted


def _state_of(st: core.QueueState, p: core.Params, steady: Mapping[str, Quantiles]) -> str:
    """Whether the queue stands, or grows as long as requests come."""
    if st.count[core.C_STOP]:
        return "OVERLOADED"
    seen = st.inside_at[st.inside_at >= 0].astype(float)
    quarter = max(len(seen) // 4, 1)
    waits = steady["queue"].mean > STANDS * steady["e2e"].mean
    if p.pi[core.P_USERS]:
        return "BACKLOGGED" if waits else "STABLE"
    parts = [float(np.mean(seen[i * quarter : (i + 1) * quarter])) for i in range(4)] if len(seen) >= 8 else [0.0] * 4
    grows = parts[3] > GROWS * parts[1] and parts[3] > parts[2] > parts[1] and waits
    return "OVERLOADED" if grows else "BACKLOGGED" if waits else "STABLE"
