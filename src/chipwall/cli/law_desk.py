"""``chipwall controls screen | ledger | horizon | memo | act``: the desk of somebody who answers for exports."""

from __future__ import annotations

import shlex
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import click

from chipwall.api.law import decide as ask
from chipwall.api.law import law_asked, owners_asked
from chipwall.cli.extras import require_extra
from chipwall.cli.kinds import DAY, IN_FILE, WORD, OneOf, OutFile
from chipwall.cli.law_options import YES_NO, item_options, journey_options, spoken
from chipwall.cli.options import Out, answer_options, command
from chipwall.controls.acts import KNOWLEDGE, Asking, judged
from chipwall.controls.goods import item_by_name
from chipwall.controls.horizon import horizon
from chipwall.controls.law import Law
from chipwall.controls.ledger import ledger_of, read_ledger
from chipwall.controls.load import law, load_acts
from chipwall.controls.records import Journey
from chipwall.controls.screening import read_names, screened
from chipwall.errors import InputError
from chipwall.files import write_whole
from chipwall.text import text

__all__ = ["DESK_COMMANDS"]


@command("screen")
@click.argument("file", type=IN_FILE)
@click.option("--on", type=DAY, help="Day. Default: today.")
@click.option("--parties", type=IN_FILE, help="CSV of your own parties, owners and lists.")
@answer_options
def screen_command(file: Path, on: date | None, parties: Path | None, out: Out) -> None:
    """Names of a CSV (name, owners) against the table of parties."""
    from chipwall.report.pages.law_desk import screen_table

    when, rules = on or date.today(), law_asked(parties)
    rows = [screened(one, law=rules, on=when) for one in read_names(file)]
    data = [
        {
            "name": one.asked.name,
            "outcome": one.outcome,
            "found": one.party.name if one.party else None,
            "headquarters": one.seats,
            "lists": one.listings,
            "parents_listed": [party.name for party in one.upstream],
            "owners": one.owners,
            "near": one.near,
        }
        for one in rows
    ]
    out.show(screen_table(rows, on=when.isoformat()), data=data)


@command("ledger")
@click.argument("file", type=IN_FILE)
@click.option("--on", type=DAY, help="Last day that counts. Default: today.")
@answer_options
def ledger_command(file: Path, on: date | None, out: Out) -> None:
    """TPP shipped to China and Macau against the US, from a CSV (product, units, to, date)."""
    from chipwall.report.pages.law_desk import ledger_tables

    when = on or date.today()
    found = ledger_of(read_ledger(file, law=law()), law=law(), on=when)
    out.show(*ledger_tables(found, day=when.isoformat()), data=found)


@command("horizon")
@click.option("--on", type=DAY, help="Day. Default: today.")
@answer_options
def horizon_command(on: date | None, out: Out) -> None:
    """What of the law is stale on a day, and why."""
    from chipwall.report.pages.law_desk import horizon_table

    when = on or date.today()
    rows = horizon(law(), when)
    out.show(horizon_table(rows, day=when.isoformat()), data=rows)


@command("memo")
@item_options
@journey_options
@click.option("--on", "--as-of", "on", type=DAY, help="Day of the act; a later day reruns the memo. Default: today.")
@click.option("--out", "place", type=OutFile(), help="A .md, .html or .docx file.")
@answer_options
def memo_command(place: Path | None, out: Out, **given: Any) -> None:
    """A memo to the file: both books, facts with sources, margins, checklist, what is open, what to watch."""
    from chipwall import catalog
    from chipwall.report.forms import render
    from chipwall.report.pages.law_memo import memo

    answer = ask(**spoken(given))
    rules, known = law_asked(given["parties"], given["overlay"]), catalog.load()
    again = _command(click.get_current_context())
    made = memo(answer.record, law=rules, known=known.sources, version=known.version, command=again)
    if place is not None:
        _write(made, place, out.lang)
        out.say(text("Memo written: {path}", path=str(place)))
    elif out.as_json:
        out.json(render.as_json(made, out.lang))
    elif out.form == "csv":
        raise InputError(text("a memo is more than one table"), where="--csv", fix=text("Use --md, --json or --out"))
    else:
        click.echo(render.markdown(made, out.lang))


def _command(context: click.Context) -> str:
    """The command as it was given, without the day, the file and the form: to be run again on a later day."""
    options: list[str] = []
    names: list[str] = []
    for parameter in context.command.params:
        value = context.params.get(parameter.name or "")
        if parameter.name in ("on", "place", "as_json", "form", "lang", "explain") or value in (None, "", (), False):
            continue
        if isinstance(parameter, click.Argument):
            names.append(str(value))
        elif value is True:
            options.append(parameter.opts[0])
        elif value != parameter.default:
            for one in value if isinstance(value, tuple) else (value,):
                options += [parameter.opts[0], str(one)]
    return shlex.join(["chipwall", "controls", "memo", *names, *options])


def _write(made: Any, out: Path, lang: str) -> None:
    """Write in the form that the file's name asks for."""
    from chipwall.report.forms import render

    kind = out.suffix.lower()
    if kind == ".md":
        write_whole(out, render.markdown(made, lang))
    elif kind in (".html", ".htm"):
        write_whole(out, render.html(made, lang))
    elif kind == ".docx":
        from chipwall.report.forms.docx import write_docx

        require_extra("docx", extra="memo", wanted_by=text("a Word file"))
        write_whole(out, lambda path: write_docx(made, path, lang))
    else:
        raise InputError(
            text("'{name}' is no form of a memo", name=out.name),
            where="--out",
            fix=text("End it in .md, .html or .docx"),
        )


@command("act")
@click.argument("act", type=OneOf(*load_acts().acts))
@click.argument("chip", required=False, type=WORD)
@click.option("--to", type=WORD, default="CN", show_default=True, help="Where the user sits, or the chip stands.")
@click.option("--hq", type=WORD, help="Where the user is headquartered.")
@click.option("--parent", type=WORD, help="Where its ultimate parent is headquartered.")
@click.option("--party", type=WORD, help="The user by name; looked up, never guessed.")
@click.option("--owned-by", "owners", type=WORD, multiple=True, help="NAME=PERCENT; repeat for each owner.")
@click.option("--screened", is_flag=True, help="You screened party and owners yourself.")
@click.option("--parties", type=IN_FILE, help="CSV of your own parties, owners and lists.")
@click.option("--knows", type=OneOf(*KNOWLEDGE), help="What is known of the use.")
@click.option("--vendor", type=WORD, help="Who gives access to a model.")
@click.option("--operations", type=WORD, help="Operations spent on training, for example 3e25.")
@click.option("--published", type=YES_NO, help="Whether the weights are published.")
@click.option("--on", type=DAY, help="Day. Default: today.")
@answer_options
def act_command(on: date | None, out: Out, **given: Any) -> None:
    """Acts beyond shipping: remote-access, training-for, service, repair-return, model-weights, model-access."""
    from chipwall.report.pages.law_desk import act_tables

    rules = law_asked(given["parties"])
    answer = judged(given["act"], _asking(given, rules), acts=load_acts(), law=rules, on=on or date.today())
    out.show(*act_tables(answer), data=answer)


def _asking(given: dict[str, Any], rules: Law) -> Asking:
    """What the command line tells of an act."""
    if given["act"] == "repair-return" and not given["chip"]:
        raise InputError(text("no chip"), where="CHIP", fix=text("Name the chip, for example repair-return h20"))
    to, hq, parent = (
        rules.countries.resolve(given[name], argument=name) if given[name] else "" for name in ("to", "hq", "parent")
    )
    party = rules.parties.find(given["party"]) if given["party"] else None
    seat = hq or (party.headquarters if party else "")
    journey = Journey(
        destination=to,
        headquarters=seat or ("" if given["party"] else to),
        parent=parent,
        party=given["party"] or "",
        owners=owners_asked(given["owners"]),
        screened=given["screened"],
    )
    published = given["published"]
    return Asking(
        journey=journey,
        item=item_by_name(given["chip"], law=rules) if given["chip"] else None,
        knows=given["knows"] or "",
        vendor=(given["vendor"] or "").strip().lower(),
        operations=_operations(given["operations"]),
        published=None if published is None else published == "yes",
    )


def _operations(words: str | None) -> Decimal | None:
    """Operations of a training run; far beyond the amounts of one chip."""
    if not words:
        return None
    try:
        found = Decimal(words.replace("^", "e").replace("10e", "1e", 1) if words.startswith("10^") else words)
    except InvalidOperation:
        found = Decimal(-1)
    if not found.is_finite() or not 0 < found < Decimal("1e40"):
        raise InputError(
            text("'{words}' is no number of operations", words=words),
            where="--operations",
            fix=text("Write it as 3e25"),
        )
    return found


DESK_COMMANDS = (screen_command, ledger_command, horizon_command, memo_command, act_command)
