"""Chips in a plane against the regions of a rule; a region that the rule leaves open reaches the edge of the axis."""

from __future__ import annotations

import math
from typing import Any

from chipwall.report.forms.charts.canvas import Canvas, text_box
from chipwall.report.forms.charts.chart import ChipMark, RuleArea, RuleWall
from chipwall.report.forms.charts.letters import cut_words, text_width
from chipwall.report.forms.charts.scales import Scale, log_scale
from chipwall.report.language.lookup import translated

__all__ = ["draw_wall", "plane_grid", "wall_spec"]

_SMALL = 12.0


def draw_wall(body: RuleWall, sheet: Canvas, top: float, lang: str) -> float:
    """Draw from ``top`` down; returns where it ends."""
    right, high = sheet.width - 8, 340.0
    sheet.text(0, top + 12, cut_words(translated(body.y, lang), _SMALL, sheet.width), size=_SMALL, fill="soft")
    upper, lower = top + 24, top + 24 + high
    xs = [p.x for p in body.points] + [v for a in body.areas for v in (a.x_from, a.x_to) if v]
    ys = [p.y for p in body.points] + [v for a in body.areas for v in (a.y_from, a.y_to) if v]
    up = log_scale(ys, lower, upper, room=1.5)
    left = max(text_width(_tick(v), _SMALL) for v in up.ticks) + 10
    across = log_scale(xs, left, right, room=1.4)
    plane_grid(sheet, across, up)
    for area in body.areas:
        _area(area, sheet, across, up)
    for point in sorted(body.points, key=lambda p: p.subject):
        _mark(point, sheet, across, up, lang)
    for area in sorted(body.areas, key=_size):
        _name_area(area, sheet, across, up, lang)
    for point in sorted(body.points, key=lambda p: not p.subject):
        _name(point, sheet, across.at(point.x), up.at(point.y), lang, upper, lower)
    sheet.text(right, lower + 34, translated(body.x, lang), size=_SMALL, anchor="end", fill="soft")
    return lower + 42


def plane_grid(sheet: Canvas, across: Scale, up: Scale) -> None:
    """The lines of round numbers of two axes, with the numbers."""
    last = -math.inf
    for value in across.ticks:
        x = across.at(value)
        sheet.line(x, up.end, x, up.start, "line", kind="grid")
        words = _tick(value)
        half = text_width(words, _SMALL) / 2
        if x - half > last + 6 and x + half < sheet.width:
            sheet.text(x, up.start + 16, words, size=_SMALL, anchor="middle", fill="soft")
            last = x + half
    for value in up.ticks:
        y = up.at(value)
        sheet.line(across.start, y, across.end, y, "line", kind="grid")
        sheet.text(across.start - 6, y + 4, _tick(value), size=_SMALL, anchor="end", fill="soft")


def _tick(value: float) -> str:
    return f"{value:,.4g}" if value < 1e4 else f"{value:,.0f}"


def _edges(area: RuleArea, across: Scale, up: Scale) -> tuple[float, float, float, float]:
    """Left, top, right, bottom [px]; an open side is the edge of the axis."""
    return (
        across.start if area.x_from is None else across.at(area.x_from),
        up.end if area.y_to is None else up.at(area.y_to),
        across.end if area.x_to is None else across.at(area.x_to),
        up.start if area.y_from is None else up.at(area.y_from),
    )


def _area(area: RuleArea, sheet: Canvas, across: Scale, up: Scale) -> None:
    left, top, right, bottom = _edges(area, across, up)
    sheet.rect(left, top, right, bottom, area.kind, opacity=0.13, kind="area")
    # a line only where the rule has a limit
    limits = (
        (area.x_from, (left, top, left, bottom)), (area.x_to, (right, top, right, bottom)),
        (area.y_from, (left, bottom, right, bottom)), (area.y_to, (left, top, right, top)),
    )  # fmt: skip
    for limit, (x1, y1, x2, y2) in limits:
        if limit is not None:
            sheet.line(x1, y1, x2, y2, area.kind, thick=1.5, kind="limit")


def _size(area: RuleArea) -> int:
    return sum(v is None for v in (area.x_from, area.x_to, area.y_from, area.y_to))


def _name_area(area: RuleArea, sheet: Canvas, across: Scale, up: Scale, lang: str) -> None:
    """The name inside the region, in the first corner that is free; a region too small for it is named beside it."""
    left, top, right, bottom = _edges(area, across, up)
    words = translated(area.label, lang)
    length = text_width(words, _SMALL, bold=True)
    rows = [top + 15, bottom - 7] + [top + 15 + 14 * i for i in range(1, max(int((bottom - top - 22) / 14), 1))]
    for y in rows:
        for x, anchor in ((right - 6, "end"), (left + 6, "start")):
            box = text_box(x, y, words, _SMALL, anchor, True)
            if length < right - left - 8 and box.bottom <= bottom and sheet.clear(box):
                sheet.text(x, y, words, size=_SMALL, anchor=anchor, bold=True, fill=area.kind, halo=True)
                return
    for x, y, anchor in ((right + 5, top + 10, "start"), (left - 5, top + 10, "end"), (left, top - 5, "start")):
        box = text_box(x, y, words, _SMALL, anchor, True)
        if sheet.clear(box) and box.left >= across.start and box.right <= across.end:
            sheet.text(x, y, words, size=_SMALL, anchor=anchor, bold=True, fill=area.kind, halo=True)
            return


def _mark(point: ChipMark, sheet: Canvas, across: Scale, up: Scale, lang: str) -> None:
    told = " ".join(translated(w, lang) for w in (point.label, point.why) if w)
    sheet.mark(
        across.at(point.x), up.at(point.y), point.side, size=7 if point.subject else 4.6, sure=point.sure, why=told,
        url=point.url,
    )  # fmt: skip


def _name(point: ChipMark, sheet: Canvas, x: float, y: float, lang: str, upper: float, lower: float) -> None:
    """The name of a chip in the first free place around its mark; a name without a place is told on pointing."""
    words = translated(point.label, lang)
    for distance in (9.0, 16.0, 26.0):
        for degrees in (0, 180, 90, 270, 45, 135, 315, 225):
            dx, dy = math.cos(math.radians(degrees)) * distance, -math.sin(math.radians(degrees)) * distance
            anchor = "start" if dx > 1 else "end" if dx < -1 else "middle"
            baseline = y + dy + 4.3
            box = text_box(x + dx, baseline, words, _SMALL, anchor, point.subject)
            if sheet.clear(box) and box.top >= upper - 2 and box.bottom <= lower + 2 and box.right < sheet.width - 2:
                if distance > 9:
                    sheet.line(x, y, x + dx * 0.8, y + dy * 0.8, "soft", thick=0.8)
                sheet.text(x + dx, baseline, words, size=_SMALL, anchor=anchor, bold=point.subject, halo=True)
                return


def wall_spec(body: RuleWall, lang: str) -> dict[str, Any]:
    """The plane as Vega-Lite; open sides end at the edges of the chips."""
    xs, ys = [p.x for p in body.points], [p.y for p in body.points]
    areas = [
        {
            "label": translated(a.label, lang), "x1": a.x_from or min(xs) / 2, "x2": a.x_to or max(xs) * 2,
            "y1": a.y_from or min(ys) / 2, "y2": a.y_to or max(ys) * 2,
        }
        for a in body.areas
    ]  # fmt: skip
    points = [{"label": translated(p.label, lang), "x": p.x, "y": p.y, "side": p.side or "other"} for p in body.points]
    log = {"scale": {"type": "log"}, "type": "quantitative"}
    box = {
        "x": {"field": "x1", **log}, "x2": {"field": "x2"}, "y": {"field": "y1", **log}, "y2": {"field": "y2"},
        "color": {"field": "label", "type": "nominal", "title": None},
    }  # fmt: skip
    x = {"field": "x", "title": translated(body.x, lang), **log}
    y = {"field": "y", "title": translated(body.y, lang), **log}
    return {
        "layer": [
            {"data": {"values": areas}, "mark": {"type": "rect", "opacity": 0.2}, "encoding": box},
            {
                "data": {"values": points},
                "mark": {"type": "point", "filled": True, "size": 60},
                "encoding": {"x": x, "y": y, "shape": {"field": "side", "type": "nominal"}},
            },
            {
                "data": {"values": points},
                "mark": {"type": "text", "align": "left", "dx": 7},
                "encoding": {"x": x, "y": y, "text": {"field": "label"}},
            },
        ]
    }
