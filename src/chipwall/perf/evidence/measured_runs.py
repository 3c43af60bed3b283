"""The measured runs as answers need them: what the nearest ones say of a question."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from chipwall.catalog.records import LanguageModel
from chipwall.perf.device import Hardware
from chipwall.perf.evidence.basis import Experience, QuestionStanding, standing, standings
from chipwall.perf.evidence.index import EvidenceIndex, index_of
from chipwall.perf.evidence.likeness import Traits, traits

if TYPE_CHECKING:
    from chipwall.perf.evidence.training import TrainingSetup

__all__ = ["MeasuredRuns"]

Rows = Sequence[Mapping[str, str]]


@dataclass(frozen=True)
class MeasuredRuns:
    """Measured runs of serving, training and science; the :class:`~chipwall.perf.calibrated.Evidence` of the engines.

    Attributes
    ----------
    served : str
        The table of serving runs and their left-out errors, as :mod:`chipwall.perf.fitting.evidence_file` writes it.
    stretches : mapping of str to float
        How far the quantiles of a class are drawn apart [1].
    trained, computed : callable
        Rows of training runs and of scientific kernels in the shared columns.
    """

    served: str
    stretches: Mapping[str, float]
    trained: Callable[[], Rows]
    computed: Callable[[], Rows]

    @cached_property
    def index(self) -> EvidenceIndex:
        """The serving runs with their traits."""
        return index_of(self.served)

    @property
    def served_rows(self) -> Rows:
        """The serving runs, cells as text."""
        return self.index.rows

    @cached_property
    def experience(self) -> Experience:
        """What the serving runs and the stretches say together."""
        return Experience(self.index, self.stretches)

    @cached_property
    def _runs(self) -> tuple[TrainingSetup, ...]:
        from chipwall.perf.evidence.training_nearest import timed_runs  # no question about serving pays for it

        return timed_runs(self.trained())

    def standing(self, **asked: Any) -> QuestionStanding:
        """How a serving question stands to the measured runs; arguments of :func:`chipwall.perf.evidence.likeness.traits`."""
        return self.standing_of(traits(**asked))

    def standing_of(self, asked: Traits) -> QuestionStanding:
        """How a question with these traits stands."""
        return standing(asked, self.experience)

    def standings_of(self, asked: Sequence[Traits]) -> list[tuple[float, float, float]]:
        """Of each of many questions: the distance to the nearest rows, and the band as factors on its value [1]."""
        return standings(asked, self.experience)

    def trained_alike(
        self, model: LanguageModel, hw: Hardware, *, weights: float, recipe: str, count: int = 3
    ) -> tuple[Mapping[str, Any], ...]:
        """The measured training runs most like one; see :class:`chipwall.perf.calibrated.Evidence`."""
        from chipwall.perf.evidence.training_nearest import nearest_runs

        return nearest_runs(self._runs, model, hw, weights=weights, recipe=recipe, count=count)

    def computed_alike(self, kind: str, family: str) -> tuple[Mapping[str, Any], ...]:
        """Measured scientific kernels of a kind on a family of chips."""
        from chipwall.perf.evidence.hpc import computed_alike as alike

        return alike(self.computed(), kind, family)
