import numpy as np
import pytest

from chipwall.market.model.demand import (
    MOST_PREMIUM,
    base_budget,
    buyer_price,
    counted_purchases,
    nested_shares,
    premium,
    purchases,
    service_cost,
)

NESTS = (slice(0, 2), slice(2, 3), slice(3, 5))


def weights(seed: int = 0, draws: int = 50) -> np.ndarray:
    return np.exp(np.random.default_rng(seed).normal(0, 2, (4, 5, draws)))


def test_shares_equal_the_nested_logit_written_out() -> None:
    w, similarity = weights(), np.full(50, 0.6)
    values = [w[:, n].sum(axis=1) for n in NESTS]
    total = sum(v**0.6 for v in values)
    expected = np.concatenate(
        [w[:, n] / v[:, None] * (v**0.6 / total)[:, None] for n, v in zip(NESTS, values, strict=True)], axis=1
    )
    # the power is taken in single precision
    assert np.allclose(nested_shares(w, nests=NESTS, similarity=similarity), expected, rtol=1e-5)


def test_shares_add_up_to_one() -> None:
    found = nested_shares(weights(), nests=NESTS, similarity=np.full(50, 0.4))
    assert np.allclose(found.sum(axis=1), 1.0, rtol=1e-12)


def test_similarity_of_one_is_plain_logit() -> None:
    w = weights()
    found = nested_shares(w, nests=NESTS, similarity=np.ones(50))
    assert np.allclose(found, w / w.sum(axis=1, keepdims=True), rtol=1e-6)


def test_a_product_that_cannot_be_had_gives_its_share_to_its_nest_first() -> None:
    w = np.ones((1, 5, 1))
    before = nested_shares(w, nests=NESTS, similarity=np.array([0.3]))[0, :, 0]
    w[0, 0] = 0.0
    after = nested_shares(w, nests=NESTS, similarity=np.array([0.3]))[0, :, 0]
    gain = after - before
    assert gain[1] > gain[2] > 0
    assert after[0] == 0.0


def test_nothing_on_offer_gives_no_shares() -> None:
    found = nested_shares(np.zeros((2, 5, 3)), nests=NESTS, similarity=np.full(3, 0.5))
    assert (found == 0).all()


def test_plenty_leaves_nothing_over_and_follows_choice() -> None:
    w, budget = weights(), np.full((4, 50), 100.0)
    bought = purchases(w, money=budget, offered=np.full((5, 50), 1e9), nests=NESTS, similarity=np.full(50, 0.6))
    shares = nested_shares(w, nests=NESTS, similarity=np.full(50, 0.6))
    assert np.allclose(bought.spent, shares * 100)
    assert np.allclose(bought.left, 0, atol=1e-9)


def test_one_product_without_feedback_is_the_smaller_of_money_and_supply() -> None:
    offered = np.array([[30.0, 400.0]])
    bought = purchases(
        np.ones((4, 1, 2)), money=np.full((4, 2), 25.0), offered=offered, nests=(slice(0, 1),), similarity=np.ones(2)
    )
    assert bought.spent.sum(axis=(0, 1)).tolist() == pytest.approx([30.0, 100.0])
    assert bought.left.sum(axis=0).tolist() == pytest.approx([70.0, 0.0], abs=1e-9)
    # rationed in proportion to what each wanted
    assert np.allclose(bought.spent[:, 0, 0], 7.5)


def test_buyers_choose_again_when_their_first_choice_runs_out() -> None:
    w = np.ones((1, 5, 1))
    w[0, 0] = 1e6
    offered = np.array([[10.0], [0.0], [100.0], [100.0], [100.0]])
    bought = purchases(w, money=np.array([[50.0]]), offered=offered, nests=NESTS, similarity=np.array([0.5]))
    assert bought.spent[0, 0, 0] == pytest.approx(10.0)
    assert bought.left.sum() == pytest.approx(0.0, abs=1e-9)


def test_money_is_conserved_with_additional_money() -> None:
    w, budget = weights(3), np.full((4, 50), 100.0)
    offered = np.random.default_rng(1).uniform(0, 120, (5, 50))
    bought = purchases(
        w,
        money=budget,
        offered=offered,
        nests=NESTS,
        similarity=np.full(50, 0.6),
        extra=(slice(0, 3), np.full(50, 0.4)),
    )
    assert np.allclose(budget + bought.additional, bought.spent.sum(axis=1) + bought.left, rtol=1e-9)
    assert np.allclose(bought.additional, 0.4 * bought.spent[:, 0:3].sum(axis=1))


def bought_under(quota: float, offered: np.ndarray, seed: int = 4) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Foreign and Chinese purchases and money left, by segment and draw."""
    w, budget = weights(seed), np.full((4, 50), 100.0)
    found = purchases(
        w, money=budget, offered=offered, nests=NESTS, similarity=np.full(50, 0.6),
        foreign=slice(0, 3), quota=np.full((4, 1), quota),
    )  # fmt: skip
    assert np.allclose(found.spent.sum(axis=1) + found.left, budget, rtol=1e-9)
    return found.spent[:, :3].sum(axis=1), found.spent[:, 3:].sum(axis=1), found.left


@pytest.mark.parametrize("quota", [0.1, 0.5, 0.9, 1.0])
def test_quota_is_a_share_of_what_is_bought(quota: float) -> None:
    """Its definition: with quota q and enough supply no segment of any draw ends below q, and all money is spent."""
    abroad, home, left = bought_under(quota, np.full((5, 50), 1e6))
    assert (home >= quota * (home + abroad) * (1 - 1e-9)).all()
    assert np.allclose(left, 0, atol=1e-6)


@pytest.mark.parametrize("quota", [0.3, 0.5, 0.8])
def test_quota_binds_when_chinese_chips_run_out(quota: float) -> None:
    offered = np.vstack([np.full((3, 50), 1e6), np.full((2, 50), 20.0)])
    abroad, home, left = bought_under(quota, offered)
    assert (home >= quota * (home + abroad) * (1 - 1e-9)).all()
    assert home.sum(axis=0) == pytest.approx(np.full(50, 40.0))
    assert left.min() > 0


def test_a_looser_quota_never_sells_fewer_foreign_chips() -> None:
    offered = np.random.default_rng(2).uniform(20, 200, (5, 50))
    sold = [bought_under(q, offered)[0].sum(axis=0) for q in (0.2, 0.5, 0.9)]
    assert (sold[0] >= sold[1] - 1e-6).all()
    assert (sold[1] >= sold[2] - 1e-6).all()


def test_counted_deliveries_are_all_bought() -> None:
    w = weights(6)
    sold = np.random.default_rng(3).uniform(0, 300, (5, 50))
    sold[2] = 0.0
    found = counted_purchases(w, money=np.full((4, 50), 60.0), sold=sold, nests=NESTS, similarity=np.full(50, 0.6))
    assert np.allclose(found.spent.sum(axis=0), sold)
    assert np.allclose(found.spent.sum(axis=1) + found.left, 60.0)


def test_prices_rise_where_chips_sell_out_and_only_there() -> None:
    asked, offered = np.array([[300.0], [100.0], [300.0]]), np.array([[100.0], [100.0], [100.0]])
    now, free = np.ones((3, 1)), np.array([[1.0], [1.0], [0.0]])
    for _ in range(30):
        now = premium(now, asked=asked, offered=offered, flexibility=np.array([0.2]), free=free)
    assert now[:, 0].tolist() == pytest.approx([3**0.2, 1.0, 1.0], abs=1e-4)
    high = premium(
        np.ones((1, 1)),
        asked=np.array([[1e9]]),
        offered=np.array([[1.0]]),
        flexibility=np.array([2.0]),
        free=np.ones((1, 1)),
    )
    assert high.max() <= MOST_PREMIUM


def test_two_products_two_quarters_by_hand() -> None:
    """One buyer, logit with equal weights over two products in two nests; order_cancel one half; nothing goes abroad.

    Quarter 1: money 100 asks 50 of each; A has 20, B has 60. First round 20 + 50; 30 left choose again, B has 10 left: 20 + 60
    bought, 20 unmet. Half is cancelled: 10 wait. Quarter 2: money 100 + 10 asks 55 of each; A has 80, B has 40: 55 + 40, 15 left
    choose A: 70 + 40 bought, nothing unmet.
    """
    nests, one = (slice(0, 1), slice(1, 2)), np.ones((1, 2, 1))

    def buy(money: float, a: float, b: float):
        return purchases(
            one, money=np.array([[money]]), offered=np.array([[a], [b]]), nests=nests, similarity=np.ones(1)
        )

    first = buy(100.0, 20.0, 60.0)
    assert first.spent[0, :, 0].tolist() == pytest.approx([20.0, 60.0])
    assert first.asked[:, 0].tolist() == pytest.approx([50.0, 50.0])
    waiting = float(first.left[0, 0]) * 0.5
    assert waiting == pytest.approx(10.0)
    second = buy(100.0 + waiting, 80.0, 40.0)
    assert second.spent[0, :, 0].tolist() == pytest.approx([70.0, 40.0])
    assert second.left[0, 0] == pytest.approx(0.0, abs=1e-9)


def test_who_pays_the_share() -> None:
    price, share = np.array(100.0), np.array(0.25)
    bearing = buyer_price(price, share=share, pass_through=np.array(0.0))
    passing = buyer_price(price, share=share, pass_through=np.array(1.0))
    assert bearing == 100.0
    assert passing * (1 - 0.25) == pytest.approx(100.0)


def test_cost_of_a_quarter() -> None:
    # 20,000 USD with half as much again around it over five years, 700 W at 0.08 USD/kWh and a PUE of 1.25
    cost = service_cost(
        np.array(20_000.0), power=np.array(700.0), overhead=np.array(1.5), life=np.array(20.0), energy=np.array(0.08)
    )
    assert cost == pytest.approx(1500 + 0.7 * 1.25 * 2190 * 0.08)


def test_budgets_pass_through_their_mid_year_levels() -> None:
    parameters = {f"budget_{y}": np.array([v]) for y, v in zip(range(2022, 2026), (1.0, 2.0, 5.0, 8.0), strict=True)}
    parameters |= {
        "budget_growth": np.array([1.3]),
        "budget_growth_fade": np.array([0.2]),
        "budget_volatility": np.array([0.0]),
    }
    path = base_budget(parameters, quarters=40, shocks=np.zeros((40, 1)))[:, 0]
    # the middle of a year lies between its second and third quarter
    # the path bends there, so the mean of the two is only near the level
    assert np.sqrt(path[5] * path[6]) == pytest.approx(2.0, rel=0.03)
    assert np.sqrt(path[9] * path[10]) == pytest.approx(5.0, rel=0.03)
    growth = (path[18:] / path[14:-4])[::4]
    assert 1.0 < growth[-1] < growth[0] < 1.3
