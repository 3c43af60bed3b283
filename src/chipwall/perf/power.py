"""Power under load and energy per token: a stated model, because few sources publish power beside throughput.

A chip draws a floor of its rated power whatever it does, more while memory is busy, most while it computes. The shares
are round figures from published power traces of A100 and H100 serving (idle a fifth to a quarter, decode 50 to 70 %,
prefill 80 to 100 % of the rating); they are assumptions, not fits.
"""

from __future__ import annotations

from collections.abc import Sequence

from chipwall.perf.device import Hardware
from chipwall.perf.estimate import Part
from chipwall.perf.numeric import Numeric

__all__ = ["POWER_SHARE", "joules_per_token", "power_under_load"]

# Share of the rated power while a part runs, by what binds it [1].
POWER_SHARE = {"compute": 0.95, "memory": 0.65, "network": 0.45, "host": 0.35, "": 0.6}


def power_under_load(hw: Hardware, parts: Sequence[Part]) -> float:
    """Mean power of one chip over an iteration [W]: the rating times the share of each part, weighted by its time."""
    total = sum(p.value for p in parts)
    if not total:
        return float(hw.tdp) * POWER_SHARE["host"]
    return float(hw.tdp) * sum(p.value * POWER_SHARE[p.bound] for p in parts) / total


def joules_per_token(watts: Numeric, *, chips: Numeric, output: Numeric) -> float:
    """Energy of the accelerators per output token [J/token]; host and cooling not included."""
    return float(watts * chips / output) if output else float("inf")
