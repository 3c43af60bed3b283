"""Lines in a plane of two numbers, one a name, with their intervals, published points beside them and names at their ends."""

from __future__ import annotations

from typing import Any

from chipwall.report.forms.charts.canvas import Canvas, text_box
from chipwall.report.forms.charts.chart import TradeCurves, TradeLine
from chipwall.report.forms.charts.letters import cut_words
from chipwall.report.forms.charts.rulewall import plane_grid
from chipwall.report.forms.charts.scales import Scale, log_scale
from chipwall.report.language.lookup import translated

__all__ = ["curves_spec", "draw_curves"]

_SMALL = 12.0
# Colours in turn; the name at the end of each line and the shape of its marks tell them apart as well.
_TURN = ("us", "cn", "free", "letter", "case", "deny", "other", "unknown")


def draw_curves(body: TradeCurves, sheet: Canvas, top: float, lang: str) -> float:
    """Draw from ``top`` down; returns where it ends."""
    left, right, high = 56.0, sheet.width - (96.0 if sheet.width >= 500 else 70.0), 330.0
    sheet.text(0, top + 12, cut_words(translated(body.y, lang), _SMALL, sheet.width), size=_SMALL, fill="soft")
    upper, lower = top + 24, top + 24 + high
    xs = [p[0] for line in body.lines for p in line.points] + [m[0] for line in body.lines for m in line.measured]
    ys = [v for line in body.lines for p in line.points for v in p[1:]] + [m[1] for line in body.lines for m in line.measured]
    across, up = log_scale(xs, left, right, room=1.1), log_scale(ys, lower, upper, room=1.1)
    plane_grid(sheet, across, up)
    for nth, line in enumerate(body.lines):
        _band(line, sheet, across, up, _TURN[nth % len(_TURN)])
    for nth, line in enumerate(body.lines):
        _line(line, sheet, across, up, _TURN[nth % len(_TURN)], lang)
    for nth, line in enumerate(body.lines):
        _end(line, sheet, across, up, _TURN[nth % len(_TURN)], lang)
    sheet.text(right, lower + 34, translated(body.x, lang), size=_SMALL, anchor="end", fill="soft")
    return lower + 42


def _band(line: TradeLine, sheet: Canvas, across: Scale, up: Scale, colour: str) -> None:
    edge = [(across.at(x), up.at(high)) for x, _, _, high in line.points]
    edge += [(across.at(x), up.at(low)) for x, _, low, _ in reversed(line.points)]
    if len(line.points) > 1:
        sheet.path(edge, fill=colour, opacity=0.16 if line.subject else 0.07, closed=True, kind="band")


def _line(line: TradeLine, sheet: Canvas, across: Scale, up: Scale, colour: str, lang: str) -> None:
    """The line with a mark at each point, and a cross for each published run."""
    sheet.path([(across.at(x), up.at(y)) for x, y, _, _ in line.points], stroke=colour, thick=3.0 if line.subject else 2.0)
    name = translated(line.label, lang)
    for x, y, low, high in line.points:
        told = f"{name}: {x:,.1f}, {y:,.0f} ({low:,.0f} – {high:,.0f})"
        sheet.rect(across.at(x) - 3, up.at(y) - 3, across.at(x) + 3, up.at(y) + 3, colour, why=told, kind="mark")
    for x, y, told in line.measured:
        cx, cy = across.at(x), up.at(y)
        sheet.line(cx - 5, cy, cx + 5, cy, colour, thick=2.0)
        sheet.line(cx, cy - 5, cx, cy + 5, colour, thick=2.0)
        sheet.rect(cx - 6, cy - 6, cx + 6, cy + 6, "paper", opacity=0.01, why=f"{name}: {told}", kind="mark")


def _end(line: TradeLine, sheet: Canvas, across: Scale, up: Scale, colour: str, lang: str) -> None:
    """The name at the right end of its line, moved up or down to a free place."""
    x, y = across.at(line.points[-1][0]) + 8, up.at(line.points[-1][1]) + 4
    words = cut_words(translated(line.label, lang), _SMALL, max(sheet.width - x, 60))
    for shift in (0, -14, 14, -28, 28, -42, 42, -56, 56):
        if sheet.clear(text_box(x, y + shift, words, _SMALL, "start", line.subject)):
            break
    sheet.text(x, y + shift, words, size=_SMALL, bold=line.subject, fill=colour, halo=True)


def curves_spec(body: TradeCurves, lang: str) -> dict[str, Any]:
    """The plane as Vega-Lite."""
    rows = [
        {"x": x, "y": y, "low": low, "high": high, "name": translated(line.label, lang)}
        for line in body.lines for x, y, low, high in line.points
    ]  # fmt: skip
    runs = [
        {"x": x, "y": y, "run": told, "name": translated(line.label, lang)}
        for line in body.lines for x, y, told in line.measured
    ]  # fmt: skip
    log = {"scale": {"type": "log"}, "type": "quantitative"}
    x = {"field": "x", "title": translated(body.x, lang), **log}
    y = {"field": "y", "title": translated(body.y, lang), **log}
    name = {"field": "name", "type": "nominal", "title": None}
    return {
        "layer": [
            {
                "data": {"values": rows}, "mark": {"type": "area", "opacity": 0.12},
                "encoding": {"x": x, "y": {"field": "low", **log}, "y2": {"field": "high"}, "color": name},
            },
            {"data": {"values": rows}, "mark": {"type": "line", "point": True}, "encoding": {"x": x, "y": y, "color": name}},
            {"data": {"values": runs}, "mark": {"type": "point", "shape": "cross"}, "encoding": {"x": x, "y": y, "color": name}},
        ]
    }  # fmt: skip
