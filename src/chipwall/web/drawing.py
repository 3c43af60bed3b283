"""Figures and the style sheet of ``report``, as the app hands them out."""

from __future__ import annotations

import json
from importlib.resources import files

from chipwall.answer import plain_json
from chipwall.report.forms.charts import Spec, svg
from chipwall.report.language.lookup import translated

__all__ = ["Drawing", "drawing_bytes", "drawing_svg", "drawing_title", "shared_style"]

Drawing = Spec


def drawing_svg(chart: Drawing, *, lang: str, theme: str) -> str:
    """The figure as it stands in a page."""
    return svg(chart)


def drawing_bytes(chart: Drawing, form: str, *, lang: str, theme: str) -> bytes:
    """The figure as a file: ``svg``, ``png``, or its specification, ``vl.json``."""
    if form == "vl.json":
        return json.dumps(plain_json(chart), ensure_ascii=False, indent=1).encode()
    if form == "svg":
        return svg(chart).encode()
    import vl_convert

    return bytes(vl_convert.vegalite_to_png(chart, scale=2))


def drawing_title(chart: Drawing, lang: str) -> str:
    """What the figure shows, for who does not see it."""
    title = chart.get("title", "")
    return translated(title["text"] if isinstance(title, dict) else title, lang)


def shared_style() -> bytes:
    """The style sheet of every page of ``report``."""
    folder = files("chipwall.report.forms") / "templates"
    return b"\n".join((folder / name).read_bytes() for name in ("brief.css", "check.css"))
