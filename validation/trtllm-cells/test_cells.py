"""The thirty cells: this model with its shipped constants and with the cell's group left out, beside the peers."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from chipwall.perf.evidence.serving_rows import predict_serving_rows
from chipwall.perf.evidence.validate import Prediction
from chipwall.perf.fitting.left_out import cell_row
from chipwall.perf.shipped import shipped

CELLS = list(csv.DictReader((Path(__file__).parent / "cells.csv").read_text(encoding="utf-8").splitlines()))
MEASURED = np.array([float(c["measured_output_tokens_per_s"]) for c in CELLS])


def error(column: str) -> float:
    """Mean absolute error of a column over the cells it has [1]."""
    given = np.array([float(c[column]) if c.get(column) else np.nan for c in CELLS])
    return float(np.nanmean(np.abs(given / MEASURED - 1)))


def test_shipped_constants_are_within_ten_percent_on_average() -> None:
    found = predict_serving_rows([cell_row(c) for c in CELLS], shipped())
    predicted = np.array([p.predicted for p in found if isinstance(p, Prediction)])
    assert len(predicted) == len(CELLS)
    assert float(np.mean(np.abs(predicted / MEASURED - 1))) < 0.10


@pytest.mark.parametrize("peer", ["aiconfigurator_roofline", "genz", "llm_analysis", "infersim"])
def test_unseen_groups_are_nearer_than_the_peers_without_tables(peer: str) -> None:
    assert error("left_out") < error(peer)
