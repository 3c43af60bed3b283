"""Kernels and collectives as outcomes of the scoreboard: each row predicted by a fit that saw none of its group."""

from __future__ import annotations

from chipwall.perf.calibrated import Calibrated
from chipwall.perf.estimate import interval
from chipwall.perf.fitting.hardware import refit
from chipwall.perf.fitting.scores import Outcome
from chipwall.perf.load import measured

__all__ = ["kernel_outcomes"]


def kernel_outcomes(calibrated: Calibrated) -> list[Outcome]:
    """Every kernel and collective that may be fitted; takes minutes."""
    found = refit(calibrated)
    rows = {row["id"]: row for kind in ("kernels", "collectives") for row in measured(kind)}
    outcomes = []
    for outcome in found.outcomes:
        family = outcome.family
        for name, error in zip(family.ids, outcome.out_of_fold.tolist(), strict=True):
            row = rows.get(name)
            if row is None:
                continue
            low, high = interval(1.0, family.name, "all", bands=found.calibration.bands)
            facts = {"class": family.name, "chip": row["chip"], "source": row["source_name"]}
            outcomes.append(Outcome(name, float(error), low, high, "", facts, row))
    return outcomes
