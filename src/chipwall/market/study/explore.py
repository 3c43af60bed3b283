"""Where scenario A beats B: a short list of conditions on assumptions, by the patient rule induction method (PRIM).

The box search is EMA Workbench's, an extra (``pip install chipwall[explore]``). Everything else here is plain arrays.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from chipwall.errors import InputError
from chipwall.market.model.priors import Priors
from chipwall.market.policy.scenario import Scenario
from chipwall.market.simulate import prepare, simulate
from chipwall.market.study.sensitivity import DrawOutcome, outcome_of_draws
from chipwall.text import text

__all__ = ["BoxSide", "Discovery", "box_sides", "explore"]

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class BoxSide:
    """One side or both of a box: a parameter between two values, in its own unit; None where the side is open."""

    parameter: str
    low: float | None
    high: float | None
    unit: str
    p_value: float


@dataclass(frozen=True)
class Discovery:
    """Where A beats B.

    Attributes
    ----------
    share : float
        Share of all draws in which it does [1].
    density : float
        Share inside the box [1].
    coverage : float
        Share of all such draws that the box holds [1].
    mass : float
        Share of draws inside the box [1].
    conditions : tuple of Condition
        The box, most restricting first.
    """

    measure: str
    quarter: str
    better: str
    other: str
    share: float
    density: float
    coverage: float
    mass: float
    conditions: tuple[BoxSide, ...]


def explore(
    scenario: Scenario | str,
    other: Scenario | str,
    *,
    outcome: DrawOutcome,
    larger_is_better: bool,
    draws: int = 4000,
    seed: int = 1,
    priors: Priors | None = None,
    margin: float = 0.0,
) -> Discovery:
    """Conditions under which ``scenario`` beats ``other`` on an outcome, on shared draws.

    Parameters
    ----------
    larger_is_better : bool
        Whether beating means a larger outcome.
    margin : float
        By how much, relative to the other's outcome [1].

    Limits
    ------
    A box is a summary of the draws under these priors. Conditions with a large p-value are left out.
    """
    from chipwall.market.model.quarters import quarters

    ranges = prepare(scenario, draws=1, seed=seed, until=outcome.quarter, priors=priors).priors.ranges
    named = tuple(f"parameter:{name}" for name in ranges)
    runs = [
        simulate(s, draws=draws, seed=seed, until=outcome.quarter, priors=priors, keep=(outcome.quantity, *kept))
        for s, kept in ((scenario, named), (other, ()))
    ]
    names = quarters(outcome.quarter)
    first, second = (outcome_of_draws(r.values, outcome, names) for r in runs)
    sign = 1.0 if larger_is_better else -1.0
    wins = sign * (first - second) > margin * np.abs(second)
    parameters = {k: v for k, v in runs[0].parameters.items() if np.ptp(v) > 0}
    found = _box(parameters, wins)
    return Discovery(
        outcome.quantity, outcome.quarter, runs[0].title, runs[1].title, float(np.mean(wins)),
        found[1], found[2], found[3],
        box_sides(found[0], parameters, units={name: r.unit for name, r in ranges.items()}),
    )  # fmt: skip


def box_sides(
    box: Mapping[str, tuple[float, float, float]], parameters: Mapping[str, Array], *, units: Mapping[str, str]
) -> tuple[BoxSide, ...]:
    """A box as conditions; sides at the edge of the draws are open."""
    found = []
    for name, (low, high, p_value) in box.items():
        least, most = float(parameters[name].min()), float(parameters[name].max())
        sides = (None if low <= least else low, None if high >= most else high)
        if any(s is not None for s in sides) and p_value < 0.05:
            found.append(BoxSide(name, *sides, units.get(name, ""), p_value))
    return tuple(sorted(found, key=lambda c: c.p_value))


def _box(
    parameters: dict[str, Array], wins: NDArray[np.bool_]
) -> tuple[dict[str, tuple[float, float, float]], float, float, float]:
    """The box of EMA Workbench's PRIM: sides with p-values, density, coverage and mass."""
    import warnings

    whole: tuple[dict[str, tuple[float, float, float]], float, float, float] = ({}, float(wins.mean()), 1.0, 1.0)
    with warnings.catch_warnings():
        # it warns at import about parallel extras that are not used here, and in use about pandas arguments
        warnings.simplefilter("ignore")
        try:
            import pandas  # type: ignore[import-untyped]
            from ema_workbench.analysis import prim
        except ImportError:
            raise InputError(
                text("exploring needs the extra 'explore'"), fix=text("Install it: pip install 'chipwall[explore]'")
            ) from None
        if wins.all() or not wins.any():
            return whole
        # the box must be purer than the whole by half of what is missing
        threshold = min(float((1 + wins.mean()) / 2), 0.95)
        box = prim.Prim(pandas.DataFrame(parameters), wins, threshold=threshold, peel_alpha=0.05).find_box()
        if box is None:
            return whole
        limits, p_values = box.box_lims[-1], box.qp[-1]
        sides = {
            name: (float(limits[name].iloc[0]), float(limits[name].iloc[1]), _worst(p_values[name]))
            for name in p_values
        }
        return sides, float(box.density), float(box.coverage), float(box.mass)


def _worst(values: list[float]) -> float:
    """The smaller p-value of the two sides that are set (an open side is marked -1)."""
    given = [v for v in values if v >= 0]
    return float(min(given)) if given else 1.0
