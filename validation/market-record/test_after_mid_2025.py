"""The part of the record that is dated after mid-2025, each row forecast from what had been published before its period began."""

from __future__ import annotations

from pathlib import Path

import pytest

from chipwall.market.forecast.backtest import Backtest, read_backtest, scored_table
from chipwall.market.forecast.load import shipped_knowledge


@pytest.fixture(scope="module")
def done() -> Backtest:
    rows = read_backtest(Path(__file__).parent / "after-mid-2025.csv")
    return scored_table(rows, knowledge=shipped_knowledge(draws=2000))


def test_the_band_covers_eight_to_ten_in_ten(done: Backtest) -> None:
    assert len(done.points) >= 45
    assert done.coverage is not None
    assert 0.84 <= done.coverage <= 0.97
    assert 0.42 <= (done.within("inside_50") or 0) <= 0.66


def test_most_series_beat_the_trend_of_the_last_four(done: Backtest) -> None:
    assert done.share_better_than_trend is not None
    assert done.share_better_than_trend >= 0.65


def test_most_series_beat_the_last_value(done: Backtest) -> None:
    assert done.share_better_than_last_value is not None
    assert done.share_better_than_last_value > 0.5


def test_ranks_are_not_all_on_one_side(done: Backtest) -> None:
    ranks = [p.rank for p in done.points]
    assert 0.35 < sum(ranks) / len(ranks) < 0.65


def test_what_is_not_scored_says_why(done: Backtest) -> None:
    assert done.skipped
    assert all(s.reason for s in done.skipped)
