"""``chipwall prices``."""

from __future__ import annotations

from datetime import date

import click

from chipwall.cli.kinds import CHIP, DAY, OneOf
from chipwall.cli.options import HelpfulCommand, Out, answer_options

__all__ = ["prices_command"]

_SHORT = {"us": "united-states", "cn": "china", "eu": "europe"}
_TERMS = (
    "on-demand", "spot", "reserved", "reserved-1y", "reserved-3y", "index", "average", "list", "quote", "transacted", "grey",
)  # fmt: skip


@click.command(cls=HelpfulCommand)
@click.argument("chip", type=CHIP)
@click.option("--to", "offer", type=OneOf("rent", "buy"), default="rent", help="Rent or buy; default: rent.")
@click.option(
    "--place",
    type=OneOf("us", "cn", "eu", "united-states", "china", "europe", "world"),
    help="Where; default: best held.",
)
@click.option("--term", type=OneOf(*_TERMS), help="On which term; default: the usual one that is held.")
@click.option("--on", type=DAY, help="On which day; default: today.")
@click.option("--currency", type=OneOf("USD", "CNY"), default="USD", help="USD or CNY, by a dated rate; default: USD.")
@answer_options
def prices_command(
    chip: str, offer: str, place: str | None, term: str | None, on: date | None, currency: str, out: Out
) -> None:
    """What a chip is rented or sold for on a day: the quote that answers, and every one it was chosen from."""
    from chipwall import catalog
    from chipwall.catalog.prices import prices as held
    from chipwall.catalog.prices import quoted_price
    from chipwall.report.pages.prices import history_table, quote_record
    from chipwall.text import text

    found = catalog.chip(chip)
    day = on or date.today()
    where = _SHORT.get(place or "", place or "")
    answer = quoted_price(found.id, offer=offer, on=day, place=where, term=term or "", currency=currency)
    table = history_table(held(found.id, offer=offer, place=where, term=term or "", known_on=day), day)
    if out.form == "terminal" and not out.as_json:
        out.say(text("{chip}: {quote}", chip=found.name, quote=answer.words))
    out.show(table, data={"answer": quote_record(answer), "held": table.records()})
