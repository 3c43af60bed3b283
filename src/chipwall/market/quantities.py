"""Quantities that follow from what a run has written: groups, shares, cumulated counts, equivalents."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from chipwall.market.engine import Block

__all__ = ["HEADLINE", "derived", "unit_of"]

Array = NDArray[np.float64]
# What is kept when a run is too large to keep everything.
HEADLINE = (
    "h100e_training_total",
    "h100e_bandwidth_total",
    "h100e_rent_total",
    "domestic_share_value",
    "us_share_active",
    "seller_net_us",
    "us_take",
    "service_active",
)


def _ratio(part: Array, whole: Array) -> Array:
    return np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)


def derived(out: dict[str, Array], block: Block) -> dict[str, Array]:
    """Written quantities and those that follow from them, each [quarters, draws]."""
    products = block.products
    groups = {
        "us": [p for p in products if p.licensed],
        "grey": [p for p in products if p.us and not p.legal],
        "huawei": [p for p in products if p.maker == "huawei"],
        "domestic": [p for p in products if not p.us],
        "total": list(products),
    }
    found = {name: value for name, value in out.items() if not name.startswith("stock:")}
    for kind in ("delivered", "spending"):
        for name, members in groups.items():
            found[f"{kind}_{name}"] = np.sum([out[f"{kind}_{p.id}"] for p in members], axis=0)
    for name in groups:
        found[f"cumulative_{name}"] = np.cumsum(found[f"delivered_{name}"], axis=0)
    _stocks(out, found, groups | {"cambricon": [p for p in products if p.maker == "cambricon"]})
    _counted(out, found, block)
    _shares(found)
    return found


def _stocks(out: dict[str, Array], found: dict[str, Array], groups: dict[str, list]) -> None:  # type: ignore[type-arg]
    for basis in ("training", "bandwidth", "rent"):
        for name, members in groups.items():
            found[f"h100e_{basis}_{name}"] = np.sum([out[f"stock:{basis}:{p.id}"] for p in members], axis=0)
        found[f"h100e_{basis}_with_offshore"] = found[f"h100e_{basis}_total"] + out["offshore_h100e"]


def _counted(out: dict[str, Array], found: dict[str, Array], block: Block) -> None:
    """Cumulated H100-equivalents in the definition of the counted record: 8-bit weights, no retirement."""
    groups = {
        "legal": [p for p in block.products if p.licensed and p.maker == "nvidia"],
        "grey": [p for p in block.products if not p.legal],
        "huawei": [p for p in block.products if p.maker == "huawei"],
        "cambricon": [p for p in block.products if p.maker == "cambricon"],
    }
    for name, members in groups.items():
        total = np.zeros_like(out["budget"])
        for p in members:
            quality = np.array([[p.quality_at(t)] for t in range(block.quarters)])
            total += out[f"delivered_{p.id}"] * quality * p.record_weight
        found[f"cumulative_h100e_{name}"] = np.cumsum(total, axis=0)


def _shares(found: dict[str, Array]) -> None:
    f = found
    f["domestic_share_units"] = _ratio(f["delivered_domestic"], f["delivered_total"])
    f["domestic_share_value"] = _ratio(f["spending_domestic"], f["spending_total"])
    f["domestic_share_h100e"] = _ratio(f["h100e_training_domestic"], f["h100e_training_total"])
    f["huawei_share_value"] = _ratio(f["spending_huawei"], f["spending_total"])
    f["cambricon_share_value"] = _ratio(f["spending_cambricon"], f["spending_total"])
    f["us_share_active"] = _ratio(f["service_active_us"], f["service_active"])
    f["us_share_active_with_offshore"] = _ratio(
        f["service_active_us"] + f["offshore_h100e"], f["service_active"] + f["offshore_h100e"]
    )
    f["us_share_new"] = _ratio(f["service_new_us"], f["service_new"])
    f["us_share_new_legal"] = _ratio(f["spending_us"], f["spending_total"])
    f["fill_rate"] = 1 - _ratio(f["unmet"], f["budget"])


def unit_of(name: str) -> str:
    """The unit of a quantity, as it goes into the names of columns and JSON fields.

    Examples
    --------
    >>> unit_of("us_take"), unit_of("delivered_h200"), unit_of("domestic_share_value")
    ('usd_per_quarter', 'units_per_quarter', '1')
    """
    for start, unit in _UNITS:
        if name.startswith(start):
            return unit
    return "1"


_UNITS = (
    ("cumulative_h100e", "h100e"),
    ("h100e", "h100e"),
    ("offshore_h100e", "h100e"),
    ("service", "h100e_effective"),
    ("delivered", "units_per_quarter"),
    ("offered", "units_per_quarter"),
    ("supply", "units_per_quarter"),
    ("us_shipments", "units_per_quarter"),
    ("cumulative", "units"),
    ("rent", "usd_per_hour"),
    ("wafers", "wafers_per_quarter"),
    ("dies", "dies_per_quarter"),
    ("hbm_stock", "stacks"),
    *((name, "usd_per_quarter") for name in (
        "spending", "budget", "additional", "unmet", "carried", "lapsed", "us_take", "seller_net", "revenue", "leasing", "nvidia_dc",
    )),
)  # fmt: skip
