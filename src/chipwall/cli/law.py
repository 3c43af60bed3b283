"""``chipwall controls CHIP --to CN --on DATE`` and its sub-commands."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from chipwall import catalog
from chipwall.api.law import decide as ask
from chipwall.api.law import journey_asked, law_asked, legal_number
from chipwall.api.law import timeline as ask_timeline
from chipwall.cli.kinds import DAY, IN_FILE, WORD, CatalogNames, OutFolder
from chipwall.cli.law_desk import DESK_COMMANDS
from chipwall.cli.law_options import item_options, journey_options, spoken
from chipwall.cli.options import AskedGroup, Out, answer_options
from chipwall.controls.decide import decide
from chipwall.controls.goods import item_by_name
from chipwall.controls.load import law
from chipwall.errors import InputError, unknown_name
from chipwall.files import read_rows, write_whole
from chipwall.inputs import choices, nearest_names
from chipwall.report.forms.table import Column, Table
from chipwall.report.language.lookup import translated
from chipwall.report.pages import law_decision as tables
from chipwall.text import listed, text

if TYPE_CHECKING:
    from chipwall.report.forms.charts.chart import Chart

__all__ = ["controls"]


class _ChipFirst(AskedGroup):
    """A group whose first word may be a chip: anything that is no sub-command is a question about one decision."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if args and args[0] not in self.commands and args[0] not in ("-h", "--help"):
            if not args[0].startswith("-") and len(args) > 1 and not args[1].startswith("-"):
                near = nearest_names(args[0], self.commands)
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
    chipwall controls memo h200 --to CN --out memo.html a memo to the file
    chipwall controls screen NAMES.csv                  a list of names against the table of parties
    chipwall controls ledger SHIPPED.csv                TPP to China and Macau against the US
    chipwall controls act remote-access --to CN         rental, training for others, service, weights
    chipwall controls horizon                           what is stale today, and why
    chipwall controls test CASES.csv                    run a table of cases
    chipwall controls countries --on 2025-11-07         country groups by date

    A calculation on public text, not legal advice. What is modelled and what is not is printed below every decision.
    """


def _today(on: date | None) -> date:
    return on or date.today()


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
@click.option("--on", type=DAY, help="Day of the export, transfer or entry. Default: today.")
@answer_options
def decide_command(out: Out, **given: Any) -> None:
    """One decision, with every test, its margin and its citation."""
    answer = ask(**spoken(given))
    decision = answer.record
    head, tests, findings = tables.decision_tables(decision)
    shown = [t for t in (head, tables.condition_table(decision), tests, findings) if t.rows]
    out.show(*shown, data=answer.to_dict(), why=answer)
    if out.form == "terminal" and not out.as_json:
        click.echo()
        for line in tables.coverage_lines(law().coverage):
            click.echo(textwrap.fill(translated(line, out.lang), width=110))


@controls.command("timeline")
@item_options
@journey_options
@click.option("--since", type=DAY, help="First day. Default: 2022-08-01, or the day the chip was announced.")
@click.option("--until", type=DAY, default="2027-12-31", show_default=True, help="Last day.")
@answer_options
def timeline_command(out: Out, **given: Any) -> None:
    """Every day on which the answer changes, and why."""
    from chipwall.report.pages import law_timeline as views

    given["since"] = given["since"] or _announced(given["chip"])
    answer = ask_timeline(**spoken(given))
    first = answer.record[0].decision
    table = views.timeline_table(answer.record, name=first.item.name, destination=first.journey.destination)
    out.show(table, data=answer.to_dict(), why=answer)


@controls.command("compare")
@click.argument("chips", type=CatalogNames("chip", many=True))
@journey_options
@click.option("--on", type=DAY, help="Day. Default: today.")
@answer_options
def compare_places_command(chips: tuple[str, ...], on: date | None, out: Out, **given: Any) -> None:
    """CHIPS (with commas) against destinations (--to, with commas): a matrix, both books, with every note."""
    from chipwall.report.pages import law_timeline as views

    when, rules = _today(on), law_asked(given.pop("parties"), given.pop("overlay"))
    items = [item_by_name(name, law=rules) for name in chips]
    to = given.pop("to")
    if to is None:
        raise InputError(text("no destination"), where="to", fix=text("Name countries, for example CN,AE"))
    asked = spoken(given)
    ways = [journey_asked(place, **asked, rules=rules)[0] for place in choices(to, "to")]
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
    out.show(views.destinations_table(matrix, on=when), data=extra)


@controls.command("wall")
@click.option("--on", type=DAY, help="Day. Default: today.")
@click.option("--chips", type=CatalogNames("chip", many=True), help="Chips, with commas. Default: all.")
@click.option("--out", "place", type=OutFolder(), help="Folder for the charts, as SVG and Vega-Lite.")
@answer_options
def wall_command(on: date | None, chips: tuple[str, ...] | None, place: Path | None, out: Out) -> None:
    """Chips against the limits: TPP with density, TPP with DRAM bandwidth, and before 2023 TPP with I/O rate."""
    from chipwall.report.pages import law_timeline as views
    from chipwall.report.pages.law_wall import wall_charts, wall_data

    when = _today(on)
    asked = list(catalog.load().chips.values()) if chips is None else [catalog.chip(name) for name in chips]
    if place is not None:
        _draw_walls(place, wall_charts(asked, on=when), out)
        return
    shown = [
        t
        for x, y, points, areas in wall_data(asked, on=when).values()
        for t in views.wall_tables(points, areas, x=x, y=y)
    ]
    out.show(*shown, data=_wall_data(wall_charts(asked, on=when), out.lang) if out.as_json else None)


def _wall_data(charts: Mapping[str, Chart], lang: str) -> dict[str, object]:
    from chipwall.report.forms.charts import chart_spec

    return {name: {"rows": c.table.records(), "vega_lite": chart_spec(c, lang=lang)} for name, c in charts.items()}


def _draw_walls(place: Path, charts: Mapping[str, Chart], out: Out) -> None:
    """Every chart as a picture and as its specification; all are drawn before the first is written."""
    import json

    from chipwall.report.forms.charts import chart_spec, chart_svg

    if out.as_json or out.form != "terminal":
        raise InputError(
            text("charts are written to a folder, nothing is printed"),
            where="place",
            fix=text("Leave --out out, or the form"),
        )
    place.mkdir(exist_ok=True)
    drawn = {
        name: (
            chart_svg(chart, lang=out.lang),
            json.dumps(chart_spec(chart, lang=out.lang), ensure_ascii=False, indent=1, default=float),
        )
        for name, chart in charts.items()
    }
    for name, (picture, spec) in drawn.items():
        write_whole(place / f"wall-{name}.svg", picture)
        write_whole(place / f"wall-{name}.vl.json", spec)
        click.echo(str(place / f"wall-{name}.svg"))


@controls.command("diff")
@click.argument("first", type=DAY)
@click.argument("second", type=DAY)
@answer_options
def diff_command(first: date, second: date, out: Out) -> None:
    """What changed in law between two days, and the events in between."""
    from chipwall.controls.queries import differences
    from chipwall.report.pages import law_timeline as views

    changes, events = differences(first, second, law=law())
    out.show(*views.differences_tables(changes, events), data={"changes": changes, "events": events})


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
        found.setdefault(catalog.chip(row["chip"]).id, {})[row["operand"]] = legal_number(row["value"], where)
    return found


@controls.command("what-if")
@click.argument("draft", type=WORD)
@journey_options
@click.option("--on", type=DAY, help="Day. Default: the draft's day of effect.")
@click.option("--figures", type=IN_FILE, help="CSV (chip,operand,value) of figures the draft names.")
@click.option("--chips", type=CatalogNames("chip", many=True), help="Chips, with commas. Default: all.")
@answer_options
def what_if_command(
    draft: str, on: date | None, figures: Path | None, chips: tuple[str, ...] | None, out: Out, **given: Any
) -> None:
    """Which chips a draft rule would move, and by what margin. DRAFT is a TOML file or the id of a shipped proposal."""
    from chipwall.controls.draft import evaluate_draft
    from chipwall.controls.draft_files import read_draft
    from chipwall.report.pages import law_timeline as views

    found = read_draft(Path(draft), law=law())
    if given["activity"] != "us_import":
        given["to"] = given["to"] or "CN"
    rules = law_asked(given.pop("parties"), given.pop("overlay"))
    journey, _ = journey_asked(**spoken(given), rules=rules)
    asked = list(catalog.load().chips.values()) if chips is None else [catalog.chip(name) for name in chips]
    when = on or found.effective
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
    out.show(
        views.crossings_table(crossings, title=title, asked=len(asked), cannot=found.cannot, source=found.source),
        data=extra,
    )


@controls.command("drafts")
@answer_options
def drafts_command(out: Out) -> None:
    """Proposals that come with the program: their text as far as it was read, and what cannot be said."""
    from chipwall.controls.draft_files import read_draft, shipped_drafts
    from chipwall.report.pages import law_timeline as views

    drafts = [read_draft(Path(name), law=law()) for name in shipped_drafts()]
    extra = [{"id": d.id, "title": d.title, "source": d.source, "cannot": d.cannot} for d in drafts]
    out.show(views.drafts_table(drafts), data=extra)


@controls.command("countries")
@click.option("--on", type=DAY, help="Day. Default: today.")
@answer_options
def countries_command(on: date | None, out: Out) -> None:
    """Countries and the groups they are in on a day."""
    from chipwall.report.pages import law_timeline as views

    when = _today(on)
    named = frozenset(("AE",)) if law().on(when).runs("uae-named") else frozenset()
    out.show(views.countries_table(law().countries, on=when, named=named))


@controls.command("test")
@click.argument("file", type=IN_FILE)
@answer_options
def test_command(file: Path, out: Out) -> int:
    """Run a table of cases; exit 1 if any disagrees, 2 if any row could not be read."""
    from chipwall.controls.case_files import run_cases

    report = run_cases(file, law=law())
    data = {
        "cases": report.cases,
        "agree": report.agree,
        "disagree": report.disagree,
        "bad_rows": [
            {"case_id": row.case_id, "line": row.line, "why": "; ".join(row.problems)} for row in report.bad_rows
        ],
    }
    summary = text(
        "{agree} of {cases} cases agree; {bad} rows could not be read",
        agree=report.agree, cases=report.cases, bad=len(report.bad_rows),
    )  # fmt: skip
    keys = ("case", "column", "expected", "got", "why")
    titles = (text("Case"), text("Column"), text("Expected"), text("Got"), text("Why"))
    columns = tuple(Column(k, t) for k, t in zip(keys, titles, strict=True))
    rows = [(d.case_id, d.column, d.expected, d.got or "-", d.why) for d in report.disagree]
    bad = [(r.case_id, text("line {line}", line=r.line), "", "", listed(r.problems, sign=";")) for r in report.bad_rows]
    table = Table("", columns, (*rows, *bad), (summary,))
    if table.rows or out.as_json or out.form != "terminal" or out.explain:
        out.show(table, data=data)
    else:
        out.say(summary)
    return report.exit_code


for _command in DESK_COMMANDS:
    controls.add_command(_command)
