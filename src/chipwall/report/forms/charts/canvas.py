"""A sheet to draw on: shapes with known boxes, written as SVG in the colours of a theme."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Literal

from chipwall.report.forms.charts.letters import FONT, text_width

__all__ = ["COLOURS", "Box", "Canvas", "Theme"]

Theme = Literal["light", "dark", "page"]

# name: light, dark. Text colours keep 4.5 to 1 against the paper, marks 3 to 1; sides differ in shape as well.
COLOURS: Mapping[str, tuple[str, str]] = {
    "paper": ("#ffffff", "#0d1117"),
    "ink": ("#1b1f24", "#e6edf3"),
    "soft": ("#57606a", "#a2acb8"),
    "line": ("#d8dee4", "#30363d"),
    "tint": ("#eef3f8", "#1a212b"),
    "us": ("#0b61a4", "#6cb6ff"),
    "cn": ("#c2410c", "#ff9d6e"),
    "other": ("#57606a", "#a2acb8"),
    "free": ("#0a7d4f", "#4ac28f"),
    "case": ("#9a6700", "#e3b341"),
    "deny": ("#b3261e", "#ff8a80"),
    "letter": ("#7a3e9d", "#d2a8ff"),
    "gate": ("#57606a", "#a2acb8"),
    "unknown": ("#8c959f", "#6e7681"),
}


@dataclass(frozen=True, slots=True)
class Box:
    """Left, top, right and bottom [px]."""

    left: float
    top: float
    right: float
    bottom: float

    def meets(self, other: Box) -> bool:
        """Whether the two share more than an edge."""
        return (
            self.left < other.right - 0.5
            and other.left < self.right - 0.5
            and self.top < other.bottom - 0.5
            and other.top < self.bottom - 0.5
        )


def text_box(x: float, y: float, words: str, size: float, anchor: str, bold: bool) -> Box:
    """The box of a line of words whose baseline is at ``y``."""
    length = text_width(words, size, bold=bold)
    left = x - {"start": 0.0, "middle": length / 2, "end": length}[anchor]
    return Box(left, y - 0.82 * size, left + length, y + 0.24 * size)


@dataclass(slots=True)
class Canvas:
    """Shapes in the order they are drawn; ``texts`` and ``marks`` are the boxes that labels keep clear of."""

    width: float
    height: float = 0.0
    shapes: list[str] = field(default_factory=list)
    texts: list[tuple[str, Box]] = field(default_factory=list)
    marks: list[Box] = field(default_factory=list)

    def rect(
        self, left: float, top: float, right: float, bottom: float, fill: str,
        *, opacity: float = 1.0, stroke: str = "", dash: str = "", why: str = "", kind: str = "",
    ) -> None:  # fmt: skip
        """A rectangle; ``why`` is told when it is pointed at."""
        style = _style(fill=fill, stroke=stroke, dash=dash, opacity=opacity, kind=kind)
        place = f'x="{left:.1f}" y="{top:.1f}" width="{max(right - left, 0):.1f}" height="{max(bottom - top, 0):.1f}"'
        self.shapes.append(_closed("rect", f"{place} {style}", why))

    def line(
        self,
        x1: float,
        y1: float,
        x2: float,
        y2: float,
        stroke: str,
        *,
        thick: float = 1.0,
        dash: str = "",
        kind: str = "",
    ) -> None:
        """A straight line."""
        style = _style(stroke=stroke, thick=thick, dash=dash, kind=kind)
        self.shapes.append(f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" {style}/>')

    def path(
        self, points: Sequence[tuple[float, float]], *, fill: str = "none", stroke: str = "", thick: float = 2.0,
        opacity: float = 1.0, closed: bool = False, kind: str = "",
    ) -> None:  # fmt: skip
        """A line through points, or the area that they enclose."""
        way = "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points) + ("Z" if closed else "")
        self.shapes.append(
            f'<path d="{way}" {_style(fill=fill, stroke=stroke, thick=thick, opacity=opacity, kind=kind)}/>'
        )

    def mark(
        self, x: float, y: float, side: str, *, size: float = 5.0, sure: bool = True, why: str = "", url: str = ""
    ) -> None:
        """A chip: a circle for the United States, a diamond for China, a square for others; hollow where not sure."""
        colour = side if side in ("us", "cn") else "other"
        style = _style(fill=colour if sure else "paper", stroke=colour, thick=2.0, kind="mark")
        if colour == "us":
            self.shapes.append(_closed("circle", f'cx="{x:.1f}" cy="{y:.1f}" r="{size:.1f}" {style}', why))
        elif colour == "cn":
            d = size * 1.3
            way = f"M{x:.1f} {y - d:.1f}L{x + d:.1f} {y:.1f}L{x:.1f} {y + d:.1f}L{x - d:.1f} {y:.1f}Z"
            self.shapes.append(_closed("path", f'd="{way}" {style}', why))
        else:
            d = size * 0.9
            place = f'x="{x - d:.1f}" y="{y - d:.1f}" width="{2 * d:.1f}" height="{2 * d:.1f}"'
            self.shapes.append(_closed("rect", f"{place} {style}", why))
        if url:
            self.shapes[-1] = f'<a href="{escape(url)}" aria-label="{_plain(escape(why))}">{self.shapes[-1]}</a>'
        self.marks.append(Box(x - size - 1, y - size - 1, x + size + 1, y + size + 1))

    def text(
        self, x: float, y: float, words: str, *, size: float = 12.0, anchor: str = "start", bold: bool = False,
        fill: str = "ink", halo: bool = False,
    ) -> Box:  # fmt: skip
        """A line of words with its baseline at ``y``; a halo keeps it readable on lines."""
        words = words.strip()
        box = text_box(x, y, words, size, anchor, bold)
        if words:
            self.texts.append((words, box))
            weight = ' font-weight="600"' if bold else ""
            turned = "" if anchor == "start" else f' text-anchor="{anchor}"'
            rim = ' paint-order="stroke" stroke="{paper}" stroke-width="3" stroke-linejoin="round"' if halo else ""
            self.shapes.append(
                f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size:g}" fill="{{{fill}}}"{weight}{turned}{rim}>'
                f"{_plain(words)}</text>"
            )
        return box

    def clear(self, box: Box) -> bool:
        """Whether a box meets no words and no marks and lies on the sheet."""
        inside = box.left >= 0 and box.top >= 0 and box.right <= self.width and box.bottom <= (self.height or math.inf)
        return inside and not any(box.meets(b) for _, b in self.texts) and not any(box.meets(b) for b in self.marks)

    def svg(self, *, title: str, told: str, name: str, theme: Theme, lang: str) -> str:
        """The sheet as SVG: with a title and a description for readers who do not see it."""
        colours = {n: _colour(n, pair, theme) for n, pair in COLOURS.items()}
        # on a page the paper is the page's own
        paper = (
            "" if theme == "page" else f'<rect width="{self.width:g}" height="{self.height:.0f}" fill="{{paper}}"/>\n'
        )
        body = (paper + "\n".join(self.shapes)).format(**colours)
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {self.width:g} {self.height:.0f}" width="{self.width:g}" '
            f'height="{self.height:.0f}" role="img" aria-labelledby="{name}-t {name}-d" lang="{lang}" '
            f'font-family="{escape(FONT)}">\n<title id="{name}-t">{escape(title)}</title>\n'
            f'<desc id="{name}-d">{escape(told)}</desc>\n{body}\n</svg>'
        )


def _colour(name: str, pair: tuple[str, str], theme: Theme) -> str:
    if theme == "page":
        return f"var(--fig-{name})"
    return pair[0] if theme == "light" else pair[1]


def _plain(words: str) -> str:
    return escape(words, quote=False).replace("{", "{{").replace("}", "}}")


def _closed(tag: str, attributes: str, why: str) -> str:
    return f"<{tag} {attributes}><title>{_plain(why)}</title></{tag}>" if why else f"<{tag} {attributes}/>"


def _style(
    *, fill: str = "none", stroke: str = "", thick: float = 1.0, dash: str = "", opacity: float = 1.0, kind: str = ""
) -> str:
    parts = ['fill="none"' if fill == "none" else f'fill="{{{fill}}}"']
    parts += [f'fill-opacity="{opacity:g}"'] if opacity < 1 else []
    parts += [f'stroke="{{{stroke}}}" stroke-width="{thick:g}"'] if stroke else []
    parts += [f'stroke-dasharray="{dash}"'] if dash else []
    parts += [f'class="{kind}"'] if kind else []
    return " ".join(parts)
