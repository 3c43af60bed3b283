"""The frontier for people: a table of each chip's points, and the published runs beside them."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

from chipwall.report.forms.charts.chart import Chart, TradeCurves, TradeLine
from chipwall.report.forms.table import Cell, Column, Table
from chipwall.report.language.names import short_name
from chipwall.report.pages.plan import BASIS_WORDS
from chipwall.text import Text, listed, text

__all__ = ["frontier_chart", "frontier_table", "measured_table", "operating_table"]

# Speeds of one user at which chips are compared [token/s].
SPEEDS = (20.0, 40.0, 80.0)


def frontier_table(t: Any) -> Table:
    """The points of each chip, the fastest user first."""
    columns = (
        Column("chip", text("Chip")),
        Column("tokens_per_s_per_user", text("token/s per user"), right=True),
        Column("tokens_per_s_per_chip", text("token/s per chip"), right=True),
        Column("chip_low", text("80 % from"), right=True),
        Column("chip_high", text("to"), right=True),
        Column("users", text("Users"), right=True),
        Column("layout", text("Layout")),
        Column("precision", text("Precision")),
        Column("ttft_s", text("First token"), right=True),
        Column("basis", text("Basis")),
    )
    rows = tuple(
        (
            p.chip,
            Cell(f"{p.per_user:.1f}", p.per_user),
            Cell(f"{p.per_chip:,.0f}", p.per_chip),
            Cell(f"{p.low:,.0f}", p.low),
            Cell(f"{p.high:,.0f}", p.high),
            Cell(f"{p.users:.0f}", p.users),
            p.layout,
            p.precision,
            Cell(f"{p.ttft * 1e3:,.0f} ms", p.ttft),
            Cell(BASIS_WORDS[p.basis], p.basis),
        )
        for p in t.points
    )
    title = text(
        "{model}, {prompt:,.0f} tokens in, {output:,.0f} out: throughput per chip against speed per user",
        model=t.model.name, prompt=t.prompt, output=t.output,
    )  # fmt: skip
    notes = tuple(text("{chip}: {why}", chip=c, why=w) for c, w in t.refused.items())
    return Table(title, columns, rows, notes)


def measured_table(t: Any) -> Table:
    """Published runs of this model on these chips, of lengths within a quarter."""
    columns = (
        Column("id", text("Published run")),
        Column("chip", text("Chip")),
        Column("tokens_per_s_per_user", text("token/s per user"), right=True),
        Column("tokens_per_s_per_chip", text("token/s per chip"), right=True),
        Column("precision", text("Precision")),
        Column("engine", text("Engine")),
        Column("source", text("Source")),
    )
    rows = tuple(
        (
            m.id,
            m.chip,
            Cell(f"{m.per_user:.1f}", m.per_user),
            Cell(f"{m.per_chip:,.0f}" + ("" if m.both else "*"), m.per_chip),
            m.precision,
            m.engine,
            m.source,
        )
        for m in t.published
    )
    note = text("*: users over the time per token; the throughput itself was not published")
    notes = (note,) if any(not m.both for m in t.published) else ()
    return Table(text("Published runs beside the line") if rows else "", columns, rows, notes)


def operating_table(t: Any, baseline: str) -> Table:
    """Throughput per chip at a few speeds of one user, read off each line, and how many times the baseline has."""
    chips = list(dict.fromkeys(p.chip for p in t.points))
    base = baseline if baseline in chips else chips[0]
    columns = (
        Column("chip", text("Chip")),
        *(
            Column(f"tokens_per_s_per_chip_at_{speed:.0f}", text("at {speed:.0f} token/s per user", speed=speed), right=True)
            for speed in SPEEDS
        ),
    )
    own = [_at(t, base, speed) for speed in SPEEDS]
    rows = tuple((chip, *(_compared(_at(t, chip, s), b) for s, b in zip(SPEEDS, own, strict=True))) for chip in chips)
    name = t.names.get(base, base)
    note = text("token/s per chip, with the ratio to the {chip}; a dash: no layout of the chip is that fast", chip=name)
    return Table(text("At the same speed for each user"), columns, rows, (note,))


def _compared(value: float | None, base: float | None) -> Cell:
    if value is None:
        return Cell("-")
    return Cell(f"{value:,.0f} ({value / base:.2f}x)" if base else f"{value:,.0f}", value)


def _at(t: Any, chip: str, speed: float) -> float | None:
    """Throughput per chip at a speed of one user, between the points of a line; none beyond its ends."""
    line = sorted((p.per_user, p.per_chip) for p in t.points if p.chip == chip)
    if not line or speed > line[-1][0]:
        return None
    if speed <= line[0][0]:
        return float(line[0][1])
    for (x1, y1), (x2, y2) in pairwise(line):
        if x1 <= speed <= x2:
            part = 0.0 if x2 == x1 else (math.log(speed) - math.log(x1)) / (math.log(x2) - math.log(x1))
            return float(math.exp(math.log(y1) + part * (math.log(y2) - math.log(y1))))
    return None


def frontier_chart(t: Any, baseline: str = "") -> Chart:
    """Each chip's line with its interval, published runs beside it; the baseline is drawn strong."""
    chips = list(dict.fromkeys(p.chip for p in t.points))
    base = baseline if baseline in chips else chips[0]
    lines = tuple(
        TradeLine(
            short_name(t.names.get(chip, chip)),
            tuple((p.per_user, p.per_chip, p.low, p.high) for p in sorted(t.points, key=lambda p: p.per_user) if p.chip == chip),
            tuple((m.per_user, m.per_chip, f"{m.id}, {m.engine}") for m in t.published if m.chip == chip),
            chip == base,
        )
        for chip in chips
    )
    return Chart(
        "frontier",
        _finding(t, chips, base),
        text(
            "{model}, {prompt:,.0f} tokens in, {output:,.0f} out: the best of all layouts and loads; shaded: 80 % intervals; "
            "crosses: published runs",
            model=t.model.name, prompt=t.prompt, output=t.output,
        ),
        text("Source: serving model of chipwall, calibrated on published measurements"),
        TradeCurves(text("Tokens per second of one user"), text("Tokens per second of one chip"), lines),
        frontier_table(t),
        tuple(text("{chip}: {why}", chip=c, why=w) for c, w in t.refused.items()),
    )  # fmt: skip


def _finding(t: Any, chips: list[str], base: str) -> Text:
    """At the middle speed, each chip as a multiple of the baseline."""
    for speed in (SPEEDS[1], *SPEEDS):
        own = _at(t, base, speed)
        found = [(c, v / own) for c in chips if c != base and own and (v := _at(t, c, speed)) is not None]
        if found:
            best = sorted(found, key=lambda f: -f[1])
            told = listed([text("{chip} {ratio:.1f}x", chip=short_name(t.names.get(c, c)), ratio=r) for c, r in best])
            return text(
                "At {speed:.0f} tokens per second for each user, per chip against the {base}: {told}",
                speed=speed, base=short_name(t.names.get(base, base)), told=told,
            )  # fmt: skip
    return text("Throughput per chip against speed per user: {chip}", chip=t.names.get(base, base))
