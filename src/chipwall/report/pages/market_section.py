"""The section on the market: three policies on the same draws, and what they change."""

from __future__ import annotations

from chipwall.report.forms.document import Section
from chipwall.report.forms.table import Cell, Column, Table
from chipwall.report.pages.market import MEASURES, band_chart, measure_sample, shown_band
from chipwall.text import Text, text

__all__ = ["market_section"]

SCENARIOS = ("no-sales", "h200-share-cap", "h200-unrestricted")
DRAWS = 500
LAST = "2030Q4"
SINCE = "2027Q1"


def market_section(lang: str) -> tuple[Text, Section]:
    """The sentence for the first page, and the section: five years under three policies."""
    from chipwall.market.model.paths import sample_band  # NumPy, only for a brief
    from chipwall.market.policy.load import load_scenario
    from chipwall.market.simulate import simulate

    runs = [simulate(load_scenario(name).told_in(lang), draws=DRAWS, seed=1, until=LAST) for name in SCENARIOS]
    rows = []
    for measure in MEASURES:
        if all(measure.quantity in run.values for run in runs):
            bands = [sample_band(measure_sample(run, measure, LAST, SINCE)) for run in runs]
            title = (
                text("{measure}, from {since}", measure=measure.title, since=SINCE) if measure.summed else measure.title
            )
            worked = text("middle of {draws} draws, 5 to 95 percent in brackets", draws=DRAWS)
            cells = [Cell(c.shown, c.value, (), "", worked) for c in (shown_band(b, measure.shown) for b in bands)]
            rows.append((Cell(title, measure.quantity), *cells))
    columns = (
        Column("measure", text("Measure, {quarter}", quarter=LAST)),
        *(Column(name, run.title, right=True) for name, run in zip(SCENARIOS, runs, strict=True)),
    )
    notes = (
        text("Conditional on the scenario and the priors, not predicted; two governments' decisions dominate."),
        text(
            "Lock-in terms are priors: the market record identifies them hardly at all, partly because shortage hid demand."
        ),
        text(
            "Counts are HBM-class packages; H100-equivalents are stated on three bases, and rankings change with the basis."
        ),
        text("Budgets are given: that is an assumption, and it decides whether imports crowd out domestic chips."),
    )
    section = Section(
        "market",
        text("What a sale to China changes"),
        (),
        (Table("", columns, tuple(rows)),),
        (band_chart(runs, "h100e_training_total", lang=lang), band_chart(runs, "domestic_share_value", lang=lang)),
        notes,
    )
    low, high = (sample_band(run.at("h100e_training_total", LAST)) for run in (runs[0], runs[1]))
    share_low, share_high = (sample_band(run.at("domestic_share_value", LAST)) for run in (runs[0], runs[1]))
    sentence = text(
        "If the H200 may be sold with a share and a cap instead of not at all, China's compute in {quarter} is {b} instead of "
        "{a} H100-equivalents by training compute (middle of wide bands), and the share of Chinese chips in spending {q:.0%} "
        "instead of {p:.0%}.",
        quarter=LAST,
        a=f"{low.mid / 1e6:.1f}M",
        b=f"{high.mid / 1e6:.1f}M",
        p=share_low.mid,
        q=share_high.mid,
    )
    return sentence, section
