import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

FEW = ("--draws", "60", "--until", "2028Q4")
Run = Callable[..., Any]


def test_table_prints_three_bases_beside_every_total_and_the_caveats(run: Run) -> None:
    said = run("simulate", "h200-share-cap", "--against", "no-sales", *FEW)
    assert said.status == 0
    for words in (
        "by training compute",
        "by memory bandwidth",
        "by rent",
        "A-B, 2028Q4",
        "shared draws",
        "Each year, USD",
        "Service lost 8 quarters",
    ):
        assert words in said.out
    for caveat in ("vintage", "not predicted", "Lock-in terms are priors", "three bases", "Budgets are given"):
        assert caveat in said.out


def test_json_has_bands_differences_errors_and_dependence(run: Run) -> None:
    answer = json.loads(
        run("simulate", "h200-share-cap", "--against", "no-sales", *FEW, "--quantity", "delivered_h200", "--json").out
    )
    assert answer["scenario"] == "h200-share-cap"
    assert answer["vs"] == "no-sales"
    assert answer["quarters"][0] == "2022Q1"
    taken = answer["paths"]["us_take"]
    assert taken["unit"] == "usd_per_quarter"
    assert len(taken["low"]) == len(taken["mid"]) == len(taken["high"]) == len(answer["quarters"])
    assert all(a <= b <= c for a, b, c in zip(taken["low"], taken["mid"], taken["high"], strict=True))
    assert taken["error_last"]["mid"] > 0
    assert answer["difference"]["delivered_h200"]["high"][-1] > 0
    assert len(answer["answer"]["sentences"]) == 3
    assert answer["answer"]["effects"]["us_take"]["difference"][1] > 0
    assert answer["vs_paths"]["delivered_h200"]["high"][-1] == 0
    assert answer["dependence"]["no-sales"]["loss"]["4"]["mid"] >= 0
    assert answer["caveats"]
    assert answer["sources"]


def test_three_sentences_and_a_picture_come_first(run: Run) -> None:
    lines = run("simulate", "h200-share-cap", "--against", "no-sales", *FEW).out.splitlines()
    assert lines[0].startswith("By 2028Q4 compute in China")
    assert lines[1].startswith("From 2027Q1 to 2028Q4")
    assert lines[2].startswith("The sign for compute")
    assert [line[:6] for line in lines[4:6]] == ["2027Q4", "2028Q4"]
    assert "●" in lines[4]


def test_a_question_is_answered_with_its_probability(run: Run) -> None:
    told = json.loads(
        run("simulate", "no-sales", *FEW, "--ask", "gap < 4 on 2027-12-31", "--ask", "gap > 4 on 2027Q4", "--json").out
    )
    low, high = told["asked"]
    assert low["quarter"] == high["quarter"] == "2027Q4"
    assert low["probability"] + high["probability"] == pytest.approx(1.0)
    assert low["low"] <= low["mid"] <= low["high"]
    assert "probability" in run("simulate", "no-sales", *FEW, "--ask", "gap < 4 on 2027-12-31").out


def test_what_was_known_on_a_day(run: Run) -> None:
    now = json.loads(run("simulate", "record", *FEW, "--json").out)
    then = json.loads(run("simulate", "record", *FEW, "--known-on", "2025-06-30", "--json").out)
    at = now["quarters"].index("2026Q1")
    for name in ("rent_us_h100", "nvidia_dc_revenue"):
        told = [
            json.loads(run("simulate", "record", *FEW, *day, "--quantity", name, "--json").out)["paths"][name]
            for day in ((), ("--known-on", "2025-06-30"))
        ]
        assert told[0]["high"][at] < 1.05 * told[0]["low"][at]
        assert told[1]["high"][at] > 1.2 * told[1]["low"][at]
    assert then["quarters"] == now["quarters"]


def test_a_proposal_answers_in_one_paragraph(run: Run) -> None:
    listed = json.loads(run("market", "proposals", "--json").out)
    assert len(listed) >= 15
    said = json.loads(run("market", "proposals", "remote-access", "--draws", "100", "--json").out)
    assert said["against"] == "as-it-stands"
    assert said["effects"]["offshore_h100e"]["difference"][1] < 0
    assert "What this cannot say" in said["answer"]
    assert "capacity rented abroad -100 percent" in said["answer"]
    chinese = run("market", "proposals", "remote-access", "--draws", "100", "--lang", "zh").out
    assert "远程访问安全法案" in chinese
    assert "What this cannot say" not in chinese


def test_same_command_same_answer(run: Run) -> None:
    first, again = (run("simulate", "record", *FEW, "--json").out for _ in range(2))
    assert first == again


def test_csv_has_one_measure_name_per_row(run: Run) -> None:
    rows = run("simulate", "h200-share-cap", "--against", "no-sales", *FEW, "--csv").out.splitlines()
    names = ("a_2028q4", "b_2028q4", "a_minus_b_2027q4", "a_minus_b_2028q4")
    columns = ",".join(f"{name},{name}_low,{name}_high" for name in names)
    assert rows[0] == f"measure,{columns},monte_carlo_error,marks,sources"
    assert all(not row.startswith(",") for row in rows)
    for name in ("us_take_usd,", "rent_china_h100_usd_per_hour,", "domestic_share_value,", "gap,"):
        assert sum(row.startswith(name) for row in rows) == 1, name


def test_assumptions_of_one_school_for_both_runs(run: Run) -> None:
    loose, tight = (
        json.loads(run("simulate", "h200-share-cap", *FEW, "--assume", name, "--json").out)["dependence"][
            "h200-share-cap"
        ]["tipping"]
        for name in ("containment", "dependence-is-strength")
    )
    assert loose < tight


def test_chart_and_parquet_are_written_whole(run: Run, tmp_path: Path) -> None:
    pytest.importorskip("vl_convert")
    said = run("simulate", "record", *FEW, "--chart", str(tmp_path / "c.svg"), "--parquet", str(tmp_path / "draws"))
    assert said.status == 0
    assert (tmp_path / "c.svg").read_text().startswith("<svg")
    assert len(list((tmp_path / "draws" / "record").glob("part-000000-*.parquet"))) == 1


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (("simulate", "nosales"), "'no-sales'"),
        (("simulate", "record", "--until", "2050Q1"), "out of range"),
        (("simulate", "record", "--until", "soon"), "not a quarter"),
        (("simulate", "record", "--since", "2033Q1"), "--since"),
        (("simulate", "record", "--draws", "0"), "--draws"),
        (("simulate", "record", *FEW, "--quantity", "h100", "--json"), "unknown quantity"),
        (("simulate", "record", *FEW, "--stop", "2028Q3x"), "not a quarter"),
        (("simulate", "record", *FEW, "--ask", "gap is small"), "is not a question"),
        (("simulate", "record", *FEW, "--ask", "gap < 4 on 2035Q1"), "--until 2035Q1"),
        (("simulate", "record", *FEW, "--ask", "gpa < 4 on 2027Q1"), "unknown quantity"),
        (("simulate", "record", *FEW, "--ask", "gap < 4 on someday"), "is not a date"),
        (("simulate", "record", *FEW, "--known-on", "soon"), "is not a day"),
        (("simulate", "record", *FEW, "--known-on", "2023-01-01"), "too little is counted"),
        (("market", "proposals", "remote-acces"), "remote-access"),
        (("market", "sensitivity", "record", "--base", "100"), "power of two"),
        (("market", "sensitivity", "record", "--measure", "budgte", "--base", "2"), "unknown quantity"),
        (("market", "explore", "record", "--against", "no-sales", "--measure", "budgte"), "unknown quantity"),
    ],
)
def test_mistakes_are_told_in_words(run: Run, command: tuple[str, ...], words: str) -> None:
    said = run(*command)
    assert said.status == 2
    assert words in said.err
    assert "Traceback" not in said.err


def test_every_problem_of_a_file_is_printed_with_its_line(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text('[[lever]]\nname = "alow"\n[[lever]]\nname = "unit_cap"\nvalue = -1\n')
    said = run("simulate", str(file))
    assert said.status == 2
    assert f"{file}:2:" in said.err
    assert f"{file}:5:" in said.err


@pytest.mark.parametrize("listing", ["scenarios", "levers", "parameters", "quantities", "proposals"])
def test_listings(run: Run, listing: str) -> None:
    rows = json.loads(run("market", listing, "--json").out)
    assert len(rows) >= 10


def test_every_parameter_has_a_source_and_a_basis(run: Run) -> None:
    for row in json.loads(run("market", "parameters", "--json").out):
        assert row["source"], row
        assert row["basis"], row
        assert row["unit"], row


def test_sensitivity_prints_both_orders(run: Run) -> None:
    said = run("market", "sensitivity", "record", "--measure", "budget", "--quarter", "2023Q1", "--base", "4")
    assert said.status == 0
    assert "Total" in said.out
    assert "First" in said.out
    assert "Lock-in terms are priors" in said.out
