"""Readings of the market model: outcomes of scenarios, and differences between them on shared draws."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from chipwall.claims.library import Library
from chipwall.claims.records import Claim, Reading, Value
from chipwall.errors import Unknown
from chipwall.market.model.paths import Paths
from chipwall.text import Text, text

__all__ = ["scenario_difference", "scenario_growth", "scenario_ratio", "scenario_value"]

Conditions = Mapping[str, Value]
Array = NDArray[np.float64]


def scenario_value(claim: Claim, at: Conditions, world: Library) -> Reading:
    """A quantity of the market in one quarter under one scenario."""
    paths = _paths(at, "scenario", world)
    sample = np.asarray(paths.at(str(at["path"]), str(at["quarter"])), dtype=np.float64)
    return _reading(sample, at, paths, text("{scenario}", scenario=paths.title), world)


def scenario_difference(claim: Claim, at: Conditions, world: Library) -> Reading:
    """One scenario less another, draw by draw."""
    one, other = _paths(at, "scenario", world), _paths(at, "against", world)
    path, quarter = str(at["path"]), str(at["quarter"])
    _require_channel(one, other, path, quarter)
    sample = np.asarray(one.at(path, quarter) - other.at(path, quarter), dtype=np.float64)
    return _reading(sample, at, one, text("{one} minus {other}", one=one.title, other=other.title), world)


def scenario_ratio(claim: Claim, at: Conditions, world: Library) -> Reading:
    """One scenario over another, draw by draw [1]."""
    one, other = _paths(at, "scenario", world), _paths(at, "against", world)
    path, quarter = str(at["path"]), str(at["quarter"])
    _require_channel(one, other, path, quarter)
    sample = _ratio(one.at(path, quarter), other.at(path, quarter))
    return _reading(sample, at, one, text("{one} over {other}", one=one.title, other=other.title), world)


def scenario_growth(claim: Claim, at: Conditions, world: Library) -> Reading:
    """A quantity in a quarter over an earlier one, less one, draw by draw [1]."""
    paths = _paths(at, "scenario", world)
    path = str(at["path"])
    sample = _ratio(paths.at(path, str(at["quarter"])), paths.at(path, str(at["from"]))) - 1.0
    return _reading(
        sample, at, paths, text("{scenario}, since {quarter}", scenario=paths.title, quarter=at["from"]), world
    )


def _paths(at: Conditions, which: str, world: Library) -> Paths:
    return world.paths(str(at[which]), str(at["assumptions"]), until=str(at["quarter"]))


def _require_channel(one: Paths, other: Paths, path: str, quarter: str) -> None:
    """A difference of nothing in every draw is no finding: the model has no mechanism that leads there."""
    first, second = one.at(path, quarter), other.at(path, quarter)
    if one.scenario != other.scenario and bool(np.allclose(first, second, rtol=1e-9, atol=0.0)):
        raise Unknown(
            text("no mechanism: in the model nothing that differs between the two leads to {path}", path=path)
        )


def _ratio(top: Array, bottom: Array) -> Array:
    if not bool((bottom > 0).all()):
        raise Unknown(text("the quantity to compare with is zero in some draws"))
    return np.asarray(top / bottom, dtype=np.float64)


def _reading(sample: Array, at: Conditions, paths: Paths, who: Text, world: Library) -> Reading:
    # a range that a scenario replaces names the scenario, which is no source
    sources = tuple(s for s in paths.sources if s in world.sources)
    low, middle, high = (float(v) for v in np.quantile(sample, (0.05, 0.5, 0.95)))
    told = text(
        "{who}: {path} in {quarter}, median {middle:.3g}, 5 to 95 % {low:.3g} to {high:.3g}, "
        "{draws} draws, seed {seed}, ranges: {assumptions}",
        who=who,
        path=str(at["path"]),
        quarter=str(at["quarter"]),
        middle=middle,
        low=low,
        high=high,
        draws=paths.draws,
        seed=paths.seed,
        assumptions=str(at["assumptions"]),
    )
    return Reading(middle, low, high, sources, told, basis="draws", sample=sample)
