"""Where a claim holds, drawn: bars over one free condition, or a grid over the two that matter most."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isfinite

from chipwall.claims.records import Point, Verdict
from chipwall.claims.vocabulary import claim_si
from chipwall.report.forms.charts import PALETTE, Spec, bars, layered
from chipwall.report.language.lookup import translated
from chipwall.report.pages.claims import CONDITIONS, HOLDS, point_words, shown_value, statement
from chipwall.text import text

__all__ = ["point_chart"]

_COLOURS = {"holds": PALETTE[2], "fails": PALETTE[1], "cannot tell": "#bbbbbb"}


def point_chart(v: Verdict, *, lang: str) -> Spec:
    """Where a claim holds: bars of the value for one free condition, else a grid of the two that matter most."""
    title = statement(v.claim, lang)
    names = _by_weight(v)
    if len(names) < 2 and isinstance(v.value, float):
        rows = [_bar(v, p, names, lang) for p in v.points if isinstance(p.reading.value, float)]
        reference = v.claim.value / claim_si(1.0, v.claim.unit) if isinstance(v.claim.value, float) else None
        chart = bars(rows, title=title, x=v.claim.unit, lang=lang, reference=reference)
        groups = [translated(HOLDS[h], lang) for h in (True, False, None)]
        chart["layer"][0]["encoding"]["color"]["scale"] = {"domain": groups, "range": list(_COLOURS.values())}
        return chart
    across, up = (names[0], names[1]) if len(names) > 1 else (names[0] if names else "", "")
    cells = _cells(v, across, up, lang)
    spec: Spec = {
        "data": {"values": cells},
        "mark": {"type": "rect", "stroke": "white", "strokeWidth": 2},
        "encoding": {
            "x": _axis(across, cells, "x", lang),
            "y": _axis(up, cells, "y", lang),
            "color": {
                "field": "share",
                "type": "quantitative",
                "title": translated(text("share holding"), lang),
                "scale": {"domain": [0, 1], "range": [_COLOURS["fails"], "#f2f2f2", _COLOURS["holds"]]},
            },
        },
    }
    words: Spec = {
        "data": {"values": cells},
        "mark": {"type": "text", "fontSize": 12},
        "encoding": {"x": spec["encoding"]["x"], "y": spec["encoding"]["y"], "text": {"field": "shown"}},
    }
    height = max(40 * len({c["y"] for c in cells}), 80)
    return layered([spec, words], title=title, lang=lang, height=height)


def _bar(v: Verdict, p: Point, names: Sequence[str], lang: str) -> dict[str, object]:
    scale = claim_si(1.0, v.claim.unit)
    value = p.reading.value
    assert isinstance(value, float)
    low, high = (value if b is None or not isfinite(b) else b for b in (p.reading.low, p.reading.high))
    label = translated(shown_value(names[0], p.conditions[names[0]]), lang) if names else v.claim.id
    return {
        "label": label,
        "value": value / scale,
        "shown": point_words(v.claim, p),
        "low": low / scale,
        "high": high / scale,
        "group": translated(HOLDS[p.holds], lang),
    }


def _by_weight(v: Verdict) -> list[str]:
    """Free conditions, the ones named by the description first, then those with more values."""
    region = v.region or v.fails
    named = [t.condition for rule in (region.rules if region else ()) for t in rule]
    return sorted(
        v.claim.free, key=lambda n: (n not in named, named.index(n) if n in named else 0, -len(v.claim.free[n]))
    )


def _cells(v: Verdict, across: str, up: str, lang: str) -> list[dict[str, object]]:
    found: dict[tuple[str, str], list[bool | None]] = {}
    for p in v.points:
        key = tuple(translated(shown_value(n, p.conditions[n]), lang) if n else "" for n in (across, up))
        found.setdefault((key[0], key[1]), []).append(p.holds)
    cells = []
    for (x, y), holds in found.items():
        known = [h for h in holds if h is not None]
        share = sum(known) / len(known) if known else 0.5
        shown = f"{share:.0%}" if known else "?"
        cells.append({"x": x, "y": y, "share": share, "shown": shown})
    return cells


def _axis(name: str, cells: Sequence[Mapping[str, object]], field: str, lang: str) -> Spec:
    order = list(dict.fromkeys(str(c[field]) for c in cells))
    title = translated(CONDITIONS[name], lang) if name else None
    return {
        "field": field,
        "type": "nominal",
        "sort": order,
        "title": title,
        "axis": {"labelLimit": 260, "labelAngle": 0},
    }
