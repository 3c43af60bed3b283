"""Maturity of platforms: learning by use and by engineering money, and what software makes of the hardware."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["bass_adoption", "maturity_step", "software_efficiency"]

Array = NDArray[np.float64]


def maturity_step(maturity: Array, *, by_use: Array, active_share: Array, by_spend: Array) -> Array:
    """Maturity a quarter later [1].

    The gap to one closes by ``by_use * active_share + by_spend``. The first term needs sales; the second does not, and
    here the two schools of thought differ.

    Parameters
    ----------
    maturity : array
        0 nothing, 1 as CUDA [1].
    by_use, by_spend : array
        Share of the gap closed in a quarter [1/quarter].
    active_share : array
        Share of the platform in active effective compute [1].

    Limits
    ------
    Market data identify the rates hardly at all: priors.
    """
    closed = np.clip(by_use * active_share + by_spend, 0.0, 1.0)
    return np.asarray(maturity + closed * (1 - maturity))


def bass_adoption(time: Array, *, innovation: float, imitation: float) -> Array:
    """Adopted share after ``time`` when share and maturity are the same thing (Bass, 1969) [1].

    ``maturity_step`` with ``active_share = maturity`` tends to it for short quarters; the tests hold it to that.

    Examples
    --------
    >>> float(bass_adoption(np.array(0.0), innovation=0.03, imitation=0.4))
    0.0
    """
    decay = np.exp(-(innovation + imitation) * np.asarray(time))
    return np.asarray((1 - decay) / (1 + imitation / innovation * decay))


def software_efficiency(maturity: Array, *, floor: Array) -> Array:
    """Share of the hardware's service that users get [1]: from ``floor`` at maturity 0 to 1."""
    return np.asarray(floor + (1 - floor) * maturity)
