"""Fitted constants: what they are, where they hold, and what a chip gets.

A :class:`Constant` is one number of one kernel formula, ``gemm.efficiency`` for example. Its value for a chip, a recipe
and an engine is

    value = low + (high - low) * expit(x)        or, where logarithmic, low * (high / low) ** expit(x)
    x     = level + slope * ln(TDP W / peak TFLOP/s) + sum of the offsets whose labels all hold
            + years of the software after 2025 * sum of the trends whose labels all hold

so a chip that nobody measured gets the law and the offset of its vendor and architecture, if there are any. Every
constant says its unit, its physical bounds, how many rows are behind it and its spread; the file is
``data/calibration.toml`` and ``chipwall calibrate`` writes it again from the measurements.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from math import exp, log
from typing import Literal, Protocol

from chipwall.perf.efficiency import watts_per_teraflop
from chipwall.perf.formats import RECIPES
from chipwall.perf.load import library_of, reducing_engine
from chipwall.perf.numeric import Numeric

__all__ = [
    "COLLECTIVE_OPS",
    "EPOCH",
    "By",
    "Calibration",
    "Constant",
    "Familiarity",
    "Silicon",
    "constants_of",
    "offset_key",
]

By = Literal["", "recipe", "op"]
Familiarity = Literal["seen", "unseen chip", "unseen architecture"]
# Year from which trends in the date of software are counted.
EPOCH = 2025.0
COLLECTIVE_OPS = ("all_reduce", "all_gather", "reduce_scatter", "all_to_all")


class Silicon(Protocol):
    """What a constant may depend on of a chip; :class:`~chipwall.perf.device.Hardware` is one."""

    @property
    def vendor(self) -> str:
        """Maker, lower case."""

    @property
    def arch(self) -> str:
        """Kind of silicon."""

    @property
    def family(self) -> str:
        """Family of the catalogue, lower case."""

    @property
    def peaks(self) -> Mapping[str, Numeric]:
        """Dense peak rate by format [flop/s]."""

    @property
    def tdp(self) -> Numeric:
        """Rated power [W]."""


def offset_key(labels: Mapping[str, str]) -> str:
    """The name of an offset: ``arch=hopper,recipe=fp8``; labels in alphabetical order."""
    return ",".join(f"{kind}={label}" for kind, label in sorted(labels.items()))


Cases = tuple[tuple[tuple[tuple[str, str], ...], float], ...]


def _taken_apart(by_label: Mapping[str, float]) -> Cases:
    return tuple(
        (tuple((kind, label) for kind, _, label in (part.partition("=") for part in key.split(",") if part)), value)
        for key, value in by_label.items()
    )


def _held(cases: Cases, labels: Mapping[str, str]) -> float:
    """Sum of the values whose labels all hold."""
    total = 0.0
    for case, value in cases:
        for kind, label in case:
            if labels.get(kind) != label:
                break
        else:
            total += value
    return total


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
    trends : mapping of str to float
        Changes of the log odds per year of the software's date after :data:`EPOCH`, by label; ``""`` for all [1/year].
    rows : int
        Measurements behind it.
    spread : float
        Standard deviation of the level over the folds of the cross-validation [1].
    by : str
        What the value is resolved for besides the chip: ``recipe``, ``op`` or nothing.
    logarithmic : bool
        Whether the bounds are crossed on a logarithmic scale.
    peak : str
        Format whose peak the power ratio is taken at; by default that of the recipe's maths.
    """

    name: str
    unit: str
    low: float
    high: float
    level: float
    slope: float = 0.0
    offsets: Mapping[str, float] = field(default_factory=dict, hash=False)
    rows: int = 0
    spread: float = 0.0
    by: By = ""
    logarithmic: bool = False
    peak: str = ""
    note: str = ""
    trends: Mapping[str, float] = field(default_factory=dict, hash=False)
    # the offsets with their keys taken apart once: a chip resolves two thousand values
    _cases: Cases = field(init=False, repr=False, compare=False)
    _trends: Cases = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_cases", _taken_apart(self.offsets))
        object.__setattr__(self, "_trends", _taken_apart(self.trends))

    def value(self, labels: Mapping[str, str], *, power_ratio: float = 1.0, year: float = EPOCH) -> float:
        """The constant where ``labels`` hold, at a power ratio in W per TFLOP/s and a date [unit of the constant]."""
        x = self.level + self.slope * log(power_ratio) + _held(self._cases, labels)
        if self._trends:
            x += (year - EPOCH) * _held(self._trends, labels)
        share = 1.0 / (1.0 + exp(-x))
        if self.logarithmic:
            return float(self.low * (self.high / self.low) ** share)
        return self.low + (self.high - self.low) * share


@dataclass(frozen=True, slots=True)
class Calibration:
    """All constants of one fit.

    Attributes
    ----------
    constants : mapping of str to Constant
        By name.
    bands : mapping of str to tuple of float
        80 % band by class: factors (low, high) on the predicted time [1].
    seen : mapping of str to tuple of str
        Per kernel, the chips behind it as ``arch/family``.
    data : str
        Which measurements it was fitted on.
    """

    constants: Mapping[str, Constant] = field(hash=False)
    seen: Mapping[str, tuple[str, ...]] = field(hash=False, default_factory=dict)
    bands: Mapping[str, tuple[float, float]] = field(hash=False, default_factory=dict)
    data: str = ""

    def familiarity(self, kernel: str, hw: Silicon) -> Familiarity:
        """Whether the chip, or at least its architecture, is among the fitted ones of a kernel."""
        chips = self.seen.get(kernel, ())
        if f"{hw.arch}/{hw.family}" in chips:
            return "seen"
        return "unseen chip" if any(name.startswith(f"{hw.arch}/") for name in chips) else "unseen architecture"

    def resolved(self, hw: Silicon, *, engine: str = "") -> dict[str, Numeric]:
        """Every constant as it holds for one chip and engine, by ``<kernel>[.<recipe or op>].<quantity>``."""
        return {name: value for constant in self.constants.values() for name, value in _resolved(constant, hw, engine)}


def _resolved(constant: Constant, hw: Silicon, engine: str) -> Iterator[tuple[str, float]]:
    kernel, quantity = constant.name.split(".", 1)
    labels = {"vendor": hw.vendor, "arch": hw.arch, "family": hw.family, "engine": engine}
    if constant.by == "recipe":
        for name, how in RECIPES.items():
            labels |= {"recipe": name, "library": library_of(kernel, engine, hw.arch, name)}
            ratio = watts_per_teraflop(hw.peaks, hw.tdp, constant.peak or how.maths)
            yield f"{kernel}.{name}.{quantity}", constant.value(labels, power_ratio=ratio)
        return
    ratio = watts_per_teraflop(hw.peaks, hw.tdp, constant.peak or "bf16")
    if constant.by == "op":
        for op in COLLECTIVE_OPS:
            yield f"{kernel}.{op}.{quantity}", constant.value({**labels, "op": op}, power_ratio=ratio)
        return
    labels["library"] = library_of(kernel, engine, hw.arch, "bf16")
    if kernel == "reduce":
        labels["engine"] = reducing_engine(engine, hw.arch)
    yield constant.name, constant.value(labels, power_ratio=ratio)


def constants_of(table: Mapping[str, Mapping[str, object]]) -> dict[str, Constant]:
    """Constants from the ``constants`` table of a file."""
    return {name: Constant(name=name, **entry) for name, entry in table.items()}  # type: ignore[arg-type]
