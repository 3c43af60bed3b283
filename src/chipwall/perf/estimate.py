"""What every question about performance gets back: :class:`Estimate`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import isclose, isfinite
from typing import Any, Literal

from chipwall.errors import Unknown
from chipwall.text import text

__all__ = ["Basis", "Bound", "Estimate", "Part", "interval"]

Basis = Literal["measured", "calibrated", "extrapolated", "limit"]
Bound = Literal["compute", "memory", "network", "host"]


@dataclass(frozen=True, slots=True)
class Part:
    """One line of a breakdown: what it is, how long it takes [s] (or how many bytes), and what binds it."""

    name: str
    value: float
    bound: Bound | Literal[""] = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number with its interval, its basis and where it comes from.

    Attributes
    ----------
    quantity : str
        What it is: ``output_tokens_per_s``, ``step_time``.
    value, low, high : float
        The estimate and its 80 % interval, SI.
    unit : str
        SI unit of the three.
    basis : str
        ``measured`` a published row of this very setup; ``calibrated`` this architecture was fitted; ``extrapolated``
        nothing like it was fitted; ``limit`` physics only.
    bound : str
        What takes most of the time: compute, memory, network or host.
    breakdown : tuple of Part
        Parts in the unit of ``breakdown_unit``; they sum to ``breakdown_total``.
    breakdown_total : float
        What the parts sum to [s] (a step time, where the value is a rate).
    inputs : mapping
        What was asked and what was assumed.
    nearest : tuple of mapping
        The nearest measured rows: id, what, value.
    sources : tuple of str
        Ids of the sources used.
    notes : tuple of str
        Limits and warnings, translatable.
    """

    quantity: str
    value: float
    unit: str
    low: float
    high: float
    basis: Basis
    bound: Bound
    breakdown: tuple[Part, ...] = ()
    breakdown_total: float = 0.0
    breakdown_unit: str = "s"
    inputs: Mapping[str, Any] = field(default_factory=dict, hash=False)
    nearest: tuple[Mapping[str, Any], ...] = ()
    sources: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        total = sum(part.value for part in self.breakdown)
        if not all(isfinite(v) for v in (self.value, self.low, self.high, total)):
            raise Unknown(
                text("{quantity} cannot be computed: a number that it needs is not known", quantity=self.quantity),
                fix=text("Ask for a precision that the chip computes in, or for another chip"),
            )
        if self.breakdown:
            assert isclose(total, self.breakdown_total, rel_tol=1e-9, abs_tol=1e-15), "parts do not sum to the total"

    def as_json(self) -> dict[str, Any]:
        """The record as plain JSON values; translatable notes in English."""
        return {
            "quantity": self.quantity,
            "value": self.value,
            "unit": self.unit,
            "low": self.low,
            "high": self.high,
            "basis": self.basis,
            "bound": self.bound,
            "breakdown": [{"name": p.name, "value": p.value, "bound": p.bound, "note": p.note} for p in self.breakdown],
            "breakdown_total": self.breakdown_total,
            "breakdown_unit": self.breakdown_unit,
            "inputs": dict(self.inputs),
            "nearest": [dict(row) for row in self.nearest],
            "sources": list(self.sources),
            "notes": [str(note) for note in self.notes],
        }


def interval(
    value: float, *classes: str, bands: Mapping[str, tuple[float, float]], inverse: bool = False
) -> tuple[float, float]:
    """The 80 % interval of a prediction: the band of the first of ``classes`` that has one.

    ``inverse`` is for rates, where the band is on the time behind them.
    """
    low, high = next((bands[name] for name in classes if name in bands), (0.5, 2.0))
    return (value / high, value / low) if inverse else (value * low, value * high)
