"""The law as data: every record cited, every name resolved, drift refused, Namibia a country."""

import shutil
from collections.abc import Iterator
from datetime import date, timedelta
from importlib.resources import as_file, files
from pathlib import Path

import pytest

from chipwall.controls.load import law, law_from
from chipwall.controls.records import STATES
from chipwall.errors import DataError, InputError


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    with as_file(files("chipwall.controls") / "data") as source:
        shutil.copytree(source, tmp_path / "data")
    return tmp_path / "data"


def test_every_record_is_cited_dated_and_of_a_known_state() -> None:
    for _, title, record in law().records():
        assert record.citation, title
        assert record.state in STATES, title
        assert record.end is None or record.end >= record.effective, title
        assert record.compliance >= record.effective or record.state == "not_enforced", title


def test_every_source_is_used() -> None:
    used = {record.source for _, _, record in law().records()}
    used |= {mark.source for mark in law().marks} | {memory.source for memory in law().memories}
    assert used == set(law().sources)


def test_every_limit_and_rule_is_used_by_a_clause_or_named_in_code() -> None:
    named = {test.limit for clause in law().clauses for test in clause.tests}
    assert set(law().parameters) - named == {"duty-pct", "revenue-share-pct"}


@pytest.mark.parametrize("field", ["citation", "source", "state", "effective", "published", "checked", "unit", "value"])
def test_parameter_without_a_field_does_not_load(folder: Path, field: str) -> None:
    path = folder / "us" / "3a090-2023.toml"
    head, mark, tail = path.read_text(encoding="utf-8").partition('id = "a1-tpp"')
    lines = tail.split("\n")
    lines.remove(next(line for line in lines if line.startswith(f"{field} =")))
    path.write_text(head + mark + "\n".join(lines), encoding="utf-8")
    with pytest.raises(DataError, match=field):
        law_from(folder)


def test_all_problems_are_reported_at_once(folder: Path) -> None:
    path = folder / "us" / "3a090-2022.toml"
    broken = path.read_text(encoding="utf-8").replace("tpp >= 2022-product", "tpp >= nothing")
    path.write_text(broken.replace('state = "in_force"', 'state = "maybe"', 1), encoding="utf-8")
    with pytest.raises(DataError) as caught:
        law_from(folder)
    assert "nothing" in str(caught.value)
    assert "maybe" in str(caught.value)


def test_data_parse_is_exact() -> None:
    assert str(law().parameters["a2-density"].records[0].value) == "5.92"


def test_countries_by_date() -> None:
    countries = law().countries
    assert countries.table["NA"].name == "Namibia"
    assert not countries.member("MO", "D:5", on=date(2024, 6, 1))
    assert countries.macau_or_d5("MO", on=date(2024, 6, 1))
    assert countries.member("HK", "D:5", on=date(2024, 6, 1))
    for before, day, iso2, group, joins in (
        (date(2024, 3, 14), date(2024, 3, 15), "NI", "D:5", True),
        (date(2024, 5, 29), date(2024, 5, 30), "CY", "D:5", False),
        (date(2025, 11, 6), date(2025, 11, 7), "KH", "D:5", False),
        (date(2026, 7, 9), date(2026, 7, 10), "AE", "A:5", True),
        (date(2026, 7, 9), date(2026, 7, 10), "AE", "D:4", False),
    ):
        assert countries.member(iso2, group, on=before) is not joins
        assert countries.member(iso2, group, on=day) is joins


def test_printed_flags_follow_from_the_groups() -> None:
    day = law().coverage.verified_to
    for iso2 in law().countries.table:
        if iso2 in ("US", "AE", "ET"):
            continue  # domestic; named apart from the groups; on the State list and never printed in D:5
        row = next(row for row in printed() if row["iso2"] == iso2)
        assert law().countries.listed_2023(iso2, on=day) == (row["adv_computing_dest_3a090b"] == "1"), iso2
        assert law().countries.macau_or_d5(iso2, on=day) == (row["is_d5_or_macau"] == "1"), iso2


def printed() -> list[dict[str, str]]:
    import csv

    text = (files("chipwall.controls") / "data" / "country_groups.csv").read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


def test_unknown_country_names_the_nearest() -> None:
    assert law().countries.resolve("china") == "CN"
    assert law().countries.resolve("Viet Nam" if "Viet Nam" in str(law().countries.table["VN"]) else "vietnam") == "VN"
    with pytest.raises(InputError, match="AT"):
        law().countries.resolve("Austri")


def test_change_dates_cover_every_clock() -> None:
    days = law().change_dates()
    for _, _, record in law().records():
        assert record.effective in days
        assert record.compliance in days
        assert record.end is None or record.end + timedelta(days=1) in days


def test_events_are_the_dated_record() -> None:
    assert len(law().events) == 87
