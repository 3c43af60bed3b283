"""On what an estimate of serving stands: its label and its 80 % band, from the measured rows that lie nearest.

Every measured row was predicted three times by fits that did not see it: without its source, chip and model together,
without its model, without its chip. What the rows most like a question came to when they were left out says what the
question may expect: the band lies between the 10 % and 90 % quantiles of their errors, nearer rows counting more. The
farther the rows, the less their spread tells, so it is stretched by a factor that makes such bands cover 80 % of rows of
other whole models at that distance (split conformal prediction by class [1]_, on local quantiles [2]_).

References
----------
.. [1] V. Vovk, A. Gammerman, G. Shafer, "Algorithmic Learning in a Random World", Springer, 2005, chapter 4.
.. [2] L. Guan, "Localized conformal prediction: a generalized inference framework", Biometrika 110 (2023) 33-50.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import inf
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chipwall.perf.estimate import Basis
from chipwall.perf.evidence.index import EvidenceIndex
from chipwall.perf.evidence.likeness import (
    NAMES,
    Traits,
    about_distances,
    asked_for,
    coded,
    distances,
    setup_distances,
    stacked_traits,
)

__all__ = [
    "CLASSES",
    "Experience",
    "Local",
    "QuestionStanding",
    "basis_at",
    "class_at",
    "local",
    "standing",
    "standings",
    "stretch_names",
    "stretched",
]

# Upper ends of the distance classes [1], whether an answer in them counts as calibrated, and the least half width of a band
# [natural logarithm]: repeats of one run differ by 3 %, and neighbours that agree say less the farther they are.
CLASSES: tuple[tuple[str, float, bool, float], ...] = (
    ("beside", 0.6, True, 0.03),
    ("near", 1.4, True, 0.06),
    ("apart", 2.2, False, 0.10),
    ("far", inf, False, 0.15),
)
# Rows whose mean distance is that of the question (one odd row is no evidence), rows whose errors make the band, and the
# distance at which a row counts a quarter of one that is the question itself.
NEIGHBOURS, FELLOWS, SOFT = 3, 60, 0.3
TAIL = 0.1
SHOWN = 3
# Questions compared at once: their distances from all rows stay in the second cache of a core.
BLOCK = 64
# How close the sizes of a run must lie to those of a question to be the same setup [natural logarithm, year].
SAME, SAME_YEAR = 0.02, 0.5
# No such run is farther than this: the metric and half a year of software.
CLOSE = 0.6


def class_at(distance: float) -> str:
    """Name of the class of a distance."""
    return next((name for name, most, _, _ in CLASSES if distance < most), CLASSES[-1][0])


def basis_at(distance: float) -> Basis:
    """``calibrated`` where rows like the question were fitted, else ``extrapolated``."""
    return "calibrated" if any(distance < most and fitted for _, most, fitted, _ in CLASSES) else "extrapolated"


@dataclass(frozen=True, slots=True)
class Local:
    """What the nearest rows say of some questions.

    Attributes
    ----------
    distance : array
        Mean distance of the nearest rows [1].
    low, high : array
        Quantiles of their left-out errors: natural logarithm of predicted over measured time [1].
    """

    distance: NDArray[Any]
    low: NDArray[Any]
    high: NDArray[Any]

    def middle_and_half(self) -> tuple[NDArray[Any], NDArray[Any]]:
        """Middle of the quantiles and half of their distance, at least that of the class [natural logarithm]."""
        places = np.searchsorted([most for _, most, _, _ in CLASSES[:-1]], self.distance, side="right")
        least = np.array([c[3] for c in CLASSES])[places]
        return (self.low + self.high) / 2.0, np.maximum((self.high - self.low) / 2.0, least)


def local(away: NDArray[np.float32], errors: NDArray[Any]) -> Local:
    """The nearest rows' errors, for distances of questions (down) from rows (across), infinite where a row may not count."""
    count = min(FELLOWS, away.shape[1])
    order = np.argpartition(away, count - 1, axis=1)[:, :count]
    near = np.take_along_axis(away, order, 1)
    distance = np.sort(near, axis=1)[:, :NEIGHBOURS].mean(axis=1)
    weight = np.where(np.isfinite(near), (near + SOFT) ** -2.0, 0.0)
    own = errors[order]
    rank = np.argsort(own, axis=1)
    own, weight = np.take_along_axis(own, rank, 1), np.take_along_axis(weight, rank, 1)
    share = (np.cumsum(weight, axis=1) - weight / 2.0) / np.maximum(weight.sum(axis=1, keepdims=True), 1e-12)
    ends = [np.minimum((share < at).sum(axis=1), count - 1)[:, None] for at in (TAIL, 1.0 - TAIL)]
    low, high = (np.take_along_axis(own, end, 1)[:, 0] for end in ends)
    return Local(distance, low, high)


@dataclass(frozen=True)
class Experience:
    """What measured runs teach about a question: the runs, and how far the quantiles of each class are drawn apart [1]."""

    index: EvidenceIndex
    stretches: Mapping[str, float]

    @cached_property
    def _fitted(self) -> tuple[frozenset[str], frozenset[str]]:
        """Chips and models with rows behind the fit."""
        rows = self.index.rows
        return frozenset(r["chip"] for r in rows), frozenset(r["model"] for r in rows)

    def lacks(self, one: Traits) -> str:
        """What the fit lacks of a question: its ``chip``, else its ``model``, else only the ``group`` of its setup."""
        chips, models = self._fitted
        return "chip" if one.names["chip"] not in chips else "model" if one.names["model"] not in models else "group"


def stretch_names(asked: str, lacking: str, name: str) -> tuple[str, ...]:
    """Names under which the factor of a class may stand, the closest first."""
    return (f"{asked} {lacking} {name}", f"{lacking} {name}", name)


def stretched(
    found: Local, asked: Sequence[str], missing: Sequence[str], stretches: Mapping[str, float]
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Bands as factors on the predicted time [1]: the quantiles drawn apart by the factor of what lacks and how far."""
    classes = [class_at(float(d)) for d in found.distance]
    names = [stretch_names(*one) for one in zip(asked, missing, classes, strict=True)]
    factor = np.array([next(stretches[n] for n in (*some, "all") if n in stretches) for some in names])
    middle, half = found.middle_and_half()
    # an estimate stands inside its own band
    least = CLASSES[0][3]
    return np.exp(-np.maximum(middle + factor * half, least)), np.exp(-np.minimum(middle - factor * half, -least))


def _bands(
    each: Sequence[Traits], away: NDArray[np.float32], known: Experience
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Distance and band (factors on a time) of a few questions, from their distances to every row."""
    missing = np.array([known.lacks(one) for one in each])
    distance, low, high = (np.zeros(len(away)) for _ in range(3))
    for lack in sorted(set(missing.tolist())):
        here = np.flatnonzero(missing == lack)
        found = local(away[here], known.index.errors[f"by_{lack}"])
        distance[here] = found.distance
        words = [str(each[int(i)].names["asked"]) for i in here]
        low[here], high[here] = stretched(found, words, missing[here].tolist(), known.stretches)
    return distance, low, high


@dataclass(frozen=True, slots=True)
class QuestionStanding:
    """How a question stands to the measurements.

    Attributes
    ----------
    distance, low, high : mapping of str to float
        By what is asked (``rate``, ``token``, ``first``): to the nearest rows [1], and the band as factors on a time [1].
    away : array
        Distance of the time per token to every row of the index [1].
    asked : Traits
        The question.
    known : EvidenceIndex
        The measured rows.
    """

    distance: Mapping[str, float]
    low: Mapping[str, float]
    high: Mapping[str, float]
    away: Any
    asked: Traits
    known: EvidenceIndex

    def band(self, metric: str) -> tuple[float, float]:
        """Factors on the predicted value between which the truth lies in 80 % of cases [1]."""
        what = asked_for(metric)
        return _of_value(what, self.low[what], self.high[what])

    def basis(self, metric: str, *, chips: float = 0.0) -> Basis:
        """``measured`` where a run of this very setup is known, else what the distance says."""
        wanted = {"output": "output_tokens_per_s", "tpot": "tpot_ms"}.get(metric)
        if chips and wanted:
            here = np.flatnonzero(self.away <= CLOSE)
            if any(self.known.rows[int(i)]["metric"] == wanted and self._same(int(i), chips) for i in here):
                return "measured"
        return basis_at(self.distance[asked_for(metric)])

    def _same(self, at: int, chips: float) -> bool:
        known, row = self.known.traits, self.known.rows[at]
        words = all(row[name] == self.asked.names[name] for name in NAMES if name != "asked")
        apart = {n: abs(float(known.sizes[n][at]) - float(self.asked.sizes[n])) for n in known.sizes}
        close = all(gap < SAME for n, gap in apart.items() if n != "year") and apart["year"] < SAME_YEAR
        return words and close and float(row["chips"]) == chips

    def nearest(self, count: int = SHOWN) -> tuple[Mapping[str, Any], ...]:
        """The rows most like the question: what they are and what they measured, in the units of the table."""
        few = np.flatnonzero(self.away <= np.partition(self.away, count)[count])
        order = few[np.argsort(self.away[few], kind="stable")][:count]
        return tuple(_told(self.known.rows[int(i)], float(self.away[i])) for i in order if np.isfinite(self.away[i]))


def _of_value(what: str, low: float, high: float) -> tuple[float, float]:
    # bands are on times: for a rate the other way round
    return (1.0 / high, 1.0 / low) if what == "rate" else (low, high)


def _told(row: Mapping[str, str], distance: float) -> dict[str, Any]:
    load = row["load"]
    return {
        "id": row["id"], "model": row["model"], "chip": row["chip"], "chips": float(row["chips"]),
        "precision": row["precision"], "prompt_tokens": float(row["prompt"] or "nan"),
        "output_tokens": float(row["output"] or "nan"), "load": f"{float(load):.4g}" if load else row["regime"],
        "engine": row["engine"], "year": float(row["year"] or "nan"), "metric": row["metric"],
        "value": float(row["value"]), "source": row["source"], "distance": distance,
    }  # fmt: skip


def standing(asked: Traits, experience: Experience) -> QuestionStanding:
    """How one question stands."""
    kinds, known = ("token", "rate", "first"), experience.index.traits
    away = setup_distances(stacked_traits([asked]), known) + about_distances(coded(kinds), known)
    distance, low, high = _bands([asked.about(kind) for kind in kinds], away, experience)
    told = [dict(zip(kinds, values.tolist(), strict=True)) for values in (distance, low, high)]
    return QuestionStanding(told[0], told[1], told[2], away[0], asked, experience.index)


def standings(asked: Sequence[Traits], experience: Experience) -> list[tuple[float, float, float]]:
    """Of each of many rows: the distance from the nearest measured ones, and the band as factors on its value [1]."""
    found: list[tuple[float, float, float]] = []
    for start in range(0, len(asked), BLOCK):
        block = asked[start : start + BLOCK]
        distance, low, high = _bands(block, distances(stacked_traits(block), experience.index.traits), experience)
        told = zip(block, distance.tolist(), low.tolist(), high.tolist(), strict=True)
        found += [(d, *_of_value(str(t.names["asked"]), a, b)) for t, d, a, b in told]
    return found
