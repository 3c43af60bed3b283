"""The scoreboard as a page: how far serving runs lie from predictions that never saw their model, by what was run."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from chipwall.report.forms.answer_page import AnswerPage
from chipwall.report.forms.document import Section
from chipwall.report.forms.table import Cell, Column, Table
from chipwall.text import Text, text

__all__ = ["LeftOutRun", "scoreboard_sheet"]

# Groups of fewer rows say little about a kind of run; how many of the worst are shown.
FEWEST, WORST = 10, 25
RATE, TOKEN, FIRST = "rate", "token", "first"


@dataclass(frozen=True, slots=True)
class LeftOutRun:
    """A published serving run: its cells as text, and predicted over measured by a fit without its model [1]."""

    row: Mapping[str, str]
    ratio: float

    @property
    def error(self) -> float:
        """How far the prediction lies off [1]."""
        return abs(self.ratio - 1.0)


KINDS: Mapping[str, Text] = {RATE: text("throughput"), TOKEN: text("time per token"), FIRST: text("first token")}


def _whole(name: str) -> Callable[[LeftOutRun], str]:
    return lambda run: f"{float(run.row[name]):g}" if run.row[name] else ""


def _year(run: LeftOutRun) -> str:
    return run.row["year"][:4]


BY: tuple[tuple[str, Text, Callable[[LeftOutRun], str]], ...] = (
    ("chip", text("Chip"), lambda run: run.row["chip"]),
    ("engine", text("Engine"), lambda run: run.row["engine"]),
    ("year", text("Year of the engine"), _year),
    ("tensor", text("Chips that share a layer"), _whole("tensor")),
    ("kind", text("Kind of model"), lambda run: run.row["kind"]),
    ("model", text("Model"), lambda run: run.row["model"]),
)


def scoreboard_sheet(runs: Sequence[LeftOutRun], about: str = "") -> AnswerPage:
    """Errors by kind of run, worst groups first, and the worst runs; ``about`` keeps the runs that hold some words."""
    words = ("chip", "model", "engine", "source")
    kept = [r for r in runs if about.casefold() in " ".join(r.row[n] for n in words).casefold()]
    asked = {kind: [r for r in kept if r.row["asked"] == kind] for kind in (TOKEN, RATE, FIRST)}
    sections = [
        Section(
            name, title,
            tables=tuple(_group_table(KINDS[kind], title, some, of) for kind, some in asked.items()),
        )
        for name, title, of in BY
    ]  # fmt: skip
    worst = Section("worst", text("Worst runs"), tables=(_worst_table(kept),))
    said = [_sentence(KINDS[kind], some) for kind, some in asked.items()]
    return AnswerPage(
        text("{count} published serving runs, each predicted without its model", count=len(kept)),
        tuple(s for s in said if s),
        (*sections, worst),
        notes=(
            text("The constants were fitted again without the whole model of a run, then asked for that run."),
            text("The whole scoreboard, training and kernels too: docs/scoreboard.md, or chipwall scoreboard."),
        ),
        data=[{**run.row, "predicted_over_measured": run.ratio} for run in kept],
        command="chipwall scoreboard --quick",
        open=("chip",),
    )  # fmt: skip


def _sentence(kind: Text, runs: Sequence[LeftOutRun]) -> Text | None:
    if not runs:
        return None
    errors, ratios = [r.error for r in runs], [r.ratio for r in runs]
    return text(
        "{kind}: half of {count} runs within {error:.1f} %, predicted over measured {bias:.2f} in the middle",
        kind=kind, count=len(runs), error=100.0 * float(np.median(errors)), bias=float(np.median(ratios)),
    )  # fmt: skip


def _group_table(kind: Text, title: Text, runs: Sequence[LeftOutRun], of: Callable[[LeftOutRun], str]) -> Table:
    groups: dict[str, list[LeftOutRun]] = {}
    for run in runs:
        groups.setdefault(of(run) or "-", []).append(run)
    told = [(name, some, float(np.median([r.error for r in some]))) for name, some in groups.items() if len(some) >= FEWEST]
    columns = (
        Column("group", title), Column("runs", text("Runs"), right=True), Column("median_error", text("Median error"), right=True),
        Column("bias", text("Predicted over measured"), right=True),
    )  # fmt: skip
    rows = tuple(
        (name, len(some), Cell(f"{100 * error:.1f} %", error), _ratio(float(np.median([r.ratio for r in some]))))
        for name, some, error in sorted(told, key=lambda t: -t[2])
    )
    return Table(kind, columns, rows)


def _ratio(value: float) -> Cell:
    return Cell(f"{value:.2f}", value)


def _worst_table(runs: Sequence[LeftOutRun]) -> Table:
    columns = (
        Column("id", text("Row")), Column("chip", text("Chip")), Column("model", text("Model")),
        Column("engine", text("Engine")), Column("asked", text("What")),
        Column("ratio", text("Predicted over measured"), right=True), Column("source", text("Source")),
    )  # fmt: skip
    rows = tuple(
        (r.row["id"], r.row["chip"], r.row["model"], r.row["engine"], KINDS[r.row["asked"]], _ratio(r.ratio), r.row["source"])
        for r in sorted(runs, key=lambda r: -abs(np.log(r.ratio)))[:WORST]
    )
    return Table("", columns, rows)
