from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from numpy.typing import NDArray

from chipwall.catalog.periods import parse_period
from chipwall.catalog.series import load_series
from chipwall.errors import Unknown
from chipwall.market.forecast.aggregation import over_period
from chipwall.market.forecast.knowledge import Knowledge
from chipwall.market.forecast.load import observables, shipped_knowledge
from chipwall.market.forecast.observables import NOT_PREDICTED, default_observable
from chipwall.market.forecast.predictive import last_value, predictive
from chipwall.market.forecast.scoring import forecast_band
from chipwall.market.model.continuation import (
    PastPoint,
    Piece,
    Trend,
    forecast,
    points_of,
    quantile_draws,
    remainder,
    sampled_path,
)
from chipwall.market.model.load import continuation_classes
from chipwall.market.vintage import Cut

QUARTERS = ("2025Q1", "2025Q2", "2025Q3", "2025Q4")
TREND = Trend("test", "log", 0.0, 0.1, 0.1, 0.02, 0.05, 0.8)


@pytest.fixture(scope="module")
def knowledge() -> Knowledge:
    return shipped_knowledge(draws=400, until="2027Q4")


def ramp() -> NDArray[np.float64]:
    return np.array([[10.0, 20.0, 30.0, 40.0], [1.0, 2.0, 3.0, 4.0]])


# ---- the table


def test_every_entry_names_known_series_classes_and_quantities(knowledge: Knowledge) -> None:
    book = load_series()
    paths = knowledge.paths(Cut(date(2026, 6, 30), date(2026, 7, 1)))
    for name, told in observables().items():
        assert name in book.series
        assert told.basis or told.skip
        assert not told.family or told.family in continuation_classes()
        assert not told.borrow or told.borrow in book.series
        for term in (*told.terms, *told.over, *told.otherwise):
            assert not term.times or 0 < term.times[0] <= term.times[1]
            assert not term.series or term.series in book.series
            if term.model:
                paths.quantity(term.model)


def test_no_share_of_all_cards_rests_on_a_share_of_hbm_class_chips() -> None:
    book = load_series()
    for name, told in observables().items():
        if book.series[name].definition == "idc-card-share":
            assert not told.quantities


def test_every_series_is_predicted_or_says_why_not(knowledge: Knowledge) -> None:
    predicted, reasons = [], {}
    for about in load_series().series.values():
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
    book = load_series()
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
    points = [PastPoint(float(t), 0.2 * t) for t in range(12)]
    trend = replace(TREND, growth=0.2, growth_sd=0.01, level_noise=0.01, growth_noise=0.001, report_noise=0.01)
    assert forecast(points, trend=trend, time=14.0).mean == pytest.approx(2.8, abs=0.02)


def test_the_band_widens_with_the_horizon() -> None:
    points = [PastPoint(0.0, 1.0), PastPoint(1.0, 1.1)]
    widths = [forecast(points, trend=TREND, time=t).sd for t in (1.0, 2.0, 4.0, 8.0)]
    assert widths == sorted(widths)
    assert widths[0] < widths[-1]


def test_growth_falls_back_to_the_long_run() -> None:
    points = [PastPoint(float(t), 0.5 * t) for t in range(6)]
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
    assert draws[20:-20] == pytest.approx(t.ppf((np.arange(999) + 0.5) / 999, 3)[20:-20], abs=1e-5)


def test_a_series_that_surprised_its_class_gets_a_wider_band() -> None:
    calm = [PastPoint(float(t), 0.0) for t in range(8)]
    wild = [PastPoint(float(t), 0.8 * (-1) ** t) for t in range(8)]
    assert forecast(calm, trend=TREND, time=9.0).sd < forecast(wild, trend=TREND, time=9.0).sd


def test_sampled_paths_have_the_spread_of_the_forecast() -> None:
    """One filter: draws of the path of the simulation against mean and scale of the forecast that is scored."""
    points = [PastPoint(0.0, 1.0), PastPoint(1.0, 1.1), PastPoint(2.0, 1.15)]
    normals = np.random.default_rng(5).standard_normal((7 + 2 * 8, 40_000))
    times = [0.5, 1.5, *(2.0 + t for t in range(1, 7))]
    made = sampled_path(points, trend=TREND, times=times, normals=normals)
    assert made[0] == pytest.approx(np.full(40_000, 1.05))
    for i, time in enumerate(times[2:], start=2):
        told = forecast(points, trend=replace(TREND, report_noise=TREND.report_noise), time=time)
        assert np.median(made[i]) == pytest.approx(told.mean, abs=0.02)
        quarter = (np.quantile(made[i], 0.75) - np.quantile(made[i], 0.25)) / 2
        # the scale of Student with three degrees of freedom; the scatter of a report is not part of the path
        scale = (told.sd**2 - TREND.report_noise**2) ** 0.5
        assert quarter == pytest.approx(0.765 * scale, rel=0.12)


def test_quantile_draws_are_centred_and_cut() -> None:
    draws = quantile_draws(4001)
    assert draws[2000] == pytest.approx(0, abs=1e-9)
    assert abs(draws).max() == 6.0


# ---- forecasts


def test_a_forecast_does_not_depend_on_what_else_is_asked(knowledge: Knowledge) -> None:
    first = predictive("idc_cards_huawei", parse_period("2026"), knowledge=knowledge).draws
    predictive("rental_gix_H100", parse_period("2026-03-01 to 2026-03-15"), knowledge=knowledge)
    assert np.array_equal(first, predictive("idc_cards_huawei", parse_period("2026"), knowledge=knowledge).draws)


def test_a_running_total_starts_at_its_last_value(knowledge: Knowledge) -> None:
    for name in ("epoch_global_h100e_cum_Nvidia", "epoch_huawei_h100e_cum", "epoch_china_smuggled_units_cum"):
        made = predictive(name, parse_period("2025Q3"), knowledge=knowledge)
        last = knowledge.rows(name, made.cut)[-1].as_printed
        low, _, high = forecast_band(made.draws)
        assert last is not None
        assert 0.95 * last < low
        assert high < 4.5 * last


def test_epochs_quarters_repeat_within_the_year(knowledge: Knowledge) -> None:
    _, middle, _ = forecast_band(
        predictive("epoch_huawei_units_910C", parse_period("2025Q3"), knowledge=knowledge).draws
    )
    assert middle == pytest.approx(150_000, rel=0.1)


def test_after_a_ban_the_past_before_it_is_another_regime(knowledge: Knowledge) -> None:
    """Sales that decisions open and close: the numbers of the open years say nothing about the quarter after the letter."""
    made = predictive("epoch_nvidia_china_legal_units_H20", parse_period("2025Q4"), knowledge=knowledge)
    assert np.median(made.draws) < 0.3 * 361_677


def test_last_value_prefers_the_same_form_and_scales_a_flow(knowledge: Knowledge) -> None:
    assert last_value("hygon_revenue", parse_period("2026Q1"), knowledge=knowledge) == 4.0257
    assert last_value("hygon_revenue", parse_period("2026H1"), knowledge=knowledge) == 5.464
    assert last_value("hygon_revenue", parse_period("2026"), knowledge=knowledge) == pytest.approx(4 * 4.0257)
    assert last_value("ascend_950PR_shipped", parse_period("2026Q1"), knowledge=knowledge) is None
