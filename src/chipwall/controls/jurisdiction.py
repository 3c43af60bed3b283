"""The first question of every file: is the item subject to the regulations at all?

An item in the United States or of US origin is (734.3). A foreign-made one is if it holds more than a minimal share of
controlled US content (734.4) or is the direct product of listed US technology and goes to a place or party that a rule of
734.9 names. What was not read, or was not given, is unknown: it never makes an answer freer.
"""

from __future__ import annotations

from chipwall.controls.context import CONTROLLED, Context
from chipwall.controls.records import Jurisdiction
from chipwall.text import text

__all__ = ["jurisdiction"]

FOOTNOTES = {
    "1": text("footnote 1: direct product rule of 734.9(e)(1)"),
    "4": text("footnote 4: direct product rule of 734.9(e)(2)"),
    "5": text("footnote 5: direct product rule of 734.9(e)(3), and no minimal share of US content"),
}


def jurisdiction(context: Context, eccn: str) -> Jurisdiction:
    """Whether the item is subject to the regulations, on what ground, with the paragraph."""
    journey, item = context.journey, context.item
    if journey.activity == "export" and journey.exporter == "US":
        return Jurisdiction(True, text("it leaves the United States"), "734.3(a)(1)")
    if journey.activity == "us_import":
        return Jurisdiction(True, text("it is in the United States once it is entered"), "734.3(a)(1)")
    entry = context.entry
    if entry is not None and entry.footnote in FOOTNOTES:
        says = text(
            "{footnote}; whether the item is a direct product of listed US technology was not asked",
            footnote=FOOTNOTES[entry.footnote],
        )
        return Jurisdiction(True if item.designer_country == "US" else None, says, "734.9(e)")
    if item.designer_country == "US":
        says = text("designed in the United States: taken as a direct product of US technology unless shown otherwise")
        return Jurisdiction(True, says, "734.9(h)")
    if item.designer_country == "CN" and eccn in CONTROLLED:
        says = text(
            "designed in China and in 3A090: presumed a direct product of US technology (guidance of 2025-05-13)"
        )
        return Jurisdiction(True, says, "734.9(h); 736.2(b)(10)")
    says = text("foreign-made: minimal US content and the direct product rules were not asked; treated as subject")
    return Jurisdiction(None, says, "734.3; 734.4; 734.9")
