"""Docs are tested: commands, quantities and links cannot go stale."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from chipwall.catalog.quantities import QUANTITIES
from chipwall.cli import COMMANDS

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]


def test_the_command_reference_is_the_programs_own() -> None:
    # in a process of its own: the parser keeps its help option in the language in which it was first asked
    code = "from chipwall.cli.reference import reference; print(reference(), end='')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (ROOT / "docs/reference/commands.md").read_text() == done.stdout, "run: python -m chipwall.cli.reference"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_documented(name: str) -> None:
    assert f"## chipwall {name}\n" in (ROOT / "docs/reference/commands.md").read_text()


def test_every_quantity_is_in_the_glossary_with_its_unit() -> None:
    glossary = (ROOT / "docs/reference/glossary.md").read_text()
    for quantity in QUANTITIES.values():
        assert f"| `{quantity.name}` | {quantity.dimension} |" in glossary


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\((?!http)([^)#]+)", page.read_text()):
        assert (page.parent / target).exists(), f"{page.name}: {target}"


def commands_in(page: Path) -> list[str]:
    found = re.findall(r"`((?:\.venv/bin/)?chipwall [^`]+)`", page.read_text())
    return [c.removeprefix(".venv/bin/") for c in found if "<" not in c and "MODEL" not in c and "CHIP" not in c]


@pytest.mark.parametrize(
    "command", sorted({c for p in (ROOT / "README.md", ROOT / "docs/tutorial.md") for c in commands_in(p)})
)
def test_commands_in_the_tutorial_and_readme_run(
    command: str, run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import shlex

    monkeypatch.chdir(tmp_path)
    answer = run(*shlex.split(command)[1:])
    assert answer.status == (2 if command == "chipwall chip 910b" else 0), answer.err


def test_the_wheel_carries_its_data(tmp_path: Path) -> None:
    """Data, templates and translations are inside the built package."""
    import zipfile

    done = subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(tmp_path), str(ROOT)],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    names = zipfile.ZipFile(next(tmp_path.glob("*.whl"))).namelist()
    inside = {
        str(p.relative_to(ROOT / "src"))
        for p in (ROOT / "src/chipwall").rglob("*")
        if p.is_file() and p.suffix in (".py", ".toml", ".csv", ".html", ".css", ".mo", ".typed")
    }
    assert inside <= set(names), sorted(inside - set(names))[:5]


def test_the_python_reference_is_the_packages_own() -> None:
    import chipwall

    code = "from chipwall.cli.reference import python_reference; print(python_reference(), end='')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    page = (ROOT / "docs/reference/python.md").read_text()
    assert page == done.stdout, "run: python -m chipwall.cli.reference"
    assert re.findall(r"^## (\w+)$", page, re.MULTILINE) == [n for n in chipwall.__all__ if n != "__version__"]


@pytest.mark.parametrize("page", ["README.md", "README.zh.md", "docs/tutorial.md"])
def test_python_in_the_pages_runs(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    for block in re.findall(r"```python\n(.*?)```", (ROOT / page).read_text(encoding="utf-8"), re.DOTALL):
        exec(compile(block, page, "exec"), names)
    assert "cw" in names


def builder():  # type: ignore[no-untyped-def]
    import importlib.util

    spec = importlib.util.spec_from_file_location("build_docs", ROOT / "docs/build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("source", sorted((ROOT / "docs/how-to").glob("*.py")), ids=lambda p: p.stem)
def test_the_notebooks_run_and_are_rendered(source: Path) -> None:
    import json

    made, page = builder().notebook(source.read_text(encoding="utf-8"))
    kept = json.loads(source.with_suffix(".ipynb").read_text(encoding="utf-8"))
    assert [c["source"] for c in kept["cells"]] == [c["source"] for c in made["cells"]], "run: make docs"
    assert source.with_suffix(".md").read_text(encoding="utf-8").splitlines()[0] == page.splitlines()[0]


def test_the_eleven_questions_are_answered() -> None:
    asked = [
        re.findall(r"<!-- \$ (chipwall .*?) -->", (ROOT / p).read_text(encoding="utf-8"))
        for p in ("README.md", "README.zh.md")
    ]
    assert len(asked[0]) == len(asked[1]) == 11
    for page in ("README.md", "README.zh.md"):
        assert "```\n```" not in (ROOT / page).read_text(encoding="utf-8"), "run: make docs"


def test_the_licences_of_the_data_name_every_table() -> None:
    page = (ROOT / "DATA-LICENCES.md").read_text(encoding="utf-8")
    for table in (ROOT / "src/chipwall/perf/data/measured").glob("*.csv"):
        assert f"## {table.name} " in page, "run: make docs"
    assert "Apache License" in (ROOT / "LICENSE").read_text(encoding="utf-8")
