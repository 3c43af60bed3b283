"""One run of a load test, in the units and definitions of the house, and what a file must satisfy before it is believed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any

from chipwall.text import Text, text

__all__ = ["DEFINITIONS", "LoadRun", "Times", "doubt", "positive"]

# How far the products of a file's own numbers may lie apart [1]: clients count tokens with their own tokenizer, and a run
# has a beginning and an end in which fewer requests are in flight.
LENGTHS_APART, LITTLE_APART = 0.10, 0.15
# Seconds taken for milliseconds, or the other way round, put a factor of a thousand between two numbers; this is half way.
UNIT_MISTAKE = 30.0
MOST_FAILED = 0.10

# What each tool calls the time between tokens, and what it divides by what.
DEFINITIONS: Mapping[str, Text] = {
    "vllm bench": text("time per output token: (latency - first token) / (tokens - 1) of a request; the median of requests"),
    "sglang bench": text(
        "time per output token: (latency - first token) / (tokens - 1) of a request; where the file has none, the median gap "
        "between pieces of the stream"
    ),
    "aiperf": text("inter-token latency: (latency - first token) / (tokens - 1) of a request; the median of requests"),
    "genai-perf": text("inter-token latency: (latency - first token) / (tokens - 1) of a request; the median of requests"),
    "guidellm": text(
        "inter-token latency: (last token - first token) / (tokens - 1) of a request; its time per output token counts the "
        "first token too and is not used"
    ),
    "inference-perf": text("time per output token: (end - first token) / (tokens - 1) of a request; the median of requests"),
    "genai-bench": text("tpot: (latency - first token) / (tokens - 1) of a request; the median of requests"),
    "loadgen": text("time per output token: (latency - first token) / (tokens - 1) of a query; the median of queries"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Times:
    """What the requests of a run took [s]; None where the file does not say."""

    mean: float | None = None
    median: float | None = None
    p99: float | None = None

    @property
    def usual(self) -> float | None:
        """The median, else the mean [s]."""
        return self.mean if self.median is None else self.median


@dataclass(frozen=True, slots=True)
class LoadRun:
    """One run.

    Attributes
    ----------
    tool, version : str
        Which tool wrote the file, a key of :data:`DEFINITIONS`, and its version where the file says.
    place : str
        The file, and which run in it.
    model : str
        The model as the file names it.
    users, rate : float or None
        Requests kept in flight [1]; requests offered per second where the clients arrive by themselves [1/s].
    prompt, output : float or None
        Mean tokens of a prompt and of an answer [token].
    completed, failed : float
        Requests that were answered, and that were not [1].
    duration : float or None
        How long the run took [s].
    output_rate, request_rate : float or None
        Tokens and requests per second [token/s, 1/s].
    first, each, whole : Times
        First token, time per token after the first, and latency of a request [s].
    reused : float or None
        Share of the prompts that a prefix cache held, where it is known of this run [1].
    """

    tool: str
    place: str
    version: str = ""
    model: str = ""
    users: float | None = None
    rate: float | None = None
    prompt: float | None = None
    output: float | None = None
    completed: float = 0.0
    failed: float = 0.0
    duration: float | None = None
    output_rate: float | None = None
    request_rate: float | None = None
    first: Times = Times()
    each: Times = Times()
    whole: Times = Times()
    reused: float | None = None

    @property
    def latency(self) -> float | None:
        """Mean latency of a request: as the file has it, else first token and the others [s]."""
        if self.whole.mean is not None:
            return self.whole.mean
        first, each = self.first.mean or self.first.median, self.each.mean or self.each.median
        return None if first is None or each is None or not self.output else first + each * (self.output - 1.0)

    @property
    def token_time(self) -> float | None:
        """Time per token after the first [s]: what the file's latencies say, else its own figure.

        (latency - first token) / (tokens - 1) of the means is the definition of the house; some files count pieces of the
        stream, of which one can hold two tokens, and call that the time per token.
        """
        first, whole = self.first.mean, self.whole.mean
        if first is None or whole is None:
            first, whole = self.first.median, self.whole.median
        if first is None or whole is None or not self.output or self.output < 2.0 or whole <= first:
            return self.each.usual
        return (whole - first) / (self.output - 1.0)

    @property
    def in_flight(self) -> float | None:
        """Requests in flight on the average, by Little's law [1]."""
        latency = self.latency
        return None if latency is None or not self.request_rate else self.request_rate * latency


def positive(value: Any, *, scale: float = 1.0) -> float | None:
    """A finite number above zero, scaled; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) * scale if isfinite(value) and value > 0 else None


def doubt(run: LoadRun) -> Text | None:
    """Why a run is not believed; None when its numbers agree with each other.

    Lengths times requests must be tokens, first token and the others must be the latency, and requests per second times
    latency (Little's law [1]_) must not pass the requests in flight.

    References
    ----------
    .. [1] J. D. C. Little, "A proof for the queuing formula L = λW", Operations Research 9 (1961) 383-387.
    """
    for check in (_emptiness, _lengths, _units, _little):
        found = check(run)
        if found is not None:
            return found
    return None


def _emptiness(run: LoadRun) -> Text | None:
    if run.completed <= 0:
        return text("no request was answered")
    if run.failed > MOST_FAILED * (run.completed + run.failed):
        return text(
            "{failed:.0f} of {all:.0f} requests failed: the others do not show the load",
            failed=run.failed, all=run.completed + run.failed,
        )  # fmt: skip
    if run.prompt is None or run.output is None:
        return text("the file does not say how long prompts and answers are: give prompt and output")
    if run.each.usual is None and run.output_rate is None:
        return text("neither a time per token nor a token rate: was the answer streamed?")
    return None


def _lengths(run: LoadRun) -> Text | None:
    assert run.output is not None, "emptiness is checked first"
    if run.output_rate is None or run.request_rate is None:
        return None
    expected = run.request_rate * run.output
    if abs(run.output_rate / expected - 1.0) <= LENGTHS_APART:
        return None
    return text(
        "{rate:.4g} tokens/s are not {requests:.4g} requests/s of {tokens:.4g} tokens",
        rate=run.output_rate, requests=run.request_rate, tokens=run.output,
    )  # fmt: skip


def _units(run: LoadRun) -> Text | None:
    assert run.output is not None, "emptiness is checked first"
    first, each, whole = run.first.mean, run.each.mean, run.whole.mean
    if first is None or each is None or whole is None or run.output < 2:
        return None
    told, ratio = first + each * (run.output - 1.0), (first + each * (run.output - 1.0)) / whole
    if max(ratio, 1.0 / ratio) >= UNIT_MISTAKE:
        return text(
            "first token and the others come to {sum:.4g} s, the latency is {whole:.4g} s: seconds stand for milliseconds "
            "somewhere", sum=told, whole=whole,
        )  # fmt: skip
    return None


def _little(run: LoadRun) -> Text | None:
    seen = run.in_flight
    if seen is None:
        return None
    most = run.users if run.users is not None else run.completed
    if seen <= most * (1.0 + LITTLE_APART):
        return None
    if seen >= most * UNIT_MISTAKE:
        return text(
            "{rate:.4g} requests/s of {latency:.4g} s are {seen:.4g} in flight, the file says {most:.4g}: the times look like "
            "milliseconds read as seconds", rate=run.request_rate, latency=run.latency, seen=seen, most=most,
        )  # fmt: skip
    return text(
        "{rate:.4g} requests/s of {latency:.4g} s are {seen:.4g} in flight, the file says {most:.4g}",
        rate=run.request_rate, latency=run.latency, seen=seen, most=most,
    )  # fmt: skip
