"""What decides it: Sobol indices of parameters and levers for one outcome (SALib)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from chipwall.errors import InputError
from chipwall.market.model.draws import BLOCK
from chipwall.market.model.engine import block_paths
from chipwall.market.model.priors import Priors
from chipwall.market.policy.scenario import Scenario
from chipwall.market.simulate import prepare
from chipwall.text import text

__all__ = [
    "LEVER_RANGES",
    "DrawOutcome",
    "SobolIndex",
    "Swing",
    "indices",
    "outcome_of_draws",
    "sensitivity",
    "tornado",
]

Array = NDArray[np.float64]
# Ranges over which levers are varied, evenly: what governments could plausibly choose from mid-2025 on.
LEVER_RANGES: Mapping[str, tuple[float, float]] = {
    "share": (0.01, 0.5),
    "cap_fraction": (0.1, 1.5),
    "licence_pace": (10_000.0, 300_000.0),
    "beijing_pace": (10_000.0, 300_000.0),
    "guidance": (0.0, 1.0),
    "enforcement": (0.0, 1.0),
    "leasing": (0.0, 1.0),
    "engineering_spend": (0.5, 3.0),
}


@dataclass(frozen=True, slots=True)
class DrawOutcome:
    """One number per draw: a quantity in a quarter, or a flow summed from a quarter to the last one."""

    quantity: str
    quarter: str
    since: str = ""


@dataclass(frozen=True, slots=True)
class SobolIndex:
    """Sobol indices of one input [1], with half-widths of their 95 percent intervals.

    ``kind`` is ``parameter`` or ``lever``.
    """

    name: str
    kind: str
    first: float
    first_error: float
    total: float
    total_error: float


@dataclass(frozen=True, slots=True)
class Swing:
    """What one input does to a difference: its value with the input at 5 and at 95 percent, all others at their middle.

    ``turns`` says whether the two have opposite signs: then the input alone decides who is right about the direction.
    """

    name: str
    unit: str
    range_low: float
    range_high: float
    at_low: float
    at_high: float

    @property
    def turns(self) -> bool:
        """Whether the sign of the difference changes between the two ends."""
        return self.at_low * self.at_high < 0


def tornado(
    scenario: Scenario | str,
    other: Scenario | str,
    *,
    outcome: DrawOutcome,
    seed: int = 1,
    priors: Priors | None = None,
) -> tuple[float, tuple[Swing, ...]]:
    """The difference of two scenarios at the middle of all inputs, and what each input alone does to it, largest first.

    Parameters
    ----------
    scenario, other : Scenario or str
        The pair; parameter ranges of the first hold for both.
    outcome : Outcome
        Whose difference is explained, first minus second.

    Limits
    ------
    One input at a time: what two do together is in :func:`sensitivity`. Shocks and the error of counts are those of one draw.
    """
    from chipwall.market.model.priors import Z95
    from chipwall.market.model.quarters import quarters

    blocks = [
        prepare(s, draws=BLOCK, seed=seed, until=outcome.quarter, priors=priors, keep=(outcome.quantity,))
        for s in (scenario, other)
    ]
    ranges = blocks[0].priors.ranges
    names = tuple(ranges)
    points = np.zeros((2 * len(names) + 1, len(names)))
    for i in range(len(names)):
        points[2 * i + 1, i], points[2 * i + 2, i] = -Z95, Z95
    change = np.zeros(len(points))
    for begin in range(0, len(points), BLOCK):
        part = points[begin : begin + BLOCK]
        made = [
            outcome_of_draws(
                block_paths(replace(b, priors=blocks[0].priors, size=len(part), normals=part, still=True)),
                outcome,
                quarters(outcome.quarter),
            )
            for b in blocks
        ]
        change[begin : begin + BLOCK] = made[0] - made[1]
    swings = [
        Swing(name, r.unit, r.low, r.high, float(change[2 * i + 1]), float(change[2 * i + 2]))
        for i, (name, r) in enumerate(ranges.items())
    ]
    return float(change[0]), tuple(sorted(swings, key=lambda s: -abs(s.at_high - s.at_low)))


def outcome_of_draws(values: Mapping[str, Array], outcome: DrawOutcome, quarters: tuple[str, ...]) -> Array:
    """The outcome of each draw from arrays [quarters, draws]."""
    rows = values[outcome.quantity]
    last = quarters.index(outcome.quarter)
    if outcome.since:
        return np.asarray(rows[quarters.index(outcome.since) : last + 1].sum(axis=0))
    return np.asarray(rows[last])


def sensitivity(
    scenario: Scenario | str,
    *,
    outcome: DrawOutcome,
    base: int = 512,
    seed: int = 1,
    priors: Priors | None = None,
    levers: tuple[str, ...] = (),
    parameters: tuple[str, ...] = (),
) -> tuple[SobolIndex, ...]:
    """First and total Sobol indices, largest total first.

    Parameters
    ----------
    scenario : Scenario or str
        Levers that are not varied.
    outcome : Outcome
        What to explain.
    base : int
        Base sample, a power of two [1]; the study runs ``base * (inputs + 2)`` draws.
    levers : tuple of str
        Levers to vary over :data:`LEVER_RANGES` beside the parameters.
    parameters : tuple of str
        Parameters to vary; all by default. Others stay at their middle.

    Returns
    -------
    tuple of Index

    Limits
    ------
    Shocks are held at one set of numbers, so the indices split the variance that inputs make, not that of chance.
    An index below its error is not told from zero.
    """
    from SALib.analyze import sobol as analysis

    inputs = _inputs(priors, parameters, levers, scenario)
    values = _study_points(inputs, base=base, seed=seed)
    result = _outcomes(scenario, values, inputs, levers=levers, outcome=outcome, seed=seed, priors=priors)
    problem = {"num_vars": len(inputs), "names": inputs, "bounds": [[0.0, 1.0]] * len(inputs)}
    if np.ptp(result) == 0:
        raise InputError(
            text(
                "{quantity} in {quarter} is the same in every draw", quantity=outcome.quantity, quarter=outcome.quarter
            ),
            fix=text("Choose another quantity or quarter"),
        )
    scaled = (result - result.mean()) / result.std()
    found = analysis.analyze(problem, scaled, calc_second_order=False, seed=seed, num_resamples=200)
    rows = [
        SobolIndex(
            name, "lever" if name in levers else "parameter",
            float(found["S1"][i]), float(found["S1_conf"][i]), float(found["ST"][i]), float(found["ST_conf"][i]),
        )
        for i, name in enumerate(inputs)
    ]  # fmt: skip
    return tuple(sorted(rows, key=lambda r: -r.total))


def indices(names: tuple[str, ...], points: Array, result: Array, *, bins: int = 16) -> dict[str, float]:
    """First-order indices from draws that are already there: variance of the means in bins of each input [1]."""
    variance = float(np.var(result))
    found = {}
    for i, name in enumerate(names):
        order = np.argsort(points[:, i])
        means = [float(np.mean(part)) for part in np.array_split(result[order], bins)]
        # means of finite bins vary by chance as well
        noise = variance / (len(result) / bins)
        found[name] = max((float(np.var(means)) - noise) / variance, 0.0) if variance > 0 else 0.0
    return found


def _inputs(
    priors: Priors | None, parameters: tuple[str, ...], levers: tuple[str, ...], scenario: Scenario | str
) -> list[str]:
    block = prepare(scenario, draws=1, seed=0, until="2022Q1", priors=priors)
    names = block.priors.names
    for name in parameters:
        if name not in names:
            raise InputError(
                text("unknown parameter '{name}'", name=name), fix=text("List all: chipwall market parameters")
            )
    for name in levers:
        if name not in LEVER_RANGES:
            raise InputError(
                text("lever '{name}' is not one that can be varied", name=name),
                fix=text("Choose from {names}", names=", ".join(LEVER_RANGES)),
            )
    # a lever that is varied stands in for the parameter of the same name
    return [*(n for n in parameters or names if n not in levers), *levers]


def _study_points(inputs: list[str], *, base: int, seed: int) -> Array:
    """Saltelli's points in the unit cube [points, inputs]."""
    from SALib.sample import sobol as sampling

    problem = {"num_vars": len(inputs), "names": inputs, "bounds": [[0.0, 1.0]] * len(inputs)}
    return np.asarray(sampling.sample(problem, base, calc_second_order=False, seed=seed))


def _outcomes(
    scenario: Scenario | str,
    points: Array,
    inputs: list[str],
    *,
    levers: tuple[str, ...],
    outcome: DrawOutcome,
    seed: int,
    priors: Priors | None,
) -> Array:
    """The outcome at each point, by blocks that all use the shocks of the first block."""
    from scipy.special import ndtri

    from chipwall.market.model.quarters import quarters

    block = prepare(scenario, draws=BLOCK, seed=seed, until=outcome.quarter, priors=priors, keep=(outcome.quantity,))
    names = block.priors.names
    found = []
    for begin in range(0, len(points), BLOCK):
        part = np.clip(points[begin : begin + BLOCK], 1e-6, 1 - 1e-6)
        normals = np.zeros((len(part), len(names)))
        settings = {}
        for i, name in enumerate(inputs):
            if name in levers:
                low, high = LEVER_RANGES[name]
                settings[name] = low + (high - low) * part[:, i]
            else:
                normals[:, names.index(name)] = ndtri(part[:, i])
        job = replace(block, size=len(part), normals=normals, lever_values=settings, still=True)
        found.append(outcome_of_draws(block_paths(job), outcome, quarters(outcome.quarter)))
    return np.concatenate(found)
