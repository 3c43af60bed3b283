"""What ``simulate record --known-on 2025-06-30`` prints for 2025Q2 to 2026Q2, against what was counted and quoted since."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from chipwall.catalog.series import load_series
from chipwall.market.model.paths import Paths
from chipwall.market.simulate import simulate

# quantity, quarter, how it is read (at, cumulated, summed from a quarter), series and period of what happened, factor
HAPPENED = (
    ("nvidia_dc_revenue", "2025Q2", "at", "nvidia_datacenter_revenue", "FY26Q2"),
    ("nvidia_dc_revenue", "2025Q3", "at", "nvidia_datacenter_revenue", "FY26Q3"),
    ("nvidia_dc_revenue", "2025Q4", "at", "nvidia_datacenter_revenue", "FY26Q4"),
    ("nvidia_dc_revenue", "2026Q1", "at", "nvidia_datacenter_revenue", "FY27Q1"),
    ("rent_us_h100", "2025Q4", "printed", "rental_us_H100_1yr", "2025-10"),
    ("rent_us_h100", "2026Q1", "printed", "rental_us_H100_1yr", "2026-03"),
    ("rent_china_h100", "2026Q2", "printed", "rental_cn_H100", "2026 mid"),
    ("spending_huawei", "2025Q4", "year", "huawei_ai_chip_revenue", "2025"),
    ("spending_mi308", "2025Q4", "at", "amd_mi308_china_revenue", "2025Q4"),
    *(
        row
        for q in ("2025Q3", "2025Q4")
        for row in (
            ("cumulative_h100e_grey", q, "at", "epoch_china_smuggled_h100e_cum", q),
            ("delivered_grey", q, "cumulated", "epoch_china_smuggled_units_cum", q),
            ("cumulative_h100e_huawei", q, "at", "epoch_huawei_h100e_cum", q),
            ("cumulative_h100e_cambricon", q, "at", "epoch_cambricon_h100e_cum", q),
            ("cumulative_h100e_legal", q, "at", "epoch_china_legal_nvidia_h100e_cum", q),
            ("delivered_ascend-910b", q, "at", "epoch_huawei_units_910B", q),
            ("delivered_ascend-910c", q, "at", "epoch_huawei_units_910C", q),
            ("delivered_cambricon", q, "at", "epoch_cambricon_units_590", q),
            ("delivered_h20", q, "at", "epoch_nvidia_china_legal_units_H20", q),
        )
    ),
)


def sample(paths: Paths, name: str, quarter: str, how: str) -> np.ndarray:
    at = paths.quarters.index(quarter)
    rows = paths.values[name]
    if how == "cumulated":
        return rows[: at + 1].sum(axis=0)
    return rows[at - 3 : at + 1].sum(axis=0) if how == "year" else rows[at]


def happened(series: str, period: str, how: str) -> float:
    row = next(o for o in load_series().observations[series] if o.period.label == period and o.value is not None)
    return float(row.as_printed or 0.0) if how == "printed" else float(row.value or 0.0)


@pytest.fixture(scope="module")
def inside() -> list[tuple[bool, float]]:
    paths = simulate("record", draws=4000, until="2026Q4", known_on=date(2025, 6, 30))
    told = []
    for name, quarter, how, series, period in HAPPENED:
        draws, value = sample(paths, name, quarter, how), happened(series, period, how)
        low, high = np.quantile(draws, (0.05, 0.95))
        told.append((bool(low <= value <= high), float(np.mean(draws < value) + np.mean(draws == value) / 2)))
    return told


def test_the_printed_band_covers_at_its_stated_rate(inside: list[tuple[bool, float]]) -> None:
    assert len(inside) >= 24
    assert 0.8 <= np.mean([hit for hit, _ in inside]) <= 1.0


def test_what_happened_lies_on_both_sides_of_the_middle(inside: list[tuple[bool, float]]) -> None:
    assert 0.3 < np.median([rank for _, rank in inside]) < 0.7
