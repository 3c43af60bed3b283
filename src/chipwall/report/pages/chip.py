"""The sections about the chip itself: identity, ratios, memory, ceilings, and what is not known."""

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
from chipwall.report.forms import charts
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
    tuned,
    tuning_table,
)
from chipwall.report.pages.prices import price_ratio_cell
from chipwall.sources import Fact
from chipwall.text import Text, listed, text
from chipwall.units import GIB, format_quantity

__all__ = [
    "ceilings_section",
    "identity_section",
    "memory_section",
    "ratio_rows",
    "ratios_section",
    "tpp_section",
    "unknown_section",
]

_IDENTITY = (
    "maker", "status", "announced", "available", "form_factor", "fab_node", "memory_type", "memory_capacity", "memory_reported",
    "memory_bandwidth", "bf16_rate", "fp8_rate", "int8_rate", "fp4_rate", "fp64_rate", "link_bandwidth",
    "scaleup_domain", "tdp",
)  # fmt: skip


def identity_section(chip: Chip) -> Section:
    """What the chip is, one row per quantity with source and status."""
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
    return Section("identity", text("What it is"), tables=(Table("", columns, tuple(rows), (LEGEND,)),))


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
        found.append((title, [_ratio_cell(own, first_fact(other, quantities)) for other in others]))
    found.append((text("Price"), [price_ratio_cell(chip, other) for other in others]))
    return found


def _ratio_cell(own: Fact | None, other: Fact | None) -> Cell:
    if own is None or other is None or not own.number or not other.number:
        missing = tuple(f.source for f in (own, other) if f)
        return Cell("-", None, missing, calculation=text("not known on both sides"))
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


def ratios_section(chip: Chip, others: Sequence[Chip], lang: str) -> Section:
    """This chip against each other one: ratios with the numbers behind them, a chart, and both sides in full."""
    rows = ratio_rows(chip, others)
    columns = (Column("ratio", text("Ratio to")), *(Column(o.id, o.name, right=True) for o in others))
    table = Table("", columns, tuple((title, *cells) for title, cells in rows), (LEGEND,))
    points = [
        {"label": title.render(charts.lookup(lang)), "value": cell.value, "shown": cell.shown, "group": other.name}
        for title, cells in rows
        for other, cell in zip(others, cells, strict=True)
        if cell.value is not None
    ]
    chart = charts.dots(
        points,
        title=text("{chip} against the others: 1 is equal", chip=chip.name),
        x=text("ratio, logarithmic"),
        lang=lang,
        reference=1.0,
    )
    worked = Table(
        text("The two numbers of each ratio"),
        (Column("ratio", text("Ratio to")), *(Column(o.id, o.name, right=True) for o in others)),
        tuple((title, *(Cell(c.calculation, c.value, c.sources) for c in cells)) for title, cells in rows),
    )
    return Section(
        "ratios",
        text("Against the others"),
        tables=(table, worked, compare_table([chip, *others])),
        charts=(chart,) if points else (),
    )


def tpp_section(chip: Chip, others: Sequence[Chip]) -> Section:
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
    sentences = [
        text(
            "TPP is dense TOPS times bit length, the highest over formats; density divides it by all logic die area "
            "made on a non-planar process."
        )
    ]
    own = total_processing_performance(chip)
    h20 = next((o for o in others if o.id.startswith("nvidia-h20-")), None)
    if h20 is not None and own.value and (base := total_processing_performance(h20).value):
        sentences.append(
            text(
                "{chip} has {ratio:.1f} times the TPP of {other} ({own:,.0f} / {base:,.0f}).",
                chip=chip.name,
                ratio=float(own.value / base),
                other=h20.name,
                own=float(own.value),
                base=float(base),
            )
        )
    return Section(
        "tpp", text("What the export rules measure"), tuple(sentences), (Table("", columns, tuple(rows), (LEGEND,)),)
    )


FORMATS = ("bf16", "fp8", "int8", "int4")


def memory_section(chip: Chip, models: Sequence[LanguageModel], lang: str, calibrated: Calibrated) -> Section:
    """What fits: a grid of models and formats, then the largest model in full."""
    try:
        memory, how = usable_memory(chip)
    except Unknown as missing:
        return Section("memory", text("What fits in its memory"), (missing.what,))
    serving, tuning = ServedAs(), Tuning()
    rows = []
    for model in models:
        cells = []
        for weights in FORMATS:
            found = served_fit(model, chip, weights, serving, calibrated)
            b = found.budget
            shown = FIT_VERDICTS[b.verdict]
            if b.free < 0 and found.chips_needed:
                shown = text("{verdict}: {count} chips", verdict=shown, count=found.chips_needed)
            calculation = text(
                "{weights:.1f} weights + {cache:.1f} cache + {engine:.1f} engine = {total:.1f} of {memory:.1f} GiB",
                weights=b.bytes_of("weights") / GIB, cache=(b.bytes_of("cache") + b.bytes_of("state")) / GIB,
                engine=b.bytes_of("engine") / GIB, total=b.need / GIB, memory=b.room / GIB,
            )  # fmt: skip
            cells.append(Cell(shown, b.need, memory_sources(model, chip), "", calculation))
        rows.append((model.name, *cells))
    columns = (Column("model", text("Model")), *(Column(f"{f}_bytes", f) for f in FORMATS))
    grid = Table(
        text("Serving on one chip, {context} tokens of 16-bit cache", context=USUAL_CONTEXT), columns, tuple(rows)
    )
    largest = models[-1]
    chart = charts.bars(
        [
            {"label": f, "value": weight_bytes(largest, f) / GIB, "shown": f"{weight_bytes(largest, f) / GIB:,.0f} GiB"}
            for f in FORMATS
        ],
        title=text("Weights of {model} against the memory of one {chip}", model=largest.name, chip=chip.name),
        x=text("GiB; the line is the memory a program sees"),
        lang=lang,
        reference=memory / GIB,
    )
    sentence = text("A program sees {memory:.1f} GiB, {how}.", memory=memory / GIB, how=how)
    tables = (
        grid,
        serving_table(largest, chip, FORMATS, serving, calibrated),
        tuning_table(largest, chip, FORMATS, tuning, calibrated),
        formulas_table(largest, chip, "int4", serving, tuning, calibrated),
    )
    return Section(
        "memory", text("What fits in its memory"), (sentence, *fit_sentences(chip, largest, calibrated)), tables, (chart,)
    )


_SAID = {"fits": text("yes"), "tight": text("only just"), "does not fit": text("not beside an engine")}


def fit_sentences(chip: Chip, model: LanguageModel, calibrated: Calibrated) -> tuple[Text, ...]:
    """Whether one chip holds the model, by format, in words; and what is left for cache and adapters at 4 bits."""
    try:
        memory, _ = usable_memory(chip)
    except Unknown as missing:
        return (missing.what,)
    said: list[Text] = []
    for weights in ("bf16", "fp8", "int4"):
        alone = weight_bytes(model, weights)
        if alone > memory:
            said.append(
                text(
                    "{model} at {format}: no, the weights alone are {decimal} ({gib:.0f} GiB).",
                    model=model.name,
                    format=weights,
                    decimal=format_quantity(alone, "byte"),
                    gib=alone / GIB,
                )
            )
        else:
            found = served_fit(model, chip, weights, ServedAs(), calibrated)
            step = tuned(model, chip, weights, Tuning(), 1, calibrated)
            said.append(
                text(
                    "{model} at {format}: {verdict}; after the weights and the engine {left:.0f} GiB are left for KV cache; "
                    "a LoRA step needs {tuned:.0f} of {memory:.0f} GiB ({tuning}).",
                    model=model.name,
                    format=weights,
                    verdict=_SAID[found.budget.verdict],
                    left=max(found.room.bytes, 0) / GIB,
                    tuned=step.need / GIB,
                    memory=memory / GIB,
                    tuning=FIT_VERDICTS[step.verdict],
                )
            )
    return tuple(said)


def ceilings_section(chips: Sequence[Chip], models: Sequence[LanguageModel], calibrated: Calibrated) -> Section:
    """Physical ceilings per chip for each model: prompt tokens and generated tokens per second."""
    tables = []
    for model in models:
        rows = []
        for chip in chips:
            found = [_ceiling_row(chip, model, weights, calibrated) for weights in ("bf16", "fp8")]
            rows += [row for row in found if row is not None]
        columns = (
            Column("chip", text("Chip")),
            Column("weights_format", text("Weights")),
            Column("chips_needed", text("Chips needed"), right=True),
            Column("prefill_limit_tokens_per_s", text("Prefill, tokens/s"), right=True),
            Column("decode_batch1_limit_tokens_per_s", text("Decode, batch 1"), right=True),
            Column("decode_batch64_limit_tokens_per_s", text("Decode, batch 64"), right=True),
            Column("bound", text("Bound at 64")),
        )
        tables.append(Table(text("{model}: limits per chip", model=model.name), columns, tuple(rows)))
    note = text(
        "Limits, not predictions: arithmetic and bandwidth at their peaks, nothing lost between chips, 2,048 tokens of context."
    )
    return Section("ceilings", text("What physics allows"), (note,), tuple(tables))


def _ceiling_row(
    chip: Chip, model: LanguageModel, weights: str, calibrated: Calibrated
) -> tuple[object, ...] | None:
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


def unknown_section(chips: Sequence[Chip]) -> Section:
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
    return Section("unknown", text("What is not known"), tables=(Table("", columns, tuple(rows)),))


def joined(parts: Sequence[Text]) -> Text | str:
    """A list in words, each part still translatable."""
    return listed(parts) or "-"
