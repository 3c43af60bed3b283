"""``chipwall check``: a sentence or an article in, verdicts out."""

from __future__ import annotations

import shlex
import sys
from datetime import date
from pathlib import Path

import click

from chipwall.answer import Answer
from chipwall.cli.extras import require_extra
from chipwall.cli.kinds import DAY, WORD, OutFile
from chipwall.cli.options import Out, answer_options, command
from chipwall.errors import InputError
from chipwall.files import write_whole
from chipwall.report.forms.table import Column, Table
from chipwall.text import text

__all__ = ["check_command"]


@command()
@click.argument("source", required=False)
@click.option("--sample", is_flag=True, help="Check the sample article that comes with chipwall, said on 2025-12-10.")
@click.option("--on", type=DAY, help="Day the text was said. Default: today.")
@click.option("--as-of", type=DAY, help="Count evidence published up to this day. Default: the day it was said.")
@click.option("--source", "by", type=WORD, help="Who says it; a speaker's own numbers support nothing.")
@click.option("--reader", type=WORD, help="A program of your own that proposes readings; see docs/claims.md.")
@click.option("--out", "place", type=OutFile(), help="Write the marked article as one HTML file.")
@click.option("--toml", "typed", type=OutFile(), help="Write the readings as typed claims, to correct them.")
@answer_options
def check_command(
    source: str | None, sample: bool, on: date | None, as_of: date | None, by: str | None, reader: str | None,
    place: Path | None, typed: Path | None, out: Out,
) -> None:  # fmt: skip
    """Check a text: every statement about chips, models, law, volumes or money, read, computed and judged.

    SOURCE is a file (plain text, Markdown, HTML, PDF with text; a TOML file is read as typed claims), "-" for standard input, or
    the sentence itself in quotes.
    """
    if sample == (source is not None):
        raise InputError(
            text("give a text to check, or --sample, one of the two"),
            fix=text('Name a file, or put the sentence in quotes: chipwall check "The H200 has 141 GB."'),
        )
    if source is None:
        source, on = str(sample_article(out.lang)), on or SAMPLE_SAID
    if source.endswith(".toml"):
        given = {"--on": on, "--as-of": as_of, "--source": by, "--reader": reader, "--out": place, "--toml": typed}
        _typed(Path(source), [n for n, v in given.items() if v is not None], out)
        return
    from chipwall.api.texts import checked_document, document_named, text_answer
    from chipwall.claims.reader.document import LARGEST, document_of
    from chipwall.report.pages import check as page

    if place is not None:
        require_extra("jinja2", extra="report", wanted_by="check --out")
    document = (
        document_of(sys.stdin.buffer.read(LARGEST + 1), "standard input") if source == "-" else document_named(source)
    )
    found, world = checked_document(document, said=on, as_of=as_of, by=by or "", reader=_arguments(reader))
    notes = page.notes_of(found, world.sources)
    if typed:
        write_whole(typed, page.as_toml(found))
    if place:
        from chipwall.report.pages.checked_page import checked_page

        write_whole(place, checked_page(found, notes, out.lang))
    if out.as_json:
        out.json(page.checked_record(found, out.lang))
    elif out.form == "md":
        click.echo(page.as_markdown(found, notes, out.lang))
    elif out.form == "csv":
        out.show(_rows(text_answer(found, world)))
    else:
        click.echo(page.as_terminal(found, notes, out.lang))
        if place:
            out.say(text("Page written: {path}", path=str(place)))
    if out.explain:
        click.echo(text_answer(found, world).why())


SAMPLE_SAID = date(2025, 12, 10)


def sample_article(lang: str) -> Path:
    """The article that comes with the package, in the language asked for."""
    from importlib.resources import files

    return Path(str(files("chipwall.claims") / "data" / "articles" / f"sample.{lang}.txt"))


def _rows(answer: Answer) -> Table:
    """The verdicts of a text as one table."""
    names = list(answer.rows[0]) if answer.rows else ["statement"]
    return Table("", tuple(Column(n, n) for n in names), tuple(tuple(row.get(n) for n in names) for row in answer.rows))


def _arguments(command: str | None) -> list[str]:
    """A command line as its list of arguments; no shell reads it."""
    try:
        return shlex.split(command or "")
    except ValueError:
        raise InputError(
            text("'{words}' is not a command line", words=command), where="reader", fix=text("Close its quotes")
        ) from None


def _typed(path: Path, refused: list[str], out: Out) -> None:
    """A TOML file of typed claims, as ``chipwall claim check`` reads it."""
    from chipwall.api.market import check as ask
    from chipwall.cli.claims import show_verdicts, tell

    if refused:
        raise InputError(
            text("{options} belongs to a text, not to typed claims", options=refused[0]),
            fix=text("Write the day and the speaker into the claims themselves"),
        )
    answer = ask(path)
    if out.as_json or out.form != "terminal" or out.explain:
        show_verdicts(list(answer), out, why=answer)
    else:
        tell(list(answer), out.lang)
