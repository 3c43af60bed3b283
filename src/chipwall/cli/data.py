"""``chipwall data``: age, check, sample, update."""

from __future__ import annotations

from pathlib import Path

import click

from chipwall.cli.kinds import COUNT, WORD
from chipwall.cli.options import AskedGroup, Out, answer_options
from chipwall.errors import InputError
from chipwall.inputs import quote
from chipwall.report.forms.table import Column, Table
from chipwall.text import text

__all__ = ["data"]


@click.group(cls=AskedGroup, invoke_without_command=True)
@click.pass_context
def data(context: click.Context) -> None:
    """The data files: how old they are (also without a further word), a check, a sample to look up, an update."""
    if context.invoked_subcommand is None:
        context.invoke(age)


@data.command()
@answer_options
def age(out: Out) -> None:
    """The newest row of each kind of data, and the chips it is of."""
    from chipwall.report.pages.age import age_table

    out.show(age_table())


@data.command()
@click.option("--seed", type=COUNT, default=1, help="Seed of the draw; default: 1.")
@click.option("--count", type=COUNT, default=60, help="How many facts; default: 60.")
@answer_options
def sample(seed: int, count: int, out: Out) -> None:
    """Facts of the first tables drawn at random, each with its source and address, to be looked up by hand."""
    from chipwall.report.pages.age import sample_table

    out.show(sample_table(seed, count))


@data.command()
@click.argument("folder", type=WORD)
@click.option("--write", is_flag=True, help="Put the tables in place; default: only say what would change.")
@answer_options
def update(folder: str, write: bool, out: Out) -> int:
    """Check a folder of newer tables and say what they change; nothing is written while anything is wrong."""
    from chipwall.report.update import changes_in, write_changes

    changes, problems = changes_in(Path(folder))
    columns = (
        Column("file", text("File")),
        Column("new", text("New rows"), right=True),
        Column("changed", text("Changed"), right=True),
        Column("gone", text("Gone"), right=True),
    )
    table = Table("", columns, tuple((c.file, c.new, c.changed, c.gone) for c in changes))
    told = [{"file": p.file, "line": p.line, "what": p.what} for p in problems]
    done = write and not problems
    if done:
        write_changes(changes)
    out.show(table, data={"changes": table.records(), "problems": told, "written": done})
    if not out.as_json and out.form == "terminal":
        for problem in problems:
            out.say(text("{place}: {what}", place=f"{problem.file}:{problem.line}", what=problem.what))
        out.say(text("Written.") if done else text("Nothing was written."))
    return 1 if problems else 0


@data.command("check")
@click.option("--root", type=WORD, help="Another data folder; default: the one in the package.")
@answer_options
def check_data_command(root: str | None, out: Out) -> int:
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
