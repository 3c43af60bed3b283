"""``chipwall chips|chip|compare|models|model|systems|sources|cite``."""

from __future__ import annotations

import click

from chipwall import catalog
from chipwall.catalog.choose import reason
from chipwall.catalog.names import key
from chipwall.catalog.records import Chip
from chipwall.cli.options import json_option, lang_option, show, table_options, write_json
from chipwall.controls.measures import performance_density, total_processing_performance
from chipwall.errors import InputError
from chipwall.report.forms.table import Table
from chipwall.report.pages import catalog as tables
from chipwall.sources import Fact
from chipwall.text import text
from chipwall.units import parse_quantity

__all__ = ["chip", "chips", "cite", "compare", "model", "models", "sources", "systems"]


@click.command()
@click.option("--vendor", help="Only this vendor.")
@click.option("--family", help="Only this family, for example 910b.")
@click.option(
    "--status", type=click.Choice(["shipping", "announced", "rumoured", "cancelled"]), help="Only this status."
)
@click.option("--min-memory", help="At least this much memory, for example '96 GB'.")
@click.option("--min-bandwidth", help="At least this memory bandwidth, for example '4 TB/s'.")
@click.option("--sort", help="Sort by a column, largest first: memory, bandwidth, bf16, fp8, link, tdp, tpp, id.")
@table_options
def chips(
    vendor: str | None, family: str | None, status: str | None, min_memory: str | None, min_bandwidth: str | None,
    sort: str | None, form: str | None, as_json: bool, lang: str,
) -> None:  # fmt: skip
    """List chips, with filters."""
    found = list(catalog.load().chips.values())
    if vendor:
        found = _of_vendor(found, vendor)
    if family:
        members = catalog.load().names.family_members(family)
        found = [c for c in found if c.id in members]
    if status:
        found = [c for c in found if c.word("status") == status]
    for limit, quantity, dimension, option in (
        (min_memory, "memory_capacity", "byte", "--min-memory"),
        (min_bandwidth, "memory_bandwidth", "byte/s", "--min-bandwidth"),
    ):
        if limit:
            least = parse_quantity(limit, dimension=dimension, where=option)
            found = [c for c in found if (c.value(quantity) or 0) >= least]
    show(tables.chips_table(_sorted(found, sort)), form=form, as_json=as_json, lang=lang)


def _of_vendor(found: list[Chip], vendor: str) -> list[Chip]:
    from difflib import get_close_matches

    from chipwall.errors import unknown_name

    known = sorted({c.vendor for c in found})
    if key(vendor) not in {key(v) for v in known}:
        raise unknown_name(
            "vendor",
            vendor,
            nearest=get_close_matches(vendor.lower(), known, 3, 0.4) or known[:4],
            listing="chipwall chips",
        )
    return [c for c in found if key(c.vendor) == key(vendor)]


_SORTS = {
    "memory": "memory_capacity", "bandwidth": "memory_bandwidth", "bf16": "bf16_rate", "fp8": "fp8_rate",
    "link": "link_bandwidth", "tdp": "tdp",
}  # fmt: skip


def _sorted(found: list[Chip], sort: str | None) -> list[Chip]:
    if sort is None or sort == "id":
        return sorted(found, key=lambda c: c.id) if sort else found
    if sort == "tpp":
        return sorted(found, key=lambda c: -(total_processing_performance(c).value or 0))
    if sort not in _SORTS:
        raise InputError(
            text("cannot sort by '{column}'", column=sort),
            where="--sort",
            fix=text("Use one of: {columns}", columns=", ".join([*_SORTS, "tpp", "id"])),
        )
    return sorted(found, key=lambda c: -(c.value(_SORTS[sort]) or 0))


@click.command()
@click.argument("name")
@table_options
def chip(name: str, form: str | None, as_json: bool, lang: str) -> None:
    """Everything known about one chip, with the source of each number."""
    found = catalog.chip(name)
    table = tables.facts_table(found, catalog.load().sources)
    if as_json:
        write_json(_chip_answer(found))
        return
    if form is None:
        _headline(found, lang)
    show(table, form=form, as_json=False, lang=lang)


def _headline(found: Chip, lang: str) -> None:
    from chipwall.report.language.lookup import translated

    tpp, density = total_processing_performance(found), performance_density(found)
    click.echo(found.name)
    for measure, title in ((tpp, text("Total processing performance")), (density, text("Performance density"))):
        said = measure.formula if measure.value is not None else text("unknown: {why}", why=measure.unknown)
        click.echo(translated(text("{title}: {said}", title=title, said=said), lang))
        if measure.alternative is not None:
            other = text(
                "other reading, {note}: {value}", note=measure.alternative_note, value=f"{measure.alternative:,.2f}"
            )
            click.echo("  " + translated(other, lang))


def _chip_answer(found: Chip) -> dict[str, object]:
    return {
        "id": found.id, "name": found.name, "vendor": found.vendor, "family": found.family, "aliases": found.aliases,
        "data_version": catalog.data_version(),
        "tpp": total_processing_performance(found),
        "performance_density_tpp_per_mm2": performance_density(found),
        "facts": [_fact_answer(found, f) for f in found.facts],
    }  # fmt: skip


def _fact_answer(found: Chip, fact: Fact) -> dict[str, object]:
    used = found.fact(fact.quantity) is fact
    answer: dict[str, object] = {
        "quantity": fact.quantity, tables.field_name(fact.quantity): fact.value, "published": fact.published, "unit": fact.unit,
        "status": fact.status, "source": fact.source, "locator": fact.locator, "accessed": fact.accessed, "note": fact.note,
        "url": tables.link_of(fact), "quote": fact.quote, "formula": fact.formula,
        "low": fact.low, "high": fact.high, "derived": fact.derived, "second_source": fact.second, "used": used,
    }  # fmt: skip
    if used:
        answer["reason"] = reason(fact, found.all_facts(fact.quantity))
    return answer


@click.command()
@click.argument("names", nargs=-1, required=True)
@table_options
def compare(names: tuple[str, ...], form: str | None, as_json: bool, lang: str) -> None:
    """Chips side by side, with ratios to the first: ``chipwall compare h200 h100 h20``."""
    found = [catalog.chip(n) for name in names for n in name.split(",") if n.strip()]
    if len(found) < 2:
        raise InputError(text("compare needs at least two chips"), fix=text("For example: chipwall compare h200 h100"))
    show(tables.compare_table(found), form=form, as_json=as_json, lang=lang)


@click.command()
@click.option("--family", help="Only this family, for example llama.")
@table_options
def models(family: str | None, form: str | None, as_json: bool, lang: str) -> None:
    """List language models."""
    found = list(catalog.load().models.values())
    if family:
        known = sorted({m.family for m in found})
        found = [m for m in found if key(m.family) == key(family)]
        if not found:
            from difflib import get_close_matches

            from chipwall.errors import unknown_name

            raise unknown_name(
                "family", family, nearest=get_close_matches(family.lower(), known, 4, 0.4), listing="chipwall models"
            )
    show(tables.models_table(found), form=form, as_json=as_json, lang=lang)


@click.command()
@click.argument("name")
@table_options
def model(name: str, form: str | None, as_json: bool, lang: str) -> None:
    """Dimensions and sizes of one language model."""
    found = catalog.model(name)
    table: Table = tables.model_table(found, catalog.load().sources)
    show(table, form=form, as_json=as_json, lang=lang, extra=found if as_json else None)


@click.command()
@click.argument("name", required=False)
@table_options
def systems(name: str | None, form: str | None, as_json: bool, lang: str) -> None:
    """Nodes, racks and supernodes; with a name, only that one."""
    found = [catalog.system(name)] if name else list(catalog.load().systems.values())
    show(tables.systems_table(found), form=form, as_json=as_json, lang=lang)


@click.command()
@table_options
def sources(form: str | None, as_json: bool, lang: str) -> None:
    """Where the numbers come from."""
    from chipwall.report.pages.sources import sources_table

    show(sources_table(catalog.load()), form=form, as_json=as_json, lang=lang)


@click.command()
@click.argument("names", nargs=-1, required=True)
@click.option("--bibtex", "as_bibtex", is_flag=True, help="BibTeX instead of footnotes.")
@json_option
@lang_option
def cite(names: tuple[str, ...], as_bibtex: bool, as_json: bool, lang: str) -> None:
    """Sources as footnotes or BibTeX: of chips (``cite h200``), or by their ids."""
    from chipwall.report.pages.sources import asked_sources, bibtex, footnotes

    found = asked_sources(names, catalog.load())
    if as_json and as_bibtex:
        raise InputError(text("--json and --bibtex are two forms"), fix=text("Give one of them"))
    if as_json:
        write_json(found)
        return
    click.echo(bibtex(found) if as_bibtex else footnotes(found))
