"""The site of files: every link leads to a file of it, nothing leads out by itself, and it opens from a disk."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from urllib.parse import unquote

import pytest
from playwright.sync_api import sync_playwright

from chipwall.web import site

FEW = ("/", "/about", "/chips", "/chips/nvidia-h200-sxm", "/law/nvidia-h200-sxm", "/perform", "/wall", "/models/llama-3.1-70b")


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("site") / "out"
    whole = tuple(site.site_addresses())
    held = site.site_addresses
    try:
        site.site_addresses = lambda: iter([a for a in whole if a.path in FEW and (a.path != "/wall" or not a.given)])
        files, left_out = site.write_site(out)
    finally:
        site.site_addresses = held
    assert files > 2 * len(FEW)
    assert left_out == 0
    return out


def test_links_lead_to_files_that_are_there(written: Path) -> None:
    pages = list(written.rglob("*.html"))
    assert len(pages) == 2 * len(FEW) + 1
    for page in pages:
        words = page.read_text(encoding="utf-8")
        for target in re.findall(r'(?:href|src)="([^"]*)"', words):
            if target.startswith(("http://", "https://", "#", "data:")):
                continue
            assert not target.startswith("/"), (page.name, target)
            assert (page.parent / unquote(target.partition("#")[0])).exists(), (page.name, target)
        assert "<form" not in words.replace('<form method="dialog">', "")


def test_it_opens_from_a_disk(written: Path) -> None:
    said: list[str] = []
    outside: list[str] = []
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=shutil.which("chromium") or "/usr/bin/chromium", args=["--no-sandbox"])
        page = browser.new_page()
        page.on("console", lambda m: said.append(m.text) if m.type == "error" else None)
        page.on("request", lambda r: None if r.url.startswith(("file:", "data:")) else outside.append(r.url))
        page.goto(f"file://{written}/index.html")
        page.wait_for_url("**/en/index.html")
        page.click("nav a:has-text('Chips and models')")
        page.click("tbody a[href*='nvidia-h200-sxm']")
        assert "NVIDIA H200 SXM" in page.title()
        assert page.locator("figure.chart svg:visible").count() >= 1
        page.click("text=中文")
        assert "/zh/" in page.url
        browser.close()
    assert not outside
    assert not said


def test_everything_finite_is_listed() -> None:
    addresses = list(site.site_addresses())
    assert len({a.file for a in addresses}) == len(addresses)
    paths = [a.path for a in addresses]
    assert sum(p.startswith("/chips/") for p in paths) == sum(p.startswith("/law/") for p in paths) > 150
    assert sum(p == "/wall" for p in paths) > 20
    assert sum(p.startswith("/market/") for p in paths) > 15
