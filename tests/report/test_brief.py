"""The brief: the numbers it must show, one self-contained page, and a browser that sees it."""

from __future__ import annotations

import contextlib
import io
import json
import re
import shutil
from pathlib import Path

import pytest

from chipwall.cli import main

MUST_SHOW = ["141 GB", "4.8 TB/s", "80 GB", "3.35 TB/s", "15,832", "19.4", "6.7x"]
STORY = 60


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The page and all that the terminal says: made once, a brief takes seconds."""
    path = tmp_path_factory.mktemp("brief") / "brief.html"
    said = io.StringIO()
    with contextlib.redirect_stdout(said), pytest.raises(SystemExit) as stopped:
        main(["brief", "h200", "--full", "--out", str(path)])
    assert stopped.value.code == 0
    return path, said.getvalue()


@pytest.mark.parametrize("number", MUST_SHOW)
def test_terminal_and_page_show_the_numbers(page, number: str) -> None:
    path, said = page
    assert number in said
    assert number in path.read_text()


def test_what_fits_is_a_finding(page) -> None:
    assert re.search(r"One NVIDIA H200 SXM holds GPT-3 175B at 4 bits", page[0].read_text())


def test_the_page_needs_nothing_else(page) -> None:
    html = page[0].read_text()
    # a reader may follow a link; the page itself fetches nothing
    assert not re.findall(r'src="(?!#)[^"]+"|<link\b|<(?!a )\w+[^>]*href="(?!#)', html)
    assert "<svg" in html
    assert "@import" not in html
    assert "url(http" not in html


def test_every_number_has_a_source_or_a_calculation(run) -> None:
    answer = json.loads(run("brief", "h200", "--json").out)
    known = {s["id"] for s in answer["sources"]}
    assert len(answer["numbers"]) > 100
    for number in answer["numbers"]:
        assert number["sources"] or number["calculation"], number
        assert set(number["sources"]) <= known


def test_any_chip_reads_as_well(run, tmp_path: Path, catalog) -> None:
    for chip in ("huawei-ascend-910c", "google-tpu-v5e", "huawei-ascend-910d"):
        answer = run("brief", chip, "--out", str(tmp_path / "x.html"))
        assert answer.status == 0, answer.err
        assert "None" not in answer.out.replace("None of the statements", "")
        assert len(answer.out.splitlines()) <= STORY + 3
        assert not re.search(r"\bnan\b", answer.out)


def test_default_file_name_and_against(run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert run("brief", "h200", "--against", "h100,mi300x").status == 0
    assert (tmp_path / "chipwall-brief-h200.html").is_file()
    assert run("brief", "h200", "--against", "h200").status == 2


def chromium() -> str | None:
    return shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


def test_a_browser_draws_the_page_without_asking_the_network(page) -> None:
    if chromium() is None:
        pytest.skip("no chromium installed")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox", "--disable-gpu"])
        tab = browser.new_page(viewport={"width": 1100, "height": 900})
        asked, problems = [], []
        tab.on("request", lambda r: asked.append(r.url))
        tab.on("pageerror", lambda e: problems.append(str(e)))
        tab.goto(f"file://{page[0]}")
        assert tab.locator("h1").inner_text().startswith("On ")
        assert tab.locator("figure svg.wide").first.bounding_box()["width"] > 300
        tab.locator("details#performance > summary").click()
        assert tab.get_by_text("Per token, 8 users").first.is_visible()
        overflow = tab.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        browser.close()
    assert [u for u in asked if not u.startswith(("file:", "data:"))] == []
    assert problems == []
    assert overflow <= 0
