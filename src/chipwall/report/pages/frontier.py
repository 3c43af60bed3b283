"""The frontier for people: a table of each chip's points, and the published runs beside them."""

from __future__ import annotations

from typing import Any

from chipwall.report.forms.table import Cell, Column, Table
from chipwall.report.pages.plan import BASIS_WORDS
from chipwall.text import text

__all__ = ["frontier_table", "measured_table"]


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
