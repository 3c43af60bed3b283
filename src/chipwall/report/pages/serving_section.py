"""What it can do: answers written per second beside the data sheet, chip against chip, with intervals."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from chipwall.catalog.records import Chip, LanguageModel
from chipwall.errors import ChipwallError
from chipwall.perf.calibrated import Calibrated
from chipwall.perf.estimate import Estimate
from chipwall.perf.serving.serve import Question, Serving, serving
from chipwall.perf.serving.setup import serving_hardware
from chipwall.report.forms.charts.chart import Chart, Dot, DotRow, DotRows, Panel
from chipwall.report.forms.document import KeyNumber
from chipwall.report.forms.table import Cell, Column, Table
from chipwall.report.language.names import short_name
from chipwall.report.language.numbers import count_words, range_words, times_words
from chipwall.report.pages.serving import BASES, BOUNDS
from chipwall.sources import Fact
from chipwall.text import Text, text
from chipwall.units import format_quantity

__all__ = [
    "CHIPS",
    "FEW",
    "MANY",
    "ServedRun",
    "ratio_chart",
    "serving_chart",
    "serving_number",
    "serving_runs",
    "serving_sentence",
    "side_of",
    "speed_table",
    "writing_ratio",
]

# One usual question: a thousand tokens in and out, eight chips; with few users, with many, and at full load.
PROMPT = OUTPUT = 1024.0
CHIPS = 8
FEW, MANY = 8.0, 64.0


@dataclass(frozen=True, slots=True)
class ServedRun:
    """One chip's answers at three loads, or why there is none."""

    chip: Chip
    precision: str
    full: Serving | None = None
    few: Serving | None = None
    many: Serving | None = None
    why: str = ""


def serving_runs(chips: Sequence[Chip], model: LanguageModel, calibrated: Calibrated) -> list[ServedRun]:
    """Every chip asked the same question; a chip that cannot answer says why."""
    return [_run(chip, model, calibrated) for chip in chips]


def _run(chip: Chip, model: LanguageModel, calibrated: Calibrated) -> ServedRun:
    precision = "fp8" if chip.rate("fp8") else "int8" if chip.rate("int8") else "bf16"
    try:
        machine = serving_hardware(chip, calibrated)
        found = [
            serving(model, machine, Question(PROMPT, OUTPUT, CHIPS, users, precision=precision), calibrated)
            for users in (0.0, FEW, MANY)
        ]
    except ChipwallError as problem:
        return ServedRun(chip, precision, why=problem.what)
    return ServedRun(chip, precision, found[0], found[1], found[2])


def side_of(chip: Chip) -> str:
    """Whose design a chip is, as charts tell it."""
    return {"US": "us", "CN": "cn"}.get(chip.word("designer_country"), "")


def writing_ratio(own: ServedRun, other: ServedRun) -> tuple[float, float] | None:
    """How many times faster the first writes answers: least and most over few and many users, full load left out."""
    if own.few is None or other.few is None or own.many is None or other.many is None:
        return None
    found = sorted((other.few.tpot.value / own.few.tpot.value, other.many.tpot.value / own.many.tpot.value))
    return found[0], found[1]


def quotient(own: Estimate, other: Estimate, *, inverse: bool = False) -> tuple[float, float, float]:
    """A ratio of two estimates with its interval: errors of the two taken as independent, logarithms added in squares."""
    value = other.value / own.value if inverse else own.value / other.value
    up, down = (
        math.hypot(math.log(own.high / own.value), math.log(other.value / other.low)),
        math.hypot(math.log(own.value / own.low), math.log(other.high / other.value)),
    )
    up, down = (down, up) if inverse else (up, down)
    return value, value * math.exp(-down), value * math.exp(up)


def _first(chip: Chip, quantities: Sequence[str]) -> Fact | None:
    return next((f for q in quantities if (f := chip.fact(q)) is not None and f.number), None)


def _paper(own: Chip, other: Chip, quantities: Sequence[str]) -> Dot | str:
    one, two = _first(own, quantities), _first(other, quantities)
    if one is None or two is None or not one.number or not two.number:
        return text("not known")
    ratio = one.number / two.number
    sure = all(f.status in ("official", "measured", "reported") for f in (one, two))
    return Dot(ratio, times_words(ratio), sure=sure)


def _estimated(own: Estimate | None, other: Estimate | None, *, inverse: bool = False) -> Dot | str:
    if own is None or other is None:
        return text("no estimate")
    value, low, high = quotient(own, other, inverse=inverse)
    sure = {own.basis, other.basis} <= {"measured", "calibrated"}
    return Dot(
        value,
        times_words(value),
        low,
        high,
        sure,
        text("{low} to {high}", low=times_words(low), high=times_words(high)),
    )


def ratio_chart(runs: Sequence[ServedRun], model: LanguageModel) -> Chart:
    """The subject against each other chip: on paper, and when it serves. One panel a question, 1 is equal."""
    own = runs[0]
    lines = []
    for other in runs[1:]:
        dots = (
            _paper(own.chip, other.chip, ("bf16_rate", "fp16_rate")),
            _paper(own.chip, other.chip, ("memory_bandwidth",)),
            _estimated(own.few.tpot if own.few else None, other.few.tpot if other.few else None, inverse=True),
            _estimated(own.full.throughput if own.full else None, other.full.throughput if other.full else None),
        )
        lines.append(DotRow(short_name(other.chip.name), dots, side_of(other.chip)))
    equal = (1.0, text("1 = equal"))
    titles = (text("16-bit compute"), text("Bandwidth"), text("Writing, 8 users"), text("Full load"))
    panels = tuple(Panel(t, log=True, reference=equal) for t in titles)
    return Chart(
        "ratios",
        _ratio_finding(runs),
        text(
            "How many times the {chip} exceeds each chip: two data-sheet figures, then speed per user and tokens per second with "
            "{model} on {count} chips; lines are 80 % intervals, axes logarithmic",
            chip=own.chip.name,
            model=model.name,
            count=CHIPS,
        ),
        text("Source: data sheets in the catalogue; serving model of chipwall, calibrated on published measurements"),
        DotRows(panels, tuple(lines)),
        _ratio_table(lines, titles),
        (text("Intervals of both sides are combined as if independent."),),
    )


def _ratio_table(lines: Sequence[DotRow], titles: Sequence[Text]) -> Table:
    keys = ("compute_16_bit", "memory_bandwidth", "writing_8_users", "full_load")
    columns = [Column("chip", text("Ratio to"))]
    for key, title in zip(keys, titles, strict=True):
        columns += [Column(f"{key}_ratio", title, right=True)]
        if key in ("writing_8_users", "full_load"):
            columns += [Column(f"{key}_low", text("from"), right=True), Column(f"{key}_high", text("to"), right=True)]
    rows = []
    for line in lines:
        row: list[object] = [line.label]
        for key, dot in zip(keys, line.dots, strict=True):
            known = isinstance(dot, Dot)
            row.append(Cell(dot.shown, dot.value) if isinstance(dot, Dot) else Cell("-", None, calculation=dot))
            if key in ("writing_8_users", "full_load"):
                row += [
                    Cell(times_words(v), v) if known and v else Cell("-")
                    for v in ((dot.low, dot.high) if isinstance(dot, Dot) else (None, None))
                ]
        rows.append(tuple(row))
    return Table("", tuple(columns), tuple(rows))


def reference_of(runs: Sequence[ServedRun]) -> ServedRun | None:
    """The chip that the headline compares with: the cut-down part, else the flagship, else the first with an answer."""
    order = ("nvidia-h20-96gb", "nvidia-h200-sxm", "nvidia-h100-sxm")
    known = {run.chip.id: run for run in runs[1:]}
    if side_of(runs[0].chip) == "cn":
        order = ("nvidia-h200-sxm", "nvidia-h20-96gb", "nvidia-h100-sxm")
    return next((known[name] for name in order if name in known), runs[1] if len(runs) > 1 else None)


def ratio_clause(runs: Sequence[ServedRun]) -> Text | None:
    """``6.7x the H20 on paper, 1.1x to 1.4x when it writes answers``; nothing where neither is known."""
    other = reference_of(runs)
    if other is None:
        return None
    own, name = runs[0], short_name(other.chip.name)
    paper, speed = _paper(own.chip, other.chip, ("bf16_rate", "fp16_rate")), writing_ratio(own, other)
    if isinstance(paper, Dot) and speed is not None:
        if f"{speed[0]:.1f}" == f"{speed[1]:.1f}":
            return text(
                "{paper} the {other} on paper, {speed} when it writes answers",
                paper=paper.shown,
                other=name,
                speed=times_words(speed[0]),
            )
        return text(
            "{paper} the {other} on paper, {low} to {high} when it writes answers",
            paper=paper.shown,
            other=name,
            low=times_words(speed[0]),
            high=times_words(speed[1]),
        )
    if isinstance(paper, Dot):
        return text("{paper} the {other} on paper", paper=paper.shown, other=name)
    return None


def _ratio_finding(runs: Sequence[ServedRun]) -> Text:
    clause = ratio_clause(runs)
    chip = runs[0].chip.name
    return (
        text("{chip}: {clause}", chip=chip, clause=clause) if clause else text("{chip} beside other chips", chip=chip)
    )


def serving_chart(runs: Sequence[ServedRun], model: LanguageModel) -> Chart:
    """Tokens per second at full load and milliseconds per token with few users, the subject highlighted, fastest first."""
    order = sorted(runs, key=lambda r: -(r.full.throughput.value if r.full else 0.0))
    lines = []
    for run in order:
        if run.full is None or run.few is None:
            dots: tuple[Dot | str, ...] = (run.why or text("no estimate"), "")
        else:
            dots = (_rate_dot(run.full.throughput), _time_dot(run.few.tpot))
        lines.append(DotRow(short_name(run.chip.name), dots, side_of(run.chip), run is runs[0]))
    panels = (
        Panel(text("Full load, tokens per second"), zero=True, shown="count"),
        Panel(text("8 users, ms per token"), log=True),
    )
    return Chart(
        "serving",
        serving_sentence(runs, model),
        text(
            "{model}, {count} chips of each kind, {prompt:.0f} tokens in and {output:.0f} out, 8-bit weights where the chip "
            "computes with "
            "them; lines are 80 % intervals",
            model=model.name,
            count=CHIPS,
            prompt=PROMPT,
            output=OUTPUT,
        ),
        text("Source: serving model of chipwall, calibrated on published measurements; means, not tails"),
        DotRows(panels, tuple(lines)),
        speed_table(runs),
    )


def _sure(e: Estimate) -> bool:
    return e.basis in ("measured", "calibrated")


def _rate_dot(e: Estimate) -> Dot:
    return Dot(e.value, count_words(e.value), e.low, e.high, _sure(e), range_words(e.low, e.high, count_words))


def _time_dot(e: Estimate) -> Dot:
    ms = e.value * 1e3
    return Dot(
        ms,
        f"{ms:.3g}",
        e.low * 1e3,
        min(e.high, 4 * e.value) * 1e3,
        _sure(e),
        f"{e.low * 1e3:.3g} – {e.high * 1e3:.3g} ms",
    )


def speed_table(runs: Sequence[ServedRun]) -> Table:
    """The same question to every chip: rate, time per token, energy, each with its interval."""
    columns = (
        Column("chip", text("Chip")),
        Column("precision", text("Precision")),
        Column("throughput_tokens_per_s", text("Full load, tokens/s"), right=True),
        Column("throughput_low", text("80 % from"), right=True),
        Column("throughput_high", text("to"), right=True),
        Column("tpot_s", text("Per token, 8 users"), right=True),
        Column("tpot_low", text("80 % from"), right=True),
        Column("tpot_high", text("to"), right=True),
        Column("energy_j_per_token", text("Energy per token"), right=True),
        Column("basis", text("Basis")),
    )
    return Table("", columns, tuple(_row(run) for run in runs))


def _row(run: ServedRun) -> tuple[object, ...]:
    if run.full is None or run.few is None:
        return (run.chip.name, run.precision, Cell("-", None, (), calculation=run.why), *([Cell("-")] * 6), run.why)
    rate, time = run.full.throughput, run.few.tpot
    return (
        run.chip.name,
        run.precision,
        _cell(rate, count_words(rate.value, digits=4)),
        *(Cell(count_words(v), v, rate.sources) for v in (rate.low, rate.high)),
        _cell(time, format_quantity(time.value, "s", digits=3)),
        *(Cell(format_quantity(v, "s", digits=3), v, time.sources) for v in (time.low, time.high)),
        _cell(run.full.energy, f"{run.full.energy.value:.2f} J"),
        Cell(BASES[rate.basis], rate.basis),
    )


def _cell(found: Estimate, shown: str) -> Cell:
    worked = text("{basis}, bound by {bound}", basis=BASES[found.basis], bound=BOUNDS[found.bound])
    return Cell(shown, found.value, found.sources, "~", worked)


def serving_sentence(runs: Sequence[ServedRun], model: LanguageModel) -> Text:
    """How fast the subject serves, with the interval, in a sentence."""
    own = runs[0]
    if own.full is None or own.few is None:
        return text(
            "{chip}: no estimate for {model}; {why}", chip=own.chip.name, model=model.name, why=Text.of(own.why)
        )
    rate = own.full.throughput
    return text(
        "{count} {chip} write about {value} tokens a second with {model}, {tpot} per token for each of 8 users",
        count=CHIPS,
        chip=short_name(own.chip.name),
        value=count_words(rate.value),
        model=model.name,
        tpot=format_quantity(own.few.tpot.value, "s", digits=3),
    )


def serving_number(runs: Sequence[ServedRun], model: LanguageModel) -> KeyNumber | None:
    """The rate at full load as a number of the first page."""
    own = runs[0]
    if own.full is None:
        return None
    rate = own.full.throughput
    return KeyNumber(
        text("tokens a second, {count} chips, {model}", count=CHIPS, model=model.name),
        count_words(rate.value),
        text("80 %: {range}", range=range_words(rate.low, rate.high, count_words)),
        "performance",
    )
