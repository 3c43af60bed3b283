"""Time of kernels that only move data."""

from __future__ import annotations

from typing import Any

from chipwall.perf.device import Hardware
from chipwall.perf.numeric import Numeric

__all__ = ["elementwise_seconds", "elementwise_time"]


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
