"""What a run writes down, and the quantities that follow from it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from chipwall.market.model.products import Product
from chipwall.market.model.service import SERVICE_BASES

__all__ = ["GROUPS", "QuarterLedger"]

Array = NDArray[np.float64]
GROUPS = ("us", "grey", "huawei", "cambricon", "domestic", "total")


def _belongs(product: Product, group: str) -> bool:
    return {
        "us": product.licensed,
        "grey": product.us and not product.legal,
        "huawei": product.maker == "huawei",
        "cambricon": product.maker == "cambricon",
        "domestic": not product.us,
        "total": True,
    }[group]


class QuarterLedger:
    """Arrays by quarter: one row per plain quantity, one block of rows per quantity that each product has.

    Parameters
    ----------
    products : tuple of Product
        Rows of the product arrays.
    by_basis : array [bases, products]
        H100-equivalents per unit [1].
    quarters, draws : int
        Shape of the run.
    """

    def __init__(self, products: tuple[Product, ...], *, by_basis: Array, quarters: int, draws: int) -> None:
        self.products, self.quarters, self.draws = products, quarters, draws
        self.rows: dict[str, Array] = {}
        # money and units of each product, as they are sold and as they are offered
        self.by_product = {k: np.empty((quarters, len(products), draws)) for k in ("delivered", "spending", "offered")}
        self.members = np.array([[float(_belongs(p, g)) for p in products] for g in GROUPS])
        weights = by_basis[:, None, :] * self.members[None]
        self._weights = weights.reshape(-1, len(products))
        self._stocks = np.empty((quarters, len(self._weights), draws))

    def write(self, t: int, **values: Array) -> None:
        """Put plain quantities of one quarter down."""
        for name, value in values.items():
            row = self.rows.get(name)
            if row is None:
                row = self.rows[name] = np.empty((self.quarters, self.draws))
            row[t] = value

    def write_products(self, t: int, **values: Array) -> None:
        """Put a quantity of every product down, [products, draws]."""
        for name, value in values.items():
            self.by_product[name][t] = value

    def write_stock(self, t: int, in_use: Array) -> None:
        """Put the equivalents of the stock [products, draws] down, by basis and group."""
        np.matmul(self._weights, in_use, out=self._stocks[t])

    def quantities(self, quality: Array) -> dict[str, Array]:
        """Everything written and what follows from it, each [quarters, draws].

        Parameters
        ----------
        quality : array [quarters, products]
            Service of one unit relative to the chip of the catalogue [1].
        """
        found = dict(self.rows)
        for kind, values in self.by_product.items():
            for i, product in enumerate(self.products):
                found[f"{kind}_{product.id}"] = values[:, i]
        for kind in ("delivered", "spending"):
            sums = np.matmul(self.members, self.by_product[kind])
            found |= {f"{kind}_{group}": sums[:, i] for i, group in enumerate(GROUPS)}
        for group in GROUPS:
            found[f"cumulative_{group}"] = np.cumsum(found[f"delivered_{group}"], axis=0)
        names = [f"h100e_{basis}_{group}" for basis in SERVICE_BASES for group in GROUPS]
        found |= {name: self._stocks[:, i] for i, name in enumerate(names)}
        for basis in SERVICE_BASES:
            found[f"h100e_{basis}_with_offshore"] = found[f"h100e_{basis}_total"] + found["offshore_h100e"]
        self._counted(found, quality)
        _shares(found)
        return found

    def _counted(self, found: dict[str, Array], quality: Array) -> None:
        """Cumulated H100-equivalents in the definition of the counted record: 8-bit weights, no retirement."""
        groups = {
            "legal": [p.licensed and p.maker == "nvidia" for p in self.products],
            "grey": [not p.legal for p in self.products],
            "huawei": [p.maker == "huawei" for p in self.products],
            "cambricon": [p.maker == "cambricon" for p in self.products],
        }
        weights = quality * np.array([p.record_weight for p in self.products])
        members = np.array(list(groups.values()), dtype=float)[None] * weights[:, None, :]
        counted = np.cumsum(np.matmul(members, self.by_product["delivered"]), axis=0)
        found |= {f"cumulative_h100e_{name}": counted[:, i] for i, name in enumerate(groups)}


def _ratio(part: Array, whole: Array) -> Array:
    return np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)


def _shares(f: dict[str, Array]) -> None:
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
    f["us_share_legal"] = _ratio(f["spending_us"], f["spending_us"] + f["spending_domestic"])
    f["us_share_new_legal"] = _ratio(f["spending_us"], f["spending_total"])
    f["us_share_world_new"] = _ratio(f["outside_new_h100e"], f["outside_new_h100e"] + f["inside_new_h100e"])
    f["gap_new"] = _ratio(_year(f["outside_new_h100e"]), np.maximum(_year(f["inside_new_h100e"]), 1.0))
    f["fill_rate"] = np.minimum(_ratio(f["spending_total"], f["budget"] + f["additional"]), 1.0)


def _year(flow: Array) -> Array:
    """A flow over the last four quarters; over fewer at the start."""
    total = np.cumsum(flow, axis=0)
    total[4:] = total[4:] - total[:-4].copy()
    return total
