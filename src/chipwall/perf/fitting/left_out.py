"""Predictions of published cells by fits that never saw the cell's model on the cell's chip, from any source.

``python -m chipwall.perf.fitting.left_out FILE`` writes the column ``left_out`` of a file of cells again.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from chipwall import catalog
from chipwall.perf.calibrated import Calibrated
from chipwall.perf.evidence.serving import STAND_INS
from chipwall.perf.fitting.serving import AGAIN, fit_rows, prepared
from chipwall.perf.load import measured
from chipwall.perf.shipped import shipped

__all__ = ["cell_row", "left_out"]


def cell_row(cell: Mapping[str, str]) -> dict[str, str]:
    """A cell as a row of the shared column format."""
    return {
        "id": "-".join((cell["model"], cell["chip"], cell["isl"], cell["osl"])),
        "source_name": "NVIDIA TensorRT-LLM perf docs",
        "version_or_round": "TensorRT-LLM 1.0",
        "chip": cell["chip"],
        "n_chips": cell["tp"],
        "model": cell["model"],
        "precision_weights": "fp8",
        "precision_kv": "fp8",
        "engine": "TensorRT-LLM 1.0 (PyTorch)",
        "scenario": "in-flight",
        "isl": cell["isl"],
        "osl": cell["osl"],
        "batch_or_concurrency": "max",
        "tp": cell["tp"],
        "pp": "1",
        "ep": "",
        "dp": "1",
        "metric": "output_tokens_per_s",
        "value": cell["measured_output_tokens_per_s"],
        "notes": "",
        "class": "tuned",
        "moe": "0",
        "use": "fit",
    }


def _key(row: Mapping[str, str]) -> tuple[str, str]:
    return catalog.load().names.model_of_table(row["model"]).id, catalog.chip(
        STAND_INS.get(row["chip"], row["chip"])
    ).id


def left_out(
    cells: Sequence[Mapping[str, str]], rows: Sequence[Mapping[str, str]], calibrated: Calibrated
) -> list[float]:
    """Output tokens/s of every cell, each by a fit without the rows of its model and chip [token/s]."""
    problem, fit = fit_rows([r for r in rows if r["use"] == "fit"], calibrated)
    keys = [_key(r) if "InternLM" not in r["model"] else ("", "") for r in problem.rows]
    wanted = [_key(cell_row(c)) for c in cells]
    found = np.zeros(len(cells))
    few = problem.narrowed(fit)
    slopes = fit.slopes(few.values, np.arange(len(keys)))
    for group in sorted(set(wanted)):
        each = few.solved(
            np.flatnonzero([k != group for k in keys]), start=fit.coefficients, how=AGAIN, slopes=slopes
        )
        at = [i for i, w in enumerate(wanted) if w == group]
        rows_of_group, asked = prepared([cell_row(cells[i]) for i in at], calibrated)
        found[at] = problem.like(rows_of_group, asked).predicted(each)
    return [float(v) for v in found]


def write_left_out(place: str) -> None:
    """Write the column of a file."""
    path = Path(place)
    with path.open(encoding="utf-8", newline="") as handle:
        cells = list(csv.DictReader(handle))
    for cell, value in zip(cells, left_out(cells, measured("inference"), shipped()), strict=True):
        cell["left_out"] = f"{value:.0f}"
    with path.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.DictWriter(handle, list(cells[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(cells)


if __name__ == "__main__":
    write_left_out(sys.argv[1])
