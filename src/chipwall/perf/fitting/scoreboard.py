"""The page of predicted against published: by class, chip and source, worst rows first.

Two scores stand side by side and are never mixed: in-sample (the shipped constants on the shipped rows) and grouped
cross-validation (each row predicted by a fit that saw none of its group).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import exp
from typing import Any

from chipwall.errors import ChipwallError
from chipwall.perf.evidence.validate import Prediction, Validation, scored, validated
from chipwall.perf.fitting.hardware import Refit
from chipwall.perf.load import measured

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
    for p in found.numbers:
        if rows[p.id].get("use", "fit") in ("fit", ""):
            groups.setdefault(rows[p.id].get(column) or "-", []).append(p)
    return {name: scored(ps) for name, ps in groups.items() if len(ps) >= FEWEST_ROWS}


def _worst(found: Validation, rows: Mapping[str, Mapping[str, str]]) -> list[str]:
    counted = [p for p in found.numbers if rows[p.id].get("use", "fit") in ("fit", "")]
    counted.sort(key=lambda p: -abs(p.error))
    lines = ["| row | chip | source | measured | predicted | error % |", "|---|---|---|---:|---:|---:|"]
    for p in counted[:WORST_ROWS]:
        row = rows[p.id]
        source = row.get("source_name", "")
        lines.append(
            f"| {p.id} | {row['chip']} | {source} | {p.measured:.5g} | {p.predicted:.5g} | {100 * p.error:+.0f} |"
        )
    return [*lines, ""]


def _kernels_left_out(refit: Refit) -> dict[str, float]:
    """Predicted over measured in the row's metric, by id, kernels and collectives."""
    metric = {row["id"]: row.get("metric", "gbps") for kind in ("kernels", "collectives") for row in measured(kind)}
    found = {}
    for outcome in refit.outcomes:
        for name, error in zip(outcome.family.ids, outcome.out_of_fold.tolist(), strict=True):
            # errors are of times; rates go the other way
            found[name] = exp(error if metric.get(name) == "us" else -error)
    return found


def _inference_left_out() -> dict[str, float]:
    from chipwall.perf.fitting.serving_file import refit_serving

    found = refit_serving(measured("inference"))
    return {row["id"]: float(p) / float(row["value"]) for row, p in zip(found.rows, found.predicted, strict=True)}


def _training_left_out() -> dict[str, float]:
    from chipwall.perf.fitting.training_file import refit_training

    found = refit_training()
    sign = [1.0 if s.metric in TIMES else -1.0 for s in found.setups]
    return {s.id: exp(k * float(e)) for s, k, e in zip(found.setups, sign, found.left_out, strict=True)}


TIMES = ("us", "step_time_s", "gpu_hours", "time_to_train_min")


def _cross_validated(
    found: Validation, ratios: Mapping[str, float], rows: Mapping[str, Mapping[str, str]]
) -> Validation:
    """The same rows with predictions from the left-out fits; intervals move with them."""
    results = []
    for p in found.numbers:
        if p.id in ratios and rows[p.id].get("use", "fit") in ("fit", ""):
            value = p.measured * ratios[p.id]
            scale = value / p.predicted
            results.append(Prediction(p.id, p.measured, value, p.low * scale, p.high * scale, p.basis, p.class_))
    return Validation(found.kind, tuple(results), (), {})


def _section(kind: str, ratios: Mapping[str, float]) -> Iterator[str]:
    rows = {row["id"]: row for row in measured(kind)}
    found = validated(kind, list(rows.values()))
    crossed = _cross_validated(found, ratios, rows)
    yield from (f"## {kind.capitalize()}", "")
    yield from (f"{len(found.results)} rows predicted, {len(found.skipped)} skipped.", "")
    if crossed.numbers:
        yield from ("### Grouped cross-validation", "")
        yield from _table("class", _classes(crossed.numbers))
        yield from _table("chip", _by(crossed, rows, "chip"))
        yield from _table("source", _by(crossed, rows, "source_name"))
    yield from ("### In-sample", "")
    counted = [p for p in found.numbers if rows[p.id].get("use", "fit") in ("fit", "")]
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
    left_out = _kernels_left_out(refit)
    if "inference" in kinds:
        left_out |= _inference_left_out()
    if "training" in kinds or "finetune" in kinds:
        left_out |= _training_left_out()
    for kind in kinds:
        try:
            lines += _section(kind, left_out)
        except (ChipwallError, ImportError) as problem:
            lines += [f"## {kind.capitalize()}", "", f"Not scored here: {problem}", ""]
    lines += _unseen(refit)
    return "\n".join(lines).rstrip() + "\n"
