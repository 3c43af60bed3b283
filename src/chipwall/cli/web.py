"""``chipwall web`` and ``chipwall site``: the same answers in a browser, from a server or as static files."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from chipwall.cli.extras import require_extra
from chipwall.cli.kinds import WORD, Count, OutFolder
from chipwall.cli.languages import asked_language
from chipwall.cli.options import command
from chipwall.report.language.lookup import LANGUAGES, translated
from chipwall.text import text

__all__ = ["site_command", "web_command"]

LANGUAGE = click.option("--lang", type=click.Choice(LANGUAGES), default=asked_language, help="Language; default: en.")


@command("web")
@click.option(
    "--port",
    type=Count(least=0, most=65_535, example="8000"),
    default=8000,
    show_default=True,
    help="Port; 0 takes a free one.",
)
@click.option(
    "--host",
    type=WORD,
    default="127.0.0.1",
    show_default=True,
    help="Address to listen on; others may ask only if you say so.",
)
@click.option(
    "--workers", type=Count(most=64, example="2"), default=2, show_default=True, help="Processes that answer."
)
@click.option("--open", "opened", is_flag=True, help="Open a browser when it is ready.")
@LANGUAGE
def web_command(port: int, host: str, workers: int, opened: bool, lang: str) -> None:
    """Serve the pages on this machine until Ctrl-C: ask, check, chips, the wall, speed, plans, the market."""
    for module in ("starlette", "uvicorn", "jinja2", "vl_convert"):
        require_extra(module, extra="web", wanted_by="chipwall web")
    from chipwall.web.server import serve_app

    def said(address: str) -> None:
        out = sys.__stdout__ or sys.stdout
        shown = address if lang == "en" else f"{address}?lang={lang}"
        out.write(translated(text("chipwall answers at {address} (Ctrl-C ends it)", address=shown), lang) + "\n")
        out.flush()

    serve_app(host=host, port=port, workers=workers, opened=opened, said=said)


@command("site")
@click.argument("out", type=OutFolder())
@LANGUAGE
def site_command(out: Path, lang: str) -> None:
    """Write the finite part as static files into the folder OUT: chips, models, the law, claims, proposals, presets."""
    for module in ("starlette", "jinja2"):
        require_extra(module, extra="web", wanted_by="chipwall site")
    from chipwall.web.site import write_site

    out.mkdir(exist_ok=True)
    shown = sys.stderr.isatty()
    with click.progressbar(length=1000, label="site", file=sys.stderr if shown else open(os.devnull, "w")) as bar:
        files, left_out = write_site(out, said=lambda done, total: bar.update(round(1000 * done / total) - bar.pos))
    click.echo(translated(text("{files} files written: {path}", files=files, path=str(out / "index.html")), lang))
    if left_out:
        click.echo(translated(text("{count} pages have no answer and were left out", count=left_out), lang))
