"""The tables of cases: ours and the ones that came with the reference; bad rows, exit codes, the JSON of the command."""

import csv
import json
from pathlib import Path

import pytest

from chipwall.cli import main
from chipwall.controls.case_files import COMPARED_FLAGS, INPUT_COLUMNS, run_cases
from chipwall.controls.load import law
from chipwall.errors import InputError

CASES = Path(__file__).parent / "cases"
FILES = sorted(CASES.glob("*.csv"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_case_agrees(path: Path) -> None:
    report = run_cases(path, law=law())
    assert report.disagree == ()
    assert report.bad_rows == ()
    assert report.agree == report.cases
    assert report.exit_code == 0


def test_reference_set_is_whole() -> None:
    assert run_cases(CASES / "known_classifications.csv", law=law()).cases == 146


def test_every_compared_flag_is_expected_by_some_case() -> None:
    seen: set[str] = set()
    for path in FILES:
        with path.open(encoding="utf-8", newline="") as handle:
            for row in csv.DictReader(handle):
                seen |= set(row["expected_flags"].split(";"))
    assert seen >= COMPARED_FLAGS


def rows() -> list[dict[str, str]]:
    with (CASES / "known_classifications.csv").open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


def written(tmp_path: Path, table: list[dict[str, str]]) -> Path:
    path = tmp_path / "cases.csv"
    with path.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.DictWriter(handle, list(table[0]))
        writer.writeheader()
        writer.writerows(table)
    return path


BAD = [
    ("tpp", "many"),
    ("tpp", "-5"),
    ("tpp", "nan"),
    ("tpp", "1,000"),
    ("tpp", "1_000"),
    ("tpp", "1e999999"),
    ("tpp", "1e99999999999999999999"),
    ("dram_bw_gbps", "1e-999999"),
    ("as_of", "2023-02-30"),
    ("as_of", "20230201"),
    ("as_of", ""),
    ("to_iso2", "ZZ"),
    ("end_user_hq_iso2", "XX"),
    ("activity", "ship"),
    ("datacenter", "maybe"),
    ("pd", "25"),
    ("expected_eccn", "3A999"),
    ("expected_licence", "perhaps"),
    ("expected_flags", "no_such_flag"),
    ("expected_exception", "XYZ"),
    ("expected_duty_pct", "a lot"),
    ("expected_duty_pct", "1e999999"),
]


@pytest.mark.parametrize(("column", "value"), BAD)
def test_bad_cell_is_a_bad_row_and_the_rest_runs(tmp_path: Path, column: str, value: str) -> None:
    table = rows()[:5]
    table[1] = {**table[1], column: value}
    report = run_cases(written(tmp_path, table), law=law())
    assert [row.case_id for row in report.bad_rows] == [table[1]["case_id"]]
    assert (report.cases, report.agree, report.exit_code) == (4, 4, 2)


def test_every_bad_row_and_every_reason_is_reported(tmp_path: Path) -> None:
    table = rows()[:6]
    table[0] = {**table[0], "tpp": "x", "to_iso2": "ZZ", "as_of": "never"}
    table[3] = {**table[3], "activity": ""}
    report = run_cases(written(tmp_path, table), law=law())
    assert [len(row.problems) for row in report.bad_rows] == [3, 1]
    assert report.bad_rows[0].line == 2


def test_density_tolerance_is_a_fifth_of_a_percent(tmp_path: Path) -> None:
    table = [
        {**rows()[0], "tpp": "1000", "die_area_mm2": "100", "pd": pd} for pd in ("10.02", "10.021", "9.98", "9.979")
    ]
    report = run_cases(written(tmp_path, table), law=law())
    assert [row.line for row in report.bad_rows] == [3, 5]


def test_disagreement_exits_one_and_json_has_the_schema(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = rows()[:3]
    table[2] = {**table[2], "expected_licence": "required"}
    path = written(tmp_path, table)
    with pytest.raises(SystemExit) as caught:
        main(["controls", "test", str(path), "--json"])
    answer = json.loads(capsys.readouterr().out)
    assert caught.value.code == 1
    assert set(answer) == {"cases", "agree", "disagree", "bad_rows"}
    assert (answer["cases"], answer["agree"], answer["bad_rows"]) == (3, 2, [])
    assert set(answer["disagree"][0]) == {"case_id", "column", "expected", "got", "why", "direction"}
    assert answer["disagree"][0]["got"] == "not_required"
    assert answer["disagree"][0]["direction"] == "free"


def test_optional_columns_are_read_under_their_other_names(tmp_path: Path) -> None:
    row = {**rows()[0], "chip": "L20", "as_of": "2025-10-15", "to_iso2": "CN", "tpp": "1912", "die_area_mm2": "608.5"}
    row |= {"pd": "", "dram_bw_gbps": "864", "io_bw_gbps": "64", "ownership": "Huawei=30; SMIC=25"}
    row |= {name: "" for name in row if name.startswith("expected_")}
    row |= {"expected_licence": "required", "expected_flags": "affiliates_rule;!party_unmatched"}
    assert run_cases(written(tmp_path, [row]), law=law()).disagree == ()
    row["expected_flags"] = "!affiliates_rule"
    found = run_cases(written(tmp_path, [row]), law=law()).disagree
    assert [(d.column, d.direction) for d in found] == [("expected_flags", "strict")]
    row |= {"ownership": "Huawei=130", "expected_flags": ""}
    assert run_cases(written(tmp_path, [row]), law=law()).bad_rows


@pytest.mark.parametrize(
    ("column", "expected", "direction"),
    [
        ("expected_licence", "not_required", "strict"),
        ("expected_licence", "unknown", "other"),
        ("expected_review_policy", "case_by_case", "strict"),
        ("expected_eccn", "not_3A090", "strict"),
        ("expected_flags", "uae_named", "free"),
        ("expected_exception", "NAC", "strict"),
        ("expected_duty_pct", "25", "free"),
    ],
)
def test_direction_of_a_disagreement(tmp_path: Path, column: str, expected: str, direction: str) -> None:
    row = next(row for row in rows() if row["case_id"] == "K002")
    row = {name: "" if name.startswith("expected_") else cell for name, cell in row.items()} | {column: expected}
    found = run_cases(written(tmp_path, [row]), law=law()).disagree
    assert [(d.column, d.direction) for d in found] == [(column, direction)]


def test_ragged_row_is_bad(tmp_path: Path) -> None:
    path = written(tmp_path, rows()[:3])
    lines = path.read_text(encoding="utf-8").splitlines()
    lines[1] += ",one,more"
    lines[2] = lines[2].split(",")[0]
    path.write_text("\n".join(lines), encoding="utf-8")
    assert len(run_cases(path, law=law()).bad_rows) == 2


def test_files_that_are_no_table_of_cases(tmp_path: Path) -> None:
    empty, header, other = tmp_path / "empty.csv", tmp_path / "header.csv", tmp_path / "other.csv"
    empty.write_text("")
    header.write_text(",".join(INPUT_COLUMNS) + "\n")
    other.write_text("a,b\n1,2\n")
    for path in (empty, header, other, tmp_path / "none.csv"):
        with pytest.raises(InputError):
            run_cases(path, law=law())
    other.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError):
        run_cases(other, law=law())
