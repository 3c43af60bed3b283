"""What claims are evaluated against: facts, law, market book, and the engines that run on them.

Nothing else is read, so a changed fact is a changed :class:`Library`, and only the claims that use it can change.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

from chipwall.catalog.load import Catalog
from chipwall.catalog.periods import Period, parse_period
from chipwall.catalog.records import Chip, LanguageModel
from chipwall.claims.measured import Published
from chipwall.sources import Source

if TYPE_CHECKING:
    from chipwall.catalog.series import SeriesBook
    from chipwall.controls.law import Law
    from chipwall.market.model.paths import Paths
    from chipwall.perf.calibrated import Calibrated

__all__ = ["DRAWS", "Library"]

T = TypeVar("T")
# Draws of one scenario: the standard error of a probability near a half is then about one percent.
DRAWS = 2000


@dataclass(frozen=True)
class Library:
    """Facts, law and series, and the runs that claims share.

    Frozen: an answer never depends on what was asked before. Which simulations are run, how far and with which quantities, is
    planned from all claims before the first is evaluated (:meth:`planned`); a run is known by everything that decides it.

    Attributes
    ----------
    catalog : Catalog
        Chips, models, systems and their sources.
    law : Law
        The law of every day.
    book : SeriesBook
        Series and prices.
    published : Published
        Measured runs, and the error that estimates of two chips share.
    ranges : tuple of str
        Sources of the market's parameters, in words.
    scenarios : tuple of str
        Names of the scenarios that a claim may ask about.
    calibrated : Calibrated
        What the engines of performance are fitted to.
    words : mapping
        The vocabulary of the reader, as in ``reader/words.toml``.
    draws, seed : int
        Of every simulation; the same draws serve every scenario.
    horizon : str
        Last quarter of the simulations: the latest that any claim asks for, so that runs are shared; empty: each claim's own.
    keep : tuple of str
        Quantities of the market that any claim asks for; empty: all of them are kept.
    known_on : date or None
        Numbers published after this day do not count as evidence; None: all of them do.
    """

    catalog: Catalog
    law: Law
    book: SeriesBook
    published: Published
    ranges: tuple[str, ...]
    scenarios: tuple[str, ...]
    calibrated: Calibrated
    words: Mapping[str, Any]
    draws: int = DRAWS
    seed: int = 1
    horizon: str = ""
    keep: tuple[str, ...] = ()
    known_on: date | None = None
    _answers: dict[tuple[Hashable, ...], Any] = field(default_factory=dict, compare=False)

    def known_by(self, day: date) -> Library:
        """The same world without evidence that was published after a day; nothing is shared with this one."""
        return replace(self, known_on=day, _answers={})

    def planned(self, *, horizon: str, keep: tuple[str, ...]) -> Library:
        """The same world with simulations to this quarter that keep these quantities; runs are shared with this one."""
        return replace(self, horizon=horizon, keep=keep)

    @cached_property
    def sources(self) -> dict[str, Source]:
        """Every source that a verdict may cite, by id."""
        # the market's parameters name their sources in words, which are their own title
        named = {words: Source(words, words) for words in self.ranges if words != "estimated"}
        return {**named, **self.published.sources, **self.book.sources, **self.law.sources, **self.catalog.sources}

    @cached_property
    def path_names(self) -> tuple[str, ...]:
        """Quantities of the market, read off the shortest run there is."""
        from chipwall.market.model.quarters import START
        from chipwall.market.simulate import simulate

        return simulate("record", draws=1, seed=self.seed, until=START).names()

    def known(self, vintage: str, period: Period) -> bool:
        """Whether a number counts on the day whose evidence counts.

        It had been published by then, or it counts a time that was over by then: the same fact, better counted since.
        """
        if self.known_on is None or period.by(self.known_on):
            return True
        published = parse_period(vintage).start if vintage else None
        return published is None or published <= self.known_on

    def chip(self, chip_id: str) -> Chip:
        """The chip of an id."""
        return self.catalog.chips[chip_id]

    def model(self, model_id: str) -> LanguageModel:
        """The language model of an id."""
        return self.catalog.models[model_id]

    def paths(self, scenario: str, assumptions: str, *, until: str) -> Paths:
        """Draws of a scenario to a quarter at least, under its own parameter ranges or those of another one; run once."""
        last = max(until, self.horizon)

        def run() -> Paths:
            from chipwall.market.simulate import named_scenario, simulate

            found = named_scenario(scenario)
            if assumptions != "shipped":
                found = found.with_parameters(named_scenario(assumptions).parameters)
            return simulate(found, draws=self.draws, seed=self.seed, until=last, keep=self.keep, facts=self.catalog)

        return self.once(("scenario", scenario, assumptions, last, self.keep), run)

    def once(self, key: tuple[Hashable, ...], answer: Callable[[], T]) -> T:
        """An answer of an engine that several claims share, computed at the first asking."""
        if key not in self._answers:
            self._answers[key] = answer()
        found: T = self._answers[key]
        return found
