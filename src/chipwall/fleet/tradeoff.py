"""Throughput per chip against speed per user: for every chip the best of all its layouts and loads.

A user's speed is one over the time per token with so many users at work; the throughput of a chip is what all of them get,
over the chips of the replica. Both come from the closed loop of serving, as ``infer --users`` answers it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chipwall.catalog.records import LanguageModel
from chipwall.fleet.ways import Ways
from chipwall.perf.layout import layout_words
from chipwall.perf.serving.regimes import Requests, batch_room, closed_loop, holds_one, taken
from chipwall.perf.serving.serve import question_standing
from chipwall.perf.serving.workload import Question

__all__ = ["MeasuredPoint", "TradePoint", "measured_points", "trade_points"]

# Users of one replica that are tried [1].
USERS = tuple(float(round(2.0 ** (n / 2.0), 3)) for n in range(0, 21))
# How far the lengths of a measured run may be from those asked for [1].
NEAR = 0.25


@dataclass(frozen=True, slots=True)
class TradePoint:
    """One point of a frontier.

    Attributes
    ----------
    chip, precision, layout : str
        On what, and how it is laid out.
    chips, users : float
        Chips and users of one replica [1].
    per_user, per_chip : float
        Tokens per second of one user, and of one chip [token/s].
    ttft : float
        Mean time to the first token [s].
    low, high : float
        80 % interval of ``per_chip`` [token/s].
    user_low, user_high : float
        80 % interval of ``per_user`` [token/s].
    basis : str
        On what it stands.
    """

    chip: str
    precision: str
    layout: str
    chips: float
    users: float
    per_user: float
    per_chip: float
    ttft: float
    low: float
    high: float
    user_low: float
    user_high: float
    basis: str


@dataclass(frozen=True, slots=True)
class MeasuredPoint:
    """A published run beside the line [token/s]; ``both``: its throughput was measured too, not only its time per token."""

    id: str
    chip: str
    precision: str
    engine: str
    per_user: float
    per_chip: float
    source: str
    both: bool


def trade_points(model: LanguageModel, ways: Ways, question: Question, *, points: int) -> list[TradePoint]:
    """The frontier of every chip: no layout and load gives more per chip at as much per user.

    Parameters
    ----------
    model : LanguageModel
        What is served.
    ways : Ways
        Chips, precisions, layouts.
    question : Question
        Lengths, and the engine's settings.
    points : int
        Points of each chip at most [1].
    """
    s, count = ways.setup, len(ways)
    at = np.repeat(np.arange(count), len(USERS))
    users = np.tile(np.array(USERS), count)
    part = taken(s, at)
    q = Requests(
        prompt=question.prompt, output=question.output, regime=5, concurrency=users, reused=question.reused,
        accepted=question.accepted, drafted=question.drafted,
    )  # fmt: skip
    able = np.asarray(holds_one(part, q)) & (users <= np.asarray(batch_room(part, q)))
    rate, token, first = (np.broadcast_to(v, users.shape) for v in closed_loop(part, q, users))
    per_chip = np.where(able, rate * question.output / ways.chips[at], 0.0)
    per_user = np.where(able, 1.0 / token, 0.0)
    ids, found = ways.chip_ids[at], []
    for chip in dict.fromkeys(ways.chip_ids.tolist()):
        here = np.flatnonzero((ids == chip) & able)
        for n in _thinned(_best_of(per_user[here], per_chip[here]), points):
            i = int(here[n])
            found.append(_point(model, ways, question, int(at[i]), users[i], per_user[i], per_chip[i], first[i]))
    return found


def _best_of(per_user: NDArray[Any], per_chip: NDArray[Any]) -> list[int]:
    """Entries that no other beats in both, from the fastest user on."""
    kept: list[int] = []
    best = -1.0
    for i in np.lexsort((-per_chip, -per_user)):
        if per_chip[i] > best:
            kept.append(int(i))
            best = float(per_chip[i])
    return kept


def _thinned(kept: Sequence[int], most: int) -> list[int]:
    """At most so many of them, both ends among them."""
    if len(kept) <= most:
        return list(kept)
    return [kept[round(n)] for n in np.linspace(0, len(kept) - 1, most)]


def _point(
    model: LanguageModel, ways: Ways, question: Question, way: int, users: float, per_user: float, per_chip: float,
    first: float,
) -> TradePoint:  # fmt: skip
    v, layout = ways.variants[way], ways.layouts[way]
    q = replace(question, concurrency=float(users), chips=layout.chips)
    stands = question_standing(model, v.hw, q, v.precision, ways.calibrated, group=float(layout.group), replicas=1.0)
    rate, token = stands.band("output"), stands.band("tpot")
    return TradePoint(
        v.chip.id, v.precision.name, layout_words(layout), float(layout.chips), float(users), float(per_user),
        float(per_chip), float(first), float(per_chip * rate[0]), float(per_chip * rate[1]), float(per_user / token[1]),
        float(per_user / token[0]), str(stands.basis("output", chips=layout.chips)),
    )  # fmt: skip


def measured_points(
    rows: Sequence[Mapping[str, str]], model: LanguageModel, chips: Sequence[str], *, prompt: float, output: float
) -> list[MeasuredPoint]:
    """Published runs of the same model on these chips, of lengths within a quarter.

    A run that states its users and its time per token alone has a throughput of their quotient: prompts are then left out.
    """
    pairs: dict[str, dict[str, Mapping[str, str]]] = {}
    for row in rows:
        if row["model"] == model.id and row["chip"] in chips and _near(row, prompt, output):
            run, _, _ = row["id"].rpartition("-")
            pairs.setdefault(run, {})[row["metric"]] = row
    found = []
    for run, both in pairs.items():
        token, rate = both.get("tpot_ms"), both.get("output_tokens_per_s")
        if token is None or (rate is None and not token["load"]):
            continue
        speed = 1e3 / float(token["value"])
        each = float(rate["value"]) / float(rate["chips"]) if rate else speed * float(token["load"]) / float(token["tensor"])
        said = (token["chip"], token["precision"], token["engine"])
        found.append(MeasuredPoint(run, *said, speed, each, token["source"], rate is not None))
    return found


def _near(row: Mapping[str, str], prompt: float, output: float) -> bool:
    try:
        own = float(row["prompt"]), float(row["output"])
    except ValueError:
        return False
    return all(abs(a / b - 1.0) <= NEAR for a, b in zip(own, (prompt, output), strict=True))
