"""What must hold for every item, journey and day: unknown never becomes yes or no, and more lists never loosen."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from chipwall.controls.decide import decide
from chipwall.controls.load import law
from chipwall.controls.records import Decision, Item, Journey
from chipwall.report.pages.law_decision import licence_words
from chipwall.report.pages.law_timeline import destinations_table
from chipwall.report.pages.law_words import flag_lines

FREE = {"not_required": 0, "exception_available": 1}
KIND = (
    "",
    "presumption_of_approval",
    "licences_being_issued",
    "case_by_case",
    "approval_within_allocation",
    "presumption_of_denial",
)

numbers = st.one_of(
    st.none(), st.sampled_from([Decimal(n) for n in (0, 700, 1599, 1600, 2399, 2400, 4799, 4800, 20999, 30000)])
)
items = st.builds(
    Item,
    name=st.just("part"),
    vendor=st.sampled_from(["", "nvidia", "amd", "intel"]),
    designer_country=st.sampled_from(["", "US", "CN"]),
    datacenter=st.sampled_from([True, False, None]),
    tpp=numbers,
    die_area=st.sampled_from([None, Decimal(0), Decimal(400), Decimal(814)]),
    dram_bandwidth=st.sampled_from([None, Decimal(300), Decimal(1399), Decimal(4000), Decimal(6500)]),
    io_rate=st.sampled_from([None, Decimal(64), Decimal(599), Decimal(600), Decimal(1028)]),
    hbm=st.sampled_from([True, False, None]),
)
places = st.sampled_from(
    ["CN", "MO", "AE", "SA", "SG", "MY", "IN", "DE", "JP", "IL", "VN", "RU", "IR", "KZ", "ET", "TW"]
)
journeys = st.builds(
    Journey,
    activity=st.just("export"),
    exporter=st.just("US"),
    destination=places,
    headquarters=places,
    parent=st.sampled_from(["", "CN", "US", "MO"]),
)
days = st.integers(0, 1600).map(lambda n: date(2022, 9, 1) + timedelta(days=n))
OPERANDS = ("tpp", "die_area", "dram_bandwidth", "io_rate", "datacenter", "hbm")


def answer(item: Item, journey: Journey, on: date) -> Decision:
    density = item.tpp / item.die_area if item.tpp is not None and item.die_area else None
    return decide(replace(item, density=density), journey, on=on, law=law())


def require_no_freer(less: Decision, more: Decision) -> None:
    """Where less is known, the answer is free only if it is as free with all known."""
    for book in ("as_enforced", "on_books"):
        without, full = getattr(less.licence, book), getattr(more.licence, book)
        if without in FREE:
            assert FREE.get(full, 9) <= FREE[without], (book, without, full)
    if less.review_policy in KIND and more.review_policy in KIND and less.review_policy:
        assert KIND.index(more.review_policy) <= KIND.index(less.review_policy), (
            less.review_policy,
            more.review_policy,
        )


@settings(max_examples=250, deadline=None)
@given(items, journeys, days, st.sampled_from(OPERANDS))
def test_a_missing_fact_never_makes_an_answer_freer(item: Item, journey: Journey, on: date, name: str) -> None:
    less = replace(item, **{name: None})
    # told in the answer: a part that is not for data centres has no links, so its I/O rate is its slot's
    assume(not (less.datacenter is False and less.io_rate is None))
    require_no_freer(answer(less, journey, on), answer(item, journey, on))


def test_the_one_reading_of_a_missing_number_is_told() -> None:
    part = Item(name="part", vendor="nvidia", datacenter=False, tpp=Decimal(6000), die_area=Decimal(600))
    found = answer(part, Journey(destination="CN", headquarters="CN"), date(2022, 9, 1))
    assert any("I/O rate is not known" in line for line in found.unknowns)


@settings(max_examples=100, deadline=None)
@given(items, journeys, days)
def test_not_saying_where_the_party_sits_is_never_freer(item: Item, journey: Journey, on: date) -> None:
    # an unknown seat is the destination or China; sanctions on a seat elsewhere are for the asker to tell
    assume(journey.headquarters not in law().rules["part746"].countries)
    silent = answer(item, replace(journey, headquarters="", parent=""), on)
    require_no_freer(silent, answer(item, replace(journey, parent=""), on))


owners = st.lists(
    st.tuples(
        st.sampled_from(["SMIC", "YMTC", "Huawei", "Microsoft", "nobody knows"]), st.integers(1, 50).map(Decimal)
    ),
    min_size=1,
    max_size=2,
)


@settings(max_examples=150, deadline=None)
@given(items, journeys, days, owners)
def test_an_owner_never_loosens(item: Item, journey: Journey, on: date, held: list[tuple[str, Decimal]]) -> None:
    plain, owned = answer(item, journey, on), answer(item, replace(journey, owners=tuple(held)), on)
    require_no_freer(owned, plain)
    assert set(plain.flags) <= set(owned.flags)


@settings(max_examples=150, deadline=None)
@given(items, journeys, days, st.sampled_from(["Huawei", "SMIC", "Inspur", "ByteDance", "Nobody Ever Heard Of"]))
def test_a_named_party_never_loosens_unless_it_is_exempt_by_name(
    item: Item, journey: Journey, on: date, name: str
) -> None:
    require_no_freer(answer(item, replace(journey, party=name), on), answer(item, journey, on))


@settings(max_examples=60, deadline=None)
@given(journeys, days)
def test_of_an_item_nobody_knows_nothing_is_free_to_china(journey: Journey, on: date) -> None:
    found = answer(Item(name="part", datacenter=None), replace(journey, destination="CN"), on)
    if on >= date(2022, 10, 21):
        assert found.licence.as_enforced not in FREE
        assert found.eccn == "unknown"


@settings(max_examples=60, deadline=None)
@given(items, journeys, days)
def test_the_matrix_never_says_less_than_the_single_answer(item: Item, journey: Journey, on: date) -> None:
    found = answer(item, journey, on)
    table = destinations_table([[found]], on=on)
    cell = str(table.rows[0][-1])
    assert str(licence_words(found)) in cell
    notes = " ".join(str(note) for note in table.notes)
    for line in flag_lines(found.flags):
        assert str(line) in notes
    # an exception, or a letter on top of a requirement, is said in the words of the licence itself
    if found.licence.on_books != found.licence.as_enforced and found.licence.as_enforced not in (
        "exception_available",
        "required_by_letter",
    ):
        assert "on the books" in cell
