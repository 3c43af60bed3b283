"""The workbook: its formulas, recomputed by another program, give the plan's own numbers, also after a change of inputs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import formulas
import openpyxl
import pytest

import chipwall as cw

ASKED: dict[str, Any] = {
    "rate": 50, "prompt": 2000, "output": 300, "ttft": "1 s", "tpot": "30 ms", "chips": ["h200", "h20"],
    "precision": "fp8", "rent": {"h200": 3.0, "h20": 0.6}, "price": {"h200": 30_000, "h20": 12_000},
}  # fmt: skip


@pytest.fixture(scope="module")
def asked() -> Any:
    return cw.plan("llama-3.3-70b", **ASKED)


def recomputed(path: Path) -> dict[tuple[str, int, int], Any]:
    """Every cell of a workbook as the evaluator computes it, by sheet, row and column."""
    solved = formulas.ExcelModel().loads(str(path)).finish().calculate()
    found = {}
    for key, ranges in solved.items():
        if not hasattr(ranges, "value"):
            continue
        sheet, _, cell = str(key).rpartition("!")
        if ":" in cell:
            continue
        name = sheet.rpartition("]")[2].strip("'").title()
        column, row = openpyxl.utils.cell.coordinate_from_string(cell)
        found[name, row, openpyxl.utils.column_index_from_string(column)] = ranges.value[0, 0]
    return found


def by_name(path: Path, sheet: str) -> dict[str, int]:
    page = openpyxl.load_workbook(path)[sheet]
    return {str(row[0].value): row[0].row for row in page.iter_rows() if row[0].value}


def results(p: Any) -> dict[str, Any]:
    best = p.best
    return {
        "chips": best.chips, "rent, a month": best.rent, "capital": best.owning.capital, **best.owning.parts,
        "own, all together": best.own, "cost that counts, a month": best.month, "per million output tokens": best.per_million,
    }  # fmt: skip


def assert_equal(path: Path, p: Any) -> None:
    values, rows = recomputed(path), by_name(path, "Plan")
    for name, span in results(p).items():
        for column, wanted in zip((2, 3, 4), (span.value, span.low, span.high), strict=True):
            got = values["Plan", rows[name], column]
            assert str(got) == "-" if wanted is None else float(got) == pytest.approx(wanted, rel=1e-9), (name, column)


def test_the_formulas_give_the_plan(asked, tmp_path: Path) -> None:
    path = tmp_path / "plan.xlsx"
    asked.to_xlsx(path)
    assert asked.record.best.kind == "mixed"  # two pools with formulas of their own
    assert_equal(path, asked.record)
    kept = openpyxl.load_workbook(path, data_only=True)["Plan"]  # what a program shows that does not recompute
    rows = by_name(path, "Plan")
    assert kept.cell(rows["capital"], 2).value == pytest.approx(asked.record.best.owning.capital.value, rel=1e-12)


def test_a_changed_input_gives_the_plan_with_it(asked, tmp_path: Path) -> None:
    path = tmp_path / "plan.xlsx"
    asked.to_xlsx(path)
    book, rows = openpyxl.load_workbook(path), by_name(path, "Inputs")
    for name, value in (("PUE", 1.2), ("electricity, per kWh", 0.05), ("life, years", 4.0)):
        for column in (2, 3, 4):
            book["Inputs"].cell(rows[name], column).value = value
    changed = tmp_path / "changed.xlsx"
    book.save(changed)
    wanted = asked.with_(pue=1.2, electricity=0.05, life=4.0).record
    assert wanted.best.pick == asked.record.best.pick
    assert_equal(changed, wanted)


def test_sources_stand_on_their_own_sheet(asked, tmp_path: Path) -> None:
    path = tmp_path / "plan.xlsx"
    asked.to_xlsx(path)
    assert set(asked.sources) <= set(by_name(path, "Sources"))


def test_the_command_line_writes_it_and_refuses_a_place_that_cannot_be(run, tmp_path: Path) -> None:
    words = ["plan", "llama-3.1-8b", "--rate", "5", "--chips", "h100"]
    assert run(*words, "--xlsx", str(tmp_path / "a.xlsx")).status == 0
    assert openpyxl.load_workbook(tmp_path / "a.xlsx").sheetnames == ["Plan", "Inputs", "Sources"]
    refused = run(*words, "--xlsx", str(tmp_path / "no" / "a.xlsx"))
    assert refused.status == 2
    assert len(refused.err.strip().splitlines()) <= 3
