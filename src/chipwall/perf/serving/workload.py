"""What is asked about serving, and what comes back: the records of :mod:`chipwall.perf.serving.serve`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from chipwall.catalog.architecture import Architecture
from chipwall.perf.budget import Budget
from chipwall.perf.estimate import Estimate
from chipwall.perf.layout import Layout
from chipwall.perf.serving.memory import EngineMemory, Machine, Room, serving_budget
from chipwall.perf.serving.precision import Precision
from chipwall.perf.serving.regimes import NO_LIMIT
from chipwall.text import Text

__all__ = ["FLAGS", "Question", "Serving"]


# How an engine is set up: for the load, as its makers and benchmarks publish it, or as it starts without any flag.
FLAGS = ("tuned", "default")


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
    arrival_cv : float
        Standard deviation of the time between arrivals over its mean; 1 at random [1].
    in_flight : float
        Requests of a stream that the clients let be in the system at most; 0 for any number [1].
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
    flags : str
        ``tuned`` for the load, or ``default`` as the engine starts without any.
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
    memory_share, step_tokens, step_sequences : float
        Share of the memory that the engine may use [1], tokens and sequences of its largest step [token, 1]; 0 for its own
        defaults.
    chunked : bool
        Whether a prompt is computed in pieces, beside the others' decoding; whole otherwise.
    front_end : float, optional
        Time of a request outside the engine before its first token [s]; what was fitted for the engine by default.
    draft : str
        A draft whose weights and cache are held: ``own``, or a number of layers; empty for none.
    on_host : float
        Weights of each chip that its host keeps, read over the host link in every step [byte].
    beyond_context : bool
        Whether a sequence longer than the model's maximum is meant.
    images, image_width, image_height : float and int
        Images of a prompt [1], and their size [pixel]; :func:`chipwall.perf.serving.images.with_images` adds their tokens.
    image_tokens : float
        Tokens of the prompt that are images [token].
    adapters, adapter_rank : float
        Adapters that are served beside the model, and their rank [1].
    """

    prompt: float = 1000.0
    output: float = 1000.0
    chips: int = 1
    concurrency: float = 0.0
    rate: float = 0.0
    arrival_cv: float = 1.0
    in_flight: float = 0.0
    static: bool = False
    ttft_limit: float = NO_LIMIT
    tpot_limit: float = NO_LIMIT
    precision: str = ""
    cache: str = ""
    engine: str = ""
    engine_year: float | None = None
    flags: str = "tuned"
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
    memory_share: float = 0.0
    step_tokens: float = 0.0
    step_sequences: float = 0.0
    chunked: bool = True
    front_end: float | None = None
    draft: str = ""
    on_host: float = 0.0
    beyond_context: bool = False
    images: float = 0.0
    image_width: int = 1024
    image_height: int = 1024
    image_tokens: float = 0.0
    adapters: float = 0.0
    adapter_rank: float = 16.0


@dataclass(frozen=True, slots=True)
class Serving:
    """The answer: rates and latencies as estimates, and what they rest on.

    Attributes
    ----------
    throughput, ttft, tpot, energy : Estimate
        Output tokens per second of all chips; first token; time per token; joules per output token.
    ttft_burst : Estimate
        Mean time to the first token where all requests in the system come at the same moment, as at the start of a test [s].
    inside : float
        Requests in the whole system, waiting or in flight: the rate times what one takes [1].
    batch : float
        Sequences in flight per replica [1].
    most : float
        Sequences that the memory of a replica holds [1].
    tails : mapping
        ``ttft`` and ``tpot``: what p50, p90 and p99 of the requests stay under [s].
    missed : tuple of Text
        Latency limits that the load does not meet, in words.
    cache_per_sequence : float
        Cache of one sequence on one chip, averaged over its life [byte].
    room : Room
        What the engine leaves for the cache of one chip, with its interval.
    layout : Layout
        The layout, given or found.
    precision : Precision
        Recipes of the parts.
    """

    throughput: Estimate
    ttft: Estimate
    tpot: Estimate
    ttft_burst: Estimate
    energy: Estimate
    inside: float
    batch: float
    most: float
    missed: tuple[Text, ...]
    cache_per_sequence: float
    room: Room
    layout: Layout
    precision: Precision
    cache: str
    requests_per_s: float
    tails: Mapping[str, Mapping[str, float]] = field(hash=False)
    shape: Architecture
    machine: Machine
    how: EngineMemory
    inputs: Mapping[str, Any] = field(hash=False, default_factory=dict)

    @property
    def cache_room(self) -> float:
        """What is left for the cache of one chip [byte]."""
        return self.room.bytes

    @property
    def weights(self) -> float:
        """Weights of one chip, a draft's too [byte]."""
        return self.room.weights + self.room.draft

    @property
    def reserve(self) -> float:
        """What the engine keeps on one chip [byte]."""
        return self.room.engine

    def budget(self) -> Budget:
        """Memory of the fullest chip with so many sequences in flight, every term with its formula."""
        length = self.inputs["prompt_tokens"] + self.inputs["output_tokens"]
        return serving_budget(
            self.shape, self.precision.stored, self.layout, self.machine, self.how, cache=self.cache, context=length,
            sequences=max(self.batch, 1.0) * self.layout.replicas,
        )  # fmt: skip

    def as_json(self) -> dict[str, Any]:
        """Plain values, SI, the unit in the field name."""
        return {
            "throughput": self.throughput.as_json(),
            "ttft": self.ttft.as_json(),
            "tpot": self.tpot.as_json(),
            "ttft_burst": self.ttft_burst.as_json(),
            "energy": self.energy.as_json(),
            "requests_per_s": self.requests_per_s,
            "requests_in_system": self.inside,
            "batch_per_replica": self.batch,
            "most_sequences_per_replica": self.most,
            "latency_quantiles_s": {name: dict(each) for name, each in self.tails.items()},
            "limits_missed": list(self.missed),
            "notes": list(self.throughput.notes),
            "cache_room_bytes_per_chip": self.cache_room,
            "cache_room_low_bytes_per_chip": self.room.low,
            "cache_room_high_bytes_per_chip": self.room.high,
            "cache_bytes_per_sequence_and_chip": self.cache_per_sequence,
            "weight_bytes_per_chip": self.weights,
            "engine_bytes_per_chip": self.reserve,
            "memory_share": self.room.share,
            "step_tokens": self.room.tokens,
            "step_sequences": self.room.sequences,
            "layout": {
                "tensor_parallel": self.layout.tensor,
                "pipeline_parallel": self.layout.pipeline,
                "replicas": self.layout.replicas,
                "expert_parallel": self.layout.expert,
                "attention_data_parallel": self.layout.attention_data_parallel,
                "context_parallel": self.layout.context,
            },
            "precision": {
                "asked": self.precision.name,
                "stored": self.precision.format,
                "widened": self.precision.widened,
                "attention": self.precision.attention,
                "dense": self.precision.dense,
                "experts": self.precision.experts,
                "cache": self.cache,
            },
            "inputs": dict(self.inputs),
        }
