"""The data files hold exactly the facts they were written with: nothing is lost, nothing appears unnoticed."""

from __future__ import annotations

import csv
import tomllib
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

DATA = files("chipwall.catalog") / "data"
EXPECTED = Path(__file__).with_name("expected_counts.csv")


def _read(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text(encoding="utf8"))


def _chip_files() -> list[Path]:
    return sorted(Path(str(DATA)).glob("chips/*/*.toml"))


@pytest.fixture(scope="module")
def expected() -> dict[str, int]:
    with EXPECTED.open(newline="", encoding="utf8") as lines:
        return {row["chip"]: int(row["facts"]) for row in csv.DictReader(lines)}


@pytest.fixture(scope="module")
def chips() -> dict[str, dict[str, Any]]:
    return {f"{path.parent.name}-{path.stem}": _read(path) for path in _chip_files()}


def test_every_chip_is_there_with_all_its_facts(expected: dict[str, int], chips: dict[str, dict[str, Any]]) -> None:
    assert {chip: len(data["facts"]) for chip, data in chips.items()} == expected


def test_ids_follow_the_file_names(chips: dict[str, dict[str, Any]]) -> None:
    assert {stem: data["id"] for stem, data in chips.items()} == {stem: stem for stem in chips}


def test_every_fact_names_a_source_that_one_can_open(chips: dict[str, dict[str, Any]]) -> None:
    known = {source["id"]: source for source in _read(Path(str(DATA / "sources.toml")))["source"]}
    for data in chips.values():
        for fact in data["facts"]:
            source = known[fact["source"]]
            assert source.get("url") or source["kind"] in ("derived", "unsourced"), fact
            assert source["kind"] != "derived" or fact["formula"], fact
            assert (fact["source"] == "unsourced") == (fact["status"] == "unsourced"), fact


# the first table of the page of a chip, and what a legal note turns on
FIRST = {
    "memory_capacity",
    "memory_bandwidth",
    "memory_type",
    "bf16_rate",
    "fp8_rate",
    "link_bandwidth",
    "tdp",
    "data_centre",
}
ASKED = {
    *("a10", "a30", "a40", "a100-40gb-pcie", "a100-40gb-sxm", "a100-80gb-pcie", "a100-80gb-sxm", "a800-40gb-pcie"),
    *("a800-80gb-pcie", "a800-80gb-sxm", "b100", "b200", "b300", "gb200", "gb300", "gh200", "h100-nvl", "h100-pcie"),
    *("h100-sxm", "h20-96gb", "h20-141gb", "h200-nvl", "h200-sxm", "h800-pcie", "h800-sxm", "l2", "l20", "l4", "l40"),
    *("l40s", "rtx-4090", "rtx-4090d", "rtx-5090", "rtx-5090d", "rtx-6000-ada", "rtx-pro-6000-server", "t4"),
}


def test_few_facts_are_unsourced_and_none_that_people_ask_first(chips: dict[str, dict[str, Any]]) -> None:
    loose = [(c, f["quantity"]) for c, data in chips.items() for f in data["facts"] if f["status"] == "unsourced"]
    systems = _read(Path(str(DATA / "systems.toml")))["system"]
    loose += [(s["id"], f["quantity"]) for s in systems for f in s["facts"] if f["status"] == "unsourced"]
    assert len(loose) < 100
    asked = {f"nvidia-{c}" for c in ASKED} | {
        c for c in chips if c.startswith(("amd-mi2", "amd-mi3", "huawei-ascend-91"))
    }
    asked |= {c for c in chips if c.startswith(("google-tpu-v", "aws-", "intel-gaudi-3-oam", "huawei-ascend-950"))}
    assert len(asked) >= 60
    decided = {(c, q) for c, q in loose if c in asked and q in FIRST}
    assert not decided - {("amd-mi308x", "tdp")}


def test_every_language_model_is_there_once_with_a_known_source() -> None:
    models = [model for path in Path(str(DATA)).glob("models/*.toml") for model in _read(path)["model"]]
    known = {source["id"] for source in _read(Path(str(DATA / "sources.toml")))["source"]}
    assert len({model["id"] for model in models}) == len(models) == 267
    assert {model["source"] for model in models} <= known


@pytest.mark.parametrize(("kind", "rows"), [("chips", 300), ("models", 216)])
def test_every_alias_is_there_and_points_somewhere(kind: str, rows: int, chips: dict[str, dict[str, Any]]) -> None:
    models = {model["id"] for path in Path(str(DATA)).glob("models/*.toml") for model in _read(path)["model"]}
    known = set(chips) if kind == "chips" else models
    with Path(str(DATA / "aliases" / f"{kind}.csv")).open(newline="", encoding="utf8") as lines:
        table = list(csv.DictReader(lines))
    assert len(table) == rows
    assert {row["id"] for row in table if row["match"] != "none"} <= known
    assert all(row["id"] == "" for row in table if row["match"] == "none")


def test_families_hold_every_chip_once(chips: dict[str, dict[str, Any]]) -> None:
    families = _read(Path(str(DATA / "families.toml")))["family"]
    assert sorted(chip for family in families for chip in family["chips"]) == sorted(chips)
    family_of = {chip: family["id"] for family in families for chip in family["chips"]}
    assert family_of == {chip: data["family"] for chip, data in chips.items()}
    assert all(family["default"] in family["chips"] for family in families if "default" in family)


def test_every_system_has_what_a_cluster_needs(chips: dict[str, dict[str, Any]]) -> None:
    needed = {"chips", "nodes", "scaleup_domain", "link_bandwidth", "network_cards", "network_bandwidth", "host_power"}
    systems = _read(Path(str(DATA / "systems.toml")))["system"]
    assert len(systems) == 30
    assert all({fact["quantity"] for fact in system["facts"]} == needed for system in systems)
    assert {system["chip"] for system in systems} <= set(chips)


def test_assumed_system_figures_say_so_and_have_a_range() -> None:
    systems = _read(Path(str(DATA / "systems.toml")))["system"]
    assumed = [
        fact for system in systems for fact in system["facts"] if fact.get("formula", "").startswith("assumption")
    ]
    assert len(assumed) >= len(systems)
    assert all(fact["low"] <= fact["value"] <= fact["high"] and fact["status"] == "estimated" for fact in assumed)


def test_every_conflict_has_one_written_reason(chips: dict[str, dict[str, Any]]) -> None:
    reasons = [(chip, fact["quantity"]) for chip, data in chips.items() for fact in data["facts"] if "prefer" in fact]
    assert len(set(reasons)) == len(reasons) >= 90
    assert all(len(f["prefer"]) > 20 for data in chips.values() for f in data["facts"] if "prefer" in f)
