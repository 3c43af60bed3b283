"""Work beside the main line, so that two cores halve the wait for a brief.

The section that takes longest is computed in a process of its own, and pictures are drawn in a thread: the drawing library
lets Python go on while it draws.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any, TypeVar

from chipwall.processes import die_with_parent
from chipwall.report.forms.charts import Spec, svg
from chipwall.report.forms.document import Section

__all__ = ["Pictures", "started"]

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


class Pictures:
    """Charts as SVG, drawn in a thread from the moment their section is ready; text and data want none."""

    def __init__(self, *, wanted: bool) -> None:
        self._wanted = wanted
        self._pool = ThreadPoolExecutor(1)
        self._drawn: dict[int, tuple[Spec, Future[str]]] = {}

    def begin(self, sections: Iterable[Section]) -> None:
        """Start to draw the charts of these sections."""
        for section in sections if self._wanted else ():
            for spec in section.charts:
                # the specification is kept, so that its identity stays its own
                self._drawn[id(spec)] = (spec, self._pool.submit(svg, spec))

    def svg(self, spec: Spec) -> str:
        """The picture of a chart, drawn now if nobody began it."""
        known = self._drawn.get(id(spec))
        return known[1].result() if known else svg(spec)
