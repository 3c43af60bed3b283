"""Honest 80 % bands: quantiles of errors on rows that the fit did not see.

The errors come from fits that left out the row's whole group (a seen chip, another shape), the row's whole chip, or its
whole architecture. A prediction gets the band of its situation; each side has its own quantile, so a model that errs
more to one side says so. This is split conformal prediction with groups as the exchangeable unit [1]_.

References
----------
.. [1] V. Vovk, A. Gammerman, G. Shafer, "Algorithmic Learning in a Random World", Springer, 2005, chapter 4.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["COVERAGE", "FEWEST_ROWS", "band", "bands_by_class"]

COVERAGE = 0.8
# Fewer rows than this do not make a class of their own.
FEWEST_ROWS = 30


def band(
    log_errors: Sequence[float] | NDArray[Any], groups: Sequence[str] | NDArray[Any] | None = None, *,
    coverage: float = COVERAGE,
) -> tuple[float, float]:  # fmt: skip
    """Factors on a prediction between which the truth lies with that probability.

    Parameters
    ----------
    log_errors : sequence of float
        Natural log of predicted over measured, rows not fitted [1].
    groups : sequence of str, optional
        The group of each row (source, chip and model, for example). Rows of one group err together, so what the
        finite-sample correction counts is groups, not rows; each row is its own group by default.
    coverage : float
        Wanted share of truths inside [1].

    Returns
    -------
    tuple of float
        (low, high) factors on the prediction [1].

    Examples
    --------
    >>> [round(f, 3) for f in band([-0.1, -0.05, 0.0, 0.05, 0.1], coverage=0.8)]
    [0.905, 1.105]
    """
    errors = np.sort(np.asarray(log_errors, dtype=float))
    tail = (1.0 - coverage) / 2.0
    # one row (or one group of rows) more than there is: the finite-sample correction of conformal prediction, each side
    n = len(errors)
    more = n / (n if groups is None else len(set(np.asarray(groups).tolist())))
    upper = errors[min(int(np.ceil((1.0 - tail) * (n + more))) - 1, n - 1)]
    lower = errors[max(int(np.floor(tail * (n + more) - (more - 1.0))) - 1, 0)]
    return float(np.exp(-upper)), float(np.exp(-lower))


def bands_by_class(
    log_errors: Sequence[float] | NDArray[Any], classes: Sequence[str], groups: Sequence[str] | None = None, *,
    coverage: float = COVERAGE, pooled: str = "",
) -> dict[str, tuple[float, float]]:  # fmt: skip
    """A band for each class with at least :data:`FEWEST_ROWS` rows, and one for all rows under the name ``pooled``."""
    owner = None if groups is None else np.asarray(groups)
    errors, names = np.asarray(log_errors, dtype=float), np.asarray(classes)
    usable = np.isfinite(errors)
    found = {}
    if pooled and usable.any():
        found[pooled] = band(errors[usable], None if owner is None else owner[usable], coverage=coverage)
    for name in sorted(set(names[usable].tolist())):
        rows = usable & (names == name)
        if name and not name.endswith("/") and rows.sum() >= FEWEST_ROWS:
            found[name] = band(errors[rows], None if owner is None else owner[rows], coverage=coverage)
    return found
