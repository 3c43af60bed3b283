"""Work beside the main line: half of a brief is computed in a process of its own, so that two cores halve the wait."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from typing import Any, TypeVar

__all__ = ["started"]

T = TypeVar("T")


def started(work: Callable[..., T], *arguments: Any) -> Callable[[], T]:
    """Start ``work`` now and return a function that waits for its result.

    A forked process shares what is already loaded and costs a few milliseconds. Where forking is not to be had, or there
    is one core only, the work is done when its result is asked for: the same answer, later.
    """
    if (os.cpu_count() or 1) < 2 or "fork" not in multiprocessing.get_all_start_methods():
        return lambda: work(*arguments)
    pool = ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("fork"))
    waiting = pool.submit(work, *arguments)

    def result() -> T:
        try:
            return waiting.result()
        finally:
            pool.shutdown()

    return result
