from __future__ import annotations

import json
import tomllib
from collections.abc import Callable
from datetime import date
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from chipwall.catalog.periods import parse_period
from chipwall.catalog.series import load_series
from chipwall.market.forecast.calibrate import (
    MarketCalibration,
    Target,
    overlay_toml,
    weights,
)
from chipwall.market.forecast.load import observables, refitted, targets
from chipwall.market.forecast.rolling import ForecastItem, fitted_class, items
from chipwall.market.model.continuation import PastPoint, Trend, forecast
from chipwall.market.model.load import continuation_classes, load_priors, newest_day


@pytest.fixture(scope="module")
def done() -> MarketCalibration:
    return refitted(draws=1500, seed=3)


def test_every_target_was_over_by_the_newest_day() -> None:
    assert newest_day() == date(2026, 9, 30)
    for target in targets():
        assert target.period.end is not None
        assert target.period.end <= newest_day()


def test_no_target_counts_every_card() -> None:
    book = load_series()
    assert all(book.series[name].scope != "all accelerators" for target in targets() for name in target.series)


def test_targets_come_from_the_catalogue() -> None:
    by_name = {t.name: t for t in targets()}
    assert by_name["Yield of Ascend dies, 2024"].value == 0.2
    assert by_name["Advanced wafers at the end of 2025"].value == 45 * 3000
    assert by_name["Rent of an H100 in China, mid-2026"].value == 1.84


def test_what_the_simulation_takes_from_the_record_is_no_target() -> None:
    """Deliveries and given paths are assimilated as data: fitting to them again would count them twice."""
    for target in targets():
        assert not target.model.startswith(("delivered_", "nvidia", "rent_us"))


def test_the_fit_moves_the_model_towards_the_data(done: MarketCalibration) -> None:
    for fit in done.fits:
        before, after = (abs(np.log(max(x[1], 1e-9) / fit.target.value)) for x in (fit.prior, fit.fitted))
        assert after < before + 0.15, fit.target.name


def test_lock_in_terms_stay_priors(done: MarketCalibration) -> None:
    ratio = {p.name: p.sd_ratio for p in done.parameters}
    for name in ("own_share_feedback", "policy_pressure", "learning_by_use", "ecosystem_weight"):
        assert ratio[name] > 0.85
    assert ratio["yield_2024"] < 0.95


def test_the_same_seed_gives_the_same_file(done: MarketCalibration) -> None:
    assert overlay_toml(refitted(draws=1500, seed=3)) == overlay_toml(done)


def test_the_file_is_an_overlay_of_the_priors(done: MarketCalibration) -> None:
    told = tomllib.loads(overlay_toml(done))
    names = set(load_priors(overlay=False).names)
    assert set(told) - {"meta", "correlation"} <= names
    assert set(told["meta"]["sd_ratio"]) == names
    assert told["meta"]["cut"] == newest_day()


def test_the_shipped_file_fits_the_shipped_priors() -> None:
    told = tomllib.loads((files("chipwall.market") / "data" / "calibration.toml").read_text(encoding="utf-8"))
    assert set(told["meta"]["sd_ratio"]) == set(load_priors(overlay=False).names)
    check = told["meta"]["rolling_origin"]["all"]
    assert 0.8 <= check["coverage_90"] <= 0.97
    assert 0.38 <= check["coverage_50"] <= 0.62


class Normal:
    """A world of one quantity, for which the answer is known."""

    quarters = ("2024Q1", "2024Q2", "2024Q3", "2024Q4", "2025Q1", "2025Q2")

    def __init__(self, draws: int) -> None:
        self.level = np.exp(np.random.default_rng(1).normal(np.log(4.5e5), 1.0, draws))

    def quantity(self, name: str) -> NDArray[np.float64]:
        del name
        return np.repeat(self.level[:, None] / 4, len(self.quarters), axis=1)


def test_weights_of_a_known_world() -> None:
    world = Normal(40_000)
    ascend = ("epoch_huawei_units_910B", "epoch_huawei_units_910C")
    aim = Target(
        "Ascend, all of 2024", "delivered_huawei", "flow", 450_000.0, 0.35, parse_period("2024"), "a test", ascend
    )
    weight, power = weights(world, aims=[aim])
    assert power == 1.0
    assert weight.sum() == pytest.approx(1)
    spread = np.log(world.level)
    mean = float(np.sum(weight * spread))
    sd = float(np.sqrt(np.sum(weight * (spread - mean) ** 2)))
    assert mean == pytest.approx(np.log(4.5e5), abs=0.05)
    assert 0.30 < sd < 0.45  # a Student error of scale 0.35 under a prior of 1


def test_a_class_is_fitted_to_the_noise_it_is_given() -> None:
    """Random walks of known step: the fitted class forecasts the next value with a band that covers nine in ten."""
    rng, made = np.random.default_rng(8), []
    base = Trend("test", "log", 0.0, 0.05, 0.05, 0.005, 0.02, 0.8)
    for i in range(12):
        walk = np.cumsum(0.3 * rng.standard_normal(9))
        for end in range(2, 9):
            points = tuple(PastPoint(float(t), float(walk[t])) for t in range(end))
            made.append(
                ForecastItem(f"s{i}", "test", str(end), date(2024, 1, 1), points, float(end), float(walk[end]), 0)
            )
    trend = fitted_class([m for m in made if m.series < "s6"], base=base)
    judged = [m for m in made if m.series >= "s6"]
    inside = []
    for m in judged:
        there = forecast(m.known, trend=trend, time=m.time)
        inside.append(abs(m.value - there.mean) <= 2.353 * there.sd)
    assert 0.8 <= np.mean(inside) <= 1.0
    assert trend.level_noise > 1.5 * base.level_noise


def test_no_series_that_decisions_open_is_in_the_fit_of_a_class() -> None:
    found = {i.series for i in items(load_series(), families=continuation_classes(prior=True), observables=observables())}
    assert "epoch_nvidia_china_legal_units_H20" not in found
    assert "epoch_global_h100e_cum_Nvidia" in found


def test_the_command_reports_and_writes(tmp_path: Path, run: Callable[..., Any]) -> None:
    out = tmp_path / "calibration.toml"
    answer = run("market", "calibrate", "--draws", "500", "--json", "--out", str(out))
    told = json.loads(answer.out)
    assert told["parameters"]["yield_2024"]["prior"] == [0.15, 0.35]
    assert tomllib.loads(out.read_text(encoding="utf-8"))["meta"]["draws"] == 500
