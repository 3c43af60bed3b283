"""The wall: chips against the limits of the law, as charts read from the clauses themselves."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from chipwall.catalog.records import Chip
from chipwall.controls.law import Law
from chipwall.controls.load import law as packaged_law
from chipwall.controls.queries import ClauseRegion, WallPoint, regions, wall_points
from chipwall.report.forms.charts.chart import Chart, ChipMark, RuleArea, RuleWall
from chipwall.report.forms.table import Cell, Column, Table
from chipwall.report.language.names import short_name
from chipwall.report.language.numbers import day_words, share_words, times_words
from chipwall.report.pages.law_words import legal_words
from chipwall.text import Text, listed, text

__all__ = ["wall_charts", "wall_data"]

# name of the chart: operand across, operand up, families of clauses drawn
_PLANES: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "density": ("tpp", "performance_density", ("processor",)),
    "bandwidth": ("tpp", "dram_bandwidth", ("review2026", "duty")),
    "links": ("tpp", "io_rate", ("processor",)),
}
_TITLES = {
    "density": text(
        "Total processing performance (TPP) against performance density; shaded: the regions of 3A090; both axes logarithmic"
    ),
    "bandwidth": text(
        "Total processing performance (TPP) against memory bandwidth; shaded: case-by-case review and duty bands; both axes "
        "logarithmic"
    ),
    "links": text(
        "Total processing performance (TPP) against I/O rate; shaded: the limits of 2022; both axes logarithmic"
    ),
}
_AXES = {
    "tpp": text("Total processing performance, TPP"),
    "performance_density": text("Performance density, TPP per mm²"),
    "dram_bandwidth": text("Memory bandwidth, GB/s"),
    "io_rate": text("I/O rate in both directions, GB/s"),
}


def wall_data(
    chips: Sequence[Chip], *, on: date, law: Law | None = None
) -> dict[str, tuple[str, str, tuple[WallPoint, ...], tuple[ClauseRegion, ...]]]:
    """Per chart that has any region on the day: operands, points, regions."""
    found = {}
    law = law or packaged_law()
    for name, (x, y, families) in _PLANES.items():
        areas = regions(families=families, x=x, y=y, on=on, law=law)
        if any(area.y_from is not None or area.y_to is not None for area in areas):
            found[name] = (x, y, wall_points(chips, x=x, y=y, on=on, law=law), areas)
    return found


def wall_charts(chips: Sequence[Chip], *, on: date, subject: str = "", law: Law | None = None) -> dict[str, Chart]:
    """One chart per plane; a chip without one of the two numbers is named in a note, never dropped in silence."""
    charts = {}
    for name, (x, y, points, areas) in wall_data(chips, on=on, law=law).items():
        drawn = [p for p in points if p.x and p.y]
        if not drawn:
            continue
        body = RuleWall(
            _AXES[x], _AXES[y], tuple(_mark(p, chips, subject) for p in drawn), tuple(_area(a) for a in areas)
        )
        charts[name] = Chart(
            f"wall-{name}",
            _finding(name, drawn, areas, subject),
            _TITLES[name],
            text("Source: data sheets in the catalogue; limits as the rules print them on {day}", day=day_words(on)),
            body,
            _points_table(points, x, y),
            _left_out(points),
        )
    return charts


def _left_out(points: Sequence[WallPoint]) -> tuple[Text, ...]:
    """What the picture does not show of itself: parts that most regions do not reach, and chips without a number."""
    said = (
        [text("* Not designed for data centres: most regions do not reach it.")]
        if any(p.decision.item.datacenter is False and p.x and p.y for p in points)
        else []
    )
    missing = [p.name for p in points if not (p.x and p.y)]
    if len(missing) > 6:
        said.append(text("{count} chips without both numbers are left out.", count=len(missing)))
    elif missing:
        said.append(text("Left out, a number is not known: {chips}.", chips=listed(missing)))
    return tuple(said)


def _finding(name: str, points: Sequence[WallPoint], areas: Sequence[ClauseRegion], subject: str) -> Text:
    """What the picture says of the chip that it is about, else of all."""
    own = next((p for p in points if p.chip == subject), None)
    limit = next((a.x_from for a in areas if a.x_from and a.y_from is None and a.clause.startswith("3A090")), None)
    review = next((a for a in areas if a.clause.startswith("review")), None)
    if own is not None and own.x and name == "density" and limit:
        ratio = float(own.x / limit)
        if ratio >= 1:
            return text(
                "{chip} has {ratio} the processing at which 3A090.a begins", chip=own.name, ratio=times_words(ratio)
            )
        return text(
            "{chip} stays below the processing limit of 3A090.a, at {share} of it",
            chip=own.name,
            share=share_words(ratio),
        )
    if own is not None and review is not None:
        if _inside(own, review):
            return text("{chip} lies inside the two limits of case-by-case review", chip=own.name)
        return text("{chip} lies outside the two limits of case-by-case review", chip=own.name)
    inside = sum(p.eccn.startswith("3A090.a") for p in points)
    return text("{count} of {all} chips fall under 3A090.a", count=inside, all=len(points))


def _inside(point: WallPoint, area: ClauseRegion) -> bool:
    x, y = point.x or 0, point.y or 0
    return (area.x_to is None or x < area.x_to) and (area.y_to is None or y < area.y_to)


def _mark(point: WallPoint, chips: Sequence[Chip], subject: str) -> ChipMark:
    chip = next(c for c in chips if c.id == point.chip)
    estimated = any(status == "estimated" for status in point.decision.item.statuses.values())
    label = short_name(point.name)
    return ChipMark(
        text("{chip}*", chip=label) if point.decision.item.datacenter is False else label,
        float(point.x or 0),
        float(point.y or 0),
        _side(chip),
        point.chip == subject,
        not estimated,
        why=text("class {eccn}", eccn=legal_words(point.eccn)),
        chip=point.chip,
    )


def _side(chip: Chip) -> str:
    return {"US": "us", "CN": "cn"}.get(chip.word("designer_country"), "")


_CLAUSES = {
    "review2026": text("case-by-case review"),
    "duty-band-1": text("duty band 1"),
    "duty-band-2": text("duty band 2"),
}


def _area(area: ClauseRegion) -> RuleArea:
    known = {v: float(s) for v in ("x_from", "x_to", "y_from", "y_to") if (s := getattr(area, v)) is not None}
    kinds = (("review", "free"), ("duty", "letter"), ("3A090.b", "case"))
    kind = next((kind for start, kind in kinds if area.clause.startswith(start)), "deny")
    return RuleArea(
        _CLAUSES.get(area.clause) or Text.of(area.clause),
        known.get("x_from") or None,
        known.get("x_to"),
        known.get("y_from") or None,
        known.get("y_to"),
        kind,
    )


def _points_table(points: Sequence[WallPoint], x: str, y: str) -> Table:
    columns = (
        Column("chip", text("Chip")),
        Column(f"{x}", _AXES[x], right=True),
        Column(f"{y}", _AXES[y], right=True),
        Column("eccn", text("Class")),
    )
    rows = tuple(
        (
            p.name,
            *(Cell("-" if v is None else f"{v:,.4g}" if v < 1000 else f"{v:,.0f}", v) for v in (p.x, p.y)),
            Cell(legal_words(p.eccn), p.eccn),
        )
        for p in points
    )
    return Table("", columns, rows)
