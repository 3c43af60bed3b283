"""Does it fit? Memory budgets as tables, with every formula's numbers filled in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from chipwall.catalog.records import Chip, LanguageModel
from chipwall.errors import ChipwallError
from chipwall.perf.serving.memory import (
    SERVING_RESERVE,
    WEIGHT_FORMATS,
    Part,
    fit_word,
    kv_bytes,
    serving_parts,
    smallest_count,
    usable_memory,
)
from chipwall.perf.training.tune import TuningMemory, tuning_memory
from chipwall.report.forms.table import Cell, Column, Table
from chipwall.text import Text, text
from chipwall.units import GIB

__all__ = ["Serving", "Tuning", "fit_answer", "formulas_table", "serving_table", "tuning_table"]


@dataclass(frozen=True, slots=True)
class Serving:
    """How a model is served: chips, tokens of context, sequences at once, bytes per cached value, reserved share."""

    chips: int = 1
    context: int = 4096
    sequences: int = 1
    kv_bytes_per_value: float = 2.0
    reserve: float = SERVING_RESERVE


@dataclass(frozen=True, slots=True)
class Tuning:
    """How a model is fine-tuned with adapters: rank, adapted matrices (attention or all), sequences and tokens per step."""

    rank: int = 16
    modules: str = "attention"
    batch: int = 1
    length: int = 2048


def gib(value: float) -> str:
    """Bytes as GiB with one decimal."""
    return f"{value / GIB:,.1f}"


def _sources(model: LanguageModel, chip: Chip) -> tuple[str, ...]:
    fact = chip.fact("memory_reported") or chip.fact("memory_capacity")
    return tuple(dict.fromkeys([model.source, *([fact.source] if fact else [])]))


def serving_table(model: LanguageModel, chip: Chip, formats: Sequence[str], how: Serving) -> Table:
    """One row per weight format: parts, total, room, verdict, and what the free memory holds."""
    memory, _ = usable_memory(chip)
    room = memory * how.chips
    rows = []
    for weights in formats:
        parts = _serving(model, chip, weights, how)
        total = sum(p.bytes for p in parts)
        free = room - total
        tokens = _tokens_in(free, model, how)
        rows.append(
            (
                weights,
                *(Cell(gib(p.bytes), p.bytes, _sources(model, chip), "†", p.formula) for p in parts),
                Cell(gib(total), total, _sources(model, chip), "†"),
                Cell(gib(room), room, _sources(model, chip)),
                fit_word(total, room),
                Cell(
                    text("{gib} GiB short", gib=gib(-free))
                    if free < 0
                    else text("{tokens} more tokens of cache", tokens=f"{tokens:,.0f}"),
                    free,
                    _sources(model, chip),
                    "",
                    text("{room} - {total} GiB", room=gib(room), total=gib(total)),
                ),
                smallest_count(total - parts[-1].bytes, chip, reserve=how.reserve),
            )
        )
    columns = (
        Column("weights_format", text("Weights")),
        Column("weights_bytes", text("Weights, GiB"), right=True),
        Column("kv_cache_bytes", text("KV cache, GiB"), right=True),
        Column("reserve_bytes", text("Reserve, GiB"), right=True),
        Column("total_bytes", text("Total, GiB"), right=True),
        Column("memory_bytes", text("Memory, GiB"), right=True),
        Column("verdict", text("Verdict")),
        Column("free_bytes", text("Room left")),
        Column("chips_needed", text("Chips needed"), right=True),
    )
    title = text(
        "Serving {model} on {chips} x {chip}: batch {sequences}, context {context} tokens",
        model=model.name, chips=how.chips, chip=chip.name, sequences=how.sequences, context=how.context,
    )  # fmt: skip
    return Table(title, columns, tuple(rows), tuple(_format_notes(chip, formats)))


def _serving(model: LanguageModel, chip: Chip, weights: str, how: Serving) -> tuple[Part, ...]:
    return serving_parts(
        model, chip, chips=how.chips, weights=weights, context=how.context, sequences=how.sequences,
        kv_bytes_per_value=how.kv_bytes_per_value, reserve=how.reserve,
    )  # fmt: skip


def _tokens_in(free: float, model: LanguageModel, how: Serving) -> float:
    # per token at the context asked for, so that windows and latent caches count as they are
    per_token = kv_bytes(model, context=how.context, bytes_per_value=how.kv_bytes_per_value) / max(how.context, 1)
    return max(free, 0.0) / per_token if per_token else 0.0


def _format_notes(chip: Chip, formats: Sequence[str]) -> list[Text]:
    lacking = [f for f in formats if f in ("fp8", "int8", "fp4") and chip.rate(f) is None]
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


def tuning_table(model: LanguageModel, chip: Chip, formats: Sequence[str], how: Tuning, *, chips: int = 1) -> Table:
    """One row per base format: parts of a LoRA or QLoRA step on the fullest chip, total, verdict."""
    title = text(
        "LoRA (16-bit base) and QLoRA (8- and 4-bit base) on {chips} x {chip}: rank {rank}, batch {batch} x {length} tokens",
        chips=chips, chip=chip.name, rank=how.rank, batch=how.batch, length=how.length,
    )  # fmt: skip
    try:
        found = {weights: _tuning(model, chip, weights, how, chips) for weights in formats}
    except ChipwallError as refusal:
        return Table(title, (Column("base_format", text("Base")),), (), (Text.of(refusal.what),))
    needed = {str(p.name) for need in found.values() for p in need.parts}
    shown = [name for name in _PART_COLUMNS if name in needed]
    rows = []
    for weights, need in found.items():
        parts = {str(p.name): p for p in need.parts}
        rows.append(
            (
                weights,
                *(_part_cell(parts.get(name), model, chip) for name in shown),
                Cell(gib(need.bytes), need.bytes, _sources(model, chip), "†"),
                Cell(gib(need.room), need.room, _sources(model, chip)),
                Text.of(need.fit),
            )
        )
    columns = (
        Column("base_format", text("Base")),
        *(Column(*_PART_COLUMNS[name], right=True) for name in shown),
        Column("total_bytes", text("Total, GiB"), right=True),
        Column("memory_bytes", text("Memory, GiB"), right=True),
        Column("verdict", text("Verdict")),
    )
    notes = (text("Memory of the fullest chip, in the fastest layout that fits."),) if chips > 1 else ()
    return Table(title, columns, tuple(rows), notes)


def _part_cell(part: Part | None, model: LanguageModel, chip: Chip) -> Cell:
    if part is None:
        return Cell("-")
    return Cell(gib(part.bytes), part.bytes, _sources(model, chip), "†", part.formula)


def _tuning(model: LanguageModel, chip: Chip, weights: str, how: Tuning, chips: int) -> TuningMemory:
    return tuning_memory(
        model,
        chip,
        chips=chips,
        base=weights,
        rank=how.rank,
        modules=how.modules,
        sequences=how.batch,
        sequence=how.length,
    )


def _tuning_parts(model: LanguageModel, chip: Chip, weights: str, how: Tuning, chips: int) -> tuple[Part, ...]:
    """Parts of the step; none where no layout splits it over so many chips."""
    try:
        return _tuning(model, chip, weights, how, chips).parts
    except ChipwallError:
        return ()


def formulas_table(model: LanguageModel, chip: Chip, weights: str, serving: Serving, tuning: Tuning) -> Table:
    """Each part's formula with the numbers substituted, for one weight format."""
    rows: list[tuple[object, ...]] = []
    for use, parts in (
        (text("serve"), _serving(model, chip, weights, serving)),
        (text("tune"), _tuning_parts(model, chip, weights, tuning, serving.chips)),
    ):
        rows += [(use, p.name, p.formula, Cell(gib(p.bytes), p.bytes, _sources(model, chip), "†")) for p in parts]
    columns = (
        Column("use", text("For")),
        Column("part", text("Part")),
        Column("formula", text("Formula, with the numbers")),
        Column("bytes", text("GiB"), right=True),
    )
    return Table(text("How it is counted, at {format}", format=weights), columns, tuple(rows))


def fit_answer(
    model: LanguageModel, chip: Chip, formats: Sequence[str], serving: Serving, tuning: Tuning
) -> dict[str, object]:
    """The whole answer for JSON: bytes by part with formulas."""
    memory, how = usable_memory(chip)
    room = memory * serving.chips

    def budget(parts: tuple[Part, ...], room: float) -> dict[str, object]:
        total = sum(p.bytes for p in parts)
        made = [{"part": p.name, "bytes": p.bytes, "formula": p.formula} for p in parts]
        return {
            "parts": made, "total_bytes": total, "memory_bytes": room, "free_bytes": room - total,
            "verdict": fit_word(total, room),
        }  # fmt: skip

    def tuned(weights: str) -> dict[str, object]:
        try:
            need = _tuning(model, chip, weights, tuning, serving.chips)
        except ChipwallError as refusal:
            return {"parts": [], "verdict": None, "refused": refusal.what}
        return budget(need.parts, need.room)

    return {
        "model": model.id, "chip": chip.id, "chips": serving.chips, "memory_bytes": room, "memory_basis": how,
        "sources": _sources(model, chip),
        "serving": {f: budget(_serving(model, chip, f, serving), room) for f in formats if f in WEIGHT_FORMATS},
        "tuning": {f: tuned(f) for f in formats if f in WEIGHT_FORMATS},
    }  # fmt: skip
