"""What ``chipwall controls`` asks for: the item and the journey, as options and as records."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal, InvalidOperation
from typing import Any, TypeVar

import click

from chipwall import catalog
from chipwall.controls.item import contradiction, is_amount, item_of_chip, item_of_numbers
from chipwall.controls.load import law
from chipwall.controls.records import ACTIVITIES, Item, Journey
from chipwall.errors import InputError
from chipwall.text import text
from chipwall.units import unit

__all__ = [
    "asked_item",
    "asked_journey",
    "item_options",
    "journey_options",
    "legal_number",
    "refuse_contradiction",
]

F = TypeVar("F", bound=Callable[..., Any])
END_USES = ("re-export", "stock", "us-data-centre", "repair", "research", "start-up", "consumer", "public-sector")


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
    if rest and is_amount(value):
        found, wanted = unit(rest, where=option), unit(symbol)
        if found.dimension != wanted.dimension:
            raise InputError(text("'{words}' is not in {unit}", words=words, unit=symbol), where=option)
        value = value * Decimal(repr(found.factor)) / Decimal(repr(wanted.factor))
    if not is_amount(value):
        raise InputError(text("'{words}' is not an amount", words=words), where=option)
    return value


def asked_item(given: dict[str, Any]) -> Item:
    """The item of the command line: a catalogue chip, plain numbers, or the first corrected by the second."""
    numbers: dict[str, Any] = {
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


def refuse_contradiction(activity: str, exporter: str, destination: str) -> None:
    """An export leaves the United States, an import enters it, a reexport starts elsewhere: anything else is a slip."""
    countries = law().countries
    to_us = countries.resolve(destination) == "US"
    if activity in ("export", "reexport") and to_us:
        raise InputError(
            text("no export or reexport goes to the United States"),
            where="--to",
            fix=text(
                "For an entry into the US and its duty use --activity us_import; for a transfer there, in_country"
            ),
        )
    if activity == "us_import" and not to_us:
        raise InputError(text("an import enters the United States"), where="--to", fix=text("Leave --to out"))
    if activity == "reexport" and countries.resolve(exporter) == "US":
        raise InputError(
            text("a reexport leaves another country"), where="--from", fix=text("Name it, for example --from SG")
        )


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
    refuse_contradiction(activity, exporter, destination)
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


def legal_number(words: str, *, option: str) -> Decimal:
    """A plain amount, exact."""
    found = _number(words, option=option, symbol="1")
    assert found is not None  # only None gives None
    return found
