"""What a decision changes, in three sentences and a picture, and the one-paragraph answer of each proposal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from chipwall.market.study.difference import Effect, Mover, effect, movers, yearly
from chipwall.report.pages.market import MEASURES, TableMeasure, measure_sample, measure_words
from chipwall.text import Text, listed, text

if TYPE_CHECKING:
    from chipwall.market.model.paths import Paths
    from chipwall.market.policy.scenario import Scenario

__all__ = ["ANSWERED", "Answered", "answered", "paragraph", "picture", "sentences"]

# What the sentences speak of; kept in every run that is compared.
ANSWERED = (
    "h100e_training_total", "gap", "seller_net_us", "us_take", "spending_domestic", "domestic_share_value", "us_share_active",
    "offshore_h100e", "delivered_grey", "fill_rate", "chosen_freely", "diverted_h100e", "rent_china_h100",
)  # fmt: skip
# A rank correlation has this size before a parameter is named as what moves a difference.
WORTH_NAMING = 0.15
WIDTH = 41


@dataclass(frozen=True)
class Answered:
    """One comparison: effects by quantity, what moves the change in compute, and when it is."""

    first: str
    second: str
    quarter: str
    since: str
    effects: dict[str, Effect]
    movers: tuple[Mover, ...]

    def record(self) -> dict[str, object]:
        """For machines."""
        return {
            "quarter": self.quarter,
            "since": self.since,
            "effects": {
                name: {
                    "first": [e.first.low, e.first.mid, e.first.high],
                    "second": [e.second.low, e.second.mid, e.second.high],
                    "difference": [e.difference.low, e.difference.mid, e.difference.high],
                    "probability_up": e.up,
                    "probability_same": e.same,
                    "mechanism": e.channel,
                }
                for name, e in self.effects.items()
            },
            "movers": [{"parameter": m.parameter, "rank_correlation": m.correlation} for m in self.movers],
        }


def answered(first: Paths, second: Paths, *, quarter: str, since: str) -> Answered:
    """Compare two runs on the same draws."""
    by_name = {m.quantity: m for m in MEASURES}
    effects = {}
    for name in ANSWERED:
        if name not in first.values or name not in second.values:
            continue
        measure = by_name.get(name) or TableMeasure(name, text("{name}", name=name), "count")
        one, other = (measure_sample(run, measure, quarter, since) for run in (first, second))
        effects[name] = effect(name, one, other)
    name = "h100e_training_total"
    change = first.at(name, quarter) - second.at(name, quarter) if name in first.values else None
    moved = movers(change, first.parameters) if change is not None else ()
    return Answered(first.title, second.title, quarter, since, effects, moved)


def sentences(found: Answered) -> tuple[Text, ...]:
    """Three sentences: compute and the gap, money, and how sure it is."""
    return (_compute(found), _money(found), _sure(found))


def _range(e: Effect, how: str) -> Text:
    low, mid, high = (
        measure_words(v, how, signed=True) for v in (e.difference.low, e.difference.mid, e.difference.high)
    )
    return text("{mid} ({low} – {high})", mid=mid, low=low, high=high)


def _compute(found: Answered) -> Text:
    e, gap = found.effects["h100e_training_total"], found.effects["gap"]
    if not e.channel:
        return text("The model has no mechanism by which this changes compute in China.")
    if e.same > 0.9:
        return text(
            "Compute in China at the end of {quarter} stays as it is in {same:.0f} of 100 draws; the ratio"
            " outside to inside China stays"
            " at {gap:.1f}.",
            quarter=found.quarter, same=100 * e.same, gap=gap.second.mid,
        )  # fmt: skip
    part = e.difference.mid / e.second.mid if e.second.mid else 0.0
    return text(
        "By {quarter} compute in China, in H100-equivalents by training compute, changes by {change},"
        " {part:+.1f} percent of {level}; the"
        " ratio of compute outside to inside China goes from {before:.1f} to {after:.1f}.",
        quarter=found.quarter, change=_range(e, "count"), part=100 * part, level=measure_words(e.second.mid, "count"),
        before=gap.second.mid, after=gap.first.mid,
    )  # fmt: skip


def _money(found: Answered) -> Text:
    us, take, domestic = (found.effects[n] for n in ("seller_net_us", "us_take", "spending_domestic"))
    return text(
        "From {since} to {quarter}, in USD: US makers {us}, the US government {take}, Chinese makers"
        " {domestic}; Chinese chips have"
        " {after:.0f} instead of {before:.0f} percent of the money in the last quarter.",
        since=found.since, quarter=found.quarter, us=_range(us, "usd"), take=_range(take, "usd"),
        domestic=_range(domestic, "usd"), after=100 * found.effects["domestic_share_value"].first.mid,
        before=100 * found.effects["domestic_share_value"].second.mid,
    )  # fmt: skip


def _sure(found: Answered) -> Text:
    e, free = found.effects["h100e_training_total"], found.effects.get("chosen_freely")
    named = [m for m in found.movers if abs(m.correlation) >= WORTH_NAMING][:2]
    least = 100 * free.first.mid if free else 0.0
    if not named or not e.channel:
        return text(
            "The sign for compute is the same in {sure:.0f} of 100 draws that change; {free:.0f} percent of"
            " the money in the last quarter"
            " goes to chips that are not sold out, so that taste and not shortage decides there.",
            sure=100 * e.sure, free=least,
        )  # fmt: skip
    return text(
        "The sign for compute is the same in {sure:.0f} of 100 draws that change; {movers} moves the"
        " difference most (rank correlation"
        " {size}); {free:.0f} percent of the money in the last quarter goes to chips that are not sold out, so that taste and not"
        " shortage decides there.",
        sure=100 * e.sure, movers=", ".join(m.parameter for m in named),
        size=", ".join(f"{m.correlation:+.2f}" for m in named), free=least,
    )  # fmt: skip


def paragraph(scenario: Scenario, found: Answered) -> Text:
    """The answer to a proposal in one paragraph: the decision, its size, how sure it is, and what the model cannot say."""
    one, two, three = sentences(found)
    return text(
        "{title}: {decision}, against '{other}'. {one} {two}{more} {three} What this cannot say: {cannot}",
        title=scenario.title, decision=scenario.decision, other=found.second, one=one, two=two, three=three,
        more=_elsewhere(found), cannot=scenario.cannot,
    )  # fmt: skip


def _elsewhere(found: Answered) -> str:
    """What happens to smuggling and to capacity rented abroad, where it moves."""
    told = []
    for name, words in (("delivered_grey", text("smuggled chips")), ("offshore_h100e", text("capacity rented abroad"))):
        e = found.effects.get(name)
        if e is not None and e.channel and e.second.mid and abs(e.difference.mid) > 0.02 * e.second.mid:
            part = 100 * e.difference.mid / e.second.mid
            told.append(text("{what} {part:+.0f} percent", what=words, part=part))
    return text(" Beside it: {told}.", told=listed(told)) if told else ""


def picture(first: Paths, second: Paths, *, quantity: str, since: str, title: str) -> tuple[str, ...]:
    """The change year by year as lines of text: the band from 5 to 95 percent, its middle, and the zero."""
    from chipwall.market.model.paths import sample_band

    ends = [q for q in first.quarters if q >= since and q.endswith("Q4")]
    bands = {q: sample_band(first.at(quantity, q) - second.at(quantity, q)) for q in ends}
    low = min([0.0, *(b.low for b in bands.values())])
    high = max([0.0, *(b.high for b in bands.values())])
    if high - low <= 0:
        return ()

    def at(value: float) -> int:
        return round((value - low) / (high - low) * (WIDTH - 1))

    lines: list[str] = [title]
    for quarter, b in bands.items():
        row = [" "] * WIDTH
        row[at(b.low) : at(b.high) + 1] = "─" * (at(b.high) - at(b.low) + 1)
        row[at(0.0)] = "┼" if row[at(0.0)] == "─" else "│"
        row[at(b.mid)] = "●"
        change = measure_words(b.mid, "count", signed=True)
        lines.append(text("{quarter}  {row}  {change}", quarter=quarter, row="".join(row), change=change))
    return tuple(lines)


def yearly_rows(
    first: Paths, second: Paths, *, since: str
) -> Sequence[tuple[str, dict[str, tuple[float, float, float]]]]:
    """Middle sums by year of money under both decisions and of the difference [USD]."""
    import numpy as np

    found = []
    for name in ("seller_net_us", "us_take", "spending_domestic"):
        one, other = yearly(first, name, since=since), yearly(second, name, since=since)
        found.append(
            (
                name,
                {
                    year: (
                        float(np.median(one[year])),
                        float(np.median(other[year])),
                        float(np.median(one[year] - other[year])),
                    )
                    for year in one
                },
            )
        )
    return found
