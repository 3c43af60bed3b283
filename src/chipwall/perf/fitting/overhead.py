"""Fit of what serving engines keep for themselves, on the public start-up logs, and how far it can be off.

A log gives what the engine kept: its share of the memory, less weights, less the cache. The arithmetic of
:func:`chipwall.perf.overhead.overhead_parts` times five constants explains it; the constants are fitted with the solver of
the kernels, on rows marked ``fit`` only. The interval comes from fits that left out whole models.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from chipwall.perf.calibrated import OverheadConstants
from chipwall.perf.evidence.startup import StartupRun, room_of, rows_with_room
from chipwall.perf.fitting.regression import Fit, FittedConstant, Robust, designed, fitted, grouped_folds, log_term
from chipwall.perf.overhead import expert_workspace, memory_rules, step_limits, widest_block
from chipwall.perf.serving.memory import Room
from chipwall.units import GIGA

__all__ = ["Kept", "OverheadScore", "left_out_scores", "overhead_fit", "overhead_toml"]

TERMS: tuple[FittedConstant, ...] = (
    log_term("overhead.hidden", "1", 1.0, 12.0, 4.0, 0.3, note="copies of the residual stream in a trial run"),
    log_term(
        "overhead.sampler", "byte", 4.0, 80.0, 20.0, 0.7, offsets={"sampler": 0.7},
        note="of one sequence and entry of the vocabulary while sampling",
    ),
    log_term("overhead.experts", "1", 0.3, 4.0, 1.0, 0.3, note="workspace of grouped experts over its arithmetic"),
    log_term(
        "overhead.context", "byte", 5e7, 8 * GIGA, 3e8, 0.6, offsets={"engine": 0.8},
        note="context of the device and libraries",
    ),
    log_term(
        "overhead.links", "byte", 1e8, 6 * GIGA, 1.2 * GIGA, 0.5, offsets={"engine": 0.5, "sampler": 0.7},
        note="buffers of collectives where chips work together",
    ),
)  # fmt: skip
HOW = Robust(scale=0.15, noise=0.15)
FOLDS = 8
# Models that the tables share are left out together, whatever their checkpoint.
LOW, HIGH = 0.1, 0.9


@dataclass(frozen=True, slots=True)
class Kept:
    """One row as numbers: what was kept [byte], and the arithmetic that the constants multiply."""

    row: Mapping[str, str]
    case: StartupRun
    room: Room
    kept: float
    wide: float
    hidden: float
    sampled: float
    experts: float
    linked: float
    resident: float

    @property
    def labels(self) -> dict[str, str]:
        """What the constants may depend on."""
        name = memory_rules(self.case.how.engine).name
        return {"engine": name, "sampler": self.case.how.sampler if name.startswith("vllm") else ""}


def kept_rows(rows: Sequence[Mapping[str, str]], overhead: OverheadConstants) -> list[Kept]:
    """The rows that say what their engine kept; a log whose sum is not positive says nothing."""
    return [made for row, case, kept in rows_with_room(rows, overhead) if (made := _kept(row, case, kept, overhead)).kept > 0.0]


def _kept(row: Mapping[str, str], case: StartupRun, kept: float, overhead: OverheadConstants) -> Kept:
    engine = memory_rules(case.how.engine)
    tokens, sequences = step_limits(engine, memory=case.machine.memory, arch=case.machine.arch)
    tokens, sequences = case.how.tokens or tokens, case.how.sequences or sequences
    a, layout = case.shape, case.layout
    trial = 0.0 if engine.counts == "static" else 2.0 * tokens
    together = layout.tensor * layout.context * layout.ranks > 1
    return Kept(
        row, case, room_of(case, overhead), kept,
        wide=trial * float(widest_block(a, layout.tensor)), hidden=trial * float(a.hidden),
        sampled=0.0 if engine.counts == "static" else sequences * float(a.vocab),
        experts=trial * float(expert_workspace(a, layout.expert_tensor)), linked=float(together), resident=1.0,
    )  # fmt: skip


def _formula(each: Sequence[Kept]) -> Any:
    columns = {n: np.array([getattr(k, n) for k in each]) for n in ("wide", "hidden", "sampled", "experts", "linked")}

    def kept(c: Mapping[str, Any], rows: Any) -> Any:
        at = {n: v[rows] for n, v in columns.items()}
        trial = np.maximum(at["wide"] + c["overhead.hidden"] * at["hidden"], c["overhead.sampler"] * at["sampled"])
        return (
            trial + c["overhead.experts"] * at["experts"] + c["overhead.context"] + c["overhead.links"] * at["linked"]
        )

    return kept


def overhead_fit(each: Sequence[Kept], rows: Any = None) -> tuple[Fit, Any]:
    """The constants on some rows, and the formula they go into."""
    labels = {k: np.array([e.labels[k] for e in each]) for k in ("engine", "sampler")}
    design = designed(TERMS, labels, np.ones(len(each)))
    formula = _formula(each)
    target = np.log([e.kept for e in each])
    chosen = np.arange(len(each)) if rows is None else rows
    return fitted(design, formula, target, chosen, how=HOW), formula


@dataclass(frozen=True, slots=True)
class OverheadScore:
    """Left-out errors of the room for the cache: median of the relative error [1], and the error in units of its scale [1]."""

    rows: int
    median: float
    inside: float
    scaled: Any


def _scaled(e: Kept, kept: float) -> tuple[float, float]:
    """Relative error of the room, and its error over its scale."""
    share = e.room.share
    sign = {"device": 1.0, "static": share, "rest": share}[memory_rules(e.case.how.engine).counts]
    truth = e.room.bytes + sign * (e.room.engine - e.kept)
    guess = e.room.bytes + sign * (e.room.engine - kept)
    return guess / truth - 1.0, (truth - guess) / (kept + 0.01 * (e.room.weights + e.room.draft))


def left_out_scores(each: Sequence[Kept], by: Sequence[str]) -> OverheadScore:
    """Errors of every row under a fit that left out the group it belongs to."""
    folds = grouped_folds(list(by), min(FOLDS, len(set(by))))
    relative, scaled = np.zeros(len(each)), np.zeros(len(each))
    for fold in sorted(set(folds.tolist())):
        fit, formula = overhead_fit(each, np.flatnonzero(folds != fold))
        out = np.flatnonzero(folds == fold)
        for i, kept in zip(out.tolist(), np.exp(fit.predicted(formula, out)), strict=True):
            relative[i], scaled[i] = _scaled(each[i], float(kept))
    low, high = np.quantile(scaled, [LOW, HIGH])
    inside = float(np.mean((scaled >= low) & (scaled <= high)))
    return OverheadScore(len(each), float(np.median(np.abs(relative))), inside, scaled)


def overhead_toml(rows: Sequence[Mapping[str, str]], overhead: OverheadConstants) -> str:
    """``data/overhead.toml``: constants fitted on the rows marked ``fit``, and the interval of left-out models."""
    each = kept_rows([r for r in rows if r["use"] == "fit"], overhead)
    fit, _ = overhead_fit(each)
    by_model = left_out_scores(each, [e.case.model.id for e in each])
    by_engine = left_out_scores(each, [e.labels["engine"] for e in each])
    n = len(each)
    ranked = np.sort(by_model.scaled)
    low, high = ranked[max(int(np.floor(LOW * (n + 1))) - 1, 0)], ranked[min(int(np.ceil(HIGH * (n + 1))) - 1, n - 1)]
    lines = [
        "# Written by `chipwall calibrate --stage memory` from data/measured/startup.csv (rows marked fit). Do not edit.",
        f"# {n} logs; left-out median error of the cache's room: {by_model.median:.1%} by model, {by_engine.median:.1%} by engine.",
        f"band = [{low:.4f}, {high:.4f}]  # 80 % band of the room, in units of the overhead and a hundredth of the weights",
        "", "[constants]",
    ]  # fmt: skip
    for name, c in fit.constants(rows=n, spreads={}).items():
        offsets = ", ".join(f'"{k}" = {v}' for k, v in sorted(c.offsets.items()))
        lines.append(
            f'"{name}" = {{ unit = "{c.unit}", low = {c.low}, high = {c.high}, level = {c.level}, logarithmic = true, '
            f'rows = {c.rows}, offsets = {{ {offsets} }}, note = "{c.note}" }}'
        )
    return "\n".join(lines) + "\n"
