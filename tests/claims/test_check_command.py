"""``chipwall check``: words, files, standard input; pages that escape; readings out and in again; wrong inputs."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from chipwall.claims.records import CODES

Run = Callable[..., Any]


def test_a_sentence(run: Run) -> None:
    answer = run("check", "The H200 has 141 GB of memory.")
    assert answer.status == 0
    assert "holds" in answer.out
    assert "141 GB" in answer.out


def test_in_chinese(run: Run) -> None:
    answer = run("check", "H200配有141GB显存。", "--lang", "zh")
    assert "1 条成立" in answer.out


def test_json_for_programs(run: Run) -> None:
    found = json.loads(run("check", "The H20 has 500 GB of memory. The H200 is good.", "--json").out)
    assert set(found["counts"]) == set(CODES)
    one, other = found["statements"]
    assert (one["verdict"], one["value"], one["sources"] != []) == ("contradicted", 96e9, True)
    assert one["readings"][0]["quantity"] == "fact"
    assert (other["verdict"], other["value"]) == ("not_computable", None)


def test_a_file_and_standard_input(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.md"
    path.write_text("# News\n\nThe [H200](https://example.org) has **141 GB**.\n", encoding="utf-8")
    assert "1 hold" in run("check", str(path)).out
    monkeypatch.setattr(sys, "stdin", type("In", (), {"buffer": io.BytesIO("H200有141GB显存。".encode("gb18030"))}))
    assert "1 hold" in run("check", "-").out


def test_the_page_escapes_what_it_shows(run: Run, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    answer = run(
        "check", "The H200 has 141 GB <script>alert(1)</script><img src=x onerror=alert(2)>.", "--out", str(page)
    )
    assert answer.status == 0
    written = page.read_text(encoding="utf-8")
    assert "<script" not in written
    assert "<img" not in written
    assert "http://" not in written.replace("http://www.w3.org", "")
    assert 'class="said supported"' in written


def test_readings_come_back(run: Run, tmp_path: Path) -> None:
    typed = tmp_path / "typed.toml"
    run("check", "The H200 has 141 GB. Its bandwidth is 43 percent higher than the H100's.", "--toml", str(typed))
    again = json.loads(run("check", str(typed), "--json").out)
    assert [v["verdict"] for v in again][:1] == ["supported"]


@pytest.mark.parametrize(
    ("args", "what"),
    [
        (("no-such-file.txt",), "cannot read"),
        (("The H200 has 141 GB.", "--on", "2025-13-40"), "not a date"),
        (("The H200 has 141 GB.", "--on", "2026-01-01", "--as-of", "2025-01-01"), "older than"),
        (("...",), "no words"),
        (("The H200 has 141 GB.", "--out", "/nowhere/at/all.html"), "no folder"),
    ],
)
def test_wrong_inputs_are_refused(args: tuple[str, ...], what: str, run: Run) -> None:
    answer = run("check", *args)
    assert answer.status == 2
    assert what in answer.err
    assert answer.out == ""
    assert len(answer.err.strip().splitlines()) <= 3


def test_binary_and_folders_are_refused(run: Run, tmp_path: Path) -> None:
    (tmp_path / "x.txt").write_bytes(b"\x89PNG\r\n" + bytes(500))
    assert "not text" in run("check", str(tmp_path / "x.txt")).err
    assert "cannot read" in run("check", str(tmp_path)).err


def test_the_sample_article(run: Run) -> None:
    assert run("check", "--sample", "--lang", "zh").status == 0
    for wrong in ((), ("--sample", "The H200 has 141 GB.")):
        assert run("check", *wrong).status == 2


def test_markdown(run: Run) -> None:
    out = run("check", "The H200 has 141 GB of memory.", "--md").out
    assert out.startswith("# ")
    assert "1. ✓" in out


# ------------------------------------------------------------------------------------------------ a reader of one's own


def _reader(tmp_path: Path, body: str) -> str:
    path = tmp_path / "reader.py"
    path.write_text("import json, sys, time\nasked = json.load(sys.stdin)\n" + body, encoding="utf-8")
    return f"{sys.executable} {path}"


def test_a_reader_of_ones_own(run: Run, tmp_path: Path) -> None:
    body = (
        "table = {'quantity': 'fact', 'subject': 'h200', 'relation': 'about', 'value': 141, 'unit': 'GB'}\n"
        "table['fixed'] = {'measure': 'memory_capacity'}\n"
        "print(json.dumps({'statements': [{'start': asked['sentences'][0]['start'], 'states': 'plenty', 'tables': [table]}]}))\n"
    )
    found = json.loads(
        run("check", "It has plenty of room, they say.", "--reader", _reader(tmp_path, body), "--json").out
    )
    assert [(s["states"], s["verdict"]) for s in found["statements"]] == [("plenty", "supported")]
    assert found["reader_failed"] == ""


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("sys.exit(3)", "status 3"),
        ("print('no json')", "not of the form"),
        ("print(json.dumps({'statements': [{'start': 0, 'tables': [{'code': '1'}]}]}))", "not of the form"),
        ("print('x' * 6_000_000)", "more than 5 MB"),
    ],
)
def test_a_reader_that_fails_is_left_aside(body: str, why: str, run: Run, tmp_path: Path) -> None:
    answer = run("check", "The H200 has 141 GB.", "--reader", _reader(tmp_path, body))
    assert answer.status == 0
    assert "1 hold" in answer.out
    assert why in answer.out


def test_the_same_through_python() -> None:
    import chipwall as cw

    answer = cw.check("The H20 has 500 GB of memory.", said="2025-12-10", by="a newspaper")
    assert answer[0].code == "contradicted"
    assert answer.rows[0]["value"] == 96e9
    assert answer.to_dict()["counts"]["contradicted"] == 1
    with pytest.raises(cw.InputError, match="belong to a text"):
        cw.check("h200-capacity", said="2025-12-10")
