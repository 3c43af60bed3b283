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


def test_the_whole_catalogue_has_120_chips_and_4173_facts(expected: dict[str, int]) -> None:
    assert (len(expected), sum(expected.values())) == (120, 4170 + 3)  # three cells are unknown on purpose


def test_ids_follow_the_file_names(chips: dict[str, dict[str, Any]]) -> None:
    assert {stem: data["id"] for stem, data in chips.items()} == {stem: stem for stem in chips}


def test_every_fact_names_a_known_source(chips: dict[str, dict[str, Any]]) -> None:
    known = {source["id"] for source in _read(Path(str(DATA / "sources.toml")))["source"]}
    used = {fact["source"] for data in chips.values() for fact in data["facts"]}
    assert used <= known


def test_every_language_model_is_there_once_with_a_known_source() -> None:
    models = [model for path in Path(str(DATA)).glob("models/*.toml") for model in _read(path)["model"]]
    known = {source["id"] for source in _read(Path(str(DATA / "sources.toml")))["source"]}
    assert len({model["id"] for model in models}) == len(models) == 181
    assert {model["source"] for model in models} <= known


@pytest.mark.parametrize(("kind", "rows"), [("chips", 289), ("models", 160)])
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
    assumed = [fact for system in systems for fact in system["facts"] if fact.get("note", "").startswith("assumption")]
    assert len(assumed) >= len(systems)
    assert all(fact["low"] <= fact["value"] <= fact["high"] and fact["status"] == "estimated" for fact in assumed)


def test_every_conflict_has_one_written_reason(chips: dict[str, dict[str, Any]]) -> None:
    reasons = [(chip, fact["quantity"]) for chip, data in chips.items() for fact in data["facts"] if "prefer" in fact]
    assert len(set(reasons)) == len(reasons) == 125
    assert all(len(f["prefer"]) > 20 for data in chips.values() for f in data["facts"] if "prefer" in f)
