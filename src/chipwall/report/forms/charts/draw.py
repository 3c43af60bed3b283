"""A figure as a picture: title, subtitle, marks, notes and source on one sheet, so that a copy keeps them together."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from chipwall.errors import InputError
from chipwall.report.forms.charts import bands, curves, grid, rows, rulewall, stripes
from chipwall.report.forms.charts.canvas import COLOURS, Canvas, Theme
from chipwall.report.forms.charts.chart import (
    Body,
    CaseGrid,
    Chart,
    DayStripes,
    Dot,
    DotRows,
    RuleWall,
    TimeBands,
    TradeCurves,
    VerdictTally,
)
from chipwall.report.forms.charts.letters import text_width, wrapped_lines
from chipwall.report.forms.table import cell_words
from chipwall.report.language.lookup import translated
from chipwall.text import Text, text

__all__ = ["NARROW", "WIDE", "chart_png", "chart_spec", "chart_svg", "chart_told", "drawn_chart", "theme_colours"]

WIDE, NARROW = 720, 350
"""Widths [px] of a figure on a desktop and on a phone; words are at least 12 px in both."""

_Draw = Callable[[Any, Canvas, float, str], float]
_DRAW: Mapping[type, _Draw] = {
    DotRows: rows.draw_rows, TimeBands: bands.draw_bands, RuleWall: rulewall.draw_wall, DayStripes: stripes.draw_stripes,
    CaseGrid: grid.draw_grid, VerdictTally: grid.draw_tally, TradeCurves: curves.draw_curves,
}  # fmt: skip
_SPEC: Mapping[type, Callable[[Any, str], dict[str, Any]]] = {
    DotRows: rows.rows_spec, TimeBands: bands.bands_spec, RuleWall: rulewall.wall_spec, DayStripes: stripes.stripes_spec,
    CaseGrid: grid.grid_spec, VerdictTally: grid.tally_spec, TradeCurves: curves.curves_spec,
}  # fmt: skip


def drawn_chart(chart: Chart, *, lang: str, width: int = WIDE) -> Canvas:
    """The figure on a sheet of this width; the height follows from what is on it."""
    sheet = Canvas(float(width))
    y = 4.0
    size = 17.0 if width >= 500 else 15.5
    for line in wrapped_lines(translated(chart.title, lang), size, width, bold=True):
        y += size * 1.28
        sheet.text(0, y, line, size=size, bold=True)
    y += 4
    for line in wrapped_lines(translated(chart.subtitle, lang), 13, width):
        y += 18
        sheet.text(0, y, line, size=13, fill="soft")
    y = _key(chart.body, sheet, y + 8, lang)
    y = _DRAW[type(chart.body)](chart.body, sheet, y + 4, lang)
    y += 4
    for told in (*chart.notes, chart.source):
        for line in wrapped_lines(translated(told, lang), 12, width):
            y += 16
            sheet.text(0, y, line, size=12, fill="soft")
    sheet.height = round(y + 8)
    return sheet


def _key(body: Body, sheet: Canvas, y: float, lang: str) -> float:
    """Marks by side, only those that are used."""
    marks = _used(body)
    if not marks:
        return y
    x = 6.0
    for side, sure, name in marks:
        said = translated(name, lang)
        length = 12 + text_width(said, 12)
        if x > 6 and x + length > sheet.width:
            x, y = 6.0, y + 18
        sheet.mark(x, y + 6, side, sure=sure)
        box = sheet.text(x + 11, y + 10.5, said, size=12, fill="soft")
        x = box.right + 18
    return y + 18


def _used(body: Body) -> list[tuple[str, bool, Text]]:
    if isinstance(body, DotRows):
        if body.bars:
            return []
        found = [(line.side, d.sure) for line in body.lines for d in line.dots if isinstance(d, Dot)]
    elif isinstance(body, RuleWall):
        found = [(p.side, p.sure) for p in body.points]
    else:
        return []
    sides = {side if side in ("us", "cn") else "other" for side, _ in found}
    names = {"us": text("US design"), "cn": text("Chinese design"), "other": text("other")}
    key: list[tuple[str, bool, Text]] = [(s, True, names[s]) for s in ("us", "cn", "other") if s in sides]
    return key + ([("other", False, text("hollow: estimated"))] if not all(sure for _, sure in found) else [])


def chart_told(chart: Chart, lang: str) -> str:
    """The picture in words, for readers who do not see it: subtitle, then each row of its table."""
    lines = [translated(chart.subtitle, lang)]
    for row in chart.table.rows[:12]:
        said = [cell_words(value, lang) for value in row]
        lines.append(", ".join(w for w in said if w not in ("", "-")))
    return ". ".join(lines)


def chart_svg(chart: Chart, *, lang: str = "en", width: int = WIDE, theme: Theme = "light") -> str:
    """The figure as SVG.

    Parameters
    ----------
    theme : {"light", "dark", "page"}
        Colours of their own, or those of the page that it stands in (variables ``--fig-*``).
    """
    sheet = drawn_chart(chart, lang=lang, width=width)
    name = re.sub(r"[^\w-]", "-", f"fig-{chart.id}-{width}")
    return sheet.svg(
        title=translated(chart.title, lang), told=chart_told(chart, lang), name=name, theme=theme,
        lang={"en": "en", "zh": "zh-CN"}[lang],
    )  # fmt: skip


def chart_png(
    chart: Chart, *, lang: str = "en", width: int = WIDE, theme: Theme = "light", scale: float = 2.0
) -> bytes:
    """The figure as PNG; needs the ``report`` extra."""
    try:
        import vl_convert
    except ImportError:
        raise InputError(
            text("a PNG needs the 'report' extra"),
            fix=text("Install it where this copy came from, or ask for an SVG"),
        ) from None
    return bytes(vl_convert.svg_to_png(chart_svg(chart, lang=lang, width=width, theme=theme), scale=scale))


def chart_spec(chart: Chart, *, lang: str = "en") -> dict[str, Any]:
    """The figure as a Vega-Lite specification with its numbers in it, for notebooks and other tools."""
    title = {"text": translated(chart.title, lang), "subtitle": translated(chart.subtitle, lang), "anchor": "start"}
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
        "title": title,
        "usermeta": {"source": translated(chart.source, lang), "notes": [translated(n, lang) for n in chart.notes]},
        **_SPEC[type(chart.body)](chart.body, lang),
    }


def theme_colours(theme: str) -> str:
    """The variables of a theme as CSS declarations."""
    return " ".join(f"--fig-{name}: {pair[theme == 'dark']};" for name, pair in COLOURS.items())
