"""A package imports only from floors below it; unit factors live in one file; modules stay small."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).parent.parent / "src" / "chipwall"
REASONS = "docs/decisions.md"
DECISIONS = (Path(__file__).parent.parent / REASONS).read_text(encoding="utf-8")
FLOORS = [
    {"text"},
    {"errors", "_version"},
    {"units", "sources", "processes"},
    {"inputs", "background"},
    {"answer", "files"},
    {"catalog"},
    {"perf", "measure", "controls"},
    {"fleet"},
    {"market"},
    {"claims"},
    {"report"},
    {"api"},
    {"web"},
    {"cli"},
    {"__main__"},
]
# Within perf: what is known of chips and software, formulas, what is fitted, engines, then the measurements and their fit.
PERF_FLOORS: list[set[str]] = [
    {"adapters", "estimate", "formats", "layout", "load", "numeric"},
    {"amount", "efficiency", "limits", "operators"},
    {"budget", "constants", "overhead"},
    {"device"},
    {"calibrated", "ops", "power"},
    {"encoder", "hpc", "training"},
    {"serving"},
    {"compare", "retrieval"},
    {"evidence"},
    {"shipped"},
    {"fitting"},
]
MODULES = sorted(SOURCE.rglob("*.py"))


def floor(package: str) -> int:
    return next(i for i, names in enumerate(FLOORS) if package in names)


def engines() -> list[Path]:
    """Modules of perf below the measurements: they compute with what they are given."""
    below = {name for floor in PERF_FLOORS[: PERF_FLOORS.index({"evidence"})] for name in floor}
    return [p for p in (SOURCE / "perf").rglob("*.py") if inner(p) in below - {"load"}]


def inner(path: Path) -> str:
    """The room of perf that a module belongs to."""
    return path.relative_to(SOURCE / "perf").parts[0].removesuffix(".py")


def imported_modules(path: Path) -> set[str]:
    """Full names of the modules that a module imports, at its head or within a function."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{a.name}" for a in node.names)}
        elif isinstance(node, ast.Import):
            found |= {a.name for a in node.names}
    return found


@pytest.mark.parametrize("path", engines(), ids=lambda p: str(p.relative_to(SOURCE / "perf")))
def test_engines_read_no_file_and_name_no_option(path: Path) -> None:
    readers = {"csv", "tomllib", "json", "pathlib", "importlib.resources", "chipwall.files", "chipwall.perf.load.measured"}
    assert not imported_modules(path) & (readers | {"chipwall.perf.load.data_text"})
    words = [n.value for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.Constant) and isinstance(n.value, str)]
    assert not [w for w in words if re.match(r"--[a-z]", w)], "engines do not know the command line"


def imported(path: Path) -> set[str]:
    tree = ast.parse(path.read_text())
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("chipwall"):
            parts = node.module.split(".")
            found |= {parts[1]} if len(parts) > 1 else {a.name for a in node.names if not a.name.startswith("__")}
        elif isinstance(node, ast.Import):
            found |= {a.name.split(".")[1] for a in node.names if a.name.startswith("chipwall.")}
    return found


# Floors inside a room, by folder or module: what stands higher may import what stands lower, never the other way round.
INNER: dict[str, list[set[str]]] = {
    "perf": PERF_FLOORS,
    "market": [{"vintage"}, {"model"}, {"parts", "policy"}, {"simulate"}, {"forecast"}, {"study"}],
    "claims": [
        {"records"},
        {"measured"},
        {"library"},
        {"readings", "region", "vocabulary"},
        {"quantities", "conditions"},
        {"evaluate", "parse", "reader"},
        {"check", "load"},
    ],
    "report": [{"language"}, {"forms"}, {"pages", "update"}],
}


def room_imports(path: Path) -> Iterator[tuple[str, int]]:
    """Folders or modules of its own room that a module imports, types included, with the line."""
    room = path.relative_to(SOURCE).parts[0]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[:2] == ["chipwall", room]:
            rest = (node.module or "").split(".")[2:]
            yield from ((name, node.lineno) for name in (rest[:1] or [a.name for a in node.names]))


@pytest.mark.parametrize("room", INNER)
def test_inner_floors_have_no_arrow_back(room: str) -> None:
    floors = {name: height for height, names in enumerate(INNER[room]) for name in names}
    back = []
    for path in sorted((SOURCE / room).rglob("*.py")):
        own = path.relative_to(SOURCE / room).parts[0].removesuffix(".py")
        if own == "__init__":
            continue
        assert own in floors, f"{room}/{own} has no floor: add it to INNER"
        back += [
            f"{path.relative_to(SOURCE)}:{line} imports {other}"
            for other, line in room_imports(path)
            if other != own and floors.get(other, -1) >= floors[own]
        ]
    assert not back, "\n".join(back)


@pytest.mark.parametrize(
    "path",
    [p for p in MODULES if p.parent != SOURCE or p.name != "__init__.py"],
    ids=lambda p: str(p.relative_to(SOURCE)),
)
def test_imports_go_down(path: Path) -> None:
    own = path.relative_to(SOURCE).parts[0].removesuffix(".py")
    for other in imported(path) - {own}:
        assert floor(other) < floor(own), f"{own} must not import {other}"


# What a page may import: the doors, what says their answers, and the ground.
GROUND = {"answer", "inputs", "errors", "text", "sources", "processes", "background", "files", "_version"}
UNDER_PAGES = {"api", "report", "web"} | GROUND


@pytest.mark.parametrize("path", sorted((SOURCE / "web").rglob("*.py")), ids=lambda p: p.name)
def test_pages_stand_on_the_doors(path: Path) -> None:
    assert imported(path) <= UNDER_PAGES


def test_the_app_stays_small() -> None:
    assert sum(len(p.read_text().splitlines()) for p in (SOURCE / "web").rglob("*.py")) < 1_500


# Numbers as articles write them: a million is a word there, not a unit.
WORDS_OF_NUMBERS = SOURCE / "claims" / "reader" / "numbers.py"
# Runs where the package is not, so it cannot import its units.
ALONE = SOURCE / "measure" / "collector.py"


@pytest.mark.parametrize(
    "path",
    [p for p in MODULES if p.name != "units.py" and p not in (WORDS_OF_NUMBERS, ALONE)],
    ids=lambda p: str(p.relative_to(SOURCE)),
)
def test_unit_factors_live_in_units(path: Path) -> None:
    tree = ast.parse(path.read_text())
    always = (1e9, 1e12, 1e15, 1024**2, 1024**3)
    bad = [
        n for n in ast.walk(tree) if isinstance(n, ast.Constant) and type(n.value) in (int, float) and n.value in always
    ]
    # 1024 tokens are a length, 1024 in arithmetic is a conversion
    sides = [side for n in ast.walk(tree) if isinstance(n, ast.BinOp) for side in (n.left, n.right)]
    bad += [s for s in sides if isinstance(s, ast.Constant) and type(s.value) in (int, float) and s.value == 1024]
    assert not bad, f"{path.name}:{bad[0].lineno}: unit factors belong in units.py"
    assert not re.search(
        r"/ 8\b(?!\.)", "\n".join(line.split("#")[0] for line in path.read_text().splitlines() if '"' not in line)
    )


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(SOURCE)))
def test_modules_stay_small(path: Path) -> None:
    lines = len(path.read_text(encoding="utf-8").splitlines())
    assert lines <= 600 or f"`{path.relative_to(SOURCE)}`" in DECISIONS, f"{lines} lines: split it, or say why in {REASONS}"


@pytest.mark.parametrize("folder", sorted({p.parent for p in MODULES}), ids=lambda p: str(p.relative_to(SOURCE)))
def test_folders_stay_small(folder: Path) -> None:
    count = len([p for p in folder.glob("*.py") if p.name != "__init__.py"])
    assert count <= 16 or f"`{folder.relative_to(SOURCE)}/`" in DECISIONS, f"{count} modules: a line in {REASONS} says why"



def test_help_and_the_import_load_no_room() -> None:
    """Nothing of catalogue, law, model or market is loaded before a command or a name is asked for."""
    import subprocess
    import sys

    rooms = ("catalog", "perf", "measure", "controls", "fleet", "market", "claims", "api", "web")
    told = f"print([m for m in sys.modules if m.startswith('chipwall.') and m.split('.')[1] in {rooms}], file=sys.stderr)"
    for asked in ("['--help']", "['--help', '--lang', 'zh']"):
        code = f"import sys; from chipwall.cli import main\ntry: main({asked})\nexcept SystemExit: pass\n{told}"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert done.stderr.strip() == "[]"
    done = subprocess.run([sys.executable, "-c", f"import sys, chipwall\n{told}"], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"


def test_look_ups_do_not_load_numpy() -> None:
    import subprocess
    import sys

    heavy = ("numpy", "pydantic", "scipy", "jinja2")
    code = (
        "import sys; from chipwall.cli import main\n"
        "try: main(['chips'])\n"
        "except SystemExit: pass\n"
        f"print([m for m in {heavy} if m in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.strip() in ("[]", "['pydantic']")  # pydantic only on the first run after a change of data
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"
