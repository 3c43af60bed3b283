"""Money of a fleet: hand arithmetic, ends, break-even, and the sourced defaults."""

from __future__ import annotations

from datetime import date
from math import isclose, isinf

import pytest

from chipwall import catalog
from chipwall.catalog.ownership import OWNERSHIP_UNITS, assumptions, ownership_rows
from chipwall.fleet.money import MONTH, Offer, OwnershipTerms, Span, break_even, owning, rent_of_month


def flat(**values: float) -> OwnershipTerms:
    given = {
        "pue": 1.5, "electricity": 0.10 / 3.6e6, "hosting": 0.0, "server": 5_000.0, "network": 3_000.0, "life": 5.0,
        "interest": 0.12, "wage": 0.0, "chips_per_person": 100.0, "rack_power": 40e3,
    } | values  # fmt: skip
    return OwnershipTerms(**{k: Span.exact(v) for k, v in given.items()})


def test_rent_of_a_month_is_chips_times_rent_times_730_and_a_half_hours() -> None:
    month = rent_of_month(Span.exact(28), Span.exact(3.5 / 3600))
    assert isclose(month.value, 28 * 3.5 * 730.5, rel_tol=1e-12)


def test_owning_by_hand() -> None:
    """Eight chips of 30,000 with 5,000 of server and 3,000 of network, five years at 12 %, 1 kW drawn at 0.10 a kWh."""
    made = owning(Span.exact(8), Offer(price=Span.exact(30_000)), flat(), rated=1_000, drawn=1_000)
    assert made is not None
    capital = 8 * (30_000 + 5_000 + 3_000)
    assert made.capital.value == capital == 304_000
    assert isclose(made.parts["depreciation"].value, 304_000 / 60)
    instalment = 304_000 * 0.01 / (1 - 1.01**-60)
    assert isclose(made.parts["finance"].value, instalment - 304_000 / 60)
    assert isclose(made.parts["power"].value, 8 * 1.0 * 1.5 * 0.10 * 730.5)
    assert isclose(made.month.value, instalment + 8 * 1.5 * 0.10 * 730.5)
    assert isclose(made.running.value, 8 * 1.5 * 0.10 * 730.5)


def test_a_price_with_its_server_adds_none() -> None:
    offer = Offer(price=Span.exact(35_000), with_server=True)
    made = owning(Span.exact(8), offer, flat(), rated=0, drawn=0)
    assert made is not None
    assert made.capital.value == 8 * (35_000 + 3_000)


def test_unknown_stays_unknown() -> None:
    assert owning(Span.exact(8), Offer(), flat(), rated=1, drawn=1) is None
    assert Span(2, None, 3).times(4) == Span(8, None, 12)
    assert Span(2, 1, None).plus(Span(1, 1, 1)) == Span(3, 2, None)


def test_break_even_by_hand() -> None:
    months, day = break_even(20_000, 300_000, 5_000, life=5, start=date(2026, 3, 1))
    assert months == 20
    assert day is not None
    assert abs((day - date(2026, 3, 1)).days - 20 * MONTH / 86400) <= 1
    assert break_even(20_000, 3_000_000, 5_000, life=5, start=date(2026, 3, 1))[1] is None
    assert isinf(break_even(4_000, 300_000, 5_000, life=5, start=date(2026, 3, 1))[0])


def test_staff_and_hosting_by_hand() -> None:
    own = flat(hosting=150.0 / (1e3 * MONTH), wage=120_000 / (12 * MONTH))
    made = owning(Span.exact(200), Offer(price=Span.exact(1.0)), own, rated=1_200, drawn=0)
    assert made is not None
    assert isclose(made.parts["hosting"].value, 200 * 1.2 * 150)
    assert isclose(made.parts["staff"].value, 200 / 100 * 10_000)


@pytest.mark.parametrize("row", ownership_rows(), ids=lambda r: f"{r.name} {r.place}")
def test_every_default_has_a_source_a_year_and_ordered_ends(row) -> None:
    assert row.source in catalog.load().sources
    assert row.unit in OWNERSHIP_UNITS
    assert row.low <= row.value <= row.high
    assert row.dated[:2] == "20"
    assert row.note


def test_every_place_has_every_assumption() -> None:
    names = {r.name for r in ownership_rows()}
    for place in ("united-states", "china", "europe", "world"):
        assert set(assumptions(place)) == names == {*OwnershipTerms.__dataclass_fields__, "requests_per_user", "peak"}
    assert assumptions("china")["electricity"].published == "0.088"


def test_the_worked_example_of_the_page() -> None:
    """Every number of docs/method/planning.md, "By hand"."""
    from pathlib import Path

    page = (Path(__file__).parents[2] / "docs/method/planning.md").read_text(encoding="utf-8")
    made = owning(Span.exact(8), Offer(price=Span.exact(30_000)), flat(), rated=1_000, drawn=1_000)
    assert made is not None
    rent = rent_of_month(Span.exact(8), Span.exact(2.5 / 3600)).value
    months, _ = break_even(rent, made.capital.value, made.running.value, life=5, start=date(2026, 3, 1))
    instalment = made.parts["depreciation"].value + made.parts["finance"].value
    shown = [
        f"{made.parts['depreciation'].value:,.2f}", f"{instalment:,.2f}", f"{made.parts['finance'].value:,.2f}",
        f"{made.parts['power'].value:,.2f}", f"{made.month.value:,.2f}", f"{rent:,.2f}", f"{months:.1f} months",
    ]  # fmt: skip
    assert [s for s in shown if s not in page] == []
