"""What forecasts and the fit take from the shipped tables, each read once: the only place of this folder that opens one."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from chipwall.catalog.series import load_series
from chipwall.files import shipped_toml
from chipwall.market.forecast.calibrate import MarketCalibration, Target, market_calibration, target_of
from chipwall.market.forecast.knowledge import Knowledge
from chipwall.market.forecast.observables import Observable, observables_of
from chipwall.market.forecast.rolling import items
from chipwall.market.model.load import continuation_classes, load_priors, newest_day

__all__ = ["observables", "refitted", "shipped_knowledge", "targets"]


def _table(name: str) -> dict[str, Any]:
    return shipped_toml("chipwall.market", f"data/{name}")


@cache
def observables() -> Mapping[str, Observable]:
    """Every entry of ``data/observables.toml``, by series."""
    return observables_of(_table("observables.toml")["observable"], load_series())


@cache
def targets() -> tuple[Target, ...]:
    """The list of ``data/targets.toml`` with the values of the catalogue, in SI."""
    return tuple(target_of(e, book=load_series(), newest=newest_day()) for e in _table("targets.toml")["target"])


def shipped_knowledge(**how: Any) -> Knowledge:
    """The shipped record as forecasts see it; the arguments are the other fields of :class:`Knowledge`."""
    told = {"book": load_series(), "trends": continuation_classes(), "observables": observables(), "newest": newest_day()}
    return Knowledge(**{**told, **how})


def refitted(*, draws: int = 20_000, seed: int = 1) -> MarketCalibration:
    """The model fitted to the shipped record; the same for the same draws and seed."""
    families = continuation_classes(prior=True)
    return market_calibration(
        bare=load_priors(overlay=False),
        aims=targets(),
        found=items(load_series(), families=families, observables=observables()),
        families=families,
        newest=newest_day(),
        draws=draws,
        seed=seed,
    )
