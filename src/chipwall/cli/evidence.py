"""``chipwall validate``, ``chipwall calibrate``, ``chipwall hpc``, ``chipwall rag`` and ``chipwall scoreboard``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from chipwall.cli.options import json_option, lang_option, show, table_options, write_json
from chipwall.errors import InputError
from chipwall.files import write_whole
from chipwall.report.forms.table import Cell, Column, Table
from chipwall.text import Text, listed, text
from chipwall.units import GIGA

__all__ = ["calibrate", "hpc", "rag", "scoreboard", "validate"]


def percent(value: object) -> Cell:
    """A share as a percentage, empty where there is none."""
    return Cell(
        "" if not isinstance(value, float) else f"{100 * value:.1f}", value if isinstance(value, float) else None
    )


SCORE_COLUMNS = (
    ("rows", text("Rows")), ("median_error", text("Median error %")), ("mean_error", text("Mean error %")),
    ("within_15", text("Within 15 %")), ("within_20", text("Within 20 %")), ("bias", text("Bias %")),
    ("interval_coverage", text("Inside the 80 % interval %")),
)  # fmt: skip


def score_table(title: str, scores: dict[str, dict[str, Any]], first: str, notes: tuple[str, ...] = ()) -> Table:
    """A table of scores, one line per name."""
    columns = (Column("class", first), *(Column(key, title, right=True) for key, title in SCORE_COLUMNS))
    rows = tuple(
        (
            Cell(name, name),
            Cell(str(s.get("rows", 0)), s.get("rows", 0)),
            *(percent(s.get(key)) for key, _ in SCORE_COLUMNS[1:]),
        )
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
    from chipwall.perf.evidence.validate import read_rows, validated

    found = validated(kind, read_rows(kind, file))
    if as_json:
        write_json(found.as_json())
        return
    summary = dict(found.summary)
    by_class = {**summary.pop("by_class"), "all": summary}
    notes = (
        text(
            "{predicted} rows predicted, {counted} of them counted",
            predicted=summary["predicted"],
            counted=summary["counted"],
        ),
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
@click.option(
    "--stage",
    type=click.Choice(("kernels", "inference", "evidence", "training")),
    default="kernels",
    show_default=True,
    help="Hardware constants, the step constants fitted after them, or what left-out serving rows earn as bands.",
)
@click.option(
    "--write", type=click.Path(path_type=Path), help="Where to write the file of constants; default: nowhere."
)
@click.option("--quick", is_flag=True, help="No cross-validation: constants without spreads and bands, in seconds.")
@table_options
def calibrate(stage: str, write: Path | None, quick: bool, form: str | None, as_json: bool, lang: str) -> None:
    """Fit constants again from the shipped measurements, and say how well they hold."""
    if stage == "training":
        from chipwall.cli.train import training_calibration

        training_calibration(write, quick=quick, form=form, as_json=as_json, lang=lang)
        return
    if stage == "evidence":
        _write_evidence(write)
        return
    if stage == "kernels":
        from chipwall.perf.fitting.constants_file import calibration_toml
        from chipwall.perf.fitting.hardware import refit

        found = refit(cross_validate=not quick)
        content = calibration_toml(found.calibration)
        show(_fit_table(found), form=form, as_json=as_json, lang=lang)
    else:
        from chipwall.perf.fitting.serving_file import calibration_text
        from chipwall.perf.load import measured

        content = calibration_text(measured("inference"))
        if write is None:
            click.echo(content)
    if write is not None:
        write_whole(write, content)


def _write_evidence(folder: Path | None) -> None:
    """Left-out errors of every serving row, and the bands they earn, from the shipped constants."""
    from chipwall.perf.evidence.index import index_of
    from chipwall.perf.fitting.evidence_file import bands_toml, evidence_csv
    from chipwall.perf.load import measured

    if folder is None or not folder.is_dir():
        raise InputError(
            text("two files are written: give the folder they go to"), where="--write", fix=text("For example --write .")
        )
    table = evidence_csv(measured("inference"), say=lambda words: click.echo(words, err=True))
    write_whole(folder / "evidence_serving.csv", table)
    write_whole(folder / "bands_serving.toml", bands_toml(index_of(table)))


def _fit_table(found: Any) -> Table:
    columns = (
        Column("family", text("Kernel")), Column("kind", text("Scored on")), Column("rows", text("Rows"), right=True),
        Column("median_error", text("Median error %"), right=True), Column("mean_error", text("Mean error %"), right=True),
        Column("within_15", text("Within 15 %"), right=True),
    )  # fmt: skip
    rows = tuple(
        (Cell(s.family, s.family), Cell(s.kind, s.kind), Cell(str(s.rows), s.rows), percent(s.median), percent(s.mean),
         percent(s.within_15))
        for s in found.scores
        if s.rows
    )  # fmt: skip
    notes = (text("fitted on {data}", data=found.calibration.data),)
    return Table(text("Fit of the hardware constants"), columns, rows, notes)


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
    columns = (
        Column("kernel", text("Kernel")), Column("chip", text("Chip")), Column("value_si", text("Rate"), right=True),
        Column("low_si", text("80 % from"), right=True), Column("high_si", text("to"), right=True),
        Column("ratio", text("Over the first"), right=True), Column("bound", text("Bound by")), Column("basis", text("Basis")),
    )  # fmt: skip
    first = {e.quantity: e.value for e in answers[0]}
    kernels = list(dict.fromkeys(e.quantity for found in answers for e in found))
    rows = tuple(
        _hpc_row(chip.name, estimate, first.get(kernel))
        for kernel in kernels
        for chip, found in zip(records, answers, strict=True)
        for estimate in found
        if estimate.quantity == kernel
    )
    notes = tuple(dict.fromkeys(note for found in answers for e in found for note in e.notes))
    show(Table(text("Scientific kernels"), columns, rows, notes), form=form, as_json=False, lang=lang)


def _hpc_row(chip: str, e: Any, first: float | None) -> tuple[object, ...]:
    from chipwall.units import format_quantity

    def shown(value: float) -> str:
        if e.unit == "point/s":
            return f"{value / GIGA:.3g} G{e.unit}"
        return format_quantity(value, e.unit, digits=3)

    value = Cell(shown(e.value), e.value, e.sources)
    ratio = Cell(f"{e.value / first:.2f}", e.value / first) if first else None
    low, high = Cell(shown(e.low), e.low), Cell(shown(e.high), e.high)
    return e.quantity, chip, value, low, high, ratio, Text.of(e.bound), Text.of(e.basis)


@click.command()
@click.argument("model")
@click.option("--chip", "chip_name", required=True, help="The chip, for example h200.")
@click.option("--n", default=1, show_default=True, help="Chips of one node that share model and index.")
@click.option("--vectors", default=10_000_000, show_default=True, help="Vectors in the index.")
@click.option(
    "--index",
    "kind",
    type=click.Choice(("flat", "ivf", "graph")),
    default="ivf",
    show_default=True,
    help="Kind of index.",
)
@click.option("--embedder", default="large", show_default=True, help="Encoder: base, large or 7b.")
@click.option("--code-bytes", default=2.0, show_default=True, help="Bytes of one number of a stored vector.")
@click.option("--probes", default=32.0, show_default=True, help="Lists read per query (ivf).")
@click.option("--visited", default=128.0, show_default=True, help="Vectors expanded per query (graph).")
@click.option("--question", default=32.0, show_default=True, help="Tokens of the question.")
@click.option("--passage", default=512.0, show_default=True, help="Tokens of one passage.")
@click.option("--passages", default=5.0, show_default=True, help="Passages given to the model.")
@click.option("--answer", default=256.0, show_default=True, help="Tokens of the answer.")
@click.option("--batch", default=1.0, show_default=True, help="Questions that go through together.")
@click.option("--precision", default="bf16", show_default=True, help="Precision of the language model.")
@click.option("--engine", default="", help="Serving engine.")
@table_options
def rag(
    model: str, chip_name: str, n: int, vectors: float, kind: str, embedder: str, code_bytes: float, probes: float,
    visited: float, question: float, passage: float, passages: float, answer: float, batch: float, precision: str,
    engine: str, form: str | None, as_json: bool, lang: str,
) -> None:  # fmt: skip
    """Retrieval and generation with MODEL: embed, search, read, answer; latency, throughput and memory."""
    from chipwall import catalog
    from chipwall.errors import unknown_name
    from chipwall.perf.retrieval import EMBEDDERS, Index, Pipeline, pipeline_estimate

    if embedder not in EMBEDDERS:
        raise unknown_name("embedder", embedder, nearest=list(EMBEDDERS), listing="chipwall rag --help")
    encoder = EMBEDDERS[embedder]
    index = Index(kind, vectors, encoder.dimensions, code_bytes, probes=probes, visited=visited)  # type: ignore[arg-type]
    asked = Pipeline(encoder, index, catalog.model(model), question, passage, passages, answer, batch, precision)
    found = pipeline_estimate(catalog.chip(chip_name), asked, chips=n, engine=engine)
    if as_json:
        write_json(found.as_json())
        return
    show(_rag_table(found), form=form, as_json=False, lang=lang)


def _rag_table(found: Any) -> Table:
    from chipwall.units import format_quantity

    columns = (Column("stage", text("Stage")), Column("time_s", text("Time"), right=True),
               Column("share", text("Share %"), right=True), Column("bound", text("Bound by")))  # fmt: skip
    rows = [
        (
            p.name,
            Cell(format_quantity(p.value, "s", digits=3), p.value),
            percent(p.value / found.value),
            Text.of(p.bound),
        )
        for p in found.breakdown
    ]
    rows.append(
        (
            text("all"),
            Cell(format_quantity(found.value, "s", digits=3), found.value),
            percent(1.0),
            Text.of(found.bound),
        )
    )
    i = found.inputs
    memory = listed(
        text("{part} {size}", part=Text.of(name), size=format_quantity(v, "byte", digits=3))
        for name, v in i["memory_bytes_per_chip"].items()
    )
    low, high = (format_quantity(v, "s", digits=3) for v in (found.low, found.high))
    first = format_quantity(i["first_token_s"], "s", digits=3)
    notes = (
        text("80 % interval {low} to {high}; basis: {basis}", low=low, high=high, basis=Text.of(found.basis)),
        text("{rate:.3g} questions/s; first token after {time}", rate=i["questions_per_s"], time=first),
        text("memory per chip: {parts}", parts=memory),
        *found.notes,
    )
    return Table(text("Retrieval and generation"), columns, tuple(rows), notes)


@click.command()
@click.option("--out", type=click.Path(path_type=Path), help="Where to write the page; default: the terminal.")
@click.option("--quick", is_flag=True, help="Without the kernels, whose cross-validation takes minutes.")
@click.option(
    "--peer",
    type=click.Path(path_type=Path),
    help="Answers of another tool, a CSV file with the columns id and tpot_ms, to stand beside.",
)
def scoreboard(out: Path | None, quick: bool, peer: Path | None) -> None:
    """Write the page of predicted against measured: by software and year, chip, model, layout and load."""
    from chipwall.perf.fitting.kernel_outcomes import kernel_outcomes
    from chipwall.report.forms.charts import svg
    from chipwall.report.pages.scoreboard import pictures, scoreboard_page

    def say(words: str) -> None:
        click.echo(words, err=True)

    drawn = f"{out.stem}-" if out else ""
    page = scoreboard_page(
        kernels=None if quick else kernel_outcomes, peer=_peer_answers(peer) if peer else None, pictures_at=drawn, say=say
    )
    if out is None:
        click.echo(page)
        return
    write_whole(out, page)
    say("pictures")
    for name, spec in pictures().items():
        write_whole(out.with_name(f"{drawn}{name}.svg"), svg(spec))


def _peer_answers(place: Path) -> tuple[str, dict[str, float]]:
    """Another tool's name (that of the folder of its file) and its answers by row."""
    import csv

    try:
        with place.open(encoding="utf-8-sig", newline="") as handle:
            rows = list(csv.DictReader(handle))
        answers = {row["id"]: float(row["tpot_ms"]) for row in rows if row["tpot_ms"]}
    except (OSError, UnicodeDecodeError, KeyError, ValueError, TypeError, csv.Error) as problem:
        raise InputError(
            text("'{file}' is not a table of answers: {problem}", file=str(place), problem=str(problem)),
            fix=text("Give a CSV file with the columns id and tpot_ms, one answer a line in milliseconds"),
        ) from problem
    return place.resolve().parent.name, answers
