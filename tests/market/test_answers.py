"""What is said about a decision: sentences, pictures, proposals, questions, differences, leaving."""

from __future__ import annotations

import re

import numpy as np
import pytest

from chipwall.errors import InputError
from chipwall.market.model.paths import Paths, sample_band
from chipwall.market.policy.load import load_scenario, proposals
from chipwall.market.simulate import simulate
from chipwall.market.study.ask import question, reply
from chipwall.market.study.dependence import leaving
from chipwall.market.study.difference import effect, movers, yearly
from chipwall.market.study.sensitivity import DrawOutcome, tornado
from chipwall.report.language.lookup import spaced, translated
from chipwall.report.pages import market_answer as answers
from chipwall.report.pages.market import shown_band

UNTIL = "2028Q4"
KEEP = (*answers.ANSWERED, "gap_new")
# What each proposal must move, and the way; None where it must move nothing in most draws.
MOVES: dict[str, tuple[str, int]] = {
    "h200-share-cap": ("seller_net_us", 1),
    "h200-unrestricted": ("seller_net_us", 1),
    "h200-managed": ("seller_net_us", -1),
    "h20-only": ("seller_net_us", 1),
    "b30a": ("seller_net_us", 1),
    "all-chips": ("seller_net_us", 1),
    "ai-overwatch": ("seller_net_us", -1),
    "chip-security": ("delivered_grey", -1),
    "remote-access": ("offshore_h100e", -1),
    "gain-ai": ("diverted_h100e", -1),
    "match-act": ("spending_domestic", -1),
    "tools-looser": ("spending_domestic", 1),
    "hbm-tighter": ("spending_domestic", -1),
    "hbm-looser": ("spending_domestic", 1),
    "cxmt-controls": ("spending_domestic", -1),
    "share-0": ("us_take", -1),
    "share-15": ("us_take", -1),
    "share-50": ("us_take", 1),
    "beijing-matching": ("domestic_share_value", 1),
    "beijing-refuses": ("seller_net_us", -1),
    "state-rule-lifted": ("domestic_share_value", -1),
    "price-undercut": ("seller_net_us", -1),
    "smuggling-enforcement": ("delivered_grey", -1),
}


@pytest.fixture(scope="module")
def runs() -> dict[str, Paths]:
    names = {n for name in proposals() for n in (name, load_scenario(name).versus)}
    return {n: simulate(n, draws=200, until=UNTIL, keep=KEEP) for n in sorted(names)}


def test_at_least_fifteen_proposals_are_tested() -> None:
    assert set(MOVES) == set(proposals())
    assert len(MOVES) >= 15


@pytest.mark.parametrize("name", sorted(MOVES))
def test_each_proposal_moves_what_it_is_about(name: str, runs: dict[str, Paths]) -> None:
    found = answers.answered(runs[name], runs[load_scenario(name).versus], quarter=UNTIL, since="2027Q1")
    quantity, sign = MOVES[name]
    e = found.effects[quantity]
    assert e.channel
    assert sign * float(e.difference.mid) >= 0
    assert (e.up if sign > 0 else 1 - e.same - e.up) > 0.15


@pytest.mark.parametrize("name", sorted(MOVES))
def test_each_paragraph_says_the_numbers_of_its_runs(name: str, runs: dict[str, Paths]) -> None:
    """Size, certainty and limits, in both languages with the same numbers; each size is that of the draws."""
    scenario = load_scenario(name)
    one, other = runs[name], runs[scenario.versus]
    found = answers.answered(one, other, quarter=UNTIL, since="2027Q1")
    said = answers.paragraph(scenario, found)
    assert scenario.decision in said
    assert scenario.cannot in said
    assert scenario.title in said
    take = (one.values["us_take"][20:] - other.values["us_take"][20:]).sum(axis=0)
    assert found.effects["us_take"].difference.mid == pytest.approx(
        float(np.median(take)), abs=1e-3 + 1e-9 * np.abs(take).max()
    )
    chinese = translated(
        answers.paragraph(scenario.told_in("zh"), answers.answered(one, other, quarter=UNTIL, since="2027Q1")), "zh"
    )
    assert spaced(scenario.chinese["decision"]) in chinese
    assert spaced(scenario.chinese["cannot"]) in chinese
    assert not re.search(r"By \d{4}Q\d|The sign|bn\b", chinese)


def test_a_band_that_says_nothing_is_not_known() -> None:
    wide = sample_band(np.exp(np.linspace(0, 8, 400)))
    assert "not known" in shown_band(wide, "count").shown
    assert "not known" not in shown_band(sample_band(np.linspace(90, 110, 400)), "count").shown


def test_dust_is_nothing() -> None:
    big = np.full(100, 1e12)
    e = effect("x", big + 1e-3, big)
    assert not e.channel
    assert (e.difference.low, e.difference.high) == (0.0, 0.0)
    assert e.same == 1.0


def test_movers_find_the_parameter_behind_a_difference() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((2, 2000))
    found = movers(3 * a + 0.5 * rng.standard_normal(2000), {"a": a, "b": b, "fixed": np.ones(2000)})
    assert found[0].parameter == "a"
    assert found[0].correlation > 0.9
    assert "fixed" not in [m.parameter for m in found]


def test_yearly_sums_add_up(runs: dict[str, Paths]) -> None:
    run = runs["h200-share-cap"]
    by_year = yearly(run, "us_take", since="2027Q1")
    assert list(by_year) == ["2027", "2028"]
    assert np.allclose(sum(by_year.values()), run.total("us_take", since="2027Q1"))


def test_the_picture_has_a_line_for_each_year_and_its_zero(runs: dict[str, Paths]) -> None:
    lines = answers.picture(
        runs["h200-share-cap"], runs["no-sales"], quantity="h100e_training_total", since="2027Q1", title="t"
    )
    assert [line[:6] for line in lines[1:]] == ["2027Q4", "2028Q4"]
    assert all("●" in line and ("┼" in line or "│" in line) for line in lines[1:])
    same = answers.picture(runs["no-sales"], runs["no-sales"], quantity="gap", since="2027Q1", title="t")
    assert same == ()


@pytest.mark.parametrize(
    ("words", "value", "quarter"),
    [
        ("gap < 4 on 2027-12-31", 4.0, "2027Q4"), ("us_take >= 2bn in 2028Q2", 2e9, "2028Q2"),
        ("h100e_training_total > 5M by 2027-06-30", 5e6, "2027Q2"), ("domestic_share_value < 50% on 2027-01-01", 0.5, "2027Q1"),
    ],
)  # fmt: skip
def test_questions_are_read(words: str, value: float, quarter: str) -> None:
    asked = question(words)
    assert asked.value == pytest.approx(value)
    assert asked.quarter == quarter


@pytest.mark.parametrize(
    "words",
    ["", "gap 4 on 2027Q4", "gap < many on 2027Q4", "gap < 4 on soon", "gap < 4 on 2099Q1", "gap = 4 on 2027Q4"],
)
def test_other_words_are_refused(words: str) -> None:
    with pytest.raises(InputError):
        question(words)


def test_a_probability_is_a_share_of_draws(runs: dict[str, Paths]) -> None:
    run = runs["no-sales"]
    told = reply(run, question("gap < 15 on 2027-12-31"))
    assert told.probability == np.mean(run.at("gap", "2027Q4") < 15)
    assert told.error == pytest.approx((told.probability * (1 - told.probability) / 200) ** 0.5)


def test_the_ratio_can_be_asked_under_every_pair(runs: dict[str, Paths]) -> None:
    """31 to 1, below 4 to 1, 17 to 1: statements of this form have a probability under each decision."""
    for run in runs.values():
        chances = [reply(run, question(f"gap_new < {x} on 2027-12-31")).probability for x in (4, 17, 31)]
        assert chances == sorted(chances)
        assert 0 < chances[-1] < 1


def test_a_tornado_has_its_ends_where_the_model_has_them() -> None:
    middle, swings = tornado("share-50", "h200-share-cap", outcome=DrawOutcome("us_take", "2027Q4", "2027Q1"))
    assert middle > 0
    told = {s.name: s for s in swings}
    assert told["licence_pace"].at_high > told["licence_pace"].at_low
    assert told["cann_maturity_2022"].at_high == pytest.approx(told["cann_maturity_2022"].at_low, rel=0.2)
    sizes = [abs(s.at_high - s.at_low) for s in swings]
    assert sizes == sorted(sizes, reverse=True)


def test_leaving_costs_what_the_fleet_costs_at_the_pace_of_a_year() -> None:
    """Two draws by hand: 100 active on US platforms; 10 and 40 a quarter made at 5 USD each."""
    quarters = ("2027Q1", "2027Q2", "2027Q3", "2027Q4")
    made = np.tile([10.0, 40.0], (4, 1))
    values = {
        "service_new": made + 3.0, "service_new_us": np.full((4, 2), 3.0),
        "spending_domestic": 5.0 * made, "service_active_us": np.full((4, 2), 100.0),
    }  # fmt: skip
    found = leaving(Paths("s", "s", quarters, 1, 2, values, {}), "2027Q4")
    assert (found.quarters.low, found.quarters.high) == pytest.approx((2.5 + 0.05 * 7.5, 10 - 0.05 * 7.5))
    assert found.cost.mid == pytest.approx(500.0)
