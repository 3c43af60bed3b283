"""``chipwall data check``."""

from __future__ import annotations

from pathlib import Path

import click

from chipwall.cli.kinds import WORD
from chipwall.cli.options import AskedGroup, Out, answer_options
from chipwall.errors import InputError
from chipwall.inputs import quote
from chipwall.report.forms.table import Column, Table
from chipwall.text import text

__all__ = ["data"]


@click.group(cls=AskedGroup)
def data() -> None:
    """The catalogue's own data files."""


@data.command()
@click.option("--root", type=WORD, help="Another data folder; default: the one in the package.")
@answer_options
def check(root: str | None, out: Out) -> int:
    """Check every data file and report all problems, file and line first; exit 1 if there are any."""
    from chipwall.catalog.check import problems_in
    from chipwall.catalog.files import DATA

    folder = DATA if root is None else Path(root)
    if not folder.is_dir():
        raise InputError(
            text("no folder {path}", path=quote(str(folder))),
            where="root",
            fix=text("Leave --root out to check the package's own data"),
        )
    problems, counts = problems_in(folder)
    said = text(
        "{chips} chips with {facts} facts, {models} models, {systems} systems, {sources} sources: no problem found",
        chips=counts["chips"], facts=counts["facts"], models=counts["models"], systems=counts["systems"], sources=counts["sources"],
    )  # fmt: skip
    columns = (Column("file", text("File")), Column("line", text("Line"), right=True), Column("what", text("Problem")))
    rows = tuple((p.file, p.line, p.what) for p in problems)
    data = {"problems": [{"file": p.file, "line": p.line, "what": p.what} for p in problems], "checked": counts}
    if out.as_json or out.form != "terminal" or (out.explain and not problems):
        out.show(
            Table(said if not problems else text("{count} problems", count=len(problems)), columns, rows), data=data
        )
        return 1 if problems else 0
    for problem in problems:
        out.say(text("{place}: {what}", place=f"{problem.file}:{problem.line}", what=problem.what))
    out.say(text("{count} problems", count=len(problems)) if problems else said)
    return 1 if problems else 0
