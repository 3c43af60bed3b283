"""A plan of training or fine-tuning for people: four lines, the front, and who lost."""

from __future__ import annotations

from chipwall.fleet.money import Span
from chipwall.fleet.work_plan import JobPlan
from chipwall.report.forms.table import Cell, Column, Table
from chipwall.report.pages.plan import BASIS_WORDS, LAW_SHORT, LAW_WORDS, PAID_WORDS
from chipwall.text import Text, text
from chipwall.units import KILO, MEGA

__all__ = ["job_lines", "job_lost_table", "job_table"]

JOULES_A_MWH = 3600.0 * MEGA


def _ends(s: Span, shown: str) -> Text:
    low, high = ("-" if v is None else shown.format(v) for v in (s.low, s.high))
    return text("{value} ({low} to {high})", value=shown.format(s.value), low=low, high=high)


def job_lines(p: JobPlan) -> tuple[Text, ...]:
    """Chips and layout, time, cost, law."""
    best, job, money = p.best, p.job, p.supply.currency
    cost: Text = text("cost not known: no quote of these chips is fresh enough; give rent or price")
    if best.cost is not None and best.per_million is not None:
        cost = text(
            "{cost} {money} in all ({paid}), {million} {money} per million tokens, money of {year}",
            cost=_ends(best.cost, "{:,.0f}"), money=money, paid=PAID_WORDS[best.paid],
            million=_ends(best.per_million, "{:.3g}"), year=p.supply.on.year,
        )  # fmt: skip
    return (
        text(
            "{chips} x {chip}; {layout}, {precision}", chips=best.chips, chip=best.chip.name, layout=best.layout,
            precision=job.precision,
        ),
        text(
            "{days} days for {tokens:.3g} tokens, {rate:,.0f} token/s, {energy:,.1f} MWh; {basis}",
            days=_ends(best.days, "{:.3g}"), tokens=job.tokens, rate=best.rate, energy=best.energy / JOULES_A_MWH,
            basis=BASIS_WORDS[best.basis],
        ),
        cost,
        text("{law} ({place}, {day})", law=LAW_WORDS[best.law], place=text("law"), day=p.supply.on.isoformat()),
    )  # fmt: skip


def job_table(p: JobPlan) -> Table:
    """The options that no other beats in cost, chips and power at once."""
    money = p.supply.currency
    columns = (
        Column("chip", text("Chip")),
        Column("chips", text("Chips"), right=True),
        Column("layout", text("Layout")),
        Column("days", text("Days"), right=True),
        Column("days_low", text("80 % from"), right=True),
        Column("days_high", text("to"), right=True),
        Column("cost", text("{money} in all", money=money), right=True),
        Column("rated_power_w", text("Rated power"), right=True),
        Column("law", text("Law")),
    )
    rows = tuple(
        (
            o.chip.id,
            Cell(f"{o.chips:,}", o.chips),
            o.layout,
            *(Cell("-" if v is None else f"{v:.3g}", v) for v in (o.days.value, o.days.low, o.days.high)),
            Cell("-" if o.cost is None else f"{o.cost.value:,.0f}", None if o.cost is None else o.cost.value),
            Cell(f"{o.rated / KILO:,.0f} kW", o.rated),
            Cell(LAW_SHORT[o.law], o.law),
        )
        for o in p.front
    )
    title = text("The front: no other fleet is better in cost, chips and power at once")
    return Table(title, columns, rows, (p.said,))


def job_lost_table(p: JobPlan) -> Table:
    """Why each chip that is not in the front lost."""
    columns = (Column("chip", text("Chip")), Column("reason", text("Why it lost")))
    return Table(text("Left out"), columns, tuple((r.chip, Cell(r.reason, str(r.reason))) for r in p.rejected))
