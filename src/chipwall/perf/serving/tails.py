"""How far latencies spread around their means: what half, nine of ten and 99 of 100 requests stay under.

First tokens wait in the queue of prompts; times per token differ by how many pieces of other prompts fall into an answer.
Both are the engine's own; clients whose lengths spread widely see more.
"""

from __future__ import annotations

from statistics import NormalDist
from typing import Any

import numpy as np

from chipwall.catalog.numbers import chosen, greater
from chipwall.perf.serving.iteration import decode_time, mixed_steps, pipeline_loss, prompt_times
from chipwall.perf.serving.regimes import BUSIEST, REGIMES, Requests, queue_wait
from chipwall.perf.serving.step import Setup, step_time

__all__ = ["SHARES", "first_token_tail", "latency_tails", "token_time_tail"]

# Loads that keep so many requests in the system, each followed by the next; and those where all come at once.
CLOSED = tuple(REGIMES.index(name) for name in ("saturated", "server", "concurrency"))
TOGETHER = tuple(REGIMES.index(name) for name in ("static", "burst"))
# Shares of the requests whose latencies are told.
SHARES = {"p50": 0.5, "p90": 0.9, "p99": 0.99}


def first_token_tail(
    s: Setup, q: Requests, batch: Any, arrivals: Any, *, share: Any, together: Any = 0.0
) -> Any:
    """Time to the first token that a share of the requests stays under [s]; arrivals are random.

    The wait of the queue has an exponential tail: P(wait > t) = rho exp(-2 (1 - rho) t / (rho service)), the heavy-traffic
    form of M/D/1 [1]_; the iteration that runs on arrival has that share of its time still to go.

    Parameters
    ----------
    batch : float or array
        Sequences of the replica in flight [1].
    arrivals : float or array
        Requests per second and replica [1/s].
    share : float or array
        Share of the requests [1].
    together : float or array
        Share of the others that asks at the same moment, as clients of a closed loop do [1]; a request stands anywhere
        among them.

    References
    ----------
    .. [1] J. F. C. Kingman, The single server queue in heavy traffic, Proc. Cambridge Phil. Soc. 57, 1961.
    """
    ranks = chosen(s.spread > 0, s.group, 1.0)
    service, turn = prompt_times(s, q, batch)
    load = np.clip(arrivals / ranks * turn, 1e-9, BUSIEST)
    wait = queue_wait(s, q, arrivals, turn) * greater(np.log(load / (1.0 - share)), 0.0)
    running = chosen(batch > 1.0, share * decode_time(s, q, greater(batch, 1.0)), 0.0)
    crowd = share * together * greater(batch / ranks - 1.0, 0.0) * turn
    return s.constants["serving.first"] + service + wait + crowd + running


def token_time_tail(s: Setup, q: Requests, batch: Any, *, share: Any) -> Any:
    """Mean time per token of an answer that a share of the answers stays under [s].

    An answer of ``output`` tokens meets a piece of another prompt in a binomial number of its iterations; the normal
    approximation of that number bounds the share.
    """
    alone, beside, part = mixed_steps(s, q, batch, greater(batch - 1.0, 0.0))
    steps = greater(q.output / q.accepted, 1.0)
    part = np.clip(part, 0.0, 1.0)
    more = part + _deviations(share) * np.sqrt(part * (1.0 - part) / steps)
    fast, slow = step_time(s, **alone), step_time(s, **beside)
    return (fast + np.clip(more, 0.0, 1.0) * (slow - fast)) * pipeline_loss(s) / q.accepted


def _deviations(share: Any) -> Any:
    """Standard deviations above the mean under which a share of a normal distribution lies [1]."""
    found = [NormalDist().inv_cdf(float(x)) for x in np.atleast_1d(share)]
    return np.array(found) if np.ndim(share) else found[0]


def latency_tails(s: Setup, q: Requests, batch: float, arrivals: float) -> dict[str, dict[str, float]]:
    """Quantiles of the time to the first token and of the time per token of one answer [s], by :data:`SHARES`."""
    looped, at_once = int(q.regime) in CLOSED, int(q.regime) in TOGETHER
    together = 1.0 if at_once else s.constants["serving.together"] if looped else 0.0
    arrivals = 0.0 if at_once else arrivals
    # clients beyond what the cache holds wait until as many answers are done
    beyond = max(float(q.concurrency / s.replicas) - batch, 0.0) / arrivals if looped and arrivals > 0 else 0.0
    shares = np.array(list(SHARES.values()))
    first = first_token_tail(s, q, batch, arrivals, share=shares, together=together) + beyond
    each = token_time_tail(s, q, batch, share=shares)
    return {name: dict(zip(SHARES, map(float, tail), strict=True)) for name, tail in (("ttft", first), ("tpot", each))}
