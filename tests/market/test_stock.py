import numpy as np
import pytest

from chipwall.market.model.stock import SPREAD, Cohorts


def slow_stock(additions: np.ndarray, life: int) -> np.ndarray:
    """Cohort by cohort: each leaves in equal parts over the quarters around its life."""
    stock = np.zeros(len(additions))
    for bought, amount in enumerate(additions):
        for t in range(bought, len(additions)):
            gone = np.clip((t - bought - (life - SPREAD) + 1) / (2 * SPREAD + 1), 0, 1)
            stock[t] += amount * (1 - gone)
    return stock


@pytest.mark.parametrize("life", [5, 12, 20, 24])
def test_equals_a_stock_kept_cohort_by_cohort(life: int) -> None:
    additions = np.random.default_rng(life).uniform(0, 100, 40)
    cohorts = Cohorts(40, np.zeros((1, 1)), np.array([float(life)]))
    stock = [cohorts.add(np.array([[a]]))[0, 0] for a in additions]
    assert np.allclose(stock, slow_stock(additions, life))


def test_one_cohort_stays_whole_and_then_leaves_evenly() -> None:
    cohorts = Cohorts(40, np.zeros((1, 1)), np.array([20.0]))
    stock = [cohorts.add(np.array([[9.0 if t == 0 else 0.0]]))[0, 0] for t in range(40)]
    assert stock[: 20 - SPREAD] == [9.0] * (20 - SPREAD)
    assert np.allclose(np.diff(stock[15:25]), -1.0)
    assert np.allclose(stock[24:], 0.0)


def test_what_was_there_before_retires_too() -> None:
    cohorts = Cohorts(30, np.array([[50.0]]), np.array([12.0]))
    stock = [cohorts.add(np.zeros((1, 1)))[0, 0] for _ in range(30)]
    assert stock[0] == 50.0
    assert stock[-1] == pytest.approx(0.0)


def test_lives_differ_between_draws() -> None:
    cohorts = Cohorts(30, np.zeros((1, 2)), np.array([8.0, 20.0]))
    for t in range(14):
        stock = cohorts.add(np.array([[1.0 if t == 0 else 0.0] * 2]))
    assert stock[0, 0] == 0.0
    assert stock[0, 1] == 1.0
