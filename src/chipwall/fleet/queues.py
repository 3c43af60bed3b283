"""Waits of queues that are known in closed form: what the simulation must reproduce, and a search can start from.

References
----------
.. [1] L. Kleinrock, Queueing Systems, volume 1, Wiley, 1975: M/M/c 3.40, M/G/1 5.63 (Pollaczek and Khinchine).
"""

from __future__ import annotations

from math import inf

__all__ = ["busy_probability", "wait_mg1", "wait_mmc"]


def busy_probability(load: float, servers: int) -> float:
    """Erlang's C: the probability that all servers are busy, so that an arrival waits [1].

    Parameters
    ----------
    load : float
        Arrivals per second times the mean service [1]; below ``servers``.

    Examples
    --------
    >>> round(busy_probability(1.6, 2), 4)
    0.7111
    """
    if load >= servers:
        return 1.0
    blocked = 1.0
    for n in range(1, servers + 1):  # Erlang's B by its recursion, which no number of servers overflows
        blocked = load * blocked / (n + load * blocked)
    return blocked / (1.0 - load / servers * (1.0 - blocked))


def wait_mmc(rate: float, service: float, servers: int) -> float:
    """Mean wait of arrivals at random for one of some servers whose times are exponential [s]; infinite beyond them."""
    load = rate * service
    return busy_probability(load, servers) * service / (servers - load) if load < servers else inf


def wait_mg1(rate: float, service: float, cv: float = 0.0) -> float:
    """Mean wait of arrivals at random for one server [s]; ``cv`` 0 for equal services (M/D/1), infinite beyond it.

    Examples
    --------
    >>> wait_mg1(50.0, 0.01)
    0.005
    """
    load = rate * service
    return load * service * (1.0 + cv**2) / (2.0 * (1.0 - load)) if load < 1.0 else inf
