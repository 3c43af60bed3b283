"""Pictures of the brief as people see it, for looking at before a release: ``make screens``.

Every page is opened in a browser at a desktop's and a phone's width, light, dark and on paper, in both languages, with all
questions open; what a page must never do (ask a network, scroll sideways, need more than twelve sheets) is printed.
"""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from chipwall.cli import main

CHIPS = ("h200", "ascend-910c", "mi300x", "h20", "b30a", "tpu-v5e")
OWN = """base = "h100"
name = "Own card"
[facts]
memory_capacity = "96 GB"
memory_bandwidth = "4 TB/s"
bf16_rate = "400 TFLOP/s"
fp8_rate = "800 TFLOP/s"
"""
SHEETS = 12
VIEWS = (
    ("desktop", 1400, "light"),
    ("desktop-dark", 1400, "dark"),
    ("phone", 390, "light"),
    ("phone-dark", 390, "dark"),
)


def written(folder: Path) -> list[Path]:
    """Every page in both languages."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "own.toml").write_text(OWN, encoding="utf-8")
    for chip in (*CHIPS, str(folder / "own.toml")):
        place = folder / f"{Path(chip).stem}.html"
        try:
            main(["brief", chip, "--lang", "en,zh", "--out", str(place)])
        except SystemExit as stopped:
            if stopped.code:
                raise
    return sorted(folder.glob("*.html"))


def photographed(browser: Browser, page: Path) -> None:
    """The page in every view, and as paper."""
    for view, width, scheme in VIEWS:
        tab = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
        asked: list[str] = []
        tab.on("request", lambda r, asked=asked: asked.append(r.url))
        tab.goto(page.resolve().as_uri())
        tab.screenshot(path=page.with_suffix(f".{view}.first.png"))
        tab.evaluate("document.querySelectorAll('details.fold').forEach(d => { d.open = d.id != 'sources' })")
        tab.screenshot(path=page.with_suffix(f".{view}.png"), full_page=True)
        wide = tab.evaluate("document.documentElement.scrollWidth - innerWidth")
        if wide > 0 or [u for u in asked if not u.startswith(("file:", "data:"))]:
            print(f"{page.name} {view}: {wide} px too wide, asked {asked[1:]}")
        tab.close()
    tab = browser.new_page()
    tab.goto(page.resolve().as_uri())
    tab.evaluate("dispatchEvent(new Event('beforeprint'))")
    paper = tab.pdf(path=page.with_suffix(".pdf"), prefer_css_page_size=True)
    sheets = len(re.findall(rb"/Type\s*/Page\b(?!s)", paper))
    print(f"{page.name}: {sheets} sheets" + (" TOO MANY" if sheets > SHEETS else ""))
    tab.close()


def run(folder: Path) -> None:
    """Write, open and photograph every page."""
    pages = written(folder)
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        for page in pages:
            photographed(browser, page)
        browser.close()


if __name__ == "__main__":
    run(Path(sys.argv[1] if len(sys.argv) > 1 else "build/screens"))
