"""Performance limits: which products a limit or a draft rule takes out of reach."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from chipwall.catalog.records import Chip
from chipwall.controls.measures import dram_bandwidth, performance_density, total_processing_performance
from chipwall.market.model.products import Product
from chipwall.market.model.quarters import quarter_name

if TYPE_CHECKING:
    from chipwall.controls.draft import Draft
    from chipwall.controls.law import Law

__all__ = ["drafted_out", "over_limits"]

Array = NDArray[np.float64]


def over_limits(
    products: tuple[Product, ...],
    chips: Mapping[str, Chip],
    limits: Mapping[str, Array],
    drafts: Sequence[tuple[int, int, Draft]] = (),
    law: Law | None = None,
) -> Array:
    """1 where a limit or a draft of that quarter takes the product out [quarters, products].

    Parameters
    ----------
    limits : mapping of str to array [quarters]
        ``tpp_limit`` [TPP], ``density_limit`` [TPP/mm2], ``bandwidth_limit`` [GB/s]; at or above it a product is out.
    drafts : sequence of (int, int, Draft)
        First and last quarter, and the draft rule.
    law : Law, optional
        The law that drafts change; needed where there are any.

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
                blocked[:, i] = np.maximum(blocked[:, i], float(measure) >= limits[name])
    for begin, end, draft in drafts:
        assert law is not None
        for i, product in enumerate(products):
            if product.licensed and drafted_out(chips[product.chip], draft=draft, law=law, quarter=begin):
                blocked[begin : end + 1, i] = 1.0
    return blocked


def _measures(chip: Chip) -> dict[str, Decimal | None]:
    return {
        "tpp_limit": total_processing_performance(chip).value,
        "density_limit": performance_density(chip).value,
        "bandwidth_limit": dram_bandwidth(chip).value,
    }


def drafted_out(chip: Chip, *, draft: Draft, law: Law, quarter: int) -> bool:
    """Whether a draft rule tightens the answer for this chip, sold to China by the middle of a quarter.

    The question goes to :func:`chipwall.controls.draft.evaluate_draft`; a draft that frees a chip takes nothing out.
    """
    from chipwall.controls.draft import evaluate_draft

    name = quarter_name(quarter)
    middle = date(int(name[:4]), 3 * int(name[5]) - 1, 15)
    crossings = evaluate_draft(draft, [chip], max(middle, draft.effective), law=law)
    return any(crossing.caught for crossing in crossings)
