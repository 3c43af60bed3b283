"""Which run to measure next: the one that narrows a stated target most.

Near the fit the logarithm of a prediction is linear in the constants, and what is known of them is a Gaussian with the
covariance of the fit. A run with slopes j and scatter s takes from the variance of a target with slopes g what Bayes' rule
for linear models takes [1]_: (g' C j)^2 / (s^2 + j' C j).

References
----------
.. [1] K. Chaloner, I. Verdinelli, "Bayesian experimental design: a review", Statistical Science 10 (1995) 273-304.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import exp, sqrt

import numpy as np

from chipwall.perf.evidence.load_files.records import LoadRun, Times
from chipwall.perf.fitting.own import NOISE, OwnFit, SiteRuns, believed_at, site_design
from chipwall.perf.fitting.regression import Fit, Floats

__all__ = ["NextRun", "candidate_runs", "narrowed_target"]

# Loads and lengths that are tried: multiples of the target's.
LOADS, LENGTHS = (0.0625, 0.25, 1.0, 4.0), (0.125, 1.0, 4.0)
NORMAL_80 = 1.2816


@dataclass(frozen=True, slots=True)
class NextRun:
    """A run that could be measured, and the target's 80 % interval without and with it: factors on its prediction [1]."""

    run: LoadRun
    before: tuple[float, float]
    after: tuple[float, float]


def candidate_runs(target: LoadRun) -> tuple[LoadRun, ...]:
    """Runs about a target: fewer and more users, shorter and longer prompts."""
    assert target.users, "a target has users"
    assert target.prompt, "a target has a prompt"
    found = {
        (max(round(target.users * load), 1), max(round(target.prompt * length), 16)): None
        for load in LOADS
        for length in LENGTHS
    }
    return tuple(replace(target, users=float(u), prompt=float(p), place=f"{u} users, {p} tokens") for u, p in found)


def narrowed_target(
    fit: OwnFit, target: SiteRuns, candidates: SiteRuns, runs: Sequence[LoadRun]
) -> tuple[NextRun, ...]:
    """What each candidate would do to the interval of the target's time per token, the best first."""
    g = _slopes(fit, target)[0]
    known = fit.covariance
    variance = float(g @ known @ g)
    found = []
    for j, run in zip(_slopes(fit, candidates), runs, strict=True):
        left = variance - float(g @ known @ j) ** 2 / (NOISE**2 + float(j @ known @ j))
        found.append(NextRun(run, _interval(variance), _interval(max(left, 0.0))))
    return tuple(sorted(found, key=lambda n: n.after[1]))


def target_run(users: float, prompt: float, output: float) -> LoadRun:
    """A run that was not measured yet; its time per token stands in for the one that will be."""
    return LoadRun(
        "target", f"{users:g} users", users=users, prompt=prompt, output=output, completed=1.0, each=Times(median=1.0)
    )


def _slopes(fit: OwnFit, runs: SiteRuns) -> Floats:
    """Derivatives of the log of the times per token by the constants that could move."""
    rows = np.flatnonzero(runs.asked == "tpot")
    design = site_design(runs, 1.0)
    at = Fit(design, believed_at(design, fit))
    return at.slopes(runs.predicted, rows)


def _interval(variance: float) -> tuple[float, float]:
    half = NORMAL_80 * sqrt(variance)
    return exp(-half), exp(half)
