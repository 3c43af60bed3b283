"""Everything fitted that the engines need, as one record: :class:`Calibrated`.

Engines take it as an argument. They read no file for it, so that an answer depends on what is asked and on this record
alone; :mod:`chipwall.perf.shipped` makes the one that comes with the package, and a site may fit its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, Protocol

from chipwall.perf.constants import Calibration, Constant

if TYPE_CHECKING:
    from chipwall.catalog.records import LanguageModel
    from chipwall.perf.device import Hardware
    from chipwall.perf.estimate import Basis

__all__ = ["Calibrated", "Evidence", "OverheadConstants", "ServingConstants", "Standing", "TrainingConstants"]


@dataclass(frozen=True, slots=True)
class ServingConstants:
    """The step and host constants of serving, fitted on end-to-end rows beside frozen constants of the hardware.

    A constant has a level for everybody, offsets by architecture or engine family and a trend in the date of the engine,
    which the fit pulls towards zero; what each is, and what was believed before the fit, stands in
    ``data/priors_serving.toml``.

    Attributes
    ----------
    constants : mapping of str to Constant
        By name.
    dates : mapping of str to tuple of float
        Years of the first and the last release of each engine that measured runs are known of, and of ``all``.
    """

    constants: Mapping[str, Constant]
    dates: Mapping[str, tuple[float, float]]

    def year(self, engine: str, year: float | None = None) -> float:
        """The date at which an engine's constants are taken [year]: what is asked, within the dates of its measured runs."""
        first, last = self.dates.get(engine, self.dates["all"])
        return last if year is None else min(max(year, first), last)

    def at(
        self,
        arch: str,
        engine: str,
        year: float | None = None,
        recipe: str = "",
        flags: str = "tuned",
        *,
        chip: str = "",
    ) -> dict[str, float]:
        """Every constant as it holds for an architecture, an engine family and the date of its release.

        Parameters
        ----------
        arch, engine : str
            Kind of silicon, and a key of :data:`chipwall.perf.serving.engines.ENGINES`.
        year : float, optional
            Date of the engine as a year; today's software by default.
        recipe : str
            Recipe of the routed experts, or of the feed-forward blocks of a dense model: engines have kernels by format.
        flags : str
            ``tuned`` for the load, or ``default`` as the engine starts without any.
        chip : str
            Id of the chip: a site's own constants may hold for it alone.
        """
        labels = {"arch": arch, "engine": engine, "recipe": recipe, "flags": flags, "chip": chip}
        at = self.year(engine, year)
        return {name: constant.value(labels, year=at) for name, constant in self.constants.items()}


@dataclass(frozen=True, slots=True)
class TrainingConstants:
    """The constants of the training step, fitted on end-to-end rows on top of the frozen constants of kernels.

    Attributes
    ----------
    constants : mapping of str to Constant
        By name.
    bands : mapping of str to tuple of float
        80 % bands by class: factors (low, high) on a predicted step time [1].
    kinds : frozenset of str
        Kinds of runs behind them as ``arch/dense`` or ``arch/moe``.
    left_out : mapping of str to float
        Natural log of predicted over measured step time by row, from fits that left out the row's group [1].
    """

    constants: Mapping[str, Constant]
    bands: Mapping[str, tuple[float, float]]
    kinds: frozenset[str]
    left_out: Mapping[str, float]

    def at(self, labels: Mapping[str, str]) -> dict[str, float]:
        """Every step constant as it holds for one setup [unit of the constant]."""
        return {name: constant.value(labels) for name, constant in self.constants.items()}

    def was_fitted(self, arch: str, *, experts: bool) -> bool:
        """Whether runs of this kind of model on this kind of silicon stand behind the constants."""
        return f"{arch}/{'moe' if experts else 'dense'}" in self.kinds

    @property
    def software(self) -> frozenset[str]:
        """Families of training software that some constant tells apart."""
        labels = (label for c in self.constants.values() for key in c.offsets for label in key.split(","))
        return frozenset(label.removeprefix("software=") for label in labels if label.startswith("software="))


@dataclass(frozen=True, slots=True)
class OverheadConstants:
    """What serving engines keep of the memory, fitted on public start-up logs.

    Attributes
    ----------
    constants : mapping of str to Constant
        By name.
    band : tuple of float
        80 % band of the room for the cache, in units of its scale (the overhead, and a hundredth of the weights) [1].
    """

    constants: Mapping[str, Constant]
    band: tuple[float, float]

    def at(self, engine: str, sampler: str = "lean") -> dict[str, float]:
        """The constants as they hold for an engine; ``sampler`` is ``lean`` (vLLM 0.17 and later) or ``full``."""
        labels = {"engine": engine, "sampler": sampler if engine.startswith("vllm") else ""}
        return {name: constant.value(labels) for name, constant in self.constants.items()}


class Standing(Protocol):
    """How a question stands to the measurements: its band, what its basis is called, and the nearest runs."""

    def band(self, metric: str) -> tuple[float, float]:
        """Factors on the predicted value between which the truth lies in 80 % of cases [1]."""

    def basis(self, metric: str, *, chips: float = 0.0) -> Basis:
        """``measured`` where a run of this very setup is known, else what the distance says."""

    def nearest(self, count: int = 3) -> tuple[Mapping[str, Any], ...]:
        """The rows most like the question."""


class Evidence(Protocol):
    """The measured runs behind the constants, as far as answers need them."""

    @property
    def served_rows(self) -> Sequence[Mapping[str, str]]:
        """The serving runs, cells as text: ``id``, ``metric``, ``value``, ``source`` and what the run is like."""

    def standing(
        self, *, hw: Hardware, engine: str, model: LanguageModel, precision: str, regime: str, tensor: float,
        load: float | None, context: float, year: float | None,
    ) -> Standing:  # fmt: skip
        """How a serving question stands to the measured runs; arguments as in :func:`chipwall.perf.evidence.likeness.traits`."""

    def standings_of(self, asked: Sequence[Any]) -> list[tuple[float, float, float]]:
        """Of each of many :class:`~chipwall.perf.evidence.likeness.Traits`: distance, and band as factors on the value [1]."""

    def trained_alike(
        self, model: LanguageModel, hw: Hardware, *, weights: float, recipe: str, count: int = 3
    ) -> tuple[Mapping[str, Any], ...]:
        """The measured training runs most like one: ``weights`` are the active ones [1], ``recipe`` the products' format."""

    def computed_alike(self, kind: str, family: str) -> tuple[Mapping[str, Any], ...]:
        """Measured scientific kernels of a kind on a family of chips."""


class Calibrated:
    """All that is fitted, each part made when it is first asked for and the same ever after.

    Parameters
    ----------
    parts : mapping of str to callable
        How each attribute is made, by its name.

    Attributes
    ----------
    kernels : Calibration
        Constants of kernels, links and scientific codes.
    serving : ServingConstants
        Constants of serving steps.
    training : TrainingConstants
        Constants of training steps.
    overhead : OverheadConstants
        What engines keep of the memory.
    evidence : Evidence
        The runs behind them: bands, basis and nearest rows of an answer.
    """

    def __init__(self, parts: Mapping[str, Callable[[], Any]]) -> None:
        self._parts = dict(parts)

    def __reduce__(self) -> tuple[type[Calibrated], tuple[dict[str, Callable[[], Any]]]]:
        """A copy in another process makes its parts anew."""
        return Calibrated, (self._parts,)

    def with_(self, **parts: Any) -> Calibrated:
        """The same record with some parts in place of its own."""
        return Calibrated({**self._parts, **{name: partial(_same, part) for name, part in parts.items()}})

    @cached_property
    def kernels(self) -> Calibration:
        """Constants of kernels, links and scientific codes."""
        found: Calibration = self._parts["kernels"]()
        return found

    @cached_property
    def serving(self) -> ServingConstants:
        """Constants of serving steps."""
        found: ServingConstants = self._parts["serving"]()
        return found

    @cached_property
    def training(self) -> TrainingConstants:
        """Constants of training steps."""
        found: TrainingConstants = self._parts["training"]()
        return found

    @cached_property
    def overhead(self) -> OverheadConstants:
        """What engines keep of the memory."""
        found: OverheadConstants = self._parts["overhead"]()
        return found

    @cached_property
    def evidence(self) -> Evidence:
        """The runs behind them."""
        found: Evidence = self._parts["evidence"]()
        return found


def _same(part: Any) -> Any:
    return part
