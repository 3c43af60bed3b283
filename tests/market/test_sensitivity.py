import numpy as np
import pytest

from chipwall.errors import InputError
from chipwall.market.study.sensitivity import LEVER_RANGES, DrawOutcome, indices, sensitivity


def test_binned_indices_of_a_linear_sum() -> None:
    points = np.random.default_rng(0).random((20_000, 3))
    found = indices(("a", "b", "c"), points, 3 * points[:, 0] + points[:, 1])
    assert found["a"] == pytest.approx(0.9, abs=0.02)
    assert found["b"] == pytest.approx(0.1, abs=0.02)
    assert found["c"] == pytest.approx(0.0, abs=0.01)


def test_the_share_decides_the_take_and_nothing_else_does() -> None:
    rows = sensitivity(
        "h200-share-cap", outcome=DrawOutcome("us_take", "2028Q4", "2027Q1"), base=64,
        parameters=("pass_through", "cann_maturity_2022"), levers=("share",),
    )  # fmt: skip
    assert rows[0].name == "share"
    assert rows[0].kind == "lever"
    assert rows[0].total > 0.8
    assert rows[0].total > 10 * rows[-1].total


def test_additive_indices_add_up_to_about_one() -> None:
    rows = sensitivity(
        "record",
        outcome=DrawOutcome("wafers_advanced", "2026Q3"),
        base=64,
        parameters=("wafer_growth", "advanced_wafers_2025"),
    )
    assert sum(r.first for r in rows) == pytest.approx(1.0, abs=0.25)


def test_same_study_same_numbers() -> None:
    def study():
        return sensitivity(
            "record", outcome=DrawOutcome("budget", "2026Q4"), base=16, parameters=("budget_2025", "budget_growth")
        )

    assert study() == study()


def test_what_never_changes_is_refused() -> None:
    with pytest.raises(InputError, match="same in every draw"):
        sensitivity(
            "no-sales", outcome=DrawOutcome("us_take", "2027Q4"), base=4, parameters=("pass_through", "budget_2025")
        )


def test_names_are_checked() -> None:
    with pytest.raises(InputError, match="unknown parameter"):
        sensitivity("record", outcome=DrawOutcome("budget", "2025Q4"), parameters=("nothing",))
    with pytest.raises(InputError, match="can be varied"):
        sensitivity("record", outcome=DrawOutcome("budget", "2025Q4"), levers=("stop",))


def test_ranges_are_ranges() -> None:
    assert all(low < high for low, high in LEVER_RANGES.values())


def test_exploring_finds_the_condition_that_was_put_in() -> None:
    pytest.importorskip("ema_workbench")
    from chipwall.market.study.explore import _box, box_sides

    rng = np.random.default_rng(0)
    parameters = {"carry_over": rng.random(2000), "rent_slope": rng.random(2000), "pass_through": rng.random(2000)}
    found, density, coverage, _ = _box(parameters, (parameters["carry_over"] > 0.7) & (rng.random(2000) < 0.95))
    rows = box_sides(found, parameters, units={})
    assert rows[0].parameter == "carry_over"
    assert rows[0].low == pytest.approx(0.7, abs=0.05)
    assert density > 0.8
    assert coverage > 0.8
