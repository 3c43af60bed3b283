"""What the clients of a service do: one record per kind of load.

``None`` and :class:`Full` fill the memory; the others state how many requests there are, when they come, or how long they
may wait.
"""

from __future__ import annotations

from dataclasses import dataclass

from chipwall.errors import InputError
from chipwall.inputs import count, number, seconds
from chipwall.text import text

__all__ = ["Arrivals", "Batch", "Burst", "Disaggregated", "Full", "Load", "Users", "Within"]


@dataclass(frozen=True, slots=True)
class Full:
    """As many requests as the memory holds: the highest throughput."""


@dataclass(frozen=True, slots=True)
class Users:
    """So many requests in the system at any time [1]; each is followed by the next."""

    count: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "count", number(self.count, "users", least=1, most=1e7))


@dataclass(frozen=True, slots=True)
class Arrivals:
    """So many requests that arrive per second [1/s]; independently of one another where nothing else is said.

    Attributes
    ----------
    rate : float
        Requests per second [1/s].
    cv : float
        Standard deviation of the time between two arrivals over its mean: 1 for arrivals at random (Poisson), 0 for
        equal intervals, more for bursts [1].
    in_flight : float, optional
        Requests that the clients let be in the system at most; those beyond wait at the client [1].
    """

    rate: float
    cv: float = 1.0
    in_flight: float | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "rate", number(self.rate, "rate", above=0, most=1e7))
        object.__setattr__(self, "cv", number(self.cv, "cv", least=0, most=100))
        if self.in_flight is not None:
            object.__setattr__(self, "in_flight", number(self.in_flight, "max_in_flight", least=1, most=1e7))


@dataclass(frozen=True, slots=True)
class Batch:
    """One batch of so many sequences: all prompts first, then all answers together [1]."""

    size: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "size", number(self.size, "batch", least=1, most=1e7))


@dataclass(frozen=True, slots=True)
class Burst:
    """So many requests that arrive at the same moment, once [1]."""

    count: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "count", number(self.count, "burst", least=1, most=1e7))


@dataclass(frozen=True, slots=True)
class Within:
    """As many requests as mean latencies stay within: first token, and time per output token [s]; one of them at least."""

    ttft: float | None = None
    tpot: float | None = None

    def __post_init__(self) -> None:
        if self.ttft is None and self.tpot is None:
            raise InputError(text("no latency limit"), where="ttft", fix=text("Give ttft, tpot or both"))
        for name in ("ttft", "tpot"):
            if getattr(self, name) is not None:
                object.__setattr__(self, name, seconds(getattr(self, name), name))


@dataclass(frozen=True, slots=True)
class Disaggregated:
    """Replicas that only prefill beside others that only decode: how many prefill [1], and the requests in the system."""

    prefillers: int
    users: float | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "prefillers", count(self.prefillers, "prefillers", most=100_000))
        if self.users is not None:
            object.__setattr__(self, "users", number(self.users, "users", least=1, most=1e7))


Load = Full | Users | Arrivals | Batch | Burst | Within | Disaggregated
