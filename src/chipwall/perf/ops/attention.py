"""Time of attention: over a prompt, backward, and over a cache.

Fused kernels never write the scores, so the work is the pairs of queries and keys, the traffic is queries, keys, values
and results, and the exponentials count as extra width of a head.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from chipwall.catalog.numbers import lesser
from chipwall.perf.device import Hardware
from chipwall.perf.numeric import BF16_BYTES, MULTIPLY_ADD, Numeric, smooth_maximum

__all__ = [
    "ATTENTION_CONSTANTS", "attention_backward_time", "attention_decode_time", "attention_pairs",
    "attention_passes_seconds", "attention_prefill_time", "attention_seconds",
]  # fmt: skip

ATTENTION_CONSTANTS = (
    "efficiency", "length_half", "causal_half", "softmax", "cache_write", "backward", "scores"
)  # fmt: skip
# Attention reads and writes long rows in order; its share of the bandwidth hardly matters, as compute binds.
ATTENTION_MEMORY = 0.8


def attention_pairs(queries: Any, context: Any, window: Any, causal: bool) -> Any:
    """Query-key pairs of one sequence and head [1]: queries are the last positions of the context."""
    if not causal:
        return queries * lesser(context, window)
    # query i sees min(window, context - queries + i) keys, i = 1 .. queries
    before = context - queries
    growing = np.clip(window - before, 0.0, queries)
    ramp = growing * before + growing * (growing + 1.0) / 2.0
    return ramp + (queries - growing) * window


def attention_seconds(
    flops: Any,
    moved: Any,
    length: Any,
    peak: Any,
    bandwidth: Any,
    efficiency: Any,
    memory_efficiency: Any,
    length_half: Any,
) -> Any:
    """Time of a fused attention kernel from its work and traffic, without its launch [s].

    ``length`` [1] is the mean number of keys that a query sees, ``length_half`` [1] the length that costs as much as
    the work itself in pipeline filling and masked tiles.
    """
    compute = flops * ((1.0 + length_half / length) / (peak * efficiency))
    return smooth_maximum(compute, moved / (bandwidth * memory_efficiency))


def attention_work(
    batch: Any, queries: Any, keys: Any, window: Any, heads: Any, kv_heads: Any, head_dim: Any, value_dim: Any,
    softmax: Any, kv_bytes: Any, causal: bool,
) -> tuple[Any, Any, Any]:  # fmt: skip
    """Work of attention in BF16 [flop], its traffic [byte] and the mean keys per query [1].

    ``softmax`` [1] is what the exponentials of one query-key pair cost, in multiples of one element of head width.
    """
    pairs = attention_pairs(queries, keys, window, causal)
    width = head_dim + value_dim
    flops = MULTIPLY_ADD * batch * heads * pairs * (width + 2.0 * softmax)
    reached = lesser(keys, window + queries)
    moved = batch * width * (BF16_BYTES * heads * queries + kv_bytes * kv_heads * reached)
    return flops, moved, pairs / queries


def attention_prefill_time(
    hw: Hardware, *, batch: Numeric, queries: Numeric, heads: Numeric, kv_heads: Numeric, head_dim: Numeric,
    value_dim: Numeric | None = None, context: Numeric | None = None, causal: bool = True,
    window: Numeric | None = None, recipe: str = "bf16", kv_bytes: Numeric = BF16_BYTES, fused: bool = True,
) -> Numeric:  # fmt: skip
    """Time of attention of ``queries`` new tokens per sequence over their ``context``.

    Parameters
    ----------
    batch, queries : float or array
        Sequences, and new tokens of each [1].
    heads, kv_heads : float or array
        Query and key-value heads on this chip [1].
    head_dim, value_dim : float or array
        Width of a key and of a value head; equal by default [1].
    context : float or array
        Keys of each sequence, the new tokens among them; ``queries`` by default [1].
    causal : bool
        Whether a token sees only what came before.
    window : float or array
        Sliding window [1]; none by default.
    recipe : str
        ``bf16`` or ``fp8`` arithmetic.
    kv_bytes : float or array
        Bytes of one element of the key-value cache [byte].
    fused : bool
        False for the textbook form that writes all scores to memory and skips nothing.

    Returns
    -------
    float or array
        Time, the write of the new keys and values included [s].

    Limits
    ------
    Fitted on 512 to 32,768 tokens, head widths of 64 to 256, on A100, H100, H200, H20 and Blackwell. FP8 rates are
    relative to the BF16 peak, as kernels keep part of the work in 16 bits.
    """
    forward, _ = _attention_passes(
        hw, batch, queries, heads, kv_heads, head_dim, value_dim, context, causal, window, recipe, kv_bytes, fused
    )
    return forward + hw.constants[f"attention.{_attention_recipe(recipe)}.launch"]


def attention_backward_time(
    hw: Hardware, *, batch: Numeric, queries: Numeric, heads: Numeric, kv_heads: Numeric, head_dim: Numeric,
    value_dim: Numeric | None = None, context: Numeric | None = None, causal: bool = True,
    window: Numeric | None = None, recipe: str = "bf16", fused: bool = True,
) -> Numeric:  # fmt: skip
    """Time of the backward pass of attention [s]; arguments as :func:`attention_prefill_time`.

    Five matrix products instead of two: 2.5 times the forward work, at an efficiency of its own.
    """
    _, backward = _attention_passes(
        hw, batch, queries, heads, kv_heads, head_dim, value_dim, context, causal, window, recipe, BF16_BYTES, fused
    )
    return backward + hw.constants[f"attention.{_attention_recipe(recipe)}.launch"]


def _attention_recipe(recipe: str) -> str:
    return "fp8" if recipe.startswith("fp8") and not recipe.endswith("weights") else "bf16"


def attention_passes_seconds(
    batch: Any, queries: Any, keys: Any, reach: Any, heads: Any, kv_heads: Any, head_dim: Any, value_dim: Any,
    kv_bytes: Any, masked: bool, unfused: bool, peak: Any, bandwidth: Any, constants: Mapping[str, Any],
) -> tuple[Any, Any]:  # fmt: skip
    """Forward and backward time of attention without launches [s]; ``constants`` are :data:`ATTENTION_CONSTANTS`."""
    c = constants
    flops, moved, length = attention_work(
        batch, queries, keys, reach, heads, kv_heads, head_dim, value_dim, c["softmax"], kv_bytes, masked
    )
    half = c["causal_half"] if masked else c["length_half"]
    work = (length, peak, bandwidth, c["efficiency"], ATTENTION_MEMORY, half)
    scores = batch * heads * queries * keys * c["scores"] / bandwidth if unfused else 0.0
    stored = batch * queries * kv_heads * (head_dim + value_dim) * BF16_BYTES
    forward = attention_seconds(flops, moved, *work) + stored * c["cache_write"] / bandwidth + scores
    backward = attention_seconds(2.5 * flops * c["backward"], 2.5 * moved, *work) + 2.5 * scores
    return forward, backward


def _attention_passes(
    hw: Hardware, batch: Any, queries: Any, heads: Any, kv_heads: Any, head_dim: Any, value_dim: Any, context: Any,
    causal: bool, window: Any, recipe: str, kv_bytes: Any, fused: bool,
) -> tuple[Any, Any]:  # fmt: skip
    how = f"attention.{_attention_recipe(recipe)}"
    constants = {name: hw.constants[f"{how}.{name}"] for name in ATTENTION_CONSTANTS}
    values, keys = (head_dim if value_dim is None else value_dim), (queries if context is None else context)
    reach = keys if window is None else lesser(window, keys)
    # the textbook form computes masked scores too
    return attention_passes_seconds(
        batch, queries, keys, reach, heads, kv_heads, head_dim, values, kv_bytes, causal and fused, not fused,
        hw.peak("bf16"), hw.memory_bandwidth, constants,
    )  # fmt: skip


def attention_decode_time(
    hw: Hardware, *, batch: Numeric, context: Numeric, heads: Numeric, kv_heads: Numeric, head_dim: Numeric,
    value_dim: Numeric | None = None, queries: Numeric = 1.0, window: Numeric | None = None,
    kv_bytes: Numeric = BF16_BYTES, kv_bytes_per_token: Numeric | None = None,
) -> Numeric:  # fmt: skip
    """Time of attention of one new token (or ``queries`` speculated ones) per sequence over its cache.

    Parameters
    ----------
    batch, context : float or array
        Sequences, and cached tokens of each [1].
    heads, kv_heads, head_dim, value_dim
        As in :func:`attention_prefill_time`. Latent attention: kv_heads 1, head_dim the latent plus the rotary part,
        value_dim the latent, and kv_bytes_per_token the latent plus rotary bytes.
    kv_bytes : float or array
        Bytes of one cached element [byte].
    kv_bytes_per_token : float or array
        Cached bytes of one token in this layer on this chip [byte]; from heads and widths by default.

    Returns
    -------
    float or array
        Time [s].

    Limits
    ------
    No table of decoding kernels is among the data: its constants come from serving results.
    """
    c = hw.constants
    values = head_dim if value_dim is None else value_dim
    seen = context if window is None else lesser(window, context)
    width = np.add(head_dim, values)
    stored = np.multiply(kv_heads, width) * kv_bytes if kv_bytes_per_token is None else kv_bytes_per_token
    flops = MULTIPLY_ADD * np.multiply(batch, queries) * heads * seen * width
    return c["attention_decode.launch"] + attention_seconds(
        flops, np.multiply(batch, seen) * stored, 1.0, hw.peak("bf16"), hw.memory_bandwidth,
        c["attention_decode.efficiency"], c["attention_decode.memory"], 0.0,
    )  # fmt: skip
