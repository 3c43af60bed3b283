"""What is asked about serving, and what comes back: the records of :mod:`chipwall.perf.serving.serve`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from chipwall.perf.estimate import Estimate
from chipwall.perf.serving.precision import Precision
from chipwall.perf.serving.regimes import NO_LIMIT
from chipwall.perf.serving.setup import Layout

__all__ = ["Question", "Serving"]


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of the chips.

    Attributes
    ----------
    prompt, output : float
        Mean tokens of a prompt and of an answer [token].
    chips : int
        Chips in all [1].
    concurrency : float
        Requests in the system; 0 to fill the memory, or to fill the limits [1].
    rate : float
        Requests that arrive per second; 0 for a closed loop [1/s].
    static : bool
        One batch of ``concurrency`` sequences, prefill then decode, instead of requests in flight.
    burst : float
        Requests that all arrive at one moment; 0 for none [1].
    ttft_limit, tpot_limit : float
        Limits on the first token and on the time per token [s].
    precision, cache : str
        Format of the weights and of the cache; empty for the usual one.
    engine : str
        Family of serving software, a key of :data:`chipwall.perf.serving.engines.ENGINES`; empty for the usual one on the
        chip.
    engine_year : float
        Date of its release [year]; today's by default.
    tensor, pipeline, expert, context : int
        Layout; 0 for tensor to search.
    spread : bool
        Data-parallel attention with the experts spread over ``expert`` chips.
    prefillers : int
        Of the replicas, how many only prefill (disaggregated serving); 0 for none [1].
    reused : float
        Share of the prompt that a prefix cache already holds [1].
    accepted, drafted : float
        Tokens that one step of speculative decoding yields, and verifies; 1 without [1].
    """

    prompt: float = 1000.0
    output: float = 1000.0
    chips: int = 1
    concurrency: float = 0.0
    rate: float = 0.0
    static: bool = False
    ttft_limit: float = NO_LIMIT
    tpot_limit: float = NO_LIMIT
    precision: str = ""
    cache: str = ""
    engine: str = ""
    engine_year: float | None = None
    tensor: int = 0
    pipeline: int = 1
    expert: int = 1
    spread: bool = False
    context: int = 1
    prefillers: int = 0
    reused: float = 0.0
    accepted: float = 1.0
    drafted: float = 1.0
    burst: float = 0.0


@dataclass(frozen=True, slots=True)
class Serving:
    """The answer: rates and latencies as estimates, and what they rest on.

    Attributes
    ----------
    throughput, ttft, tpot, energy : Estimate
        Output tokens per second of all chips; first token; time per token; joules per output token.
    batch : float
        Sequences in flight per replica [1].
    most : float
        Sequences that the memory of a replica holds [1].
    cache_room, cache_per_sequence, weights, reserve : float
        Memory of one chip [byte].
    layout : Layout
        The layout, given or found.
    precision : Precision
        Recipes of the parts.
    """

    throughput: Estimate
    ttft: Estimate
    tpot: Estimate
    energy: Estimate
    batch: float
    most: float
    cache_room: float
    cache_per_sequence: float
    weights: float
    reserve: float
    layout: Layout
    precision: Precision
    cache: str
    requests_per_s: float
    inputs: Mapping[str, Any] = field(hash=False, default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Plain values, SI, the unit in the field name."""
        return {
            "throughput": self.throughput.as_json(),
            "ttft": self.ttft.as_json(),
            "tpot": self.tpot.as_json(),
            "energy": self.energy.as_json(),
            "requests_per_s": self.requests_per_s,
            "batch_per_replica": self.batch,
            "most_sequences_per_replica": self.most,
            "cache_room_bytes_per_chip": self.cache_room,
            "cache_bytes_per_sequence_and_chip": self.cache_per_sequence,
            "weight_bytes_per_chip": self.weights,
            "reserve_bytes_per_chip": self.reserve,
            "layout": {
                "tensor_parallel": self.layout.tensor,
                "pipeline_parallel": self.layout.pipeline,
                "replicas": self.layout.replicas,
                "expert_parallel": self.layout.expert,
                "attention_data_parallel": self.layout.spread,
                "context_parallel": self.layout.context,
            },
            "precision": {
                "asked": self.precision.name,
                "attention": self.precision.attention,
                "dense": self.precision.dense,
                "experts": self.precision.experts,
                "cache": self.cache,
            },
            "inputs": dict(self.inputs),
        }
