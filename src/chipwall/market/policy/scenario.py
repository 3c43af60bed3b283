"""Scenario files: levers by quarter, parameter ranges and extra products, checked all at once.

A file is TOML::

    [scenario]
    title = "H200 with a quarter of the revenue and the half cap"
    extends = "record"          # optional: a shipped scenario or a file beside this one

    [parameters]                # optional: 5 and 95 percent points that replace the shipped ones
    own_share_feedback = [2.5, 5.0]

    [[lever]]
    name = "allow"
    product = "h200"
    from = "2026Q1"
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from chipwall.errors import InputError, unknown_name
from chipwall.market.model.products import PLATFORMS, Product, load_products
from chipwall.market.model.timeline import Lever
from chipwall.market.policy.parse import (
    Problems,
    add_contradictions,
    levers_of,
    nearest,
    parameters_of,
    products_of,
)
from chipwall.text import text

__all__ = ["Scenario", "load_scenario", "parse_scenario", "shipped_scenarios"]

_SECTIONS = ("scenario", "parameters", "lever", "product")
_HEAD = ("title", "title_zh", "summary", "summary_zh", "extends", "id")


@dataclass(frozen=True)
class Scenario:
    """What governments do, quarter by quarter, and which parameter ranges are assumed.

    Attributes
    ----------
    id, title, summary : str
        Words for people, in English.
    chinese : (str, str)
        Title and summary in Chinese; empty where the file has none.
    levers : tuple of Lever
        In order; later ones lie over earlier ones.
    parameters : mapping of str to (float, float)
        5 and 95 percent points that replace shipped ones.
    products : tuple of Product
        All products, extra ones included, sorted by platform.
    allocations : mapping of str to float
        What the maker of an extra product sets aside for China [units/quarter].
    """

    id: str
    title: str
    summary: str = ""
    levers: tuple[Lever, ...] = ()
    parameters: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    products: tuple[Product, ...] = ()
    allocations: Mapping[str, float] = field(default_factory=dict)
    chinese: tuple[str, str] = ("", "")

    def told_in(self, lang: str) -> Scenario:
        """The same scenario with title and summary in a language, English where there is no other."""
        if lang != "zh":
            return self
        return replace(self, title=self.chinese[0] or self.title, summary=self.chinese[1] or self.summary)

    def with_levers(self, *levers: Lever) -> Scenario:
        """The same scenario with more levers laid over it."""
        return replace(self, levers=(*self.levers, *levers))

    def with_parameters(self, parameters: Mapping[str, tuple[float, float]]) -> Scenario:
        """The same scenario under other parameter ranges."""
        return replace(self, parameters={**self.parameters, **parameters})


@cache
def shipped_scenarios() -> tuple[str, ...]:
    """Names of the scenarios that come with the package."""
    folder = resources.files("chipwall.market") / "scenarios"
    return tuple(sorted(f.name.removesuffix(".toml") for f in folder.iterdir() if f.name.endswith(".toml")))


def load_scenario(name: str, *, inside: tuple[str, ...] = ()) -> Scenario:
    """A shipped scenario by name, or a TOML file by path.

    Raises
    ------
    InputError
        No such scenario, or everything that is wrong in the file, each problem with its line.
    """
    path = Path(name)
    if name.endswith(".toml") or path.is_file():
        try:
            words = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(
                text("scenario file '{name}' cannot be read: {why}", name=name, why=str(error)),
                fix=text("Shipped scenarios: {names}", names=", ".join(shipped_scenarios())),
            ) from None
        return parse_scenario(words, file=name, identity=path.stem, folder=path.parent, inside=(*inside, str(path)))
    if name not in shipped_scenarios():
        near = get_close_matches(name, shipped_scenarios(), n=3, cutoff=0.4)
        raise unknown_name(text("scenario"), name, nearest=near, listing="chipwall market scenarios")
    words = (resources.files("chipwall.market") / "scenarios" / f"{name}.toml").read_text(encoding="utf-8")
    return parse_scenario(words, file=f"{name}.toml", identity=name)


def parse_scenario(
    words: str, *, file: str, identity: str = "", folder: Path | None = None, inside: tuple[str, ...] = ()
) -> Scenario:
    """A scenario from the words of a TOML file.

    Parameters
    ----------
    words : str
        The file.
    file, identity : str
        How messages name the file; the id of the scenario.
    folder : Path, optional
        Where a file named by ``extends`` is looked for.
    inside : tuple of str
        Files that extend this one, to find circles.
    """
    problems = Problems(file, words)
    try:
        table = tomllib.loads(words)
    except tomllib.TOMLDecodeError as error:
        raise InputError(
            text("scenario '{file}' is not TOML: {why}", file=file, why=str(error)),
            fix=text("Start from a shipped one: chipwall market scenarios"),
        ) from None
    for section in table.keys() - set(_SECTIONS):
        problems.add(
            problems.line_of(f"[{section}]"),
            text("unknown table [{name}]; {hint}", name=section, hint=nearest(section, _SECTIONS)),
        )
    head = table.get("scenario", {})
    for key in head.keys() - set(_HEAD):
        problems.add(
            problems.line_of("[scenario]", 0, key),
            text("unknown key '{key}'; {hint}", key=key, hint=nearest(key, _HEAD)),
        )
    base = _base(head, problems, folder, inside)
    parameters = parameters_of(table.get("parameters", {}), problems)
    extra, allocations = products_of(table.get("product", []), problems)
    products = _sorted((*(base.products or load_products()), *extra))
    levers = levers_of(table.get("lever", []), products, problems, folder)
    add_contradictions(levers, problems)
    problems.stop()
    return Scenario(
        id=identity or str(head.get("id", file)),
        title=str(head.get("title", identity)),
        summary=str(head.get("summary", "")),
        levers=(*base.levers, *levers),
        parameters={**base.parameters, **parameters},
        products=products,
        allocations={**base.allocations, **allocations},
        chinese=(str(head.get("title_zh", "")), str(head.get("summary_zh", ""))),
    )


def _sorted(products: tuple[Product, ...]) -> tuple[Product, ...]:
    return tuple(sorted(products, key=lambda p: PLATFORMS.index(p.platform)))


def _base(head: Mapping[str, Any], problems: Problems, folder: Path | None, inside: tuple[str, ...]) -> Scenario:
    """The scenario that this one extends, or an empty one."""
    empty = Scenario("", "", products=load_products())
    name = str(head.get("extends", ""))
    if not name:
        return empty
    line = problems.line_of("[scenario]", 0, "extends")
    beside = folder / name if folder else None
    found = str(beside) if beside is not None and beside.is_file() else name
    if found in inside:
        problems.add(line, text("extends: '{name}' leads back to itself", name=name))
        return empty
    try:
        return load_scenario(found, inside=inside)
    except InputError as error:
        problems.add(line, text("extends: {why}", why=" ".join(error.lines())))
        return empty
