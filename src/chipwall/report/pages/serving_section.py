"""The section on speed: the calibrated model, chip against chip, with intervals; limits beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from chipwall.catalog.records import Chip, LanguageModel
from chipwall.errors import ChipwallError
from chipwall.perf.calibrated import Calibrated
from chipwall.perf.estimate import Estimate
from chipwall.perf.serving.serve import Question, Serving, serving
from chipwall.perf.serving.setup import serving_hardware
from chipwall.report.forms import charts
from chipwall.report.forms.document import Section
from chipwall.report.forms.table import Cell, Column, Table
from chipwall.text import Text, text
from chipwall.units import format_quantity

__all__ = ["serving_section"]

# One usual question: a thousand tokens in and out, eight chips, once at full load and once with few users.
PROMPT = OUTPUT = 1024.0
CHIPS = 8
FEW = 8.0


@dataclass(frozen=True, slots=True)
class _Run:
    """One chip's two answers, or why there is none."""

    chip: Chip
    precision: str
    full: Serving | None
    few: Serving | None
    why: str = ""


def serving_section(
    chip: Chip, others: Sequence[Chip], model: LanguageModel, lang: str, calibrated: Calibrated
) -> tuple[Text, Section]:
    """The sentence for the first page, and the section on serving one model."""
    runs = [_run(one, model, calibrated) for one in (chip, *others)]
    rows = [_row(run, runs[0]) for run in runs]
    columns = (
        Column("chip", text("Chip")),
        Column("precision", text("Precision")),
        Column("throughput_tokens_per_s", text("Full load, tokens/s"), right=True),
        Column("throughput_low_high", text("80 % interval"), right=True),
        Column("ratio", text("Ratio"), right=True),
        Column("tpot_s", text("Per token, 8 users"), right=True),
        Column("tpot_low_high", text("80 % interval"), right=True),
        Column("energy_j_per_token", text("Energy per token"), right=True),
        Column("bound", text("Bound by")),
        Column("basis", text("Basis")),
    )
    points = [
        {
            "label": run.chip.name,
            "value": run.full.throughput.value,
            "low": run.full.throughput.low,
            "high": run.full.throughput.high,
            "shown": "",
        }
        for run in runs
        if run.full is not None
    ]
    title = text("{model} on {count} chips, full load", model=model.name, count=CHIPS)
    chart = charts.bars(points, title=title, x=text("output tokens per second, 80 % interval"), lang=lang)
    notes = (
        text(
            "{count} chips of each kind, {prompt:.0f} tokens in and {output:.0f} out, 8-bit weights where the chip has them; "
            "means, not tails. "
            "Calibrated: this architecture was fitted. Extrapolated: nothing like it was, and the band is wider.",
            count=CHIPS,
            prompt=PROMPT,
            output=OUTPUT,
        ),
    )
    section = Section(
        "serving",
        text("How fast it serves {model}", model=model.name),
        (),
        (Table("", columns, tuple(rows)),),
        (chart,) if points else (),
        notes,
    )
    return _sentence(runs, model), section


def _run(chip: Chip, model: LanguageModel, calibrated: Calibrated) -> _Run:
    precision = "fp8" if chip.rate("fp8") else "int8" if chip.rate("int8") else "bf16"
    question = Question(prompt=PROMPT, output=OUTPUT, chips=CHIPS, precision=precision)
    try:
        machine = serving_hardware(chip, calibrated)
        full = serving(model, machine, question, calibrated)
        few = serving(model, machine, Question(PROMPT, OUTPUT, CHIPS, FEW, precision=precision), calibrated)
    except ChipwallError as problem:
        return _Run(chip, precision, None, None, problem.what)
    return _Run(chip, precision, full, few)


def _row(run: _Run, first: _Run) -> tuple[object, ...]:
    if run.full is None or run.few is None:
        return (run.chip.name, run.precision, Cell("-", None, (), calculation=run.why), run.why, *(["-"] * 6))
    full, few = run.full, run.few
    share = full.throughput.value / first.full.throughput.value if first.full else None
    return (
        run.chip.name,
        run.precision,
        _cell(full.throughput, f"{full.throughput.value:,.0f}"),
        f"{full.throughput.low:,.0f} – {full.throughput.high:,.0f}",
        Cell("-" if share is None else f"{share:.2f}x", share, full.throughput.sources, "", text("to the first row")),
        _cell(few.tpot, format_quantity(few.tpot.value, "s", digits=3)),
        f"{format_quantity(few.tpot.low, 's', digits=3)} – {format_quantity(few.tpot.high, 's', digits=3)}",
        _cell(full.energy, f"{full.energy.value:.2f} J"),
        Text.of(full.throughput.bound),
        Text.of(full.throughput.basis),
    )


def _cell(found: Estimate, shown: str) -> Cell:
    worked = text("{basis}, bound by {bound}", basis=Text.of(found.basis), bound=Text.of(found.bound))
    return Cell(shown, found.value, found.sources, "~", worked)


def _sentence(runs: Sequence[_Run], model: LanguageModel) -> Text:
    own = runs[0]
    if own.full is None or own.few is None:
        return text("Serving {model}: no estimate, {why}.", model=model.name, why=Text.of(own.why))
    rate = own.full.throughput
    return text(
        "Serving {model} on {count} chips: about {value} tokens/s at full load (80 %: {low} to {high}), {tpot} per token "
        "with eight users.",
        model=model.name,
        count=CHIPS,
        value=f"{rate.value:,.0f}",
        low=f"{rate.low:,.0f}",
        high=f"{rate.high:,.0f}",
        tpot=format_quantity(own.few.tpot.value, "s", digits=3),
    )
