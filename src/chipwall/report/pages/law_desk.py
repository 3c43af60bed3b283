"""Tables of the compliance desk: a screened list, the ledger, what is stale, and acts beyond shipping."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from chipwall.controls.acts import ActAnswer
from chipwall.controls.horizon import Stale
from chipwall.controls.ledger import Account, Ledger
from chipwall.controls.measures import plain_decimal
from chipwall.controls.parties import LISTS, Listing
from chipwall.controls.screening import Screened, sentence
from chipwall.report.forms.table import Column, Table
from chipwall.report.pages.law_decision import duty_line, licence_words, truth_words
from chipwall.report.pages.law_words import legal_words, place_name
from chipwall.text import Text, listed, text

__all__ = ["act_tables", "horizon_table", "ledger_tables", "screen_table"]

KINDS = {
    "flip_passed": text("has passed, not verified"),
    "flip_coming": text("comes"),
    "after_audit": text("known from reports only"),
    "part_read": text("read in part"),
    "recalled": text("recalled, not read"),
    "old": text("checked long ago"),
}
OUTCOMES = {
    "required": text("a licence is required"),
    "red_flag": text("red flag: resolve it first"),
    "unknown": text("unknown"),
    "none_found": text("no requirement found in the text read"),
    "not_required": text("not required"),
}
LIST_NAMES = {
    "EL": text("Entity List"),
    "MEU": text("Military End User List"),
    "SDN": text("Specially Designated Nationals List"),
    "CMIC": text("Chinese Military-Industrial Complex Companies List"),
    "UVL": text("Unverified List"),
}


def _entry(entry: Listing) -> Text:
    name = LIST_NAMES.get(entry.kind, Text.of(LISTS[entry.kind]))
    if entry.footnote:
        return text("{name} since {since}, footnote {footnote}", name=name, since=entry.since, footnote=entry.footnote)
    return text("{name} since {since}", name=name, since=entry.since)


def _above(found: Screened) -> Text:
    lines = [text("parent on a list: {name}", name=party.name) for party in found.upstream]
    if found.owners is not None:
        lines.append(
            text(
                "listed owners hold {listed} %, not known {open} %",
                listed=plain_decimal(found.owners.listed),
                open=plain_decimal(found.owners.open),
            )
        )
    if found.near:
        lines.append(text("like it: {names}", names=", ".join(found.near)))
    return listed(lines, sign=";") if lines else Text.of("-")


def screen_table(rows: Sequence[Screened], *, on: str) -> Table:
    """A screened list: who was found, on what, through whom, and what to do."""
    return Table(
        text("{count} names against the table of parties, {day}", count=len(rows), day=on),
        (
            Column("name", text("Name")),
            Column("found", text("Found")),
            Column("seat", text("Headquarters")),
            Column("lists", text("Lists")),
            Column("above", text("Parents and owners")),
            Column("do", text("What follows")),
        ),
        tuple(
            (
                one.asked.name,
                one.party.name if one.party else "-",
                " < ".join(one.seats) or "-",
                listed([_entry(entry) for entry in one.listings], sign=";") if one.listings else "-",
                _above(one),
                sentence(one),
            )
            for one in rows
        ),
        notes=(
            text("The table holds the parties of public cases on AI chips, not the lists: nobody is cleared by it."),
        ),
    )


def _tpp(value: Decimal | None) -> str:
    return text("unknown") if value is None else f"{value:,.0f}"


def _share(account: Account) -> str:
    if account.share is None:
        return text("no US shipments") if account.china_units and not account.us_units else text("unknown")
    return f"{account.share * 100:.1f} %"


def _account_row(account: Account, name: object) -> tuple[object, ...]:
    return (
        name,
        f"{account.china_units:,}",
        f"{account.us_units:,}",
        _tpp(account.china),
        _tpp(account.us),
        _share(account),
        truth_words(account.within),
    )


def ledger_tables(ledger: Ledger, *, day: str) -> tuple[Table, Table]:
    """Totals per product and of all, then the running account after every shipment."""
    columns = (
        Column("china_units", text("Units to China and Macau"), right=True),
        Column("us_units", text("Units to the US"), right=True),
        Column("china_tpp", text("TPP to China and Macau"), right=True),
        Column("us_tpp", text("TPP to the US"), right=True),
        Column("share", text("Share"), right=True),
        Column("within", text("Within {cap} %", cap=plain_decimal((ledger.cap * 100).normalize()))),
    )
    notes = [text("The certification reads the cap per product ({citation}).", citation=ledger.citation)]
    if not ledger.binds:
        notes.append(text("The cap is not in force on {day}.", day=day))
    if ledger.elsewhere:
        count = len(ledger.elsewhere)
        notes.append(text("{count} shipments to other places count on neither side.", count=count))
    totals = Table(
        text("TPP shipped up to {day}", day=day),
        (Column("product", text("Product")), *columns),
        (
            *(_account_row(one, one.product) for one in ledger.products),
            _account_row(ledger.total, text("all products, for information")),
        ),
        notes=tuple(notes),
    )
    running = Table(
        text("Running share"),
        (
            Column("date", text("Day")),
            Column("product", text("Product")),
            Column("to", text("To")),
            Column("units", text("Units"), right=True),
            Column("share", text("Share after it"), right=True),
            Column("within", text("Within the cap")),
        ),
        tuple(
            (
                one.shipment.on.isoformat() if one.shipment.on else "-",
                one.product,
                one.shipment.to,
                f"{one.shipment.units:,}",
                _share(one),
                truth_words(one.within),
            )
            for one in ledger.running
            if one.shipment is not None
        ),
    )
    return totals, running


def horizon_table(rows: Sequence[Stale], *, day: str) -> Table:
    """What is stale on a day, and why."""
    return Table(
        text("What may have moved by {day}", day=day),
        (
            Column("kind", text("State")),
            Column("on", text("Day")),
            Column("what", text("What")),
            Column("why", text("Why")),
            Column("citation", text("Citation")),
        ),
        tuple((KINDS[one.kind], one.on.isoformat(), one.title, one.why, one.citation) for one in rows),
    )


def act_tables(answer: ActAnswer) -> tuple[Table, Table]:
    """The answer on an act with what was read, then the questions and the signs to look for."""
    rows: list[tuple[object, ...]] = [
        (text("As enforced"), OUTCOMES[answer.outcome], ""),
        (text("On the books"), OUTCOMES.get(answer.books, Text.of(answer.books)), ""),
        (text("Who is liable"), answer.act.liable, ""),
    ]
    for one in answer.said:
        kind = OUTCOMES[one.outcome]
        says = one.says if one.applies else text("{says} (if so: it was not told)", says=one.says)
        rows.append((kind, says, one.citation))
    for decision in answer.decisions:
        journey = decision.journey
        entry = journey.activity == "us_import"
        way = text(
            "{activity} to {destination}",
            activity=legal_words(journey.activity),
            destination=place_name(journey.destination),
        )
        way, says = (legal_words("us_import"), duty_line(decision)) if entry else (way, licence_words(decision))
        rows.append((way, says, ""))
    told = Table(
        text("{act}, {day}", act=answer.act.title, day=answer.on.isoformat()),
        (
            Column("question", text("Question")),
            Column("answer", text("Answer")),
            Column("citation", text("Citation")),
        ),
        tuple(rows),
    )
    asked: list[tuple[object, ...]] = [(text("Ask"), one, "") for one in answer.act.questions]
    asked += [(text("Red flag"), one, sign.citation) for sign in answer.signs for one in sign.says]
    check = Table(
        text("What to ask and to look for"),
        (Column("kind", text("Kind")), Column("what", text("What")), Column("citation", text("Citation"))),
        tuple(asked),
    )
    return told, check
