"""Walls of the house: what may stand only in one place."""

from __future__ import annotations

import ast
import re
from importlib import import_module
from pathlib import Path

import click
import pytest

from chipwall.cli import COMMANDS

SOURCE = Path(__file__).parent.parent / "src" / "chipwall"
MODULES = [p for p in sorted(SOURCE.rglob("*.py")) if p.name != "__init__.py"]
# Commands that print one page or talk to a program: they have no table to give in other forms.
ONE_FORM = {"scoreboard", "mcp", "web", "site"}
FORMS = {"--json", "--csv", "--md", "--lang", "--explain"}


def strings_of(path: Path) -> list[tuple[int, str]]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    holders = [n for n in ast.walk(tree) if isinstance(n, (ast.Module, ast.FunctionDef, ast.ClassDef)) and n.body]
    docs = {id(n.body[0].value) for n in holders if isinstance(n.body[0], ast.Expr)}
    return [
        (n.lineno, n.value)
        for n in ast.walk(tree)
        if isinstance(n, ast.Constant) and isinstance(n.value, str) and id(n) not in docs
    ]


@pytest.mark.parametrize(
    "path",
    [p for p in MODULES if p.relative_to(SOURCE).parts[0] in ("perf", "market", "catalog")],
    ids=lambda p: str(p.relative_to(SOURCE)),
)
def test_no_engine_names_an_option(path: Path) -> None:
    said = [
        (line, words)
        for line, words in strings_of(path)
        if re.search(r"(^|[\s'\"(])--[a-z]", words) and "chipwall " not in words
    ]
    assert not said, f"{path.name}:{said[0][0]}: {said[0][1]!r}: name the argument; the command line knows its option"


# What opens a file by itself. Tables of the package come through the loader of a room, a person's files through ``files.py``.
OPENS = re.compile(
    r"\.read_text\(|\.read_bytes\(|\.open\(|(?<![\w.])(?<!def )open\(|\btomllib\.|\bcsv\.(Dict)?[Rr]eader\b|importlib\.resources|"
    r"import resources\b|\bshipped_(toml|rows)\("
)
# Readers in the rooms whose engines are functions of records: everything else there may not open a file.
READERS = {
    "catalog": {"files.py", "load.py", "ownership.py", "prices.py", "series.py", "own/chip.py", "own/configuration.py",
                "own/gguf.py", "own/model.py", "own/reading.py", "own/tensors.py"},
    "controls": {"load.py", "draft_files.py"},
    "market": {"model/load.py", "policy/load.py", "forecast/load.py", "parts.py"},
    "claims": {"load.py"},
}  # fmt: skip
# The market's door, which fills in what is shipped; the fits and files that write a shipped table anew when run by hand.
DOORS = {
    "market/simulate.py", "market/policy/load.py", "market/forecast/load.py", "market/model/rates.py",
    "market/forecast/rolling.py", "claims/load.py", "claims/readings/agreement.py",
}  # fmt: skip


@pytest.mark.parametrize("room", READERS)
def test_engines_open_no_file(room: str) -> None:
    found = [
        str(path.relative_to(SOURCE / room))
        for path in MODULES
        if path.is_relative_to(SOURCE / room) and OPENS.search(path.read_text(encoding="utf-8"))
    ]
    assert set(found) <= READERS[room], "a table of the package is read by the loader of its room and comes as a record"


def test_engines_ask_no_loader() -> None:
    """Law, tables and calibration come to an engine as arguments; only doors fill in what is shipped."""
    loader = re.compile(r"chipwall\.(controls|market\.\w+|claims)\.load import|controls\.load import")
    asking = [
        str(path.relative_to(SOURCE))
        for path in MODULES
        if path.relative_to(SOURCE).parts[0] in ("controls", "market", "claims")
        and loader.search(path.read_text(encoding="utf-8"))
    ]
    # the draft of a rule is parsed as the law's own clauses are: a function of its words
    assert set(asking) - DOORS <= {"controls/draft.py", "controls/overlay.py", "controls/decide.py"}, asking


def test_files_from_outside_are_read_in_one_place() -> None:
    readers = re.compile(r"\bdifflib\b")
    mine = {"inputs.py", "units.py", "catalog/names.py"}
    found = [str(p.relative_to(SOURCE)) for p in MODULES if readers.search(p.read_text(encoding="utf-8"))]
    assert len(set(found) - mine) <= 12, "did-you-mean is inputs.nearest_names"


def walked(path: tuple[str, ...], command: click.Command) -> list[tuple[str, click.Command]]:
    if not isinstance(command, click.Group):
        return [(" ".join(path), command)]
    context = click.Context(command)
    inner = [(name, command.get_command(context, name)) for name in command.list_commands(context)]
    return [one for name, c in inner if c is not None for one in walked((*path, name), c)]


ALL = [
    one
    for name, (module, attribute, _) in COMMANDS.items()
    for one in walked((name,), getattr(import_module(module), attribute))
]


@pytest.mark.parametrize(("name", "command"), ALL, ids=[n for n, _ in ALL])
def test_every_command_has_every_form_and_no_old_spelling(name: str, command: click.Command) -> None:
    from chipwall.cli.options import OTHER_NAMES

    options = {o for p in command.params for o in p.opts}
    if name not in ONE_FORM:
        assert options >= FORMS, FORMS - options
    assert not options & set(OTHER_NAMES)
