"""Charts as pictures: marks are there, no words overlap, nothing lies outside, in both languages, at both widths."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import date
from itertools import combinations

import pytest

from chipwall import catalog
from chipwall.report.forms.charts.canvas import COLOURS, Canvas
from chipwall.report.forms.charts.chart import (
    CaseCell,
    CaseGrid,
    Chart,
    DaySpan,
    DayStripes,
    Dot,
    DotRow,
    DotRows,
    Panel,
    TimeBands,
    VerdictTally,
)
from chipwall.report.forms.charts.draw import NARROW, WIDE, chart_spec, chart_svg, drawn_chart
from chipwall.report.forms.charts.letters import cut_words, text_width, wrapped_lines
from chipwall.report.forms.charts.scales import linear_scale, log_scale
from chipwall.report.forms.table import Cell, Column, Table
from chipwall.report.pages.law_section import law_section, law_story
from chipwall.report.pages.law_wall import wall_charts
from chipwall.text import text

ON = date(2026, 11, 28)
TABLE = Table("", (Column("chip", text("Chip")), Column("value", text("Value"))), (("H200", Cell("1", 1.0)),))


def made(name: str, body: object) -> Chart:
    return Chart(name, text("What can it do?"), text("Full load"), text("Quarter"), body, TABLE)  # type: ignore[arg-type]


def rows(count: int, panels: int, *, bars: bool = False) -> DotRows:
    def line(i: int) -> DotRow:
        dots = tuple(
            Dot(10.0**i / (p + 1), f"{10**i:,}", 10.0**i / 3, 10.0**i * 2, sure=i % 2 == 0) for p in range(panels)
        )
        return DotRow(
            f"Huawei Ascend {910 + i}C", dots if i else (text("no estimate"),) * panels, ("us", "cn", "")[i % 3], i == 1
        )

    heads = tuple(
        Panel(text("Full load, tokens per second"), log=p == 1, reference=(30.0, text("1 = equal")))
        for p in range(panels)
    )
    return DotRows(heads, tuple(line(i) for i in range(count)), bars=bars)


TIMES = tuple(f"{year}Q{q}" for year in range(2026, 2031) for q in range(1, 5))
BODIES = {
    "rows": rows(6, 2),
    "many panels": rows(5, 5),
    "bars": rows(4, 1, bars=True),
    "bands": TimeBands(
        TIMES,
        tuple(float(i) for i in range(20)),
        tuple((-2.0 * i, 3.0 * i) for i in range(20)),
        tuple((0.5 * i, 1.5 * i) for i in range(20)),
        "count change",
        "2026Q4",
        (text("more compute in China"), text("less compute in China")),
    ),
    "flat bands": TimeBands(TIMES, (0.0,) * 20, ((0.0, 0.0),) * 20, ((0.0, 0.0),) * 20, "share change", "2026Q4"),
    "stripes": DayStripes(
        (
            (
                text("US licence"),
                (
                    DaySpan("2022-08-01", "2026-01-15", text("licence required"), "deny"),
                    DaySpan("2026-01-15", "2026-01-28", text("licence by letter to the maker"), "letter"),
                    DaySpan("2026-01-28", "2026-02-03", text("no licence"), "free"),
                    DaySpan("2026-02-03", "2026-12-28", text("licence required"), "case"),
                ),
            ),
        ),
        "2022-08-01",
        "2026-12-28",
        "2026-11-28",
    ),
    "grid": CaseGrid(
        text("model"),
        text("precision"),
        tuple(CaseCell(x, y, 1, 1, int(y == "fp8")) for x in ("llama", "gpt-3-175b") for y in ("bf16", "fp8")),
    ),
    "tally": VerdictTally(
        (
            (text("true"), "supported", ("a",) * 40),
            (text("false"), "contradicted", ()),
            (text("undecidable"), "open", ("b",)),
        )
    ),
}


def shipped() -> Iterator[tuple[str, Chart]]:
    """Charts of real chips, those of the law, and walls of few and of all chips."""
    for name in ("h200", "910c", "h20", "tpu-v5e"):
        chip = catalog.chip(name)
        others = [catalog.chip(n) for n in ("h100", "b200", "mlu590") if catalog.chip(n).id != chip.id]
        for chart in law_section(chip, law_story(chip, destination="CN", on=ON), others).charts:
            yield f"{name} {chart.id}", chart
    for chart in wall_charts(list(catalog.load().chips.values()), on=ON).values():
        yield f"all {chart.id}", chart


CHARTS = {name: made(name.replace(" ", "-"), body) for name, body in BODIES.items()} | dict(shipped())


@pytest.fixture(scope="module", params=[(lang, width) for lang in ("en", "zh") for width in (WIDE, NARROW)], ids=str)
def view(request: pytest.FixtureRequest) -> tuple[str, int]:
    return request.param


@pytest.mark.parametrize("name", CHARTS)
def test_no_words_overlap_and_nothing_lies_outside(name: str, view: tuple[str, int]) -> None:
    lang, width = view
    sheet = drawn_chart(CHARTS[name], lang=lang, width=width)
    assert sheet.texts
    for (one, a), (two, b) in combinations(sheet.texts, 2):
        assert not a.meets(b), f"{one!r} over {two!r}"
    for words, box in sheet.texts:
        assert box.left >= -1, words
        assert box.right <= width + 1, words
        assert box.top >= 0, words
        assert box.bottom <= sheet.height, words
    for box in sheet.marks:
        assert box.left >= -8
        assert box.right <= width + 8
        assert box.bottom <= sheet.height


@pytest.mark.parametrize("name", CHARTS)
def test_words_are_large_enough_and_colours_are_of_the_theme(name: str, view: tuple[str, int]) -> None:
    lang, width = view
    page = chart_svg(CHARTS[name], lang=lang, width=width, theme="page")
    assert min(float(s) for s in re.findall(r'font-size="([\d.]+)"', page)) >= 12
    assert set(re.findall(r"var\(--fig-(\w+)\)", page)) <= set(COLOURS)
    assert not re.findall(r"#[0-9a-f]{6}", page)
    for theme in ("light", "dark"):
        alone = chart_svg(CHARTS[name], lang=lang, width=width, theme=theme)
        assert "var(" not in alone
        assert alone.count("<title") >= 1
        assert 'role="img"' in alone


def test_marks_that_a_chart_promises_are_in_the_picture() -> None:
    def count(name: str, kind: str) -> int:
        return len(re.findall(rf'class="[^"]*\b{kind}\b', chart_svg(CHARTS[name])))

    assert count("rows", "reference") == 2, "the line at 1 is drawn in every panel"
    assert count("rows", "interval") == 10
    assert count("rows", "subject") == 1
    assert count("bars", "bar") == 3
    assert count("bars", "reference") == 1
    assert count("bands", "zero") == count("bands", "today") == count("bands", "inner") == count("bands", "outer") == 1
    assert count("stripes", "today") == 1
    assert count("stripes", "span") == 4
    assert count("grid", "unknown") == 2, "undecided cases are drawn"
    assert count("tally", "verdict") == 41


def test_sides_differ_in_more_than_colour() -> None:
    sheet = Canvas(100.0, 100.0)
    for i, side in enumerate(("us", "cn", "")):
        sheet.mark(20.0 + 20 * i, 50.0, side)
    assert [re.match(r"<(\w+)", s)[1] for s in sheet.shapes] == ["circle", "path", "rect"]


def test_a_region_that_a_rule_leaves_open_reaches_the_edge_of_the_axis() -> None:
    chart = CHARTS["h200 wall-density"]
    svg = chart_svg(chart)
    areas = [
        tuple(map(float, a))
        for a in re.findall(
            r'<rect x="([\d.]+)" y="([\d.]+)" width="([\d.]+)" height="([\d.]+)" [^>]*class="area"', svg
        )
    ]
    grid = [
        tuple(map(float, g))
        for g in re.findall(r'<line x1="([\d.]+)" y1="([\d.]+)" x2="([\d.]+)" y2="([\d.]+)"[^>]*class="grid"', svg)
    ]
    right, top = max(g[2] for g in grid), min(g[1] for g in grid)
    assert max(x + w for x, _, w, _ in areas) == pytest.approx(right, abs=0.2)
    assert min(y for _, y, _, _ in areas) == pytest.approx(top, abs=0.2)
    # a limit is a line; the open sides have none
    assert len(re.findall(r'class="limit"', svg)) == sum(
        v is not None for a in chart.body.areas for v in (a.x_from, a.x_to, a.y_from, a.y_to)
    )


@pytest.mark.parametrize("name", CHARTS)
def test_the_same_chart_as_a_specification_holds_its_numbers(name: str) -> None:
    spec = chart_spec(CHARTS[name], lang="zh")
    assert json.dumps(spec, ensure_ascii=False, allow_nan=False, default=float)
    assert spec["title"]["text"]
    assert spec["usermeta"]["source"]
    assert '"values"' in json.dumps(spec, default=float)


def test_axes_end_on_round_numbers_and_hold_their_values() -> None:
    axis = linear_scale([3.0, 97.0], 0.0, 100.0)
    assert axis.ticks[0] == 0
    assert axis.ticks[-1] == 100
    assert axis.at(axis.low) == 0.0
    assert axis.at(axis.high) == 100.0
    assert axis.at(1e6) == 100.0, "a value beyond the axis stays on it"
    log = log_scale([1.0, 1000.0], 0.0, 300.0)
    assert log.at(10.0) - log.at(1.0) == pytest.approx(log.at(100.0) - log.at(10.0))
    assert log_scale([5.0], 0.0, 1.0).high > log_scale([5.0], 0.0, 1.0).low


def test_words_are_measured_wrapped_and_cut_within_their_room() -> None:
    for words in (
        "The H200 needs a US licence for China",
        "英伟达 H200 出口至中国须申请美国许可证，自 2026 年起逐案审查",
    ):
        lines = wrapped_lines(words, 13, 120)
        assert "".join(lines).replace(" ", "") == words.replace(" ", "")
        assert all(text_width(line, 13) <= 120 for line in lines)
        assert not any(line[0] in "，。；、" for line in lines)
        assert text_width(cut_words(words, 13, 60), 13) <= 60
    assert text_width("中文", 12) == 24


def test_the_bounds_of_words_hold_in_a_browser(tmp_path) -> None:
    import shutil

    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        pytest.skip("no chromium installed")
    from playwright.sync_api import sync_playwright

    (tmp_path / "x.html").write_text(
        "<meta charset=utf-8>" + "".join(chart_svg(c, lang=lang) for c in CHARTS.values() for lang in ("en", "zh"))
    )
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        tab = browser.new_page()
        tab.goto((tmp_path / "x.html").as_uri())
        lengths = tab.evaluate(
            "[...document.querySelectorAll('svg > text')].map(t => [t.textContent, t.getComputedTextLength(), "
            "+t.getAttribute('font-size'), t.hasAttribute('font-weight')])"
        )
        browser.close()
    assert len(lengths) > 100
    for words, length, size, bold in lengths:
        assert length <= text_width(words, size, bold=bold) * 1.02 + 1, words
