"""Properties of verdicts: certainty only shrinks with wider intervals, tolerance only helps, regions describe."""

from __future__ import annotations

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from chipwall.claims.evaluate import _answer, _compared
from chipwall.claims.load import packaged_library
from chipwall.claims.parse import claims_of_text
from chipwall.claims.records import Claim, Reading
from chipwall.claims.region import described_region
from chipwall.errors import InputError

values = st.floats(0.01, 100.0)
relations = st.sampled_from(["about", "at least", "at most", "between"])


def claim(relation: str, value: float, tolerance: float) -> Claim:
    return Claim("x", "a sentence", "fact", relation, value, upper=value * 2, tolerance=tolerance)  # type: ignore[arg-type]


@given(relations, values, values, st.floats(0, 0.5), st.floats(0, 0.9), st.floats(0, 0.9))
def test_a_wider_interval_never_turns_a_verdict(
    relation: str, said: float, found: float, tolerance: float, narrow: float, wider: float
) -> None:
    """What a wide interval decides, a narrower one around the same value decides alike."""
    wide = max(narrow, wider)
    spread = [Reading(found, found * (1 - w), found * (1 + w)) for w in (min(narrow, wider), wide)]
    small, large = (_compared(claim(relation, said, tolerance), r)[0] for r in spread)
    assert large is None or large == small


@given(relations, values, values, st.floats(0, 0.3), st.floats(0, 0.3), st.floats(0, 0.5))
def test_more_tolerance_never_loses_a_claim(
    relation: str, said: float, found: float, one: float, other: float, spread: float
) -> None:
    reading = Reading(found, found * (1 - spread), found * (1 + spread))
    strict, lenient = (_compared(claim(relation, said, t), reading)[0] for t in sorted((one, other)))
    if strict is True:
        assert lenient is True
    if lenient is False:
        assert strict is False


@given(values, values)
def test_exact_numbers_are_always_decided(said: float, found: float) -> None:
    for relation in ("about", "at least", "at most", "between"):
        assert _compared(claim(relation, said, 0.1), Reading(found, found, found))[0] is not None


@given(values, values, st.floats(0, 0.5))
def test_at_least_and_at_most_cannot_both_fail(said: float, found: float, spread: float) -> None:
    reading = Reading(found, found * (1 - spread), found * (1 + spread))
    both = [_compared(claim(r, said, 0.0), reading)[0] for r in ("at least", "at most")]
    assert both != [False, False]


@given(st.lists(st.sampled_from([True, False, None]), min_size=1, max_size=12))
def test_an_answer_never_hides_a_point(holding: list[bool | None]) -> None:
    answer = _answer(holding)
    assert (answer == "supported") == (set(holding) == {True})
    assert (answer == "contradicted") == (set(holding) == {False})
    assert (answer == "depends") == ({True, False} <= set(holding))
    assert _answer(holding[::-1]) == answer


@given(
    st.lists(
        st.tuples(st.integers(1, 5), st.sampled_from("abc"), st.booleans()),
        min_size=4,
        max_size=40,
        unique_by=lambda r: r[:2],
    )
)
def test_a_region_is_right_as_often_as_it_says(rows: list[tuple[int, str, bool]]) -> None:
    conditions = [{"batch": float(b), "format": f} for b, f, _ in rows]
    wanted = [w for _, _, w in rows]
    region = described_region(conditions, wanted)
    guessed = [any(all(t.holds(c) for t in rule) for rule in region.rules) for c in conditions]
    right = sum(g == w for g, w in zip(guessed, wanted, strict=True)) / len(wanted)
    assert abs(right - region.accuracy) < 1e-12
    # the plainest guess, everywhere or nowhere, is hard to lose against by more than the price of a few words
    assert region.accuracy >= max(sum(wanted), len(wanted) - sum(wanted)) / len(wanted) - 0.1


GOOD = {
    "id": "a-claim", "statement": "The H200 has 141 GB.", "quantity": "fact_ratio", "subject": "h200", "baseline": "h100",
    "relation": "about", "value": 1.76, "unit": "1", "tolerance": 0.1, "fixed": {"measure": "memory_capacity"},
}  # fmt: skip
scalars = st.one_of(
    st.integers(-5, 10**6), st.floats(-10, 10, allow_nan=False), st.booleans(), st.text(max_size=8),
    st.sampled_from(["fact", "decision", "series", "memory_share", "is", "is true", "between", "h20", "GB", "times", "2026-01-01"]),
)  # fmt: skip
anything = st.one_of(
    scalars,
    st.lists(scalars, max_size=3),
    st.dictionaries(st.sampled_from(["measure", "on", "model"]), scalars, max_size=2),
)


def toml(value: object) -> str:
    """A value as TOML; JSON strings are TOML strings."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{k} = {toml(v)}" for k, v in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(toml(v) for v in value) + "]"
    return json.dumps(value).replace("\\u007f", "").replace("\x7f", "")


@settings(deadline=None, max_examples=150)
@given(st.dictionaries(st.sampled_from([*GOOD, "free", "by", "said", "note", "other"]), anything, max_size=3))
def test_whatever_is_written_is_a_claim_or_refused(changes: dict[str, object]) -> None:
    """Never a traceback: a file of claims is read, or refused with at most three lines."""
    words = "[[claim]]\n" + "\n".join(f"{k} = {toml(v)}" for k, v in (GOOD | changes).items())
    assert refusal(words) is None or 1 <= len(refusal(words) or ()) <= 3


def refusal(words: str) -> tuple[str, ...] | None:
    """The lines of the refusal, or None where the file is read."""
    try:
        claims_of_text(words, packaged_library(), file="a.toml")
    except InputError as error:
        return error.lines()
    return None
