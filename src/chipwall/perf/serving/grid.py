"""Many questions about serving as one call on arrays: every layout of every question is one entry.

The arithmetic is that of :func:`chipwall.perf.serving.serve.serving`, and a test demands the same numbers. Questions under
latency limits and disaggregated ones are searches of their own and are asked one by one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, replace

import numpy as np

from chipwall.catalog.records import Chip, LanguageModel
from chipwall.errors import ChipwallError
from chipwall.perf.calibrated import Calibrated
from chipwall.perf.serving.precision import precision_of
from chipwall.perf.serving.regimes import NO_LIMIT, Requests, holds_one, served
from chipwall.perf.serving.serve import Question, question_standing, requests_of, serving, setups_of
from chipwall.perf.serving.setup import serving_hardware, stacked_setups
from chipwall.perf.serving.step import Setup

__all__ = ["serving_grid"]

Point = tuple[LanguageModel, Chip, Question]
Found = Mapping[str, tuple[str, float, float, float, str]]
"""By name of a figure: unit as in column names, value, low, high, basis."""
# Entries of one call: arrays of this length stay in the second cache of a core.
BLOCK = 16_384


def serving_grid(points: Sequence[Point], calibrated: Calibrated) -> list[Found | ChipwallError]:
    """The figures of every question, or the reason why it has none.

    Parameters
    ----------
    points : sequence of (model, chip, question)
        In any mix.
    calibrated : Calibrated
        What is fitted.

    Returns
    -------
    list of mapping or ChipwallError
        In the order of the questions: ``rate`` [token/s of all chips], ``ttft`` and ``tpot`` [s].
    """
    found: dict[int, Found | ChipwallError] = {}
    entries: list[tuple[int, list[Setup], Requests]] = []
    known: dict[object, list[Setup] | ChipwallError] = {}
    for at, (model, chip, question) in enumerate(points):
        alone = question.prefillers or question.images or model.purpose
        if alone or question.ttft_limit < NO_LIMIT or question.tpot_limit < NO_LIMIT:
            found[at] = _alone(model, chip, question, calibrated)
            continue
        key = (model.id, id(model), chip.id, id(chip), _without_load(question))
        if key not in known:
            known[key] = _setups(model, chip, question, calibrated)
        made = known[key]
        try:
            if isinstance(made, ChipwallError):
                raise made
            entries.append((at, made, requests_of(question)))
        except ChipwallError as refusal:
            found[at] = refusal
    for block in _blocks(entries):
        for at, values in _best(block):
            # one that no layout holds is asked alone, for its reason
            found[at] = _alone(*points[at], calibrated) if values is None else _told(*points[at], values, calibrated)
    return [found[at] for at in range(len(points))]


def _without_load(q: Question) -> Question:
    """The question without what may vary on one setup."""
    return replace(q, prompt=1.0, output=1.0, reused=0.0, concurrency=0.0, rate=0.0, burst=0.0, static=False)


def _setups(
    model: LanguageModel, chip: Chip, question: Question, calibrated: Calibrated
) -> list[Setup] | ChipwallError:
    try:
        return setups_of(model, serving_hardware(chip, calibrated, engine=question.engine), question, calibrated)[1]
    except ChipwallError as refusal:
        return refusal


def _blocks(entries: Sequence[tuple[int, list[Setup], Requests]]) -> Iterator[list[tuple[int, list[Setup], Requests]]]:
    block: list[tuple[int, list[Setup], Requests]] = []
    size = 0
    for entry in entries:
        block.append(entry)
        size += len(entry[1])
        if size >= BLOCK:
            yield block
            block, size = [], 0
    if block:
        yield block


def _best(block: Sequence[tuple[int, list[Setup], Requests]]) -> Iterator[tuple[int, dict[str, float] | None]]:
    """The layout with the highest rate of each question, all of them in one call."""
    owners = np.repeat(np.arange(len(block)), [len(made) for _, made, _ in block])
    stacked = stacked_setups([s for _, made, _ in block for s in made])
    asked = Requests(
        **{f.name: np.array([getattr(q, f.name) for _, _, q in block], dtype=float)[owners] for f in fields(Requests)}
    )
    got = {n: np.broadcast_to(v, owners.shape) for n, v in served(stacked, asked).items()}
    able = np.broadcast_to(holds_one(stacked, asked), owners.shape)
    rate = np.where(able, got["output"], -1.0)
    starts = np.searchsorted(owners, np.arange(len(block)))
    for nth, (at, made, _) in enumerate(block):
        here = slice(starts[nth], starts[nth] + len(made))
        best = starts[nth] + int(np.argmax(rate[here]))
        own = made[best - starts[nth]]
        told = {n: float(got[n][best]) for n in ("output", "ttft", "tpot")}
        placed = {"group": float(own.group), "replicas": float(own.replicas)}
        yield at, None if rate[best] < 0.0 else told | placed


def _told(
    model: LanguageModel, chip: Chip, question: Question, values: Mapping[str, float], calibrated: Calibrated
) -> Found:
    hw = serving_hardware(chip, calibrated, engine=question.engine)
    precision = precision_of(question.precision, model=model, hw=hw)
    stands = question_standing(model, hw, question, precision, calibrated, group=values["group"], replicas=values["replicas"])
    shown = {}
    for name, metric, unit in (("rate", "output", "token_per_s"), ("ttft", "ttft", "s"), ("tpot", "tpot", "s")):
        low, high = stands.band(metric)
        basis = stands.basis(metric, chips=question.chips if metric != "ttft" else 0)
        shown[name] = (unit, values[metric], values[metric] * low, values[metric] * high, str(basis))
    return shown


def _alone(
    model: LanguageModel, chip: Chip, question: Question, calibrated: Calibrated
) -> Found | ChipwallError:
    try:
        found = serving(model, serving_hardware(chip, calibrated, engine=question.engine), question, calibrated)
    except ChipwallError as refusal:
        return refusal
    shown = (("rate", "token_per_s", found.throughput), ("ttft", "s", found.ttft), ("tpot", "s", found.tpot))
    return {n: (unit, e.value, e.low, e.high, e.basis) for n, unit, e in shown}
