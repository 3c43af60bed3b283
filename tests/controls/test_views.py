"""Timelines, differences and walls."""

from datetime import date
from decimal import Decimal

import pytest

from chipwall import catalog
from chipwall.controls.load import law
from chipwall.controls.queries import answer_turns, differences, regions, wall_points
from chipwall.controls.records import Journey
from chipwall.errors import InputError

CHINA = Journey(destination="CN", headquarters="CN")


def test_timeline_of_h200_to_china() -> None:
    turns = answer_turns(catalog.chip("h200"), CHINA, since=date(2022, 8, 1), until=date(2026, 6, 30), law=law())
    days = [turn.on for turn in turns]
    for day in (date(2022, 10, 21), date(2023, 11, 17), date(2026, 1, 15)):
        assert day in days
    review = next(turn for turn in turns if turn.on == date(2026, 1, 15))
    assert ("review policy", "presumption_of_denial", "case_by_case") in review.changed
    assert any("review" in reason.lower() for reason in review.why)


def test_timeline_shows_only_changes() -> None:
    turns = answer_turns(catalog.chip("l2"), CHINA, since=date(2024, 1, 1), until=date(2024, 12, 31), law=law())
    assert [turn.on for turn in turns] == [date(2024, 1, 1)]


def test_timeline_backwards_is_refused() -> None:
    with pytest.raises(InputError):
        answer_turns(catalog.chip("l2"), CHINA, since=date(2025, 1, 1), until=date(2024, 1, 1), law=law())


def test_differences_list_limits_rules_and_countries() -> None:
    changes, events = differences(date(2023, 11, 16), date(2023, 11, 17), law=law())
    titles = {change.title for change in changes}
    assert "3A090.a.1: TPP" in titles
    assert "3A090 of October 2022" in titles
    assert any(event.on == date(2023, 11, 17) for event in events)
    uae, _ = differences(date(2026, 7, 9), date(2026, 7, 10), law=law())
    assert {"United Arab Emirates in D:4", "United Arab Emirates in A:5"} <= {change.title for change in uae}


def test_differences_do_not_mind_the_order_and_may_be_empty() -> None:
    assert differences(date(2024, 1, 1), date(2025, 1, 1), law=law()) == differences(date(2025, 1, 1), date(2024, 1, 1), law=law())
    assert differences(date(2024, 6, 1), date(2024, 6, 2), law=law()) == ((), ())


def test_regions_are_read_from_the_clauses() -> None:
    found = {
        area.clause: area
        for area in regions(families=["processor"], x="tpp", y="performance_density", on=date(2026, 2, 1), law=law())
    }
    middle = found["3A090.b.1"]
    assert (middle.x_from, middle.x_to, middle.y_from, middle.y_to) == (2400, 4800, Decimal("1.6"), Decimal("5.92"))
    assert found["3A090.b.2"].x_to == 4800  # above it the part is in 3A090.a whatever its density
    assert found["3A090.a.2"].x_to is None
    assert regions(families=["processor"], x="tpp", y="performance_density", on=date(2022, 9, 1), law=law()) == ()
    bands = regions(families=["duty"], x="tpp", y="dram_bandwidth", on=date(2026, 2, 1), law=law())
    assert [(band.x_from, band.x_to) for band in bands] == [(14000, 17500), (20800, 21100)]


def test_wall_points_keep_unknown_numbers_unknown() -> None:
    points = {p.chip: p for p in wall_points([catalog.chip("h200"), catalog.chip("trainium2")], x="tpp", y="performance_density",
                                             on=date(2026, 2, 1), law=law())}  # fmt: skip
    assert points["nvidia-h200-sxm"].x == 15832
    assert points["aws-trainium2"].y is None
