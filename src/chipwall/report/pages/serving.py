"""A serving estimate and a comparison of two chips, as tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from chipwall.catalog.records import Chip
from chipwall.perf.compare import Ratio
from chipwall.perf.estimate import Estimate
from chipwall.perf.layout import layout_words
from chipwall.perf.serving.embedding import Encoding
from chipwall.perf.serving.serve import Serving
from chipwall.report.forms.charts.chart import Chart, Dot, DotRow, DotRows, Panel
from chipwall.report.forms.table import Cell, Column, Table
from chipwall.text import Text, text
from chipwall.units import GIB, format_quantity

__all__ = [
    "answer_table",
    "breakdown_chart",
    "breakdown_table",
    "encoding_table",
    "evidence_lines",
    "nearest_table",
    "operators_table",
    "ratio_answer",
    "ratio_table",
]

BOUNDS = {
    "compute": text("compute"),
    "memory": text("memory"),
    "network": text("network"),
    "host": text("host"),
    "": Text(""),
}
BASES = {
    "measured": text("measured"),
    "calibrated": text("calibrated"),
    "extrapolated": text("extrapolated"),
    "limit": text("limit"),
}


def short_number(value: float, digits: int = 4) -> str:
    """A number with a few significant digits and thousands separators."""
    if value >= 10 ** (digits - 1):
        return f"{value:,.0f}"
    return f"{value:.{digits}g}"


def _estimate_row(name: Text, e: Estimate, *, scale: float, unit: str) -> tuple[object, ...]:
    shown = [Cell(f"{short_number(v * scale)} {unit}", v) for v in (e.value, e.low, e.high)]
    return (Cell(name, e.quantity), *shown, Cell(BASES[e.basis], e.basis))


def _tail_row(name: Text, tail: Mapping[str, float]) -> tuple[object, ...]:
    """Three quantiles in the places of the estimate and its interval, which they have none of."""
    shown = [Cell(f"{short_number(v * 1e3)} ms", v) for v in tail.values()]
    return (Cell(name, str(name)), *shown, Cell(text("quantiles"), "quantiles"))


def encoding_table(s: Encoding) -> Table:
    """Prompts per second and the time of a request of a model that writes no text."""
    columns = (
        Column("quantity", text("Quantity")),
        Column("value", text("Estimate"), right=True),
        Column("low", text("80 % from"), right=True),
        Column("high", text("to"), right=True),
        Column("basis", text("Basis")),
    )
    rows = (
        _estimate_row(text("requests per second, all chips"), s.requests, scale=1.0, unit="1/s"),
        _estimate_row(text("prompt tokens per second, all chips"), s.tokens, scale=1.0, unit="token/s"),
        _estimate_row(text("time of a request, mean"), s.latency, scale=1e3, unit="ms"),
    )
    how = text("{layout}; {batch:.0f} prompts a step and replica", layout=layout_words(s.layout), batch=s.batch)
    title = text("{model} on {chips} x {chip}", model=s.model.name, chips=s.inputs["chips"], chip=s.inputs["chip"])
    return Table(title, columns, rows, (how, *s.requests.notes))


def answer_table(s: Serving) -> Table:
    """Rates, latencies and energy with their 80 % interval, then batch and memory as notes."""
    columns = (
        Column("quantity", text("Quantity")),
        Column("value", text("Estimate"), right=True),
        Column("low", text("80 % from"), right=True),
        Column("high", text("to"), right=True),
        Column("basis", text("Basis")),
    )
    rows = (
        _estimate_row(text("output tokens per second, all chips"), s.throughput, scale=1.0, unit="token/s"),
        _estimate_row(text("time to first token, mean"), s.ttft, scale=1e3, unit="ms"),
        _tail_row(text("time to first token, p50 / p90 / p99"), s.tails["ttft"]),
        _estimate_row(text("time to first token, all at one moment"), s.ttft_burst, scale=1e3, unit="ms"),
        _estimate_row(text("time per output token, mean"), s.tpot, scale=1e3, unit="ms"),
        _tail_row(text("time per output token, p50 / p90 / p99"), s.tails["tpot"]),
        _estimate_row(text("energy per output token, accelerators"), s.energy, scale=1.0, unit="J"),
    )
    memory = text(
        "{layout}; {inside:.4g} requests in the system, {batch:.0f} sequences in flight per replica, the cache holds "
        "{most:.0f}; per chip {weights:.1f} GiB weights, {cache:.1f} GiB for the cache (80 %: {low:.1f} "
        "to {high:.1f}; {each:.4g} GiB a sequence), {engine:.1f} GiB kept by the engine",
        layout=layout_words(s.layout),
        inside=s.inside,
        batch=s.batch,
        most=s.most,
        weights=s.room.weights / GIB,
        cache=s.room.bytes / GIB,
        low=max(s.room.low, 0.0) / GIB,
        high=s.room.high / GIB,
        each=s.cache_per_sequence / GIB,
        engine=s.room.engine / GIB,
    )
    formats = text(
        "weights: attention {attention}, feed-forward {dense}, experts {experts}; cache {cache}; bound by {bound}",
        attention=s.precision.attention,
        dense=s.precision.dense,
        experts=s.precision.experts,
        cache=s.cache,
        bound=BOUNDS[s.throughput.bound],
    )
    limits = text(
        "quantiles count queueing and prompts in between, not a spread of lengths; energy without host and cooling, from a "
        "stated share of the rated power"
    )
    title = text(
        "{model} on {chips} x {chip}, {prompt:.0f} tokens in, {output:.0f} out",
        model=s.inputs["model"],
        chips=s.inputs["chips"],
        chip=s.inputs["chip"],
        prompt=s.inputs["prompt_tokens"],
        output=s.inputs["output_tokens"],
    )
    return Table(title, columns, rows, (*s.missed, memory, formats, *(n for n in s.throughput.notes if n not in s.missed), limits))


def breakdown_table(s: Serving) -> Table:
    """Where one iteration of the engine spends its time."""
    columns = (
        Column("part", text("Part of one iteration")),
        Column("time_s", text("Time"), right=True),
        Column("share", text("Share"), right=True),
        Column("bound", text("Bound by")),
    )
    total = s.throughput.breakdown_total or 1.0
    rows = tuple(
        (
            Cell(p.name, str(p.name)),
            Cell(format_quantity(p.value, "s", digits=3), p.value),
            Cell(f"{p.value / total:.0%}", p.value / total),
            Cell(BOUNDS[p.bound], p.bound),
        )
        for p in s.throughput.breakdown
    )
    return Table(text("Breakdown, total {total}", total=format_quantity(total, "s", digits=4)), columns, rows)


def breakdown_chart(s: Serving) -> Chart:
    """The parts of one iteration as bars, largest first, each with what binds it."""
    total = s.throughput.breakdown_total or 1.0
    parts = sorted((p for p in s.throughput.breakdown if p.value > 0), key=lambda p: -p.value)
    lines = tuple(
        DotRow(
            text("{part} ({bound})", part=p.name, bound=BOUNDS[p.bound]) if p.bound else p.name,
            (Dot(p.value * 1e3, f"{p.value * 1e3:.2f} ms ({p.value / total:.0%})"),),
        )
        for p in parts
    )
    first = parts[0] if parts else None
    said = text("nothing is known of its parts")
    if first is not None:
        said = text("{part} take {share} of each step", part=first.name, share=f"{first.value / total:.0%}")
    return Chart(
        "breakdown",
        text("{chip}: {said}", chip=s.inputs["chip"], said=said),
        text("Parts of one iteration of the engine, in milliseconds; in brackets what binds each"),
        text("Source: serving model of chipwall, calibrated on published measurements"),
        DotRows((Panel(text("Time of one iteration, ms"), zero=True),), lines, bars=True),
        breakdown_table(s),
    )


def evidence_lines(found: Sequence[tuple[Mapping[str, Any], float | None]]) -> tuple[Text, ...]:
    """The nearest published runs, what was measured and what the model says of each; the constants were fitted on such rows."""
    if not found:
        return (text("No published run is like this one: the interval is that of the unknown."),)
    lines = [text("{count} nearest published runs, and what the model says of each:", count=len(found))]
    for row, said in found:
        measured = f"{short_number(row['value'])} {MEASURED_UNITS[row['metric']]}"
        what = text(
            "{model} on {chips:.0f} x {chip}, {engine} {year:.0f}, load {load}: measured {measured}",
            model=row["model"], chips=row["chips"], chip=row["chip"], engine=row["engine"], year=int(row["year"]),
            load=row["load"], measured=measured,
        )  # fmt: skip
        if said is None:
            lines.append(text("{what} ({id})", what=what, id=row["id"]))
            continue
        error = f"{said / row['value'] - 1.0:+.0%}"
        lines.append(text("{what}, model {said} ({error}; {id})", what=what, said=short_number(said), error=error, id=row["id"]))
    return tuple(lines)


# How the metrics of the measured table are told.
MEASURED_UNITS = {
    "output_tokens_per_s": "token/s", "tokens_per_s_total": "token/s in + out", "samples_per_s": "request/s",
    "ttft_ms": "ms TTFT", "tpot_ms": "ms TPOT",
}  # fmt: skip


def nearest_table(s: Serving) -> Table:
    """The measured runs most like the question."""
    columns = (
        Column("id", text("Nearest measured runs")),
        Column("model", text("Model")),
        Column("chips", text("Chips"), right=True),
        Column("chip", text("Chip")),
        Column("precision", text("Precision")),
        Column("lengths", text("In / out"), right=True),
        Column("load", text("Load"), right=True),
        Column("engine", text("Engine")),
        Column("value", text("Measured"), right=True),
        Column("source", text("Source")),
    )
    rows = tuple(
        (
            r["id"],
            r["model"],
            Cell(f"{r['chips']:.0f}", r["chips"]),
            r["chip"],
            r["precision"],
            f"{r['prompt_tokens']:.0f} / {r['output_tokens']:.0f}",
            r["load"],
            f"{r['engine']} {r['year']:.0f}",
            Cell(f"{short_number(r['value'])} {MEASURED_UNITS[r['metric']]}", r["value"]),
            r["source"],
        )
        for r in s.throughput.nearest
    )
    return Table(text("Nearest measured"), columns, rows)


def operators_table(rows: Sequence[dict[str, object]]) -> Table:
    """The operators of one iteration on one chip."""
    columns = (
        Column("operator", text("Operator")),
        Column("rows", text("Rows"), right=True),
        Column("columns", text("Columns"), right=True),
        Column("depth", text("Depth"), right=True),
        Column("times", text("Times"), right=True),
        Column("flop", text("Work"), right=True),
        Column("weight_bytes", text("Weights"), right=True),
    )
    shown = tuple(
        (
            Cell(Text.of(str(r["operator"])), r["operator"]),
            *(Cell(short_number(float(str(r[k])), 5), r[k]) for k in ("rows", "columns", "depth", "times")),
            Cell(f"{float(str(r['flop'])):.3g} flop", r["flop"]),
            Cell(f"{float(str(r['weight_bytes'])) / GIB:.3g} GiB", r["weight_bytes"]),
        )
        for r in rows
    )
    return Table(text("Operators of one iteration, one chip of a replica"), columns, shown)


def ratio_table(first: Chip, second: Chip, found: Sequence[Ratio], *, model: str, chips: int) -> Table:
    """How many times faster the first chip is, line by line."""
    columns = (
        Column("workload", text("Workload")),
        Column("detail", text("What")),
        Column("precision", text("Precision")),
        Column("first", Text.of(first.name), right=True),
        Column("second", Text.of(second.name), right=True),
        Column("ratio", text("Ratio"), right=True),
    )
    rows = []
    for r in found:
        ends = [
            Cell("-" if v is None else short_number(v), v) if r.precision else Cell("-" if v is None else f"{v:.3g}", v)
            for v in (r.first, r.second)
        ]
        ratio = Cell(f"{r.value:.2f}" if r.value else (r.why or "-"), r.value)
        rows.append((Cell(r.workload, str(r.workload)), Cell(r.detail, str(r.detail)), r.precision, *ends, ratio))
    notes = (
        text("rates are tokens per second of all {chips} chips, one replica; the data sheet in SI", chips=chips),
        text(
            "a comparison of data-sheet peaks answers for training and long prefill at most; decode follows the bandwidth"
        ),
    )
    return Table(
        text(
            "{first} over {second}: {model} on {chips} chips each",
            first=first.name,
            second=second.name,
            model=model,
            chips=chips,
        ),
        columns,
        tuple(rows),
        notes,
    )


def ratio_answer(found: Sequence[Ratio]) -> list[dict[str, object]]:
    """The lines as plain values."""
    return [
        {
            "workload": str(r.workload),
            "detail": str(r.detail),
            "precision": r.precision,
            "first": r.first,
            "second": r.second,
            "ratio": r.value,
            "why": str(r.why),
        }
        for r in found
    ]
