"""The page of predicted against published: by class, chip and source, worst rows first.

Two scores stand side by side and are never mixed: in-sample (the shipped constants on the shipped rows) and grouped
cross-validation (each row predicted by a fit that saw none of its group). A kind of table takes part when its module
can predict rows; it adds a cross-validation by offering ``out_of_fold()``, natural logs of predicted over measured
time, or of measured over predicted rate, by row id.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from math import exp
from typing import Any

from chipwall.errors import ChipwallError
from chipwall.perf.load import measured
from chipwall.perf.refit import Refit
from chipwall.perf.validation import KINDS, Prediction, Validation, scored, validated

__all__ = ["KINDS_SHOWN", "scoreboard_markdown"]

KINDS_SHOWN = ("kernels", "collectives", "inference", "training", "finetune")
WORST_ROWS = 10
FEWEST_ROWS = 10
HEADS = ("rows", "median %", "mean %", "within 15 %", "within 20 %", "bias %", "inside 80 % band")
KEYS = ("median_error", "mean_error", "within_15", "within_20", "bias", "interval_coverage")


def _line(name: str, score: Mapping[str, Any]) -> str:
    cells = [f"{100 * score[key]:.1f}" if key in score else "" for key in KEYS]
    return f"| {name} | {score['rows']} | " + " | ".join(cells) + " |"


def _table(first: str, scores: Mapping[str, Mapping[str, Any]]) -> list[str]:
    lines = [f"| {first} | " + " | ".join(HEADS) + " |", "|---|" + "---:|" * len(HEADS)]
    shown = sorted(scores.items(), key=lambda item: -float(item[1].get("median_error", 0.0)))
    return [*lines, *(_line(name, score) for name, score in shown), ""]


def _by(found: Validation, rows: Mapping[str, Mapping[str, str]], column: str) -> dict[str, dict[str, Any]]:
    groups: dict[str, list[Prediction]] = {}
    for p in found.results:
        if rows[p.id].get("use", "fit") in ("fit", ""):
            groups.setdefault(rows[p.id].get(column) or "-", []).append(p)
    return {name: scored(ps) for name, ps in groups.items() if len(ps) >= FEWEST_ROWS}


def _worst(found: Validation, rows: Mapping[str, Mapping[str, str]]) -> list[str]:
    counted = [p for p in found.results if rows[p.id].get("use", "fit") in ("fit", "")]
    counted.sort(key=lambda p: -abs(p.error))
    lines = ["| row | chip | source | measured | predicted | error % |", "|---|---|---|---:|---:|---:|"]
    for p in counted[:WORST_ROWS]:
        row = rows[p.id]
        source = row.get("source_name", "")
        lines.append(f"| {p.id} | {row['chip']} | {source} | {p.measured:.5g} | {p.predicted:.5g} | {100 * p.error:+.0f} |")
    return [*lines, ""]


def _left_out(kind: str, refit: Refit) -> dict[str, float]:
    """Errors of rows predicted without their group, by id: predicted over measured time, as a natural log."""
    if kind in ("kernels", "collectives"):
        return {
            i: float(e)
            for o in refit.outcomes
            for i, e in zip(o.family.ids, o.out_of_fold, strict=True)
        }  # fmt: skip
    try:
        found: dict[str, float] = import_module(KINDS[kind][0]).out_of_fold()
    except (ImportError, AttributeError):
        return {}
    return found


def _cross_validated(found: Validation, errors: Mapping[str, float], rows: Mapping[str, Mapping[str, str]]) -> Validation:
    """The same rows with predictions from the left-out fits; intervals move with them."""
    results = []
    for p in found.results:
        if p.id in errors and rows[p.id].get("use", "fit") in ("fit", ""):
            # rates fall as times rise
            sign = 1.0 if rows[p.id].get("metric", "rate") in ("us", "step_time_s", "ttft_ms", "tpot_ms") else -1.0
            value = p.measured * exp(sign * errors[p.id])
            scale = value / p.predicted
            results.append(Prediction(p.id, p.measured, value, p.low * scale, p.high * scale, p.basis, p.class_))
    return Validation(found.kind, tuple(results), (), {})


def _section(kind: str, refit: Refit) -> Iterator[str]:
    rows = {row["id"]: row for row in measured(kind)}
    found = validated(kind, list(rows.values()))
    crossed = _cross_validated(found, _left_out(kind, refit), rows)
    yield from (f"## {kind.capitalize()}", "")
    yield from (f"{len(found.results)} rows predicted, {len(found.skipped)} skipped.", "")
    if crossed.results:
        yield from ("### Grouped cross-validation", "")
        yield from _table("class", _classes(crossed.results))
        yield from _table("chip", _by(crossed, rows, "chip"))
        yield from _table("source", _by(crossed, rows, "source_name"))
    yield from ("### In-sample", "")
    counted = [p for p in found.results if rows[p.id].get("use", "fit") in ("fit", "")]
    yield from _table("class", _classes(counted))
    yield from ("### Worst rows, in-sample", "")
    yield from _worst(found, rows)


def _classes(results: Sequence[Prediction]) -> dict[str, dict[str, Any]]:
    groups: dict[str, list[Prediction]] = {"all": list(results)}
    for p in results:
        groups.setdefault(p.class_, []).append(p)
    return {name: scored(ps) for name, ps in groups.items()}


def _unseen(refit: Refit) -> Iterator[str]:
    yield from ("## Chips and architectures left out", "")
    yield from ("| kernels | left out | rows | median % | mean % | within 15 % |", "|---|---|---:|---:|---:|---:|")
    for s in refit.scores:
        if s.kind.startswith("unseen") and s.rows:
            yield f"| {s.family} | {s.kind} | {s.rows} | {100 * s.median:.1f} | {100 * s.mean:.1f} | {100 * s.within_15:.0f} |"
    yield ""


def scoreboard_markdown(refit: Refit, *, kinds: Sequence[str] = KINDS_SHOWN) -> str:
    """The whole page as Markdown; a kind whose data or module is not there is left out, and said so."""
    lines = [
        "# Scoreboard: predicted against published", "",
        "Written by `chipwall scoreboard`. Errors are |predicted / measured - 1|; rows marked `fit` count. In-sample means "
        "the shipped constants on the shipped rows; grouped cross-validation means that the row's whole group was left "
        "out of the fit. Only the second says what to expect of a new shape.", "",
    ]  # fmt: skip
    for kind in kinds:
        try:
            lines += _section(kind, refit)
        except (ChipwallError, ImportError) as problem:
            lines += [f"## {kind.capitalize()}", "", f"Not scored here: {problem}", ""]
    lines += _unseen(refit)
    return "\n".join(lines).rstrip() + "\n"
