"""``chipwall controls CHIP --to CN --on DATE`` and its sub-commands."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, TypeVar

import click

from chipwall import catalog
from chipwall.brief import controls_tables as tables
from chipwall.brief.language import translated
from chipwall.cli.options import day, json_option, lang_option, show, table_options, write_json, write_whole
from chipwall.controls.cases import run_cases
from chipwall.controls.decide import decide
from chipwall.controls.draft import evaluate_draft, read_draft
from chipwall.controls.item import contradiction, item_of_chip, item_of_numbers
from chipwall.controls.load import law
from chipwall.controls.records import ACTIVITIES, Item, Journey
from chipwall.controls.views import differences, timeline
from chipwall.errors import InputError
from chipwall.text import text
from chipwall.units import unit

__all__ = ["controls"]

F = TypeVar("F", bound=Callable[..., Any])
END_USES = ("re-export", "stock", "us-data-centre", "repair", "research", "start-up", "consumer", "public-sector")


class _ChipFirst(click.Group):
    """A group whose first word may be a chip: anything that is no sub-command is a question about one decision."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if args and args[0] not in self.commands and args[0] not in ("-h", "--help"):
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
    chipwall controls what-if DRAFT.toml                which chips a draft would move
    chipwall controls test CASES.csv                    run a table of cases

    A calculation on public text, not legal advice. What is modelled and what is not is printed below every decision.
    """


def journey_options(command: F) -> F:
    """Where the item goes, to whom, and what for."""
    options = (
        click.option("--to", "destination", help="Destination: ISO code or name."),
        click.option("--from", "exporter", help="Country it leaves. Default: US; the destination for in_country."),
        click.option(
            "--activity", type=click.Choice(ACTIVITIES), default="export", show_default=True, help="What is done."
        ),
        click.option("--hq", "headquarters", help="Where the end user is headquartered. Default: the destination."),
        click.option("--parent", help="Where its ultimate parent is headquartered."),
        click.option("--end-user", "party", default="", help="A party the rules know, for example G42."),
        click.option("--end-use", type=click.Choice(END_USES), default=None, help="End use of an import."),
        click.option("--tpp-share", help="TPP shipped to China over TPP shipped to US customers, for example 0.4."),
        click.option("--us-available", type=click.Choice(["yes", "no"]), help="On sale in the US on 2026-01-15."),
        click.option(
            "--exporter-role", type=click.Choice(["fab", "osat"]), help="A foundry or assembly house exports."
        ),
        click.option("--packaged-in", default="", help="Where it is packaged, for the foundry presumption."),
        click.option("--attested", is_flag=True, help="An approved or authorised designer attests the numbers."),
    )
    for option in reversed(options):
        command = option(command)
    return command


def item_options(command: F) -> F:
    """The chip, or its plain numbers; a number given here wins over the catalogue."""
    options = (
        click.argument("chip", required=False),
        click.option("--tpp", help="Total processing performance, dense."),
        click.option("--density", help="Performance density, TPP/mm2; for --bare, GB/s/mm2."),
        click.option("--die-area", help="Applicable die area, mm2; 0 when no die counts."),
        click.option("--dram", help="Total DRAM bandwidth, GB/s or with a unit."),
        click.option("--io", "io_rate", help="I/O rate in both directions, GB/s or with a unit."),
        click.option("--transistors", help="Transistors in the package, in 1e9."),
        click.option("--datacenter", type=click.Choice(["yes", "no"]), help="Designed or marketed for data centres."),
        click.option("--vendor", help="Whose letters apply."),
        click.option("--bare", is_flag=True, help="A memory stack or device, not a processor."),
        click.option("--computer", is_flag=True, help="A board or server with the chip in it."),
        click.option("--other-eccn", default="", help="ECCN it is already classified under, for .z."),
    )
    for option in reversed(options):
        command = option(command)
    return command


def _number(words: str | None, *, option: str, symbol: str) -> Decimal | None:
    """A number in the unit of the law, or with a unit of its own, exactly."""
    if words is None:
        return None
    first, _, rest = words.strip().replace(",", "").partition(" ")
    try:
        value = Decimal(first)
    except InvalidOperation:
        digits = first.rstrip("".join(c for c in first if not c.isdigit() and c != "."))
        rest, first = first[len(digits) :], digits
        try:
            value = Decimal(first)
        except InvalidOperation:
            raise InputError(
                text("'{words}' is not a number", words=words),
                where=option,
                fix=text("Give a number in {unit}", unit=symbol),
            ) from None
    if rest:
        found, wanted = unit(rest, where=option), unit(symbol)
        if found.dimension != wanted.dimension:
            raise InputError(text("'{words}' is not in {unit}", words=words, unit=symbol), where=option)
        value = value * Decimal(repr(found.factor)) / Decimal(repr(wanted.factor))
    if not value.is_finite() or value < 0:
        raise InputError(text("'{words}' is not an amount", words=words), where=option)
    return value


def asked_item(given: dict[str, Any]) -> Item:
    """The item of the command line: a catalogue chip, plain numbers, or the first corrected by the second."""
    numbers = {
        "tpp": _number(given.pop("tpp"), option="--tpp", symbol="TPP"),
        "density": _number(given.pop("density"), option="--density", symbol="TPP/mm2"),
        "die_area": _number(given.pop("die_area"), option="--die-area", symbol="mm2"),
        "dram_bandwidth": _number(given.pop("dram"), option="--dram", symbol="GB/s"),
        "io_rate": _number(given.pop("io_rate"), option="--io", symbol="GB/s"),
        "transistors": _number(given.pop("transistors"), option="--transistors", symbol="1e9"),
    }
    word, chip, vendor = given.pop("datacenter"), given.pop("chip"), given.pop("vendor")
    bare, computer, other = given.pop("bare"), given.pop("computer"), given.pop("other_eccn")
    datacenter = None if word is None else word == "yes"
    known = {name: value for name, value in numbers.items() if value is not None}
    if chip is None:
        if not known:
            raise InputError(
                text("no chip and no numbers"), fix=text("Name a chip, or give --tpp and what else is known")
            )
        kind: Any = "memory" if bare else "processor"
        item = item_of_numbers(
            "these numbers", law=law(), kind=kind, vendor=vendor or "", datacenter=datacenter, **numbers
        )
        return replace(item, computer=computer, other_eccn=other)
    item = item_of_chip(catalog.chip(chip), law=law())
    changes: dict[str, Any] = dict(known)
    if "tpp" in known or "die_area" in known:
        changes.setdefault("density", None)  # the catalogue's quotient no longer belongs to these numbers
    if datacenter is not None:
        changes["datacenter"] = datacenter
    if vendor:
        changes["vendor"] = vendor.lower()
    item = replace(item, **changes, computer=computer, other_eccn=other)
    problem = contradiction(item.tpp, item.die_area, item.density)
    if problem:
        raise InputError(problem, where=item.name, fix=text("Leave one of the three out"))
    return item


def asked_journey(given: dict[str, Any]) -> tuple[Journey, tuple[str, ...]]:
    """The journey of the command line, and what was assumed."""
    activity, destination = given["activity"], given["destination"]
    if destination is None:
        if activity != "us_import":
            raise InputError(text("no destination"), where="--to", fix=text("Name a country, for example --to CN"))
        destination = "US"
    exporter = given["exporter"]
    if exporter is None:
        if activity == "reexport":
            raise InputError(
                text("a reexport leaves another country"), where="--from", fix=text("Name it, for example --from SG")
            )
        exporter = {"export": "US", "in_country": destination, "us_import": ""}[activity]
    assumed: tuple[str, ...] = ()
    headquarters = given["headquarters"]
    if headquarters is None:
        headquarters = destination
        if activity != "us_import":
            assumed = (
                text(
                    "Assumed: the end user and its parent are headquartered in {country} (set with --hq)",
                    country=destination,
                ),
            )
    share = _number(given["tpp_share"], option="--tpp-share", symbol="1")
    available = given["us_available"]
    journey = Journey(
        activity=activity,
        exporter=exporter,
        destination=destination,
        headquarters=headquarters,
        parent=given["parent"] or "",
        party=given["party"],
        end_use=given["end_use"] or "",
        aggregate_tpp_share=share,
        us_available=None if available is None else available == "yes",
        exporter_role=given["exporter_role"] or "",
        packaged_in=given["packaged_in"],
        attested=given["attested"],
    )
    return journey, assumed


def _today(on: str | None) -> date:
    return date.today() if on is None else day(on)


@controls.command("decide")
@item_options
@journey_options
@click.option("--on", help="Day of the export, transfer or entry. Default: today.")
@table_options
def decide_command(on: str | None, form: str | None, as_json: bool, lang: str, **given: Any) -> None:
    """One decision, with every test, its margin and its citation."""
    item = asked_item(given)
    journey, assumed = asked_journey(given)
    decision = decide(item, journey, on=_today(on))
    decision = replace(decision, unknowns=(*assumed, *decision.unknowns))
    coverage = law().coverage
    if as_json:
        write_json(tables.decision_answer(decision, coverage))
        return
    answer, tests, findings = tables.decision_tables(decision)
    for table in (answer, tests, findings):
        if table.rows:
            show(table, form=form, as_json=False, lang=lang)
            click.echo()
    if form is None:
        for line in tables.coverage_lines(coverage):
            click.echo(textwrap.fill(translated(line, lang), width=110))


@controls.command("timeline")
@item_options
@journey_options
@click.option("--since", default="2022-08-01", show_default=True, help="First day.")
@click.option("--until", default="2027-12-31", show_default=True, help="Last day.")
@table_options
def timeline_command(since: str, until: str, form: str | None, as_json: bool, lang: str, **given: Any) -> None:
    """Every day on which the answer changes, and why."""
    item = asked_item(given)
    journey, _ = asked_journey(given)
    turns = timeline(item, journey, since=day(since, option="--since"), until=day(until, option="--until"))
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
    table = tables.timeline_table(turns, name=item.name, destination=journey.destination)
    show(table, form=form, as_json=as_json, lang=lang, extra=extra)


@controls.command("compare")
@click.argument("chips")
@click.option("--to", "destinations", required=True, help="Destinations, with commas.")
@click.option("--on", help="Day. Default: today.")
@table_options
def compare_command(chips: str, destinations: str, on: str | None, form: str | None, as_json: bool, lang: str) -> None:
    """CHIPS (with commas) against destinations: a matrix."""
    when = _today(on)
    items = [item_of_chip(catalog.chip(name), law=law()) for name in chips.split(",") if name.strip()]
    places = [law().countries.resolve(name) for name in destinations.split(",") if name.strip()]
    if not items or not places:
        raise InputError(
            text("nothing to compare"), fix=text("Give chips and destinations, for example h20,h200 --to CN,AE")
        )
    matrix = [
        [decide(item, Journey(destination=place, headquarters=place), on=when) for place in places] for item in items
    ]
    extra = [
        {
            "chip": d.item.name,
            "to": d.journey.destination,
            "on": d.on,
            "eccn": d.eccn,
            "licence": d.licence,
            "exceptions": d.exception_names,
            "review_policy": d.review_policy,
            "flags": d.flags,
        }
        for line in matrix
        for d in line
    ]
    show(tables.compare_table(matrix, on=when), form=form, as_json=as_json, lang=lang, extra=extra)


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

    from chipwall.brief.charts import svg
    from chipwall.brief.controls_charts import wall_charts, wall_data

    when = _today(on)
    known = catalog.load().chips
    asked = [catalog.chip(name) for name in chips.split(",") if name.strip()] if chips else list(known.values())
    if out is not None:
        if not out.is_dir():
            raise InputError(text("'{path}' is not a folder", path=out), where="--out", fix=text("Make it first"))
        for name, spec in wall_charts(asked, on=when, lang=lang).items():
            write_whole(out / f"wall-{name}.svg", svg(spec))
            write_whole(out / f"wall-{name}.vl.json", json.dumps(spec, ensure_ascii=False, indent=1))
            click.echo(str(out / f"wall-{name}.svg"))
        return
    if as_json:
        write_json(wall_charts(asked, on=when, lang=lang))
        return
    for x, y, points, areas in wall_data(asked, on=when).values():
        for table in tables.wall_tables(points, areas, x=x, y=y):
            show(table, form=form, as_json=False, lang=lang)
            click.echo()


@controls.command("diff")
@click.argument("first")
@click.argument("second")
@table_options
def diff_command(first: str, second: str, form: str | None, as_json: bool, lang: str) -> None:
    """What changed in law between two days, and the events in between."""
    changes, events = differences(day(first, option="FIRST"), day(second, option="SECOND"))
    if as_json:
        write_json({"changes": changes, "events": events})
        return
    for table in tables.differences_tables(changes, events):
        show(table, form=form, as_json=False, lang=lang)
        click.echo()


@controls.command("what-if")
@click.argument("draft", type=click.Path(path_type=Path))
@journey_options
@click.option("--on", help="Day. Default: the draft's day of effect.")
@click.option("--chips", help="Chips, with commas. Default: all.")
@table_options
def what_if_command(
    draft: Path, on: str | None, chips: str | None, form: str | None, as_json: bool, lang: str, **given: Any
) -> None:
    """Which chips a draft rule would move, and by what margin."""
    found = read_draft(draft)
    given["destination"] = given["destination"] or "CN"
    journey, _ = asked_journey(given)
    known = catalog.load().chips
    asked = [catalog.chip(name) for name in chips.split(",") if name.strip()] if chips else list(known.values())
    when = found.effective if on is None else day(on)
    crossings = evaluate_draft(found, asked, when, journey=journey)
    extra = [
        {
            "chip": c.chip,
            "name": c.name,
            "tighter": c.caught,
            "before": {"eccn": c.before.eccn, "licence": c.before.licence, "review_policy": c.before.review_policy},
            "after": {"eccn": c.after.eccn, "licence": c.after.licence, "review_policy": c.after.review_policy},
            "decisive": c.decisive,
        }
        for c in crossings
    ]
    title = text("Draft '{title}' on {day}", title=found.title, day=when.isoformat())
    show(
        tables.crossings_table(crossings, title=title, asked=len(asked)),
        form=form,
        as_json=as_json,
        lang=lang,
        extra=extra,
    )


@controls.command("test")
@click.argument("file", type=click.Path(path_type=Path))
@json_option
@lang_option
def test_command(file: Path, as_json: bool, lang: str) -> int:
    """Run a table of cases; exit 1 if any disagrees, 2 if any row could not be read."""
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
