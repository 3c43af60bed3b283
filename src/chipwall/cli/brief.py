"""``chipwall brief CHIP``."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import click

from chipwall.cli.extras import require_extra
from chipwall.cli.kinds import CHIP, DAY, MODEL, WORD, OutFile
from chipwall.cli.options import Out, answer_options, command
from chipwall.errors import InputError
from chipwall.files import require_place, write_whole
from chipwall.inputs import choices
from chipwall.text import text

__all__ = ["brief"]


@command()
@click.argument("chip", type=CHIP)
@click.option(
    "--against", type=WORD, help="Other chips, with commas. Default: H100 SXM, H20, B200, Ascend 910C, MLU590."
)
@click.option("--to", type=WORD, default="CN", show_default=True, help="Destination of the export.")
@click.option("--on", type=DAY, help="Day of the law. Default: today.")
@click.option("--for", "model", type=MODEL, default="llama-2-70b", show_default=True, help="The model that is served.")
@click.option("--out", "place", type=OutFile(), help="The page. Default: chipwall-brief-CHIP.html here.")
@answer_options
def brief(chip: str, against: str | None, to: str, on: date | None, model: str, place: Path | None, out: Out) -> None:
    """The brief on one chip, in the terminal and as one HTML file."""
    from chipwall import catalog
    from chipwall.api.doors import calibrated_in_use
    from chipwall.api.law import refuse_contradiction
    from chipwall.controls.load import law
    from chipwall.report.forms import render
    from chipwall.report.forms.beside import Pictures
    from chipwall.report.pages.brief import BriefQuestion, chip_brief, default_opponents

    if out.form == "csv" or out.explain:
        raise InputError(
            text("the brief is a page with its reasons in it"),
            where="form" if out.form == "csv" else "explain",
            fix=text("Use --md, --json or the page itself"),
        )
    page_wanted = not out.as_json and out.form == "terminal"
    if place is not None and not page_wanted:
        raise InputError(
            text("Markdown and JSON are printed, no page is written"),
            where="place",
            fix=text("Leave --out out, or --md and --json"),
        )
    target = place or require_place(Path(f"chipwall-brief-{chip_slug(chip)}.html")) if page_wanted else None
    if page_wanted:
        require_extra("jinja2", extra="report", wanted_by=text("the page of the brief"))
        require_extra("vl_convert", extra="report", wanted_by=text("the page of the brief"))
    refuse_contradiction("export", "US", to)
    to = law().countries.resolve(to)
    subject = catalog.chip(chip)
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
    asked = BriefQuestion(to, on or date.today(), catalog.model(model).id, out.lang)
    pictures = Pictures(wanted=page_wanted)
    made = chip_brief(subject, others, asked, catalog=catalog.load(), calibrated=calibrated_in_use(), pictures=pictures)
    if out.as_json:
        out.json(render.as_json(made, out.lang))
        return
    if target is None:
        click.echo(render.markdown(made, out.lang))
        return
    write_whole(target, render.html(made, out.lang, chart=pictures.svg))
    click.echo(render.terminal(made, out.lang))
    click.echo()
    out.say(text("Page written: {path}", path=str(target)))


def chip_slug(name: str) -> str:
    """What the caller typed, safe as part of a file name."""
    return "".join(c if c.isalnum() or c in "-." else "-" for c in name.strip().lower()).strip("-.") or "chip"
