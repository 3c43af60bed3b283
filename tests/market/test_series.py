from __future__ import annotations

import csv
import shutil
from datetime import date
from importlib.resources import files
from itertools import pairwise
from pathlib import Path

import pytest

from chipwall import catalog, units
from chipwall.catalog import prices, series
from chipwall.catalog.periods import nvidia_fiscal_quarter, parse_period
from chipwall.errors import DataError, InputError

DATA = Path(str(files("chipwall.catalog") / "data"))
# Rows of the record that the catalogue was made from, by the file they stand in now.
RECORD = {
    "capex": 17,
    "claims": 11,
    "compute_stock": 62,
    "cost_factors": 9,
    "market_share": 27,
    "nvidia_revenue": 83,
    "parameters": 12,
    "shipments": 71,
    "supply_policy": 27,
    "tool_benchmarks": 17,
    "prices": 30,
    "price_ratios": 6,
}
# Months of the two rents that came after the record.
LATER = ("2026-03", "2026-05")


def test_nothing_of_the_record_is_lost() -> None:
    book = series.load_series()
    kept = dict.fromkeys(RECORD, 0)
    for seen in book.observations.values():
        for row in seen:
            if row.table not in (series.CONTEXT, "refresh") and not (
                row.table == "prices" and row.period.label in LATER
            ):
                kept[row.table] += 1
    assert kept == RECORD
    assert sum(kept.values()) == 372
    assert len([s for s in book.series.values() if s.period_forms]) == 183


def test_every_row_says_what_it_counts_its_vintage_and_its_source() -> None:
    book = series.load_series()
    for seen in book.observations.values():
        for row in seen:
            assert row.counted
            assert row.scope
            assert row.source in book.sources
            assert row.read
            if row.read not in ("derived", "memory", "measured"):
                assert row.vintage, row


def test_every_source_is_used() -> None:
    book = series.load_series()
    assert set(book.sources) == {row.source for seen in book.observations.values() for row in seen}


def test_added_rows_end_by_the_cut() -> None:
    book = series.load_series()
    added = [row for seen in book.observations.values() for row in seen if row.table == series.CONTEXT]
    assert added
    assert all(row.period.by(date(2025, 6, 30)) for row in added)


def test_values_are_si_and_the_printed_number_is_kept() -> None:
    row = series.observations("nvidia_datacenter_revenue", period="FY2026Q1")[0]
    assert row.value == pytest.approx(39.1 * units.GIGA)
    assert row.as_printed == 39.1
    assert series.observations("rental_us_H100_1yr", period="2025Q2")[0].value == pytest.approx(1.9 / units.HOUR)


def test_a_period_is_found_by_its_days_and_words_by_their_label() -> None:
    assert series.observations("epoch_huawei_units_910C", period="2025-Q1")
    assert series.observations("h100e_per_unit_H20", period="spec")[0].as_printed == 0.1496
    assert not series.observations("epoch_huawei_units_910C", period="1999Q1")


def test_series_of_one_definition_combine() -> None:
    both = series.load_series().combine("epoch_huawei_units_910B", "epoch_huawei_units_910C")
    assert [len(seen) for seen in both.values()] == [8, 8]


@pytest.mark.parametrize(
    ("a", "b", "word"),
    [
        ("epoch_huawei_units_910C", "idc_china_accelerator_cards_domestic", "definition"),
        ("huawei_tsmc_die_bank", "huawei_910C_units_bloomberg", "definition"),
        ("nvidia_share_china_idc", "bernstein_nvidia_share", "definition"),
        ("epoch_global_h100e_cum_Nvidia", "epoch_huawei_h100e_cum", "definition"),
        ("huawei_ai_chip_revenue", "cambricon_revenue", "definition"),
    ],
)
def test_series_of_different_definitions_do_not(a: str, b: str, word: str) -> None:
    with pytest.raises(DataError) as caught:
        series.load_series().combine(a, b)
    assert word in caught.value.where
    assert a in str(caught.value)
    assert b in str(caught.value)
    assert len(caught.value.lines()) == 3


def test_an_unknown_series_names_the_nearest() -> None:
    with pytest.raises(InputError, match="epoch_huawei_units_910C"):
        series.observations("epoch_huawei_unit_910C")


def test_prices_are_of_chips_that_exist() -> None:
    known = catalog.load().chips
    book = series.load_series()
    assert {p.chip for p in prices.load_prices()} | {s.chip for s in book.series.values() if s.chip} <= set(known)


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("unit", "k USD", "unit 'k USD'"),
        ("scope", "all accelerators", "scope"),
        ("status", "sure", "status 'sure'"),
        ("source", "nobody", "source 'nobody'"),
        ("value", "many", "value 'many'"),
        ("low", "999999999", "does not hold"),
        ("series", "moon_dust", "moon_dust"),
    ],
)
def test_a_bad_row_is_named_by_file_and_line(tmp_path: Path, field: str, value: str, said: str) -> None:
    shutil.copytree(DATA / "series", tmp_path / "series")
    for name in ("series.csv", "prices.csv", "sources-market.toml"):
        shutil.copy(DATA / name, tmp_path / name)
    place = tmp_path / "series" / "shipments.csv"
    rows = list(csv.DictReader(place.read_text(encoding="utf-8").splitlines()))
    rows[3][field] = value
    with place.open("w", encoding="utf-8", newline="") as out:
        writer = csv.DictWriter(out, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    with pytest.raises(DataError, match=r"shipments\.csv:5") as caught:
        series.read(tmp_path)
    assert said in caught.value.where


@pytest.mark.parametrize(
    ("label", "form", "start", "end"),
    [
        ("2025", "year", date(2025, 1, 1), date(2025, 12, 31)),
        ("2025H2", "half", date(2025, 7, 1), date(2025, 12, 31)),
        ("2026Q1", "quarter", date(2026, 1, 1), date(2026, 3, 31)),
        ("Q1 2026", "quarter", date(2026, 1, 1), date(2026, 3, 31)),
        ("2024-02", "month", date(2024, 2, 1), date(2024, 2, 29)),
        ("2025-12-31", "day", date(2025, 12, 31), date(2025, 12, 31)),
        ("FY23Q1", "fiscal quarter", date(2022, 1, 31), date(2022, 5, 1)),
        ("FY25Q4", "fiscal quarter", date(2024, 10, 28), date(2025, 1, 26)),
        ("FY2026Q3", "fiscal quarter", date(2025, 7, 28), date(2025, 10, 26)),
        ("FY2025", "fiscal year", date(2024, 1, 29), date(2025, 1, 26)),
        ("2025-2027", "span", date(2025, 1, 1), date(2027, 12, 31)),
        ("2026-08-01 to 2026-08-15", "days", date(2026, 8, 1), date(2026, 8, 15)),
        ("2026-08-01..2026-08-15", "days", date(2026, 8, 1), date(2026, 8, 15)),
        ("2026-08-01/08-15", "days", date(2026, 8, 1), date(2026, 8, 15)),
        ("2026-08-01..15", "days", date(2026, 8, 1), date(2026, 8, 15)),
        ("2025 year end", "day", date(2025, 12, 31), date(2025, 12, 31)),
        ("H1 2026", "half", date(2026, 1, 1), date(2026, 6, 30)),
        ("2H2025", "half", date(2025, 7, 1), date(2025, 12, 31)),
        ("CY2025", "year", date(2025, 1, 1), date(2025, 12, 31)),
        ("2025 (preliminary)", "year", date(2025, 1, 1), date(2025, 12, 31)),
        ("2026/08/15", "day", date(2026, 8, 15), date(2026, 8, 15)),
        ("average of 2026-08-01 and 2026-08-15", "days", date(2026, 8, 1), date(2026, 8, 15)),
        ("week from 2026-08-03", "day", date(2026, 8, 3), date(2026, 8, 3)),
        ("2026 mid", "days", date(2026, 6, 1), date(2026, 7, 31)),
    ],
)
def test_period_forms(label: str, form: str, start: date, end: date) -> None:
    found = parse_period(label)
    assert (found.form, found.start, found.end) == (form, start, end)
    assert not found.forecast


@pytest.mark.parametrize(
    "label", ["", "spec", "prior", "per year", "2025 then 2026", "2025Q5", "2026-13-01", "2026-02-31"]
)
def test_words_without_a_time(label: str) -> None:
    assert not parse_period(label).dated


def test_a_forecast_is_marked() -> None:
    assert parse_period("2027 forecast").forecast
    assert not parse_period("2027 forecast").by(date(2030, 1, 1))


def test_fiscal_quarters_follow_each_other() -> None:
    ends = [nvidia_fiscal_quarter(year, q) for year in range(2020, 2031) for q in (1, 2, 3, 4)]
    assert all((b[0] - a[1]).days == 1 for a, b in pairwise(ends))
    assert {(end - start).days + 1 for start, end in ends} == {91, 98}


def test_the_forms_of_every_series_are_understood() -> None:
    for about in series.load_series().series.values():
        for row in series.observations(about.id):
            if not row.period.dated:
                assert about.kind in ("spec", "claim", "parameter", "benchmark"), row
