"""Speed of the kernel formulas, as ratios: arrays over scalars, compiled over NumPy, and per estimate.

Run: ``python benchmarks/perf.py``. Nothing here is a test; numbers depend on the machine and are printed with it.
"""

from __future__ import annotations

import platform
from collections.abc import Callable
from time import perf_counter
from typing import Any

import numpy as np

from chipwall import catalog
from chipwall.perf import ops as kernels
from chipwall.perf.device import hardware, stacked
from chipwall.perf.ops import collectives
from chipwall.perf.shipped import shipped

SHIPPED = shipped()

BLOCK = 8192


def seconds(call: Callable[[], Any], *, least: float = 0.3) -> float:
    """Best time of one call, repeated for at least ``least`` seconds [s]."""
    call()
    best, spent = float("inf"), 0.0
    while spent < least:
        start = perf_counter()
        call()
        took = perf_counter() - start
        best, spent = min(best, took), spent + took
    return best


def compiled_gemm() -> Callable[..., Any] | None:
    """The same function object, compiled; None without numba."""
    try:
        import numba
    except ImportError:
        return None
    scope = {**kernels.gemm_seconds.__globals__, "smooth_maximum": numba.njit(kernels.smooth_maximum)}
    function = numba.njit(type(kernels.gemm_seconds)(kernels.gemm_seconds.__code__, scope), fastmath=False)
    return numba.vectorize(nopython=True)(function.py_func)  # type: ignore[no-any-return]


def main() -> None:
    """Print the table."""
    rng = np.random.default_rng(0)
    chips = [hardware(catalog.chip(name), SHIPPED.kernels) for name in ("h200", "h20", "b200", "mi300x")]
    many = stacked(chips, index=rng.integers(0, len(chips), BLOCK))
    m, n, k = (rng.integers(1, 8192, BLOCK).astype(float) for _ in range(3))
    one = chips[0]
    print(f"machine: {platform.machine()}, Python {platform.python_version()}, NumPy {np.__version__}")
    alone = seconds(lambda: kernels.gemm_time(one, m=512.0, n=4096.0, k=4096.0, recipe="fp8"))
    print(f"one product:                      {alone * 1e6:8.1f} us")
    fresh = seconds(lambda: hardware(catalog.chip("h200"), SHIPPED.kernels))
    print(f"chip to record (cached):          {fresh * 1e6:8.1f} us")
    for name, call in (
        ("products", lambda: kernels.gemm_time(many, m=m, n=n, k=k, recipe="fp8")),
        ("decode attention", lambda: kernels.attention_decode_time(
            many, batch=m, context=k, heads=64.0, kv_heads=8.0, head_dim=128.0)),
        ("experts", lambda: kernels.moe_ffn_time(many, tokens=m, hidden=k, ffn=n, experts=128.0, top_k=8.0)),
        ("all-reduces", lambda: collectives.all_reduce_time(many, n=8.0, size=m * 1e4)),
    ):  # fmt: skip
        block = seconds(call)
        print(
            f"{name + ', block of 8192:':33} {BLOCK / block / 1e6:8.2f} million/s, {alone * BLOCK / block:6.0f} x one by one"
        )
    fast = compiled_gemm()
    if fast is None:
        print("compiled: numba is not installed")
        return
    c = [
        many.constants[f"gemm.fp8.{q}"]
        for q in ("efficiency", "memory", "launch", "depth_half", "wave", "chain", "quantise")
    ]
    given = (
        m,
        n,
        k,
        1.0,
        1.0,
        2.0,
        1.0,
        np.nan_to_num(many.peak("fp8"), nan=1e15),
        many.memory_bandwidth,
        many.cores,
        *c,
    )
    numpy_time, fast_time = seconds(lambda: kernels.gemm_seconds(*given)), seconds(lambda: fast(*given))
    print(f"products compiled over NumPy:     {numpy_time / fast_time:8.2f} x")


if __name__ == "__main__":
    main()
