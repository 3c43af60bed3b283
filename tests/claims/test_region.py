"""The description of where a claim holds is exact where it can be, and short."""

from __future__ import annotations

from itertools import product

from chipwall.claims.records import Value
from chipwall.claims.region import described_region


def grid() -> list[dict[str, Value]]:
    return [
        {"batch": float(b), "format": f, "model": m}
        for b, f, m in product((1, 8, 16, 32, 64), ("bf16", "fp8", "fp4"), ("small", "large"))
    ]


def told(holds: list[bool]) -> list[list[str]]:
    region = described_region(grid(), holds)
    return [
        [f"{t.condition} {t.operator} {', '.join(str(v) for v in t.values)}" for t in rule] for rule in region.rules
    ]


def test_one_threshold() -> None:
    assert told([c["batch"] <= 8 for c in grid()]) == [["batch <= 8.0"]]  # type: ignore[operator]


def test_one_word() -> None:
    assert told([c["format"] == "fp8" for c in grid()]) == [["format is fp8"]]
    assert told([c["format"] != "fp8" for c in grid()]) == [["format is not fp8"]]


def test_two_tests_joined() -> None:
    holds = [c["batch"] >= 32 and c["model"] == "large" for c in grid()]  # type: ignore[operator]
    assert told(holds) == [["batch >= 32.0", "model is large"]]


def test_two_rules() -> None:
    holds = [c["batch"] == 1.0 or c["format"] == "fp4" for c in grid()]
    region = described_region(grid(), holds)
    assert region.accuracy == 1.0
    assert len(region.rules) == 2


def test_noise_is_not_described_at_any_price() -> None:
    holds = [c["batch"] <= 8 for c in grid()]  # type: ignore[operator]
    holds[-1] = True  # one odd point
    region = described_region(grid(), holds)
    assert sum(len(rule) for rule in region.rules) <= 4
    assert region.accuracy >= 29 / 30
