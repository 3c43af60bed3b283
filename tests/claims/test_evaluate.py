"""Verdicts: relations, intervals, free conditions, what cannot be known."""

from __future__ import annotations

import numpy as np
import pytest

from chipwall.claims import evaluate
from chipwall.claims.evaluate import verdict
from chipwall.claims.library import Library
from chipwall.claims.load import packaged_library
from chipwall.claims.parse import claims_of_text
from chipwall.claims.records import Claim, Reading


@pytest.fixture(scope="module")
def world() -> Library:
    return packaged_library()


def one(words: str, world: Library) -> Claim:
    return claims_of_text(words, world, file="claim.toml")[0]


def claim(relation: str, value: float, *, upper: float = 0.0, tolerance: float = 0.0) -> Claim:
    return Claim("x", "a sentence", "fact", relation, value, upper=upper or value, tolerance=tolerance)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("relation", "value", "low", "high", "holds"),
    [
        ("at least", 2.0, 2.1, 2.5, True),
        ("at least", 2.0, 1.5, 1.9, False),
        ("at least", 2.0, 1.9, 2.5, None),
        ("at least", 2.0, 2.0, 2.0, True),
        ("at most", 2.0, 1.0, 2.0, True),
        ("at most", 2.0, 1.0, 2.1, None),
        ("at most", 2.0, 2.1, 9.0, False),
        ("at most", 2.0, 1.0, float("inf"), None),
    ],
)
def test_the_whole_interval_must_be_on_one_side(
    relation: str, value: float, low: float, high: float, holds: bool | None
) -> None:
    reading = Reading((low + min(high, 10)) / 2, low, high)
    assert evaluate._compared(claim(relation, value), reading) == (holds, None)


def test_about_takes_its_tolerance_either_way() -> None:
    about = claim("about", 10.0, tolerance=0.1)
    for value, holds in ((9.0, True), (11.0, True), (8.99, False), (11.01, False)):
        assert evaluate._compared(about, Reading(value, value, value))[0] is holds
    # the estimate is inside, its interval is not
    assert evaluate._compared(about, Reading(10.0, 8.0, 12.0))[0] is None


def test_decimals_that_do_not_exist_in_binary_do_not_decide() -> None:
    assert evaluate._compared(claim("at least", 0.3), Reading(0.1 + 0.2 - 1e-16))[0] is True


def test_between_needs_both_ends() -> None:
    between = claim("between", 1.0, upper=2.0)
    assert [evaluate._compared(between, Reading(v, v, v))[0] for v in (0.9, 1.0, 1.5, 2.0, 2.1)] == [
        False,
        True,
        True,
        True,
        False,
    ]


def test_draws_decide_by_their_share() -> None:
    positive = claim("at least", 0.0)
    for share, holds in ((0.95, True), (0.5, None), (0.05, False)):
        sample = np.where(np.arange(1000) < 1000 * share, 1.0, -1.0)
        found, chance = evaluate._compared(positive, Reading(0.0, -1.0, 1.0, sample=sample))
        assert (found, chance) == (holds, share)


def test_a_missing_fact_is_cannot_tell(world: Library) -> None:
    words = """
    [[claim]]
    id = "x"
    statement = "The Ascend 910C has ten FP64 teraflops."
    quantity = "fact"
    subject = "ascend-910c"
    relation = "about"
    value = 10
    unit = "TFLOP/s"
    [claim.fixed]
    measure = "fp64_rate"
    """
    found = verdict(one(words, world), world)
    assert found.answer == "cannot tell"
    assert found.value is None
    assert "not published" in str(found.points[0].reading.unknown)


def test_a_model_that_does_not_fit_is_cannot_tell_and_says_so(world: Library) -> None:
    words = """
    [[claim]]
    id = "x"
    statement = "One H20 serves a 175B model in 16 bits half as fast as one H200."
    quantity = "throughput_ratio"
    subject = "h20"
    baseline = "h200"
    relation = "about"
    value = 0.5
    [claim.fixed]
    model = "gpt-3-175b"
    precision = "bf16"
    """
    found = verdict(one(words, world), world)
    assert found.answer == "cannot tell"
    assert "does not fit" in str(found.points[0].reading.unknown)


def test_depends_says_where(world: Library) -> None:
    words = """
    [[claim]]
    id = "x"
    statement = "The H200 may be sold to China."
    quantity = "decision"
    subject = "h200"
    relation = "is"
    value = "case_by_case"
    [claim.fixed]
    answer = "review_policy"
    [claim.free]
    on = [2025-12-31, 2026-01-14, 2026-01-15, 2026-02-01]
    """
    found = verdict(one(words, world), world)
    assert found.answer == "depends"
    assert found.share_holding == 0.5
    assert found.region is not None
    ((test,),) = found.region.rules
    assert (test.condition, test.operator, str(test.values[0])) == ("on", ">=", "2026-01-15")
    assert found.region.accuracy == 1.0


@pytest.mark.parametrize(
    ("observation", "value"),
    [
        ("epoch_cambricon_units_590 @ 2024", 547 + 832 + 2565 + 21056),  # a year of quarters is summed
        ("cambricon_units_goldman @ 2025 forecast", 142500),
        ("nvidia_datacenter_revenue @ FY2025", (22.6 + 26.3 + 30.8 + 35.6) * 1e9),
    ],
)
def test_observations_by_period(observation: str, value: float, world: Library) -> None:
    from chipwall.claims.readings.series import observed

    assert observed(observation, world).value == pytest.approx(value)


def test_a_lone_bound_is_open_on_the_other_side(world: Library) -> None:
    from chipwall.claims.readings.series import observed

    capacity = observed("huawei_capacity_us_commerce @ 2025", world)  # at or below 200,000
    orders = observed("china_h200_orders @ 2025-12-31", world)  # above two million
    assert (capacity.low, capacity.high) == (0.0, 200_000.0)
    assert (orders.low, orders.high) == (2_000_000.0, float("inf"))


def test_an_unfinished_year_is_not_summed(world: Library) -> None:
    from chipwall.claims.readings.series import observed
    from chipwall.errors import Unknown

    with pytest.raises(Unknown, match="no number for FY2027"):
        observed("nvidia_total_revenue @ FY2027", world)


def test_scenarios_share_their_draws(world: Library) -> None:
    small = packaged_library(catalog=world.catalog, draws=40)
    words = """
    [[claim]]
    id = "x"
    statement = "A scenario is what it is."
    quantity = "scenario_difference"
    relation = "at most"
    value = 0
    [claim.fixed]
    scenario = "no-sales"
    against = "no-sales"
    path = "spending_domestic"
    quarter = "2025Q4"
    """
    found = verdict(one(words, small), small)
    assert (found.value, found.low, found.high, found.probability) == (0.0, 0.0, 0.0, 1.0)


def test_shared_errors_narrow_a_ratio() -> None:
    from chipwall.claims.readings.performance import _quotient

    top, bottom = Reading(3.0, 2.4, 3.75), Reading(1.0, 0.8, 1.25)
    free, bound = _quotient(top, bottom, shared=0.0), _quotient(top, bottom, shared=0.5)
    assert free.value == bound.value == 3.0
    assert free.low < bound.low < 3.0 < bound.high < free.high  # type: ignore[operator]
    assert _quotient(top, bottom, shared=1.0).low == pytest.approx(3.0)


EVERY = {
    "fact": 'subject = "h200"\n[claim.fixed]\nmeasure = "memory_capacity"',
    "fact_ratio": 'subject = "h200"\nbaseline = "h20"\n[claim.fixed]\nmeasure = "bf16_rate"',
    "position": 'subject = "h200"\nbaseline = "h20"\n[claim.fixed]\nmeasure = "bf16_rate"\nupper = "b200"',
    "legal_measure": 'subject = "h200"\n[claim.fixed]\nmeasure = "performance_density"',
    "measure_over_limit": 'subject = "h200"\n[claim.fixed]\nlimit = "review2026-dram"\non = 2026-02-01',
    "memory_share": 'subject = "h200"\n[claim.fixed]\nmodel = "llama-2-70b"\ntask = "lora"\nweights = "nf4"',
    "throughput": 'subject = "h200"\n[claim.fixed]\nmodel = "llama-2-70b"',
    "throughput_ratio": 'subject = "h200"\nbaseline = "h100"\n[claim.fixed]\nmodel = "llama-2-70b"\nphase = "full"',
    "first_token_time": 'subject = "h200"\n[claim.fixed]\nmodel = "llama-2-70b"\nchips = 8\nbatch = 8',
    "token_time": 'subject = "h200"\n[claim.fixed]\nmodel = "llama-2-70b"\nchips = 8\nbatch = 8',
    "step_time": 'subject = "h200"\n[claim.fixed]\nmodel = "llama-2-70b"\nchips = 64',
    "training_ratio": 'subject = "h200"\nbaseline = "h20"\n[claim.fixed]\nmodel = "llama-2-70b"\nchips = 64\ntask = "lora"',
    "work_ratio": 'subject = "h200"\nbaseline = "h20"\n[claim.fixed]\nmodel = "llama-2-70b"\nwork = "8 answers"',
    "measured_ratio": 'subject = "h200"\nbaseline = "h100"\n[claim.fixed]\nmodel = "llama-2-70b"\nscenario = "offline"',
    "hpc_ratio": 'subject = "h200"\nbaseline = "h100"\n[claim.fixed]\nkernel = "hpcg"',
    "price": 'subject = "h200"\n[claim.fixed]\non = 2026-01-15',
    "rent": 'subject = "h100"\n[claim.fixed]\non = 2026-08-15\nplace = "china"',
    "price_ratio": 'subject = "h200"\nbaseline = "h20"\n[claim.fixed]\non = 2026-01-15\noffer = "buy"\nplace = "china"',
    "earlier_relaxations": "[claim.fixed]\non = 2025-12-10",
    "ratio_to_best": 'subject = "h200"\n[claim.fixed]\ngroup = "chinese"\nmeasure = "tpp"\non = 2025-12-10',
    "model_parameters": '[claim.fixed]\nmodel = "deepseek-v3"\ncounted = "active"',
    "system_ratio": '[claim.fixed]\nsystem = "cloudmatrix384"\nover = "gb200-nvl72"\nmeasure = "bf16_rate"',
    "energy_ratio": 'subject = "h200"\nbaseline = "h100"\n[claim.fixed]\nmodel = "llama-2-70b"\nchips = 8\nbatch = 8',
    "stock_share": '[claim.fixed]\npart = "smuggled"\non = 2026-11-01',
    "cost_per_unit_ratio": (
        'subject = "ascend-910c"\nbaseline = "h100"\n[claim.fixed]\non = 2026-08-15\noffer = "rent"\nplace = "china"\n'
        'measure = "memory_bandwidth"'
    ),
    "series": '[claim.fixed]\nobservation = "bernstein_supply @ 2025"',
    "series_ratio": (
        '[claim.fixed]\nobservation = "nvidia_china_hk_revenue_by_billing @ FY26Q1"\nover = "nvidia_datacenter_revenue"'
    ),
    "series_growth": '[claim.fixed]\nobservation = "cambricon_revenue @ 2024"\nfrom = "cambricon_revenue @ 2023"',
    "scenario_value": '[claim.fixed]\nscenario = "record"\npath = "us_share_active"\nquarter = "2025Q4"',
    "scenario_difference": (
        '[claim.fixed]\nscenario = "record"\nagainst = "no-sales"\npath = "us_share_active"\nquarter = "2026Q4"'
    ),
    "scenario_ratio": '[claim.fixed]\nscenario = "record"\nagainst = "no-sales"\npath = "us_share_active"\nquarter = "2026Q4"',
    "scenario_growth": '[claim.fixed]\nscenario = "record"\npath = "budget"\nquarter = "2026Q4"\nfrom = "2024Q4"',
}


@pytest.mark.parametrize("quantity", EVERY)
def test_every_quantity_of_numbers_can_be_asked(quantity: str, world: Library) -> None:
    """Zero as the least: every one of them is a number, and none of these is below it but a difference."""
    small = packaged_library(catalog=world.catalog, draws=30)
    head = f'[[claim]]\nid = "x"\nstatement = "x"\nquantity = "{quantity}"\nrelation = "at least"\nvalue = 0\n'
    found = verdict(one(head + EVERY[quantity], small), small)
    assert found.value is not None, found.points[0].reading.unknown
    assert found.low is not None
    assert found.low <= found.value <= found.high  # type: ignore[operator]
    assert found.sources or quantity == "earlier_relaxations"  # the record of events is its own source
    assert found.points[0].reading.calculation
    if quantity != "scenario_difference":
        assert found.answer == "supported"


def test_an_old_quote_says_nothing_about_today(world: Library) -> None:
    head = '[[claim]]\nid = "x"\nstatement = "x"\nquantity = "rent"\nrelation = "at most"\nvalue = 1000\n'
    head += 'unit = "USD/h"\nsubject = "h100"\n'
    days = {"2025-11-20": "supported", "2027-11-20": "stale evidence"}
    for day, answer in days.items():
        asked = one(head + f'[claim.fixed]\non = {day}\nplace = "united-states"', world)
        assert verdict(asked, world).answer == answer


def test_every_quantity_is_tried(world: Library) -> None:
    from chipwall.claims.quantities import CLAIM_QUANTITIES

    words = {name for name, q in CLAIM_QUANTITIES.items() if q.dimension in ("word", "answer", "flag")}
    assert set(EVERY) | words == set(CLAIM_QUANTITIES)


def test_what_the_model_has_no_channel_for_is_no_finding(world: Library) -> None:
    """Legal sales do not lead to Chinese wafers in the model: that is 'no mechanism', never nought percent of draws."""
    small = packaged_library(catalog=world.catalog, draws=40)
    words = """
    [[claim]]
    id = "x"
    statement = "x"
    quantity = "scenario_ratio"
    relation = "at least"
    value = 1.01
    unit = "times"
    [claim.fixed]
    scenario = "h200-share-cap"
    against = "no-sales"
    path = "wafers_advanced"
    quarter = "2027Q4"
    """
    found = verdict(claims_of_text(words, small, file="claims")[0], small)
    assert found.answer == "cannot tell"
    assert "no mechanism" in str(found.points[0].reading.unknown)


def test_an_answer_does_not_depend_on_what_was_asked_before() -> None:
    from dataclasses import FrozenInstanceError

    from chipwall.claims.evaluate import evaluated
    from chipwall.claims.load import packaged_library, shipped_claims

    def fresh() -> Library:
        return packaged_library(catalog=packaged_library().catalog, draws=40)

    claims = {c.id: c for c in shipped_claims(fresh())}
    simulated = [c for c in claims.values() if "path" in c.fixed or "path" in c.free][:3]
    alone = [evaluated([c], fresh())[0] for c in simulated]
    used = fresh()
    for claim in reversed(simulated):
        evaluated([claim], used)
    after = [evaluated([c], used)[0] for c in simulated]
    together = evaluated(simulated, fresh())
    for one, two, three in zip(alone, after, together, strict=True):
        assert one.answer == two.answer == three.answer
        assert one.value == two.value == three.value
    with pytest.raises(FrozenInstanceError):
        used.horizon = "2040Q4"  # type: ignore[misc]
