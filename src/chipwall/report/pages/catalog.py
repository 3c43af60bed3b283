"""The catalogue as tables: lists, one chip with every fact, chips side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields

from chipwall.catalog import load
from chipwall.catalog.choose import reason
from chipwall.catalog.layers import Layers
from chipwall.catalog.quantities import QUANTITIES
from chipwall.catalog.records import Chip, LanguageModel, System
from chipwall.catalog.tower import Tower
from chipwall.controls.measures import Measure, performance_density, total_processing_performance
from chipwall.errors import Unknown
from chipwall.report.forms.table import Cell, Column, Table
from chipwall.report.language.numbers import count_words
from chipwall.sources import Fact, Source, address_of
from chipwall.text import Text, text
from chipwall.units import format_quantity

__all__ = [
    "MARKS",
    "chips_table",
    "compare_table",
    "fact_cell",
    "facts_table",
    "field_name",
    "measure_cell",
    "model_table",
    "models_table",
    "ratio_words",
    "systems_table",
]

MARKS = {"estimated": "~", "unverified": "?", "unsourced": "?"}
LEGEND = text(
    "Marks: ~ estimated, ? read in a weak place only or without a source (then it counts as unknown), † derived from "
    "other numbers; a dash is not known."
)
_SUFFIX = {
    "byte": "bytes", "byte/s": "bytes_per_s", "flop/s": "flop_per_s", "W": "w", "m2": "m2", "USD": "usd", "CNY": "cny",
    "1/s": "hz", "TPP": "tpp", "TPP/mm2": "tpp_per_mm2",
}  # fmt: skip


def field_name(quantity: str) -> str:
    """The name of a quantity in CSV and JSON: with its SI unit at the end."""
    suffix = _SUFFIX.get(QUANTITIES[quantity].dimension)
    return quantity if suffix is None or quantity.endswith(suffix) else f"{quantity}_{suffix}"


def mark(fact: Fact) -> str:
    """The sign after a number that is not a published one."""
    return MARKS.get(fact.status, "") + ("†" if fact.derived else "")


def fact_cell(fact: Fact | None) -> Cell:
    """A fact as a cell: formatted, with the SI value and the source behind it."""
    if fact is None:
        return Cell("-")
    if fact.value is None:
        return Cell("-", None, (fact.source,), calculation=text("the source does not publish it"))
    dimension = QUANTITIES[fact.quantity].dimension
    # what has no source is shown and counts for nothing: no value behind the words
    value = fact.value if fact.sourced else None
    calculation = fact.formula if fact.sourced else text("no source was found: it counts as unknown")
    if isinstance(fact.value, bool):
        shown: str = text("yes") if fact.value else text("no")
    elif isinstance(fact.value, str):
        shown = Text.of(fact.value) if fact.quantity == "status" else fact.value
    else:
        shown = shown_fact(fact, dimension)
    return Cell(shown, value, (fact.source,), mark(fact), calculation, link_of(fact), not fact.sourced)


def link_of(fact: Fact) -> str:
    """Where a reader opens the page behind a fact; empty for what is computed or has no source."""
    source = load().sources.get(fact.source)
    return address_of(fact, source) if source else fact.url


def shown_fact(fact: Fact, dimension: str) -> str:
    """A number as people of the field say it; memory in the unit of its source."""
    if fact.number is None:
        return str(fact.value)
    if fact.quantity in ("memory_reported",):
        return f"{fact.published} {fact.unit}"
    if dimension == "USD":
        return f"{fact.number:,.0f} USD"
    shown = format_quantity(fact.number, dimension)
    # integer formats count operations, not floating-point ones
    return shown.replace("FLOP/s", "OPS") if fact.quantity.startswith("int") else shown


def measure_cell(measure: Measure) -> Cell:
    """A legal measure as a cell; unknown stays a dash with the reason."""
    if measure.value is None:
        return Cell("-", None, measure.sources, calculation=measure.unknown)
    shown = f"{measure.value:,.2f}".rstrip("0").rstrip(".") if measure.unit != "TPP" else f"{measure.value:,.0f}"
    return Cell(shown, float(measure.value), measure.sources, MARKS.get(measure.status, ""), measure.formula)


_LISTED = (
    ("memory_capacity", text("Memory")),
    ("memory_bandwidth", text("Bandwidth")),
    ("bf16_rate", text("BF16")),
    ("fp8_rate", text("FP8")),
    ("link_bandwidth", text("Link, one way")),
    ("tdp", text("TDP")),
)


def chips_table(chips: Sequence[Chip]) -> Table:
    """One row a chip."""
    columns = (
        Column("id", text("Chip")),
        Column("status", text("Status")),
        Column("available", text("Available")),
        *(Column(field_name(q), title, right=True) for q, title in _LISTED),
        Column("tpp", "TPP", right=True),
        Column("performance_density_tpp_per_mm2", text("Density"), right=True),
    )
    rows = tuple(
        (
            chip.id,
            fact_cell(chip.claim("status")),
            fact_cell(chip.claim("available")),
            *(fact_cell(chip.claim(q)) for q, _ in _LISTED),
            measure_cell(total_processing_performance(chip)),
            measure_cell(performance_density(chip)),
        )
        for chip in chips
    )
    return Table("", columns, rows, (text("{count} chips. Dense rates only.", count=len(chips)), LEGEND))


def facts_table(chip: Chip, sources: dict[str, Source]) -> Table:
    """Every fact about a chip: the one in use first, then what disagrees or agrees with it, and why."""
    order = list(
        dict.fromkeys(f.quantity for f in sorted(chip.facts, key=lambda f: list(QUANTITIES).index(f.quantity)))
    )
    rows = []
    for quantity in order:
        group = chip.all_facts(quantity)
        used = chip.chosen[quantity]
        rows += [_fact_row(f, used, group, sources) for f in sorted(group, key=lambda f: f is not used)]
    columns = (
        Column("quantity", text("Quantity")),
        Column("published", text("As published")),
        Column("used", text("Used")),
        Column("status", text("Status")),
        Column("source", text("Source")),
        Column("note", text("Why, and notes")),
    )
    return Table(text("Every fact, and which one is used"), columns, tuple(rows), (LEGEND,))


def _fact_row(fact: Fact, used: Fact, group: tuple[Fact, ...], sources: dict[str, Source]) -> tuple[object, ...]:
    shown = _published(fact)
    why = (
        reason(fact, group)
        if fact is used
        else (text("second source") if fact.second else text("derived") if fact.derived else text("not used"))
    )
    quoted = f"“{fact.quote}”" if fact.quote else ""
    notes = "; ".join(x for x in (fact.formula, fact.note, fact.locator, quoted, fact.accessed) if x)
    title = QUANTITIES[fact.quantity].title if fact is used else ""
    return (
        Cell(title, fact.quantity),
        Cell(shown, fact.value, (fact.source,), mark(fact)),
        Cell("✓" if fact is used and fact.sourced else "", fact is used and fact.sourced),
        Text.of(fact.status),
        Cell(sources[fact.source].title, fact.source, url=address_of(fact, sources[fact.source])),
        text("{why}. {notes}", why=why, notes=notes) if notes else why,
    )


def _published(fact: Fact) -> str:
    if fact.value is None:
        return text("not published")
    return Text.of(fact.published) if fact.quantity == "status" else f"{fact.published} {fact.unit}".strip()


_COMPARED = (
    "memory_capacity", "memory_reported", "memory_bandwidth", "bf16_rate", "fp16_rate", "fp8_rate", "int8_rate", "fp4_rate",
    "fp64_rate", "link_bandwidth", "scaleup_domain", "tdp", "announced", "available",
)  # fmt: skip


def ratio_words(value: float | None, base: float | None) -> str:
    """A ratio as people print it: two decimals under ten, one above; empty where it cannot be formed."""
    if value is None or not base:
        return ""
    found = value / base
    return f"{found:.2f}x" if found < 10 else f"{found:.1f}x"


def compare_table(chips: Sequence[Chip]) -> Table:
    """Chips side by side; each number followed by its ratio to the first chip."""
    from chipwall.report.pages.prices import price_rows

    first = chips[0]
    columns = (Column("quantity", text("Quantity")), *(Column(c.id, c.name, right=True) for c in chips))
    rows: list[tuple[object, ...]] = []
    for quantity in _COMPARED:
        if all(c.claim(quantity) is None or c.claim(quantity).value is None for c in chips):  # type: ignore[union-attr]
            continue
        cells = [
            _with_ratio(fact_cell(c.claim(quantity)), c.value(quantity), first.value(quantity), c is first)
            for c in chips
        ]
        rows.append((Cell(QUANTITIES[quantity].title, field_name(quantity)), *cells))
    for name, measure in (("TPP", total_processing_performance), (text("Performance density"), performance_density)):
        measures = [measure(c) for c in chips]
        base = measures[0].value
        cells = [
            _with_ratio(
                measure_cell(m),
                None if m.value is None else float(m.value),
                None if base is None else float(base),
                i == 0,
            )
            for i, m in enumerate(measures)
        ]
        rows.append((Cell(name, "tpp" if name == "TPP" else "performance_density_tpp_per_mm2"), *cells))
    rows += price_rows(chips)
    return Table("", columns, tuple(rows), (text("In brackets: ratio to {chip}.", chip=first.name), LEGEND))


def _with_ratio(cell: Cell, value: float | None, base: float | None, is_first: bool) -> Cell:
    shown = ratio_words(value, base)
    if is_first or not shown or cell.shown == "-":
        return cell
    return Cell(f"{cell.shown}{cell.mark} ({shown})", cell.value, cell.sources, "", cell.calculation)


def models_table(models: Sequence[LanguageModel]) -> Table:
    """One row a model."""
    columns = (
        Column("id", text("Model")),
        Column("parameters", text("Parameters"), right=True),
        Column("active_parameters", text("Active"), right=True),
        Column("layers", text("Layers"), right=True),
        Column("hidden", text("Hidden"), right=True),
        Column("attention", text("Attention")),
        Column("max_context_tokens", text("Context"), right=True),
        Column("released", text("Released")),
    )
    rows = tuple(
        (
            m.id,
            _billions(m.parameters, m),
            _billions(m.active_parameters, m),
            m.depth or sum(r.count for r in m.layers) or None,
            m.hidden,
            attention_words(m),
            m.max_context,
            str(m.released) if m.released else None,
        )
        for m in models
    )
    return Table("", columns, rows, (text("{count} language models.", count=len(models)), LEGEND))


def _billions(value: float | None, model: LanguageModel) -> Cell:
    if value is None:
        return Cell("-")
    return Cell(count_words(value, digits=4), value, (model.source,), MARKS.get(model.status, ""))


def attention_words(model: LanguageModel) -> Text | str:
    """The kinds of attention of a model and how many layers have each, for a person."""
    kinds = {
        "full": text("full"), "window": text("window"), "latent": text("latent"), "linear": text("linear"),
        "recurrent": text("recurrent"),
    }  # fmt: skip
    counts: dict[str, int] = {}
    for r in model.layers:
        if r.attention in kinds:
            counts[r.attention] = counts.get(r.attention, 0) + r.count
    if len(counts) == 1:
        return kinds[next(iter(counts))]
    return ", ".join(f"{n} {kinds[kind]}" for kind, n in counts.items()) or "-"


def model_table(model: LanguageModel, sources: dict[str, Source]) -> Table:
    """Dimensions of one model, and what follows from them."""
    skipped = {"id", "name", "aliases", "source", "status", "locator", "note", "parameters", "active_parameters"}
    skipped |= {"layers", "draft", "checkpoints", "tower"}
    mark = MARKS.get(model.status, "")
    rows: list[tuple[object, ...]] = [
        (Cell(text("parameters"), "parameters"), _billions(model.parameters, model)),
        (Cell(text("active parameters"), "active_parameters"), _billions(model.active_parameters, model)),
    ]
    for name in model.__dataclass_fields__:
        value = getattr(model, name)
        if name not in skipped and value not in (None, "", (), 0.0):
            rows.append((Cell(Text.of(name), name), Cell(dimension_words(value), value, (model.source,), mark)))
    rows += _layer_rows(model, mark)
    rows += _tower_rows(model, mark)
    rows += _implied_rows(model)
    known = sources.get(model.source)
    notes = [text("Source: {title}", title=known.title if known else text("the file you gave")), LEGEND]
    if model.note:
        notes.insert(0, text("Note: {note}", note=model.note))
    columns = (Column("dimension", text("Dimension")), Column("value", text("Value"), right=True))
    return Table(model.name, columns, tuple(rows), tuple(notes))


def _layer_rows(model: LanguageModel, mark: str) -> list[tuple[object, ...]]:
    """Every field of every layer record that says something."""
    rows: list[tuple[object, ...]] = []
    kinds = (("layers", text("layers"), model.layers), ("draft", text("draft layers"), model.draft))
    for kind, title, records in kinds:
        for i, record in enumerate(records, 1):
            plain = Layers(count=0)
            for name in record.__dataclass_fields__:
                value = getattr(record, name)
                if value != getattr(plain, name):
                    label = text("{kind} {number}: {field}", kind=title, number=i, field=Text.of(name))
                    rows.append(
                        (Cell(label, f"{kind}_{i}_{name}"), Cell(dimension_words(value), value, (model.source,), mark))
                    )
    return rows


def _tower_rows(model: LanguageModel, mark: str) -> list[tuple[object, ...]]:
    """The dimensions of the vision tower, and the tokens of an image of a usual size."""
    tower = model.tower
    if tower is None:
        return []
    plain = {f.name: f.default for f in fields(Tower)}
    rows: list[tuple[object, ...]] = []
    for name, unset in plain.items():
        value = getattr(tower, name)
        if value != unset:
            label = text("vision tower: {field}", field=Text.of(name))
            rows.append((Cell(label, f"tower_{name}"), Cell(dimension_words(value), value, (model.source,), mark)))
    cost = tower.image(1024, 1024)
    label = text("tokens of an image of 1024 x 1024 pixels")
    return [*rows, (Cell(label, "image_tokens"), Cell(f"{cost.tokens:,}", cost.tokens, (), "†"))]


def _implied_rows(model: LanguageModel) -> list[tuple[object, ...]]:
    """What the layers imply: counts, cache, state and arithmetic, as every engine computes with them."""
    try:
        shape = model.architecture
    except Unknown:
        return []
    active = float(shape.named_active_weights)
    made = [
        (text("parameters by arithmetic"), "parameter_count", float(shape.weights), ""),
        (text("active parameters by arithmetic"), "active_parameter_count", active, ""),
        (text("KV cache per token, 16 bit, all layers"), "kv_bytes_per_token", float(shape.cache_bytes(1.0)), "B"),
        (text("state per sequence, 16 bit"), "state_bytes", float(shape.state_bytes()), "B"),
        (text("arithmetic per token at context 0"), "flop_per_token", float(shape.flops(0.0)), "flop"),
    ]
    shown = [
        (label, name, value, count_words(value, digits=4) if not unit else f"{value:,.0f} {unit}")
        for label, name, value, unit in made
        if value
    ]
    return [(Cell(label, name), Cell(words, value, (), "†")) for label, name, value, words in shown]


def dimension_words(value: object) -> str:
    """A dimension of a model for a person."""
    if isinstance(value, bool):
        return text("yes") if value else text("no")
    return f"{value:,}" if isinstance(value, int) else str(value)


_SYSTEM = ("chips", "scaleup_domain", "nodes", "link_bandwidth", "network_cards", "network_bandwidth", "host_power")


def systems_table(systems: Sequence[System]) -> Table:
    """One row a system."""
    columns = (
        Column("id", text("System")),
        Column("chip", text("Chip")),
        *(Column(field_name(q), QUANTITIES[q].title, right=True) for q in _SYSTEM),
        Column("note", text("Notes")),
    )
    rows = tuple((s.id, s.chip, *(fact_cell(s.facts.get(q)) for q in _SYSTEM), s.note) for s in systems)
    return Table("", columns, rows, (LEGEND,))
