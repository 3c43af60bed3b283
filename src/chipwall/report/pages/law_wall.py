"""The wall: chips against the limits of the law, as charts read from the clauses themselves."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from chipwall.catalog.records import Chip
from chipwall.controls.load import law
from chipwall.controls.queries import ClauseRegion, WallPoint, regions, wall_points
from chipwall.report.forms.charts import Spec, wall
from chipwall.text import Text, text

__all__ = ["wall_charts", "wall_data"]

# name of the chart: operand across, operand up, families of clauses drawn
_PLANES: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "density": ("tpp", "performance_density", ("processor",)),
    "bandwidth": ("tpp", "dram_bandwidth", ("review2026", "duty")),
    "links": ("tpp", "io_rate", ("processor",)),
}
_TITLES = {
    "density": text("Processing against density, with the regions of 3A090"),
    "bandwidth": text("Processing against DRAM bandwidth: review limits and duty bands"),
    "links": text("Processing against I/O rate, with the 2022 limits"),
}
_AXES = {
    "tpp": text("Total processing performance [TPP]"),
    "performance_density": text("Performance density [TPP/mm2]"),
    "dram_bandwidth": text("DRAM bandwidth [GB/s]"),
    "io_rate": text("I/O rate, both directions [GB/s]"),
}


def wall_data(
    chips: Sequence[Chip], *, on: date
) -> dict[str, tuple[str, str, tuple[WallPoint, ...], tuple[ClauseRegion, ...]]]:
    """Per chart that has any region on the day: operands, points, regions."""
    found = {}
    for name, (x, y, families) in _PLANES.items():
        areas = regions(families=families, x=x, y=y, on=on, law=law())
        if any(area.y_from is not None or area.y_to is not None for area in areas):
            found[name] = (x, y, wall_points(chips, x=x, y=y, on=on, law=law()), areas)
    return found


def wall_charts(chips: Sequence[Chip], *, on: date, lang: str) -> dict[str, Spec]:
    """One chart per plane, marks by status; a chip without one of the two numbers is named in the title's note."""
    charts = {}
    for name, (x, y, points, areas) in wall_data(chips, on=on).items():
        drawn = [p for p in points if p.x and p.y]
        if not drawn:
            continue
        left_out = len(points) - len(drawn)
        title: Text = text(
            "{title}, {day}; {count} chips without both numbers are left out",
            title=_TITLES[name],
            day=on.isoformat(),
            count=left_out,
        )
        spec = wall(
            [
                {"x": float(p.x or 0), "y": float(p.y or 0), "label": label, "status": _mark(p)}
                for p, label in _labelled(drawn)
            ],
            _boxes(areas, drawn),
            title=title,
            x=_AXES[x],
            y=_AXES[y],
            lang=lang,
        )
        # the duty bands are small on this scale: an outline keeps them visible
        spec["layer"][0]["mark"] |= {"opacity": 1, "fillOpacity": 0.18, "stroke": "#333", "strokeWidth": 0.8}
        charts[name] = spec
    return charts


# parts that people look for; their labels are placed before all others
_KNOWN = (
    "H20 96GB",
    "H200 SXM",
    "A100 80GB SXM",
    "B200",
    "L4",
    "Ascend 910C",
    "MI325X",
    "H200 NVL",
    "L20",
    "L2",
    "RTX 4090",
)


# size of the plotting field and of a letter [px]; a label stands to the right of its mark
_WIDTH, _HEIGHT, _LETTER, _LINE = 680, 420, 5.5, 11


def _labelled(points: Sequence[WallPoint]) -> list[tuple[WallPoint, str]]:
    """Each chip with its label, or an empty one where a label already stands."""
    places = {p.chip: (math.log10(p.x or 1), math.log10(p.y or 1)) for p in points}
    across, up = ([place[i] for place in places.values()] for i in (0, 1))
    wide = _WIDTH / max(max(across) - min(across), 1)
    high = _HEIGHT / max(max(up) - min(up), 1)
    rank = {name: i for i, name in enumerate(_KNOWN)}
    taken: list[tuple[float, float, float]] = []
    found: dict[str, str] = {}
    for point in sorted(points, key=lambda p: (rank.get(_short(p.name), len(rank)), p.name)):
        label = _short(point.name)
        x, y = places[point.chip][0] * wide, places[point.chip][1] * high
        end = x + len(label) * _LETTER + _LINE
        if all(end < start or stop < x or abs(y - height) > _LINE for start, stop, height in taken):
            taken.append((x, end, y))
            found[point.chip] = label
    return [(point, found.get(point.chip, "")) for point in points]


def _mark(point: WallPoint) -> Text:
    """What tells marks apart: Note 2 takes parts that are not for data centres out of most regions."""
    if point.decision.item.datacenter is False:
        return text("not for data centres")
    return Text.of(point.status or "unknown")


def _short(name: str) -> str:
    return name.split(" ", 1)[1] if " " in name else name


def _boxes(areas: Sequence[ClauseRegion], points: Sequence[WallPoint]) -> list[dict[str, object]]:
    """Regions with their open sides closed a little beyond the chips."""
    xs, ys = [p.x for p in points if p.x], [p.y for p in points if p.y]
    edges = (min(xs), max(xs) * 2, min(ys), max(ys) * 2)

    def side(value: Decimal | None, otherwise: Decimal) -> float:
        return float(otherwise if value is None else value)

    return [
        {
            "x1": side(area.x_from, min(edges[0], area.x_to or edges[0])),
            "x2": side(area.x_to, max(edges[1], area.x_from or edges[1])),
            "y1": side(area.y_from, min(edges[2], area.y_to or edges[2])),
            "y2": side(area.y_to, max(edges[3], area.y_from or edges[3])),
            "label": area.clause,
        }
        for area in areas
    ]
