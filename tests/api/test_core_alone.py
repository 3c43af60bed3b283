"""With the core dependencies alone everything works or says which extra it needs, before any work."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

BLOCKED = (
    "scipy",
    "SALib",
    "polars",
    "pandas",
    "vl_convert",
    "jinja2",
    "ema_workbench",
    "distributed",
    "dask",
    "mcp",
    "pypdf",
    "docx",
    "opencc",
    "numba",
)
CODE = """
import sys
from importlib.abc import MetaPathFinder
blocked = {blocked!r}
class Wall(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.split('.')[0] in blocked:
            raise ModuleNotFoundError('No module named ' + name, name=name)
sys.meta_path.insert(0, Wall())
import importlib.util
real = importlib.util.find_spec
importlib.util.find_spec = lambda name, package=None: None if name.split('.')[0] in blocked else real(name, package)
from chipwall.cli import main
main({argv!r})
"""


def run_core(*argv: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    code = CODE.format(blocked=BLOCKED, argv=list(argv))
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=cwd)


@pytest.mark.parametrize(
    "words",
    [
        "chips",
        "infer llama-2-70b --chip h200 -n 8 --json",
        "train llama-3-8b --chip h100 -n 8 --batch 64",
        "controls h200 --to CN --on 2026-02-01",
        "claim show h200-capacity",
        "brief h200 --md",
        "fit llama-2-70b --chip h200",
        "brief h200 --out page.html",
        "controls wall --out charts",
        "claim show h200-capacity --chart c.svg",
        "simulate record --draws 20 --chart c.svg",
    ],
)
def test_the_core_answers(words: str, tmp_path: Path) -> None:
    done = run_core(*words.split(), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout


@pytest.mark.parametrize(
    ("words", "extra"),
    [
        ("simulate record --draws 20 --parquet draws", "data"),
        ("market sensitivity record --base 2", "market"),
        ("market explore record --against no-sales", "explore"),
        ("simulate record --draws 20 --scheduler tcp://127.0.0.1:9", "cluster"),
        ("calibrate --quick", "market"),
        ("mcp", "mcp"),
    ],
)
def test_what_needs_an_extra_says_which(words: str, extra: str) -> None:
    done = run_core(*words.split())
    assert done.returncode == 2, done.stdout + done.stderr
    assert f"'{extra}'" in done.stderr or f"[{extra}]" in done.stderr
    assert not done.stdout
    assert len(done.stderr.splitlines()) <= 3
