"""Time of a matrix product on one chip.

Each operator has an inner function of plain numbers (``gemm_seconds``), which NumPy broadcasts and numba compiles as it
stands, and a door of :class:`~chipwall.perf.device.Hardware` (``gemm_time``) that looks the constants up. Compute and
memory overlap, so a kernel takes a smooth maximum of the two, plus a launch. The same functions serve prefill, decode,
training and retrieval: :func:`gemm_time` one kernel with its tiles, :func:`product_seconds` with :func:`averaged_rows` a
product whose row count varies.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from chipwall.perf.device import Hardware
from chipwall.perf.formats import recipe as recipe_of
from chipwall.perf.numeric import BF16_BYTES, MULTIPLY_ADD, Numeric, smooth_maximum

__all__ = ["averaged_rows", "gemm_limit", "gemm_seconds", "gemm_time", "product_seconds"]

TILE_ROWS, TILE_COLUMNS, HALF_TILE_ROWS, SMALLEST_TILE_ROWS = 128.0, 128.0, 64.0, 16.0


def product_seconds(
    m: Any, n: Any, k: Any, covered_rows: Any, covered_columns: Any, weight_bytes: Any, input_bytes: Any,
    output_bytes: Any, peak: Any, bandwidth: Any, efficiency: Any, memory_efficiency: Any, depth_half: Any,
) -> Any:  # fmt: skip
    """Time of m x k by k x n in a running kernel, from plain numbers [s]: arithmetic of the covered tiles beside traffic.

    Parameters
    ----------
    m, n, k : float or array
        Rows, columns and depth [1].
    covered_rows, covered_columns : float or array
        Rows and columns that the tiles cover, incomplete ones and the last wave counted [1].
    weight_bytes, input_bytes, output_bytes : float or array
        Bytes of an element [byte].
    peak, bandwidth : float or array
        Of the data sheet [flop/s; byte/s]; ``efficiency`` and ``memory_efficiency`` are the shares reached [1].
    depth_half : float or array
        Depth at which half of the asymptotic rate is lost to filling the pipeline [1].

    References
    ----------
    .. [1] S. Williams, A. Waterman, D. Patterson, Roofline, CACM 52(4), 2009: the two bounds; their smooth maximum is ours.
    .. [2] NVIDIA, Matrix multiplication background user's guide, DU-09798, sections 4 and 5: tile and wave quantisation.
    """
    # what does not depend on the rows first: a sweep over loads multiplies arrays of rows by plain numbers
    per_row = MULTIPLY_ADD * covered_columns * (k + depth_half) / (peak * efficiency)
    reached = bandwidth * memory_efficiency
    compute = covered_rows * per_row
    memory = n * k * weight_bytes / reached + m * ((k * input_bytes + n * output_bytes) / reached)
    return smooth_maximum(compute, memory)


def averaged_rows(rows: Any, padding: Any) -> Any:
    """Rows that the tiles of a product cover on average over row counts near ``rows`` [1].

    The steps of a tile average to half a tile: twice a few rows, for which there are kernels that waste less, and
    ``rows + padding`` for many. Smooth, so that a rate rises with a batch that varies from step to step.
    """
    return rows * (1.0 + padding / (rows + padding))


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
    conversion = quantised * m * k * (BF16_BYTES + input_bytes) / (bandwidth * quantise)
    spent = product_seconds(
        m, n, k, rows, n * (1.0 + wave * idle), weight_bytes, input_bytes, output_bytes, peak, bandwidth, efficiency,
        memory_efficiency, depth_half,
    )  # fmt: skip
    return launch + chain * k + conversion + spent


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
