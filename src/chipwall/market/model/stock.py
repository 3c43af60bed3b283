"""Chips in use: cohorts that retire after a life which differs between draws.

A cohort leaves evenly over the quarters around its life. The stock then needs only two looks into the history of
cumulated additions, whatever the number of cohorts: with ``A(t)`` all additions up to ``t`` and ``AA(t)`` the sum of
``A`` up to ``t``, what has left by ``t`` is ``(AA(t - life + spread) - AA(t - life - spread - 1)) / (2 spread + 1)``.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["SPREAD", "Cohorts"]

Array = NDArray[np.float64]
# Cohorts of a five-year life leave between four and six years: half-width in quarters.
SPREAD = 4


class Cohorts:
    """Additions, retirements and the stock between them, for rows of anything that is bought.

    Parameters
    ----------
    quarters : int
        Length of the run [quarter].
    initial : array [rows, draws]
        Stock before the first quarter, as one cohort bought just then.
    life : array [draws]
        Mean life [quarter], rounded to whole quarters, at least ``SPREAD`` + 1.
    """

    def __init__(self, quarters: int, initial: Array, life: Array) -> None:
        rows, draws = initial.shape
        self.added = initial.copy()
        # one row of zeros stands for every quarter before the run
        self._doubly = np.zeros((quarters + 2, rows, draws))
        self._doubly[1] = initial
        self._filled = 1
        self._life = np.maximum(np.rint(life), SPREAD + 1).astype(np.intp)
        self._cell = (np.arange(rows)[:, None] * draws + np.arange(draws)[None, :]).astype(np.intp)
        self._flat = self._doubly.reshape(-1)
        self._size = rows * draws

    def add(self, additions: Array) -> Array:
        """Put one quarter's additions in and give the stock at its end [rows, draws]."""
        self.added += additions
        now = self._filled + 1
        np.add(self._doubly[now - 1], self.added, out=self._doubly[now])
        self._filled = now
        return self.added - self.retired()

    def retired(self) -> Array:
        """Everything that has left by the end of the last quarter added [rows, draws]."""
        end = np.maximum(self._filled - self._life + SPREAD, 0)
        begin = np.maximum(end - (2 * SPREAD + 1), 0)
        late = self._flat.take(end * self._size + self._cell)
        late -= self._flat.take(begin * self._size + self._cell)
        late /= 2 * SPREAD + 1
        return np.asarray(late)
