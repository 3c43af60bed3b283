"""``chipwall validate``, ``chipwall calibrate``, ``chipwall hpc``, ``chipwall rag`` and ``chipwall scoreboard``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from chipwall.brief.tables import Cell, Column, Table
from chipwall.cli.options import json_option, lang_option, show, table_options, write_json, write_whole
from chipwall.text import text

__all__ = ["calibrate", "validate"]


def percent(value: object) -> Cell:
    """A share as a percentage, empty where there is none."""
    return Cell("" if not isinstance(value, float) else f"{100 * value:.1f}", value if isinstance(value, float) else None)


SCORE_COLUMNS = (
    ("rows", text("Rows")), ("median_error", text("Median error %")), ("mean_error", text("Mean error %")),
    ("within_15", text("Within 15 %")), ("within_20", text("Within 20 %")), ("bias", text("Bias %")),
    ("interval_coverage", text("Inside the 80 % interval %")),
)  # fmt: skip


def score_table(title: str, scores: dict[str, dict[str, Any]], first: str, notes: tuple[str, ...] = ()) -> Table:
    """A table of scores, one line per name."""
    columns = (Column("class", first), *(Column(key, title, right=True) for key, title in SCORE_COLUMNS))
    rows = tuple(
        (Cell(name, name), Cell(str(s.get("rows", 0)), s.get("rows", 0)), *(percent(s.get(key)) for key, _ in SCORE_COLUMNS[1:]))
        for name, s in scores.items()
    )
    return Table(title, columns, rows, notes)


@click.command()
@click.argument("kind")
@click.argument("file", type=click.Path(path_type=Path))
@json_option
@lang_option
def validate(kind: str, file: Path, as_json: bool, lang: str) -> None:
    """Score the model against a FILE of measurements of KIND: inference, training, finetune, kernels, collectives."""
    from chipwall.perf.validation import read_rows, validated

    found = validated(kind, read_rows(kind, file))
    if as_json:
        write_json(found.as_json())
        return
    summary = dict(found.summary)
    by_class = {**summary.pop("by_class"), "all": summary}
    notes = (
        text("{predicted} rows predicted, {counted} of them counted", predicted=summary["predicted"], counted=summary["counted"]),
        *(text("{count} rows skipped: {reason}", count=n, reason=reason) for reason, n in _reasons(found).items()),
    )
    title = text("Predicted against measured: {kind}, {file}", kind=kind, file=file.name)
    show(score_table(title, by_class, text("Class"), notes), form=None, as_json=False, lang=lang)


def _reasons(found: Any) -> dict[str, int]:
    counts: dict[str, int] = {}
    for skip in found.skipped:
        counts[skip.reason] = counts.get(skip.reason, 0) + 1
    return counts


@click.command()
@click.option("--write", type=click.Path(path_type=Path), help="Where to write calibration.toml; default: nowhere.")
@click.option("--quick", is_flag=True, help="No cross-validation: constants without spreads and bands, in seconds.")
@table_options
def calibrate(write: Path | None, quick: bool, form: str | None, as_json: bool, lang: str) -> None:
    """Fit the hardware constants again from the shipped measurements, and say how well they hold."""
    from chipwall.perf.calibration_file import calibration_toml
    from chipwall.perf.refit import refit

    found = refit(cross_validate=not quick)
    if write is not None:
        write_whole(write, calibration_toml(found.calibration))
    columns = (
        Column("family", text("Kernel")), Column("kind", text("Scored on")), Column("rows", text("Rows"), right=True),
        Column("median_error", text("Median error %"), right=True), Column("mean_error", text("Mean error %"), right=True),
        Column("within_15", text("Within 15 %"), right=True),
    )  # fmt: skip
    rows = tuple(
        (Cell(s.family, s.family), Cell(s.kind, s.kind), Cell(str(s.rows), s.rows), percent(s.median), percent(s.mean), percent(s.within_15))
        for s in found.scores
        if s.rows
    )
    notes = (text("fitted on {data}", data=found.calibration.data),)
    show(Table(text("Fit of the hardware constants"), columns, rows, notes), form=form, as_json=as_json, lang=lang)
