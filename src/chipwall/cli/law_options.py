"""What ``chipwall controls`` asks for: the item and the journey, as options and as records."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal, InvalidOperation
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar

import click

from chipwall.controls.goods import item_by_name
from chipwall.controls.item import contradiction, is_amount, item_of_numbers, vendor_of
from chipwall.controls.law import Law
from chipwall.controls.load import law
from chipwall.controls.overlay import overlaid, with_parties
from chipwall.controls.records import ACTIVITIES, Item, Journey
from chipwall.errors import InputError, unknown_name
from chipwall.text import text
from chipwall.units import unit

__all__ = [
    "asked_item",
    "asked_journey",
    "asked_law",
    "asked_owners",
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
        click.option(
            "--party", "--end-user", "party", default="", help="The end user by name; looked up, never guessed."
        ),
        click.option("--owned-by", "owners", multiple=True, help="NAME=PERCENT; repeat for each owner."),
        click.option(
            "--screened", is_flag=True, help="You screened party and owners yourself: unknown names are on no list."
        ),
        click.option("--parties", type=click.Path(path_type=Path), help="CSV of your own parties, owners and lists."),
        click.option("--overlay", type=click.Path(path_type=Path), help="TOML of documents you hold, with their day."),
        click.option(
            "--shipper", default="", help="Who exports: vendor, or a name. A private letter binds its reader."
        ),
        click.option("--heading", default="", help="HTSUS heading of an entry, for example 8471.80."),
        click.option("--analysis-only", is_flag=True, help="Bought for technical analysis only."),
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
    vendor = _known_vendor(vendor)
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
    item = item_by_name(chip, law=law())
    changes: dict[str, Any] = dict(known)
    if "tpp" in known or "die_area" in known:
        changes.setdefault("density", None)  # the catalogue's quotient no longer belongs to these numbers
    if datacenter is not None:
        changes["datacenter"] = datacenter
    if vendor:
        changes["vendor"] = vendor
    touched = _touched(changes)
    item = replace(
        item,
        **changes,
        statuses={name: status for name, status in item.statuses.items() if name not in touched},
        bands={name: band for name, band in item.bands.items() if name not in touched},
        computer=computer or item.computer,
        other_eccn=other,
    )
    problem = contradiction(item.tpp, item.die_area, item.density)
    if problem:
        raise InputError(problem, where=item.name, fix=text("Leave one of the three out"))
    return item


def _touched(changes: dict[str, Any]) -> frozenset[str]:
    """Operands whose catalogue value gave way to a number of the command line."""
    names = {"density": "performance_density", "die_area": "performance_density"}
    touched = {names.get(name, name) for name in changes}
    return frozenset(touched | ({"performance_density"} if "tpp" in changes else set()))


def _known_vendor(name: str | None) -> str:
    """The id of a vendor; a name that is not found is refused, because it decides whose letters apply."""
    if not name:
        return ""
    known = {vendor.id for vendor in law().vendors}
    found = name.strip().lower() if name.strip().lower() in known else vendor_of(name, law())[0]
    if found:
        return found
    near = get_close_matches(name.lower(), known, 3, 0.5)
    raise unknown_name("vendor", name, nearest=near, listing="chipwall controls --help")


def asked_law(given: dict[str, Any]) -> Law:
    """The law with the caller's own parties and documents."""
    found, parties, overlay = law(), given.pop("parties", None), given.pop("overlay", None)
    if parties is not None:
        found = with_parties(found, parties)
    return overlaid(found, overlay) if overlay is not None else found


def asked_owners(words: tuple[str, ...]) -> tuple[tuple[str, Decimal], ...]:
    """Owners as the command line gives them: NAME=PERCENT."""
    found = []
    for word in words:
        name, sign, share = word.rpartition("=")
        try:
            percent = Decimal(share.strip().rstrip("%"))
        except InvalidOperation:
            percent = Decimal(0)
        if not sign or not name.strip() or not percent.is_finite() or not Decimal(0) < percent <= Decimal(100):
            raise InputError(
                text("'{words}' is no share of an owner", words=word),
                where="--owned-by",
                fix=text('Give NAME=PERCENT, for example --owned-by "SMIC=30"'),
            )
        found.append((name.strip(), percent))
    return tuple(found)


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


def asked_journey(given: dict[str, Any], *, rules: Law | None = None) -> tuple[Journey, tuple[str, ...]]:
    """The journey of the command line, and what was assumed.

    A party whose seat is known brings it along; only a party nobody named is taken as seated at the destination.
    """
    rules = rules or law()
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
    party = rules.parties.find(given["party"]) if given["party"] else None
    if headquarters is None and party is not None and party.headquarters:
        headquarters = party.headquarters
        assumed = (
            text(
                "{party} is headquartered in {country} ({source})",
                party=party.name,
                country=headquarters,
                source=party.source.split(";")[0],
            ),
        )
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
        owners=asked_owners(given["owners"]),
        screened=given["screened"],
        shipper=given["shipper"],
        heading=_heading(given["heading"]),
        analysis_only=given["analysis_only"],
    )
    return journey, assumed


def _heading(words: str) -> str:
    """An HTSUS heading: four to ten digits, with or without points."""
    digits = words.replace(".", "").replace(" ", "")
    if words and not (digits.isdigit() and 4 <= len(digits) <= 10):
        raise InputError(
            text("'{words}' is no HTSUS heading", words=words), where="--heading", fix=text("For example 8471.80")
        )
    return words


def legal_number(words: str, *, option: str) -> Decimal:
    """A plain amount, exact."""
    found = _number(words, option=option, symbol="1")
    assert found is not None  # only None gives None
    return found
