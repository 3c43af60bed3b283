"""One quantity over time with what the draws say about it: middle, half of the draws, nine of ten draws, zero, today."""

from __future__ import annotations

import math
from typing import Any

from chipwall.report.forms.charts.canvas import Canvas
from chipwall.report.forms.charts.chart import TimeBands
from chipwall.report.forms.charts.letters import text_width
from chipwall.report.forms.charts.scales import Scale, linear_scale
from chipwall.report.language.lookup import translated
from chipwall.report.language.numbers import axis_words
from chipwall.text import text

__all__ = ["bands_spec", "draw_bands"]

_SMALL = 12.0


def draw_bands(body: TimeBands, sheet: Canvas, top: float, lang: str) -> float:
    """Draw from ``top`` down; returns where it ends."""
    high = 220.0
    values = [v for pair in body.outer for v in pair] + [0.0]
    axis = linear_scale(values, top + high, top + 14, zero=True, most=4)
    ticks = [translated(axis_words(body.shown, v), lang) for v in axis.ticks]
    left = max(text_width(w, _SMALL) for w in ticks) + 10
    names = [translated(w, lang) for w in (text("middle"), text("half of the draws"), text("9 of 10 draws"))]
    right = sheet.width - max(text_width(w, _SMALL) for w in names) - 12
    step = (right - left) / max(len(body.times) - 1, 1)
    places = [left + i * step for i in range(len(body.times))]
    for value, words in zip(axis.ticks, ticks, strict=True):
        y = axis.at(value)
        sheet.line(left, y, right, y, "line", kind="grid")
        sheet.text(left - 6, y + 4, words, size=_SMALL, anchor="end", fill="soft")
    for pairs, opacity, kind in ((body.outer, 0.18, "outer"), (body.inner, 0.3, "inner")):
        edge = [(x, axis.at(b)) for x, (_, b) in zip(places, pairs, strict=True)]
        edge += [(x, axis.at(a)) for x, (a, _) in reversed(list(zip(places, pairs, strict=True)))]
        sheet.path(edge, fill="us", opacity=opacity, closed=True, kind=kind)
    sheet.line(left, axis.at(0.0), right, axis.at(0.0), "ink", thick=1.4, kind="reference zero")
    sheet.path([(x, axis.at(v)) for x, v in zip(places, body.mid, strict=True)], stroke="us", thick=2.6, kind="middle")
    clear = _today(body, sheet, places, top + high, top, lang)
    _sides(body, sheet, axis, left, clear, lang)
    _names(body, sheet, axis, right, names)
    _times(body, sheet, places, top + high, lang)
    return top + high + 24


def _sides(body: TimeBands, sheet: Canvas, axis: Scale, left: float, clear: float, lang: str) -> None:
    """What lies above and below zero, where there is room for it."""
    above, below = (translated(w, lang) for w in body.words)
    left = max(left, clear)
    if above and axis.at(0.0) - axis.end > 30:
        sheet.text(left + 6, axis.end + 12, above, size=_SMALL, fill="soft", halo=True)
    if below and axis.start - axis.at(0.0) > 30:
        sheet.text(left + 6, axis.start - 6, below, size=_SMALL, fill="soft", halo=True)


def _today(body: TimeBands, sheet: Canvas, places: list[float], bottom: float, top: float, lang: str) -> float:
    if body.today in body.times:
        x = places[body.times.index(body.today)]
        sheet.line(x, top + 14, x, bottom, "soft", dash="2 3", kind="reference today")
        words = translated(text("today"), lang)
        half = text_width(words, _SMALL) / 2
        box = sheet.text(max(x, places[0] + half), top + 9, words, size=_SMALL, anchor="middle", fill="soft")
        return box.right
    return places[0]


def _names(body: TimeBands, sheet: Canvas, axis: Scale, right: float, names: list[str]) -> None:
    """Direct names at the right end, moved apart where they would touch."""
    wanted = [axis.at(body.mid[-1]), axis.at(body.inner[-1][1]), axis.at(body.outer[-1][1])]
    last = math.inf
    for y, words in zip(wanted, names, strict=True):
        y = max(min(y + 4, last - 15), axis.end + 4)
        last = y
        sheet.text(right + 7, y, words, size=_SMALL, fill="us" if words == names[0] else "soft", bold=words == names[0])


def _times(body: TimeBands, sheet: Canvas, places: list[float], bottom: float, lang: str) -> None:
    last = -math.inf
    for time, x in zip(body.times, places, strict=True):
        if not time.endswith("Q4"):
            continue
        sheet.line(x, bottom, x, bottom + 4, "soft")
        words = translated(text("end {year}", year=time[:4]), lang)
        half = text_width(words, _SMALL) / 2
        if x - half > last + 8 and x + half <= sheet.width:
            sheet.text(x, bottom + 18, words, size=_SMALL, anchor="middle", fill="soft")
            last = x + half


def bands_spec(body: TimeBands, lang: str) -> dict[str, Any]:
    """The bands as Vega-Lite."""
    values = [
        {"time": t, "mid": m, "low": o[0], "high": o[1], "quarter": i[0], "three_quarters": i[1]}
        for t, m, o, i in zip(body.times, body.mid, body.outer, body.inner, strict=True)
    ]
    x = {"field": "time", "type": "ordinal", "title": None}
    layers: list[dict[str, Any]] = []
    for low, high, opacity in (("low", "high", 0.18), ("quarter", "three_quarters", 0.3)):
        y = {"field": low, "type": "quantitative", "title": None}
        layers.append(
            {"mark": {"type": "area", "opacity": opacity}, "encoding": {"x": x, "y": y, "y2": {"field": high}}}
        )
    layers.append({"mark": "line", "encoding": {"x": x, "y": {"field": "mid", "type": "quantitative"}}})
    layers.append({"data": {"values": [{}]}, "mark": "rule", "encoding": {"y": {"datum": 0}}})
    if body.today in body.times:
        rule = {"mark": {"type": "rule", "strokeDash": [2, 3]}, "encoding": {"x": {"datum": body.today}}}
        layers.append({"data": {"values": [{}]}, **rule})
    return {"data": {"values": values}, "layer": layers}
