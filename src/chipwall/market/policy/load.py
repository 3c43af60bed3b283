"""Scenarios by name or from a file: the only place of this folder that opens one."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from chipwall.errors import unknown_name
from chipwall.files import text_of_file
from chipwall.inputs import nearest_names, quote
from chipwall.market.model.load import load_priors, load_products
from chipwall.market.policy.scenario import Scenario, Shipped, scenario_of_words
from chipwall.text import text

if TYPE_CHECKING:
    from chipwall.controls.draft import Draft

__all__ = ["load_draft", "load_scenario", "parse_scenario", "proposals", "shipped_scenarios"]


@cache
def shipped_scenarios() -> tuple[str, ...]:
    """Names of the scenarios that come with the package."""
    folder = resources.files("chipwall.market") / "scenarios"
    return tuple(sorted(f.name.removesuffix(".toml") for f in folder.iterdir() if f.name.endswith(".toml")))


@cache
def proposals() -> tuple[str, ...]:
    """Names of the shipped scenarios that differ from another by one decision that somebody proposed or took."""
    return tuple(name for name in shipped_scenarios() if load_scenario(name).decision)


def load_draft(path: Path) -> Draft:
    """The draft rule that a lever names, as a difference on the packaged law."""
    from chipwall.controls.draft_files import read_draft
    from chipwall.controls.load import law

    return read_draft(path, law=law())


def load_scenario(name: str, inside: tuple[str, ...] = ()) -> Scenario:
    """A shipped scenario by name, or a TOML file by path.

    Parameters
    ----------
    name : str
        Name or path.
    inside : tuple of str
        Files that extend it, to find circles.

    Raises
    ------
    InputError
        No such scenario, or everything that is wrong in the file, each problem with its line.
    """
    path = Path(name)
    if name.endswith(".toml") or path.is_file():
        words = text_of_file(
            path, argument="scenario", fix=text("Shipped scenarios: {names}", names=", ".join(shipped_scenarios()))
        )
        return parse_scenario(words, file=name, identity=path.stem, folder=path.parent, inside=(*inside, str(path)))
    name = _named_by_title().get(name, name) if name not in shipped_scenarios() else name
    if name not in shipped_scenarios():
        near = nearest_names(name, shipped_scenarios(), cutoff=0.4)
        raise unknown_name(text("scenario"), quote(name), nearest=near, listing="chipwall market scenarios")
    words = (resources.files("chipwall.market") / "scenarios" / f"{name}.toml").read_text(encoding="utf-8")
    return parse_scenario(words, file=f"{name}.toml", identity=name)


@cache
def _named_by_title() -> dict[str, str]:
    """Shipped scenarios by their titles, English and Chinese."""
    folder = resources.files("chipwall.market") / "scenarios"
    found: dict[str, str] = {}
    for name in shipped_scenarios():
        told = tomllib.loads((folder / f"{name}.toml").read_text(encoding="utf-8"))["scenario"]
        found |= {told[key]: name for key in ("title", "title_zh") if key in told}
    return found


def parse_scenario(
    words: str, *, file: str, identity: str = "", folder: Path | None = None, inside: tuple[str, ...] = ()
) -> Scenario:
    """A scenario from the words of a TOML file, which may name what is shipped.

    The arguments are those of :func:`~chipwall.market.policy.scenario.scenario_of_words`.
    """
    shipped = Shipped(load_priors(overlay=False), load_products(), load_scenario, load_draft)
    return scenario_of_words(words, file=file, shipped=shipped, identity=identity, folder=folder, inside=inside)
