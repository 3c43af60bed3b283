import numpy as np
import pytest

from chipwall.market.model.gates import (
    CHAIN,
    beijing_cap,
    gate_closedness,
    legal_supply,
    regime_states,
    volume_room,
    washington_cap,
)


def chain(quarters: int, draws: int, start: int, persistence: float = 0.8, opening: float = 0.5) -> np.ndarray:
    fixed = np.full(quarters, CHAIN)
    fixed[0] = start
    uniform = np.random.default_rng(0).random((quarters, draws))
    return regime_states(
        fixed, persistence=np.full(draws, persistence), opening=np.full(draws, opening), uniform=uniform
    )


def test_fixed_states_are_kept() -> None:
    fixed = np.array([3, 0, 2])
    found = regime_states(
        fixed, persistence=np.full(5, 0.5), opening=np.full(5, 0.5), uniform=np.random.default_rng(0).random((3, 5))
    )
    assert (found == fixed[:, None]).all()


def test_chain_moves_one_step_at_a_time_and_stays_on_the_scale() -> None:
    found = chain(60, 500, start=1)
    assert found.min() == 0
    assert found.max() == 3
    assert abs(np.diff(found, axis=0)).max() == 1


def test_chain_stays_as_often_as_it_should() -> None:
    found = chain(200, 2000, start=1)
    inside = (found[:-1] == 1) | (found[:-1] == 2)
    stayed = (found[1:] == found[:-1])[inside].mean()
    assert stayed == pytest.approx(0.8, abs=0.005)


def test_symmetric_chain_spends_equal_time_in_every_state() -> None:
    found = chain(400, 2000, start=1)[200:]
    shares = [(found == s).mean() for s in range(4)]
    assert shares == pytest.approx([0.25] * 4, abs=0.01)


def test_opening_governments_end_open() -> None:
    assert chain(200, 500, start=0, opening=0.9)[-1].mean() > chain(200, 500, start=0, opening=0.1)[-1].mean() + 1.5


def test_states_are_units() -> None:
    state = np.array([0, 1, 2, 3])
    found = washington_cap(state, trickle=np.full(4, 5.0), pace=np.full(4, 90.0))
    assert found.tolist() == [0.0, 5.0, 90.0, np.inf]
    assert beijing_cap(state, trickle=np.full(4, 5.0), managed=np.full(4, 90.0)).tolist() == found.tolist()


def test_delivery_needs_both_gates() -> None:
    def supply(washington: float, beijing: float) -> float:
        return float(legal_supply(
            permitted=np.ones((2, 1)), allocation=np.full((2, 1), 100.0), washington=np.array([washington]),
            volume_room=np.full((2, 1), np.inf), unit_cap=np.full((2, 1), np.inf), beijing=np.array([beijing]),
            worth=np.array([1.0, 2.0]),
        ).sum())  # fmt: skip

    assert supply(np.inf, np.inf) == 200
    assert supply(0.0, np.inf) == 0
    assert supply(np.inf, 0.0) == 0
    assert supply(60.0, np.inf) == 120
    assert supply(60.0, 90.0) == 90


def test_least_of_all_limits_binds_per_product() -> None:
    found = legal_supply(
        permitted=np.array([[1.0], [1.0], [0.0]]), allocation=np.array([[100.0], [40.0], [9.0]]),
        washington=np.array([80.0]), volume_room=np.array([[30.0], [np.inf], [np.inf]]),
        unit_cap=np.array([[np.inf], [35.0], [np.inf]]), beijing=np.array([np.inf]), worth=np.ones(3),
    )  # fmt: skip
    assert found[:, 0].tolist() == [30.0, 35.0, 0.0]


def test_a_permit_for_a_number_of_chips_goes_to_the_best() -> None:
    found = legal_supply(
        permitted=np.ones((2, 1)), allocation=np.full((2, 1), 100.0), washington=np.array([np.inf]),
        volume_room=np.full((2, 1), np.inf), unit_cap=np.full((2, 1), np.inf), beijing=np.array([130.0]),
        worth=np.array([0.4, 1.0]),
    )  # fmt: skip
    assert found[:, 0].tolist() == [30.0, 100.0]


def test_closedness_is_that_of_the_tighter_gate() -> None:
    assert gate_closedness(np.array([3, 0, 2]), np.array([3, 3, 1])).tolist() == pytest.approx([0.0, 1.0, 2 / 3])


def test_cap_leaves_half_of_us_shipments_less_what_was_sold() -> None:
    limit, home, sold = (
        np.array([[0.5], [0.5], [np.inf]]),
        np.array([[100.0], [10.0], [0.0]]),
        np.array([[20.0], [9.0], [7.0]]),
    )
    assert volume_room(limit, home=home, sold=sold)[:, 0].tolist() == [30.0, 0.0, np.inf]
