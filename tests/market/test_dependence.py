import numpy as np
import pytest

from chipwall.market.model.ecosystem import bass_adoption, maturity_step, software_efficiency
from chipwall.market.study.dependence import (
    IDENTIFIED,
    dependence,
    stable_shares,
    tipping_probability,
    tipping_width,
)


@pytest.mark.parametrize(("feedback", "outcomes"), [(0.5, 1), (1.99, 1), (2.05, 2), (3.0, 2), (6.0, 2)])
def test_symmetric_duopoly_tips_at_two(feedback: float, outcomes: int) -> None:
    assert len(stable_shares(0.0, feedback=feedback)) == outcomes


@pytest.mark.parametrize("feedback", [2.5, 3.0, 4.0, 8.0])
def test_width_is_where_the_second_outcome_disappears(feedback: float) -> None:
    width = float(tipping_width(np.array(feedback)))
    assert len(stable_shares(width * 0.99, feedback=feedback)) == 2
    assert len(stable_shares(width * 1.01, feedback=feedback)) == 1


@pytest.mark.parametrize("advantage", [-1.0, 0.0, 0.3])
def test_stable_shares_solve_the_map(advantage: float) -> None:
    for share in stable_shares(advantage, feedback=3.5):
        mapped = 1 / (1 + np.exp(-(advantage + 3.5 * (2 * share - 1))))
        assert mapped == pytest.approx(share, abs=1e-9)


def test_iterating_the_map_ends_at_a_stable_share() -> None:
    share = 0.7
    for _ in range(500):
        share = 1 / (1 + np.exp(-(0.1 + 3.0 * (2 * share - 1))))
    assert share == pytest.approx(max(stable_shares(0.1, feedback=3.0)), abs=1e-9)


def test_tipping_probability_counts_draws() -> None:
    found, error = tipping_probability(np.array([1.0, 3.0, 3.0, 3.0]), advantage=np.array([0.0, 0.0, 9.0, 0.1]))
    assert found == 0.5
    assert error == pytest.approx(0.25)


def test_maturity_follows_bass_when_use_is_maturity() -> None:
    innovation, imitation, step = 0.03, 0.4, 0.001
    maturity = np.array(0.0)
    for _ in range(int(10 / step)):
        maturity = maturity_step(
            maturity, by_use=np.array(imitation * step), active_share=maturity, by_spend=np.array(innovation * step)
        )
    assert maturity == pytest.approx(
        bass_adoption(np.array(10.0), innovation=innovation, imitation=imitation), rel=1e-3
    )


def test_maturity_grows_without_use_only_by_spending() -> None:
    still = maturity_step(np.array(0.4), by_use=np.array(0.1), active_share=np.array(0.0), by_spend=np.array(0.0))
    spent = maturity_step(np.array(0.4), by_use=np.array(0.1), active_share=np.array(0.0), by_spend=np.array(0.05))
    assert still == pytest.approx(0.4)
    assert spent == pytest.approx(0.43)


def test_software_gives_all_of_the_hardware_at_full_maturity() -> None:
    assert software_efficiency(np.array([0.0, 1.0]), floor=np.array(0.4)).tolist() == pytest.approx([0.4, 1.0])


def test_a_stop_costs_service_and_more_so_abroad() -> None:
    found = dependence("h200-share-cap", stop="2028Q1", draws=200)
    assert 0 < found.loss[4].mid < found.loss_with_offshore[4].mid < 1
    assert found.loss[4].low >= 0
    assert 0 <= found.tipping <= found.above_threshold <= 1
    assert found.quarter == "2027Q4"
    assert found.note == IDENTIFIED


def test_schools_differ_as_they_say() -> None:
    strength, containment = (dependence(s, stop="2028Q1", draws=200) for s in ("dependence-is-strength", "containment"))
    assert strength.loss[8].mid > containment.loss[8].mid
    assert strength.tipping > containment.tipping
