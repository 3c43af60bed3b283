"""Twelve fleets of AIConfigurator: within 15 % or one replica at the mean; what p95 takes more is the tails'."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from statistics import median


def test_twelve_fleets_agree_or_differ_by_their_tails() -> None:
    spec = importlib.util.spec_from_file_location("aic_fleets", Path(__file__).parent / "fleets.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    found = module.pairs()
    assert len(found) == 12
    assert [p.id for p in found if not p.agrees] == []
    assert median(abs(p.mean / p.theirs - 1.0) for p in found) <= 0.08
    assert all(p.mean <= p.tail <= max(1.2 * p.mean, p.mean + p.replica) for p in found)
