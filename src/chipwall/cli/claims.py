"""``chipwall claims`` and ``chipwall claim check FILE``: do sentences about chips hold?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import click

from chipwall.answer import Answer
from chipwall.api.doors import calibrated_in_use
from chipwall.claims.evaluate import evaluated
from chipwall.claims.load import packaged_library, shipped_claims
from chipwall.claims.records import Verdict
from chipwall.cli.kinds import IN_FILE, WORD, OutFile
from chipwall.cli.options import AskedGroup, Out, answer_options, command
from chipwall.errors import unknown_name
from chipwall.files import write_whole
from chipwall.inputs import nearest_names, quote
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
_CHART = click.option("--chart", type=OutFile(), help="Write a chart of where the claim holds (SVG).")


@command()
@_STRICT
@answer_options
def claims(strict: bool, out: Out) -> int:
    """Check every claim that comes with chipwall: supported, contradicted, depends on what, or cannot tell."""
    from chipwall.api.market import check as ask

    answer = ask()
    show_verdicts(list(answer), out, why=answer)
    return _status(list(answer), strict=strict)


def show_verdicts(verdicts: Sequence[Verdict], out: Out, *, why: Answer | None = None) -> None:
    """The verdicts as one table, or as data with every point."""
    out.show(claim_table(verdicts, lang=out.lang), data=[verdict_json(v) for v in verdicts], why=why)


@click.group(cls=AskedGroup)
def claim() -> None:
    """Check claims of your own, or look at one of those that come with chipwall.

    A claim is a TOML record: the sentence, who said it, a quantity of a closed vocabulary, the conditions that the
    sentence fixes, those it leaves free, a relation and a value. How to write one: docs/claims.md.
    """


@claim.command("check")
@click.argument("file", type=IN_FILE)
@_STRICT
@_CHART
@answer_options
def check_claims_command(file: Path, strict: bool, chart: Path | None, out: Out) -> int:
    """Check the claims of FILE, a TOML file with [[claim]] tables."""
    from chipwall.api.market import check as ask

    answer = ask(file)
    verdicts = list(answer)
    charts = _charts(verdicts, chart, out.lang)
    if out.as_json or out.form != "terminal" or out.explain:
        show_verdicts(verdicts, out, why=answer)
    else:
        tell(verdicts, out.lang)
    _draw(charts)
    return _status(verdicts, strict=strict)


@claim.command("show")
@click.argument("claim_id", type=WORD)
@_CHART
@answer_options
def show_claim(claim_id: str, chart: Path | None, out: Out) -> None:
    """One shipped claim with everything that was computed."""
    world = packaged_library(calibrated=calibrated_in_use())
    known = {c.id: c for c in shipped_claims(world)}
    if claim_id not in known:
        near = nearest_names(claim_id, known, cutoff=0.4)
        raise unknown_name("claim", quote(claim_id), nearest=near, listing="chipwall claims")
    verdicts = evaluated([known[claim_id]], world)
    charts = _charts(verdicts, chart, out.lang)
    if out.as_json or out.form != "terminal" or out.explain:
        out.show(points_table(verdicts[0]), data=verdict_json(verdicts[0]))
    else:
        tell(verdicts, out.lang)
    _draw(charts)


@claim.command()
@answer_options
def vocabulary(out: Out) -> None:
    """Every quantity that a claim may speak of, and the conditions it takes."""
    out.show(vocabulary_table())


def tell(verdicts: Sequence[Verdict], lang: str) -> None:
    """Each verdict in sentences, with everything that was computed."""
    for v in verdicts:
        click.echo("\n".join(verdict_lines(v, lang=lang)))
        click.echo()
        click.echo(render(points_table(v), "terminal", lang))
        click.echo()


def _charts(verdicts: Sequence[Verdict], chart: Path | None, lang: str) -> dict[Path, str]:
    """One chart, or one per claim with its id in the name: drawn before anything is said."""
    if chart is None:
        return {}
    from chipwall.report.forms.charts import chart_svg

    one = len(verdicts) == 1
    return {
        (chart if one else chart.with_name(f"{chart.stem}-{v.claim.id}{chart.suffix}")): chart_svg(
            point_chart(v), lang=lang
        )
        for v in verdicts
    }


def _draw(charts: Mapping[Path, str]) -> None:
    for place, picture in charts.items():
        write_whole(place, picture, argument="chart")


def _status(verdicts: Sequence[Verdict], *, strict: bool) -> int:
    return 1 if strict and any(v.answer == "contradicted" for v in verdicts) else 0
