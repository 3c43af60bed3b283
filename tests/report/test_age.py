"""Age of the data, samples to check by hand, and updates that are whole or nothing."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import pytest

from chipwall import catalog
from chipwall.errors import InputError
from chipwall.perf.load import MEASURED, measured
from chipwall.report.pages.age import age_sentence, newest_measurement, sample_table
from chipwall.report.update import MEASURED as PLACE
from chipwall.report.update import changes_in


def test_every_kind_has_its_age(run) -> None:
    assert sorted(p.stem for p in PLACE.glob("*.csv")) == sorted(MEASURED)
    said = json.loads(run("data", "age", "--json").out)
    assert {row["kind"] for row in said} == {"facts", "prices", "rents", *MEASURED}
    assert run("data").out == run("data", "age").out


def test_the_newest_measurement_of_a_chip_is_said() -> None:
    chip = catalog.chip("h200")
    day, _ = newest_measurement(chip)
    assert day >= max(
        r["date"] for r in measured("startup") if "h200" in r["chip"].lower() and "g" not in r["chip"].lower()
    )
    assert day in str(age_sentence(chip))


def test_a_sample_is_the_same_for_its_seed_and_has_addresses() -> None:
    one, two = sample_table(7, 60), sample_table(7, 60)
    assert [r[0] for r in one.rows] == [r[0] for r in two.rows]
    assert len(one.rows) == 60
    assert all(str(r[6]).startswith("http") or r[5] for r in one.rows)


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def _write(path: Path, rows: list[dict[str, str]]) -> None:
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def test_an_update_tells_what_changes(run, tmp_path: Path) -> None:
    rows = _rows(PLACE / "hpc.csv")
    rows[0] = {**rows[0], "value": "1"}
    _write(tmp_path / "hpc.csv", [*rows[:-1], {**rows[-1], "id": "new-row"}])
    before = (PLACE / "hpc.csv").read_bytes()
    said = json.loads(run("data", "update", str(tmp_path), "--json").out)
    assert said["changes"] == [{"file": "hpc.csv", "new": 1, "changed": 1, "gone": 1}]
    assert not said["written"]
    assert (PLACE / "hpc.csv").read_bytes() == before


def test_a_bad_update_tells_every_problem_and_writes_nothing(run, tmp_path: Path) -> None:
    _write(tmp_path / "training.csv", [{"id": "x", "speed": "1"}])
    rows = _rows(PLACE / "hpc.csv")
    _write(tmp_path / "hpc.csv", [rows[0], rows[0], {**rows[1], "date": "2031-01"}, {**rows[2], "value": "fast"}])
    (tmp_path / "notes.txt").write_text("x")
    before = (PLACE / "hpc.csv").read_bytes()
    answer = run("data", "update", str(tmp_path), "--write", "--json")
    said = json.loads(answer.out)
    assert answer.status == 1
    assert not said["written"]
    told = {(p["file"], p["line"]) for p in said["problems"]}
    assert told == {("training.csv", 1), ("notes.txt", 1), ("hpc.csv", 3), ("hpc.csv", 4), ("hpc.csv", 5)}
    assert (PLACE / "hpc.csv").read_bytes() == before


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError):
        changes_in(tmp_path)
    with pytest.raises(InputError):
        changes_in(tmp_path / "nowhere")


def test_prices_are_updated_by_the_same_check(tmp_path: Path) -> None:
    from chipwall.catalog.files import DATA

    shutil.copy(DATA / "prices.csv", tmp_path / "prices.csv")
    shutil.copy(DATA / "rates.csv", tmp_path / "rates.csv")
    changes, problems = changes_in(tmp_path)
    assert not problems
    assert [(c.new, c.changed, c.gone) for c in changes] == [(0, 0, 0), (0, 0, 0)]
