"""``chipwall brief CHIP``."""

from __future__ import annotations

from pathlib import Path

import click

from chipwall.cli.options import day, json_option, lang_option, write_json
from chipwall.files import write_whole

__all__ = ["brief"]


@click.command()
@click.argument("chip")
@click.option("--against", help="Other chips, with commas. Default: H100 SXM, H20, B200, Ascend 910C, MLU590.")
@click.option("--to", "destination", default="CN", show_default=True, help="Destination of the export.")
@click.option("--on", "day_asked", help="Day of the law. Default: today.")
@click.option("--for", "model", default="llama-2-70b", show_default=True, help="The model that is served.")
@click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), help="The page. Default: chipwall-brief-CHIP.html here."
)
@click.option("--md", "as_markdown", is_flag=True, help="Print Markdown instead, and write no page.")
@json_option
@lang_option
def brief(
    chip: str,
    against: str | None,
    destination: str,
    day_asked: str | None,
    model: str,
    out: Path | None,
    as_markdown: bool,
    as_json: bool,
    lang: str,
) -> None:
    """The brief on one chip, in the terminal and as one HTML file."""
    from datetime import date

    from chipwall import catalog
    from chipwall.errors import InputError
    from chipwall.report.forms import render
    from chipwall.report.forms.beside import Pictures
    from chipwall.report.language.lookup import translated
    from chipwall.report.pages.brief import Asked, chip_brief, default_opponents
    from chipwall.text import text

    subject = catalog.chip(chip)
    others = (
        [catalog.chip(n.strip()) for n in against.split(",") if n.strip()]
        if against
        else default_opponents(subject, catalog.load())
    )
    others = [o for o in dict.fromkeys(others) if o.id != subject.id]
    if not others:
        raise InputError(
            text("nothing to compare {chip} with", chip=subject.name),
            where="--against",
            fix=text("Name other chips, for example --against h100,h20"),
        )
    asked = Asked(destination, day(day_asked) if day_asked else date.today(), catalog.model(model).id, lang)
    pictures = Pictures(wanted=not (as_json or as_markdown))
    made = chip_brief(subject, others, asked, catalog=catalog.load(), pictures=pictures)
    if as_json:
        write_json(render.as_json(made, lang))
        return
    if as_markdown:
        click.echo(render.markdown(made, lang))
        return
    page = render.html(made, lang, chart=pictures.svg)
    target = out or Path(f"chipwall-brief-{chip_slug(chip)}.html")
    write_whole(target, page)
    click.echo(render.terminal(made, lang))
    click.echo()
    click.echo(translated(text("Page written: {path}", path=str(target)), lang))


def chip_slug(name: str) -> str:
    """What the caller typed, safe as part of a file name."""
    return "".join(c if c.isalnum() or c in "-." else "-" for c in name.strip().lower()).strip("-.") or "chip"
