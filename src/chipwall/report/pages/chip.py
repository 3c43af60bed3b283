"""The chip itself: its facts with sources, ratios, what fits its memory, what physics allows, and what is not known."""

from __future__ import annotations

from collections.abc import Sequence

from chipwall.catalog.prices import prices
from chipwall.catalog.quantities import QUANTITIES
from chipwall.catalog.records import Chip, LanguageModel
from chipwall.controls.measures import performance_density, total_processing_performance
from chipwall.errors import Unknown
from chipwall.perf.budget import usable_memory
from chipwall.perf.calibrated import Calibrated
from chipwall.perf.formats import weight_bytes
from chipwall.perf.limits import decode_limit, prefill_limit
from chipwall.report.forms.charts.chart import Chart, Dot, DotRow, DotRows, Panel
from chipwall.report.forms.document import Section
from chipwall.report.forms.table import Cell, Column, Table
from chipwall.report.pages.catalog import LEGEND, compare_table, fact_cell, link_of, mark, measure_cell, ratio_words
from chipwall.report.pages.memory import (
    FIT_VERDICTS,
    USUAL_CONTEXT,
    ServedAs,
    Tuning,
    formulas_table,
    memory_sources,
    served_fit,
    serving_table,
    tuning_table,
)
from chipwall.report.pages.prices import price_ratio_cell
from chipwall.sources import Fact
from chipwall.text import Text, listed, text
from chipwall.units import GIB, format_quantity

__all__ = ["ceiling_tables", "facts_section", "memory_charts", "memory_tables", "ratio_rows", "ratio_tables"]

_IDENTITY = (
    "maker",
    "status",
    "announced",
    "available",
    "form_factor",
    "fab_node",
    "memory_type",
    "memory_capacity",
    "memory_reported",
    "memory_bandwidth",
    "bf16_rate",
    "fp8_rate",
    "int8_rate",
    "fp4_rate",
    "fp64_rate",
    "link_bandwidth",
    "scaleup_domain",
    "tdp",
)


def facts_section(chip: Chip, others: Sequence[Chip]) -> Section:
    """What the chip is with a source for each number, both sides of every ratio, and what nobody knows."""
    rows = [
        (
            Cell(QUANTITIES[q].title, q),
            fact_cell(fact),
            Text.of(fact.status),
            Cell(fact.source, fact.source, url=link_of(fact)),
        )
        for q in _IDENTITY
        if (fact := chip.claim(q)) is not None and fact.value is not None
    ]
    columns = (
        Column("quantity", text("Quantity")),
        Column("value", text("Value"), right=True),
        Column("status", text("Status")),
        Column("source", text("Source")),
    )
    estimated = sum(row[2] in ("estimated", "unverified", "unsourced") for row in rows)
    return Section(
        "facts",
        text("What is known of it, and from where?"),
        tables=(Table("", columns, tuple(rows), (LEGEND,)), unknown_table([chip, *others])),
        finding=text(
            "{count} figures of the {chip} stand here with their sources; {weak} of them are estimates or weakly read",
            count=len(rows),
            chip=chip.name,
            weak=estimated,
        ),
        details=(*ratio_tables(chip, others), tpp_table(chip, others)),
    )


def first_fact(chip: Chip, quantities: Sequence[str]) -> Fact | None:
    """The first of these quantities that is known as a number."""
    return next((f for q in quantities if (f := chip.fact(q)) is not None and f.number is not None), None)


# The ratios that matter, and which quantities can stand for each on chips that lack the first.
RATIOS: tuple[tuple[Text, tuple[str, ...]], ...] = (
    (text("Compute, 16 bit"), ("bf16_rate", "fp16_rate")),
    (text("Compute, 8 bit"), ("fp8_rate", "int8_rate")),
    (text("Memory"), ("memory_capacity",)),
    (text("Memory bandwidth"), ("memory_bandwidth",)),
    (text("Link bandwidth"), ("link_bandwidth",)),
)


def ratio_rows(chip: Chip, others: Sequence[Chip]) -> list[tuple[Text, list[Cell]]]:
    """Per ratio, a cell for each other chip: this chip's number over the other's, with both facts as sources."""
    found = []
    for title, quantities in RATIOS:
        own = first_fact(chip, quantities)
        found.append((title, [_ratio_cell(chip, own, other, first_fact(other, quantities)) for other in others]))
    found.append((text("Price"), [price_ratio_cell(chip, other) for other in others]))
    return found


def _ratio_cell(chip: Chip, own: Fact | None, against: Chip, other: Fact | None) -> Cell:
    if own is None or other is None or not own.number or not other.number:
        missing = tuple(f.source for f in (own, other) if f)
        name = chip.name if own is None else against.name
        return Cell("-", None, missing, calculation=text("not known for {chip}", chip=name))
    dimension = QUANTITIES[own.quantity].dimension
    formats = (
        f" ({own.quantity.removesuffix('_rate')}/{other.quantity.removesuffix('_rate')})"
        if own.quantity != other.quantity
        else ""
    )
    return Cell(
        ratio_words(own.number, other.number) + formats,
        own.number / other.number,
        tuple(dict.fromkeys((own.source, other.source))),
        max(mark(own), mark(other), key=len),
        text(
            "{own} / {other}",
            own=format_quantity(own.number, dimension),
            other=format_quantity(other.number, dimension),
        ),
    )


def ratio_tables(chip: Chip, others: Sequence[Chip]) -> tuple[Table, Table]:
    """The two numbers behind each ratio, and both sides in full."""
    rows = ratio_rows(chip, others)
    worked = Table(
        text("The two numbers of each ratio"),
        (Column("ratio", text("Ratio to")), *(Column(o.id, o.name, right=True) for o in others)),
        tuple((title, *(Cell(c.calculation, c.value, c.sources) for c in cells)) for title, cells in rows),
        (LEGEND,),
    )
    return worked, compare_table([chip, *others])


def tpp_table(chip: Chip, others: Sequence[Chip]) -> Table:
    """The two numbers the export rules measure, with the formula filled in."""
    rows = []
    for one in (chip, *others):
        tpp, density = total_processing_performance(one), performance_density(one)
        other = (
            text("{note}: {value}", note=tpp.alternative_note, value=f"{tpp.alternative:,.0f}")
            if tpp.alternative
            else ""
        )
        rows.append(
            (
                one.name,
                measure_cell(tpp),
                Cell(tpp.formula or tpp.unknown, None, tpp.sources),
                measure_cell(density),
                Cell(density.formula or density.unknown, None, density.sources),
                other,
            )
        )
    columns = (
        Column("chip", text("Chip")),
        Column("tpp", "TPP", right=True),
        Column("tpp_formula", text("TPP, filled in")),
        Column("performance_density_tpp_per_mm2", text("Density"), right=True),
        Column("density_formula", text("Density, filled in")),
        Column("other_reading", text("Other reading")),
    )
    note = text(
        "TPP is dense TOPS times bit length, the highest over formats; density divides it by all logic die area "
        "made on a non-planar process."
    )
    return Table(text("What the export rules measure"), columns, tuple(rows), (note, LEGEND))


FORMATS = ("bf16", "fp8", "int8", "int4")


def memory_tables(chip: Chip, models: Sequence[LanguageModel], calibrated: Calibrated) -> tuple[Table, ...]:
    """What fits on one chip: a grid of models and formats, then the largest model in full; none where memory is not known."""
    try:
        usable_memory(chip)
    except Unknown:
        return ()
    serving, tuning, largest = ServedAs(), Tuning(), models[-1]
    rows = [
        (model.name, *(_fit_cell(model, chip, weights, serving, calibrated) for weights in FORMATS)) for model in models
    ]
    columns = (Column("model", text("Model")), *(Column(f"{f}_bytes", f) for f in FORMATS))
    title = text("Serving on one chip, {context} tokens of 16-bit cache", context=USUAL_CONTEXT)
    return (
        Table(title, columns, tuple(rows)),
        serving_table(largest, chip, FORMATS, serving, calibrated),
        tuning_table(largest, chip, FORMATS, tuning, calibrated),
        formulas_table(largest, chip, "int4", serving, tuning, calibrated),
    )


def _fit_cell(model: LanguageModel, chip: Chip, weights: str, serving: ServedAs, calibrated: Calibrated) -> Cell:
    found = served_fit(model, chip, weights, serving, calibrated)
    b = found.budget
    shown = FIT_VERDICTS[b.verdict]
    if b.free < 0 and found.chips_needed:
        shown = text("{verdict}: {count} chips", verdict=shown, count=found.chips_needed)
    calculation = text(
        "{weights:.1f} weights + {cache:.1f} cache + {engine:.1f} engine = {total:.1f} of {memory:.1f} GiB",
        weights=b.bytes_of("weights") / GIB,
        cache=(b.bytes_of("cache") + b.bytes_of("state")) / GIB,
        engine=b.bytes_of("engine") / GIB,
        total=b.need / GIB,
        memory=b.room / GIB,
    )
    return Cell(shown, b.need, memory_sources(model, chip), "", calculation)


def memory_charts(chip: Chip, models: Sequence[LanguageModel], calibrated: Calibrated) -> tuple[Chart, ...]:
    """Weights of each model by format against the memory of one chip, which is the line."""
    try:
        memory, how = usable_memory(chip)
    except Unknown:
        return ()
    lines, rows = [], []
    for model in models:
        for weights in FORMATS[:2] + FORMATS[3:]:
            size = weight_bytes(model, weights) / GIB
            label = f"{model.name}, {weights}"
            lines.append(DotRow(label, (Dot(size, f"{size:,.0f}", sure=size * GIB <= memory),)))
            rows.append(
                (
                    label,
                    Cell(f"{size:,.0f} GiB", size * GIB, memory_sources(model, chip)),
                    text("yes") if size * GIB <= memory else text("no"),
                )
            )
    panel = Panel(
        text("Weights, GiB"),
        zero=True,
        reference=(memory / GIB, text("memory of one chip: {size:.0f} GiB", size=memory / GIB)),
    )
    columns = (
        Column("model", text("Model")),
        Column("weights_bytes", text("Weights"), right=True),
        Column("below_the_line", text("Below the line")),
    )
    return (
        Chart(
            "memory",
            fit_finding(chip, models[-1], calibrated),
            text(
                "Weights by number format against the memory that a program sees on one {chip}; cache and engine come on "
                "top; pale: above the line",
                chip=chip.name,
            ),
            text("Source: layer tables of the models; memory: {how}", how=how),
            DotRows((panel,), tuple(lines), bars=True),
            Table("", columns, tuple(rows)),
        ),
    )


def fit_finding(chip: Chip, model: LanguageModel, calibrated: Calibrated) -> Text:
    """The widest format in which one chip serves a model, in a sentence."""
    for weights, words in (("bf16", text("16 bits")), ("fp8", text("8 bits")), ("int4", text("4 bits"))):
        found = served_fit(model, chip, weights, ServedAs(), calibrated)
        if found.budget.verdict == "fits":
            left = max(found.room.bytes, 0) / GIB
            return text(
                "One {chip} holds {model} at {bits}; {left:.0f} GiB are left for the cache",
                chip=chip.name,
                model=model.name,
                bits=words,
                left=left,
            )
    return text("One {chip} does not hold {model} in any common format", chip=chip.name, model=model.name)


def ceiling_tables(chips: Sequence[Chip], models: Sequence[LanguageModel], calibrated: Calibrated) -> tuple[Table, ...]:
    """Physical ceilings per chip for each model: prompt tokens and generated tokens per second."""
    note = text(
        "Limits, not predictions: arithmetic and bandwidth at their peaks, nothing lost between chips, 2,048 tokens of context."
    )
    tables = []
    for model in models:
        rows = []
        for chip in chips:
            rows += [
                row
                for weights in ("bf16", "fp8")
                if (row := _ceiling_row(chip, model, weights, calibrated)) is not None
            ]
        columns = (
            Column("chip", text("Chip")),
            Column("weights_format", text("Weights")),
            Column("chips_needed", text("Chips needed"), right=True),
            Column("prefill_limit_tokens_per_s", text("Prefill, tokens/s"), right=True),
            Column("decode_batch1_limit_tokens_per_s", text("Decode, batch 1"), right=True),
            Column("decode_batch64_limit_tokens_per_s", text("Decode, batch 64"), right=True),
            Column("bound", text("Bound at 64")),
        )
        tables.append(Table(text("{model}: limits per chip", model=model.name), columns, tuple(rows), (note,)))
    return tuple(tables)


def _ceiling_row(chip: Chip, model: LanguageModel, weights: str, calibrated: Calibrated) -> tuple[object, ...] | None:
    if weights == "fp8" and chip.rate("fp8") is None:
        weights = "int8"
    try:
        needed = served_fit(model, chip, weights, ServedAs(), calibrated).chips_needed
        limits = (
            prefill_limit(model, chip, weights=weights),
            decode_limit(model, chip, weights=weights, batch=1),
            decode_limit(model, chip, weights=weights, batch=64),
        )
    except Unknown as missing:
        return (chip.name, weights, None, Cell("-", None, (), calculation=missing.what), Cell("-"), Cell("-"), "")
    cells = [
        Cell(f"{x.value:,.0f}" if x.value >= 100 else f"{x.value:,.1f}", x.value, x.sources, "", x.formula)
        for x in limits
    ]
    return (chip.name, weights, needed, *cells, Text.of(limits[2].bound))


def unknown_table(chips: Sequence[Chip]) -> Table:
    """What is not known, or known but not verified."""
    asked = (
        "memory_bandwidth",
        "bf16_rate",
        "fp8_rate",
        "link_bandwidth",
        "tdp",
        "applicable_die_area",
        "available",
        "memory_reported",
    )
    rows = []
    for chip in chips:
        missing = [QUANTITIES[q].title for q in asked if (f := chip.fact(q)) is None or f.value is None]
        missing += [text("Price")] if not prices(chip.id, offer="buy") else []
        doubtful = [
            QUANTITIES[q].title
            for q in asked
            if (f := chip.fact(q)) is not None and f.value is not None and f.status in ("unverified", "estimated")
        ]
        rows.append((chip.name, joined(missing), joined(doubtful)))
    columns = (
        Column("chip", text("Chip")),
        Column("unknown", text("Not known")),
        Column("doubtful", text("Estimated or not verified")),
    )
    return Table(text("What is not known"), columns, tuple(rows))


def joined(parts: Sequence[Text]) -> Text | str:
    """A list in words, each part still translatable."""
    return listed(parts) or "-"
