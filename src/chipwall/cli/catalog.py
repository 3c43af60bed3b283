"""``chipwall chips|chip|compare|models|model|systems|sources|cite``."""

from __future__ import annotations

from dataclasses import asdict

import click

from chipwall import catalog
from chipwall.api.facts import CHIP_STATUSES
from chipwall.catalog.choose import reason
from chipwall.catalog.names import key
from chipwall.catalog.records import Chip
from chipwall.cli.kinds import AMOUNT, CHIP, MODEL, WORD, OneOf
from chipwall.cli.options import Out, answer_options, command
from chipwall.controls.measures import performance_density, total_processing_performance
from chipwall.errors import InputError, unknown_name
from chipwall.inputs import nearest_names, quote
from chipwall.report.forms.table import Column, Table
from chipwall.report.pages import catalog as tables
from chipwall.sources import Fact
from chipwall.text import text
from chipwall.units import parse_quantity

__all__ = ["chip_command", "chips_command", "cite", "compare_command", "model_command", "models", "sources", "systems"]


@command()
@click.option("--vendor", type=WORD, help="Only this vendor.")
@click.option("--family", type=WORD, help="Only this family, for example 910b.")
@click.option("--status", type=OneOf(*CHIP_STATUSES), help="Only this status.")
@click.option("--min-memory", type=AMOUNT, help="At least this much memory, for example '96 GB'.")
@click.option("--min-bandwidth", type=AMOUNT, help="At least this memory bandwidth, for example '4 TB/s'.")
@click.option(
    "--sort",
    type=OneOf("memory", "bandwidth", "bf16", "fp8", "link", "tdp", "tpp", "id"),
    help="Sort by a column, largest first.",
)
@answer_options
def chips_command(
    vendor: str | None, family: str | None, status: str | None, min_memory: str | None, min_bandwidth: str | None,
    sort: str | None, out: Out,
) -> None:  # fmt: skip
    """List chips, with filters."""
    from chipwall.api.facts import chips as ask

    limits = {
        name: parse_quantity(words, dimension=dimension, where=f"min_{name}")
        for name, words, dimension in (("memory", min_memory, "byte"), ("bandwidth", min_bandwidth, "byte/s"))
        if words is not None
    }
    found = ask(vendor=vendor, family=family, status=status, sort=sort, **limits)
    out.show(tables.chips_table(list(found)))


@command()
@click.argument("name", type=CHIP)
@answer_options
def chip_command(name: str, out: Out) -> None:
    """Everything known about one chip, with the source of each number."""
    found = catalog.chip(name)
    if out.form == "terminal" and not out.as_json:
        _headline(found, out)
    out.show(tables.facts_table(found, catalog.load().sources), data=_chip_answer(found))


def _headline(found: Chip, out: Out) -> None:
    tpp, density = total_processing_performance(found), performance_density(found)
    click.echo(found.name)
    for measure, title in ((tpp, text("Total processing performance")), (density, text("Performance density"))):
        said = measure.formula if measure.value is not None else text("unknown: {why}", why=measure.unknown)
        out.say(text("{title}: {said}", title=title, said=said))
        if measure.alternative is not None:
            other = text(
                "other reading, {note}: {value}", note=measure.alternative_note, value=f"{measure.alternative:,.2f}"
            )
            out.say(other)


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


@command()
@click.argument("names", nargs=-1, required=True, type=CHIP)
@answer_options
def compare_command(names: tuple[str, ...], out: Out) -> None:
    """Chips side by side, with ratios to the first: ``chipwall compare h200 h100 h20``."""
    found = [catalog.chip(n) for name in names for n in name.split(",") if n.strip()]
    if len(found) < 2:
        raise InputError(text("compare needs at least two chips"), fix=text("For example: chipwall compare h200 h100"))
    out.show(tables.compare_table(found))


@command()
@click.option("--family", type=WORD, help="Only this family, for example llama.")
@answer_options
def models(family: str | None, out: Out) -> None:
    """List language models."""
    found = list(catalog.load().models.values())
    if family is not None:
        known = sorted({m.family for m in found})
        found = [m for m in found if key(m.family) == key(family)]
        if not found:
            raise unknown_name(
                "family", quote(family), nearest=nearest_names(family, known, cutoff=0.4), listing="chipwall models"
            )
    out.show(tables.models_table(found))


@command()
@click.argument("name", type=MODEL)
@answer_options
def model_command(name: str, out: Out) -> None:
    """Dimensions and sizes of one language model."""
    found = catalog.model(name)
    out.show(tables.model_table(found, catalog.load().sources), data=asdict(found))


@command()
@click.argument("name", required=False, type=WORD)
@answer_options
def systems(name: str | None, out: Out) -> None:
    """Nodes, racks and supernodes; with a name, only that one."""
    found = [catalog.system(name)] if name is not None else list(catalog.load().systems.values())
    out.show(tables.systems_table(found))


@command()
@answer_options
def sources(out: Out) -> None:
    """Where the numbers come from."""
    from chipwall.report.pages.sources import sources_table

    out.show(sources_table(catalog.load()))


@command()
@click.argument("names", nargs=-1, required=True, type=WORD)
@click.option("--bibtex", is_flag=True, help="BibTeX instead of footnotes.")
@answer_options
def cite(names: tuple[str, ...], bibtex: bool, out: Out) -> None:
    """Sources as footnotes or BibTeX: of chips (``cite h200``), or by their ids."""
    from chipwall.report.pages import sources as pages

    found = pages.asked_sources(names, catalog.load())
    if bibtex and (out.as_json or out.form != "terminal"):
        raise InputError(text("BibTeX is a form of its own"), where="bibtex", fix=text("Give one form"))
    if out.as_json or out.form == "csv":
        rows = tuple((s.id, s.title, s.publisher, s.place, s.published, s.note) for s in found)
        names_of = ("id", "title", "publisher", "place", "published", "note")
        out.show(Table("", tuple(Column(n, n) for n in names_of), rows), data=[asdict(s) for s in found])
        return
    click.echo(pages.bibtex(found) if bibtex else pages.footnotes(found))
