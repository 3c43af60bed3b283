"""Performance limits: which products a draft limit takes out."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from chipwall.catalog.records import FORMAT_BITS, Chip
from chipwall.market.products import Product

__all__ = ["over_limits"]

Array = NDArray[np.float64]


def over_limits(products: tuple[Product, ...], chips: Mapping[str, Chip], limits: Mapping[str, Array]) -> Array:
    """1 where a limit of that quarter takes the product out [quarters, products].

    Limits
    ------
    A product whose area or bandwidth is not known stays in unless another limit takes it out.
    """
    quarters = len(limits["tpp_limit"])
    blocked = np.zeros((quarters, len(products)))
    for i, product in enumerate(products):
        if not product.licensed:
            continue
        for name, measure in _measures(chips[product.chip]).items():
            if measure is not None:
                blocked[:, i] = np.maximum(blocked[:, i], measure >= limits[name])
    return blocked


def _measures(chip: Chip) -> dict[str, float | None]:
    from chipwall.units import GIGA, TERA

    tpp = max((rate / TERA * FORMAT_BITS[name] for name, rate in chip.rates().items()), default=None)
    area = chip.value("applicable_die_area")
    bandwidth = chip.value("memory_bandwidth")
    return {
        "tpp_limit": tpp,
        "density_limit": tpp / (area / 1e-6) if tpp is not None and area else None,
        "bandwidth_limit": bandwidth / GIGA if bandwidth else None,
    }
