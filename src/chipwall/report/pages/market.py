"""The market simulation for people: bands at chosen quarters, differences on shared draws, dependence, sensitivity."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from chipwall.market.model.given import TRENDS
from chipwall.market.model.paths import CAVEATS, Band, Paths, sample_band
from chipwall.market.model.quantities import unit_of
from chipwall.market.model.quarters import quarter_name
from chipwall.market.study.difference import effect
from chipwall.report.forms.table import Cell, Column, Table
from chipwall.report.language.numbers import billions, count_words, points_words, share_words
from chipwall.text import Text, listed, text

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from chipwall.market.study.dependence import Dependence
    from chipwall.market.study.explore import Discovery
    from chipwall.market.study.sensitivity import SobolIndex, Swing

__all__ = [
    "AXES", "MEASURES", "TableMeasure", "dependence_table", "discovery_table", "measure_sample", "measure_words", "paths_record",
    "paths_table", "sensitivity_table", "shown_band", "tornado_table", "yearly_table",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class TableMeasure:
    """A row of the main table: a stock or share in a quarter, or a flow summed from ``since``."""

    quantity: str
    title: Text
    shown: str
    summed: bool = False


# The three bases stand together: no total of equivalents is printed without them.
MEASURES: tuple[TableMeasure, ...] = (
    TableMeasure("h100e_training_total", text("Compute in China, H100-equivalents by training compute"), "count"),
    TableMeasure("h100e_bandwidth_total", text("the same by memory bandwidth"), "count"),
    TableMeasure("h100e_rent_total", text("the same by rent"), "count"),
    TableMeasure("offshore_h100e", text("Leased abroad, H100 at the rent there"), "count"),
    TableMeasure("gap", text("Compute outside over inside China, all counted since 2022"), "ratio"),
    TableMeasure("gap_new", text("the same for what was added in the last four quarters"), "ratio"),
    TableMeasure("us_share_world_new", text("Share of new compute that goes outside China"), "percent"),
    TableMeasure("domestic_share_value", text("Chinese chips, share of money in the quarter"), "percent"),
    TableMeasure("domestic_share_units", text("Chinese chips, share of packages in the quarter"), "percent"),
    TableMeasure("huawei_share_value", text("Huawei, share of money in the quarter"), "percent"),
    TableMeasure("cambricon_share_value", text("Cambricon, share of money in the quarter"), "percent"),
    TableMeasure("us_share_new", text("US platforms, share of new service (smuggled parts included)"), "percent"),
    TableMeasure("us_share_active", text("US platforms, share of active effective compute"), "percent"),
    TableMeasure("delivered_us", text("US chips sold legally, packages"), "count", summed=True),
    TableMeasure("seller_net_us", text("US makers' revenue after the share, USD"), "usd", summed=True),
    TableMeasure("us_take", text("US government's take, USD"), "usd", summed=True),
    TableMeasure("spending_domestic", text("Chinese makers' revenue, USD"), "usd", summed=True),
    TableMeasure("delivered_grey", text("Smuggled chips, packages"), "count", summed=True),
    TableMeasure("diverted_h100e", text("Diverted from buyers elsewhere, H100-equivalents"), "count", summed=True),
    TableMeasure("diverted_cost", text("What buyers elsewhere lose by it at US rents, USD"), "usd", summed=True),
    TableMeasure("fill_rate", text("Share of the quarter's budgets that found a chip"), "percent"),
    TableMeasure("chosen_freely", text("Share of money spent on chips that are not sold out"), "percent"),
    TableMeasure("rent_china_h100", text("Rent of an H100's service in China, USD an hour"), "rent"),
)


AXES: dict[str, Text] = {
    "1": text("share"),
    "h100e": text("H100-equivalents"),
    "h100e_effective": text("H100-equivalents after software"),
    "units_per_quarter": text("packages a quarter"),
    "units": text("packages"),
    "usd_per_quarter": text("USD a quarter"),
    "usd_per_hour": text("USD an hour"),
    "usd": text("USD"),
    "h100e_per_quarter": text("H100-equivalents a quarter"),
}


# A band wider than this, end over end, is no knowledge of a size.
WIDEST = 30.0


def measure_words(value: float, how: str, *, signed: bool = False) -> Text:
    """A number of a measure for people: ``count``, ``usd``, ``percent``, ``rent`` or ``ratio``.

    With its sign it is a difference, and a difference of shares is told in points.
    """
    if how == "percent":
        return points_words(value) if signed else share_words(value)
    if how == "usd":
        return billions(value, signed=signed)
    if how == "count":
        return Text("0") if abs(value) < 0.5 else count_words(value, signed=signed, short=True)
    shown = f"{value:.2f}" if how == "rent" else f"{value:.3g}"
    return Text(f"+{shown}" if signed and value > 0 else shown)


def shown_band(found: Band, how: str, *, signed: bool = False) -> Cell:
    """``middle (low to high)``, with the middle as the value behind it and the ends as columns of their own in data."""
    mid, low, high = (measure_words(v, how, signed=signed) for v in (found.mid, found.low, found.high))
    if found.low > 0 and found.high > WIDEST * found.low and how != "percent":
        return Cell(text("not known ({low} – {high})", low=low, high=high), None, low=found.low, high=found.high)
    return Cell(text("{mid} ({low} – {high})", mid=mid, low=low, high=high), found.mid, low=found.low, high=found.high)


def measure_sample(paths: Paths, measure: TableMeasure, quarter: str, since: str) -> NDArray[np.float64]:
    """The draws of one measure in a quarter; a flow is summed from ``since`` to it."""
    if not measure.summed:
        return paths.at(measure.quantity, quarter)
    first, last = paths.quarters.index(since), paths.quarters.index(quarter)
    total: NDArray[np.float64] = paths.values[measure.quantity][first : last + 1].sum(axis=0)
    return total


def paths_table(paths: Paths, *, other: Paths | None, quarters: Sequence[str], since: str, lang: str = "en") -> Table:
    """Bands of the main measures: of one run at some quarters; of two at the last one, with the differences draw by draw.

    The last column is the Monte Carlo standard error of the last middle value.
    """
    columns = [Column("measure", text("Measure"))]
    if other is None:
        columns += [Column(f"at_{q.lower()}", q, right=True) for q in quarters]
    else:
        last = quarters[-1].lower()
        columns += [
            Column(f"a_{last}", text("A, {quarter}", quarter=quarters[-1]), right=True),
            Column(f"b_{last}", text("B, {quarter}", quarter=quarters[-1]), right=True),
            *(Column(f"a_minus_b_{q.lower()}", text("A-B, {quarter}", quarter=q), right=True) for q in quarters[-2:]),
        ]
    columns.append(Column("monte_carlo_error", text("error"), right=True))
    rows: list[tuple[object, ...]] = []
    for measure in MEASURES:
        if measure.quantity not in paths.values:
            continue
        title = text("{measure}, from {since}", measure=measure.title, since=since) if measure.summed else measure.title
        samples = [measure_sample(paths, measure, q, since) for q in quarters]
        bands = [sample_band(v) for v in samples]
        if other is not None:
            second = [measure_sample(other, measure, q, since) for q in quarters]
            change = [effect(measure.quantity, a, b).difference for a, b in zip(samples, second, strict=True)]
            bands = [bands[-1], sample_band(second[-1]), *change[-2:]]
        cells = [shown_band(b, measure.shown, signed=other is not None and i > 1) for i, b in enumerate(bands)]
        error = Cell(_error(bands[-1].error_mid, measure.shown), bands[-1].error_mid)
        rows.append((Cell(title, _machine_name(measure)), *cells, error))
    return Table(_title(paths, other), tuple(columns), tuple(rows), _notes(paths, other))


def _machine_name(measure: TableMeasure) -> str:
    """Quantity and unit of a row, for CSV: values there are in that unit, whatever scale the title names."""
    unit = unit_of(measure.quantity)
    return f"{measure.quantity}_{unit.removesuffix('_per_quarter') if measure.summed else unit}".removesuffix("_1")


def _error(value: float, how: str) -> str:
    return f"{100 * value:.1f}%" if how == "percent" else measure_words(value, how)


def _title(paths: Paths, other: Paths | None) -> Text:
    if other is None:
        return text("{a}: middle (5 – 95 %) of {draws} draws", a=paths.title, draws=f"{paths.draws:,}")
    return text(
        "A: {a}; B: {b}: middle (5 – 95 %) of {draws} shared draws",
        a=paths.title,
        b=other.title,
        draws=f"{paths.draws:,}",
    )


def _notes(paths: Paths, other: Paths | None) -> tuple[str, ...]:
    said: list[str] = [
        text("Error: Monte Carlo standard error of the middle in the last column; seed {seed}.", seed=paths.seed)
    ]
    if paths.known_on is not None and paths.counted_to >= 0:
        said.append(
            text(
                "Deliveries to {quarter} are data and the record is used to {day}; {trends} go on as trends, without a mechanism.",
                quarter=quarter_name(paths.counted_to), day=paths.known_on, trends=", ".join(TRENDS),
            )
        )  # fmt: skip
    if other is not None:
        said.append(text("A-B is taken draw by draw: its band is not the difference of the bands."))
    return (*said, *CAVEATS)


def yearly_table(first: Paths, second: Paths, *, since: str) -> Table:
    """Money by calendar year under both decisions, and the difference draw by draw; middles."""
    from chipwall.report.pages.market_answer import yearly_rows

    titles = {m.quantity: m.title for m in MEASURES}
    found = yearly_rows(first, second, since=since)
    years = list(found[0][1])
    columns = (
        Column("measure", text("Each year, USD")),
        Column("run", text("Run")),
        *(Column(f"y{y}", y, right=True) for y in years),
    )
    rows = [
        (titles[name] if i == 0 else "", run, *(Cell(measure_words(values[y][i], "usd"), values[y][i]) for y in years))
        for name, values in found
        for i, run in enumerate(("A", "B", "A-B"))
    ]
    return Table("", columns, tuple(rows), ())


def dependence_table(found: Sequence[tuple[str, Dependence]]) -> Table:
    """The parts of dependence side by side for one or two scenarios."""
    first = found[0][1]
    columns = (
        Column("part", text("Dependence")),
        *(Column(f"run_{i}", title, right=True) for i, (title, _) in enumerate(found)),
    )
    rows: list[tuple[object, ...]] = [
        (
            text("US share of active effective compute, {quarter}", quarter=first.quarter),
            *(shown_band(d.us_share_active, "percent") for _, d in found),
        ),
        (
            text("the same with capacity leased abroad"),
            *(shown_band(d.us_share_active_with_offshore, "percent") for _, d in found),
        ),
        (
            text("US share of new service, {quarter}", quarter=first.quarter),
            *(shown_band(d.us_share_new, "percent") for _, d in found),
        ),
    ]
    for lag in first.loss:
        rows.append(
            (
                text("Service lost {lag} quarters after an unannounced stop in {stop}", lag=lag, stop=first.stop),
                *(shown_band(d.loss[lag], "percent") for _, d in found),
            )
        )
        rows.append(
            (
                text("the same with capacity leased abroad"),
                *(shown_band(d.loss_with_offshore[lag], "percent") for _, d in found),
            )
        )
    rows.append(
        (
            text("Share of money that taste decides, not shortage, {quarter}", quarter=first.quarter),
            *(shown_band(d.free, "percent") for _, d in found),
        )
    )
    rows.append(
        (
            text("Discount that a whole fleet on one platform asks to buy from the other"),
            *(shown_band(d.switching_discount, "percent") for _, d in found),
        )
    )
    for years in first.leaving:
        told = [d.leaving[years] for _, d in found]
        rows.append(
            (
                text("Quarters to leave US platforms, {years} years after the decision", years=years),
                *(shown_band(d.quarters, "ratio") for d in told),
            )
        )
        rows.append((text("what that costs, USD, hardware only"), *(shown_band(d.cost, "usd") for d in told)))
        rows.append(
            (
                text("priors that move the time most"),
                *(listed([f"{m.parameter} {m.correlation:+.2f}" for m in d.movers]) or "-" for d in told),
            )
        )
    rows.append(
        (
            text("Probability of two stable outcomes under these priors"),
            *(Cell(f"{100 * d.tipping:.0f}% ± {100 * d.tipping_error:.1f}", d.tipping) for _, d in found),
        )
    )
    rows.append(
        (
            text("Probability that own-share feedback is above the threshold of 2"),
            *(Cell(f"{100 * d.above_threshold:.0f}%", d.above_threshold) for _, d in found),
        )
    )
    return Table(text("Dependence on US platforms"), columns, tuple(rows), (first.note,))


def sensitivity_table(rows: Sequence[SobolIndex], *, quantity: str, quarter: str, most: int) -> Table:
    """Inputs that decide an outcome, largest total index first."""
    columns = (
        Column("input", text("Input")), Column("kind", text("Kind")),
        Column("total_order_index", text("Total"), right=True), Column("total_order_error", text("± 95 %"), right=True),
        Column("first_order_index", text("First"), right=True), Column("first_order_error", text("± 95 %"), right=True),
    )  # fmt: skip
    kinds = {"lever": text("lever"), "parameter": text("parameter")}
    body = tuple(
        (r.name, kinds[r.kind], *(_index(v) for v in (r.total, r.total_error, r.first, r.first_error)))
        for r in rows[:most]
    )
    notes = (
        text(
            "Total: share of the variance that would stay if only this input were unknown, with all it does together with others."
        ),
        text("First: share that would go if this input were known. Indices below their error are not told from zero."),
        *CAVEATS,
    )
    return Table(text("What decides {quantity} in {quarter}", quantity=quantity, quarter=quarter), columns, body, notes)


def tornado_table(middle: float, swings: Sequence[Swing], *, quantity: str, quarter: str, most: int) -> Table:
    """What each input alone does to a difference, largest first, and where it turns its sign."""
    kind = next((m.shown for m in MEASURES if m.quantity == quantity), "count")

    def word(value: float) -> Text:
        return measure_words(value, kind)

    columns = (
        Column("input", text("Input")),
        Column("range_low", text("at 5%"), right=True),
        Column("range_high", text("at 95%"), right=True),
        Column("difference_at_low", text("A-B there"), right=True),
        Column("difference_at_high", text("A-B there"), right=True),
        Column("turns", text("Sign")),
    )
    shown_rows = [s for s in swings[:most] if s.at_low != s.at_high]
    body = tuple(
        (
            s.name,
            Cell(f"{s.range_low:.3g}", s.range_low),
            Cell(f"{s.range_high:.3g}", s.range_high),
            Cell(word(s.at_low), s.at_low),
            Cell(word(s.at_high), s.at_high),
            text("turns") if s.turns else text("stays"),
        )
        for s in shown_rows
    )
    turning = [s.name for s in swings if s.turns]
    notes = [
        text("A-B with every input at its middle: {value}.", value=word(middle)),
        text("These turn its sign by themselves: {names}.", names=", ".join(turning))
        if turning
        else text("No input turns its sign by itself."),
        *CAVEATS,
    ]
    if not shown_rows:
        notes.insert(
            0, text("The model has no mechanism by which one of these decisions changes {quantity}.", quantity=quantity)
        )
    title = text("What moves the difference in {quantity}, {quarter}", quantity=quantity, quarter=quarter)
    return Table(title, columns, body, tuple(notes))


def _index(value: float) -> Cell:
    return Cell(f"{value:.2f}", value)


def _side(value: float | None) -> Cell:
    return Cell("-" if value is None else f"{value:.4g}", value)


def discovery_table(found: Discovery) -> Table:
    """The conditions under which one scenario beats another."""
    columns = (
        Column("parameter", text("Condition on")), Column("low", text("at least"), right=True),
        Column("high", text("at most"), right=True), Column("unit", text("Unit")), Column("p_value", text("p"), right=True),
    )  # fmt: skip
    rows = tuple(
        (c.parameter, _side(c.low), _side(c.high), c.unit, Cell(f"{c.p_value:.1g}", c.p_value))
        for c in found.conditions
    )
    said = text(
        "'{a}' beats '{b}' in {share:.0f}% of draws; in the box in {density:.0f}%. "
        "The box holds {coverage:.0f}% of these draws and {mass:.0f}% of all.",
        a=found.better,
        b=found.other,
        share=100 * found.share,
        density=100 * found.density,
        coverage=100 * found.coverage,
        mass=100 * found.mass,
    )
    if not rows:
        said = text(
            "'{a}' beats '{b}' in {share:.0f}% of draws; no condition tells where.",
            a=found.better,
            b=found.other,
            share=100 * found.share,
        )
    return Table(
        text("{measure} in {quarter}", measure=found.measure, quarter=found.quarter), columns, rows, (said, *CAVEATS)
    )


def paths_record(runs: Sequence[Paths], quantities: Sequence[str], extra: dict[str, object]) -> dict[str, object]:
    """The answer for machines: bands by quarter of each run, differences, errors, caveats."""
    first = runs[0]
    shown = {run.scenario: _bands(run, quantities) for run in runs}
    answer: dict[str, object] = {
        "scenario": first.scenario,
        "draws": first.draws,
        "seed": first.seed,
        "quarters": list(first.quarters),
        "paths": shown[first.scenario],
    }
    if len(runs) > 1:
        answer["vs"] = runs[1].scenario
        answer["vs_paths"] = shown[runs[1].scenario]
        answer["difference"] = _bands(first.minus(runs[1]), quantities)
    return {**answer, **extra, "caveats": list(CAVEATS), "sources": list(first.sources)}


def _bands(run: Paths, quantities: Sequence[str]) -> dict[str, object]:
    found: dict[str, object] = {}
    for name in quantities:
        low, mid, high = run.bands(name)
        last = run.band(name, run.quarters[-1])
        found[name] = {
            "unit": unit_of(name), "low": low, "mid": mid, "high": high,
            "error_last": {"low": last.error_low, "mid": last.error_mid, "high": last.error_high},
        }  # fmt: skip
    return found
