import numpy as np
import pytest

from chipwall.market.model.load import load_priors, load_products, load_record, load_supply
from chipwall.market.model.quarters import quarter_index
from chipwall.market.model.supply import (
    BASELINE_TOOLS,
    ChineseSupply,
    SupplyLevers,
    die_yield,
    generation_mix,
    growth_path,
    wright_loss,
)

QUARTERS = 40


BASE = {
    "tools": BASELINE_TOOLS,
    "hbm": 1.0,
    "servicing": 1.0,
    "wafer_output": 1.0,
    "yield_output": 1.0,
    "cxmt_output": 1.0,
}


def made(
    draws: int = 200, sold: float = 0.5, levers: dict[str, float] | None = None, **fixed: float
) -> tuple[ChineseSupply, list]:
    priors = load_priors(overlay=False)
    z = np.random.default_rng(0).standard_normal((draws, len(priors.names)))
    parameters = priors.sample(z) | {k: np.full(draws, v) for k, v in fixed.items()}
    after = np.arange(QUARTERS) > quarter_index("2025Q4")
    told = {k: np.where(after, (levers or {}).get(k, v), v) for k, v in BASE.items()}
    supply = ChineseSupply(
        tuple(p for p in load_products() if not p.us), parameters, levers=SupplyLevers(**told),
        shocks=np.zeros((QUARTERS, draws)), counts=load_record().counts, level=np.zeros(draws), shapes=load_supply(),
    )  # fmt: skip
    return supply, [supply.quarter(t, sold_share=np.full(draws, sold), pull=np.zeros(draws)) for t in range(QUARTERS)]


def test_loss_halves_when_wafers_grow_by_the_law() -> None:
    found = wright_loss(np.array([1.0, 8.0]), at=np.array(1.0), loss=np.array(0.8), exponent=np.array(1 / 3))
    assert found.tolist() == pytest.approx([0.8, 0.4])


def test_yield_has_its_stated_value_and_rises() -> None:
    wafers = np.full((20, 1), 100.0)
    found = die_yield(wafers, at=10, start=np.array([0.2]), exponent=np.array([0.3]))[:, 0]
    assert found[10] == pytest.approx(0.2)
    assert (np.diff(found) >= 0).all()


def test_growth_path_has_its_level_in_its_year() -> None:
    years = np.array([2024.5, 2025.5, 2026.5])
    found = growth_path(np.array([100.0]), growth=np.array([2.0]), year=2025.5, years=years)[:, 0]
    assert found.tolist() == pytest.approx([50.0, 100.0, 200.0])
    braked = growth_path(np.array([100.0]), growth=np.array([2.0]), year=2025.5, years=years, brake=np.full(3, 0.5))[
        :, 0
    ]
    assert braked.tolist() == pytest.approx([50.0, 100.0, 100 * np.sqrt(2)])


def test_generations_add_up() -> None:
    huawei = tuple(p for p in load_products() if p.maker == "huawei")
    mix = generation_mix(huawei, QUARTERS, load_supply()["generations"])
    assert np.allclose(mix.sum(axis=1), 1.0)
    assert mix[quarter_index("2031Q4"), 0] == 0.0


def test_packages_never_need_more_memory_than_arrived() -> None:
    supply, quarters = made()
    at = quarter_index("2026Q1")
    used = sum(q.packages[:4].T @ np.array([p.stacks for p in supply.huawei]) for q in quarters[at:])
    arrived = supply._stack_inflow[at:].sum(axis=0)
    assert np.allclose(used + quarters[-1].hbm_stock, arrived + quarters[at - 1].hbm_stock, rtol=1e-9)


def test_packages_never_need_more_dies_than_were_made_or_banked() -> None:
    supply, quarters = made(reinvestment=0.0)
    # counts may ask for more than the model made: from the last of them on the balance is the model's own
    later = quarters[quarter_index("2026Q1") :]
    bank = supply._p["foreign_die_bank"]
    assert (sum(q.dies for q in later) <= sum(q.own_dies for q in later) + bank + 1).all()


def test_supply_is_the_least_of_its_limits() -> None:
    supply, quarters = made(reinvestment=0.0)
    for t, q in enumerate(quarters):
        if t > quarter_index("2025Q4"):
            assert (q.packages[:4].sum(axis=0) <= supply._plan[t] * supply._anchor + 1e-6).all()


@pytest.mark.parametrize(
    ("lever", "less", "more"),
    [
        ("tools", 1.0, 0.5), ("tools", 0.5, 0.0), ("hbm", 2.0, 1.0), ("hbm", 1.0, 0.0), ("servicing", 0.0, 1.0),
        ("wafer_output", 0.5, 1.0), ("yield_output", 0.5, 1.0), ("cxmt_output", 0.5, 1.0), ("cxmt_output", 1.0, 2.0),
    ],
)  # fmt: skip
def test_each_lever_moves_supply_one_way(lever: str, less: float, more: float) -> None:
    # in compute: more memory now may go into a part with eight stacks instead of a later one with four
    weight = np.array([p.record_weight for p in load_products() if not p.us])
    low, high = (sum(weight @ q.packages for q in made(levers={lever: v})[1]) for v in (less, more))
    assert (low <= high * (1 + 1e-9)).mean() >= 0.95
    assert (low <= high * 1.02).all()
    assert low.mean() < high.mean()


def test_controls_of_today_are_not_counted_twice() -> None:
    """The growth of wafers in the priors is that under today's controls: the lever at its baseline leaves it alone."""
    supply, _ = made(wafer_growth=1.5, advanced_wafers_2025=30_000.0)
    at, later = quarter_index("2026Q1"), quarter_index("2027Q1")
    assert supply.wafers[later] == pytest.approx(supply.wafers[at] * 1.5)


def test_selling_more_builds_more() -> None:
    low, high = (sum(q.packages.sum(axis=0).mean() for q in made(sold=s)[1]) for s in (0.1, 0.9))
    assert high > low


def test_counted_cards_are_used_as_they_were_counted() -> None:
    _, quarters = made()
    assert (quarters[quarter_index("2025Q2")].packages[4] == 29953).all()
    assert (quarters[quarter_index("2025Q4")].packages[:4].sum(axis=0) == 200_000).all()
