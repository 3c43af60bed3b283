"""What ``chipwall controls`` asks for: the item and the journey, as options; :mod:`chipwall.api.law` makes records of them."""

from __future__ import annotations

from typing import Any, get_args

import click

from chipwall.api.law import END_USES
from chipwall.cli.kinds import IN_FILE, WORD, OneOf, OptionKind
from chipwall.cli.options import F, with_options
from chipwall.controls.records import Activity
from chipwall.inputs import term

__all__ = ["item_options", "journey_options", "spoken"]

# Exact in decimal, in the unit of the law or with a unit of its own; the door reads it.
LEGAL = OptionKind("number", term, example="4800")
YES_NO = OneOf("yes", "no")


def journey_options(command: F) -> F:
    """Where the item goes, to whom, and what for."""
    options = (
        click.option("--to", type=WORD, help="Destination: ISO code or name."),
        click.option(
            "--from", "exporter", type=WORD, help="Country it leaves. Default: US; the destination for in_country."
        ),
        click.option(
            "--activity", type=OneOf(*get_args(Activity)), default="export", show_default=True, help="What is done."
        ),
        click.option(
            "--hq",
            type=WORD,
            help="Where the end user is headquartered. Default: the party's seat, else the destination.",
        ),
        click.option("--parent", type=WORD, help="Where its ultimate parent is headquartered."),
        click.option("--party", type=WORD, help="The end user by name; looked up, never guessed."),
        click.option("--owned-by", "owners", type=WORD, multiple=True, help="NAME=PERCENT; repeat for each owner."),
        click.option(
            "--screened", is_flag=True, help="You screened party and owners yourself: unknown names are on no list."
        ),
        click.option("--parties", type=IN_FILE, help="CSV of your own parties, owners and lists."),
        click.option("--overlay", type=IN_FILE, help="TOML of documents you hold, with their day."),
        click.option("--shipper", type=WORD, help="Who exports: vendor, or a name. A private letter binds its reader."),
        click.option("--heading", type=WORD, help="HTSUS heading of an entry, for example 8471.80."),
        click.option("--analysis-only", is_flag=True, help="Bought for technical analysis only."),
        click.option("--end-use", type=OneOf(*END_USES), help="End use of an import."),
        click.option(
            "--tpp-share", type=LEGAL, help="TPP shipped to China over TPP shipped to US customers, for example 0.4."
        ),
        click.option("--us-available", type=YES_NO, help="On sale in the US on 2026-01-15."),
        click.option("--exporter-role", type=OneOf("fab", "osat"), help="A foundry or assembly house exports."),
        click.option("--packaged-in", type=WORD, help="Where it is packaged, for the foundry presumption."),
        click.option("--attested", is_flag=True, help="An approved or authorised designer attests the numbers."),
    )
    return with_options(command, *options)


def item_options(command: F) -> F:
    """The chip, or its plain numbers; a number given here wins over the catalogue."""
    options = (
        click.argument("chip", required=False, type=WORD),
        click.option("--tpp", type=LEGAL, help="Total processing performance, dense."),
        click.option("--density", type=LEGAL, help="Performance density, TPP/mm2; for --bare, GB/s/mm2."),
        click.option("--die-area", type=LEGAL, help="Applicable die area, mm2; 0 when no die counts."),
        click.option("--dram", type=LEGAL, help="Total DRAM bandwidth, GB/s or with a unit."),
        click.option("--io", type=LEGAL, help="I/O rate in both directions, GB/s or with a unit."),
        click.option("--transistors", type=LEGAL, help="Transistors in the package, in 1e9."),
        click.option("--datacenter", type=YES_NO, help="Designed or marketed for data centres."),
        click.option("--vendor", type=WORD, help="Whose letters apply."),
        click.option("--bare", is_flag=True, help="A memory stack or device, not a processor."),
        click.option("--computer", is_flag=True, help="A board or server with the chip in it."),
        click.option("--other-eccn", type=WORD, help="ECCN it is already classified under, for .z."),
    )
    return with_options(command, *options)


def spoken(given: dict[str, Any]) -> dict[str, Any]:
    """The options as arguments of a door: yes and no become True and False."""
    words = {"yes": True, "no": False}
    return {
        n: words.get(v, v) if n in ("datacenter", "us_available") and v is not None else v for n, v in given.items()
    }
