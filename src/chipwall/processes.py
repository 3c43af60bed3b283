"""Helper processes that die with their parent, however it ends."""

from __future__ import annotations

import os
import signal
import threading
import time

__all__ = ["die_with_parent"]

_SET_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG of prctl(2)


def die_with_parent(parent: int) -> None:
    """Called in a helper: end it when the process ``parent`` ends, even if that is killed.

    Linux sends the signal itself; elsewhere a thread looks every second whether the parent is still there.
    """
    try:
        import ctypes

        libc = ctypes.CDLL(None, use_errno=True)
        told = libc.prctl(_SET_DEATH_SIGNAL, signal.SIGKILL) == 0
    except (ImportError, OSError, AttributeError, TypeError):
        told = False
    if os.getppid() != parent:  # it ended before we asked
        os._exit(1)
    if not told:
        threading.Thread(target=_watch, args=(parent,), daemon=True).start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(1.0)
    os._exit(1)
