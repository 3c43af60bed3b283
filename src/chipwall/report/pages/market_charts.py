"""Market paths as charts: one run with its bands, or the difference of two on the same draws."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import numpy as np

from chipwall.market.model.quantities import unit_of
from chipwall.report.forms.charts.chart import Chart, TimeBands
from chipwall.report.forms.table import Cell, Column, Table
from chipwall.report.language.numbers import axis_words, quarter_words
from chipwall.report.pages.market import AXES, MEASURES
from chipwall.text import Text, text

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from chipwall.market.model.paths import Paths

__all__ = ["difference_chart", "paths_chart"]

_LEVELS = [0.05, 0.25, 0.5, 0.75, 0.95]


def paths_chart(runs: list[Paths], quantity: str, *, since: str = "2022Q1") -> Chart:
    """One run as it is; of two runs what the first changes, which is what is asked."""
    first = runs[0]
    if len(runs) > 1:
        return difference_chart(first, runs[1], quantity)
    shown = _kind(quantity, change=False)
    start = first.quarters.index(since) if since in first.quarters else 0
    last = float(np.median(first.values[quantity][-1]))
    title = text(
        "{measure}: about {value} in {quarter}",
        measure=_title(quantity),
        value=axis_words(shown, last),
        quarter=quarter_words(first.quarters[-1]),
    )
    told = text("{unit}; {scenario}", unit=_unit(quantity), scenario=first.title)
    return _chart(first, first.values[quantity], quantity, start, title, told, shown, (Text(""), Text("")))


def difference_chart(
    first: Paths, second: Paths, quantity: str, *, title: Text | None = None, since: str = "2026Q1"
) -> Chart:
    """The first run minus the second, draw by draw, with the half and the nine tenths of the draws."""
    change = first.values[quantity] - second.values[quantity]
    shown = _kind(quantity, change=True)
    last = float(np.median(change[-1]))
    title = title or text(
        "{measure}: {value} in {quarter}",
        measure=_title(quantity),
        value=axis_words(shown, last),
        quarter=quarter_words(first.quarters[-1]),
    )
    told = text(
        "{measure}, {unit}: {first} minus {second}, on shared draws",
        measure=_title(quantity),
        unit=_unit(quantity),
        first=first.title,
        second=second.title,
    )
    start = first.quarters.index(since) if since in first.quarters else 0
    sides = (text("more with the first"), text("less with the first"))
    return _chart(first, change, quantity, start, title, told, shown, sides)


def _chart(
    run: Paths,
    sample: NDArray[np.float64],
    quantity: str,
    start: int,
    title: Text,
    told: Text,
    shown: str,
    sides: tuple[Text, Text],
) -> Chart:
    bands = [[float(v) for v in row] for row in np.quantile(sample[start:], _LEVELS, axis=1)]
    low, quarter, mid, three, high = bands
    times = run.quarters[start:]
    names = ("low", "quarter", "middle", "three_quarters", "high")
    heads = ("5 %", "25 %", text("middle"), "75 %", "95 %")
    columns = (
        Column("period", text("Quarter")),
        *(Column(n, h, right=True) for n, h in zip(names, heads, strict=True)),
    )
    rows = tuple(
        (Cell(quarter_words(t), t), *(Cell(axis_words(shown, row[i]), row[i]) for row in bands))
        for i, t in enumerate(times)
    )
    today = date.today()
    return Chart(
        f"market-{quantity}",
        title,
        told,
        text(
            "Source: market simulation of chipwall, {draws} draws, seed {seed}; deliveries to {quarter} are record",
            draws=run.draws,
            seed=run.seed,
            quarter=quarter_words(run.quarters[max(run.counted_to, 0)]),
        ),
        TimeBands(
            tuple(times),
            tuple(mid),
            tuple(zip(low, high, strict=True)),
            tuple(zip(quarter, three, strict=True)),
            shown,
            f"{today.year}Q{(today.month + 2) // 3}",
            sides,
        ),
        Table("", columns, rows),
    )


def _title(quantity: str) -> Text:
    return next((m.title for m in MEASURES if m.quantity == quantity), text("{name}", name=quantity))


def _unit(quantity: str) -> Text:
    return AXES.get(unit_of(quantity), text("{unit}", unit=unit_of(quantity)))


def _kind(quantity: str, *, change: bool) -> str:
    """How numbers of a quantity are written: shares in percent or points, money and counts short."""
    if unit_of(quantity) == "1":
        return "share change" if change else "share" if _is_share(quantity) else "plain"
    return "count change" if change else "count"


def _is_share(quantity: str) -> bool:
    return any(m.quantity == quantity and m.shown == "percent" for m in MEASURES)
