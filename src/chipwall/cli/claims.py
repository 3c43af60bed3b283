"""``chipwall claims`` and ``chipwall claim check FILE``: do sentences about chips hold?"""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path

import click

from chipwall.claims.evaluate import evaluated
from chipwall.claims.library import packaged_world
from chipwall.claims.load import shipped_claims
from chipwall.claims.parse import claims_of_file
from chipwall.claims.records import Verdict
from chipwall.cli.options import show, table_options, write_json
from chipwall.errors import unknown_name
from chipwall.files import write_whole
from chipwall.report.forms.charts import svg
from chipwall.report.forms.table import render
from chipwall.report.pages.claims import (
    claim_table,
    points_table,
    verdict_json,
    verdict_lines,
    vocabulary_table,
)
from chipwall.report.pages.claims_charts import point_chart

__all__ = ["claim", "claims", "show_verdicts", "tell"]

_STRICT = click.option("--strict", is_flag=True, help="Exit 1 if any claim is contradicted.")
_CHART = click.option("--chart", type=click.Path(path_type=Path), help="Write a chart of where the claim holds (SVG).")


@click.command()
@_STRICT
@table_options
def claims(strict: bool, form: str | None, as_json: bool, lang: str) -> int:
    """Check every claim that comes with chipwall: supported, contradicted, depends on what, or cannot tell."""
    world = packaged_world()
    verdicts = evaluated(shipped_claims(world), world)
    show_verdicts(verdicts, form=form, as_json=as_json, lang=lang)
    return _status(verdicts, strict=strict)


def show_verdicts(verdicts: Sequence[Verdict], *, form: str | None, as_json: bool, lang: str) -> None:
    """The verdicts as one table, or as data with every point."""
    table = claim_table(verdicts, lang=lang)
    show(table, form=form, as_json=as_json, lang=lang, extra=[verdict_json(v) for v in verdicts])


@click.group()
def claim() -> None:
    """Check claims of your own, or look at one of those that come with chipwall.

    A claim is a TOML record: the sentence, who said it, a quantity of a closed vocabulary, the conditions that the
    sentence fixes, those it leaves free, a relation and a value. How to write one: docs/claims.md.
    """


@claim.command()
@click.argument("file", type=click.Path(path_type=Path))
@_STRICT
@_CHART
@table_options
def check(file: Path, strict: bool, chart: Path | None, form: str | None, as_json: bool, lang: str) -> int:
    """Check the claims of FILE, a TOML file with [[claim]] tables."""
    world = packaged_world()
    verdicts = evaluated(claims_of_file(file, world), world)
    if as_json or form:
        show_verdicts(verdicts, form=form, as_json=as_json, lang=lang)
    else:
        tell(verdicts, lang)
    _draw(verdicts, chart, lang)
    return _status(verdicts, strict=strict)


@claim.command("show")
@click.argument("claim_id")
@_CHART
@table_options
def show_claim(claim_id: str, chart: Path | None, form: str | None, as_json: bool, lang: str) -> None:
    """One shipped claim with everything that was computed."""
    world = packaged_world()
    known = {c.id: c for c in shipped_claims(world)}
    if claim_id not in known:
        near = get_close_matches(claim_id, known, 3, 0.4)
        raise unknown_name("claim", claim_id, nearest=near, listing="chipwall claims")
    verdicts = evaluated([known[claim_id]], world)
    if as_json:
        write_json(verdict_json(verdicts[0]))
    elif form:
        show(points_table(verdicts[0]), form=form, as_json=False, lang=lang)
    else:
        tell(verdicts, lang)
    _draw(verdicts, chart, lang)


@claim.command()
@table_options
def vocabulary(form: str | None, as_json: bool, lang: str) -> None:
    """Every quantity that a claim may speak of, and the conditions it takes."""
    show(vocabulary_table(), form=form, as_json=as_json, lang=lang)


def tell(verdicts: Sequence[Verdict], lang: str) -> None:
    """Each verdict in sentences, with everything that was computed."""
    for v in verdicts:
        click.echo("\n".join(verdict_lines(v, lang=lang)))
        click.echo()
        click.echo(render(points_table(v), "terminal", lang))
        click.echo()


def _draw(verdicts: Sequence[Verdict], chart: Path | None, lang: str) -> None:
    """One chart, or one per claim with its id in the name."""
    if chart is None:
        return
    for v in verdicts:
        place = chart if len(verdicts) == 1 else chart.with_name(f"{chart.stem}-{v.claim.id}{chart.suffix}")
        write_whole(place, svg(point_chart(v, lang=lang)))


def _status(verdicts: Sequence[Verdict], *, strict: bool) -> int:
    return 1 if strict and any(v.answer == "contradicted" for v in verdicts) else 0
