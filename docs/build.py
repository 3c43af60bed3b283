"""Fill in what the program says in the pages that show it: ``make docs``.

The two READMEs hold a command between ``<!-- $ ... -->`` marks, and the first lines of its answer are written below it.
The how-to notebooks are made from ``docs/how-to/*.py`` (cells begin with ``# %%``), run, and kept with their outputs as
``.ipynb`` and ``.md``. ``DATA-LICENCES.md`` lists the sources of every measured table with their licences
(``docs/licences.csv``).
"""

from __future__ import annotations

import ast
import contextlib
import csv
import io
import json
import re
import shlex
from collections import Counter
from pathlib import Path
from typing import Any

from chipwall import catalog

HERE = Path(__file__).parent
SHOWN = 6  # first lines of an answer [1]
_MARK = re.compile(r"<!-- \$ (.*?) -->\n```\n.*?```\n", re.DOTALL)


def answered(page: str) -> str:
    """The page with the first lines of the answer below each of its commands."""
    return _MARK.sub(lambda m: f"<!-- $ {m[1]} -->\n```\n$ {m[1]}\n{first_lines(m[1])}\n```\n", page)


def first_lines(command: str) -> str:
    """The first lines of what a command prints, cut at the width of a page."""
    from chipwall.cli import main

    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.suppress(SystemExit):
        main(shlex.split(command)[1:])
    lines = [line for line in out.getvalue().splitlines() if line.strip() and not set(line) <= {"─"}]
    return "\n".join(line[:116].rstrip() for line in lines[:SHOWN])


def cells_of(source: str) -> list[tuple[str, str]]:
    """Cells of a notebook in its text form: kind (``markdown`` or ``code``) and content."""
    found = []
    for part in re.split(r"^# %%", source, flags=re.MULTILINE)[1:]:
        head, _, body = part.partition("\n")
        if "[markdown]" in head:
            found.append(
                ("markdown", "\n".join(line.removeprefix("#").removeprefix(" ") for line in body.strip().splitlines()))
            )
        else:
            found.append(("code", body.strip()))
    return found


def run_cell(code: str, names: dict[str, Any]) -> tuple[str, str]:
    """What a cell prints, and its last value as a notebook shows it: text and HTML."""
    tree = ast.parse(code)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(compile(tree, "cell", "exec"), names)
        value = eval(compile(ast.Expression(last.value), "cell", "eval"), names) if isinstance(last, ast.Expr) else None
    if value is None:
        return out.getvalue(), ""
    shown = value if isinstance(value, str) else repr(value)
    html = value._repr_html_() if hasattr(value, "_repr_html_") else ""
    return f"{out.getvalue()}{shown}\n", html or ""


def notebook(source: str) -> tuple[dict[str, Any], str]:
    """A notebook with its outputs, as Jupyter keeps it and as Markdown."""
    names: dict[str, Any] = {}
    cells: list[dict[str, Any]] = []
    page = []
    for nth, (kind, content) in enumerate(cells_of(source)):
        lines = content.splitlines(keepends=True)
        if kind == "markdown":
            cells.append({"cell_type": "markdown", "id": f"c{nth}", "metadata": {}, "source": lines})
            page.append(content)
            continue
        shown, html = run_cell(content, names)
        data = {
            "text/plain": shown.splitlines(keepends=True),
            **({"text/html": html.splitlines(keepends=True)} if html else {}),
        }
        outputs = (
            [{"output_type": "execute_result", "execution_count": nth, "metadata": {}, "data": data}] if shown else []
        )
        cell = {"cell_type": "code", "id": f"c{nth}", "execution_count": nth, "metadata": {}, "source": lines}
        cells.append({**cell, "outputs": outputs})
        page.append(f"```python\n{content}\n```" + (f"\n\n```text\n{shown.rstrip()}\n```" if shown else ""))
    spec = {"display_name": "Python 3", "language": "python", "name": "python3"}
    kernel = {"kernelspec": spec, "language_info": {"name": "python"}}
    return {"cells": cells, "metadata": kernel, "nbformat": 4, "nbformat_minor": 5}, "\n\n".join(page) + "\n"


def data_licences() -> str:
    """Every measured table with its sources, their rows and licences; and what the catalogue's sources state."""
    known = list(csv.DictReader((HERE / "licences.csv").read_text(encoding="utf-8").splitlines()))
    unstated = "not stated where it was read: figures cited, nothing else taken"
    page = [
        "# Licences of the data",
        "",
        "The code is Apache-2.0 (`LICENSE`). Facts and figures are taken, with their source at every row; texts are not. What the",
        "owners of the data say about its use, by table and address, with the rows taken from it:",
    ]
    for path in sorted((HERE.parent / "src/chipwall/perf/data/measured").glob("*.csv")):
        rows = list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))
        column = "source_repo_or_url" if "source_repo_or_url" in rows[0] else "source_url"
        counts = Counter(_address(row[column]) for row in rows)
        page += ["", f"## {path.name} ({len(rows):,} rows)", "", "| source | rows | licence |", "| --- | ---: | --- |"]
        for address, count in counts.most_common():
            licence = next((k["licence"] for k in known if address.startswith(k["address"])), unstated)
            page.append(f"| {address} | {count:,} | {licence} |")
    page += [
        "",
        "## Facts, law and market series",
        "",
        "Every fact names its source (`chipwall sources`); those that state a licence:",
        "",
    ]
    page += ["| source | licence |", "| --- | --- |"]
    stated = {s.title: s.licence for s in catalog.load().sources.values() if s.licence}
    page += [f"| {title} | {licence} |" for title, licence in sorted(stated.items())]
    page += [
        "",
        "Statutes, rules and notices of the United States are in the public domain (17 USC 105). Data sheets, filings and",
    ]
    return "\n".join([*page, "articles are quoted by figure, with page or locator.", ""])


def _address(words: str) -> str:
    """Owner and name of a repository, or the site."""
    plain = re.sub(r"^https?://", "", words).split(" (")[0].split(",")[0]
    return "/".join(plain.split("/")[: 3 if plain.startswith("github.com") else 1])


def main() -> None:
    """Write all of them again."""
    (HERE.parent / "DATA-LICENCES.md").write_text(data_licences(), encoding="utf-8")
    for name in ("README.md", "README.zh.md"):
        path = HERE.parent / name
        path.write_text(answered(path.read_text(encoding="utf-8")), encoding="utf-8")
    for source in sorted((HERE / "how-to").glob("*.py")):
        made, page = notebook(source.read_text(encoding="utf-8"))
        source.with_suffix(".ipynb").write_text(json.dumps(made, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
        source.with_suffix(".md").write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
