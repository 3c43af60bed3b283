"""``chipwall check``: a sentence or an article in, verdicts out."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import click

from chipwall.cli.options import json_option, lang_option, write_json
from chipwall.errors import InputError
from chipwall.files import require_place, write_whole
from chipwall.text import text

__all__ = ["check"]


@click.command()
@click.argument("source", required=False)
@click.option("--sample", is_flag=True, help="Check the sample article that comes with chipwall, said on 2025-12-10.")
@click.option("--on", "said", help="Day the text was said. Default: today.")
@click.option("--as-of", "as_of", help="Count evidence published up to this day. Default: the day it was said.")
@click.option("--source", "by", default="", help="Who says it; a speaker's own numbers support nothing.")
@click.option("--reader", help="A program of your own that proposes readings; see docs/claims.md.")
@click.option("--out", type=click.Path(path_type=Path), help="Write the marked article as one HTML file.")
@click.option(
    "--toml", "typed", type=click.Path(path_type=Path), help="Write the readings as typed claims, to correct them."
)
@click.option("--md", "as_markdown", is_flag=True, help="Print Markdown.")
@json_option
@lang_option
def check(
    source: str | None,
    sample: bool,
    said: str | None,
    as_of: str | None,
    by: str,
    reader: str | None,
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
    if sample == (source is not None):
        raise InputError(
            text("give a text to check, or --sample, one of the two"),
            fix=text('Name a file, or put the sentence in quotes: chipwall check "The H200 has 141 GB."'),
        )
    if source is None:
        source, said = str(sample_article(lang)), said or SAMPLE_SAID
    if source.endswith(".toml"):
        given = {"--on": said, "--as-of": as_of, "--source": by, "--reader": reader, "--out": out, "--toml": typed}
        _typed(Path(source), [n for n, v in given.items() if v], as_json=as_json, as_markdown=as_markdown, lang=lang)
        return
    from chipwall.api.texts import checked, document_named
    from chipwall.claims.reader.document import LARGEST, document_of
    from chipwall.report.language.lookup import translated
    from chipwall.report.pages import check as page

    for place, option in ((out, "--out"), (typed, "--toml")):
        if place is not None:
            require_place(place, argument=option)
    document = (
        document_of(sys.stdin.buffer.read(LARGEST + 1), "standard input") if source == "-" else document_named(source)
    )
    found, world = checked(document, said=said, as_of=as_of, by=by, reader=_arguments(reader))
    notes = page.notes_of(found, world.sources)
    if typed:
        write_whole(typed, page.as_toml(found))
    if out:
        from chipwall.report.forms.checked_page import checked_page

        write_whole(out, checked_page(found, notes, lang))
    if as_json:
        write_json(page.as_json(found, lang))
    elif as_markdown:
        click.echo(page.as_markdown(found, notes, lang))
    else:
        click.echo(page.as_terminal(found, notes, lang))
        if out:
            click.echo(translated(text("Page written: {path}", path=str(out)), lang))


SAMPLE_SAID = "2025-12-10"


def sample_article(lang: str) -> Path:
    """The article that comes with the package, in the language asked for."""
    from importlib.resources import files

    return Path(str(files("chipwall.claims") / "data" / "articles" / f"sample.{lang}.txt"))


def _arguments(command: str | None) -> list[str]:
    """A command line as its list of arguments; no shell reads it."""
    try:
        return shlex.split(command or "")
    except ValueError:
        raise InputError(
            text("'{words}' is not a command line", words=command), where="--reader", fix=text("Close its quotes")
        ) from None


def _typed(path: Path, refused: list[str], *, as_json: bool, as_markdown: bool, lang: str) -> None:
    """A TOML file of typed claims, as ``chipwall claim check`` reads it."""
    from chipwall.claims.evaluate import evaluated
    from chipwall.claims.library import packaged_world
    from chipwall.claims.parse import claims_of_file
    from chipwall.cli.claims import show_verdicts, tell

    if refused:
        raise InputError(
            text("{options} belongs to a text, not to typed claims", options=refused[0]),
            fix=text("Write the day and the speaker into the claims themselves"),
        )
    world = packaged_world()
    verdicts = evaluated(claims_of_file(path, world), world)
    if as_json or as_markdown:
        show_verdicts(verdicts, form="md" if as_markdown else None, as_json=as_json, lang=lang)
    else:
        tell(verdicts, lang)
