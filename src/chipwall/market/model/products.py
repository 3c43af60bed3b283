"""What can be bought: the products of the simulation, their platforms and their counted record."""

from __future__ import annotations

import csv
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from chipwall.market.model.quarters import quarter_index

__all__ = ["PLATFORMS", "SEGMENTS", "Product", "load_products", "load_record", "platform_slices"]

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


def _product(row: Mapping[str, Any]) -> Product:
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
    )


@cache
def load_products() -> tuple[Product, ...]:
    """The shipped products, sorted by platform in the order of :data:`PLATFORMS`."""
    words = (resources.files("chipwall.market") / "data" / "products.toml").read_text(encoding="utf-8")
    found = [_product(row) for row in tomllib.loads(words)["product"]]
    return tuple(sorted(found, key=lambda p: PLATFORMS.index(p.platform)))


def platform_slices(products: tuple[Product, ...]) -> tuple[slice, ...]:
    """Where each platform of :data:`PLATFORMS` lies in the list of products."""
    found = []
    for platform in PLATFORMS:
        at = [i for i, p in enumerate(products) if p.platform == platform]
        found.append(slice(at[0], at[-1] + 1) if at else slice(0, 0))
    return tuple(found)


@cache
def load_record() -> Mapping[str, Mapping[int, tuple[float, float, float]]]:
    """Counted deliveries by product and quarter index: value, 5 and 95 percent points [units]."""
    words = (resources.files("chipwall.market") / "data" / "record.csv").read_text(encoding="utf-8")
    found: dict[str, dict[int, tuple[float, float, float]]] = {}
    for row in csv.DictReader(words.splitlines()):
        numbers = (float(row["units"]), float(row["low"]), float(row["high"]))
        found.setdefault(row["product"], {})[quarter_index(row["quarter"])] = numbers
    return found
