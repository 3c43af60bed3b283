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

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from chipwall.errors import InputError
from chipwall.files import Problems, shaped, toml_of_text
from chipwall.inputs import quote
from chipwall.market.model.priors import Priors
from chipwall.market.model.products import PLATFORMS, Product
from chipwall.market.model.timeline import Lever
from chipwall.market.policy.parse import add_contradictions, levers_of, parameters_of, products_of
from chipwall.text import text

__all__ = ["Scenario", "Shipped", "as_known", "scenario_of_words"]

# Words for people, each with a Chinese twin.
_WORDS = ("title", "summary", "decision", "cannot")
# What a scenario file may say: by table, the kind of each field.
_SHAPE = {
    "[scenario]": dict.fromkeys((*_WORDS, *(f"{word}_zh" for word in _WORDS), "extends", "versus", "id"), "word"),
    "[parameters]": {"*": "range"},
    "[[lever]]": dict.fromkeys(("name", "product", "segment", "from", "to", "state", "note", "source"), "word")
    | {"value": "any"},
    "[[product]]": dict.fromkeys(("id", "name", "chip", "platform"), "word")
    | {"price": "pair", "allocation": "number", "record_weight": "number"},
}


@dataclass(frozen=True)
class Scenario:
    """What governments do, quarter by quarter, and which parameter ranges are assumed.

    Attributes
    ----------
    id, title, summary : str
        Words for people, in English.
    versus : str
        Name of the scenario that differs from it by one decision; empty where none is named.
    decision, cannot : str
        That decision in words, and what the model cannot say about it.
    chinese : mapping of str to str
        The words in Chinese, as far as the file has them.
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
    versus: str = ""
    decision: str = ""
    cannot: str = ""
    chinese: Mapping[str, str] = field(default_factory=dict)

    def told_in(self, lang: str) -> Scenario:
        """The same scenario with its words in a language, English where there is no other."""
        if lang != "zh":
            return self
        told = {word: self.chinese.get(word) or getattr(self, word) for word in _WORDS}
        return replace(
            self, title=told["title"], summary=told["summary"], decision=told["decision"], cannot=told["cannot"]
        )

    def with_levers(self, *levers: Lever) -> Scenario:
        """The same scenario with more levers laid over it."""
        return replace(self, levers=(*self.levers, *levers))

    def with_parameters(self, parameters: Mapping[str, tuple[float, float]]) -> Scenario:
        """The same scenario under other parameter ranges."""
        return replace(self, parameters={**self.parameters, **parameters})


def as_known(scenario: Scenario, *, last: int) -> Scenario:
    """A scenario as somebody in its quarter ``last`` knew it: later decisions are gone, both gates are left to chance.

    What was permitted and charged then stays as it was; levers that were to end later go on.
    """
    kept = tuple(
        replace(lever, end=None if lever.end is None or lever.end >= last else lever.end)
        for lever in scenario.levers
        if lever.begin <= last
    )
    chance = tuple(Lever(name, last + 1, value="chain") for name in ("washington", "beijing"))
    return replace(scenario, levers=(*kept, *chance))


@dataclass(frozen=True)
class Shipped:
    """What a scenario file may speak of: the priors, the products, and how one finds the scenario or the draft it names.

    ``extended`` takes a name or path and the files that lead to it; ``draft`` takes the path of a draft rule.
    """

    priors: Priors
    products: tuple[Product, ...]
    extended: Callable[[str, tuple[str, ...]], Scenario]
    draft: Callable[[Path], object]


def scenario_of_words(
    words: str,
    *,
    file: str,
    shipped: Shipped,
    identity: str = "",
    folder: Path | None = None,
    inside: tuple[str, ...] = (),
) -> Scenario:
    """A scenario from the words of a TOML file.

    Parameters
    ----------
    words : str
        The file.
    file, identity : str
        How messages name the file; the id of the scenario.
    shipped : Shipped
        Parameters, products and scenarios that it may name.
    folder : Path, optional
        Where a file named by ``extends`` is looked for.
    inside : tuple of str
        Files that extend this one, to find circles.
    """
    problems = Problems(quote(file), words, fix=text("Levers and what they take: chipwall market levers"))
    document = toml_of_text(words, file=quote(file))
    if not document:
        problems.add(1, text("an empty scenario"), text("Start from a shipped one: chipwall market scenarios"))
    table = shaped(document, _SHAPE, problems)
    head = table["scenario"]
    base = _base(head, problems, folder, inside, shipped)
    parameters = parameters_of(table["parameters"], problems, priors=shipped.priors)
    extra, allocations = products_of(table["product"], problems, shipped=shipped.products)
    products = _sorted((*(base.products or shipped.products), *extra))
    levers = levers_of(table["lever"], products, problems, folder, shipped.draft)
    add_contradictions(levers, problems)
    problems.stop()
    return Scenario(
        id=identity or str(head.get("id", file)),
        title=str(head.get("title", identity)),
        summary=str(head.get("summary", "")),
        decision=str(head.get("decision", "")),
        cannot=str(head.get("cannot", "")),
        versus=str(head.get("versus", "")),
        levers=(*base.levers, *levers),
        parameters={**base.parameters, **parameters},
        products=products,
        allocations={**base.allocations, **allocations},
        chinese={word: str(head.get(f"{word}_zh", "")) for word in _WORDS},
    )


def _sorted(products: tuple[Product, ...]) -> tuple[Product, ...]:
    return tuple(sorted(products, key=lambda p: PLATFORMS.index(p.platform)))


def _base(
    head: Mapping[str, Any], problems: Problems, folder: Path | None, inside: tuple[str, ...], shipped: Shipped
) -> Scenario:
    """The scenario that this one extends, or an empty one."""
    empty = Scenario("", "", products=shipped.products)
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
        return shipped.extended(found, inside)
    except InputError as error:
        problems.add(line, text("extends: {why}", why=" ".join(error.lines())))
        return empty
