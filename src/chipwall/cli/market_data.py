"""``chipwall market calibrate``, ``chipwall market backtest`` and ``chipwall market series``."""

from __future__ import annotations

from pathlib import Path

import click

from chipwall.cli.kinds import IN_FILE, WORD, Count, OutFile
from chipwall.cli.options import Out, answer_options, command
from chipwall.files import write_whole
from chipwall.report.forms.table import Cell, Column, Table
from chipwall.text import text

__all__ = ["backtest", "market_calibrate_command", "series_command"]


@command()
@click.argument("file", type=IN_FILE)
@click.option(
    "--draws",
    type=Count(least=200, most=100_000, example="1000"),
    default=4000,
    show_default=True,
    help="Draws of each forecast.",
)
@click.option("--seed", type=Count(least=0, most=2**31), default=1, show_default=True, help="Seed of the simulation.")
@click.option("--known-on", type=WORD, help="Nothing printed after this day (YYYY-MM-DD) is used, if earlier.")
@answer_options
def backtest(file: Path, draws: int, seed: int, known_on: str | None, out: Out) -> None:
    """Score what the simulation and its trends forecast, against a table in the shared column format.

    Each row is forecast only from what had been published before its period began; every value of its series from that period on
    is hidden, whatever the record holds.
    """
    from chipwall.market.forecast.backtest import read_backtest, scored_table
    from chipwall.market.forecast.knowledge import known_day
    from chipwall.market.forecast.load import shipped_knowledge

    day = None if known_on is None else known_day(known_on, where="known_on", first=None)
    done = scored_table(read_backtest(file), knowledge=shipped_knowledge(draws=draws, seed=seed, known_on=day))
    data = done.record()
    shown = tuple(
        (
            s.series,
            p.period,
            Cell(_short(p.value), p.value),
            Cell(_short(p.low), p.low),
            Cell(_short(p.median), p.median),
            Cell(_short(p.high), p.high),
            s.unit,
            text("yes") if p.inside else text("no"),
            Cell(_short(p.crps), p.crps),
            Cell(_short(p.last_value_crps), p.last_value_crps),
        )
        for s in done.by_series
        for p in s.points
    )
    columns = (
        Column("series", text("series")),
        Column("period", text("period")),
        Column("value", text("happened"), True),
        Column("low_05", text("5 %"), True),
        Column("median", text("median"), True),
        Column("high_95", text("95 %"), True),
        Column("unit", text("unit")),
        Column("inside", text("inside")),
        Column("crps", text("CRPS"), True),
        Column("crps_last_value", text("last value"), True),
    )
    out.show(
        Table(text("Forecasts from what had been published before each period began"), columns, shown, _notes(done)),
        data=data,
    )


def _notes(done: object) -> tuple[str, ...]:
    from chipwall.market.forecast.backtest import Backtest

    assert isinstance(done, Backtest)
    told: list[str] = []
    if done.points:
        told.append(
            text(
                "{points} points in {series} series; inside the 50, 80 and 90 % band: {half}, {eighty},"
                " {inside}; {trend} of the series"
                " with three earlier values beat the trend of the last four, {better} the last value",
                points=len(done.points),
                series=len(done.by_series),
                half=f"{done.within('inside_50'):.0%}",
                eighty=f"{done.within('inside_80'):.0%}",
                inside=f"{done.coverage:.0%}",
                trend="-" if done.share_better_than_trend is None else f"{done.share_better_than_trend:.0%}",
                better="-" if done.share_better_than_last_value is None else f"{done.share_better_than_last_value:.0%}",
            )
        )
    told += [
        text("not scored: {series} {period}: {reason}", series=s.series, period=s.period, reason=s.reason)
        for s in done.skipped
    ]
    told.append(
        text(
            "A point is in the definition and vintage of its own source; series of different definitions are never added."
        )
    )
    late = sum(p.hindsight > 0 for p in done.points)
    if late:
        told.append(
            text(
                "{late} points rest on earlier values that the record holds in a later vintage; classes of"
                " trend and {fitted} were fitted"
                " on later rows too",
                late=late,
                fitted="calibration.toml",
            )
        )
    told.append(
        text("Forecasts are conditional on the policy known at the cut; lock-in terms are priors, not findings.")
    )
    return tuple(told)


def _short(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


@command("calibrate")
@click.option(
    "--draws",
    type=Count(least=500, most=200_000, example="1000"),
    default=20_000,
    show_default=True,
    help="Prior draws that are weighted.",
)
@click.option("--seed", type=Count(least=0, most=2**31), default=1, show_default=True, help="Seed of the simulation.")
@click.option("--out", "place", type=OutFile(), help="Write the calibration file here; without it, only report.")
@answer_options
def market_calibrate_command(draws: int, seed: int, place: Path | None, out: Out) -> None:
    """Fit the model to the record, and say what the data can tell."""
    from chipwall.market.forecast.calibrate import overlay_toml
    from chipwall.market.forecast.load import refitted

    done = refitted(draws=draws, seed=seed)
    if place is not None:
        write_whole(place, overlay_toml(done))
    data = done.record()
    rows = tuple(
        (
            p.name,
            Cell(_short(p.prior_low), p.prior_low),
            Cell(_short(p.prior_high), p.prior_high),
            Cell(_short(p.low), p.low),
            Cell(_short(p.high), p.high),
            Cell(f"{p.sd_ratio:.2f}", p.sd_ratio),
        )
        for p in done.parameters
    )
    columns = (
        Column("parameter", text("parameter")),
        Column("prior_low", text("prior 5 %"), True),
        Column("prior_high", text("prior 95 %"), True),
        Column("low", text("fitted 5 %"), True),
        Column("high", text("fitted 95 %"), True),
        Column("sd_ratio", text("sd, fitted over prior"), True),
    )
    out.show(Table(text("What the record says about the parameters"), columns, rows, done.notes), data=data)


@command()
@click.argument("name", required=False, type=WORD)
@answer_options
def series_command(name: str | None, out: Out) -> None:
    """List the market series, or the values of one with source, vintage and status."""
    from chipwall.catalog.series import load_series, observations

    book = load_series()
    if name is None:
        rows = tuple(
            (s.id, s.kind, s.unit, s.counted, s.scope, len(book.observations[s.id]), s.words)
            for s in book.series.values()
        )
        titles = (
            ("series", text("series")),
            ("kind", text("kind")),
            ("unit", text("unit")),
            ("counted", text("counted")),
            ("scope", text("which chips")),
            ("values", text("values")),
            ("definition", text("definition")),
        )
        out.show(Table(text("Market series"), tuple(Column(*t) for t in titles), rows))
        return
    about = book.find(name)
    seen = observations(name)
    found = tuple(
        (
            o.period.label,
            Cell(o.published or "-", o.as_printed, (o.source,)),
            o.unit,
            o.vintage,
            o.status,
            o.source,
            o.note,
        )
        for o in seen
    )
    heads = (
        ("period", text("period")),
        ("value", text("value")),
        ("unit", text("unit")),
        ("vintage", text("vintage")),
        ("status", text("status")),
        ("source", text("source")),
        ("note", text("note")),
    )
    note = text("{words}; counts {counted}, {scope}", words=about.words, counted=about.counted, scope=about.scope)
    out.show(Table(name, tuple(Column(*h) for h in heads), found, (note,)))
