"""The smaller, the larger and one of two, for plain numbers and for arrays.

Formulas take either. NumPy makes an array of every plain number that it touches, which costs a single question ten times
the arithmetic in it; these take the short way where both sides are plain numbers.
"""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["chosen", "greater", "lesser", "unwrapped"]


def lesser(a: Any, b: Any) -> Any:
    """The smaller of two numbers, or of each pair of entries; not a number where one of them is not."""
    if isinstance(a, float) and isinstance(b, float):
        return a if a <= b or a != a else b
    return np.minimum(a, b)


def greater(a: Any, b: Any) -> Any:
    """The larger of two numbers, or of each pair of entries; not a number where one of them is not."""
    if isinstance(a, float) and isinstance(b, float):
        return a if a >= b or a != a else b
    return np.maximum(a, b)


def chosen(test: Any, yes: Any, no: Any) -> Any:
    """``yes`` where a test holds and ``no`` where it does not."""
    if isinstance(test, bool | np.bool_):
        taken, other = (yes, no) if test else (no, yes)
        if isinstance(other, float) and isinstance(taken, float | np.ndarray):
            return taken
    return np.where(test, yes, no)


def unwrapped(value: Any) -> Any:
    """An array without a dimension as the number that it holds; anything else as it is."""
    return value[()] if isinstance(value, np.ndarray) and not value.ndim else value
