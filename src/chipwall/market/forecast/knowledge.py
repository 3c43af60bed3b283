"""Everything a forecast with data to mid-2025 may use, put together once: the record, the fitted widths, a simulation."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from datetime import date
from functools import lru_cache
from importlib.resources import files

from chipwall.catalog.periods import parse_period
from chipwall.catalog.series import load
from chipwall.market.forecast.backtest import Row
from chipwall.market.forecast.continuation import Trend
from chipwall.market.forecast.observables import observables, trends
from chipwall.market.forecast.predictive import Knowledge
from chipwall.market.forecast.rolling import CUT

__all__ = ["fitted_trends", "knowledge_at_cut"]

SCENARIO = "as-of-mid-2025"
EARLIEST, LATEST = date(2026, 12, 31), date(2031, 12, 31)


@lru_cache(maxsize=1)
def fitted_trends() -> Mapping[str, Trend]:
    """Classes of continuation with the widths of ``data/calibration.toml``; as written where there is none."""
    place = files("chipwall.market") / "data" / "calibration.toml"
    told = tomllib.loads(place.read_text(encoding="utf-8")) if place.is_file() else {}
    scales = told.get("meta", {}).get("continuation", {})
    return {name: trend.scaled(float(scales.get(name, 1.0))) for name, trend in trends().items()}


def knowledge_at_cut(rows: Iterable[Row] = (), *, draws: int = 4000, seed: int = 1) -> Knowledge:
    """What may be used on 30 June 2025, with a simulation long enough for the rows.

    The policy is the record to that day; after it both governments are regime chains and nothing is known.
    """
    from chipwall.market.policy.scenario import load_scenario
    from chipwall.market.simulate import simulate

    asked = tuple(rows)
    told = [observables()[row.series] for row in asked if row.series in observables()]
    ends = [end for row in asked if (end := parse_period(row.period).end) is not None and end <= LATEST]
    last = max([EARLIEST, *ends])
    until = f"{last.year}Q4"  # to the end of the year: some sources cut an annual figure into quarters
    keep = tuple(sorted({q for o in observables().values() for q in o.quantities}))
    made = {
        name: simulate(load_scenario(name), draws=draws, seed=seed, until=until, keep=keep)
        for name in sorted({SCENARIO, *(o.scenario for o in told if o.scenario)})
    }
    return Knowledge(load(), CUT, fitted_trends(), made[SCENARIO], draws, made)
