"""Scatter plots of the scoreboard as Vega-Lite specifications.

Bare dictionaries rather than a chart library: importing one takes longer than drawing the chart. ``svg`` draws a
specification without a browser and without the network.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from chipwall.report.language.lookup import translated

__all__ = ["PALETTE", "Spec", "layered", "svg"]

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


def svg(spec: Spec) -> str:
    """The chart as an SVG picture; needs the ``report`` extra."""
    import vl_convert  # compiled, loads in milliseconds, but only pages need it

    return str(vl_convert.vegalite_to_svg(spec))
