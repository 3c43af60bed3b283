"""The pages in Debian's browser: no request leaves, nothing is said on the console, figures stand, and two whole journeys."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

PAGES = [
    "/", "/check?sample=1", "/chips", "/chips/nvidia-h200-sxm", "/compare", "/models/llama-3.1-70b", "/law/nvidia-h200-sxm?to=CN",
    "/wall?on=2026-02-01", "/perform", "/market", "/scoreboard", "/sources", "/docs", "/about", "/search?q=H200", "/own", "/help",
]  # fmt: skip
WITH_FIGURES = ("/chips/", "/compare", "/law/", "/wall", "/perform")
CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as play:
        opened = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield opened
        opened.close()


class Watched:
    """A page with what it asked for and what it complained about."""

    def __init__(self, page: Page, base: str) -> None:
        self.page, self.base = page, base
        self.outside: list[str] = []
        self.said: list[str] = []
        page.on("request", lambda r: None if r.url.startswith((base, "data:", "blob:")) else self.outside.append(r.url))
        page.on("console", lambda m: self.said.append(m.text) if m.type in ("error", "warning") else None)
        page.on("pageerror", lambda e: self.said.append(str(e)))

    def quiet(self) -> None:
        assert not self.outside
        assert not self.said


@pytest.fixture(params=[(1400, "light"), (390, "dark")], ids=["wide-light", "phone-dark"])
def watched(browser: Browser, client, request) -> Iterator[Watched]:
    width, scheme = request.param
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    yield Watched(page, client.base)
    page.close()


@pytest.fixture
def wide(browser: Browser, client) -> Iterator[Watched]:
    page = browser.new_page(viewport={"width": 1400, "height": 900}, accept_downloads=True)
    yield Watched(page, client.base)
    page.close()


def test_pages_load_alone_and_fit(watched: Watched) -> None:
    page = watched.page
    for path in PAGES:
        answer = page.goto(watched.base + path)
        assert answer is not None
        assert answer.status == 200, path
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
        if path.startswith(WITH_FIGURES):
            assert page.locator("figure.chart svg:visible").count() >= 1, path
            assert (
                page.evaluate(
                    "document.querySelector('figure.chart svg').querySelectorAll('rect,path,circle,line').length"
                )
                > 5
            )
    watched.quiet()


def test_paper_shows_everything(wide: Watched) -> None:
    page = wide.page
    page.goto(wide.base + "/chips/nvidia-h200-sxm")
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator("main details:not([open])").count() == 0
    assert page.locator(".top").is_hidden()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    wide.quiet()


def test_language_and_colours_by_address(wide: Watched) -> None:
    page = wide.page
    page.goto(wide.base + "/wall?on=2026-02-01")
    page.click("text=中文")
    assert "lang=zh" in page.url
    assert "on=2026-02-01" in page.url
    assert page.evaluate("document.documentElement.lang") == "zh-CN"
    page.click("[data-theme-switch]")
    assert "theme=dark" in page.url
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(13, 17, 23)"
    page.click(".rooms a:nth-child(2)")
    assert "lang=zh" in page.url
    assert "theme=dark" in page.url
    wide.quiet()


def test_keys_lead_to_the_box_and_to_help(wide: Watched) -> None:
    page = wide.page
    page.goto(wide.base + "/about")
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "seek"
    page.keyboard.press("Escape")
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("?")
    assert page.locator("#keys").is_visible()
    page.keyboard.press("Escape")
    assert page.locator("#keys").is_hidden()
    page.goto(wide.base + "/about")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    wide.quiet()


def test_a_mark_tells_itself_and_leads_to_the_decision(wide: Watched) -> None:
    page = wide.page
    page.goto(wide.base + "/wall?on=2026-02-01")
    mark = page.locator("figure.chart svg.wide a").first
    mark.hover(force=True)
    assert page.locator(".tip").is_visible()
    mark.click(force=True)
    page.wait_for_url("**/law/**")
    assert "on=2026-02-01" in page.url
    wide.quiet()


def test_from_the_first_screen_to_a_workbook(wide: Watched) -> None:
    page = wide.page
    page.goto(wide.base + "/")
    page.fill("textarea[name=q]", "How many H200 for 20 requests per second of Llama-3.1-8B?")
    page.click(".ask button")
    page.wait_for_url("**/plan**")
    assert "model=llama-3.1-8b" in page.url
    page.fill("input[name=rate]", "20")
    page.click("details.more > summary")
    page.fill("input[name=rent]", "3.5")
    page.click("form.controls > button")
    page.wait_for_url("**rent=3.5**")
    with page.expect_download() as coming:
        page.click("a[href*='.xlsx']")
    assert coming.value.path().read_bytes()[:2] == b"PK"
    wide.quiet()


def test_from_a_pasted_article_to_a_verdict(wide: Watched) -> None:
    page = wide.page
    page.goto(wide.base + "/check")
    page.fill("textarea[name=text]", "The H200 has 141 GB of memory. The H20 has 500 GB of memory.")
    page.click("form.drop > button:first-of-type")
    page.wait_for_url("**/check?text=**")
    assert page.locator(".said.supported").count() == 1
    assert page.locator(".said.contradicted").count() == 1
    page.click("#n1 > summary")
    assert page.locator("#n1 a[href^=http]").count() >= 1
    wide.quiet()


def test_a_run_goes_on_in_the_background(wide: Watched) -> None:
    page = wide.page
    page.goto(wide.base + "/market/h200-share-cap?draws=100&until=2027Q2")
    page.wait_for_selector("figure.chart", timeout=120_000)
    assert page.locator(".answers p").count() == 3
    assert page.locator(".notice").first.is_visible()
    wide.quiet()
