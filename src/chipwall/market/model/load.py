"""The shipped tables of the model, each read once: the only place of this folder that opens a file."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import cache, lru_cache
from typing import Any

from chipwall.catalog.series import load_series
from chipwall.files import shipped_toml
from chipwall.market.model.continuation import Trend
from chipwall.market.model.priors import Priors, priors_of_tables
from chipwall.market.model.products import PLATFORMS, Product, product_of_row
from chipwall.market.model.rates import WORK
from chipwall.market.model.record import Known, known_at, newest

__all__ = [
    "continuation_classes", "load_priors", "load_products", "load_record", "load_supply", "newest_day", "stored_rates",
]  # fmt: skip


def _table(name: str) -> dict[str, Any]:
    return shipped_toml("chipwall.market", f"data/{name}")


@cache
def load_priors(*, overlay: bool = True) -> Priors:
    """The shipped priors.

    Parameters
    ----------
    overlay : bool
        Whether the fitted ranges of ``data/calibration.toml`` replace the bare ones.
    """
    return priors_of_tables(_table("priors.toml"), _table("calibration.toml") if overlay else {})


@cache
def load_products() -> tuple[Product, ...]:
    """The shipped products, sorted by platform in the order of :data:`~chipwall.market.model.products.PLATFORMS`."""
    found = [product_of_row(row) for row in _table("products.toml")["product"]]
    return tuple(sorted(found, key=lambda p: PLATFORMS.index(p.platform)))


@cache
def load_supply() -> Mapping[str, Mapping[str, Any]]:
    """The tables of Chinese supply, see :class:`~chipwall.market.model.supply.ChineseSupply`."""
    return _table("supply.toml")


@cache
def stored_rates() -> Mapping[str, Mapping[str, float]]:
    """Rates by chip and kind of work, relative to the reference [1]."""
    return {name: {k: float(row[k]) for k in WORK} for name, row in _table("service.toml").items() if name != "meta"}


@cache
def continuation_classes(*, prior: bool = False) -> Mapping[str, Trend]:
    """The classes of ``data/continuation.toml``, or as they were written before fitting."""
    told = _table("continuation-prior.toml" if prior else "continuation.toml")
    return {
        name: Trend(name=name, **{k: v for k, v in entry.items() if k in Trend.__slots__})
        for name, entry in told["class"].items()
    }


@cache
def newest_day() -> date:
    """The last day of the last quarter in which anything in the shipped record was counted or printed."""
    return newest(load_series())


@lru_cache(maxsize=32)
def load_record(known_on: date | None = None) -> Known:
    """The shipped record as it stood on a day; by default on its newest day. One record per day, so that runs share it."""
    return known_at(load_series(), continuation_classes(), known_on)
