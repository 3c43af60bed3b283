"""``chipwall validate``, ``chipwall calibrate``, ``chipwall hpc``, ``chipwall rag`` and ``chipwall scoreboard``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from chipwall.cli.calibration import own_calibration, own_options, refuse_own_options
from chipwall.cli.extras import require_extra
from chipwall.cli.kinds import CHIP, COUNT, IN_FILE, MODEL, TOKENS, WORD, NumberFrom, OneOf, OutFile, OutPlace
from chipwall.cli.languages import asked_language
from chipwall.cli.options import Out, answer_options, command
from chipwall.errors import InputError
from chipwall.files import read_rows, write_whole
from chipwall.inputs import number
from chipwall.report.forms.table import Cell, Column, Table
from chipwall.report.language.lookup import LANGUAGES
from chipwall.text import Text, listed, text
from chipwall.units import GIGA

if TYPE_CHECKING:
    from chipwall.perf.calibrated import Calibrated

__all__ = ["calibrate_command", "hpc", "rag", "scoreboard", "validate"]


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


KINDS = ("inference", "training", "finetune", "startup", "kernels", "collectives", "load")


@command()
@click.argument("kind", type=OneOf(*KINDS))
@click.argument("file", type=IN_FILE)
@answer_options
def validate(kind: str, file: Path, out: Out) -> None:
    """Score the model against a FILE of KIND: inference, training, finetune, startup, kernels, collectives, load."""
    from chipwall.api.doors import calibrated_in_use
    from chipwall.perf.evidence.validate import read_measurements, validated_table

    if kind == "load":
        _show_load(file, out)
        return
    found = validated_table(kind, read_measurements(kind, file), calibrated_in_use())
    summary = dict(found.summary)
    by_class = {**summary.pop("by_class"), "all": summary}
    notes = (
        text(
            "{predicted} rows predicted, {counted} of them counted",
            predicted=summary["predicted"],
            counted=summary["counted"],
        ),
        *_outcomes(found),
        *(text("{count} rows skipped: {reason}", count=n, reason=reason) for reason, n in _reasons(found).items()),
    )
    title = text("Predicted against measured: {kind}, {file}", kind=kind, file=file.name)
    out.show(score_table(title, by_class, text("Class"), notes), data=found.as_json())


def _show_load(file: Path, out: Out) -> None:
    """Points of load: every filled latency and rate of every row, simulated."""
    from chipwall.api.doors import calibrated_in_use
    from chipwall.fleet.load_rows import check_load_columns, load_table

    rows = read_rows(file)
    check_load_columns(rows.columns, str(file))
    found = load_table(rows.rows, calibrated_in_use())
    notes = tuple(text("{count} rows skipped: {reason}", count=n, reason=reason) for reason, n in _reasons(found).items())
    title = text("Predicted against measured: {kind}, {file}", kind="load", file=file.name)
    out.show(score_table(title, found.by_class(), text("Class"), notes), data=found.as_json())


def _outcomes(found: Any) -> tuple[Text, ...]:
    """How many rows that say ``fits`` or ``fails`` are right, where there are any."""
    words = [row for row in found.results if isinstance(row.measured, str)]
    right = sum(row.measured == row.predicted for row in words)
    return (text("{right} of {rows} outcomes right", right=right, rows=len(words)),) if words else ()


def _reasons(found: Any) -> dict[str, int]:
    counts: dict[str, int] = {}
    for skip in found.skipped:
        counts[skip.reason] = counts.get(skip.reason, 0) + 1
    return counts


@command()
@own_options
@click.option(
    "--stage",
    type=OneOf("kernels", "memory", "inference", "evidence", "training"),
    help="Without --from: hardware constants (default), what engines keep of the memory, the step constants, or what left-out "
    "serving rows earn as bands.",
)
@click.option(
    "--out",
    "place",
    type=OutPlace(),
    help="Where to write the file of constants, for 'evidence' a folder; default: nowhere.",
)
@click.option("--quick", is_flag=True, help="No cross-validation: constants without spreads and bands, in seconds.")
@answer_options
def calibrate_command(
    from_files: tuple[Path, ...], files: tuple[Path, ...], stage: str | None, place: Path | None, quick: bool, out: Out,
    **asked: Any,
) -> None:  # fmt: skip
    """Fit constants on the load test you have (--from), or again on the shipped measurements; says how well they hold."""
    if from_files:
        if stage or quick:
            raise InputError(
                text("a load test has one fit"), where="stage" if stage else "quick", fix=text("Leave it out with --from")
            )
        own_calibration((*from_files, *files), place, out, asked)
        return
    refuse_own_options(files, asked)
    _shipped_calibration(stage or "kernels", place, quick, out)


def _shipped_calibration(stage: str, place: Path | None, quick: bool, out: Out) -> None:
    """Constants of one stage again from the shipped measurements."""
    require_extra("scipy", extra="market", wanted_by="calibrate")
    from chipwall.perf.shipped import shipped

    before = shipped()
    if stage == "evidence":
        _write_evidence(place, before)
        return
    if stage == "training":
        from chipwall.cli.train import training_calibration

        training_calibration(place, before, quick=quick, out=out)
        return
    if stage == "kernels":
        from chipwall.perf.fitting.constants_file import calibration_toml
        from chipwall.perf.fitting.hardware import refit

        found = refit(before, cross_validate=not quick)
        content = calibration_toml(found.calibration)
        out.show(_fit_table(found))
    elif stage == "memory":
        from chipwall.perf.fitting.overhead import overhead_toml
        from chipwall.perf.load import measured

        content = overhead_toml(measured("startup"), before.overhead)
        if place is None:
            click.echo(content)
    else:
        from chipwall.perf.fitting.serving_file import calibration_text
        from chipwall.perf.load import measured

        content = calibration_text(measured("inference"), before)
        if place is None:
            click.echo(content)
    if place is not None:
        write_whole(place, content)


def _write_evidence(folder: Path | None, calibrated: Calibrated) -> None:
    """Left-out errors of every serving row, and the bands they earn, from the shipped constants."""
    from chipwall.perf.evidence.index import index_of
    from chipwall.perf.fitting.evidence_file import bands_toml, evidence_csv
    from chipwall.perf.load import measured

    if folder is None or not folder.is_dir():
        raise InputError(
            text("two files are written: give the folder they go to"), where="place", fix=text("For example --out .")
        )
    table = evidence_csv(measured("inference"), calibrated, say=lambda words: click.echo(words, err=True))
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


@command()
@click.argument("chips", nargs=-1, required=True, type=CHIP)
@click.option(
    "--chips", "-n", "count", type=COUNT, default=1, show_default=True, help="Chips of each kind that work together."
)
@answer_options
def hpc(chips: tuple[str, ...], count: int, out: Out) -> None:
    """Scientific kernels (streams, FP64 products, LINPACK, conjugate gradients, FFT, stencils) on CHIPS, with ratios."""
    from chipwall.api.doors import chip_of
    from chipwall.api.performance import compute

    records = [chip_of(name) for name in chips]
    asked = [compute(chip, chips=count) for chip in records]
    answers = [a.record for a in asked]
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
    data = {chip.id: answer.to_dict() for chip, answer in zip(records, asked, strict=True)}
    out.show(Table(text("Scientific kernels"), columns, rows, notes), data=data, why=asked[0])


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


@command()
@click.argument("model", type=MODEL)
@click.option("--chip", type=CHIP, required=True, help="The chip, for example h200.")
@click.option(
    "--chips", "-n", type=COUNT, default=1, show_default=True, help="Chips of one node that share model and index."
)
@click.option(
    "--vectors",
    type=NumberFrom(least=1, most=1e13),
    default=10_000_000.0,
    show_default=True,
    help="Vectors in the index.",
)
@click.option("--index", type=OneOf("flat", "ivf", "graph"), default="ivf", show_default=True, help="Kind of index.")
@click.option("--embedder", type=WORD, default="large", show_default=True, help="Encoder: base, large or 7b.")
@click.option(
    "--code-bytes",
    type=NumberFrom(above=0, most=16),
    default=2.0,
    show_default=True,
    help="Bytes of one number of a stored vector.",
)
@click.option(
    "--probes", type=NumberFrom(least=1, most=1e7), default=32.0, show_default=True, help="Lists read per query (ivf)."
)
@click.option(
    "--visited",
    type=NumberFrom(least=1, most=1e7),
    default=128.0,
    show_default=True,
    help="Vectors expanded per query (graph).",
)
@click.option("--question", type=TOKENS, default=32.0, show_default=True, help="Tokens of the question.")
@click.option("--passage", type=TOKENS, default=512.0, show_default=True, help="Tokens of one passage.")
@click.option(
    "--passages",
    type=NumberFrom(least=1, most=1e6),
    default=5.0,
    show_default=True,
    help="Passages given to the model.",
)
@click.option("--answer", type=TOKENS, default=256.0, show_default=True, help="Tokens of the answer.")
@click.option(
    "--batch",
    type=NumberFrom(least=1, most=1e6),
    default=1.0,
    show_default=True,
    help="Questions that go through together.",
)
@click.option("--precision", type=WORD, default="bf16", show_default=True, help="Precision of the language model.")
@click.option("--engine", type=WORD, help="Serving engine. Default: the usual one on the chip.")
@answer_options
def rag(model: str, chip: str, out: Out, **asked: Any) -> None:
    """Retrieval and generation with MODEL: embed, search, read, answer; latency, throughput and memory."""
    from chipwall.api.performance import retrieve

    answer = retrieve(model, chip, **asked)
    out.show(_rag_table(answer.record), data=answer.to_dict(), why=answer)


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


@command()
@click.option("--out", "place", type=OutFile(), help="Where to write the page; default: the terminal.")
@click.option("--quick", is_flag=True, help="Without the kernels, whose cross-validation takes minutes.")
@click.option(
    "--peer", type=IN_FILE, help="Answers of another tool, a CSV file with the columns id and tpot_ms, to stand beside."
)
@click.option("--lang", type=click.Choice(LANGUAGES), default=asked_language, help="Language; the page is English.")
def scoreboard(place: Path | None, quick: bool, peer: Path | None, lang: str) -> None:
    """Write the page of predicted against measured, in Markdown: by software and year, chip, model, layout and load."""
    require_extra("scipy", extra="market", wanted_by="scoreboard")
    if place is not None:
        require_extra("vl_convert", extra="report", wanted_by="scoreboard --out")
    answers = None if peer is None else _peer_answers(peer)
    from chipwall.api.doors import calibrated_in_use
    from chipwall.perf.fitting.kernel_outcomes import kernel_outcomes
    from chipwall.perf.fitting.scores import serving_outcomes
    from chipwall.report.pages.scoreboard import pictures, scoreboard_page

    def say(words: str) -> None:
        click.echo(words, err=True)

    drawn = f"{place.stem}-" if place else ""
    fitted = calibrated_in_use()
    page = scoreboard_page(
        fitted, kernels=None if quick else kernel_outcomes, peer=answers, pictures_at=drawn, say=say
    )
    if place is None:
        click.echo(page)
        return
    from chipwall.report.forms.vega import svg

    write_whole(place, page)
    say("pictures")
    for name, spec in pictures(serving_outcomes(fitted)).items():
        write_whole(place.with_name(f"{drawn}{name}.svg"), svg(spec))


def _peer_answers(place: Path) -> tuple[str, dict[str, float]]:
    """Another tool's name (that of the folder of its file) and its answers by row."""
    table = read_rows(place, argument="peer", needed=("id", "tpot_ms"))
    answers = {}
    for line, row in zip(table.lines, table.rows, strict=True):
        if row["tpot_ms"]:
            answers[row["id"]] = number(row["tpot_ms"], f"{table.file}, line {line}", above=0)
    return place.resolve().parent.name, answers
