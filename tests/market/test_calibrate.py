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

from chipwall.catalog.series import load
from chipwall.market.forecast.calibrate import Calibration, calibration, calibration_toml, targets, weights
from chipwall.market.forecast.observables import trends
from chipwall.market.forecast.rolling import CUT, fitted_scales
from chipwall.market.model.priors import load_priors


@pytest.fixture(scope="module")
def done() -> Calibration:
    return calibration(draws=1500, seed=3)


def test_nothing_dated_after_mid_2025_is_fitted() -> None:
    assert date(2025, 6, 30) == CUT
    for target in targets():
        assert target.period.end is not None
        assert target.period.end <= CUT


def test_no_target_counts_every_card() -> None:
    book = load()
    assert all(book.series[name].scope != "all accelerators" for target in targets() for name in target.series)


def test_targets_come_from_the_catalogue() -> None:
    by_name = {t.name: t for t in targets()}
    assert by_name["Ascend, all of 2024"].value == 450_000
    assert by_name["Smuggled, to mid-2025"].value == 325_198


def test_the_fit_moves_the_model_towards_the_data(done: Calibration) -> None:
    for fit in done.fits:
        before, after = (abs(np.log(max(x[1], 1e-9) / fit.target.value)) for x in (fit.prior, fit.fitted))
        assert after < before + 0.1, fit.target.name


def test_lock_in_terms_stay_priors(done: Calibration) -> None:
    ratio = {p.name: p.sd_ratio for p in done.parameters}
    for name in ("own_share_feedback", "policy_pressure", "learning_by_use", "ecosystem_weight"):
        assert ratio[name] > 0.85
    assert ratio["yield_2024"] < 0.95


def test_the_same_seed_gives_the_same_file(done: Calibration) -> None:
    assert calibration_toml(calibration(draws=1500, seed=3)) == calibration_toml(done)


def test_the_file_is_an_overlay_of_the_priors(done: Calibration) -> None:
    told = tomllib.loads(calibration_toml(done))
    names = set(load_priors(overlay=False).names)
    assert set(told) - {"meta", "correlation"} <= names
    assert set(told["meta"]["sd_ratio"]) == names
    assert told["meta"]["cut"] == CUT


def test_the_shipped_file_fits_the_shipped_priors() -> None:
    told = tomllib.loads((files("chipwall.market") / "data" / "calibration.toml").read_text(encoding="utf-8"))
    assert set(told["meta"]["sd_ratio"]) == set(load_priors(overlay=False).names)
    assert set(told["meta"]["continuation"]) <= set(trends())
    check = told["meta"]["rolling_origin"]
    assert 0.7 <= check["coverage_90"] <= 1
    assert check["share_better_than_last_value"] > 0.5


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
    aim = next(t for t in targets() if t.name == "Ascend, all of 2024")
    weight, power = weights(world, aims=[aim])
    assert power == 1.0
    assert weight.sum() == pytest.approx(1)
    spread = np.log(world.level)
    mean = float(np.sum(weight * spread))
    sd = float(np.sqrt(np.sum(weight * (spread - mean) ** 2)))
    assert mean == pytest.approx(np.log(4.5e5), abs=0.05)
    assert 0.30 < sd < 0.45  # a Student error of scale 0.35 under a prior of 1


def test_scales_find_the_noise_they_are_given() -> None:
    scales = fitted_scales(load(), trends=trends(), cut=CUT)
    assert set(scales) <= set(trends())
    assert all(0.4 <= s <= 2.5 for s in scales.values())


def test_the_command_reports_and_writes(tmp_path: Path, run: Callable[..., Any]) -> None:
    out = tmp_path / "calibration.toml"
    answer = run("market", "calibrate", "--draws", "500", "--json", "--out", str(out))
    told = json.loads(answer.out)
    assert told["parameters"]["yield_2024"]["prior"] == [0.15, 0.35]
    assert tomllib.loads(out.read_text(encoding="utf-8"))["meta"]["draws"] == 500
