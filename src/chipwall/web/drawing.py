"""Figures and the style sheet of ``report``, as the app hands them out."""

from __future__ import annotations

import json
from importlib.resources import files

from chipwall.answer import plain_json
from chipwall.report.forms.charts import Chart, chart_png, chart_spec, chart_svg
from chipwall.report.forms.charts.canvas import Theme
from chipwall.report.forms.parts import style_sheet
from chipwall.report.language.lookup import translated

__all__ = ["Drawing", "drawing_bytes", "drawing_svg", "drawing_title", "shared_style"]

Drawing = Chart


def drawing_svg(chart: Drawing, *, lang: str, theme: str) -> str:
    """The figure as it stands in a page."""
    return chart_svg(chart, lang=lang, theme="page")


def drawing_bytes(chart: Drawing, form: str, *, lang: str, theme: str) -> bytes:
    """The figure as a file: ``svg``, ``png``, or its specification, ``vl.json``."""
    if form == "vl.json":
        return json.dumps(plain_json(chart_spec(chart, lang=lang)), ensure_ascii=False, indent=1).encode()
    alone: Theme = "dark" if theme == "dark" else "light"
    if form == "svg":
        return chart_svg(chart, lang=lang, theme=alone).encode()
    return chart_png(chart, lang=lang, theme=alone)


def drawing_title(chart: Drawing, lang: str) -> str:
    """What the figure shows, for who does not see it."""
    return translated(chart.title, lang)


def shared_style() -> bytes:
    """The style sheet of every page of ``report``."""
    own = (files("chipwall.report.forms") / "templates" / "check.css").read_bytes()
    return style_sheet().encode() + b"\n" + own
