"""What a simulated load is: when requests come, how long they are, what of their prompts is known already."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chipwall.errors import InputError
from chipwall.inputs import count, number
from chipwall.perf.serving.loads import Arrivals, Users
from chipwall.text import text

__all__ = ["TRAFFIC_BLOCK", "Fixed", "Lengths", "LogNormal", "Prefixes", "RequestBlock", "Trace", "Traffic", "Uniform"]

# Requests drawn at a time: what a run holds does not grow with its length.
TRAFFIC_BLOCK = 65_536
# Longest prompt or answer that is drawn [token].
MOST_TOKENS = 1e7


def _tokens(value: object, name: str) -> float:
    return number(value, name, least=1, most=MOST_TOKENS)


@dataclass(frozen=True, slots=True)
class Fixed:
    """Every length the same [token]."""

    tokens: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "tokens", _tokens(self.tokens, "tokens"))

    @property
    def mean(self) -> float:
        """Mean length [token]."""
        return self.tokens

    def draw(self, rng: np.random.Generator, n: int) -> NDArray[np.int64]:
        """``n`` lengths [token]."""
        return np.full(n, round(self.tokens), dtype=np.int64)


@dataclass(frozen=True, slots=True)
class Uniform:
    """Any whole length between two, each as likely [token]."""

    low: float
    high: float

    def __post_init__(self) -> None:
        for name in ("low", "high"):
            object.__setattr__(self, name, _tokens(getattr(self, name), name))
        if self.high < self.low:
            raise InputError(
                text("lengths from {low:g} to {high:g}", low=self.low, high=self.high), where="low, high",
                fix=text("Give the shorter length first"),
            )  # fmt: skip

    @property
    def mean(self) -> float:
        """Mean length [token]."""
        return (self.low + self.high) / 2.0

    def draw(self, rng: np.random.Generator, n: int) -> NDArray[np.int64]:
        """``n`` lengths [token]."""
        return rng.integers(round(self.low), round(self.high), size=n, endpoint=True, dtype=np.int64)


@dataclass(frozen=True, slots=True)
class LogNormal:
    """Lengths whose logarithm is normal: their mean [token], and their standard deviation over it [1]."""

    tokens: float
    cv: float = 1.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "tokens", _tokens(self.tokens, "tokens"))
        object.__setattr__(self, "cv", number(self.cv, "cv", least=0, most=20))

    @property
    def mean(self) -> float:
        """Mean length [token]."""
        return self.tokens

    def draw(self, rng: np.random.Generator, n: int) -> NDArray[np.int64]:
        """``n`` lengths [token], one at least."""
        spread = np.log1p(self.cv**2)
        drawn = rng.lognormal(np.log(self.tokens) - spread / 2.0, np.sqrt(spread), n)
        return np.clip(np.rint(drawn), 1, MOST_TOKENS).astype(np.int64)


@dataclass(frozen=True, slots=True)
class Trace:
    """Requests as they came: times [s], lengths [token], and how much of each prompt an earlier one began with [token].

    Attributes
    ----------
    arrival : array
        Seconds since the first request, rising.
    prompt, output, known : array
        Tokens of each; ``known`` may be empty for none.
    title : str
        Where it comes from, as it is shown.
    source : str
        Id of the source in the catalogue; empty for a user's own file.
    speed : float
        How many times faster the requests come than they did [1].
    """

    arrival: NDArray[np.float64] = field(repr=False)
    prompt: NDArray[np.int32] = field(repr=False)
    output: NDArray[np.int32] = field(repr=False)
    known: NDArray[np.int32] = field(repr=False, default_factory=lambda: np.zeros(0, dtype=np.int32))
    title: str = ""
    source: str = ""
    speed: float = 1.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "speed", number(self.speed, "speed", above=0, most=1e6))
        if not len(self.arrival):
            raise InputError(text("a trace without a request"), where="trace", fix=text("Give one request at least"))

    def __hash__(self) -> int:
        return hash((self.title, len(self.arrival), self.speed))

    @property
    def rate(self) -> float:
        """Mean requests per second [1/s]; of a trace of one moment, infinite."""
        spent = float(self.arrival[-1] - self.arrival[0]) / self.speed
        return (len(self.arrival) - 1) / spent if spent > 0 else float("inf")


Lengths = Fixed | Uniform | LogNormal


@dataclass(frozen=True, slots=True)
class Prefixes:
    """Prompts that begin alike: how many beginnings there are [1], their length [token], and how many requests have one [1].

    Attributes
    ----------
    groups : int
        Different beginnings, each as likely [1].
    tokens : float
        Length of a beginning [token].
    part : float
        Share of the requests that have one [1].
    """

    groups: int
    tokens: float
    part: float = 1.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "groups", count(self.groups, "groups", most=10_000))
        object.__setattr__(self, "tokens", _tokens(self.tokens, "tokens"))
        object.__setattr__(self, "part", number(self.part, "part", least=0, most=1))


@dataclass(frozen=True, slots=True)
class RequestBlock:
    """Some requests in a row, as arrays: times [s], lengths [token], beginning (-1: none), its tokens, tokens known already."""

    arrival: NDArray[np.float64]
    prompt: NDArray[np.int64]
    output: NDArray[np.int64]
    prefix: NDArray[np.int64]
    shared: NDArray[np.int64]
    known: NDArray[np.int64]
    last: bool


@dataclass(frozen=True, slots=True)
class Traffic:
    """A load to simulate.

    Attributes
    ----------
    load : Arrivals, Users or Trace
        When requests come; a trace has lengths of its own.
    prompt, output : Fixed, Uniform or LogNormal, optional
        Lengths of the others.
    prefixes : Prefixes, optional
        Beginnings that prompts share.
    think : float
        Pause of a user between an answer and the next request [s].
    """

    load: Arrivals | Users | Trace
    prompt: Lengths | None = None
    output: Lengths | None = None
    prefixes: Prefixes | None = None
    think: float = 0.0

    def __post_init__(self) -> None:
        lengths = self.prompt is not None and self.output is not None
        if not isinstance(self.load, Trace) and not lengths:
            raise InputError(
                text("a load without lengths"), where="prompt, output", fix=text("Give the tokens of a prompt and of an answer")
            )
        object.__setattr__(self, "think", number(self.think, "think", least=0, most=1e6))

    def means(self) -> tuple[float, float]:
        """Mean tokens of a prompt and of an answer [token]."""
        if isinstance(self.load, Trace):
            return float(np.mean(self.load.prompt)), float(np.mean(self.load.output))
        assert self.prompt is not None
        assert self.output is not None
        return self.prompt.mean, self.output.mean

    def longest(self) -> float:
        """Longest request that is sure to come [token]; of log-normal lengths their mean."""
        if isinstance(self.load, Trace):
            return float(np.max(self.load.prompt.astype(np.int64) + self.load.output))
        ends = [x.high if isinstance(x, Uniform) else x.mean for x in (self.prompt, self.output) if x is not None]
        return float(sum(ends))

    def blocks(self, seed: int, requests: int, *, most_tokens: float) -> Iterator[RequestBlock]:
        """The requests, a block at a time; the same for the same seed.

        Parameters
        ----------
        requests : int
            How many; a trace has no more than it has.
        most_tokens : float
            Longest prompt with its answer that fits: a drawn length beyond it is cut [token].
        """
        if isinstance(self.load, Trace):
            requests = min(requests, len(self.load.arrival))
        start, clock = 0, 0.0
        while start < requests:
            n = min(TRAFFIC_BLOCK, requests - start)
            rng = np.random.Generator(np.random.Philox(key=[seed, start // TRAFFIC_BLOCK]))
            made = self._trace(start, n) if isinstance(self.load, Trace) else self._drawn(rng, n, clock, most_tokens)
            arrival, prompt, output, known = made
            prefix, shared = self._prefixes(rng, n, prompt)
            clock = float(arrival[-1])
            start += n
            yield RequestBlock(arrival, prompt, output, prefix, shared, known, start >= requests)

    def _trace(self, start: int, n: int) -> tuple[NDArray[Any], ...]:
        assert isinstance(self.load, Trace)
        t, here = self.load, slice(start, start + n)
        known = t.known[here].astype(np.int64) if len(t.known) else np.zeros(n, dtype=np.int64)
        arrival = (t.arrival[here] - t.arrival[0]) / t.speed
        return arrival, t.prompt[here].astype(np.int64), t.output[here].astype(np.int64), known

    def _drawn(self, rng: np.random.Generator, n: int, clock: float, most: float) -> tuple[NDArray[Any], ...]:
        assert self.prompt is not None
        assert self.output is not None
        arrival = clock + np.cumsum(_gaps(self.load, rng, n)) if isinstance(self.load, Arrivals) else np.zeros(n)
        prompt, output = self.prompt.draw(rng, n), self.output.draw(rng, n)
        # as engines do, an answer ends where the memory does; a prompt leaves room for one token
        prompt = np.minimum(prompt, max(int(most) - 1, 1))
        output = np.clip(output, 1, np.maximum(int(most) - prompt, 1))
        return arrival, prompt, output, np.zeros(n, dtype=np.int64)

    def _prefixes(self, rng: np.random.Generator, n: int, prompt: NDArray[np.int64]) -> tuple[NDArray[Any], NDArray[Any]]:
        if self.prefixes is None:
            return np.full(n, -1, dtype=np.int64), np.zeros(n, dtype=np.int64)
        group = rng.integers(0, self.prefixes.groups, n, dtype=np.int64)
        has = (rng.random(n) < self.prefixes.part) & (prompt > self.prefixes.tokens)
        return np.where(has, group, -1), np.where(has, round(self.prefixes.tokens), 0).astype(np.int64)


def _gaps(load: Arrivals, rng: np.random.Generator, n: int) -> NDArray[np.float64]:
    """Times between arrivals [s]: gamma with the coefficient of variation that is asked for."""
    if load.cv == 0:
        return np.full(n, 1.0 / load.rate)
    shape = 1.0 / load.cv**2
    return rng.gamma(shape, 1.0 / (shape * load.rate), n)
