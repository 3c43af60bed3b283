"""Charts as data: Vega-Lite specifications as plain dictionaries, one definition for terminal export, page and tests.

Bare dictionaries rather than a chart library: importing one takes longer than drawing the chart. ``svg`` draws a
specification without a browser and without the network.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from chipwall.report.language.lookup import lookup, said, translated

__all__ = ["PALETTE", "Spec", "bars", "dots", "layered", "lookup", "paths", "svg", "wall"]

Spec = dict[str, Any]

# Okabe and Ito's palette: told apart by people with any common colour blindness; shapes are the second channel.
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#F0E442")
_FONT = "Inter, 'Noto Sans', 'Noto Sans CJK SC', 'Source Han Sans SC', 'PingFang SC', 'Microsoft YaHei', sans-serif"
_SCHEMA = "https://vega.github.io/schema/vega-lite/v5.json"


def layered(layers: Sequence[Spec], *, title: str, lang: str, width: int = 560, height: int = 260) -> Spec:
    """Layers under one title with the theme of the house."""
    return {
        "$schema": _SCHEMA,
        "title": {"text": translated(title, lang), "anchor": "start", "fontSize": 14},
        "width": width,
        "height": height,
        "layer": list(layers),
        "config": {
            "font": _FONT,
            "view": {"stroke": None},
            "axis": {"gridColor": "#e5e5e5", "domainColor": "#888", "labelFontSize": 12, "titleFontSize": 12},
            "range": {"category": list(PALETTE)},
            "background": "white",
        },
    }


def bars(
    rows: Sequence[Mapping[str, object]], *, title: str, x: str, lang: str, reference: float | None = None
) -> Spec:
    """Horizontal bars with their values written out.

    Parameters
    ----------
    rows : sequence of mapping
        ``label``, ``value``, ``shown`` (text at the bar's end); ``low`` and ``high`` where there is an interval;
        optional ``group`` colours.
    x : str
        Title of the value axis.
    reference : float, optional
        A rule drawn at this value, 1 for ratios.
    """
    rows = [said(r, lang) for r in rows]
    order = [str(r["label"]) for r in rows]
    y: Spec = {"field": "label", "type": "nominal", "sort": order, "title": None, "axis": {"labelLimit": 260}}
    value: Spec = {"field": "value", "type": "quantitative", "title": translated(x, lang)}
    colour: Spec = {"value": PALETTE[0]}
    if any("group" in r for r in rows):
        colour = {"field": "group", "type": "nominal", "title": None}
    data = {"values": [dict(r) for r in rows]}
    layers: list[Spec] = [
        {
            "data": data,
            "mark": {"type": "bar", "height": {"band": 0.7}},
            "encoding": {"y": y, "x": value, "color": colour},
        },
        {
            "data": data,
            "mark": {"type": "text", "align": "left", "dx": 4, "fontSize": 12},
            "encoding": {"y": y, "x": value, "text": {"field": "shown"}},
        },
    ]
    if any("low" in r for r in rows):
        span: Spec = {"y": y, "x": {"field": "low", "type": "quantitative"}, "x2": {"field": "high"}}
        layers.append({"data": data, "mark": {"type": "rule", "strokeWidth": 2, "color": "#333"}, "encoding": span})
    if reference is not None:
        rule: Spec = {"x": {"datum": reference}}
        layers.append({"mark": {"type": "rule", "strokeDash": [4, 3], "color": "#555"}, "encoding": rule})
    return layered(layers, title=title, lang=lang, height=max(26 * len(rows), 60))


def dots(
    rows: Sequence[Mapping[str, object]], *, title: str, x: str, lang: str, reference: float | None = None
) -> Spec:
    """One row per quantity, one mark per group, on a logarithmic axis.

    ``rows`` carry ``label``, ``value``, ``shown`` and ``group``; colour and shape both tell the group.
    """
    rows = [said(r, lang) for r in rows]
    data = {"values": [dict(r) for r in rows]}
    order = list(dict.fromkeys(str(r["label"]) for r in rows))
    groups = list(dict.fromkeys(str(r["group"]) for r in rows))
    y: Spec = {
        "field": "label",
        "type": "nominal",
        "sort": order,
        "title": None,
        "axis": {"labelLimit": 260, "grid": True},
    }
    offset: Spec = {"field": "group", "sort": groups}
    value: Spec = {"field": "value", "type": "quantitative", "title": translated(x, lang), "scale": {"type": "log"}}
    group: Spec = {"field": "group", "type": "nominal", "title": None, "sort": groups}
    encoding: Spec = {"y": y, "yOffset": offset, "x": value, "color": group}
    layers: list[Spec] = [
        {"data": data, "mark": {"type": "point", "filled": True, "size": 70}, "encoding": {**encoding, "shape": group}},
        {
            "data": data,
            "mark": {"type": "text", "align": "left", "dx": 7, "fontSize": 10},
            # its own colour, not the group's: a second colour scale would split the legend in two
            "encoding": {"y": y, "yOffset": offset, "x": value, "text": {"field": "shown"}, "color": {"value": "#333"}},
        },
    ]
    if reference is not None:
        layers.append(
            {"mark": {"type": "rule", "strokeDash": [4, 3], "color": "#555"}, "encoding": {"x": {"datum": reference}}}
        )
    return layered(layers, title=title, lang=lang, height=max(15 * len(rows), 80))


def wall(
    points: Sequence[Mapping[str, object]],
    regions: Sequence[Mapping[str, object]],
    *,
    title: str,
    x: str,
    y: str,
    lang: str,
    log: bool = True,
) -> Spec:
    """Chips against the limits of the law.

    ``points`` carry ``x``, ``y``, ``label``, ``status``; ``regions`` carry ``x1``, ``x2``, ``y1``, ``y2``, ``label``.
    """
    scale: Spec = {"type": "log"} if log else {"zero": False}
    xe: Spec = {"field": "x", "type": "quantitative", "title": translated(x, lang), "scale": scale}
    ye: Spec = {"field": "y", "type": "quantitative", "title": translated(y, lang), "scale": scale}
    shapes: Spec = {"field": "status", "type": "nominal", "title": None}
    dots = {"values": [said(p, lang) for p in points]}
    areas = {"values": [said(r, lang) for r in regions]}
    box: Spec = {
        "x": {"field": "x1", "type": "quantitative"},
        "x2": {"field": "x2"},
        "y": {"field": "y1", "type": "quantitative"},
        "y2": {"field": "y2"},
        "color": {"field": "label", "type": "nominal", "title": None, "scale": {"range": list(PALETTE[1:])}},
    }
    label: Spec = {"x": xe, "y": ye, "text": {"field": "label"}}
    return layered(
        [
            {"data": areas, "mark": {"type": "rect", "opacity": 0.18}, "encoding": box},
            {
                "data": dots,
                "mark": {"type": "point", "filled": True, "size": 60, "color": PALETTE[0]},
                "encoding": {"x": xe, "y": ye, "shape": shapes},
            },
            {
                "data": dots,
                "mark": {"type": "text", "align": "left", "dx": 6, "dy": -5, "fontSize": 10},
                "encoding": label,
            },
        ],
        title=title,
        lang=lang,
        width=680,
        height=420,
    )


def paths(rows: Sequence[Mapping[str, object]], *, title: str, y: str, lang: str, x: str = "quarter") -> Spec:
    """Lines with bands over time.

    ``rows`` carry ``x``, ``low``, ``mid``, ``high`` and ``series``, in order of time.
    """
    rows = [said(r, lang) for r in rows]
    data = {"values": [dict(r) for r in rows]}
    order = list(dict.fromkeys(str(r["x"]) for r in rows))
    step = max(len(order) // 12, 1)
    xe: Spec = {
        "field": "x",
        "type": "ordinal",
        "sort": order,
        "title": None,
        "axis": {"values": order[::step], "labelAngle": -40},
    }
    colour: Spec = {"field": "series", "type": "nominal", "title": None}
    low: Spec = {"field": "low", "type": "quantitative", "title": translated(y, lang)}
    mid: Spec = {"field": "mid", "type": "quantitative"}
    dash: Spec = {"field": "series", "type": "nominal", "title": None}
    return layered(
        [
            {
                "data": data,
                "mark": {"type": "area", "opacity": 0.18},
                "encoding": {"x": xe, "y": low, "y2": {"field": "high"}, "color": colour},
            },
            {
                "data": data,
                "mark": {"type": "line", "strokeWidth": 2.5},
                "encoding": {"x": xe, "y": mid, "color": colour, "strokeDash": dash},
            },
        ],
        title=title,
        lang=lang,
    )


def svg(spec: Spec) -> str:
    """The chart as an SVG picture; needs the ``report`` extra."""
    import vl_convert  # compiled, loads in milliseconds, but only pages need it

    return str(vl_convert.vegalite_to_svg(spec))
