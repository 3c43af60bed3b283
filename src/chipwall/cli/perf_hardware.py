"""``chipwall validate``, ``chipwall calibrate``, ``chipwall hpc``, ``chipwall rag`` and ``chipwall scoreboard``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from chipwall.brief.tables import Cell, Column, Table
from chipwall.cli.options import json_option, lang_option, show, table_options, write_json, write_whole
from chipwall.text import text

__all__ = ["calibrate", "hpc", "validate"]


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


@click.command()
@click.argument("chips", nargs=-1, required=True)
@click.option("--n", default=1, show_default=True, help="Chips of each kind that work together.")
@table_options
def hpc(chips: tuple[str, ...], n: int, form: str | None, as_json: bool, lang: str) -> None:
    """Scientific kernels (streams, FP64 products, LINPACK, conjugate gradients, FFT, stencils) on CHIPS, with ratios."""
    from chipwall import catalog
    from chipwall.perf.hpc import hpc_estimates

    records = [catalog.chip(name) for name in chips]
    answers = [hpc_estimates(chip, chips=n) for chip in records]
    if as_json:
        write_json({chip.id: [e.as_json() for e in found] for chip, found in zip(records, answers, strict=True)})
        return
    kernels = list(dict.fromkeys(e.quantity for found in answers for e in found))
    rows = tuple(_hpc_row(name, answers) for name in kernels)
    columns = [Column("kernel", text("Kernel"))]
    for i, chip in enumerate(records):
        columns += [Column(f"{chip.id}_si", chip.name, right=True), Column(f"{chip.id}_band", text("80 % band"), right=True)]
        if i:
            columns.append(Column(f"{chip.id}_ratio", text("to the first"), right=True))
        columns.append(Column(f"{chip.id}_bound", text("Bound by")))
    notes = tuple(dict.fromkeys(note for found in answers for e in found for note in e.notes))
    basis = ", ".join(f"{chip.name}: {found[0].basis}" for chip, found in zip(records, answers, strict=True))
    table = Table(text("Scientific kernels"), tuple(columns), rows, (text("basis: {basis}", basis=basis), *notes))
    show(table, form=form, as_json=False, lang=lang)


def _hpc_row(name: str, answers: list[Any]) -> tuple[object, ...]:
    from chipwall.units import format_quantity

    row: list[object] = [name]
    first: float | None = None
    for i, found in enumerate(answers):
        estimate = next((e for e in found if e.quantity == name), None)
        if estimate is None:
            row += [None, None, *([None] if i else []), None]
            continue
        shown = [format_quantity(v, estimate.unit, digits=3) for v in (estimate.value, estimate.low, estimate.high)]
        row += [Cell(shown[0], estimate.value, estimate.sources), f"{shown[1]} - {shown[2]}"]
        if i:
            ratio = estimate.value / first if first else None
            row.append(Cell(f"{ratio:.2f}", ratio) if ratio else None)
        else:
            first = estimate.value
        row.append(text(estimate.bound))
    return tuple(row)
