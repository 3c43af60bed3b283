"""Microbenchmarks on a CPU: rows of the kernel table, right before fast, nothing lost, nothing asserted about time."""

from __future__ import annotations

import csv
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from chipwall.measure import collector


@pytest.fixture(scope="module")
def device() -> collector.Device:
    return collector.device_of("cpu")


def rows_of(place: Path) -> list[dict[str, str]]:
    with place.open(newline="", encoding="utf-8") as handle:
        return list(csv.DictReader(handle))


def test_the_small_set_measures_every_kind_and_goes_on_where_it_ended(device: collector.Device, tmp_path: Path) -> None:
    place, cases = tmp_path / "rows.csv", collector.cases_of(device, small=True)
    said: list[str] = []
    assert collector.measure(device, cases[:2], place, "mine", minutes=5, say=said.append) == 2
    assert collector.measure(device, cases, place, "mine", minutes=5, say=said.append) == len(cases) - 2
    rows = rows_of(place)
    assert [r["outcome"] for r in rows] == ["ok"] * len(cases), rows
    assert {r["op"] for r in rows} >= {"memcpy", "gemm", "attention_decode", "grouped_gemm", "layer_train"}
    assert all(float(r["value"]) > 0 for r in rows)
    assert len(said) == len(cases)


def test_every_kind_of_row_meets_its_prediction(device: collector.Device, tmp_path: Path) -> None:
    """The columns are those of the kernel table: products, attention and whole layers of a chip that is known."""
    from chipwall.perf.evidence.validate import read_measurements, validated_table
    from chipwall.perf.shipped import shipped

    place = tmp_path / "rows.csv"
    collector.measure(device, collector.cases_of(device, small=True), place, "h200", minutes=5, say=lambda _: None)
    found = validated_table("kernels", read_measurements("kernels", place), shipped())
    told = {p.id.split("-op")[1].split("-")[0] for p in found.results}
    assert told >= {"memcpy", "gemm", "attention_decode", "grouped_gemm", "layer_prefill", "layer_decode", "layer_train"}
    assert {s.id.split("-op")[1].split("-")[0] for s in found.skipped} <= {"launch"}


def test_a_wrong_result_is_told_and_not_timed(device: collector.Device) -> None:
    case = collector.gemm_case(device, 8, 64, 64, "fp32")

    def wrong(d: Any) -> Any:
        call, moved, flop, _ = case.build(d)
        return call, moved, flop, 1.0

    row = collector.row_of_case(device, collector.Case(case.columns, wrong, 1e-3), "mine")
    assert row["outcome"] == "wrong"
    assert "value" not in row


def test_a_size_that_does_not_fit_is_told_and_the_run_goes_on(device: collector.Device, tmp_path: Path) -> None:
    cases = [collector.gemm_case(device, 8, 1 << 24, 1 << 24, "fp32"), collector.gemm_case(device, 8, 64, 64, "fp32")]
    place = tmp_path / "rows.csv"
    collector.measure(device, cases, place, "mine", minutes=5, say=lambda _: None)
    assert [r["outcome"] for r in rows_of(place)] == ["out of memory", "ok"]


def test_time_that_is_over_stops_and_says_what_is_left(device: collector.Device, tmp_path: Path) -> None:
    said: list[str] = []
    cases = collector.cases_of(device, small=True)
    assert collector.measure(device, cases, tmp_path / "x.csv", "mine", minutes=1e-9, say=said.append) == 0
    assert "time is over" in said[0]


@pytest.mark.parametrize("word", ["cuda:0", "npu:3", "abacus"])
def test_a_device_that_is_not_there_is_refused(word: str) -> None:
    with pytest.raises(SystemExit, match="fix:"):
        collector.device_of(word)


def test_the_file_runs_alone_and_its_rows_are_read_back(tmp_path: Path) -> None:
    """Emitted as it is: one file that imports nothing of the package."""
    from chipwall.perf.evidence.validate import read_measurements

    alone = tmp_path / "measure.py"
    alone.write_text(Path(collector.__file__).read_text(encoding="utf-8"), encoding="utf-8")
    assert "chipwall." not in alone.read_text(encoding="utf-8").replace("chipwall validate", "")
    done = subprocess.run(
        [sys.executable, str(alone), "--help"], capture_output=True, text=True, cwd=tmp_path, timeout=120, check=True
    )
    assert "--minutes" in done.stdout
    place = tmp_path / "rows.csv"
    device = collector.device_of("cpu")
    collector.measure(
        device, [collector.gemm_case(device, 8, 64, 64, "fp32")], place, "h200", minutes=1, say=lambda _: None
    )
    assert read_measurements("kernels", place)[0]["op"] == "gemm"
