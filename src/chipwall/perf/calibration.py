"""Fitted constants: what they are, where they hold, and what a chip gets.

A :class:`Constant` is one number of one kernel formula, ``gemm.efficiency`` for example. Its value for a chip, a recipe
and an engine is

    value = low + (high - low) * expit(x)        (bounded)
    x     = level + slope * ln(TDP W / peak TFLOP/s) + sum of the offsets that apply

so a chip that nobody measured gets the law and the offset of its vendor and architecture, if there are any. Every
constant says its unit, its physical bounds, how many rows are behind it and its spread; the file is
``data/calibration.toml`` and ``chipwall calibrate`` writes it again from the measurements.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from math import exp, log
from typing import TYPE_CHECKING

from chipwall.perf.load import calibration_table
from chipwall.perf.numbers import Numeric
from chipwall.perf.recipes import RECIPES
from chipwall.units import TERA

if TYPE_CHECKING:
    from chipwall.perf.hardware import Hardware

__all__ = ["Calibration", "Constant", "calibration", "offset_key"]


def offset_key(**labels: str) -> str:
    """The name of an offset: ``arch=hopper,recipe=fp8``; labels in alphabetical order."""
    return ",".join(f"{kind}={label}" for kind, label in sorted(labels.items()))


@dataclass(frozen=True, slots=True)
class Constant:
    """One fitted number and where it holds.

    Attributes
    ----------
    name : str
        ``<kernel>.<quantity>``.
    unit : str
        Unit of the value; ``1`` for a ratio.
    low, high : float
        Physical bounds of the value, in that unit.
    level : float
        Where the value stands between the bounds for a typical chip, as a log odds [1].
    slope : float
        Change of the log odds per unit of ln(TDP in watts / peak TFLOP/s) [1].
    offsets : mapping of str to float
        Changes of the log odds by label [1].
    rows : int
        Measurements behind it.
    spread : float
        Standard deviation of the log odds over the folds of the cross-validation [1].
    by_recipe : bool
        Whether the value is resolved for each recipe.
    """

    name: str
    unit: str
    low: float
    high: float
    level: float
    slope: float = 0.0
    offsets: Mapping[str, float] = field(default_factory=dict)
    rows: int = 0
    spread: float = 0.0
    by_recipe: bool = False
    logarithmic: bool = False
    note: str = ""

    def value(self, labels: Mapping[str, str], *, watts_per_teraflop: float = 1.0) -> float:
        """The constant for a chip, recipe and engine [unit of the constant]."""
        x = self.level + self.slope * log(watts_per_teraflop)
        for key, offset in self.offsets.items():
            if all(labels.get(kind) == label for kind, label in (part.split("=", 1) for part in key.split(","))):
                x += offset
        share = 1.0 / (1.0 + exp(-x))
        if self.logarithmic:
            return self.low * (self.high / self.low) ** share
        return self.low + (self.high - self.low) * share


@dataclass(frozen=True, slots=True)
class Calibration:
    """All constants of one fit.

    Attributes
    ----------
    constants : mapping of str to Constant
        By name.
    bands : mapping of str to tuple of float
        80 % band by class: factors (low, high) on the predicted value [1].
    data : str
        Which measurements it was fitted on.
    """

    constants: Mapping[str, Constant] = field(hash=False)
    bands: Mapping[str, tuple[float, float]] = field(hash=False, default_factory=dict)
    data: str = ""

    def resolved(self, hw: Hardware, *, engine: str = "") -> dict[str, Numeric]:
        """Every constant as it holds for one chip and engine, by ``<kernel>[.<recipe>].<quantity>``."""
        found: dict[str, Numeric] = {}
        chip_labels = {"vendor": hw.vendor, "arch": hw.arch, "chip": hw.id, "engine": engine}
        for constant in self.constants.values():
            kernel, quantity = constant.name.split(".", 1)
            if not constant.by_recipe:
                found[constant.name] = constant.value(chip_labels, watts_per_teraflop=_power_ratio(hw, "bf16"))
                continue
            for name, how in RECIPES.items():
                labels = {**chip_labels, "recipe": name}
                ratio = _power_ratio(hw, how.maths)
                found[f"{kernel}.{name}.{quantity}"] = constant.value(labels, watts_per_teraflop=ratio)
        return found


def _power_ratio(hw: Hardware, number_format: str) -> float:
    """Rated power over the peak of a format [W per TFLOP/s]; that of the fastest 16-bit format if the chip lacks it."""
    peak = hw.peaks[number_format]
    if not peak > 0:
        peak = max((p for p in hw.peaks.values() if p > 0), default=TERA)
    return float(hw.tdp / (peak / TERA))


@lru_cache(maxsize=1)
def calibration() -> Calibration:
    """The shipped constants."""
    table = calibration_table()
    constants = {}
    for name, entry in table["constants"].items():
        constants[name] = Constant(name=name, **entry)
    bands = {name: (float(b[0]), float(b[1])) for name, b in table.get("bands", {}).items()}
    return Calibration(constants=constants, bands=bands, data=str(table.get("data", "")))
