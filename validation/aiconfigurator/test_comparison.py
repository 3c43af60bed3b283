"""Beside NVIDIA's own tool on the runs that both answer."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

SPEC = importlib.util.spec_from_file_location("compare_aiconfigurator", Path(__file__).parent / "compare.py")
assert SPEC
assert SPEC.loader
compare = importlib.util.module_from_spec(SPEC)
sys.modules[SPEC.name] = compare
SPEC.loader.exec_module(compare)


@pytest.fixture(scope="module")
def found() -> list:
    return compare.pairs()


def test_two_hundred_runs_have_both_answers(found: list) -> None:
    assert len(found) >= 200
    assert len({p.row["model"] for p in found}) >= 5


def test_shipped_constants_are_nearer_than_the_peer(found: list) -> None:
    assert compare.median_error([p.own for p in found]) < compare.median_error([p.peer for p in found])


def test_models_that_no_constant_saw_are_nearer_too(found: list) -> None:
    assert compare.median_error([p.unseen for p in found]) < compare.median_error([p.peer for p in found])


def test_bias_is_small(found: list) -> None:
    assert 0.9 < float(np.median([p.own for p in found])) < 1.1


def test_the_table_prints(found: list) -> None:
    lines = list(compare.table(found))
    assert any(line.startswith("tensor parallel 8") for line in lines)
    assert any(line.startswith("clients 1-4") for line in lines)
