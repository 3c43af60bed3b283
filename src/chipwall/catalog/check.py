"""What ``chipwall data check`` runs: everything the loader refuses, and what only makes sense over the whole."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from chipwall.catalog import slices
from chipwall.catalog.files import DATA, Problem, read_records
from chipwall.catalog.load import Catalog, parse_catalog
from chipwall.catalog.names import SURE
from chipwall.catalog.ownership import ownership_rows
from chipwall.catalog.price_check import price_problems, price_sources
from chipwall.catalog.records import COUNT_TOLERANCE, LanguageModel
from chipwall.errors import Unknown
from chipwall.text import text
from chipwall.units import GIGA

__all__ = ["problems_in"]


def problems_in(root: Path = DATA) -> tuple[list[Problem], dict[str, int]]:
    """Every problem of the data files under ``root``, sorted by file and line, and how much was checked."""
    problems: list[Problem] = []
    found = parse_catalog(root, problems)
    lines = _lines(root)
    elsewhere = price_sources(root) | {row.source for row in ownership_rows()}
    problems += _unused_sources(found, lines, elsewhere)
    problems += [p for m in found.models.values() for p in _count_problem(m, lines)]
    problems += _dangling_aliases(found)
    problems += price_problems(root, found)
    counts = {
        "chips": len(found.chips),
        "facts": sum(len(c.facts) for c in found.chips.values()),
        "models": len(found.models),
        "systems": len(found.systems),
        "sources": len(found.sources),
    }
    return sorted(problems), counts


def _lines(root: Path) -> dict[str, tuple[str, int]]:
    """File and line of every source, model and family, by kind and id."""
    places: dict[str, tuple[str, int]] = {}
    ignored: list[Problem] = []
    paths = [(p, "source") for p in root.glob("sources*.toml")] + [(p, "model") for p in root.glob("models/*.toml")]
    for path, kind in [*paths, (root / "families.toml", "family")]:
        for record in read_records(path, kind, ignored, root=root):
            places[f"{kind} {record.values.get('id', '')}"] = (record.file, record.line)
    return places


def _unused_sources(found: Catalog, lines: dict[str, tuple[str, int]], elsewhere: set[str]) -> list[Problem]:
    used = {f.source for c in found.chips.values() for f in c.facts} | {m.source for m in found.models.values()}
    used |= {f.source for s in found.systems.values() for f in s.facts.values()} | {slices.GUIDE} | elsewhere
    # market sources are used by the series, which the market's own loader checks
    own = {s for s in found.sources if lines.get(f"source {s}", ("", 0))[0] == "sources.toml"}
    return [
        Problem(*lines[f"source {s}"], text("source '{source}' is used by nothing", source=s))
        for s in sorted(own - used)
    ]


def _count_problem(model: LanguageModel, lines: dict[str, tuple[str, int]]) -> list[Problem]:
    """A model whose layers miss its published count and that says neither why nor that it cannot be computed."""
    place = lines.get(f"model {model.id}", ("models", 1))
    try:
        implied = float(replace(model, missing=model.missing or "not said").architecture.weights)
    except Unknown as refused:
        return [] if model.refusal else [Problem(*place, refused.what)]
    if model.parameters is None:
        return []
    off = implied / model.parameters - 1
    if abs(off) > COUNT_TOLERANCE and not model.missing:
        what = text(
            "{model}: dimensions imply {implied:.4g} billion parameters, {published:.4g} are published ({off:+.1%})",
            model=model.name, implied=implied / GIGA, published=model.parameters / GIGA, off=off,
        )  # fmt: skip
        return [Problem(*place, what)]
    if abs(off) <= COUNT_TOLERANCE and model.missing:
        return [
            Problem(*place, text("{model}: the listed exception is not needed ({off:+.1%})", model=model.name, off=off))
        ]
    return []


def _dangling_aliases(found: Catalog) -> list[Problem]:
    problems = []
    for file, aliases, known in (
        ("aliases/chips.csv", found.chip_aliases, found.chips.keys()),
        ("aliases/models.csv", found.model_aliases, found.models.keys()),
    ):
        for number, alias in enumerate(aliases, 2):
            if alias.id not in known and (alias.id or alias.match in SURE):
                problems.append(
                    Problem(
                        file,
                        number,
                        text("alias '{name}' points to '{id}', which is not there", name=alias.name, id=alias.id),
                    )
                )
    for family in found.families:
        for chip in [*family.chips, *([family.default] if family.default else [])]:
            if chip not in found.chips:
                what = text("family '{family}' names no chip '{chip}'", family=family.id, chip=chip)
                problems.append(Problem("families.toml", 1, what))
    return problems
