"""Names down, panels across: where each value stands, its interval, and the number beside it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from chipwall.report.forms.charts.canvas import Canvas
from chipwall.report.forms.charts.chart import Dot, DotRow, DotRows, Panel
from chipwall.report.forms.charts.letters import cut_words, text_width
from chipwall.report.forms.charts.scales import Scale, linear_scale, log_scale
from chipwall.report.language.lookup import translated
from chipwall.report.language.numbers import axis_words

__all__ = ["draw_rows", "rows_spec"]

_ROW = 27.0
_GAP = 22.0
_SMALL = 12.0
_LEAST = 128.0


def draw_rows(body: DotRows, sheet: Canvas, top: float, lang: str) -> float:
    """Draw from ``top`` down; returns where it ends. Panels stand side by side where each has room, else in a stack."""
    labels = [translated(line.label, lang) for line in body.lines]
    named = (
        max((text_width(w, 13, bold=line.subject) for w, line in zip(labels, body.lines, strict=True)), default=0.0)
        + 12
    )
    named = min(named, sheet.width * 0.42)
    room = sheet.width - named
    across = len(body.panels) * _LEAST + (len(body.panels) - 1) * _GAP <= room
    if across:
        each = (room - (len(body.panels) - 1) * _GAP) / len(body.panels)
        _tints(body.lines, sheet, top + 34, sheet.width)
        places = [(named + i * (each + _GAP), each, top) for i in range(len(body.panels))]
        _names(body.lines, labels, sheet, top + 34, named)
        for i, (left, width, y) in enumerate(places):
            _panel(body, i, sheet, left, width, y, lang)
        return top + 34 + _ROW * len(body.lines) + 22
    for i in range(len(body.panels)):
        _tints(body.lines, sheet, top + 34, sheet.width)
        _names(body.lines, labels, sheet, top + 34, named)
        _panel(body, i, sheet, named, room, top, lang)
        top += 34 + _ROW * len(body.lines) + 30
    return top - 8


def _tints(lines: Sequence[DotRow], sheet: Canvas, top: float, right: float) -> None:
    for i, line in enumerate(lines):
        if line.subject:
            sheet.rect(0, top + i * _ROW, right, top + (i + 1) * _ROW, "tint", kind="subject")


def _names(lines: Sequence[DotRow], labels: Sequence[str], sheet: Canvas, top: float, room: float) -> None:
    for i, (line, words) in enumerate(zip(lines, labels, strict=True)):
        y = top + (i + 0.5) * _ROW + 4.5
        sheet.text(4, y, cut_words(words, 13, room - 8, bold=line.subject), size=13, bold=line.subject)


def _panel(body: DotRows, number: int, sheet: Canvas, left: float, width: float, top: float, lang: str) -> None:
    panel = body.panels[number]
    dots = [line.dots[number] for line in body.lines]
    sheet.text(left, top + 12, cut_words(translated(panel.title, lang), 13, width, bold=True), size=13, bold=True)
    known = [d for d in dots if isinstance(d, Dot)]
    bottom = top + 34 + _ROW * len(dots)
    if known:
        axis = _axis(panel, known, left, width, lang)
        _ticks(panel, axis, sheet, top, bottom, lang)
    for i, (dot, line) in enumerate(zip(dots, body.lines, strict=True)):
        y = top + 34 + (i + 0.5) * _ROW
        if not isinstance(dot, Dot):
            words = cut_words(translated(dot, lang) or "–", _SMALL, width)
            sheet.text(left, y + 4, words, size=_SMALL, fill="soft")
            continue
        _dot(dot, line, axis, sheet, y, left + width, lang, bar=body.bars)


def _axis(panel: Panel, dots: Sequence[Dot], left: float, width: float, lang: str) -> Scale:
    """The axis of a panel; it stops where the longest number still fits beside its mark."""
    ends = [v for d in dots for v in (d.low, d.value, d.high) if v is not None]
    ends += [panel.reference[0]] if panel.reference else []
    beside = max(text_width(translated(d.shown, lang), _SMALL) for d in dots) + 14
    start, end = left + 6, left + max(width - beside, width * 0.35)
    return log_scale(ends, start, end, most=4) if panel.log else linear_scale(ends, start, end, zero=panel.zero, most=3)


def _ticks(panel: Panel, axis: Scale, sheet: Canvas, top: float, bottom: float, lang: str) -> None:
    last = -math.inf
    for value in axis.ticks:
        x = axis.at(value)
        sheet.line(x, top + 34, x, bottom, "line", kind="grid")
        words = translated(axis_words(panel.shown, value), lang)
        half = text_width(words, _SMALL) / 2
        if x - half > last + 6 and x - half >= axis.start - 8:
            sheet.text(x, bottom + 15, words, size=_SMALL, anchor="middle", fill="soft")
            last = x + half
    if panel.reference:
        x = axis.at(panel.reference[0])
        sheet.line(x, top + 30, x, bottom, "ink", thick=1.4, dash="4 3", kind="reference")
        words = translated(panel.reference[1], lang)
        if words:
            half = text_width(words, _SMALL) / 2
            x = min(max(x, axis.start - 6 + half), sheet.width - half)
            sheet.text(x, top + 27, words, size=_SMALL, anchor="middle", fill="soft")


def _dot(dot: Dot, line: DotRow, axis: Scale, sheet: Canvas, y: float, right: float, lang: str, *, bar: bool) -> None:
    x = axis.at(dot.value)
    told = " ".join(translated(w, lang) for w in (line.label, dot.shown, dot.why) if w)
    side = line.side if line.side in ("us", "cn") else "other"
    end = x
    if bar:
        sheet.rect(
            axis.at(max(axis.low, 0.0)), y - 7, x, y + 7, side, opacity=1 if dot.sure else 0.35, why=told, kind="bar"
        )
    if dot.low is not None and dot.high is not None and dot.high > dot.low:
        a, b = axis.at(dot.low), axis.at(dot.high)
        sheet.line(a, y, b, y, side, thick=2.4, kind="interval")
        for place in (a, b):
            sheet.line(place, y - 4, place, y + 4, side, thick=1.6)
        end = max(b, x)
    if not bar:
        sheet.mark(x, y, line.side, size=5.5 if line.subject else 4.6, sure=dot.sure, why=told)
        end = max(end, x + 6)
    words = translated(dot.shown, lang)
    place = min(end + 6, right - text_width(words, _SMALL))
    sheet.text(place, y + 4.3, words, size=_SMALL, bold=line.subject, halo=True)


def rows_spec(body: DotRows, lang: str) -> dict[str, Any]:
    """The panels as Vega-Lite, side by side."""

    def said(words: str) -> str:
        return translated(words, lang)

    made = []
    for i, panel in enumerate(body.panels):
        values = [
            {
                "label": said(line.label), "value": d.value, "low": d.low, "high": d.high, "shown": said(d.shown),
                "side": line.side or "other", "sure": d.sure,
            }
            for line in body.lines
            if isinstance(d := line.dots[i], Dot)
        ]  # fmt: skip
        y: dict[str, Any] = {
            "field": "label",
            "type": "nominal",
            "sort": [said(line.label) for line in body.lines],
            "title": None,
        }
        x: dict[str, Any] = {"field": "value", "type": "quantitative", "title": said(panel.title)}
        x |= {"scale": {"type": "log"}} if panel.log else {}
        span = {"y": y, "x": {"field": "low", "type": "quantitative"}, "x2": {"field": "high"}}
        mark: dict[str, Any] = {"type": "bar"} if body.bars else {"type": "point", "filled": True, "size": 80}
        layers: list[dict[str, Any]] = [
            {"mark": mark, "encoding": {"y": y, "x": x, "shape": {"field": "side"}, "color": {"field": "side"}}},
            {"mark": "rule", "encoding": span},
            {
                "mark": {"type": "text", "align": "left", "dx": 8},
                "encoding": {"y": y, "x": x, "text": {"field": "shown"}},
            },
        ]
        if panel.reference:
            rule = {"mark": {"type": "rule", "strokeDash": [4, 3]}, "encoding": {"x": {"datum": panel.reference[0]}}}
            layers.append({"data": {"values": [{}]}, **rule})
        made.append({"data": {"values": values}, "layer": layers})
    return made[0] if len(made) == 1 else {"hconcat": made}
