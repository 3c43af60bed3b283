"""The validation engine: the published schema, what counts, what is skipped, what is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from chipwall.errors import InputError
from chipwall.perf.evidence.validate import read_measurements, validated_table
from chipwall.perf.fitting.constants_file import calibration_toml
from chipwall.perf.fitting.hardware import refit
from chipwall.perf.load import measured, table
from chipwall.perf.shipped import shipped

SHIPPED = shipped()

ROW = {
    "id": "K1", "chip": "H100", "op": "gemm", "impl": "torch_flow", "dtype": "bfloat16", "m": "4096", "n": "8192",
    "k": "8192", "metric": "us", "value": "672.8", "use": "fit", "class": "serving-stack",
}  # fmt: skip


def as_csv(rows: list[dict[str, str]], place: Path) -> Path:
    columns = list(rows[0])
    lines = [",".join(columns)] + [",".join(row.get(c, "") for c in columns) for row in rows]
    place.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return place


def test_json_has_the_published_shape(tmp_path: Path, run: Callable[..., Any]) -> None:
    rows = [
        ROW,
        {**ROW, "id": "K2", "use": "report"},
        {**ROW, "id": "K3", "use": "drop"},
        {**ROW, "id": "K4", "value": "OOM"},
    ]
    place = as_csv(rows, tmp_path / "kernels.csv")
    said = run("validate", "kernels", str(place), "--json")
    assert said.status == 0, said.err
    found = json.loads(said.out)
    assert [r["id"] for r in found["results"]] == ["K1", "K2"]
    assert set(found["results"][0]) == {"id", "measured", "predicted", "low", "high", "basis", "class"}
    assert found["results"][0]["predicted"] == pytest.approx(672.8, rel=0.15)
    assert {s["id"]: bool(s["reason"]) for s in found["skipped"]} == {"K3": True, "K4": True}
    assert (found["summary"]["counted"], found["summary"]["predicted"]) == (1, 2)


def test_a_file_without_the_use_column_counts_all(tmp_path: Path) -> None:
    rows = [{k: v for k, v in ROW.items() if k not in ("use", "class")}]
    found = validated_table("kernels", read_measurements("kernels", as_csv(rows, tmp_path / "a.csv")), SHIPPED)
    assert found.summary["counted"] == 1


def test_predictions_are_in_the_unit_of_the_row() -> None:
    rate = {**ROW, "metric": "tflops", "value": "817.2"}
    time, speed = validated_table("kernels", [ROW, rate], SHIPPED).results
    assert speed.predicted == pytest.approx(2 * 4096 * 8192 * 8192 / (time.predicted * 1e-6) / 1e12)
    assert speed.low < speed.predicted < speed.high


def test_collectives_predict_bandwidth_or_else_latency() -> None:
    row = {"id": "C1", "chip": "H100", "n": "8", "op": "all_reduce", "bytes": "536870912", "busbw_gbps": "445"}
    row["latency_us"] = "2111"
    band, late = validated_table("collectives", [row, {**row, "id": "C2", "busbw_gbps": ""}], SHIPPED).results
    assert band.predicted == pytest.approx(445, rel=0.15)
    assert late.predicted == pytest.approx(2111, rel=0.15)


def test_every_row_is_answered() -> None:
    for kind in ("kernels", "collectives"):
        rows = measured(kind)[::9]
        found = validated_table(kind, rows, SHIPPED)
        assert len(found.results) + len(found.skipped) == len(rows)
        assert len(found.skipped) <= 2
        assert found.summary["median_error"] < 0.08
        assert 0.74 < found.summary["interval_coverage"] < 0.92


@pytest.mark.parametrize(
    ("change", "message"),
    [({"colour": "red"}, "unknown column"), ({"metric": None}, "is missing")],
)
def test_columns_are_checked(tmp_path: Path, change: dict[str, str | None], message: str) -> None:
    row = {k: v for k, v in {**ROW, **change}.items() if v is not None}
    with pytest.raises(InputError, match=message):
        read_measurements("kernels", as_csv([row], tmp_path / "a.csv"))


def test_an_unknown_unit_is_refused() -> None:
    with pytest.raises(InputError, match="furlongs"):
        validated_table("kernels", [{**ROW, "metric": "furlongs"}], SHIPPED)


@pytest.mark.parametrize(("kind", "name"), [("kernel", "a.csv"), ("kernels", "missing.csv")])
def test_bad_kinds_and_files_are_refused_in_three_lines(
    tmp_path: Path, kind: str, name: str, run: Callable[..., Any]
) -> None:
    said = run("validate", kind, str(tmp_path / name))
    assert said.status == 2
    assert 1 <= len(said.err.strip().splitlines()) <= 3


def test_binary_rubbish_is_refused(tmp_path: Path) -> None:
    place = tmp_path / "a.csv"
    place.write_bytes(b"\xff\xfe\x00\x01")
    with pytest.raises(InputError):
        read_measurements("kernels", place)


def test_calibration_file_is_what_its_writer_writes() -> None:
    from importlib.resources import files

    shipped = (files("chipwall.perf") / "data" / "calibration.toml").read_text(encoding="utf-8")
    assert calibration_toml(SHIPPED.kernels) == shipped
    assert table("calibration")["bands"]


def test_calibrate_reproduces_the_shipped_constants() -> None:
    again, shipped = refit(SHIPPED, cross_validate=False).calibration.constants, SHIPPED.kernels.constants
    assert again.keys() == shipped.keys()
    for name, constant in again.items():
        assert constant.level == pytest.approx(shipped[name].level, abs=2e-3), name
        assert constant.slope == pytest.approx(shipped[name].slope, abs=2e-3), name


def test_scientific_kernels_and_retrieval_on_the_command_line(run: Callable[..., Any]) -> None:
    said = run("hpc", "h200", "h20")
    assert said.status == 0
    assert "LINPACK" in said.out
    found = json.loads(run("hpc", "h200", "--json").out)
    assert found["nvidia-h200-sxm"][0]["unit"] == "byte/s"
    found = json.loads(run("rag", "llama-3.1-8b", "--chip", "h200", "--json").out)
    assert sum(part["value"] for part in found["breakdown"]) == pytest.approx(found["value"])
    assert run("rag", "llama-3.1-70b", "--chip", "h200").status == 2
    assert run("rag", "llama-3.1-8b", "--chip", "h200", "--embedder", "huge").status == 2
