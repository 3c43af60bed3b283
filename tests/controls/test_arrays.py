"""The array form on the cases themselves, and its edges."""

import csv
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from chipwall.controls import arrays
from chipwall.controls.load import law
from chipwall.errors import InputError

CASES = Path(__file__).parent / "cases"


def test_array_form_gives_the_expected_class_of_every_processor_case() -> None:
    table = []
    for path in CASES.glob("*.csv"):
        with path.open(encoding="utf-8", newline="") as handle:
            table += [
                row
                for row in csv.DictReader(handle)
                # bare memory and the foundry presumption are no thresholds of a processor
                if not row["chip"].endswith("(bare)") and row["expected_eccn"] and row.get("exporter") != "fab"
            ]

    def column(name: str) -> np.ndarray:
        return np.array([float(row[name]) if row[name] else np.nan for row in table])

    area, density = column("die_area_mm2"), column("pd")
    with np.errstate(divide="ignore", invalid="ignore"):
        quotient = np.where(area > 0, column("tpp") / area, np.nan)
    found = arrays.classes(
        {
            "tpp": column("tpp"),
            "performance_density": np.where(np.isnan(density), quotient, density),
            "io_rate": column("io_bw_gbps"),
            "datacenter": column("datacenter"),
        },
        np.array([row["as_of"] for row in table], dtype="datetime64[D]"),
        law=law(),
    )
    assert [arrays.CONTROL_CLASSES[index] for index in found] == [row["expected_eccn"] for row in table]


def test_density_is_worked_out_from_area_and_undefined_without_one() -> None:
    columns = {
        "tpp": np.array([1628.0, 4000.0]),
        "die_area": np.array([275.0, 0.0]),
        "datacenter": np.array([1.0, 1.0]),
    }
    found = arrays.classes(columns, date(2024, 6, 1), law=law())
    assert [arrays.CONTROL_CLASSES[index] for index in found] == ["3A090.a", "unknown"]


def test_columns_broadcast_and_blocks_join() -> None:
    tpp = np.linspace(0, 10000, 40001)
    found = arrays.classes(
        {"tpp": tpp, "performance_density": np.array([0.1]), "datacenter": np.array([1.0])}, date(2024, 6, 1),
        law=law(),
    )
    assert found.size == 40001
    assert np.array_equal(found == arrays.CONTROL_CLASSES.index("3A090.a"), tpp >= 4800)


def test_a_column_left_out_is_unknown() -> None:
    found = arrays.classes({"tpp": np.array([2000.0, 5000.0])}, date(2024, 6, 1), law=law())
    assert [arrays.CONTROL_CLASSES[index] for index in found] == ["unknown", "3A090.a"]


def test_duty_bands_on_arrays() -> None:
    columns = {
        "tpp": np.array([15832.0, 13364.0, 20919.0, 15832.0]),
        "dram_bandwidth": np.array([4800.0, 4800.0, 6000.0, np.nan]),
    }
    assert arrays.family_verdict(columns, date(2026, 2, 15), family="duty", law=law()).tolist() == [1, 0, 1, -1]
    assert arrays.family_verdict(columns, date(2026, 1, 14), family="duty", law=law()).tolist() == [0, 0, 0, 0]


def test_two_dimensions_are_refused() -> None:
    with pytest.raises(InputError):
        arrays.classes({"tpp": np.ones((2, 2))}, date(2024, 6, 1), law=law())
