import numpy as np
import pytest

from chipwall.market.model.priors import load_priors
from chipwall.market.model.products import load_products, load_record
from chipwall.market.model.quarters import quarter_index
from chipwall.market.model.supply import ChineseSupply, die_yield, generation_mix, growth_path, wright_loss

QUARTERS = 40


def made(
    tools: float = 0.0, hbm: float = 1.0, draws: int = 200, sold: float = 0.5, **fixed: float
) -> tuple[ChineseSupply, list]:
    priors = load_priors(overlay=False)
    z = np.random.default_rng(0).standard_normal((draws, len(priors.names)))
    parameters = priors.sample(z) | {k: np.full(draws, v) for k, v in fixed.items()}
    supply = ChineseSupply(
        tuple(p for p in load_products() if not p.us), parameters, tools=np.full(QUARTERS, tools), hbm=np.full(QUARTERS, hbm),
        shocks=np.zeros((QUARTERS, draws)), record=load_record(),
    )  # fmt: skip
    return supply, [supply.quarter(t, sold_share=np.full(draws, sold)) for t in range(QUARTERS)]


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
    mix = generation_mix(huawei, QUARTERS)
    assert np.allclose(mix.sum(axis=1), 1.0)
    assert mix[quarter_index("2031Q4"), 0] == 0.0


def test_packages_never_need_more_memory_than_arrived() -> None:
    supply, quarters = made()
    used = sum(q.packages[:4].T @ np.array([p.stacks for p in supply.huawei]) for q in quarters)
    arrived = supply._stack_inflow.sum(axis=0)
    assert np.allclose(used + quarters[-1].hbm_stock, arrived, rtol=1e-9)


def test_packages_never_need_more_dies_than_were_made_or_banked() -> None:
    supply, quarters = made(reinvestment=0.0)
    used = sum(q.dies for q in quarters)
    assert (used <= sum(q.own_dies for q in quarters) + supply._p["foreign_die_bank"] + 1).all()


def test_supply_is_the_least_of_its_limits() -> None:
    supply, quarters = made(reinvestment=0.0)
    for t, q in enumerate(quarters):
        assert (q.packages[:4].sum(axis=0) <= supply._plan[t] + 1e-6).all()


@pytest.mark.parametrize(("lever", "weak", "strong"), [("tools", 0.0, 1.0), ("hbm", 0.0, 1.0)])
def test_controls_never_add_supply(lever: str, weak: float, strong: float) -> None:
    free, held = made(**{lever: weak})[1], made(**{lever: strong})[1]
    totals = [sum(q.packages.sum(axis=0) for q in run) for run in (free, held)]
    assert (totals[1] <= totals[0] * (1 + 1e-9)).all()
    assert totals[1].mean() < totals[0].mean()


def test_selling_more_builds_more() -> None:
    low, high = (sum(q.packages.sum(axis=0).mean() for q in made(sold=s)[1]) for s in (0.1, 0.9))
    assert high > low


def test_counted_cards_are_used_as_they_were_counted() -> None:
    _, quarters = made()
    assert (quarters[quarter_index("2025Q2")].packages[4] == 29953).all()
