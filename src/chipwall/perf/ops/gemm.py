"""Time of one operator on one chip.

Each operator has an inner function of plain numbers (``gemm_seconds``), which NumPy broadcasts and numba compiles as it
stands, and a door of :class:`~chipwall.perf.device.Hardware` (``gemm_time``) that looks the constants up. Compute and
memory overlap, so a kernel takes a smooth maximum of the two, plus a launch. The same functions serve prefill, decode,
training and retrieval.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from chipwall.perf.device import Hardware
from chipwall.perf.formats import recipe as recipe_of
from chipwall.perf.numeric import BF16_BYTES, MULTIPLY_ADD, Numeric, smooth_maximum
from chipwall.perf.ops.attention import (
    attention_backward_time,
    attention_decode_time,
    attention_pairs,
    attention_prefill_time,
)

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

TILE_ROWS, TILE_COLUMNS, HALF_TILE_ROWS, SMALLEST_TILE_ROWS = 128.0, 128.0, 64.0, 16.0


# ------------------------------------------------------------------------------------------------ matrix product


def gemm_seconds(
    m: Any, n: Any, k: Any, weight_bytes: Any, input_bytes: Any, output_bytes: Any, quantised: Any, peak: Any,
    bandwidth: Any, cores: Any, efficiency: Any, memory_efficiency: Any, launch: Any, depth_half: Any, wave: Any,
    chain: Any, quantise: Any,
) -> Any:  # fmt: skip
    """Time of one matrix product of m x k by k x n from plain numbers [s]; see :func:`gemm_time`.

    ``depth_half`` [1] is the depth at which half of the asymptotic rate is lost to filling the pipeline, ``wave`` [1]
    the share of an incomplete last wave of tiles that is lost, ``chain`` [s] the time of one step along the depth that
    no parallelism hides, ``quantise`` [1] the share of the bandwidth at which 16-bit inputs are quantised first.
    """
    waves = np.ceil(m / TILE_ROWS) * np.ceil(n / TILE_COLUMNS) / cores
    idle = np.minimum(np.ceil(waves) / waves - 1.0, 1.0)
    # written without a branch: a compiler takes it as it stands
    step = SMALLEST_TILE_ROWS + (HALF_TILE_ROWS - SMALLEST_TILE_ROWS) * (m > HALF_TILE_ROWS)
    rows = step * np.ceil(m / step)
    compute = MULTIPLY_ADD * rows * n * k / (peak * efficiency) * (1.0 + depth_half / k) * (1.0 + wave * idle)
    memory = (n * k * weight_bytes + m * k * input_bytes + m * n * output_bytes) / (bandwidth * memory_efficiency)
    conversion = quantised * m * k * (BF16_BYTES + input_bytes) / (bandwidth * quantise)
    return launch + chain * k + conversion + smooth_maximum(compute, memory)


def gemm_time(hw: Hardware, *, m: Numeric, n: Numeric, k: Numeric, recipe: str = "bf16") -> Numeric:
    """Time of y = x W with x of m x k and W of k x n.

    Parameters
    ----------
    hw : Hardware
        The chip, or chips.
    m, n, k : float or array
        Rows (tokens), columns and depth [1].
    recipe : str
        A key of :data:`chipwall.perf.formats.RECIPES`.

    Returns
    -------
    float or array
        Time of one kernel, its launch included [s]; NaN where the chip lacks the format.

    Limits
    ------
    Fitted on 1 to 131,072 rows, widths of 128 to 129,280 and depths of 512 to 26,624, data in memory and not in cache
    (the AMD rows are a tuner's best and may be partly in cache). Recipes with 8 bits or fewer include the quantisation
    of their inputs, as serving stacks run it.
    """
    how, c = recipe_of(recipe), hw.constants
    return gemm_seconds(
        m, n, k, how.weight_bytes, how.input_bytes, how.output_bytes, how.quantised, hw.peak(how.maths),
        hw.memory_bandwidth, hw.cores, c[f"gemm.{recipe}.efficiency"], c[f"gemm.{recipe}.memory"],
        c[f"gemm.{recipe}.launch"], c[f"gemm.{recipe}.depth_half"], c[f"gemm.{recipe}.wave"],
        c[f"gemm.{recipe}.chain"], c[f"gemm.{recipe}.quantise"],
    )  # fmt: skip


def gemm_limit(hw: Hardware, *, m: Numeric, n: Numeric, k: Numeric, recipe: str = "bf16") -> tuple[Numeric, Numeric]:
    """Least time by the data sheet: (compute, memory) [s]. No kernel is faster than the larger of the two."""
    how = recipe_of(recipe)
    weights, inputs, outputs = np.multiply(n, k), np.multiply(m, k), np.multiply(m, n)
    moved = weights * how.weight_bytes + inputs * how.input_bytes + outputs * how.output_bytes
    return MULTIPLY_ADD * outputs * k / hw.peak(how.maths), moved / hw.memory_bandwidth


# ------------------------------------------------------------------------------------------------ experts


def touched_experts(experts: Any, rows: Any) -> Any:
    """Experts that at least one of ``rows`` random picks falls on [1]: E (1 - exp(-rows/E))."""
    return experts * (1.0 - np.exp(-rows / experts))


def experts_seconds(
    rows: Any, touched: Any, hidden: Any, ffn: Any, first: Any, second: Any, weight_bytes: Any, peak: Any, bandwidth: Any,
    efficiency: Any, memory_efficiency: Any, launch: Any, padding: Any, depth_half: Any, busy: Any,
) -> Any:  # fmt: skip
    """Time of grouped products over ``touched`` experts from plain numbers [s].

    ``first`` and ``second`` count the products of depth ``hidden`` and of depth ``ffn``: 2 and 1 for a gated layer, 1
    and 0 for a bare grouped product. Each expert's rows are padded to about ``padding``; ``busy`` [1] is the work of
    the busiest part over the mean.
    """
    padded = touched * smooth_maximum(rows / touched, padding) * busy
    products = first * (1.0 + depth_half / hidden) + second * (1.0 + depth_half / ffn)
    compute = MULTIPLY_ADD * padded * hidden * ffn * products / (peak * efficiency)
    weights = touched * hidden * ffn * (first + second) * weight_bytes
    return launch + smooth_maximum(compute, weights / (bandwidth * memory_efficiency))


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
    return experts_seconds(
        np.multiply(m, groups), groups, k, n, 1.0, 0.0, how.weight_bytes, hw.peak(how.maths), hw.memory_bandwidth,
        c[f"moe.{recipe}.efficiency"], c[f"moe.{recipe}.memory"], c[f"moe.{recipe}.launch"],
        c[f"moe.{recipe}.padding"], c[f"moe.{recipe}.depth_half"], 1.0,
    )  # fmt: skip


def reached_experts(experts: Any, rows: Any, skew: Any) -> Any:
    """Experts with at least one row [1]: as many as there are rows when even, those of a random pick when skewed."""
    random = np.minimum(skew, 1.0)
    return (1.0 - random) * np.minimum(experts, rows) + random * touched_experts(experts, rows)


def rearranged_bytes(
    rows: Any, elsewhere: Any, hidden: Any, ffn: Any, input_bytes: Any, moved: Any, foreign: Any
) -> Any:
    """Bytes of permutation, activation and combination around the products of a gated layer [byte].

    ``elsewhere`` rows belong to experts of other chips; some kernels (``foreign``) still pass over them.
    """
    own = rows * (hidden + ffn) * (3.0 * BF16_BYTES + input_bytes)
    return moved * own + foreign * elsewhere * (2.0 * hidden + 3.0 * ffn) * BF16_BYTES


def moe_ffn_time(
    hw: Hardware, *, tokens: Numeric, hidden: Numeric, ffn: Numeric, experts: Numeric, top_k: Numeric,
    recipe: str = "bf16", expert_parallel: Numeric = 1.0, skew: Numeric = 0.0, gated: bool = True,
) -> Numeric:  # fmt: skip
    """Time of the routed experts of one layer on one chip: products, activation, permutation and combination.

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
        0 rows spread evenly, 1 by a power law of exponent 1; real routers lie between [1].
    gated : bool
        Whether the first product has gate and up halves.

    Returns
    -------
    float or array
        Time [s]; exchange between chips not included.

    Limits
    ------
    Fitted on 128 and 256 experts with 8 chosen, widths of 512 to 2,048, on A100, H100, H200 and B200. The FP8 kernels
    of one library are slower at 256 tokens than at 4,096; the model does not follow that.
    """
    how, c = recipe_of(recipe), hw.constants
    rows, local = np.multiply(tokens, top_k) / expert_parallel, experts / np.asarray(expert_parallel)
    products = experts_seconds(
        rows, reached_experts(local, rows, skew), hidden, ffn, 2.0 if gated else 1.0, 1.0, how.weight_bytes,
        hw.peak(how.maths), hw.memory_bandwidth, c[f"moe.{recipe}.efficiency"], c[f"moe.{recipe}.memory"],
        c[f"moe.{recipe}.launch"], c[f"moe.{recipe}.padding"], c[f"moe.{recipe}.depth_half"],
        1.0 + np.multiply(skew, c[f"moe.{recipe}.skew"]),
    )  # fmt: skip
    around = rearranged_bytes(
        rows, np.multiply(tokens, top_k) - rows, hidden, ffn, how.input_bytes, c[f"moe.{recipe}.moved"],
        c[f"moe.{recipe}.foreign"],
    )  # fmt: skip
    return products + around / hw.memory_bandwidth


# ------------------------------------------------------------------------------------------------ the rest


def elementwise_seconds(moved: Any, kernels: Any, bandwidth: Any, memory_efficiency: Any, launch: Any) -> Any:
    """Time of kernels that only move data, from plain numbers [s]."""
    return kernels * launch + moved / (bandwidth * memory_efficiency)


def elementwise_time(hw: Hardware, *, moved: Numeric, kernels: Numeric = 1.0) -> Numeric:
    """Time of kernels that only move data: norms, activations, residuals, optimizers.

    Parameters
    ----------
    moved : float or array
        Bytes read and written [byte].
    kernels : float or array
        Launches [1].

    Returns
    -------
    float or array
        Time [s].
    """
    c = hw.constants
    return elementwise_seconds(moved, kernels, hw.memory_bandwidth, c["elementwise.memory"], c["elementwise.launch"])
