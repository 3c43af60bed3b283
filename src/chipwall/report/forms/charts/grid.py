"""Where a sentence holds, and how many of what was said holds: cells with their counts, undecided ones included."""

from __future__ import annotations

from typing import Any

from chipwall.report.forms.charts.canvas import Canvas
from chipwall.report.forms.charts.chart import CaseCell, CaseGrid, VerdictTally
from chipwall.report.forms.charts.letters import cut_words, text_width
from chipwall.report.language.lookup import translated
from chipwall.text import text

__all__ = ["draw_grid", "draw_tally", "grid_spec", "tally_spec"]

_SMALL = 12.0
_KINDS = {"supported": "free", "depends": "case", "contradicted": "deny", "open": "unknown"}
_SIGNS = {"supported": "✓", "depends": "≈", "contradicted": "✗", "open": "?"}


def draw_grid(body: CaseGrid, sheet: Canvas, top: float, lang: str) -> float:
    """Draw from ``top`` down; returns where it ends."""
    xs, ys = (list(dict.fromkeys(getattr(c, axis) for c in body.cells)) for axis in ("x", "y"))
    said = {w: translated(w, lang) for w in (*xs, *ys)}
    left = min(max(text_width(said[y], _SMALL) for y in ys) + 14, sheet.width * 0.4)
    each, high = (sheet.width - left) / len(xs), 40.0
    if body.x:
        sheet.text(
            left, top + 12, cut_words(translated(body.x, lang), _SMALL, sheet.width - left), size=_SMALL, fill="soft"
        )
    if body.y:
        sheet.text(0, top + 12, cut_words(translated(body.y, lang), _SMALL, left - 8), size=_SMALL, fill="soft")
    top += 18
    for i, x in enumerate(xs):
        words = cut_words(said[x], _SMALL, each - 6)
        sheet.text(left + (i + 0.5) * each, top + 14, words, size=_SMALL, anchor="middle")
    top += 20
    for j, y in enumerate(ys):
        sheet.text(0, top + j * high + high / 2 + 4, cut_words(said[y], _SMALL, left - 8), size=_SMALL)
    for cell in body.cells:
        place = left + xs.index(cell.x) * each, top + ys.index(cell.y) * high
        _cell(cell, sheet, *place, each, high, lang)
    return top + high * len(ys) + 6


def _cell(cell: CaseCell, sheet: Canvas, left: float, top: float, width: float, high: float, lang: str) -> None:
    """A bar of the cell's cases in their proportions, and the share that holds of all of them."""
    count = cell.holds + cell.fails + cell.open
    x = left + 2
    for number, kind in ((cell.holds, "free"), (cell.fails, "deny"), (cell.open, "unknown")):
        end = x + (width - 4) * number / max(count, 1)
        if number:
            sheet.rect(x, top + 2, end, top + high - 2, kind, opacity=0.3, kind=f"cell {kind}")
        x = end
    words = case_words(cell, lang)
    sheet.text(
        left + width / 2,
        top + high / 2 + 4,
        cut_words(words, _SMALL, width - 4),
        size=_SMALL,
        anchor="middle",
        halo=True,
    )


def case_words(cell: CaseCell, lang: str) -> str:
    """``3 of 4`` that hold; undecided cases are named, never left out of the count."""
    count = cell.holds + cell.fails + cell.open
    if count == 1:
        return "✓" if cell.holds else "✗" if cell.fails else "?"
    if cell.open:
        return translated(text("{holds} of {count}, {open} open", holds=cell.holds, count=count, open=cell.open), lang)
    return translated(text("{holds} of {count}", holds=cell.holds, count=count), lang)


def draw_tally(body: VerdictTally, sheet: Canvas, top: float, lang: str) -> float:
    """Groups of squares, one a sentence, each with a sign so that colour is not the only difference."""
    side = 26.0
    for title, kind, told in body.groups:
        if not told:
            continue
        words = f"{len(told)} {translated(title, lang)}"
        sheet.text(0, top + 14, words, size=13, bold=True, fill=_KINDS[kind])
        top += 22
        per_line = max(int((sheet.width + 4) / (side + 4)), 1)
        for i, sentence in enumerate(told):
            x, y = (i % per_line) * (side + 4), top + (i // per_line) * (side + 4)
            sheet.rect(
                x,
                y,
                x + side,
                y + side,
                _KINDS[kind],
                opacity=0.25,
                stroke=_KINDS[kind],
                why=translated(sentence, lang),
                kind="verdict",
            )
            sheet.text(x + side / 2, y + 18, _SIGNS[kind], size=15, anchor="middle", fill=_KINDS[kind], bold=True)
        top += (1 + (len(told) - 1) // per_line) * (side + 4) + 8
    return top


def grid_spec(body: CaseGrid, lang: str) -> dict[str, Any]:
    """The cells as Vega-Lite."""
    values = [
        {
            "x": translated(c.x, lang), "y": translated(c.y, lang), "holds": c.holds, "fails": c.fails, "open": c.open,
            "share": c.holds / max(c.holds + c.fails + c.open, 1), "shown": case_words(c, lang),
        }
        for c in body.cells
    ]  # fmt: skip
    x = {"field": "x", "type": "nominal", "title": translated(body.x, lang) or None}
    y = {"field": "y", "type": "nominal", "title": translated(body.y, lang) or None}
    colour = {"field": "share", "type": "quantitative", "scale": {"domain": [0, 1]}}
    return {
        "data": {"values": values},
        "layer": [
            {"mark": "rect", "encoding": {"x": x, "y": y, "color": colour}},
            {"mark": "text", "encoding": {"x": x, "y": y, "text": {"field": "shown"}}},
        ],
    }


def tally_spec(body: VerdictTally, lang: str) -> dict[str, Any]:
    """The counts as Vega-Lite."""
    values = [{"verdict": translated(title, lang), "count": len(told)} for title, _, told in body.groups]
    return {
        "data": {"values": values},
        "mark": "bar",
        "encoding": {
            "y": {"field": "verdict", "type": "nominal", "sort": None, "title": None},
            "x": {"field": "count", "type": "quantitative", "title": None},
        },
    }
