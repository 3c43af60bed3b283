"""Names of quantities: which are kept in large runs, and the unit of each."""

from __future__ import annotations

__all__ = ["HEADLINE", "unit_of"]

# What is kept when a run is too large to keep everything.
HEADLINE = (
    "gap",
    "h100e_training_total",
    "h100e_bandwidth_total",
    "h100e_rent_total",
    "domestic_share_value",
    "us_share_active",
    "seller_net_us",
    "us_take",
    "service_active",
)


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


_MONEY = (
    "spending", "budget", "additional", "unmet", "moved_abroad", "cancelled", "diverted_cost",
    "us_take", "seller_net", "revenue", "leasing", "nvidia_dc",
)  # fmt: skip
_UNITS = (
    ("cumulative_h100e", "h100e"),
    ("h100e", "h100e"),
    ("offshore_h100e", "h100e"),
    ("service", "h100e_effective"),
    ("delivered", "units_per_quarter"),
    ("offered", "units_per_quarter"),
    ("supply", "units_per_quarter"),
    ("inventory", "units"),
    ("backlog", "usd"),
    ("inside_new_h100e", "h100e_per_quarter"),
    ("outside_new_h100e", "h100e_per_quarter"),
    ("world_h100e", "h100e_per_quarter"),
    ("diverted_h100e", "h100e_per_quarter"),
    ("inside_h100e", "h100e"),
    ("outside_h100e", "h100e"),
    ("us_shipments", "units_per_quarter"),
    ("cumulative", "units"),
    ("rent", "usd_per_hour"),
    ("wafers", "wafers_per_quarter"),
    ("dies", "dies_per_quarter"),
    ("hbm_stock", "stacks"),
    *((name, "usd_per_quarter") for name in _MONEY),
)
