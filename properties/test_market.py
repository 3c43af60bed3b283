"""Laws that hold for any scenario, any draw and any size of the market."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from chipwall.market.model.demand import nested_shares, purchases
from chipwall.market.model.draws import block_draws
from chipwall.market.model.load import load_priors
from chipwall.market.model.stock import Cohorts
from chipwall.market.model.timeline import Lever
from chipwall.market.policy.load import load_scenario, shipped_scenarios
from chipwall.market.simulate import simulate
from chipwall.market.study.dependence import stable_shares, tipping_width

amounts = st.floats(0, 1e6, allow_nan=False)
levers = st.lists(
    st.one_of(
        st.builds(Lever, st.just("share"), st.integers(14, 24), value=st.floats(0, 0.9)),
        st.builds(
            Lever,
            st.just("washington"),
            st.integers(14, 24),
            value=st.sampled_from(["ban", "trickle", "managed", "open", "chain"]),
        ),
        st.builds(
            Lever,
            st.just("beijing"),
            st.integers(14, 24),
            value=st.sampled_from(["ban", "trickle", "managed", "open", "chain"]),
        ),
        st.builds(Lever, st.just("unit_cap"), st.integers(14, 24), value=st.floats(0, 1e6)),
        st.builds(Lever, st.just("domestic_quota"), st.integers(14, 24), value=st.floats(0, 1)),
        st.builds(Lever, st.just("tool_control"), st.integers(14, 24), value=st.floats(0, 1)),
        st.builds(Lever, st.just("enforcement"), st.integers(14, 24), value=st.floats(0, 1)),
        st.builds(Lever, st.just("leasing"), st.integers(14, 24), value=st.floats(0, 1)),
        st.builds(Lever, st.just("stop"), st.integers(14, 24)),
    ),
    max_size=4,
)


@settings(max_examples=25, deadline=None)
@given(name=st.sampled_from(shipped_scenarios()), more=levers, seed=st.integers(0, 2**31))
def test_books_balance_under_any_levers(name: str, more: list[Lever], seed: int) -> None:
    paths = simulate(load_scenario(name).with_levers(*more), draws=8, until="2028Q2", seed=seed)
    q = paths.quantity
    waiting = np.concatenate([np.zeros((8, 1)), q("backlog")[:, :-1]], axis=1)
    assert np.allclose(waiting + q("budget") + q("additional"), q("spending_total") + q("unmet"), rtol=1e-9, atol=1.0)
    assert np.allclose(q("unmet"), q("moved_abroad") + q("cancelled") + q("backlog"), rtol=1e-9, atol=1.0)
    assert np.allclose(q("spending_us"), q("seller_net_us") + q("us_take"), rtol=1e-9, atol=1e-3)
    for value in paths.values.values():
        assert np.isfinite(value).all()
    for share in (n for n in paths.names() if "_share_" in n or n == "fill_rate"):
        assert q(share).min() >= -1e-9
        assert q(share).max() <= 1 + 1e-9
    assert min(q(f"delivered_{g}").min() for g in ("us", "grey", "domestic")) >= 0
    for basis in ("training", "bandwidth", "rent"):
        assert (q(f"h100e_{basis}_us") <= q(f"h100e_{basis}_total") * (1 + 1e-9) + 1e-6).all()


@settings(max_examples=60, deadline=None)
@given(additions=st.lists(amounts, min_size=1, max_size=40), life=st.integers(5, 30))
def test_stock_is_additions_less_retirements(additions: list[float], life: int) -> None:
    cohorts = Cohorts(len(additions), np.zeros((1, 1)), np.array([float(life)]))
    bought = 0.0
    for amount in additions:
        stock = cohorts.add(np.array([[amount]]))[0, 0]
        bought += amount
        retired = cohorts.retired()[0, 0]
        assert stock == np.float64(cohorts.added[0, 0] - retired)
        assert -1e-6 * max(bought, 1) <= stock <= bought * (1 + 1e-9) + 1e-9
    assert np.isclose(cohorts.added[0, 0], bought)


@settings(max_examples=60, deadline=None)
@given(
    utilities=st.lists(st.floats(-20, 20), min_size=6, max_size=6), similarity=st.floats(0.2, 1.0),
    budget=st.floats(0, 1e10), offered=st.lists(st.floats(0, 1e10), min_size=6, max_size=6), extra=st.floats(0, 0.9),
)  # fmt: skip
def test_nobody_spends_more_than_there_is(
    utilities: list[float], similarity: float, budget: float, offered: list[float], extra: float
) -> None:
    weights = np.exp(np.array(utilities).reshape(1, 6, 1) / similarity)
    stock, nests = np.array(offered).reshape(6, 1), (slice(0, 3), slice(3, 4), slice(4, 6))
    bought = purchases(
        weights, money=np.array([[budget]]), offered=stock, nests=nests, similarity=np.array([similarity]),
        extra=(slice(0, 3), np.array([extra])),
    )  # fmt: skip
    assert (bought.spent[0] <= stock * (1 + 1e-9) + 1e-6).all()
    assert np.isclose(budget + bought.additional.sum(), bought.spent.sum() + bought.left.sum(), rtol=1e-9, atol=1e-3)


@settings(max_examples=60, deadline=None)
@given(
    utilities=st.lists(st.floats(-30, 30), min_size=5, max_size=5),
    similarity=st.floats(0.2, 1.0),
    shift=st.floats(-20, 20),
)
def test_shares_do_not_change_when_all_utilities_move_together(
    utilities: list[float], similarity: float, shift: float
) -> None:
    nests = (slice(0, 2), slice(2, 5))

    def shares(by: float) -> np.ndarray:
        return nested_shares(
            np.exp((np.array(utilities) + by).reshape(1, 5, 1) / similarity),
            nests=nests,
            similarity=np.array([similarity]),
        )

    assert np.allclose(shares(0.0), shares(shift), atol=1e-5)
    assert np.isclose(shares(0.0).sum(), 1.0)


@settings(max_examples=100, deadline=None)
@given(advantage=st.floats(-4, 4), feedback=st.floats(0.1, 9))
def test_one_outcome_below_the_threshold_and_at_most_two_above(advantage: float, feedback: float) -> None:
    found = stable_shares(advantage, feedback=feedback)
    assert 1 <= len(found) <= 2
    if feedback <= 2:
        assert len(found) == 1
    if abs(abs(advantage) - float(tipping_width(np.array(feedback)))) > 1e-3 and feedback > 2.001:
        assert (len(found) == 2) == (abs(advantage) < tipping_width(np.array(feedback)))


@settings(max_examples=50, deadline=None)
@given(name=st.sampled_from(load_priors(overlay=False).names), z=st.floats(-5, 5), step=st.floats(0.01, 2))
def test_parameters_rise_with_their_normal_number(name: str, z: float, step: float) -> None:
    prior = load_priors(overlay=False).ranges[name]
    low, high = prior.at(np.array([z, z + step]))
    assert low <= high
    if prior.shape == "logitnormal":
        assert 0 < low <= high < 1


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**40), block=st.integers(0, 5000), size=st.integers(1, 1000), quarters=st.integers(1, 30))
def test_draws_are_prefixes_of_longer_ones(seed: int, block: int, size: int, quarters: int) -> None:
    few = block_draws(seed=seed, block=block, size=size, parameters=3, products=("a",), quarters=quarters)
    more = block_draws(seed=seed, block=block, size=1000, parameters=4, products=("b", "a"), quarters=31)
    assert np.array_equal(few.parameters, more.parameters[:size, :3])
    assert np.array_equal(few.prices[0], more.prices[1, :size])
    assert np.array_equal(few.shocks["supply"], more.shocks["supply"][:quarters, :size])
    assert np.array_equal(few.gates, more.gates[:quarters, :, :size])
