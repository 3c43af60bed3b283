"""The word "numeric": a float or an array of floats; every formula takes either and broadcasts.

It is ``Any`` to the type checker, because the same functions also take quantities of a unit library in the dimension
test and arguments of a compiler in the ``fast`` extra.
"""

from __future__ import annotations

from typing import Any

__all__ = ["Numeric"]

Numeric = Any
