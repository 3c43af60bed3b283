from __future__ import annotations

from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chipwall.catalog.periods import parse_period
from chipwall.market.forecast.scoring import continuous_ranked_probability_score, covered, forecast_band
from chipwall.market.model.continuation import Piece, remainder

numbers = st.floats(-1e6, 1e6)
draws = st.lists(numbers, min_size=1, max_size=40).map(lambda found: np.array(found))


@given(draws, numbers)
def test_crps_is_not_negative_and_at_most_the_mean_error(made: np.ndarray, value: float) -> None:
    score = continuous_ranked_probability_score(made, value=value)
    assert -1e-6 <= score <= np.mean(abs(made - value)) + 1e-6


@given(draws, numbers, numbers, st.floats(0.01, 100))
def test_crps_moves_and_scales_with_its_unit(made: np.ndarray, value: float, shift: float, scale: float) -> None:
    score = continuous_ranked_probability_score(made, value=value)
    other = continuous_ranked_probability_score(scale * made + shift, value=scale * value + shift)
    assert other == pytest.approx(scale * score, rel=1e-6, abs=1e-3)


@given(draws, numbers)
def test_order_of_draws_does_not_matter(made: np.ndarray, value: float) -> None:
    there = continuous_ranked_probability_score(made, value=value)
    assert continuous_ranked_probability_score(made[::-1], value=value) == pytest.approx(there)


@given(draws)
def test_the_median_is_covered(made: np.ndarray) -> None:
    low, middle, high = forecast_band(made)
    assert low <= middle <= high
    assert covered(made, value=middle)


@given(st.integers(2018, 2035), st.integers(1, 4))
def test_quarters_halves_and_years_nest(year: int, quarter: int) -> None:
    part, half, whole = (parse_period(f"{year}{tail}") for tail in (f"Q{quarter}", f"H{(quarter + 1) // 2}", ""))
    assert part.start is not None
    assert half.start is not None
    assert whole.start is not None
    assert part.end is not None
    assert half.end is not None
    assert whole.end is not None
    assert whole.start <= half.start <= part.start < part.end <= half.end <= whole.end


@given(st.text(max_size=30))
def test_any_label_is_read_or_left_as_words(label: str) -> None:
    found = parse_period(label)
    assert found.label == label
    assert found.start is None or (found.end is not None and found.start <= found.end)


@given(st.floats(1, 100), st.floats(1, 100), st.floats(1, 100), st.floats(1, 100))
def test_what_is_left_of_a_year_and_what_is_known_add_up(a: float, b: float, c: float, d: float) -> None:
    quarters = [parse_period(f"2024Q{q}") for q in (1, 2, 3, 4)]
    pieces = [
        Piece(q.start or date.min, q.end or date.max, v, 1.0) for q, v in zip(quarters, (a, b, c, d), strict=True)
    ]
    year = Piece(date(2024, 1, 1), date(2024, 12, 31), a + b + c + d, 4.0)
    for known in range(4):
        left = remainder(year, pieces[:known])
        assert left is not None
        assert left.value + sum(p.value for p in pieces[:known]) == pytest.approx(year.value)
        assert left.quarters == 4 - known
    assert remainder(year, pieces) is None
