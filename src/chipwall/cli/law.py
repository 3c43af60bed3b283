"""``chipwall controls CHIP --to CN --on DATE`` and its sub-commands."""

from __future__ import annotations

import textwrap
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import click

from chipwall import catalog
from chipwall.cli.law_options import (
    asked_item,
    asked_journey,
    asked_law,
    item_options,
    journey_options,
    legal_number,
)
from chipwall.cli.options import day, json_option, lang_option, show, table_options, write_json
from chipwall.controls.decide import decide
from chipwall.controls.goods import item_by_name
from chipwall.controls.load import law
from chipwall.errors import InputError, unknown_name
from chipwall.files import read_rows, write_whole
from chipwall.report.language.lookup import translated
from chipwall.report.pages import law_decision as tables
from chipwall.text import text

__all__ = ["controls"]


class _ChipFirst(click.Group):
    """A group whose first word may be a chip: anything that is no sub-command is a question about one decision."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if args and args[0] not in self.commands and args[0] not in ("-h", "--help"):
            if not args[0].startswith("-") and len(args) > 1 and not args[1].startswith("-"):
                from difflib import get_close_matches

                near = get_close_matches(args[0], self.commands, 3, 0.5)
                raise unknown_name("command", args[0], nearest=near, listing="chipwall controls --help")
            args = ["decide", *args]
        return super().parse_args(ctx, args)


@click.group(cls=_ChipFirst)
def controls() -> None:
    """Export controls on a date.

    \b
    chipwall controls h200 --to CN --on 2026-02-01      one decision, with every test
    chipwall controls timeline h200 --to CN             days on which the answer changes
    chipwall controls compare h20,h200,b200 --to CN,AE  a matrix
    chipwall controls wall --on 2026-02-01              chips against the limits
    chipwall controls diff 2024-11-01 2025-06-01        what changed in law
    chipwall controls what-if safe-chips                which chips a draft, or a file of yours, would move
    chipwall controls drafts                            proposals that come with the program
    chipwall controls test CASES.csv                    run a table of cases
    chipwall controls countries --on 2025-11-07         country groups by date

    A calculation on public text, not legal advice. What is modelled and what is not is printed below every decision.
    """


def _today(on: str | None) -> date:
    return date.today() if on is None else day(on)


def _announced(name: str | None) -> date:
    """The first day worth asking about: the first letters, or the day a later chip was announced."""
    first = date(2022, 8, 1)
    if name is None:
        return first
    try:
        fact = catalog.chip(name).fact("announced")
    except InputError:
        return first
    return max(first, fact.on) if fact is not None and fact.on is not None else first


@controls.command("decide")
@item_options
@journey_options
@click.option("--on", help="Day of the export, transfer or entry. Default: today.")
@table_options
def decide_command(on: str | None, form: str | None, as_json: bool, lang: str, **given: Any) -> None:
    """One decision, with every test, its margin and its citation."""
    item, rules = asked_item(given), asked_law(given)
    journey, assumed = asked_journey(given, rules=rules)
    decision = decide(item, journey, on=_today(on), law=rules)
    decision = replace(decision, unknowns=(*assumed, *decision.unknowns))
    coverage = law().coverage
    if as_json:
        write_json(tables.decision_answer(decision, coverage))
        return
    answer, tests, findings = tables.decision_tables(decision)
    for table in (answer, tables.condition_table(decision), tests, findings):
        if table.rows:
            show(table, form=form, as_json=False, lang=lang)
            click.echo()
    if form is None:
        for line in tables.coverage_lines(coverage):
            click.echo(textwrap.fill(translated(line, lang), width=110))


@controls.command("timeline")
@item_options
@journey_options
@click.option("--since", help="First day. Default: 2022-08-01, or the day the chip was announced.")
@click.option("--until", default="2027-12-31", show_default=True, help="Last day.")
@table_options
def timeline_command(since: str | None, until: str, form: str | None, as_json: bool, lang: str, **given: Any) -> None:
    """Every day on which the answer changes, and why."""
    from chipwall.controls.queries import timeline
    from chipwall.report.pages import law_timeline as views

    first = _announced(given["chip"]) if since is None else day(since, option="--since")
    item, rules = asked_item(given), asked_law(given)
    journey, _ = asked_journey(given, rules=rules)
    turns = timeline(item, journey, since=first, until=day(until, option="--until"), law=rules)
    extra = [
        {
            "on": turn.on,
            "eccn": turn.decision.eccn,
            "licence": turn.decision.licence,
            "review_policy": turn.decision.review_policy,
            "flags": turn.decision.flags,
            "changed": [{"what": what, "before": before, "after": after} for what, before, after in turn.changed],
            "why": turn.why,
        }
        for turn in turns
    ]
    table = views.timeline_table(turns, name=item.name, destination=journey.destination)
    show(table, form=form, as_json=as_json, lang=lang, extra=extra)


@controls.command("compare")
@click.argument("chips")
@journey_options
@click.option("--on", help="Day. Default: today.")
@table_options
def compare_command(chips: str, on: str | None, form: str | None, as_json: bool, lang: str, **given: Any) -> None:
    """CHIPS (with commas) against destinations (--to, with commas): a matrix, both books, with every note."""
    from chipwall.report.pages import law_timeline as views

    when, rules = _today(on), asked_law(given)
    items = [item_by_name(name.strip(), law=rules) for name in chips.split(",") if name.strip()]
    places = [name for name in (given.pop("destination") or "").split(",") if name.strip()]
    if not items or not places:
        raise InputError(
            text("nothing to compare"), fix=text("Give chips and destinations, for example h20,h200 --to CN,AE")
        )
    ways = [asked_journey({**given, "destination": place}, rules=rules)[0] for place in places]
    matrix = [[decide(item, way, on=when, law=rules) for way in ways] for item in items]
    extra = [
        {
            "chip": d.item.name,
            "to": d.journey.destination,
            "on": d.on,
            "eccn": d.eccn,
            "licence": d.licence,
            "exceptions": d.exception_names,
            "review_policy": d.review_policy,
            "published": d.published,
            "conditions": d.conditions,
            "strength": d.strength,
            "flags": d.flags,
            "unknowns": d.unknowns,
        }
        for line in matrix
        for d in line
    ]
    show(views.compare_table(matrix, on=when), form=form, as_json=as_json, lang=lang, extra=extra)


@controls.command("wall")
@click.option("--on", help="Day. Default: today.")
@click.option("--chips", help="Chips, with commas. Default: all.")
@click.option("--out", type=click.Path(path_type=Path), help="Folder for the charts, as SVG and Vega-Lite.")
@table_options
def wall_command(
    on: str | None, chips: str | None, out: Path | None, form: str | None, as_json: bool, lang: str
) -> None:
    """Chips against the limits: TPP with density, TPP with DRAM bandwidth, and before 2023 TPP with I/O rate."""
    import json

    from chipwall.report.forms.charts import svg
    from chipwall.report.pages import law_timeline as views
    from chipwall.report.pages.law_wall import wall_charts, wall_data

    when = _today(on)
    known = catalog.load().chips
    asked = [catalog.chip(name) for name in chips.split(",") if name.strip()] if chips else list(known.values())
    if out is not None:
        if not out.parent.is_dir() or out.is_file():
            raise InputError(text("'{path}' is not a folder", path=out), where="--out", fix=text("Make it first"))
        out.mkdir(exist_ok=True)
        for name, spec in wall_charts(asked, on=when, lang=lang).items():
            write_whole(out / f"wall-{name}.svg", svg(spec))
            write_whole(out / f"wall-{name}.vl.json", json.dumps(spec, ensure_ascii=False, indent=1))
            click.echo(str(out / f"wall-{name}.svg"))
        return
    if as_json:
        write_json(wall_charts(asked, on=when, lang=lang))
        return
    for x, y, points, areas in wall_data(asked, on=when).values():
        for table in views.wall_tables(points, areas, x=x, y=y):
            show(table, form=form, as_json=False, lang=lang)
            click.echo()


@controls.command("diff")
@click.argument("first")
@click.argument("second")
@table_options
def diff_command(first: str, second: str, form: str | None, as_json: bool, lang: str) -> None:
    """What changed in law between two days, and the events in between."""
    from chipwall.controls.queries import differences
    from chipwall.report.pages import law_timeline as views

    changes, events = differences(day(first, option="FIRST"), day(second, option="SECOND"))
    if as_json:
        write_json({"changes": changes, "events": events})
        return
    for table in views.differences_tables(changes, events):
        show(table, form=form, as_json=False, lang=lang)
        click.echo()


def _figures(path: Path | None) -> dict[str, dict[str, Decimal]]:
    """Performance figures of a CSV with columns chip, operand, value: by chip id and operand."""
    if path is None:
        return {}
    found: dict[str, dict[str, Decimal]] = {}
    table = read_rows(path, argument="figures", needed=("chip", "operand", "value"))
    if not len(table):
        fix = text("Give a row per chip and operand")
        raise InputError(text("'{path}' holds no figures", path=table.file), where="figures", fix=fix)
    for line, row in zip(table.lines, table.rows, strict=True):
        where = text("{file}, line {line}", file=table.file, line=line)
        if not (row["chip"] and row["operand"] and row["value"]):
            raise InputError(text("a figure needs chip, operand and value"), where=where)
        found.setdefault(catalog.chip(row["chip"]).id, {})[row["operand"]] = legal_number(row["value"], option=where)
    return found


@controls.command("what-if")
@click.argument("draft", type=click.Path(path_type=Path))
@journey_options
@click.option("--on", help="Day. Default: the draft's day of effect.")
@click.option("--figures", type=click.Path(path_type=Path), help="CSV (chip,operand,value) of figures the draft names.")
@click.option("--chips", help="Chips, with commas. Default: all.")
@table_options
def what_if_command(
    draft: Path,
    on: str | None,
    figures: Path | None,
    chips: str | None,
    form: str | None,
    as_json: bool,
    lang: str,
    **given: Any,
) -> None:
    """Which chips a draft rule would move, and by what margin. DRAFT is a TOML file or the id of a shipped proposal."""
    from chipwall.controls.draft import evaluate_draft, read_draft
    from chipwall.report.pages import law_timeline as views

    found = read_draft(draft)
    if given["activity"] != "us_import":
        given["destination"] = given["destination"] or "CN"
    rules = asked_law(given)
    journey, _ = asked_journey(given, rules=rules)
    known = catalog.load().chips
    asked = [catalog.chip(name) for name in chips.split(",") if name.strip()] if chips else list(known.values())
    when = found.effective if on is None else day(on)
    crossings = evaluate_draft(found, asked, when, journey=journey, figures=_figures(figures), law=rules)
    extra = [
        {
            "chip": c.chip,
            "name": c.name,
            "tighter": c.caught,
            "before": {"eccn": c.before.eccn, "licence": c.before.licence, "review_policy": c.before.review_policy},
            "after": {"eccn": c.after.eccn, "licence": c.after.licence, "review_policy": c.after.review_policy},
            "decisive": c.decisive,
            "measures": c.after.measures,
        }
        for c in crossings
    ]
    title = text("Draft '{title}' on {day}", title=found.title, day=when.isoformat())
    show(
        views.crossings_table(crossings, title=title, asked=len(asked), cannot=found.cannot, source=found.source),
        form=form,
        as_json=as_json,
        lang=lang,
        extra=extra,
    )


@controls.command("drafts")
@table_options
def drafts_command(form: str | None, as_json: bool, lang: str) -> None:
    """Proposals that come with the program: their text as far as it was read, and what cannot be said."""
    from chipwall.controls.draft import read_draft, shipped_drafts
    from chipwall.report.pages import law_timeline as views

    drafts = [read_draft(Path(name)) for name in shipped_drafts()]
    extra = [{"id": d.id, "title": d.title, "source": d.source, "cannot": d.cannot} for d in drafts]
    show(views.drafts_table(drafts), form=form, as_json=as_json, lang=lang, extra=extra)


@controls.command("countries")
@click.option("--on", help="Day. Default: today.")
@table_options
def countries_command(on: str | None, form: str | None, as_json: bool, lang: str) -> None:
    """Countries and the groups they are in on a day."""
    from chipwall.report.pages import law_timeline as views

    when = _today(on)
    named = frozenset(("AE",)) if law().on(when).runs("uae-named") else frozenset()
    show(views.countries_table(law().countries, on=when, named=named), form=form, as_json=as_json, lang=lang)


@controls.command("test")
@click.argument("file", type=click.Path(path_type=Path))
@json_option
@lang_option
def test_command(file: Path, as_json: bool, lang: str) -> int:
    """Run a table of cases; exit 1 if any disagrees, 2 if any row could not be read."""
    from chipwall.controls.case_files import run_cases

    report = run_cases(file)
    if as_json:
        write_json(
            {
                "cases": report.cases,
                "agree": report.agree,
                "disagree": report.disagree,
                "bad_rows": [
                    {"case_id": row.case_id, "line": row.line, "why": "; ".join(row.problems)}
                    for row in report.bad_rows
                ],
            }
        )
        return report.exit_code
    for row in report.bad_rows:
        for problem in row.problems:
            click.echo(
                translated(
                    text("{case} (line {line}): {problem}", case=row.case_id, line=row.line, problem=problem), lang
                ),
                err=True,
            )
    for d in report.disagree:
        line = text(
            "{case}: {column} expected {expected}, got {got} ({why})",
            case=d.case_id, column=d.column, expected=d.expected, got=d.got or "-", why=d.why,
        )  # fmt: skip
        click.echo(translated(line, lang))
    summary = text(
        "{agree} of {cases} cases agree; {bad} rows could not be read",
        agree=report.agree, cases=report.cases, bad=len(report.bad_rows),
    )  # fmt: skip
    click.echo(translated(summary, lang))
    return report.exit_code
