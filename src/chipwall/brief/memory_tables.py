"""Does it fit? Memory budgets as tables, with every formula's numbers filled in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from chipwall.brief.tables import Cell, Column, Table
from chipwall.catalog.records import Chip, LanguageModel
from chipwall.perf.memory import (
    SERVING_RESERVE,
    WEIGHT_FORMATS,
    Part,
    adapter_parts,
    kv_bytes,
    serving_parts,
    smallest_count,
    usable_memory,
)
from chipwall.text import Text, text
from chipwall.units import GIB

__all__ = ["Serving", "Tuning", "fit_answer", "formulas_table", "serving_table", "tuning_table", "verdict"]

# A budget within this share of the limit is "tight": frameworks differ by about as much.
TIGHT = 0.10


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
    """How a model is fine-tuned with adapters: rank, adapted modules per layer, sequences and tokens per step."""

    rank: int = 16
    modules: int = 4
    batch: int = 1
    length: int = 2048


def gib(value: float) -> str:
    """Bytes as GiB with one decimal."""
    return f"{value / GIB:,.1f}"


def verdict(total: float, room: float) -> Text:
    """Fits, tight or does not fit."""
    if total > room:
        return text("does not fit")
    return text("tight") if total > room * (1 - TIGHT) else text("fits")


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
                verdict(total, room),
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


def tuning_table(model: LanguageModel, chip: Chip, formats: Sequence[str], how: Tuning, *, chips: int = 1) -> Table:
    """One row per base format: parts of a LoRA or QLoRA step, total, verdict."""
    memory, _ = usable_memory(chip)
    room = memory * chips
    rows = []
    for weights in formats:
        parts = _tuning(model, weights, how)
        total = sum(p.bytes for p in parts)
        rows.append(
            (
                weights,
                *(Cell(gib(p.bytes), p.bytes, _sources(model, chip), "†", p.formula) for p in parts),
                Cell(gib(total), total, _sources(model, chip), "†"),
                Cell(gib(room), room, _sources(model, chip)),
                verdict(total, room),
            )
        )
    columns = (
        Column("base_format", text("Base")),
        Column("base_bytes", text("Base, GiB"), right=True),
        Column("adapters_bytes", text("Adapters, GiB"), right=True),
        Column("activations_bytes", text("Activations, GiB"), right=True),
        Column("logits_bytes", text("Logits, GiB"), right=True),
        Column("runtime_bytes", text("Runtime, GiB"), right=True),
        Column("total_bytes", text("Total, GiB"), right=True),
        Column("memory_bytes", text("Memory, GiB"), right=True),
        Column("verdict", text("Verdict")),
    )
    title = text(
        "LoRA (16-bit base) and QLoRA (8- and 4-bit base) on {chips} x {chip}: rank {rank}, batch {batch} x {length} tokens",
        chips=chips, chip=chip.name, rank=how.rank, batch=how.batch, length=how.length,
    )  # fmt: skip
    return Table(title, columns, tuple(rows))


def _tuning(model: LanguageModel, weights: str, how: Tuning) -> tuple[Part, ...]:
    return adapter_parts(model, weights=weights, rank=how.rank, modules=how.modules, batch=how.batch, length=how.length)


def formulas_table(model: LanguageModel, chip: Chip, weights: str, serving: Serving, tuning: Tuning) -> Table:
    """Each part's formula with the numbers substituted, for one weight format."""
    rows: list[tuple[object, ...]] = []
    for use, parts in (
        (text("serve"), _serving(model, chip, weights, serving)),
        (text("tune"), _tuning(model, weights, tuning)),
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

    def budget(parts: tuple[Part, ...]) -> dict[str, object]:
        total = sum(p.bytes for p in parts)
        made = [{"part": p.name, "bytes": p.bytes, "formula": p.formula} for p in parts]
        return {"parts": made, "total_bytes": total, "free_bytes": room - total, "verdict": verdict(total, room)}

    return {
        "model": model.id, "chip": chip.id, "chips": serving.chips, "memory_bytes": room, "memory_basis": how,
        "sources": _sources(model, chip),
        "serving": {f: budget(_serving(model, chip, f, serving)) for f in formats if f in WEIGHT_FORMATS},
        "tuning": {f: budget(_tuning(model, f, tuning)) for f in formats if f in WEIGHT_FORMATS},
    }  # fmt: skip
