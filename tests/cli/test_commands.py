"""Every command as a user would type it: forms, numbers that must be shown, and refusals."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

LISTS = [
    ("chips",),
    ("models",),
    ("systems",),
    ("sources",),
    ("compare", "h200", "h100,h20"),
    ("chip", "h200"),
    ("model", "llama-2-70b"),
]


@pytest.mark.parametrize("command", [*LISTS, ("fit", "gpt-3-175b", "--chip", "h200")], ids=" ".join)
def test_json_is_json(run, command) -> None:
    answer = run(*command, "--json")
    assert answer.status == 0
    assert json.loads(answer.out)


@pytest.mark.parametrize("command", LISTS, ids=" ".join)
def test_csv_and_markdown(run, command) -> None:
    rows = list(csv.reader(io.StringIO(run(*command, "--csv").out)))
    assert len({len(r) for r in rows}) == 1
    assert rows[0][-1] == "sources"
    assert run(*command, "--md").out.count("| --- ") >= 1


def test_filters_and_sort(run) -> None:
    rows = json.loads(run("chips", "--vendor", "nvidia", "--min-memory", "96 GB", "--sort", "bandwidth", "--json").out)
    assert rows
    assert all(r["memory_capacity_bytes"] >= 96e9 and r["id"].startswith("nvidia-") for r in rows)
    speeds = [r["memory_bandwidth_bytes_per_s"] or 0 for r in rows]
    assert speeds == sorted(speeds, reverse=True)
    assert rows[0]["sources"]["memory_bandwidth_bytes_per_s"]


def test_family_lists_the_bins(run) -> None:
    ids = {r["id"] for r in json.loads(run("chips", "--family", "910b", "--json").out)}
    assert {"huawei-ascend-910b1", "huawei-ascend-910b4"} <= ids


def test_a_disagreement_shows_both_numbers_and_which_is_used(run) -> None:
    facts = json.loads(run("chip", "mi300x", "--json").out)["facts"]
    published = [f for f in facts if f["quantity"] == "memory_bandwidth"]
    assert len({f["published"] for f in published}) > 1
    assert sum(f["used"] for f in published) == 1
    assert next(f for f in published if f["used"])["reason"]
    assert "✓" in run("chip", "mi300x").out


def test_version_names_code_and_data(run) -> None:
    said = run("--version").out
    assert said.startswith("chipwall 0.")
    assert "data 2026." in said


def test_help_lists_every_command(run) -> None:
    from chipwall.cli import COMMANDS

    said = run("--help").out
    assert all(name in said for name in COMMANDS)


@pytest.mark.parametrize(
    ("command", "what"),
    [
        (("chip", "H2O"), "unknown chip"),
        (("chip", "910b"), "names 5 chips"),
        (("model", "lama-2-70b-x"), "unknown model"),
        (("chips", "--min-memory", "96"), "no unit"),
        (("chips", "--min-bandwidth", "4.8 Tb/s"), "bits"),
        (("chips", "--vendor", "nvida"), "unknown vendor"),
        (("chips", "--sort", "beauty"), "unknown sort"),
        (("compare", "h200"), "at least two"),
        (("fit", "gpt-3-175b", "--chip", "h200", "--users", "-1"), "must be a whole number"),
        (("fit", "gpt-3-175b", "--chip", "h200", "--precision", "fp3"), "unknown weight format"),
        (("fit", "gpt-3-175b", "--chip", "h200", "--memory-utilization", "1.5"), "must be above 0 and at most 1"),
        (("fit", "gpt-3-175b"), "--chip"),
        (("infer", "llama-2-70b", "--chip", "h200", "--ttft", "30 GB"), "s is asked"),
        (("infer", "llama-2-70b", "--chip", "h200", "--tpot", "0"), "must be a time above zero"),
        (("breif", "h200"), "unknown command"),
        (("brief", "h200", "--out", "/nowhere/at/all.html"), "no folder"),
        (("data", "check", "--root", "/nowhere"), "no folder"),
        (("chips", "--colour"), "--colour"),
    ],
    ids=" ".join,
)
def test_bad_input_is_told_in_three_lines(run, command, what) -> None:
    answer = run(*command)
    assert answer.status == 2
    assert answer.out == ""
    lines = answer.err.strip().splitlines()
    assert 1 <= len(lines) <= 3
    assert what in answer.err
    assert "Traceback" not in answer.err


def test_check_of_broken_data_exits_1(run, tmp_path: Path) -> None:
    import shutil

    from chipwall.catalog.files import DATA

    copy = Path(shutil.copytree(DATA, tmp_path / "data"))
    (copy / "systems.toml").write_text("schema = 1\n[[system]\n")
    answer = run("data", "check", "--root", str(copy))
    assert answer.status == 1
    assert "systems.toml:2: not valid TOML" in answer.out
