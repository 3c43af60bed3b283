"""What a sale changes: the difference that a decision makes, draw by draw, and whether it makes dependent."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from chipwall.catalog.records import Chip
from chipwall.report.forms.document import KeyNumber, Section
from chipwall.report.forms.table import Cell, Column, Table
from chipwall.report.language.numbers import (
    Bilingual,
    count_words,
    points,
    quarter_words,
    range_words,
    share_words,
)
from chipwall.report.pages.market import MEASURES, TableMeasure, measure_sample, measure_words
from chipwall.text import Text, text

if TYPE_CHECKING:
    from chipwall.market.model.paths import Band, Paths
    from chipwall.market.policy.scenario import Scenario

__all__ = ["decision_about", "market_section"]

DRAWS = 500
LAST, SINCE = "2030Q4", "2027Q1"
# Which decision is about a chip, against which other one: the decision on its own sale, or on the sale that it competes with.
_SOLD = {
    "nvidia-h200-sxm": ("h200-share-cap", "no-sales"),
    "nvidia-h20-96gb": ("h20-only", "no-sales"),
    "nvidia-b30a": ("b30a", "no-sales"),
    "amd-mi308x": ("all-chips", "no-sales"),
}
_COMPETES = ("h200-share-cap", "no-sales")
_KEPT = (
    "h100e_training_total",
    "h100e_bandwidth_total",
    "domestic_share_value",
    "us_share_active",
    "us_share_active_with_offshore",
    "us_share_new",
    "delivered_us",
    "seller_net_us",
    "us_take",
    "spending_domestic",
    "delivered_grey",
    "gap",
    "service_active",
    "service_active_us",
    "service_new",
    "service_new_us",
    "offshore_h100e",
)
_SHORT = (
    "h100e_training_total",
    "domestic_share_value",
    "us_share_active",
    "seller_net_us",
    "us_take",
    "spending_domestic",
    "gap",
)


def decision_about(chip: Chip) -> tuple[str, str] | None:
    """The pair of shipped scenarios that a chip is concerned by; None where no scenario sells it or competes with it."""
    if chip.word("designer_country") == "CN":
        return _COMPETES
    return _SOLD.get(chip.id)


def market_section(chip: Chip) -> tuple[Section, KeyNumber | None]:
    """The section, and what the decision changes as a number of the first page."""
    pair = decision_about(chip)
    title = text("What does a sale to China change?")
    if pair is None:
        nothing = text(
            "Not computed: no shipped scenario sells the {chip} to China. chipwall simulate --help shows the decisions that are.",
            chip=chip.name,
        )
        return Section("market", title, finding=nothing), None
    from chipwall.market.policy.load import load_scenario  # NumPy and the market model, only here
    from chipwall.market.simulate import simulate
    from chipwall.report.pages.market_charts import difference_chart

    scenarios = [load_scenario(name) for name in pair]
    first, second = (simulate(s, draws=DRAWS, seed=1, until=LAST, keep=_KEPT) for s in scenarios)
    names = [_both(s) for s in scenarios]
    first, second = replace(first, title=names[0]), replace(second, title=names[1])
    effects = _effects(first, second)
    domestic = chip.word("designer_country") == "CN"
    quantity = "domestic_share_value" if domestic else "h100e_training_total"
    finding = _finding(effects, names, domestic=domestic)
    section = Section(
        "market",
        title,
        (
            _dependence(first, second, effects),
            text(
                "Compared: {first}, against {second}; both from {since} on, on the same {draws} draws.",
                first=names[0],
                second=names[1],
                since=quarter_words(SINCE),
                draws=DRAWS,
            ),
        ),
        (_table(effects, names, _SHORT),),
        (difference_chart(first, second, quantity, title=finding),),
        (
            text("Conditional on the scenario and the priors, not predicted; two governments' decisions dominate."),
            text(
                "Lock-in terms are priors: the market record identifies them hardly at all, partly because shortage hid demand."
            ),
            text("Budgets are given: that is an assumption, and it decides whether imports crowd out domestic chips."),
        ),
        finding=finding,
        details=(_table(effects, names, tuple(effects)),),
    )
    return section, _key_number(effects, quantity)


def _both(scenario: Scenario) -> Text:
    """The title of a scenario in both languages."""
    return Bilingual(str(scenario.title), scenario.told_in("zh").title)


_Effect = tuple["Band", "Band", "Band"]


def _effects(first: Paths, second: Paths) -> dict[str, _Effect]:
    """Per measure its band under both decisions, and the difference draw by draw."""
    from chipwall.market.model.paths import sample_band

    found = {}
    for measure in MEASURES:
        if measure.quantity in first.values:
            one, two = (measure_sample(run, measure, LAST, SINCE) for run in (first, second))
            found[measure.quantity] = (sample_band(one), sample_band(two), sample_band(one - two))
    return found


def _range(found: Band, how: str, *, signed: bool = False) -> Text:
    return text(
        "{mid} ({low} to {high})",
        mid=measure_words(found.mid, how, signed=signed),
        low=measure_words(found.low, how, signed=signed),
        high=measure_words(found.high, how, signed=signed),
    )


def _finding(effects: dict[str, _Effect], names: list[Text], *, domestic: bool) -> Text:
    """The difference in one sentence, with the band of the draws."""
    quantity = "domestic_share_value" if domestic else "h100e_training_total"
    _, without, change = effects[quantity]
    if domestic:
        moved = text(
            "{mid} points ({low} to {high})",
            mid=points(change.mid),
            low=points(change.low),
            high=points(change.high),
        )
        return text(
            "Selling the H200 to China moves the share of Chinese chips in spending by {points} at the end of 2030",
            points=moved,
        )
    part = change.mid / without.mid if without.mid else 0.0
    return text(
        '"{name}" changes compute in China at the end of 2030 by {change} H100-equivalents, {part} of what it is otherwise',
        name=names[0],
        change=_range(change, "count", signed=True),
        part=share_words(part, signed=True),
    )


def _dependence(first: Paths, second: Paths, effects: dict[str, _Effect]) -> Text:
    """The question of dependence in two sentences: shares that move, and the time it takes to leave."""
    from chipwall.market.study.dependence import leaving

    with_sales, without, change = effects["us_share_active"]
    time = leaving(first, LAST).quarters
    years = [t / 4 for t in (time.mid, time.low, time.high)]
    return text(
        'Does it make dependent ("addicted")? US platforms hold {after} of active compute in China at the end of 2030 '
        "instead of {before} ({low} to {high} points); replacing what is active then by Chinese chips would take {years} years "
        "({short} to {long}) at the pace of that year. The share is computed; how strongly habit binds buyers is assumed, "
        "not measured.",
        after=share_words(with_sales.mid),
        before=share_words(without.mid),
        low=points(change.low),
        high=points(change.high),
        years=f"{years[0]:.1f}",
        short=f"{years[1]:.1f}",
        long=f"{years[2]:.1f}",
    )


def _table(effects: dict[str, _Effect], names: list[Text], wanted: tuple[str, ...]) -> Table:
    """Both decisions side by side and the difference, each with its 5 to 95 percent."""
    by_name: dict[str, TableMeasure] = {m.quantity: m for m in MEASURES}
    columns = (
        Column("measure", text("End of 2030, or summed from {since}", since=quarter_words(SINCE))),
        Column("first", names[0], right=True),
        Column("second", names[1], right=True),
        Column("difference", text("Difference"), right=True),
        Column("difference_low", text("5 %"), right=True),
        Column("difference_high", text("95 %"), right=True),
    )
    rows = []
    for name in wanted:
        if name in effects and name in by_name:
            measure, (one, two, change) = by_name[name], effects[name]
            cells = [
                Cell(measure_words(b.mid, measure.shown), b.mid, (), "", _range(b, measure.shown)) for b in (one, two)
            ]
            cells.append(
                Cell(
                    measure_words(change.mid, measure.shown, signed=True),
                    change.mid,
                    (),
                    "",
                    text("middle of {draws} shared draws", draws=DRAWS),
                )
            )
            quantile = text("quantile of {draws} shared draws", draws=DRAWS)
            cells += [
                Cell(measure_words(v, measure.shown, signed=True), v, (), "", quantile)
                for v in (change.low, change.high)
            ]
            rows.append((Cell(measure.title, name), *cells))
    return Table("", columns, tuple(rows), (text("5 and 95 %: of the difference, taken draw by draw."),))


def _key_number(effects: dict[str, _Effect], quantity: str) -> KeyNumber:
    change = effects[quantity][2]
    if quantity.endswith("share_value"):
        return KeyNumber(
            text("points: share of Chinese chips in spending at the end of 2030, if the H200 is sold"),
            points(change.mid),
            text("5 to 95 %: {low} to {high}", low=points(change.low), high=points(change.high)),
            "market",
        )
    return KeyNumber(
        text("H100-equivalents: change of compute in China at the end of 2030, if it is sold"),
        count_words(change.mid, signed=True),
        text("5 to 95 %: {range}", range=range_words(change.low, change.high, count_words, signed=True)),
        "market",
    )
