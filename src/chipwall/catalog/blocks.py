"""The two kinds of block that a layer is made of, as numbers: attention of each kind, and feed-forward blocks.

Every number may be an array, one entry per model.

References
----------
.. [1] Vaswani et al., Attention is all you need, arXiv:1706.03762 (projections, feed-forward blocks).
.. [2] DeepSeek-AI, DeepSeek-V2, arXiv:2405.04434, section 2.1 (latent attention); DeepSeek-V3.2, arXiv:2512.02556,
   section 2 (the indexer of sparse attention).
.. [3] Dao and Gu, Transformers are SSMs, arXiv:2405.21060, section 7 (Mamba-2: one projection to gate, input, B, C, step).
.. [4] Yang et al., Gated Delta Networks, arXiv:2412.06464, section 3 (state of key width x value width per head).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from chipwall.catalog.numbers import chosen, greater, lesser

__all__ = ["INDEX_BYTES", "UNBOUNDED", "Attention", "FeedForward", "Number"]

# A float, or an array with one entry per model or context.
Number = Any
# The indexer of sparse attention keeps its keys in 8 bits with one 32-bit scale per 128 values, whatever the cache's
# format [2]: 132 bytes for 128 values [byte per value].
INDEX_BYTES = 132.0 / 128.0
UNBOUNDED = math.inf


@dataclass(frozen=True, slots=True)
class Attention:
    """Layers with one kind of attention, as numbers [1]; names as in :class:`~chipwall.catalog.layers.Layers`.

    ``kept`` is the share of the layers that keep a cache of their own; ``values`` what a key and a value hold in the cache
    per key-value head; ``window`` and ``index_keys`` are infinite where there are none.
    """

    kind: Literal["full", "window", "latent", "linear", "recurrent"]
    count: Number
    heads: Number
    kv_heads: Number
    head_dim: Number
    value_dim: Number
    values: Number
    window: Number
    query_rank: Number
    latent_rank: Number
    rotary: Number
    output_rank: Number
    output_groups: Number
    gate: Number
    shared_keys: Number
    kept: Number
    compression: Number
    near: Number
    index_heads: Number
    index_dim: Number
    index_keys: Number
    convolution: Number

    @property
    def grows(self) -> bool:
        """Whether the group keeps keys of earlier tokens; others carry a state of fixed size."""
        return self.kind in ("full", "window", "latent")

    @property
    def content(self) -> Number:
        """Width of a latent query without its rotary part [1]."""
        return self.head_dim - self.rotary

    @property
    def outcome(self) -> Number:
        """Width that comes out of the attention, all heads [1]."""
        return self.heads * self.value_dim

    @property
    def channels(self) -> Number:
        """Channels of the short convolution of one layer [1]: queries, keys and values; zero without one."""
        mixed = 2.0 * self.kv_heads * self.head_dim + self.outcome
        return mixed * lesser(self.convolution, 1.0)

    def products(self, hidden: Number, tensor: Number = 1.0) -> Iterator[tuple[str, Number, Number]]:
        """Matrix products of one layer as one of ``tensor`` chips sees them: name, columns, depth [1].

        Key-value heads are copied where there are fewer of them than chips; what leads to ranks is not divided.
        """
        heads, kv = self.heads / tensor, key_heads(self, tensor)
        query = heads * self.head_dim
        ranked = lesser(self.query_rank, 1.0)
        low = self.query_rank
        if self.kind == "latent":
            yield "latent down", low + self.latent_rank + self.rotary + self.gate / tensor, hidden
            yield "latent query", query, low + (1.0 - ranked) * hidden
            yield "latent up", heads * (self.content + self.value_dim), self.latent_rank
        else:
            keys = kv * (self.head_dim + (1.0 - self.shared_keys) * self.value_dim)
            if not self.grows:
                # queries and keys of a state have as many heads as keys; its values as many as there are heads
                keys = 2.0 * kv * self.head_dim + heads * self.value_dim
                query, ranked, low = 0.0, 0.0, 0.0
            yield "qkv", (1.0 - ranked) * query + keys + low + self.gate / tensor, hidden
            if _any(ranked):
                yield "query up", ranked * query, low
        rank = self.output_rank
        if _any(rank):
            low_rank = lesser(rank, 1.0)
            groups = greater(self.output_groups, 1.0)
            yield "output down", low_rank * rank, heads * self.value_dim
            yield "attention output", hidden, groups * rank / tensor + (1.0 - low_rank) * heads * self.value_dim
        else:
            yield "attention output", hidden, heads * self.value_dim
        if _any(self.index_heads):
            yield "index query", self.index_heads * self.index_dim, low + (1.0 - ranked) * hidden
            yield "index keys", self.index_heads + self.index_dim, hidden

    def weights(self, hidden: Number) -> Number:
        """Weights of one layer of the group [1]; a projection per head group is counted whole."""
        total: Number = self.channels * self.convolution
        for _, columns, depth in self.products(hidden):
            total = total + columns * depth
        return total

    def entries(self, context: Number) -> Number:
        """Entries that one layer keeps for a sequence of ``context`` tokens [1]; zero for a state."""
        if not self.grows:
            return 0.0 * context
        near = lesser(chosen(self.compression > 1.0, self.near, 0.0), context)
        return lesser(context, self.window) / self.compression + near

    def entry_values(self, tensor: Number = 1.0) -> Number:
        """Values of one entry on one of ``tensor`` chips [1]: keys and values of its heads, or the latent vector, whole."""
        if self.kind == "latent":
            return self.latent_rank + self.rotary
        return key_heads(self, tensor) * self.values if self.grows else 0.0 * self.count

    def seen(self, context: Number) -> Number:
        """Keys that a query reads with ``context`` tokens before it [1]: all, a window, or as many as it may choose."""
        near = lesser(chosen(self.compression > 1.0, self.near, 0.0), context)
        return lesser(lesser(context, self.window) / self.compression, self.index_keys) + near

    def span(self, sequence: Number) -> Number:
        """Keys that a token of a sequence reads on average under a causal mask [1]: ``seen`` averaged over positions."""
        length = np.asarray(sequence, dtype=float)
        bound = lesser(lesser(self.window, self.index_keys * self.compression), length)
        near = lesser(chosen(self.compression > 1.0, self.near, 0.0), length)
        safe = greater(length, 1e-9)
        mean = bound * (1.0 - bound / (2.0 * safe)) / self.compression
        return (mean + near * (1.0 - near / (2.0 * safe)))[()]

    def state_values(self, tensor: Number = 1.0) -> Number:
        """Values of the state of one layer and sequence on one of ``tensor`` chips [1]; zero where keys are kept."""
        if self.grows:
            return 0.0 * self.count
        return (
            self.heads * self.head_dim * self.value_dim + greater(self.convolution - 1.0, 0.0) * self.channels
        ) / (tensor)

    def pair_flops(self) -> Number:
        """Arithmetic of one query and one key over all heads [flop]: two products of their widths, unabsorbed."""
        return 2.0 * self.heads * (self.head_dim + self.value_dim)

    def token_flops(self, seen: Number) -> Number:
        """Attention of one token over ``seen`` keys in one layer, its products apart [flop]; updating and reading a state."""
        if self.grows:
            return self.pair_flops() * seen
        return 4.0 * self.heads * self.head_dim * self.value_dim + 0.0 * np.asarray(seen)

    def index_flops(self, context: Number) -> Number:
        """Scores of the indexer over all entries before a token, in one layer [flop]."""
        return 2.0 * self.index_heads * self.index_dim * np.asarray(context) / self.compression


@dataclass(frozen=True, slots=True)
class FeedForward:
    """Feed-forward blocks of one kind, as numbers [1].

    ``width`` is that of the dense block or of one routed expert, ``depth`` the width in which it works, ``matrices`` 3 with
    a gate and 2 without; ``lowered`` is 1 where tokens are projected to ``depth`` and back for the experts.
    """

    kind: Literal["dense", "experts"]
    count: Number
    width: Number
    depth: Number
    matrices: Number
    experts: Number
    top_k: Number
    shared: Number
    lowered: Number
    idle: Number

    @property
    def block(self) -> Number:
        """Weights of one dense block, or of one routed expert [1]."""
        return self.matrices * self.depth * self.width

    @property
    def picks(self) -> Number:
        """Experts that compute for a token on average [1]: choices that fall on idle ones cost nothing."""
        return self.top_k * self.experts / greater(self.experts + self.idle, 1.0)

    def shared_weights(self, hidden: Number) -> Number:
        """Weights of the shared experts of one layer, and of the projections around narrow experts [1]."""
        return self.matrices * hidden * self.shared + 2.0 * hidden * self.depth * self.lowered

    def router_weights(self, hidden: Number) -> Number:
        """Weights of the router of one layer [1]."""
        return hidden * (self.experts + self.idle)


def key_heads(group: Attention, tensor: Number = 1.0) -> Number:
    """Key-value heads on one of ``tensor`` chips [1]: at least one, copied where chips outnumber them."""
    return greater(group.kv_heads / tensor, lesser(group.kv_heads, 1.0))


def _any(value: Number) -> bool:
    return bool(value) if isinstance(value, float | int) else bool(np.any(value))
