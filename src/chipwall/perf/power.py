"""Power under load and energy per token, of serving and training: a stated model, as few sources publish power.

A chip draws a floor of its rated power whatever it does, more while memory is busy, most while it computes. The shares
are round figures from published power traces of A100 and H100 serving (idle a fifth to a quarter, decode 50 to 70 %,
prefill 80 to 100 % of the rating; training 70 to 90 % at the board); they are assumptions, not fits. Ten serving runs of
MI355X that state their mean watts lie within 2 to 18 % of them.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from chipwall.perf.device import Hardware
from chipwall.perf.estimate import Bound
from chipwall.perf.numeric import Numeric

__all__ = ["POWER_SHARE", "joules_per_token", "power_under_load"]

# Share of the rated power while a part runs, by what binds it [1].
POWER_SHARE = {"compute": 0.95, "memory": 0.65, "network": 0.45, "host": 0.35, "": 0.6}


def power_under_load(hw: Hardware, parts: Iterable[tuple[float, Bound | Literal[""]]]) -> float:
    """Mean power of one chip over a step of serving or training [W].

    Parameters
    ----------
    hw : Hardware
        The chip; its rating counts.
    parts : iterable of (float, str)
        Time of each part [s] and what binds it.

    Returns
    -------
    float
        The rating times the share of each part, weighted by its time [W].
    """
    spent = list(parts)
    total = sum(time for time, _ in spent)
    if not total:
        return float(hw.tdp) * POWER_SHARE["host"]
    return float(hw.tdp) * sum(time * POWER_SHARE[bound] for time, bound in spent) / total


def joules_per_token(watts: Numeric, *, chips: Numeric, output: Numeric) -> float:
    """Energy of the accelerators per output token [J/token]; host and cooling not included."""
    return float(watts * chips / output) if output else float("inf")
