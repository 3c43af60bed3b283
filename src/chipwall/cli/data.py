"""``chipwall data check``."""

from __future__ import annotations

from pathlib import Path

import click

from chipwall.cli.options import json_option, lang_option, write_json

__all__ = ["data"]


@click.group()
def data() -> None:
    """The catalogue's own data files."""


@data.command()
@click.option("--root", type=click.Path(path_type=Path), help="Another data folder; default: the one in the package.")
@json_option
@lang_option
def check(root: Path | None, as_json: bool, lang: str) -> int:
    """Check every data file and report all problems, file and line first; exit 1 if there are any."""
    from chipwall.catalog.check import problems_in
    from chipwall.catalog.files import DATA
    from chipwall.errors import InputError
    from chipwall.report.language.lookup import translated
    from chipwall.text import text

    folder = root or DATA
    if not folder.is_dir():
        raise InputError(
            text("no folder {path}", path=str(folder)),
            where="--root",
            fix=text("Leave --root out to check the package's own data"),
        )
    problems, counts = problems_in(folder)
    if as_json:
        write_json(
            {"problems": [{"file": p.file, "line": p.line, "what": p.what} for p in problems], "checked": counts}
        )
        return 1 if problems else 0
    for problem in problems:
        click.echo(f"{problem.file}:{problem.line}: {translated(problem.what, lang)}")
    if problems:
        click.echo(translated(text("{count} problems", count=len(problems)), lang), err=True)
        return 1
    said = text(
        "{chips} chips with {facts} facts, {models} models, {systems} systems, {sources} sources: no problem found",
        chips=counts["chips"], facts=counts["facts"], models=counts["models"], systems=counts["systems"], sources=counts["sources"],
    )  # fmt: skip
    click.echo(translated(said, lang))
    return 0
