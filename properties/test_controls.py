"""What must hold for any numbers: order, time, unknowns, and the two forms of every clause."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chipwall.controls import arrays
from chipwall.controls.decide import decide
from chipwall.controls.item import item_of_numbers, operands
from chipwall.controls.load import law
from chipwall.controls.logic import any_of, clause_met
from chipwall.controls.records import Item, Journey

LIMITS = sorted(
    {record.value for rule in law().parameters.values() for record in rule.records if record.value is not None}
)
# numbers near every printed limit, and anything else
amounts = st.one_of(
    st.decimals(min_value=0, max_value=60000, places=2),
    st.builds(lambda limit, step: max(limit + step, Decimal(0)), st.sampled_from(LIMITS), st.sampled_from(
        [Decimal("-0.01"), Decimal(0), Decimal("0.01")])),
)  # fmt: skip
densities = st.one_of(
    st.decimals(min_value=0, max_value=40, places=3), st.sampled_from([Decimal("1.6"), Decimal("3.2"), Decimal("5.92")])
)
days = st.dates(min_value=date(2022, 1, 1), max_value=date(2028, 12, 31))
places = st.sampled_from(["CN", "HK", "MO", "SG", "VN", "AE", "KH", "RU", "DE", "US", "NI", "CY", "IL"])
names = st.sampled_from(
    ["synthetic", "synthetic (NVIDIA)", "synthetic (Intel)", "synthetic (AMD)", "H20", "MI308X", "Ascend 910C", "GH200"]
)
maybe = st.none() | st.booleans()
CLASSES = ("not_3A090", "3A090.b", "3A090.a")
NEEDED = ("required", "exception_available", "required_by_letter", "conditional")


@st.composite
def items(draw: st.DrawFn) -> Item:
    return item_of_numbers(
        draw(names),
        law=law(),
        datacenter=draw(st.booleans()),
        tpp=draw(amounts),
        density=draw(densities),
        dram_bandwidth=draw(amounts),
        io_rate=draw(amounts),
    )


@st.composite
def journeys(draw: st.DrawFn) -> Journey:
    activity = draw(st.sampled_from(["export", "reexport", "in_country", "us_import"]))
    return Journey(activity, draw(places), draw(places), draw(places))


@given(item=items(), more=amounts, place=places)
@settings(max_examples=150, deadline=None)
def test_raising_tpp_never_loosens_the_2023_class(item: Item, more: Decimal, place: str) -> None:
    day, journey = date(2024, 6, 1), Journey(destination=place, headquarters=place)
    assert item.tpp is not None
    low, high = decide(item, journey, on=day, law=law()), decide(replace(item, tpp=item.tpp + more), journey, on=day, law=law())
    assert CLASSES.index(high.eccn) >= CLASSES.index(low.eccn)
    order = ("not_required", "exception_available", "required")
    assert order.index(high.licence.as_enforced) >= order.index(low.licence.as_enforced)


@given(item=items(), journey=journeys(), day=days)
@settings(max_examples=150, deadline=None)
def test_no_rule_speaks_before_it_exists(item: Item, journey: Journey, day: date) -> None:
    decision = decide(item, journey, on=day, law=law())
    # embargoes are older than the rules on chips
    embargoed = {journey.exporter, journey.destination, journey.headquarters} & set(law().rules["part746"].countries)
    if day < date(2022, 8, 26) and not embargoed:
        assert decision.licence.as_enforced in ("not_required", "n/a")
    if day < date(2022, 10, 7):
        assert decision.eccn == "not_3A090"
    if day < date(2023, 11, 17):
        assert decision.eccn in ("not_3A090", "3A090(2022)")
        assert "hq_rule" not in decision.flags
    if day < date(2025, 5, 15):
        assert "on_books_worldwide_not_enforced" not in decision.flags
    if day < date(2026, 1, 15):
        assert "needs_certifications" not in decision.flags
        assert decision.duty.pct == 0
    for rule in decision.states:
        records = law().rules[rule].records
        assert min(record.effective for record in records) <= day


@given(item=items(), journey=journeys(), day=days)
@settings(max_examples=80, deadline=None)
def test_the_answer_is_piecewise_constant_in_time(item: Item, journey: Journey, day: date) -> None:
    turns = [turn for turn in law().change_dates() if turn <= day]
    start = turns[-1]
    assert decide(item, journey, on=start, law=law()).answer == decide(item, journey, on=day, law=law()).answer
    assert decide(item, journey, on=start, law=law()).flags == decide(item, journey, on=day, law=law()).flags


@given(item=items(), journey=journeys(), day=days, hidden=st.sets(st.sampled_from(
    ["tpp", "density", "dram_bandwidth", "io_rate", "datacenter"]), min_size=1))  # fmt: skip
@settings(max_examples=200, deadline=None)
def test_an_unknown_never_becomes_a_no(item: Item, journey: Journey, day: date, hidden: set[str]) -> None:
    full = decide(item, journey, on=day, law=law())
    veiled = decide(replace(item, **dict.fromkeys(hidden)), journey, on=day, law=law())  # type: ignore[arg-type]
    assert veiled.eccn in (full.eccn, "unknown")
    assert veiled.licence.on_books in (full.licence.on_books, "unknown")
    assert veiled.duty.pct in (full.duty.pct, None)
    if full.licence.as_enforced in NEEDED:
        assert veiled.licence.as_enforced != "not_required"
    if veiled.licence.as_enforced == "not_required":
        assert full.licence.as_enforced == "not_required"


@given(item=items(), journey=journeys(), day=days)
@settings(max_examples=80, deadline=None)
def test_every_decision_is_whole(item: Item, journey: Journey, day: date) -> None:
    decision = decide(item, journey, on=day, law=law())
    assert (decision.licence.as_enforced == "n/a") == (journey.activity == "us_import")
    assert bool(decision.exception_names) <= (decision.licence.as_enforced in ("exception_available", "conditional"))
    if decision.licence.as_enforced in ("not_required", "n/a"):
        assert decision.review_policy == ""
    for comparison in decision.trace:
        assert comparison.citation
        assert comparison.margin is None or comparison.margin == comparison.value - comparison.limit


def columns(table: list[Item], day: date) -> dict[str, np.ndarray]:
    found: dict[str, list[float]] = {}
    for item in table:
        numbers = operands(item, Journey(), dram_bandwidth=item.dram_bandwidth, datacenter=item.datacenter)
        for name, value in numbers.items():
            found.setdefault(name, []).append(np.nan if value is None else float(value))
    return {name: np.array(values) for name, values in found.items()}


@given(table=st.lists(items(), min_size=1, max_size=30), day=days, hidden=st.lists(st.sampled_from(
    ["", "tpp", "density", "io_rate", "datacenter"]), min_size=30, max_size=30))  # fmt: skip
@settings(max_examples=60, deadline=None)
def test_arrays_and_explained_form_agree_on_the_class(table: list[Item], day: date, hidden: list[str]) -> None:
    veiled = [replace(item, **{name: None}) if name else item for item, name in zip(table, hidden, strict=False)]
    found = arrays.classes(columns(veiled, day), day, law=law())
    journey = Journey(destination="CN", headquarters="CN")
    assert [arrays.CONTROL_CLASSES[index] for index in found] == [decide(item, journey, on=day, law=law()).eccn for item in veiled]


@pytest.mark.parametrize("family", sorted({clause.family for clause in law().clauses}))
@given(table=st.lists(items(), min_size=1, max_size=20), day=days)
@settings(max_examples=15, deadline=None)
def test_arrays_and_explained_form_agree_on_every_family(family: str, table: list[Item], day: date) -> None:
    found = arrays.family_verdict(columns(table, day), day, family=family, law=law())
    view = law().on(day)
    for item, answer in zip(table, found, strict=True):
        numbers = operands(item, Journey(), dram_bandwidth=item.dram_bandwidth, datacenter=item.datacenter)
        truth = any_of(clause_met(clause, numbers, view.limits) for clause in view.family(family))
        assert {True: 1, False: 0, None: -1}[truth] == answer


@given(turn=st.sampled_from(sorted(law().change_dates())), table=st.lists(items(), min_size=2, max_size=10))
@settings(max_examples=40, deadline=None)
def test_one_array_call_serves_many_days(turn: date, table: list[Item]) -> None:
    both = [turn - timedelta(days=1), turn]
    mixed = arrays.classes(
        columns(table * 2, turn), np.array([both[0]] * len(table) + [both[1]] * len(table), dtype="datetime64[D]"),
        law=law(),
    )
    apart = [arrays.classes(columns(table, turn), day, law=law()) for day in both]
    assert mixed.tolist() == [*apart[0].tolist(), *apart[1].tolist()]
