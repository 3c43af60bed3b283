"""``chipwall check``: a sentence or an article in, verdicts out."""

from __future__ import annotations

import sys
from datetime import date
from pathlib import Path

import click

from chipwall.cli.options import day, json_option, lang_option, write_json
from chipwall.errors import InputError
from chipwall.files import write_whole
from chipwall.text import text

__all__ = ["check"]


@click.command()
@click.argument("source")
@click.option("--on", "said", help="Day the text was said. Default: today.")
@click.option("--as-of", "as_of", help="Count evidence published up to this day. Default: the day it was said.")
@click.option("--source", "by", default="", help="Who says it; a speaker's own numbers support nothing.")
@click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), help="Write the marked article as one HTML file."
)
@click.option(
    "--toml",
    "typed",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the readings as typed claims, to correct them.",
)
@click.option("--md", "as_markdown", is_flag=True, help="Print Markdown.")
@json_option
@lang_option
def check(
    source: str,
    said: str | None,
    as_of: str | None,
    by: str,
    out: Path | None,
    typed: Path | None,
    as_markdown: bool,
    as_json: bool,
    lang: str,
) -> None:
    """Check a text: every statement about chips, models, law, volumes or money, read, computed and judged.

    SOURCE is a file (plain text, Markdown, HTML, PDF with text; a TOML file is read as typed claims), "-" for standard input, or
    the sentence itself in quotes.
    """
    if source.endswith(".toml") and Path(source).is_file():
        _typed(Path(source), as_json=as_json, as_markdown=as_markdown, lang=lang)
        return
    from chipwall.claims.check import checked_text
    from chipwall.claims.library import packaged_world
    from chipwall.report.language.lookup import translated
    from chipwall.report.pages import check as page

    document = _document(source)
    today = date.today()
    on = day(said) if said else today
    until = day(as_of, option="--as-of") if as_of else on
    if until < on:
        raise InputError(
            text("evidence up to {day} is older than the text", day=until),
            where="--as-of",
            fix=text("Give {day} or a later day", day=on),
        )
    world = packaged_world()
    world.draws = DRAWS
    checked = checked_text(document, world, said=on, as_of=until, by=by)
    notes = page.notes_of(checked, world.sources)
    if typed:
        write_whole(typed, page.as_toml(checked))
    if out:
        from chipwall.report.forms.checked_page import checked_page

        write_whole(out, checked_page(checked, notes, lang))
    if as_json:
        write_json(page.as_json(checked, lang))
    elif as_markdown:
        click.echo(page.as_markdown(checked, notes, lang))
    else:
        click.echo(page.as_terminal(checked, notes, lang))
        if out:
            click.echo(translated(text("Page written: {path}", path=str(out)), lang))


# Draws of a simulation behind a statement: the standard error of a probability is then about two percent.
DRAWS = 500


def _document(source: str):  # type: ignore[no-untyped-def]
    """The document that the argument names: standard input, a file, or the words themselves."""
    from chipwall.claims.reader.document import LARGEST, document_of, plain_document

    if source == "-":
        return document_of(sys.stdin.buffer.read(LARGEST + 1), "standard input")
    path = Path(source)
    looks = (
        len(source) < 255
        and "\n" not in source
        and (path.suffix.lower() in (".txt", ".md", ".html", ".htm", ".pdf", ".toml") or path.exists())
    )
    if not looks:
        return plain_document(source, "the text")
    try:
        with path.open("rb") as handle:
            return document_of(handle.read(LARGEST + 1), path.name)
    except OSError as error:
        raise InputError(
            text("cannot read {path}: {why}", path=source, why=error.strerror or "error"),
            fix=text('Name a file, or put the sentence in quotes: chipwall check "The H200 has 141 GB."'),
        ) from None


def _typed(path: Path, *, as_json: bool, as_markdown: bool, lang: str) -> None:
    """A TOML file of typed claims, as ``chipwall claim check`` reads it."""
    from chipwall.claims.evaluate import evaluated
    from chipwall.claims.library import packaged_world
    from chipwall.claims.parse import claims_of_file
    from chipwall.cli.claims import show_verdicts, tell

    world = packaged_world()
    verdicts = evaluated(claims_of_file(path, world), world)
    if as_json or as_markdown:
        show_verdicts(verdicts, form="md" if as_markdown else None, as_json=as_json, lang=lang)
    else:
        tell(verdicts, lang)
