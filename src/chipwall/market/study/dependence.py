"""Dependence on one ecosystem, defined so that it can be wrong.

Four measures and a test:

1. the US share of active effective compute;
2. the US share of new purchases;
3. cut-off loss: service lost four and eight quarters after an unannounced stop, against no stop, draw by draw;
4. leaving: what replacing all US service by Chinese service would cost and how long it would take at the pace of the year before,
   one, two and four years after the decision; and the discount that a buyer with all its fleet on one platform asks to buy
   from the other;
5. the tipping test: with two platforms and logit choice, share maps to share as ``s = L(d + k (2 s - 1))``. Two stable
   outcomes exist only if the own-share feedback ``k`` exceeds 2 and the advantage ``d`` is small enough.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Executor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from chipwall.errors import InputError
from chipwall.market.model.paths import Band, Paths, sample_band
from chipwall.market.model.priors import Priors
from chipwall.market.model.quarters import START, quarter_index, quarter_name
from chipwall.market.model.timeline import Lever
from chipwall.market.policy.scenario import Scenario
from chipwall.market.simulate import named_scenario, prepare, simulate
from chipwall.market.study.difference import Mover, movers
from chipwall.text import Text, text

__all__ = [
    "TIPPING_FEEDBACK",
    "Dependence",
    "Leaving",
    "cutoff_loss",
    "dependence",
    "leaving",
    "stable_shares",
    "tipping_probability",
    "tipping_width",
]

Array = NDArray[np.float64]
# Feedback above which a symmetric duopoly with logit choice has two stable outcomes: k L'(0) 2 = k / 2 > 1.
TIPPING_FEEDBACK = 2.0
LAGS = (4, 8)
_NEEDED = (
    "us_share_active",
    "us_share_new",
    "us_share_active_with_offshore",
    "utility_gap",
    "service_active",
    "service_active_us",
    "service_new",
    "service_new_us",
    "spending_domestic",
    "chosen_freely",
    "offshore_h100e",
)
# Years after the decision for which cost and time to leave are told; the first quarter of a decision is that of the shipped pairs.
YEARS, DECIDED = (1, 2, 4), "2027Q1"
MOST_QUARTERS = 80.0  # twenty years: nobody leaves
IDENTIFIED: Text = text(
    "Market data identify lock-in parameters hardly at all: the tipping probability restates the priors, it does not measure."
)


def tipping_width(feedback: Array) -> Array:
    """Largest advantage of one platform at which both outcomes are still stable [logit].

    Fixed points of ``x = tanh((d + k x) / 2)`` with ``x = 2 s - 1`` merge where ``k (1 - x^2) = 2``; there
    ``d = 2 artanh(x) - k x``. Zero at or below the threshold.

    Examples
    --------
    >>> [round(float(v), 4) for v in tipping_width(np.array([1.0, 2.0, 4.0]))]
    [0.0, 0.0, 1.0657]
    """
    k = np.maximum(np.asarray(feedback, dtype=float), TIPPING_FEEDBACK)
    x = np.sqrt(1 - TIPPING_FEEDBACK / k)
    return np.asarray(k * x - 2 * np.arctanh(x))


def stable_shares(advantage: float, *, feedback: float) -> tuple[float, ...]:
    """Stable market shares of the first platform [1].

    Parameters
    ----------
    advantage : float
        Utility of the first platform over the second at equal shares [logit].
    feedback : float
        Own-share feedback ``k`` [logit].

    Examples
    --------
    >>> stable_shares(0.0, feedback=1.5)
    (0.5,)
    >>> [round(s, 3) for s in stable_shares(0.0, feedback=3.0)]
    [0.071, 0.929]
    """
    from math import tanh

    found: list[float] = []
    turn = np.sqrt(1 - TIPPING_FEEDBACK / feedback) if feedback > TIPPING_FEEDBACK else None
    branches = [(-1.0, 1.0)] if turn is None else [(-1.0, -float(turn)), (float(turn), 1.0)]
    for low, high in branches:

        def excess(x: float) -> float:
            return tanh((advantage + feedback * x) / 2) - x

        # on a stable branch the map is flatter than the diagonal: the excess falls through zero once, or not at all
        if excess(low) < 0 or excess(high) > 0:
            continue
        for _ in range(200):
            middle = (low + high) / 2
            low, high = (middle, high) if excess(middle) > 0 else (low, middle)
        found.append((1 + (low + high) / 2) / 2)
    return tuple(found)


def tipping_probability(feedback: Array, *, advantage: Array) -> tuple[float, float]:
    """Share of draws with two stable outcomes, and its Monte Carlo standard error [1]."""
    two = np.abs(advantage) < tipping_width(feedback)
    two &= feedback > TIPPING_FEEDBACK
    mean = float(np.mean(two))
    return mean, float(np.sqrt(max(mean * (1 - mean), 0.0) / len(two)))


@dataclass(frozen=True)
class Leaving:
    """What leaving US platforms takes.

    Attributes
    ----------
    quarters : Band
        Time to make as much Chinese service as is active on US platforms, at the pace of the last four quarters
        [quarter], at most 80.
    cost : Band
        The same at the price of Chinese service in that year [USD].
    movers : tuple of Mover
        Priors whose rank goes with the time: how much of it is assumption.
    """

    quarters: Band
    cost: Band
    movers: tuple[Mover, ...]


def leaving(paths: Paths, quarter: str) -> Leaving:
    """Cost and time to leave at the end of a quarter.

    Limits
    ------
    Hardware only: what engineers must learn again and what code must be ported is in no data, and comes on top.
    """
    at = paths.quarters.index(quarter)
    year = slice(max(at - 3, 0), at + 1)
    made = (
        (paths.values["service_new"][year] - paths.values["service_new_us"][year]).sum(axis=0)
        * 4
        / (at + 1 - year.start)
    )
    paid = paths.values["spending_domestic"][year].sum(axis=0) * 4 / (at + 1 - year.start)
    active = np.asarray(paths.values["service_active_us"][at], dtype=np.float64)
    time = np.minimum(4 * active / np.maximum(made, 1e-9), MOST_QUARTERS)
    cost = active * paid / np.maximum(made, 1e-9)
    return Leaving(
        sample_band(time), sample_band(np.where(made > 1.0, cost, 0.0)), movers(time, paths.parameters, most=3)
    )


@dataclass(frozen=True)
class Dependence:
    """The parts of dependence; never one index only.

    Attributes
    ----------
    quarter : str
        State of the world for the shares and the tipping test.
    stop : str
        Quarter of the unannounced stop that the losses refer to.
    us_share_active, us_share_new, us_share_active_with_offshore : Band
        [1]
    loss : mapping of int to Band
        Share of service lost that many quarters after the stop [1], Chinese soil.
    loss_with_offshore : mapping of int to Band
        The same with capacity leased abroad.
    free : Band
        Share of the money spent on chips that are not sold out [1]: what taste decides; the rest is shortage.
    switching_discount : Band
        Discount in price per service that outweighs the lock-in of a whole fleet [1]: ``1 - exp(-k / a)``.
    leaving : mapping of int to Leaving
        Cost and time to leave by years after the decision, as far as the run goes.
    tipping : float
        Probability of two stable outcomes under the stated priors [1]; ``tipping_error`` its standard error.
    above_threshold : float
        Probability that the feedback is above 2 [1].
    note : str
        What the data can and cannot say.
    """

    quarter: str
    stop: str
    us_share_active: Band
    us_share_new: Band
    us_share_active_with_offshore: Band
    loss: Mapping[int, Band]
    loss_with_offshore: Mapping[int, Band]
    free: Band
    switching_discount: Band
    leaving: Mapping[int, Leaving]
    tipping: float
    tipping_error: float
    above_threshold: float
    note: str = IDENTIFIED


def cutoff_loss(going_on: Paths, stopped: Paths, *, stop: str, lag: int, offshore: bool = False) -> Array:
    """Share of service lost ``lag`` quarters after the stop, draw by draw [1]."""
    quarter = quarter_name(quarter_index(stop) + lag)

    def service(paths: Paths) -> Array:
        total = paths.at("service_active", quarter)
        return total + paths.at("offshore_h100e", quarter) if offshore else total

    before = service(going_on)
    return np.asarray(1 - service(stopped) / before)


def dependence(
    scenario: Scenario | str,
    *,
    stop: str,
    draws: int = 4000,
    seed: int = 1,
    priors: Priors | None = None,
    executor: Executor | None = None,
) -> Dependence:
    """How dependent China is on US platforms under a scenario, and what a stop would cost it.

    Parameters
    ----------
    scenario : Scenario or str
        Without a stop of its own.
    stop : str
        Quarter from which all legal supply, support and leasing end without notice; shares refer to the quarter before.

    Limits
    ------
    Service is hardware times the software efficiency of its platform; lost skill and the cost of porting are only in
    ``support_decay_after_stop``, a prior.
    """
    found = named_scenario(scenario)
    ranges = prepare(found, draws=1, seed=seed, until=START, priors=priors).priors.names
    at = quarter_index(stop)
    if at < 1:
        raise InputError(text("a stop in the first quarter has nothing before it"), fix=text("Choose a later quarter"))
    until, before = quarter_name(at + max(LAGS)), quarter_name(at - 1)
    runs = [
        simulate(
            s,
            draws=draws,
            seed=seed,
            until=until,
            priors=priors,
            executor=executor,
            keep=(*_NEEDED, *(f"parameter:{name}" for name in ranges)),
        )
        for s in (found, found.with_levers(Lever("stop", at)))
    ]
    feedback = runs[0].parameter("own_share_feedback")
    probability, error = tipping_probability(feedback, advantage=runs[0].at("utility_gap", before))
    losses = {
        offshore: {
            lag: sample_band(cutoff_loss(runs[0], runs[1], stop=stop, lag=lag, offshore=offshore)) for lag in LAGS
        }
        for offshore in (False, True)
    }
    response = runs[0].parameter("price_response")
    times = {n: quarter_name(quarter_index(DECIDED) + 4 * n - 1) for n in YEARS}
    return Dependence(
        free=runs[0].band("chosen_freely", before),
        switching_discount=sample_band(np.asarray(1 - np.exp(-feedback / response))),
        leaving={n: leaving(runs[0], q) for n, q in times.items() if q <= before and q in runs[0].quarters},
        quarter=before,
        stop=stop,
        us_share_active=runs[0].band("us_share_active", before),
        us_share_new=runs[0].band("us_share_new", before),
        us_share_active_with_offshore=runs[0].band("us_share_active_with_offshore", before),
        loss=losses[False],
        loss_with_offshore=losses[True],
        tipping=probability,
        tipping_error=error,
        above_threshold=float(np.mean(feedback > TIPPING_FEEDBACK)),
    )
