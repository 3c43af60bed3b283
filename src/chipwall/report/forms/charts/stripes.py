"""Answers over days: a stripe per question, a stretch per answer, and a line at today."""

from __future__ import annotations

import math
from datetime import date
from typing import Any

from chipwall.report.forms.charts.canvas import Canvas
from chipwall.report.forms.charts.chart import DaySpan, DayStripes
from chipwall.report.forms.charts.letters import text_width, wrapped_lines
from chipwall.report.language.lookup import translated
from chipwall.text import text

__all__ = ["draw_stripes", "stripes_spec"]

_SMALL = 12.0
_HIGH = 34.0


def draw_stripes(body: DayStripes, sheet: Canvas, top: float, lang: str) -> float:
    """Draw from ``top`` down; returns where it ends."""
    first, last = (date.fromisoformat(d).toordinal() for d in (body.since, body.until))
    right = sheet.width - 10

    def at(day: str) -> float:
        return (date.fromisoformat(day).toordinal() - first) / max(last - first, 1) * right

    top += 14
    here = at(body.today)
    words = translated(text("today"), lang)
    half = text_width(words, _SMALL) / 2
    sheet.text(min(here, sheet.width - half), top - 2, words, size=_SMALL, anchor="middle", fill="soft")
    start = top
    for title, spans in body.stripes:
        sheet.text(0, top + 14, translated(title, lang), size=13, bold=True)
        top = _stripe(spans, sheet, at, top + 21, lang)
    sheet.line(here, start + 2, here, top, "ink", thick=1.4, dash="4 3", kind="reference today")
    _years(body, sheet, at, top, lang)
    return top + 24


def _stripe(spans: tuple[DaySpan, ...], sheet: Canvas, at: Any, top: float, lang: str) -> float:
    """One stripe; names that do not fit their stretch stand below it, a line each, joined to it."""
    below: list[tuple[float, str, str]] = []
    for span in spans:
        left, end = at(span.start), at(span.end)
        label = translated(span.label, lang)
        sheet.rect(left, top, end, top + _HIGH, span.kind, opacity=0.28, why=f"{span.start}: {label}", kind="span")
        sheet.rect(left, top, left + 2.5, top + _HIGH, span.kind)
        lines = wrapped_lines(label, _SMALL, end - left - 12)
        if len(lines) <= 2 and all(text_width(w, _SMALL) <= end - left - 10 for w in lines):
            for i, line in enumerate(lines):
                y = top + _HIGH / 2 + 4.3 + (i - (len(lines) - 1) / 2) * 14
                sheet.text(left + 7, y, line, size=_SMALL)
        else:
            below.append((left, label, span.start))
    top += _HIGH
    low = top
    for left, label, day in below:
        lines = wrapped_lines(f"{day} {label}", _SMALL, sheet.width * 0.8)
        longest = max(text_width(words, _SMALL) for words in lines)
        x = max(min(left + 6, sheet.width - longest), 0.0)
        sheet.line(left + 1, top, left + 1, low + 12, "soft", thick=0.8)
        for words in lines:
            low += 16
            sheet.text(x, low, words, size=_SMALL, halo=True)
    return low + (14 if below else 8)


def _years(body: DayStripes, sheet: Canvas, at: Any, top: float, lang: str) -> None:
    last = -math.inf
    for year in range(int(body.since[:4]) + 1, int(body.until[:4]) + 1):
        x = at(f"{year}-01-01")
        sheet.line(x, top, x, top + 5, "soft")
        words = str(year)
        half = text_width(words, _SMALL) / 2
        if x - half > last + 8 and x + half < sheet.width:
            sheet.text(x, top + 18, words, size=_SMALL, anchor="middle", fill="soft")
            last = x + half


def stripes_spec(body: DayStripes, lang: str) -> dict[str, Any]:
    """The stretches as Vega-Lite."""
    values = [
        {"question": translated(title, lang), "start": s.start, "end": s.end, "answer": translated(s.label, lang)}
        for title, spans in body.stripes
        for s in spans
    ]
    encoding = {
        "y": {"field": "question", "type": "nominal", "title": None}, "x": {"field": "start", "type": "temporal", "title": None},
        "x2": {"field": "end"}, "color": {"field": "answer", "type": "nominal", "title": None},
    }  # fmt: skip
    return {"data": {"values": values}, "mark": "bar", "encoding": encoding}
