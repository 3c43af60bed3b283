"""The page of trust: every chip of interest, every way of looking, worst rows with a reason, another tool beside."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from chipwall.perf.fitting.scores import Outcome, score, serving_outcomes
from chipwall.perf.shipped import shipped
from chipwall.report.pages.scoreboard import ASKED, CHIPS, pictures, scoreboard_page

SHIPPED = shipped()


@pytest.fixture(scope="module")
def outcomes() -> list[Outcome]:
    return serving_outcomes(SHIPPED)


@pytest.fixture(scope="module")
def page(outcomes: list[Outcome]) -> str:
    told = {o.id: 2.0 * float(o.row["value"]) for o in outcomes if o.facts["asked"] == "token"}
    return scoreboard_page(SHIPPED, peer=("another tool", told))


def test_every_chip_of_interest_has_a_section_that_says_what_is_missing(page: str) -> None:
    for name in CHIPS:
        section = page.split(f"### {name}\n", 1)[1].split("\n### ", 1)[0]
        assert "Missing: " in section, name


def test_every_way_of_looking_is_there(page: str) -> None:
    for title in ("engine-year", "chip", "model", "kind", "tensor degree", "in flight per replica", "source"):
        assert f"### By {title}\n" in page
    assert "### Time per token on software since mid-2025" in page


def test_worst_rows_say_why(page: str) -> None:
    lines = page.split("### Worst rows and why", 1)[1].split("## ", 1)[0].strip().splitlines()[2:]
    assert len(lines) >= 10
    assert all(line.rstrip(" |").rsplit("|", 1)[-1].strip() for line in lines)


def test_a_tool_that_is_twice_too_slow_is_told_so(page: str) -> None:
    line = next(row for row in page.splitlines() if row.startswith("| all  |") and row.rstrip(" |").endswith("2.00"))
    assert "| 100.0 |" in line


def test_a_score_is_of_times(outcomes: list[Outcome]) -> None:
    one = outcomes[0]
    slow = Outcome(one.id, 0.1, 0.8, 1.3, one.where, one.facts, one.row)
    found = score([slow])
    assert found.bias == pytest.approx(1.105, abs=1e-3)
    assert found.median == pytest.approx(0.105, abs=1e-3)
    assert found.coverage == 1.0
    assert found.width == pytest.approx(1.3 / 0.8)


def test_pictures_are_plain_data(outcomes: list[Outcome]) -> None:
    drawn = pictures(outcomes)
    assert set(drawn) == set(ASKED)
    json.dumps(drawn)


@pytest.mark.parametrize("content", [b"\xff\xfe", b"id,other\nx,1\n", b"id,tpot_ms\nx,fast\n"])
def test_a_bad_table_of_answers_is_refused(content: bytes, tmp_path: Path, run: Any) -> None:
    place = tmp_path / "answers.csv"
    place.write_bytes(content)
    said = run("scoreboard", "--quick", "--peer", str(place))
    assert said.status == 2
    assert 1 <= len(said.err.strip().splitlines()) <= 3
