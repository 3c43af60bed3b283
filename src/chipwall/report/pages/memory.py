"""Does it fit? Memory budgets as tables, with every formula's numbers filled in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

from chipwall.catalog.records import Chip, LanguageModel
from chipwall.errors import ChipwallError
from chipwall.perf.budget import Budget, usable_memory
from chipwall.perf.calibrated import Calibrated
from chipwall.perf.layout import layout_words
from chipwall.perf.serving.engines import engine_on
from chipwall.perf.serving.fits import Asked, Fitting, fitting
from chipwall.perf.serving.memory import Holding, engine_memory
from chipwall.report.forms.table import Cell, Column, Table
from chipwall.text import Text, text
from chipwall.units import GIB

__all__ = [
    "FIT_VERDICTS",
    "ServedAs",
    "Tuning",
    "budget_table",
    "fit_answer",
    "formulas_table",
    "memory_sources",
    "served_fit",
    "serving_table",
    "tuned",
    "tuning_table",
]  # fmt: skip

# Tokens in the cache of a sequence, where nobody says.
USUAL_CONTEXT = 4096

FIT_VERDICTS: Mapping[str, Text] = {
    "fits": text("fits"),
    "tight": text("tight"),
    "does not fit": text("does not fit"),
}


@dataclass(frozen=True, slots=True)
class ServedAs:
    """How a model is served: chips, tokens of context (0: 4,096, or the model's maximum), sequences at once, format of the
    cache, engine, ways that are fixed.
    """

    chips: int = 1
    context: int = 0
    sequences: int = 1
    cache: str = "bf16"
    how: Holding = field(default_factory=lambda: Holding(""))
    ways: tuple[tuple[str, Any], ...] = ()
    beyond: bool = False

    def tokens(self, model: LanguageModel) -> int:
        """Tokens of a sequence in the cache [token]."""
        return self.context or min(USUAL_CONTEXT, int(model.max_context or USUAL_CONTEXT))


@dataclass(frozen=True, slots=True)
class Tuning:
    """How a model is fine-tuned with adapters: rank, adapted matrices (attention or all), sequences and tokens per step."""

    rank: int = 16
    modules: str = "attention"
    batch: int = 0
    length: int = 2048


def gib(value: float) -> str:
    """Bytes as GiB with one decimal."""
    return f"{value / GIB:,.1f}"


def memory_sources(model: LanguageModel, chip: Chip) -> tuple[str, ...]:
    """Ids of what a budget of this model on this chip rests on."""
    fact = chip.fact("memory_reported") or chip.fact("memory_capacity")
    return tuple(dict.fromkeys([model.source, *([fact.source] if fact else [])]))


def served_fit(model: LanguageModel, chip: Chip, weights: str, how: ServedAs, calibrated: Calibrated) -> Fitting:
    """Whether the model fits to be served, in the layout given or the one that holds most."""
    holding = how.how
    named = replace(holding, engine=engine_on(chip.vendor.lower(), holding.engine))
    asked = Asked(how.cache, float(how.tokens(model)), float(how.sequences))
    return fitting(
        model, chip, chips=how.chips, weights=weights, asked=asked, how=engine_memory(named, calibrated.overhead),
        given=dict(how.ways), beyond=how.beyond,
    )  # fmt: skip


def serving_table(
    model: LanguageModel, chip: Chip, formats: Sequence[str], how: ServedAs, calibrated: Calibrated
) -> Table:
    """One row per weight format: parts of the fullest chip, total, room, verdict, and what the room holds."""
    rows = []
    for weights in formats:
        found = served_fit(model, chip, weights, how, calibrated)
        b = found.budget
        cells = [
            _bytes_cell(b.bytes_of("weights") + b.bytes_of("draft"), b, ("weights", "draft"), model, chip),
            _bytes_cell(b.bytes_of("engine"), b, ("engine",), model, chip),
            _bytes_cell(b.bytes_of("cache") + b.bytes_of("state"), b, ("cache", "state"), model, chip),
            Cell(gib(b.need), b.need, memory_sources(model, chip), "†"),
            Cell(gib(b.room), b.room, memory_sources(model, chip), "†", b.formula),
        ]
        rows.append(
            (
                weights,
                Text(layout_words(found.layout)),
                *cells,
                Cell(FIT_VERDICTS[b.verdict], b.verdict),
                Cell(
                    text("{gib} GiB short", gib=gib(b.short)) if b.free < 0 else text("{gib} GiB", gib=gib(b.free)),
                    b.free,
                    memory_sources(model, chip),
                    "",
                    text("{room} - {total} GiB", room=gib(b.room), total=gib(b.need)),
                ),
                Cell(f"{found.held:,.0f}", found.held, memory_sources(model, chip), "†"),
                Cell(f"{found.longest:,.0f}", found.longest, memory_sources(model, chip), "†"),
                Cell(
                    f"{found.chips_needed}" if found.chips_needed else text("over 512"),
                    found.chips_needed or None,
                    memory_sources(model, chip),
                    "†",
                ),
            )
        )
    columns = (
        Column("weights_format", text("Weights")),
        Column("layout", text("Layout")),
        Column("weights_bytes", text("Weights, GiB"), right=True),
        Column("engine_bytes", text("Engine, GiB"), right=True),
        Column("kv_cache_bytes", text("Cache, GiB"), right=True),
        Column("total_bytes", text("Total, GiB"), right=True),
        Column("memory_bytes", text("Room, GiB"), right=True),
        Column("verdict", text("Verdict")),
        Column("free_bytes", text("Left")),
        Column("sequences_held", text("Sequences held"), right=True),
        Column("longest_sequence_tokens", text("Longest sequence"), right=True),
        Column("chips_needed", text("Chips needed"), right=True),
    )
    title = text(
        "Serving {model} on {chips} x {chip}, per chip: {sequences} x {context} tokens of cache",
        model=model.name, chips=how.chips, chip=chip.name, sequences=how.sequences, context=how.tokens(model),
    )  # fmt: skip
    notes = [
        text(
            "Sequences of that length that all chips hold; the longest single sequence in any layout, the model's maximum "
            "at most."
        ),
        *_format_notes(chip, formats),
    ]
    return Table(title, columns, tuple(rows), tuple(notes))


def _bytes_cell(size: float, b: Budget, keys: tuple[str, ...], model: LanguageModel, chip: Chip) -> Cell:
    formulas = [t.formula for t in b.terms if t.key in keys]
    joined: Text | None = None
    for formula in formulas:
        joined = formula if joined is None else text("{before} + {after}", before=joined, after=formula)
    return Cell(gib(size), size, memory_sources(model, chip), "†", joined or text("0 B"))


def _format_notes(chip: Chip, formats: Sequence[str]) -> list[Text]:
    lacking = [f for f in formats if f in ("fp8", "int8", "fp4", "nvfp4", "mxfp4") and chip.rate(f) is None]
    if not lacking:
        return []
    return [
        text(
            "{chip} multiplies no {formats}: such weights are widened first.",
            chip=chip.name,
            formats=", ".join(lacking),
        )
    ]


# Key and title of the column of each part that a step may need.
_PART_COLUMNS = {
    "weights": ("base_bytes", text("Base, GiB")),
    "adapters": ("adapters_bytes", text("Adapters, GiB")),
    "gathered layers": ("gathered_bytes", text("Gathered layers, GiB")),
    "activations": ("activations_bytes", text("Activations, GiB")),
    "logits": ("logits_bytes", text("Logits, GiB")),
    "runtime": ("runtime_bytes", text("Runtime, GiB")),
}


def tuning_table(
    model: LanguageModel, chip: Chip, formats: Sequence[str], how: Tuning, calibrated: Calibrated, *, chips: int = 1
) -> Table:
    """One row per base format: parts of a LoRA or QLoRA step on the fullest chip, total, verdict."""
    title = text(
        "LoRA (16-bit base) and QLoRA (8- and 4-bit base) on {chips} x {chip}: rank {rank}, batch {batch} x {length} tokens",
        chips=chips, chip=chip.name, rank=how.rank, batch=how.batch or chips, length=how.length,
    )  # fmt: skip
    try:
        found = {weights: tuned(model, chip, weights, how, chips, calibrated) for weights in formats}
    except ChipwallError as refusal:
        return Table(title, (Column("base_format", text("Base")),), (), (Text.of(refusal.what),))
    needed = {t.key for need in found.values() for t in need.terms}
    shown = [name for name in _PART_COLUMNS if name in needed]
    rows = []
    for weights, need in found.items():
        rows.append(
            (
                weights,
                *(_part_cell(need, name, model, chip) for name in shown),
                Cell(gib(need.need), need.need, memory_sources(model, chip), "†"),
                Cell(gib(need.room), need.room, memory_sources(model, chip)),
                Cell(FIT_VERDICTS[need.verdict], need.verdict),
            )
        )
    columns = (
        Column("base_format", text("Base")),
        *(Column(*_PART_COLUMNS[name], right=True) for name in shown),
        Column("total_bytes", text("Total, GiB"), right=True),
        Column("memory_bytes", text("Memory, GiB"), right=True),
        Column("verdict", text("Verdict")),
    )
    notes = [text("Totals may be off by a tenth of the memory: tight means that less than a tenth is left.")]
    if chips > 1:
        notes.insert(0, text("Memory of the fullest chip, in the fastest layout that fits."))
    return Table(title, columns, tuple(rows), tuple(notes))


def _part_cell(need: Budget, name: str, model: LanguageModel, chip: Chip) -> Cell:
    found = next((t for t in need.terms if t.key == name and t.where == "chip"), None)
    if found is None:
        return Cell("-")
    return Cell(gib(found.bytes), found.bytes, memory_sources(model, chip), "†", found.formula)


def tuned(
    model: LanguageModel, chip: Chip, weights: str, how: Tuning, chips: int, calibrated: Calibrated
) -> Budget:
    """Memory of a step with adapters on a base of that format."""
    from chipwall.perf.training.tune import tuning_budget

    return tuning_budget(
        model,
        chip,
        calibrated,
        chips=chips,
        base=weights,
        rank=how.rank,
        modules=how.modules,
        sequences=how.batch,
        sequence=how.length,
    )


def formulas_table(
    model: LanguageModel, chip: Chip, weights: str, serving: ServedAs, tuning: Tuning, calibrated: Calibrated
) -> Table:
    """Each part's formula with the numbers substituted, for one weight format."""
    budgets = [(text("serve"), served_fit(model, chip, weights, serving, calibrated).budget)]
    with suppress(ChipwallError):  # where no layout splits a step over the chips, its table says so
        budgets.append((text("tune"), tuned(model, chip, weights, tuning, serving.chips, calibrated)))
    rows = [
        (use, t.name, t.formula, Cell(gib(t.bytes), t.bytes, memory_sources(model, chip), "†"))
        for use, b in budgets
        for t in b.terms
    ]
    columns = (
        Column("use", text("For")),
        Column("part", text("Part")),
        Column("formula", text("Formula, with the numbers")),
        Column("bytes", text("GiB"), right=True),
    )
    return Table(text("How it is counted, at {format}", format=weights), columns, tuple(rows))


def budget_table(b: Budget) -> Table:
    """Every term of a budget with its formula, the total, and the room."""
    rows: list[tuple[object, ...]] = [
        (t.name, Cell(gib(t.bytes), t.bytes), t.formula) for t in b.terms if t.where == "chip"
    ]
    rows.append((text("total"), Cell(gib(b.need), b.need), ""))
    rows.append((text("room"), Cell(gib(b.room), b.room), b.formula))
    rows += [(t.name, Cell(gib(t.bytes), t.bytes), t.formula) for t in b.terms if t.where == "host"]
    columns = (
        Column("part", text("Memory of the fullest chip")),
        Column("bytes", text("GiB"), right=True),
        Column("formula", text("Formula, with the numbers")),
    )
    return Table(text("Memory: {fit}", fit=FIT_VERDICTS[b.verdict]), columns, tuple(rows))


def fit_answer(
    model: LanguageModel, chip: Chip, formats: Sequence[str], serving: ServedAs, tuning: Tuning, calibrated: Calibrated
) -> dict[str, object]:
    """The whole answer for JSON: everything that the tables show, bytes by part with formulas."""
    memory, how = usable_memory(chip)

    def served(weights: str) -> dict[str, object]:
        found = served_fit(model, chip, weights, serving, calibrated)
        return {
            **_budget_json(found.budget),
            "layout": layout_words(found.layout),
            "sequences_held": found.held,
            "cache_tokens_of_one_replica": found.tokens,
            "cache_room_bytes_per_chip": found.room.bytes,
            "cache_room_low_bytes_per_chip": found.room.low,
            "cache_room_high_bytes_per_chip": found.room.high,
            "longest_sequence_tokens": found.longest,
            "chips_needed": found.chips_needed or None,
        }

    def adapted(weights: str) -> dict[str, object]:
        try:
            return _budget_json(tuned(model, chip, weights, tuning, serving.chips, calibrated))
        except ChipwallError as refusal:
            return {"parts": [], "verdict": None, "refused": refusal.what}

    return {
        "model": model.id, "chip": chip.id, "chips": serving.chips, "memory_bytes_per_chip": memory, "memory_basis": how,
        "sources": memory_sources(model, chip),
        "serving": {f: served(f) for f in formats},
        "tuning": {f: adapted(f) for f in formats},
    }  # fmt: skip


def _budget_json(b: Budget) -> dict[str, object]:
    """A budget by the names that ``fit`` has always had, bytes of one chip."""
    return {
        "parts": [t.as_json() for t in b.terms], "total_bytes": b.need, "memory_bytes": b.room, "free_bytes": b.free,
        "fits_up_to_bytes": b.surely, "perhaps_up_to_bytes": b.most, "verdict": b.verdict,
    }  # fmt: skip
