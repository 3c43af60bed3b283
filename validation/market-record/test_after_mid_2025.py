"""The part of the record that is dated after the data cut, scored: none of it was used to fit or to choose a width."""

from __future__ import annotations

from pathlib import Path

import pytest

from chipwall.market.forecast.backtest import Backtest, read_table, score
from chipwall.market.forecast.knowledge import knowledge_at_cut


@pytest.fixture(scope="module")
def done() -> Backtest:
    rows = read_table(Path(__file__).parent / "after-mid-2025.csv")
    return score(rows, knowledge=knowledge_at_cut(rows, draws=2000))


def test_the_band_covers_eight_to_ten_in_ten(done: Backtest) -> None:
    assert len(done.points) >= 45
    assert done.coverage is not None
    assert 0.80 <= done.coverage <= 0.97


def test_most_series_beat_the_last_value(done: Backtest) -> None:
    assert done.share_better_than_last_value is not None
    assert done.share_better_than_last_value > 0.5


def test_ranks_are_not_all_on_one_side(done: Backtest) -> None:
    ranks = [p.rank for p in done.points]
    assert 0.35 < sum(ranks) / len(ranks) < 0.65


def test_what_is_not_scored_says_why(done: Backtest) -> None:
    assert done.skipped
    assert all(s.reason for s in done.skipped)
