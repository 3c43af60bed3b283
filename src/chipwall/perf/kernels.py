"""Time of one operator on one chip.

Each operator has an inner function of plain numbers (``gemm_seconds``), which NumPy broadcasts and numba compiles as it
stands, and a door of :class:`~chipwall.perf.hardware.Hardware` (``gemm_time``) that looks the constants up. Compute and
memory overlap, so a kernel takes a smooth maximum of the two, plus a launch. The same functions serve prefill, decode,
training and retrieval.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from chipwall.perf.hardware import Hardware
from chipwall.perf.numbers import Numeric
from chipwall.perf.recipes import recipe as recipe_of

__all__ = [
    "attention_backward_time",
    "attention_decode_time",
    "attention_pairs",
    "attention_prefill_time",
    "elementwise_time",
    "gemm_limit",
    "gemm_seconds",
    "gemm_time",
    "grouped_gemm_time",
    "moe_ffn_time",
    "smooth_maximum",
    "touched_experts",
]

TILE_ROWS, TILE_COLUMNS = 128.0, 128.0


def smooth_maximum(a: Any, b: Any) -> Any:
    """The fourth-power mean sum of two times: their maximum where they differ, 19 % more where they are equal [s]."""
    a2, b2 = a * a, b * b
    return np.sqrt(np.sqrt(a2 * a2 + b2 * b2))


# ------------------------------------------------------------------------------------------------ matrix product


def gemm_seconds(
    m: Any, n: Any, k: Any, weight_bytes: Any, input_bytes: Any, output_bytes: Any, peak: Any, bandwidth: Any,
    cores: Any, efficiency: Any, memory_efficiency: Any, launch: Any, depth_half: Any, wave: Any,
) -> Any:  # fmt: skip
    """Time of one matrix product of m x k by k x n from plain numbers [s]; see :func:`gemm_time`."""
    tiles = np.ceil(m / TILE_ROWS) * np.ceil(n / TILE_COLUMNS)
    waves = tiles / cores
    idle = np.minimum(np.ceil(waves) / waves - 1.0, 1.0)
    rows = np.maximum(m, 64.0 * np.ceil(m / 64.0))
    compute = 2.0 * rows * n * k / (peak * efficiency) * (1.0 + depth_half / k) * (1.0 + wave * idle)
    memory = (n * k * weight_bytes + m * k * input_bytes + m * n * output_bytes) / (bandwidth * memory_efficiency)
    return launch + smooth_maximum(compute, memory)


def gemm_time(hw: Hardware, *, m: Numeric, n: Numeric, k: Numeric, recipe: str = "bf16") -> Numeric:
    """Time of y = x W with x of m x k and W of k x n.

    Parameters
    ----------
    hw : Hardware
        The chip, or chips.
    m, n, k : float or array
        Rows (tokens), columns and depth [1].
    recipe : str
        A key of :data:`chipwall.perf.recipes.RECIPES`.

    Returns
    -------
    float or array
        Time of one kernel, its launch included [s]; NaN where the chip lacks the format.

    Limits
    ------
    Fitted on 1 to 65,536 rows and depths of 64 to 65,536; data in memory, not in cache.
    """
    how, c = recipe_of(recipe), hw.constants
    return gemm_seconds(
        m, n, k, how.weight_bytes, how.input_bytes, how.output_bytes, hw.peak(how.maths), hw.memory_bandwidth, hw.cores,
        c[f"gemm.{recipe}.efficiency"], c[f"gemm.{recipe}.memory"], c[f"gemm.{recipe}.launch"],
        c[f"gemm.{recipe}.depth_half"], c[f"gemm.{recipe}.wave"],
    )  # fmt: skip


def gemm_limit(hw: Hardware, *, m: Numeric, n: Numeric, k: Numeric, recipe: str = "bf16") -> tuple[Numeric, Numeric]:
    """Least time by the data sheet: (compute, memory) [s]. No kernel is faster than the larger of the two."""
    how = recipe_of(recipe)
    moved = np.multiply(n, k) * how.weight_bytes + np.multiply(m, k) * how.input_bytes + np.multiply(m, n) * how.output_bytes
    return 2.0 * np.multiply(m, n) * k / hw.peak(how.maths), moved / hw.memory_bandwidth


# ------------------------------------------------------------------------------------------------ experts


def touched_experts(experts: Any, rows: Any) -> Any:
    """Experts that at least one of ``rows`` random picks falls on [1]: E (1 - exp(-rows/E))."""
    return experts * (1.0 - np.exp(-rows / experts))


def grouped_gemm_seconds(
    m: Any, n: Any, k: Any, groups: Any, touched: Any, weight_bytes: Any, input_bytes: Any, output_bytes: Any,
    peak: Any, bandwidth: Any, efficiency: Any, memory_efficiency: Any, launch: Any, padding: Any, depth_half: Any,
) -> Any:  # fmt: skip
    """Time of ``groups`` products of m x k by k x n in one kernel from plain numbers [s]; m may be a mean."""
    rows = m * groups + padding * touched
    compute = 2.0 * rows * n * k / (peak * efficiency) * (1.0 + depth_half / k)
    moved = touched * n * k * weight_bytes + m * groups * (k * input_bytes + n * output_bytes)
    return launch + smooth_maximum(compute, moved / (bandwidth * memory_efficiency))


def grouped_gemm_time(
    hw: Hardware, *, m: Numeric, n: Numeric, k: Numeric, groups: Numeric, recipe: str = "bf16"
) -> Numeric:
    """Time of ``groups`` matrix products with ``m`` rows each in one kernel [s].

    Parameters
    ----------
    m, n, k : float or array
        Rows of each group, columns and depth [1].
    groups : float or array
        Products in the kernel, experts for example [1].
    """
    how, c = recipe_of(recipe), hw.constants
    return grouped_gemm_seconds(
        m, n, k, groups, groups, how.weight_bytes, how.input_bytes, how.output_bytes, hw.peak(how.maths),
        hw.memory_bandwidth, c[f"grouped.{recipe}.efficiency"], c[f"moe.{recipe}.memory"], c[f"grouped.{recipe}.launch"],
        c[f"grouped.{recipe}.padding"], c[f"gemm.{recipe}.depth_half"],
    )  # fmt: skip


def moe_ffn_time(
    hw: Hardware, *, tokens: Numeric, hidden: Numeric, ffn: Numeric, experts: Numeric, top_k: Numeric,
    recipe: str = "bf16", expert_parallel: Numeric = 1.0, skew: Numeric = 0.0, gated: bool = True,
) -> Numeric:  # fmt: skip
    """Time of the routed experts of one layer on one chip: both products, activation and permutation.

    Parameters
    ----------
    tokens : float or array
        Tokens that enter the layer on all chips that share the experts [1].
    hidden, ffn : float or array
        Model width and width of one expert on this chip (already divided by tensor parallelism) [1].
    experts, top_k : float or array
        Experts of the layer (all chips), and experts per token [1].
    expert_parallel : float or array
        Chips that the experts are spread over [1].
    skew : float or array
        0 balanced routing, 1 a power law of exponent about 1 [1].
    gated : bool
        Whether the first product has gate and up halves.

    Returns
    -------
    float or array
        Time [s]; exchange between chips not included.
    """
    how, c = recipe_of(recipe), hw.constants
    local = experts / expert_parallel
    rows = tokens * top_k / expert_parallel
    touched = touched_experts(local, rows)
    wide = 2.0 if gated else 1.0
    busy = 1.0 + skew * c[f"moe.{recipe}.skew"]
    work = rows * busy + c[f"moe.{recipe}.padding"] * touched
    compute = 2.0 * work * hidden * ffn * (wide + 1.0) / (hw.peak(how.maths) * c[f"moe.{recipe}.efficiency"])
    weights = touched * hidden * ffn * (wide + 1.0) * how.weight_bytes
    # permute, first product in and out, second product in and out, weighted sum
    moved = weights + rows * (hidden * (2.0 * how.input_bytes + 3.0 * how.output_bytes) + ffn * (wide + 2.0) * how.output_bytes)
    memory = moved / (hw.memory_bandwidth * c[f"moe.{recipe}.memory"])
    return c[f"moe.{recipe}.launch"] + smooth_maximum(compute, memory)


# ------------------------------------------------------------------------------------------------ attention


def attention_pairs(queries: Any, context: Any, window: Any, causal: bool) -> Any:
    """Query-key pairs of one sequence and head [1]: queries are the last positions of the context."""
    if not causal:
        return queries * np.minimum(context, window)
    # query i sees min(window, context - queries + i) keys, i = 1 .. queries
    before = context - queries
    growing = np.clip(window - before, 0.0, queries)
    ramp = growing * before + growing * (growing + 1.0) / 2.0
    return ramp + (queries - growing) * window


def attention_seconds(
    flops: Any, moved: Any, length: Any, peak: Any, bandwidth: Any, efficiency: Any, memory_efficiency: Any, launch: Any,
    length_half: Any,
) -> Any:  # fmt: skip
    """Time of a fused attention kernel from its work and traffic [s]."""
    compute = flops / (peak * efficiency) * (1.0 + length_half / length)
    return launch + smooth_maximum(compute, moved / (bandwidth * memory_efficiency))


def attention_prefill_time(
    hw: Hardware, *, batch: Numeric, queries: Numeric, heads: Numeric, kv_heads: Numeric, head_dim: Numeric,
    value_dim: Numeric | None = None, context: Numeric | None = None, causal: bool = True,
    window: Numeric | None = None, recipe: str = "bf16", kv_bytes: Numeric = 2.0,
) -> Numeric:  # fmt: skip
    """Time of fused attention of ``queries`` new tokens per sequence over their ``context``.

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

    Returns
    -------
    float or array
        Time [s].
    """
    c = hw.constants
    values = head_dim if value_dim is None else value_dim
    keys = queries if context is None else context
    reach = keys if window is None else np.minimum(window, keys)
    pairs = attention_pairs(queries, keys, reach, causal)
    flops = 2.0 * batch * heads * pairs * (np.add(head_dim, values))
    moved = batch * (
        np.multiply(heads, queries) * np.add(head_dim, values) * 2.0
        + np.multiply(kv_heads, np.minimum(keys, reach + queries)) * np.add(head_dim, values) * kv_bytes
    )
    how = "fp8" if recipe.startswith("fp8") else "bf16"
    return attention_seconds(
        flops, moved, pairs / queries, hw.peak("bf16"), hw.memory_bandwidth, c[f"attention.{how}.efficiency"],
        c["attention_decode.memory"], c[f"attention.{how}.launch"], c[f"attention.{how}.length_half"],
    )  # fmt: skip


def attention_backward_time(
    hw: Hardware, *, batch: Numeric, queries: Numeric, heads: Numeric, kv_heads: Numeric, head_dim: Numeric,
    value_dim: Numeric | None = None, context: Numeric | None = None, causal: bool = True,
    window: Numeric | None = None, recipe: str = "bf16",
) -> Numeric:  # fmt: skip
    """Time of the backward pass of fused attention [s]: 2.5 times the forward work (scores are computed again)."""
    forward = attention_prefill_time(
        hw, batch=batch, queries=queries, heads=heads, kv_heads=kv_heads, head_dim=head_dim, value_dim=value_dim,
        context=context, causal=causal, window=window, recipe=recipe,
    )  # fmt: skip
    return 2.5 * forward * hw.constants["attention.backward"]


def attention_decode_time(
    hw: Hardware, *, batch: Numeric, context: Numeric, heads: Numeric, kv_heads: Numeric, head_dim: Numeric,
    value_dim: Numeric | None = None, queries: Numeric = 1.0, window: Numeric | None = None,
    kv_bytes: Numeric = 2.0, kv_bytes_per_token: Numeric | None = None, recipe: str = "bf16",
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
    """
    c = hw.constants
    values = head_dim if value_dim is None else value_dim
    seen = context if window is None else np.minimum(window, context)
    stored = np.multiply(kv_heads, np.add(head_dim, values)) * kv_bytes if kv_bytes_per_token is None else kv_bytes_per_token
    moved = np.multiply(batch, seen) * stored
    flops = 2.0 * np.multiply(batch, queries) * heads * seen * np.add(head_dim, values)
    return attention_seconds(
        flops, moved, 1.0, hw.peak("bf16"), hw.memory_bandwidth, c["attention_decode.efficiency"],
        c["attention_decode.memory"], c["attention_decode.launch"], 0.0,
    )  # fmt: skip


# ------------------------------------------------------------------------------------------------ the rest


def elementwise_time(hw: Hardware, *, moved: Numeric, kernels: Numeric = 1.0) -> Numeric:
    """Time of kernels that only move data: norms, activations, residuals, optimizers.

    Parameters
    ----------
    moved : float or array
        Bytes read and written [byte].
    kernels : float or array
        Launches [1].
    """
    c = hw.constants
    return kernels * c["elementwise.launch"] + moved / (hw.memory_bandwidth * c["elementwise.memory"])
