"""``chipwall brief CHIP``."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import click

from chipwall.cli.kinds import CHIP, DAY, MODEL, WORD, OutFile
from chipwall.cli.options import Out, command, page_options
from chipwall.errors import InputError
from chipwall.files import require_place, write_whole
from chipwall.inputs import choices
from chipwall.text import text

if TYPE_CHECKING:
    from chipwall.catalog.records import Chip
    from chipwall.report.forms.document import Brief

__all__ = ["brief_command"]


@command("brief")
@click.argument("chip", type=CHIP)
@click.option(
    "--against", type=WORD, help="Other chips, with commas. Default: H100 SXM, H20, B200, Ascend 910C, MLU590."
)
@click.option("--to", type=WORD, default="CN", show_default=True, help="Destination of the export.")
@click.option("--on", type=DAY, help="Day of the law. Default: today.")
@click.option("--for", "model", type=MODEL, default="llama-2-70b", show_default=True, help="The model that is served.")
@click.option("--out", "place", type=OutFile(), help="The page. Default: chipwall-brief-CHIP.html here.")
@click.option("--full", is_flag=True, help="Print every table, not only the story.")
@page_options
def brief_command(
    chip: str, against: str | None, to: str, on: date | None, model: str, place: Path | None, full: bool, out: Out
) -> None:  # fmt: skip
    """The brief on one chip, in the terminal and as one HTML file."""
    from chipwall import catalog
    from chipwall.api.doors import calibrated_in_use
    from chipwall.api.law import refuse_contradiction
    from chipwall.controls.load import law
    from chipwall.report.forms import render
    from chipwall.report.pages.brief import BriefQuestion, chip_brief

    _refuse_forms(out, place, full=full)
    page_wanted = not out.as_json and out.form == "terminal"
    pages = _places(place, chip_slug(chip), out.langs) if page_wanted else {}
    refuse_contradiction("export", "US", to)
    subject = catalog.chip(chip)
    asked = BriefQuestion(law().countries.resolve(to, argument="to"), on or date.today(), catalog.model(model).id)
    made = chip_brief(subject, _opponents(subject, against), asked, catalog=catalog.load(), calibrated=calibrated_in_use())
    if out.as_json:
        out.json(render.as_json(made, out.lang))
        return
    if not page_wanted:
        click.echo(render.markdown(made, out.lang))
        return
    _write(made, pages)
    click.echo(render.terminal(made, out.lang, full=full))
    click.echo()
    for written in pages.values():
        out.say(text("Page written: {path}", path=str(written)))


def _refuse_forms(out: Out, place: Path | None, *, full: bool) -> None:
    """Options that this answer cannot honour."""
    if out.form == "csv" or out.explain:
        raise InputError(
            text("the brief is a page with its reasons in it"),
            where="form" if out.form == "csv" else "explain",
            fix=text("Use --md, --json or the page itself"),
        )
    if out.as_json or out.form != "terminal":
        for given, where in ((place is not None, "place"), (full, "full"), (len(out.langs) > 1, "lang")):
            if given:
                raise InputError(
                    text("Markdown and JSON are printed whole, no page is written"),
                    where=where,
                    fix=text("Leave that option out, or --md and --json"),
                )


def _places(place: Path | None, slug: str, languages: Sequence[str]) -> dict[str, Path]:
    """Where the page in each language goes; Chinese says so in its name, so that it never takes the place of English."""
    base = place or require_place(Path(f"chipwall-brief-{slug}.html"))
    if place is not None and len(languages) == 1:
        return {languages[0]: place}
    stem = base.with_name(base.stem.removesuffix(".zh") + base.suffix)
    return {lang: stem if lang == "en" else stem.with_name(f"{stem.stem}.{lang}{stem.suffix}") for lang in languages}


def _opponents(subject: Chip, against: str | None) -> list[Chip]:
    from chipwall import catalog
    from chipwall.report.pages.brief import default_opponents

    if against is None:
        others = default_opponents(subject, catalog.load())
    else:
        others = [catalog.chip(n) for n in choices(against, "against")]
    others = [o for o in dict.fromkeys(others) if o.id != subject.id]
    if not others:
        raise InputError(
            text("nothing to compare {chip} with", chip=subject.name),
            where="against",
            fix=text("Name other chips, for example --against h100,h20"),
        )
    return others


def _write(made: Brief, pages: dict[str, Path]) -> None:
    from chipwall.report.forms import render

    for lang, target in pages.items():
        others = {other: path.name for other, path in pages.items() if other != lang}
        write_whole(target, render.html(made, lang, others=others, file=target.stem))


def chip_slug(name: str) -> str:
    """What the caller typed, safe as part of a file name."""
    return "".join(c if c.isalnum() or c in "-." else "-" for c in name.strip().lower()).strip("-.") or "chip"
