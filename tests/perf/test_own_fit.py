"""A site's own calibration: it helps runs that it has not seen, or it stays away."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from chipwall import catalog
from chipwall.api.calibration import calibrate, use, using
from chipwall.api.serving import serve
from chipwall.errors import InputError
from chipwall.perf.evidence.load_files.records import LoadRun, Times
from chipwall.perf.evidence.releases import version_year
from chipwall.perf.fitting.own import OwnFit, SiteRuns, own_fit, site_runs
from chipwall.perf.fitting.site import read_site
from chipwall.perf.load import measured
from chipwall.perf.serving.setup import serving_hardware
from chipwall.perf.serving.workload import Question
from chipwall.perf.shipped import shipped
from tests.perf.load_tests import writers

TABLE = writers.table()
SETUP = ("tool", "chip", "model", "precision", "kv", "engine", "chips", "tensor")


def rows_of(tool: str, chip: str, model: str) -> list[dict[str, str]]:
    return [r for r in TABLE if (r["tool"], r["chip"], r["model"]) == (tool, chip, model)]


def options_of(row: dict[str, str]) -> dict[str, Any]:
    return {
        "engine": f"{row['engine']}@{row['date'][:7]}", "chips": int(row["chips"]), "tensor": int(row["tensor"]),
        "precision": row["precision"], "kv": row["kv"] or None,
    }  # fmt: skip


@pytest.fixture(scope="module")
def made() -> SiteRuns:
    """Twelve runs of a model whose launches cost three times the shipped ones, measured with 2 % of scatter."""
    base, model = shipped(), catalog.model("llama-3.1-8b")
    hw = serving_hardware(catalog.chip("h100-sxm"), base, engine="vllm")
    asked = [(u, p) for u in (1, 4, 16, 64) for p in (256, 1024, 4096)]
    runs = [
        LoadRun(
            "vllm bench",
            f"{u}x{p}",
            users=float(u),
            prompt=float(p),
            output=256.0,
            completed=100.0,
            each=Times(median=1.0),
        )
        for u, p in asked
    ]
    bare = site_runs(model, hw, Question(chips=1, tensor=1, precision="bf16", engine="vllm"), runs, base)
    launch = bare.constants["serving.launch"].value(bare.labels, year=bare.year)
    slow = bare.predicted({"serving.launch": np.full(len(runs), 3.0 * launch)}, np.arange(len(runs)))
    return replace(bare, value=slow * np.exp(0.02 * np.sin(7.0 * np.arange(len(runs)))))


@pytest.fixture(scope="module")
def fitted(made: SiteRuns) -> OwnFit:
    return own_fit(made)


def test_a_site_that_differs_is_found(fitted: OwnFit) -> None:
    assert not fitted.kept
    assert fitted.after["tpot"] < fitted.before["tpot"] / 2
    moved = {c.name: c for c in fitted.changes}
    assert moved["serving.launch"].after > 1.2 * moved["serving.launch"].before
    assert all(c.low <= c.after <= c.high for c in fitted.changes)
    low, high = fitted.bands["tpot"]
    assert low < 1.0 < high


def test_a_site_like_the_shipped_one_keeps_the_shipped_constants(made: SiteRuns) -> None:
    same = replace(made, value=made.shipped() * np.exp(0.03 * np.sin(5.0 * np.arange(len(made.value)))))
    found = own_fit(same)
    assert found.kept
    assert found.changes == ()
    assert found.before == found.after


def test_too_few_runs_are_refused(made: SiteRuns) -> None:
    with pytest.raises(InputError, match="too few"):
        own_fit(made.at(np.arange(3)))


def test_runs_left_out_of_ten_come_out_better(made: SiteRuns) -> None:
    rng = np.random.default_rng(3)
    for _ in range(3):
        taken = np.sort(rng.choice(len(made.value), 10, replace=False))
        away = np.setdiff1d(np.arange(len(made.value)), taken)
        found = own_fit(made.at(taken))
        changed = {c.name: np.full(len(away), c.after) for c in found.changes}
        before = np.abs(made.shipped()[away] / made.value[away] - 1)
        after = np.abs(made.predicted(changed, away) / made.value[away] - 1)
        assert np.median(after) < np.median(before)


@pytest.mark.parametrize(
    ("tool", "chip", "model"),
    [("sglang bench", "h200", "llama-3.1-405b"), ("aiperf", "gb10", "qwen3-8b"), ("vllm bench", "h200", "deepseek-r1")],
)
def test_public_load_files_of_three_tools(tool: str, chip: str, model: str, tmp_path: Path) -> None:
    """Runs left out are never more than a point worse, and half as wrong where they were more than a tenth wrong."""
    rows = rows_of(tool, chip, model)
    answer = calibrate(writers.written(tmp_path, rows), chip, model, **options_of(rows[0]))
    before, after = answer.before.value, answer.after.value
    assert after <= before + 0.01
    assert before <= 0.10 or after <= before / 2


@pytest.fixture(scope="module")
def site_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    rows = rows_of("vllm bench", "h200", "deepseek-r1")
    calibrate(writers.written(folder, rows), "h200", "deepseek-r1", out=folder / "my.toml", **options_of(rows[0]))
    return folder / "my.toml"


def test_a_calibration_is_applied_and_taken_back(site_file: Path) -> None:
    row = rows_of("vllm bench", "h200", "deepseek-r1")[0]
    asked = {
        "chips": 8, "tensor": 8, "precision": "fp8", "engine": "sglang", "engine_date": row["date"][:7],
        "users": float(row["users"]), "prompt": float(row["prompt"]), "output": float(row["output"]),
    }  # fmt: skip
    plain = serve("deepseek-r1", "h200", **asked)
    with using(site_file):
        own = serve("deepseek-r1", "h200", **asked)
        other_chip = serve("deepseek-r1", "h20", **{**asked, "chips": 16, "tensor": 16})
    again = serve("deepseek-r1", "h200", **asked)
    assert own.tpot.value != plain.tpot.value
    assert again.tpot == plain.tpot
    assert own.tpot.basis == "calibrated"
    assert own.measured[0]["source"] == "vllm bench"
    assert other_chip.tpot.value > 0
    use(site_file)
    try:
        assert serve("deepseek-r1", "h200", **asked).tpot == own.tpot
    finally:
        use(None)


def test_a_calibration_is_read_as_it_was_written(site_file: Path) -> None:
    site = read_site(site_file)
    assert (site.chip, site.engine, site.model) == (catalog.chip("h200").id, "sglang", catalog.model("deepseek-r1").id)
    assert len(site.runs) == 22
    assert all(r.measured["tpot"] > 0 for r in site.runs)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (('name = "serving.engine"', 'name = "serving.magic"'), "no constant"),
        (("offset = ", "offset = 1e3 # "), "none that a fit gives"),
        (("[calibration]", "[calibratoin]"), "unknown table"),
        (('figure = "tpot"', 'figure = "speed"'), "needs a figure"),
        (("[[run]]", "[[rum]]"), "unknown table"),
    ],
)
def test_a_damaged_calibration_is_refused(change: tuple[str, str], said: str, site_file: Path, tmp_path: Path) -> None:
    damaged = tmp_path / "x.toml"
    damaged.write_text(site_file.read_text(encoding="utf-8").replace(*change), encoding="utf-8")
    with pytest.raises(InputError) as found:
        read_site(damaged)
    assert said in str(found.value)


def test_the_next_run_narrows_the_target(tmp_path: Path) -> None:
    rows = rows_of("sglang bench", "h200", "llama-3.3-70b")
    answer = calibrate(
        writers.written(tmp_path, rows), "h200", "llama-3.3-70b", narrow="64,4000,300", **options_of(rows[0])
    )
    following = answer.to_dict()["next"]
    assert following[0]["after_high"] < following[0]["before_high"]
    assert [n["after_high"] for n in following] == sorted(n["after_high"] for n in following)


def test_a_version_has_the_date_of_its_measured_runs() -> None:
    rows = measured("inference")
    years = [version_year("vllm", v, rows) for v in ("0.6", "0.8", "0.10", "0.15")]
    assert years == sorted(years)
    assert 2024 < years[0] < years[-1] < 2027
    with pytest.raises(InputError, match="no date is known"):
        version_year("vllm", "99.1", rows)
