"""Work beside the main line: sections that take long are computed in processes of their own."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any, TypeVar

from chipwall.processes import die_with_parent

__all__ = ["started"]

T = TypeVar("T")


def started(work: Callable[..., T], *arguments: Any) -> Callable[[], T]:
    """Start ``work`` now and return a function that waits for its result.

    A forked process shares what is already loaded and costs a few milliseconds. Where forking is not to be had, or there
    is one core only, the work is done when its result is asked for: the same answer, later.
    """
    if (os.cpu_count() or 1) < 2 or "fork" not in multiprocessing.get_all_start_methods():
        return lambda: work(*arguments)
    pool = ProcessPoolExecutor(
        1, mp_context=multiprocessing.get_context("fork"), initializer=die_with_parent, initargs=(os.getpid(),)
    )
    try:
        waiting = pool.submit(work, *arguments)
    except OSError:  # no more processes are allowed
        return lambda: work(*arguments)

    def result() -> T:
        try:
            return waiting.result()
        except BrokenProcessPool:  # the helper was ended: the work is done here instead
            return work(*arguments)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)

    return result
