"""Time of routed experts: grouped products, and what moves around them."""

from __future__ import annotations

from typing import Any

import numpy as np

from chipwall.catalog.numbers import greater, lesser
from chipwall.perf.device import Hardware
from chipwall.perf.formats import recipe as recipe_of
from chipwall.perf.numeric import BF16_BYTES, Numeric, smooth_maximum
from chipwall.perf.ops.gemm import product_seconds

__all__ = [
    "distinct_experts", "experts_seconds",
    "grouped_gemm_time", "moe_ffn_time", "reached_experts", "rearranged_bytes", "touched_experts",
]  # fmt: skip

# Shape of a demand that is the same for all.
EVEN = 10.0**9


def touched_experts(experts: Any, rows: Any) -> Any:
    """Experts that at least one of ``rows`` random picks falls on [1]: E (1 - exp(-rows/E))."""
    return experts * (1.0 - np.exp(-rows / experts))


def distinct_experts(experts: Any, tokens: Any, picks: Any, evenness: Any = EVEN) -> Any:
    """Share of the experts that at least one of ``tokens`` falls on [1], where some experts are more in demand than others.

    Each token picks ``picks`` different experts, so one touches just these. The demand of the experts is spread like a gamma
    variable of mean one and shape a, ``evenness``, under which the other tokens miss an expert with
    (1 + (tokens - 1) ln(1/(1 - picks/experts)) / a)^-a; towards infinity that is the even case.

    Source: the mixed Poisson (negative binomial) law, M. Greenwood, G. U. Yule, J. R. Stat. Soc. 83 (1920) 255.
    """
    each = lesser(picks / greater(experts, 1e-9), 1.0 - 1e-12)
    others = greater(tokens - 1.0, 0.0)
    missed = np.exp(-evenness * np.log1p(-np.log1p(-each) * others / evenness))
    return lesser(tokens, 1.0) * each + (1.0 - each) * (1.0 - missed)


def experts_seconds(
    rows: Any, touched: Any, hidden: Any, ffn: Any, first: Any, second: Any, weight_bytes: Any, peak: Any, bandwidth: Any,
    efficiency: Any, memory_efficiency: Any, launch: Any, padding: Any, depth_half: Any, busy: Any,
) -> Any:  # fmt: skip
    """Time of grouped products over ``touched`` experts from plain numbers [s].

    ``first`` and ``second`` count the products of depth ``hidden`` and of depth ``ffn``: 2 and 1 for a gated layer, 1
    and 0 for a bare grouped product. Each expert's rows are padded to about ``padding``; ``busy`` [1] is the work of
    the busiest part over the mean. Inputs and results are counted by :func:`rearranged_bytes`.

    Source: grouped products as in T. Gale et al., MegaBlocks, MLSys 2023, section 4: each touched expert a product.
    """
    each = rows / touched
    covered = smooth_maximum(each, padding) * busy
    reached, none = (peak, bandwidth, efficiency, memory_efficiency, depth_half), 0.0 * weight_bytes
    up = product_seconds(each, first * ffn, hidden, covered, first * ffn, weight_bytes, none, none, *reached)
    down = product_seconds(each, second * hidden, ffn, covered, second * hidden, weight_bytes, none, none, *reached)
    return launch + touched * (up + down)


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
    random = lesser(skew, 1.0)
    return (1.0 - random) * lesser(experts, rows) + random * touched_experts(experts, rows)


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
