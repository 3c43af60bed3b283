"""The word "numeric": a float or an array of floats; every formula takes either and broadcasts.

It is ``Any`` to the type checker, because the same functions also take quantities of a unit library in the dimension
test and arguments of a compiler in the ``fast`` extra.
"""

from __future__ import annotations

from typing import Any

__all__ = ["BF16_BYTES", "MULTIPLY_ADD", "Numeric", "smooth_maximum"]

Numeric = Any

# Numbers with a unit that formulas would otherwise hide in a bare 2; the dimension test gives them their units.
MULTIPLY_ADD = 2.0  # work of one multiply and one add [flop]
BF16_BYTES = 2.0  # bytes of a 16-bit number [byte]


def smooth_maximum(a: Any, b: Any) -> Any:
    """The fourth-power mean sum of two times: their maximum where they differ, 19 % more where they are equal [s]."""
    a2, b2 = a * a, b * b
    # the root as a power: a plain number stays one
    return ((a2 * a2 + b2 * b2) ** 0.5) ** 0.5
