from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from numpy.typing import NDArray

from chipwall.catalog.periods import parse_period
from chipwall.catalog.series import load
from chipwall.errors import Unknown
from chipwall.market.forecast.aggregation import over_period
from chipwall.market.forecast.continuation import Piece, Point, Trend, forecast, points_of, quantile_draws, remainder
from chipwall.market.forecast.knowledge import knowledge_at_cut
from chipwall.market.forecast.observables import NOT_PREDICTED, default_observable, observables, trends
from chipwall.market.forecast.predictive import Knowledge, known_observations, last_value, predictive
from chipwall.market.forecast.scoring import band

QUARTERS = ("2025Q1", "2025Q2", "2025Q3", "2025Q4")
TREND = Trend("test", "log", 0.0, 0.1, 0.1, 0.02, 0.05, 0.8)


@pytest.fixture(scope="module")
def knowledge() -> Knowledge:
    return knowledge_at_cut(draws=400)


def ramp() -> NDArray[np.float64]:
    return np.array([[10.0, 20.0, 30.0, 40.0], [1.0, 2.0, 3.0, 4.0]])


# ---- the table


def test_every_entry_names_known_series_classes_and_quantities(knowledge: Knowledge) -> None:
    book = load()
    assert knowledge.paths is not None
    for name, told in observables().items():
        assert name in book.series
        assert told.basis or told.skip
        assert not told.family or told.family in trends()
        assert not told.borrow or told.borrow in book.series
        for term in (*told.terms, *told.over, *told.otherwise):
            assert not term.times or 0 < term.times[0] <= term.times[1]
            assert not term.series or term.series in book.series
            if term.model:
                knowledge.paths.quantity(term.model)


def test_no_share_of_all_cards_rests_on_a_share_of_hbm_class_chips() -> None:
    book = load()
    for name, told in observables().items():
        if book.series[name].definition == "idc-card-share":
            assert not told.quantities


def test_every_series_is_predicted_or_says_why_not(knowledge: Knowledge) -> None:
    predicted, reasons = [], {}
    for about in load().series.values():
        form = about.period_forms[0].split()[0] if about.period_forms else ""
        label = {
            "YYYY": "2026",
            "YYYYHn": "2026H1",
            "YYYYQn": "2026Q1",
            "YYYY-MM": "2026-03",
            "YYYY-MM-DD": "2026-03-31",
            "FYyyQn": "FY27Q1",
            "FYyy": "FY2026",
            "day": "2026-03-01 to 2026-03-15",
        }.get(form, "2026")
        try:
            made = predictive(about.id, parse_period(label), knowledge=knowledge)
        except Unknown as reason:
            reasons[about.id] = str(reason)
        else:
            predicted.append(about.id)
            assert np.isfinite(made.draws).all(), about.id
            assert (made.draws >= 0).all(), about.id
            if about.kind == "share":
                assert (made.draws <= 1).all(), about.id
    assert len(predicted) >= 95
    assert all(reasons.values())
    assert {"alibaba_3y_plan", "dies_per_910C", "ascend_950PR_status"} <= set(reasons)


def test_plans_and_constants_are_not_predicted() -> None:
    book = load()
    for about in book.series.values():
        if about.kind in NOT_PREDICTED and about.id not in observables():
            assert default_observable(about).skip


# ---- periods of the model


@pytest.mark.parametrize(
    ("label", "flow", "at_end", "first"),
    [
        ("2025Q2", True, False, 20.0),
        ("2025H1", True, False, 30.0),
        ("2025", True, False, 100.0),
        ("2025", False, False, 25.0),
        ("2025-12-31", False, True, 40.0),
        ("2025Q3", False, True, 30.0),
        ("FY26Q2", True, False, 20.0),  # ends in July: the second calendar quarter
        ("FY2026", True, False, 100.0),
    ],
)
def test_quarters_over_a_period(label: str, flow: bool, at_end: bool, first: float) -> None:
    found = over_period(ramp(), QUARTERS, parse_period(label), flow=flow, at_end=at_end)
    assert found == pytest.approx([first, first / 10])


def test_half_a_quarter_is_half_its_flow() -> None:
    found = over_period(ramp(), QUARTERS, parse_period("2025-04-01 to 2025-05-15"), flow=True, at_end=False)
    assert found[0] == pytest.approx(20 * 45 / 91)


def test_outside_the_simulation_is_said() -> None:
    with pytest.raises(Unknown, match="outside the simulated quarters"):
        over_period(ramp(), QUARTERS, parse_period("2026"), flow=True, at_end=False)


# ---- a series that goes on by itself


def test_a_year_less_its_first_half_is_its_second_half() -> None:
    year = Piece(date(2024, 1, 1), date(2024, 12, 31), 10.0, 4.0)
    half = Piece(date(2024, 1, 1), date(2024, 6, 30), 2.0, 2.0)
    left = remainder(year, [half])
    assert left == Piece(date(2024, 7, 1), date(2024, 12, 31), 8.0, 2.0)
    assert remainder(half, [half]) is None


def test_the_filter_follows_a_straight_line() -> None:
    points = [Point(float(t), 0.2 * t) for t in range(12)]
    trend = replace(TREND, growth=0.2, growth_sd=0.01, level_noise=0.01, growth_noise=0.001, report_noise=0.01)
    assert forecast(points, trend=trend, time=14.0).mean == pytest.approx(2.8, abs=0.02)


def test_the_band_widens_with_the_horizon() -> None:
    points = [Point(0.0, 1.0), Point(1.0, 1.1)]
    widths = [forecast(points, trend=TREND, time=t).sd for t in (1.0, 2.0, 4.0, 8.0)]
    assert widths == sorted(widths)
    assert widths[0] < widths[-1]


def test_growth_falls_back_to_the_long_run() -> None:
    points = [Point(float(t), 0.5 * t) for t in range(6)]
    near, far = (forecast(points, trend=TREND, time=t).mean for t in (30.0, 60.0))
    assert far - near < 0.5  # 15 a quarter would be without damping


def test_season_is_taken_off_and_put_back() -> None:
    trend = replace(TREND, season=0.3)
    first = Piece(date(2024, 1, 1), date(2024, 6, 30), 2.0, 2.0)
    second = Piece(date(2024, 7, 1), date(2024, 12, 31), 2.0 * np.exp(0.6), 2.0)
    points = points_of((first, second), trend=trend, flow=True, at_end=False)
    assert points[0].value == pytest.approx(points[1].value)


def test_quantile_draws_are_those_of_student() -> None:
    from scipy.stats import t

    draws = quantile_draws(999)
    assert draws[20:-20] == pytest.approx(t.ppf((np.arange(999) + 0.5) / 999, 5)[20:-20], abs=1e-5)


def test_quantile_draws_are_centred_and_cut() -> None:
    draws = quantile_draws(4001)
    assert draws[2000] == pytest.approx(0, abs=1e-9)
    assert abs(draws).max() == 4.0


# ---- forecasts


def test_nothing_after_the_cut_is_used(knowledge: Knowledge) -> None:
    for about in load().series.values():
        for row in known_observations(about.id, knowledge=knowledge):
            printed = parse_period(row.vintage).end
            assert row.period.by(knowledge.cut) or (printed is not None and printed <= knowledge.cut)


def test_a_later_value_in_the_book_changes_no_forecast(knowledge: Knowledge) -> None:
    book, name = knowledge.book, "nvidia_datacenter_revenue"
    rows = book.observations[name]
    wrong = tuple(
        replace(o, published="999", value=9.99e11) if o.period.label in ("FY26Q2", "FY26Q3") else o for o in rows
    )
    other = replace(knowledge, book=replace(book, observations={**book.observations, name: wrong}))
    period = parse_period("FY26Q4")
    assert np.array_equal(
        predictive(name, period, knowledge=knowledge).draws, predictive(name, period, knowledge=other).draws
    )


def test_a_forecast_does_not_depend_on_what_else_is_asked(knowledge: Knowledge) -> None:
    first = predictive("idc_cards_huawei", parse_period("2025"), knowledge=knowledge).draws
    predictive("rental_gix_H100", parse_period("2026-03-01 to 2026-03-15"), knowledge=knowledge)
    assert np.array_equal(first, predictive("idc_cards_huawei", parse_period("2025"), knowledge=knowledge).draws)


def test_a_running_total_starts_at_its_last_value(knowledge: Knowledge) -> None:
    for name in ("epoch_global_h100e_cum_Nvidia", "epoch_huawei_h100e_cum", "epoch_china_smuggled_units_cum"):
        last = known_observations(name, knowledge=knowledge)[-1].as_printed
        low, _, high = band(predictive(name, parse_period("2025Q3"), knowledge=knowledge).draws)
        assert last is not None
        assert 0.95 * last < low
        assert high < 2 * last


def test_a_year_whose_first_half_is_known_exceeds_it(knowledge: Knowledge) -> None:
    made = predictive("cambricon_revenue", parse_period("2025"), knowledge=knowledge)
    assert made.draws.min() > 2.881


def test_epochs_quarters_repeat_within_the_year(knowledge: Knowledge) -> None:
    _, middle, _ = band(predictive("epoch_huawei_units_910C", parse_period("2025Q3"), knowledge=knowledge).draws)
    assert middle == pytest.approx(150_000, rel=0.1)


def test_what_is_known_is_not_forecast(knowledge: Knowledge) -> None:
    with pytest.raises(Unknown, match="part of the data"):
        predictive("epoch_huawei_units_910C", parse_period("2025Q1"), knowledge=knowledge)


def test_last_value_prefers_the_same_form_and_scales_a_flow(knowledge: Knowledge) -> None:
    assert last_value("hygon_revenue", parse_period("2026Q1"), knowledge=knowledge) == 3.064
    assert last_value("hygon_revenue", parse_period("2026H1"), knowledge=knowledge) == 5.464
    assert last_value("hygon_revenue", parse_period("2026"), knowledge=knowledge) == pytest.approx(2 * 5.464)
    assert last_value("ascend_950PR_shipped", parse_period("2026Q1"), knowledge=knowledge) is None
