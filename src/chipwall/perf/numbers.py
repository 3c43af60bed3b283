"""The word "numeric": a float or an array of floats; every formula takes either and broadcasts."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Numeric"]

Numeric = float | int | NDArray[np.floating[Any]] | NDArray[np.integer[Any]]
