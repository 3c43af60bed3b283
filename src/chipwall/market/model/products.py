"""What can be bought: the products of the simulation, their platforms and their counted record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from chipwall.market.model.quarters import quarter_index

__all__ = ["PLATFORMS", "SEGMENTS", "Product", "platform_slices", "product_of_row"]

# Order matters: products of one platform lie side by side, so that a nest is a slice.
PLATFORMS = ("cuda", "rocm", "cann", "other")
SEGMENTS = ("hyperscalers", "labs", "state", "startups")
US_PLATFORMS = ("cuda", "rocm")


@dataclass(frozen=True, slots=True)
class Product:
    """A line of parts that buyers choose between.

    Attributes
    ----------
    chip : str
        Id in the catalogue.
    price : tuple of float
        5 and 95 percent points [USD per package].
    record_weight : float
        H100-equivalents per package as the counted record uses them (dense 8-bit) [1].
    rent_weight : float or None
        Rent relative to an H100 [1]; None where no quote exists.
    quality : tuple
        ``(quarter index, factor)`` points of a line whose mix changes; 1 throughout when empty.
    quality_growth : float
        Yearly factor after the last point [1/year].
    sold : tuple of int
        First and last quarter in which its maker offers it.
    dies, stacks : int
        Compute dies and memory stacks per package [1].
    """

    id: str
    name: str
    chip: str
    platform: str
    maker: str
    legal: bool
    price: tuple[float, float]
    record_weight: float
    rent_weight: float | None = None
    quality: tuple[tuple[int, float], ...] = ()
    quality_growth: float = 1.0
    dies: int = 0
    stacks: int = 0
    sold: tuple[int, int] = (0, 10**6)

    def sold_in(self, index: int) -> bool:
        """Whether its maker offers it in a quarter: made, or still in store, and not yet replaced."""
        return self.sold[0] <= index <= self.sold[1]

    @property
    def us(self) -> bool:
        """Whether a US firm designs it."""
        return self.platform in US_PLATFORMS

    @property
    def licensed(self) -> bool:
        """Whether it passes both gates: designed in the US and sold openly."""
        return self.us and self.legal

    def quality_at(self, index: int) -> float:
        """Service of one unit relative to the chip of the catalogue [1], by quarter index."""
        if not self.quality:
            return 1.0
        from math import log

        import numpy as np

        at, level = [p[0] for p in self.quality], [log(p[1]) for p in self.quality]
        inside = float(np.exp(np.interp(index, at, level)))
        beyond = max(index - at[-1], 0) / 4
        # a mix cannot outgrow the frontier for ever: growth halves every three years
        effective = 3 / log(2) * (1 - 0.5 ** (beyond / 3))
        return float(inside * self.quality_growth**effective)


def product_of_row(row: Mapping[str, Any]) -> Product:
    """A product from its record in ``data/products.toml``."""
    return Product(
        id=row["id"],
        name=row.get("name", row["id"]),
        chip=row["chip"],
        platform=row["platform"],
        maker=row["maker"],
        legal=bool(row.get("legal", True)),
        price=(float(row["price"]["low"]), float(row["price"]["high"])),
        record_weight=float(row["record_weight"]),
        rent_weight=row.get("rent_weight"),
        quality=tuple((quarter_index(q), float(v)) for q, v in row.get("quality", [])),
        quality_growth=float(row.get("quality_growth", 1.0)),
        dies=int(row.get("dies", 0)),
        stacks=int(row.get("stacks", 0)),
        sold=_window(row.get("sold", ["", ""])),
    )


def _window(sold: list[str]) -> tuple[int, int]:
    first, last = sold
    return (quarter_index(first) if first else 0, quarter_index(last) if last else 10**6)


def platform_slices(products: tuple[Product, ...]) -> tuple[slice, ...]:
    """Where each platform of :data:`PLATFORMS` lies in the list of products."""
    found = []
    for platform in PLATFORMS:
        at = [i for i, p in enumerate(products) if p.platform == platform]
        found.append(slice(at[0], at[-1] + 1) if at else slice(0, 0))
    return tuple(found)
