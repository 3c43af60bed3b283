"""chipwall claims and chipwall claim."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

TRUE_ONE = """\
[[claim]]
id = "mine"
statement = "The H200 has more memory than the H100."
statement_zh = "H200的显存大于H100。"
quantity = "fact_ratio"
subject = "h200"
baseline = "h100"
relation = "at least"
value = 1.5
[claim.free]
measure = ["memory_capacity", "memory_bandwidth"]
"""


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    place = tmp_path / "mine.toml"
    place.write_text(TRUE_ONE, encoding="utf-8")
    return place


def test_check_a_file(run, mine: Path) -> None:
    answer = run("claim", "check", str(mine))
    assert answer.status == 0
    assert "Verdict: depends" in answer.out
    assert "Holds where measure is Memory" in answer.out
    assert "nvidia-h200-datasheet" in answer.out


def test_json_has_the_promised_fields(run, mine: Path) -> None:
    (found,) = json.loads(run("claim", "check", str(mine), "--json").out)
    assert {"id", "verdict", "value", "low", "high", "share_holding", "sources"} <= set(found)
    assert (found["id"], found["verdict"], found["share_holding"]) == ("mine", "depends", 0.5)


def test_strict_fails_on_a_contradiction_only(run, mine: Path, tmp_path: Path) -> None:
    assert run("claim", "check", str(mine), "--strict").status == 0
    wrong = tmp_path / "wrong.toml"
    wrong.write_text(TRUE_ONE.replace("1.5", "9"), encoding="utf-8")
    assert run("claim", "check", str(wrong)).status == 0
    assert run("claim", "check", str(wrong), "--strict").status == 1


def test_a_bad_file_is_refused_with_the_place(run, tmp_path: Path) -> None:
    bad = tmp_path / "bad.toml"
    bad.write_text(TRUE_ONE.replace("baseline", "basline"), encoding="utf-8")
    answer = run("claim", "check", str(bad))
    assert answer.status == 2
    assert "bad.toml" in answer.err
    assert "unknown field 'basline'" in answer.err
    assert "Traceback" not in answer.err


def test_one_shipped_claim_with_its_chart(run, tmp_path: Path) -> None:
    chart = tmp_path / "where.svg"
    answer = run("claim", "show", "one-h200-holds-175b", "--chart", str(chart))
    assert answer.status == 0
    assert "weights is" in answer.out
    assert chart.read_text(encoding="utf-8").startswith("<svg")


def test_a_chinese_reader_gets_the_chinese_sentence(run, mine: Path) -> None:
    assert "H200的显存大于H100。" in run("claim", "check", str(mine), "--lang", "zh").out


def test_an_unknown_claim_names_the_nearest(run) -> None:
    answer = run("claim", "show", "h200-capacty")
    assert answer.status == 2
    assert "h200-capacity" in answer.err


def test_the_vocabulary_is_complete(run) -> None:
    from chipwall.claims.quantities import CLAIM_QUANTITIES
    from chipwall.claims.readings.table import READINGS

    assert set(CLAIM_QUANTITIES) == set(READINGS)
    told = run("claim", "vocabulary", "--json").out
    assert all(f'"{name}"' in told for name in CLAIM_QUANTITIES)


@pytest.mark.parametrize(("chip", "least"), [("nvidia-h200-sxm", 15), ("huawei-ascend-910c", 2), ("google-tpu-v4", 0)])
def test_the_section_of_a_brief(chip: str, least: int, catalog) -> None:
    from chipwall.claims.load import packaged_library
    from chipwall.report.pages.claims_section import claims_section

    section = claims_section(catalog.chips[chip], packaged_library())
    assert section.finding
    assert sum(len(t.rows) for t in section.details) >= least
    assert section.sentences
