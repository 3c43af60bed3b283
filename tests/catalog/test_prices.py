"""The store of prices and rents: quotes with bands that age, one store behind every door, bad rows refused at once."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from chipwall import catalog, units
from chipwall.catalog import prices, series
from chipwall.catalog.check import problems_in
from chipwall.catalog.files import DATA
from chipwall.claims.load import packaged_library
from chipwall.claims.readings.series import price as claimed_price
from chipwall.claims.records import Claim
from chipwall.errors import Unknown
from chipwall.report.pages.prices import price_section
from chipwall.report.pages.serving_section import ServedRun

SPOT = {"offer": "rent", "place": "united-states", "term": "spot"}


def test_prices_of_a_chip_newest_first_with_ranges() -> None:
    found = prices.prices("nvidia-h20-96gb", offer="buy")
    assert [(p.period.label, p.currency) for p in found] == [("2025", "USD"), ("2024-2025", "CNY"), ("2024", "USD")]
    assert (found[0].low, found[0].amount, found[0].high) == (9000.0, 10500.0, 12000.0)
    assert (found[1].cards, found[1].amount) == (8, 150_000.0)
    assert {p.offer for p in prices.prices("huawei-ascend-910c")} == {"buy", "rent"}


def test_at_least_25_chips_have_a_sourced_price() -> None:
    assert len({p.chip for p in prices.load_prices() if p.status != "unsourced"}) >= 45


def test_weekly_rents_answer_for_their_day() -> None:
    found = prices.quoted_price("nvidia-h200-sxm", on=date(2026, 9, 1), **SPOT)
    assert found.per_hour == pytest.approx(3.02)
    assert found.dated == date(2026, 8, 31)
    assert not found.stale
    before = prices.quoted_price("nvidia-h200-sxm", on=date(2026, 8, 30), **SPOT)
    assert before.per_hour == pytest.approx(3.59)
    assert len(prices.history("nvidia-h100-sxm", offer="rent", place="united-states", term="on-demand")) >= 30


def test_the_band_widens_after_the_half_life_and_the_quote_goes_stale() -> None:
    printed = date(2026, 9, 28)
    widths = []
    for days in (0, 59, 120, 199):
        found = prices.quoted_price("nvidia-b200", on=printed + timedelta(days=days), **SPOT)
        widths.append(found.high / found.low)
        assert not found.stale
    assert widths[0] == widths[1] < widths[2] < widths[3]
    assert prices.quoted_price("nvidia-b200", on=printed + timedelta(days=201), **SPOT).stale


def test_money_changes_by_a_dated_rate() -> None:
    dollars = prices.quoted_price("metax-c500", offer="buy", on=date(2026, 11, 28))
    yuan = prices.quoted_price("metax-c500", offer="buy", on=date(2026, 11, 28), currency="CNY")
    assert yuan.rate is None
    assert dollars.rate is not None
    assert dollars.amount == pytest.approx(yuan.amount / dollars.rate.per_dollar)
    assert "exchange-rate-auto" in dollars.sources
    with pytest.raises(Unknown):
        prices.quoted_price("metax-c500", offer="buy", on=date(2026, 11, 28), currency="EUR")


def test_a_quote_without_a_source_is_unknown() -> None:
    assert [p.status for p in prices.prices("nvidia-b200", offer="buy")] == ["unsourced"]
    with pytest.raises(Unknown):
        prices.quoted_price("nvidia-b200", offer="buy", on=date(2026, 11, 28))


def test_no_quantity_stands_in_two_stores() -> None:
    for chip in catalog.load().chips.values():
        assert not [f for f in chip.facts if f.quantity.startswith(("price", "rent"))], chip.id
    told = [row["series"] for _, row in prices.read_quotes() if row["series"]]
    held = {o.series for rows in series.load_series().observations.values() for o in rows if o.table != "prices"}
    assert told
    assert not set(told) & held


@pytest.mark.parametrize("chip", ["nvidia-h100-sxm", "nvidia-h20-96gb"])
def test_every_door_tells_the_same_price(chip: str, run: Callable[..., Any]) -> None:
    on = date(2026, 6, 30)
    found = prices.quoted_price(chip, offer="buy", on=on, place="")
    newest = next(p for p in prices.prices(chip, offer="buy", known_on=on) if p.source == found.held[0].source)
    claim = Claim(id="x", statement="x", quantity="price", relation="at most", value=1.0, unit="USD", subject=chip)
    reading = claimed_price(claim, {"on": on, "place": found.place}, packaged_library(catalog=catalog.load()))
    assert reading.value == pytest.approx(newest.amount)
    section, _ = price_section([ServedRun(catalog.load().chips[chip], "")], on=on)
    tables = [*section.tables, *section.details]
    assert newest.amount in [c.value for table in tables for row in table.rows for c in row if hasattr(c, "value")]
    answer = json.loads(run("prices", chip, "--to", "buy", "--on", str(on), "--json").out)["answer"]
    assert answer["amount"] == pytest.approx(found.amount)
    if newest.series:
        rows = series.observations(newest.series, period=newest.period.label)
        assert [o.value for o in rows] == [pytest.approx(newest.amount * newest.cards)]


def test_rents_of_claims_and_store_agree() -> None:
    found = prices.quoted_price("nvidia-h100-sxm", offer="rent", on=date(2026, 10, 1))
    assert found.amount == pytest.approx(3.499 / units.HOUR)


def test_bad_rows_are_all_told_at_once(tmp_path: Path) -> None:
    root = tmp_path / "data"
    shutil.copytree(DATA, root)
    with (root / "prices.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    good = rows[0]
    bad = [
        {**good, "unit": "EUR"},
        {**good, "period": "2030-01-01"},
        {**good, "chip": "nobody"},
        {**good, "term": "forever"},
        {**good, "low": "9e9"},
        {**good, "source": "nowhere"},
        {**good, "value": "many"},
        good,
    ]
    with (root / "prices.csv").open("a", newline="") as file:
        csv.DictWriter(file, list(good)).writerows(bad)
    problems = [p for p in problems_in(root)[0] if p.file == "prices.csv"]
    words = " ".join(str(p.what) for p in problems)
    for said in (
        "EUR has no dated rate",
        "2030-01-01",
        "nobody",
        "forever",
        "does not hold",
        "nowhere",
        "many",
        "says again",
    ):
        assert said in words, said
    assert {p.line for p in problems} == set(range(len(rows) + 2, len(rows) + 2 + len(bad)))
