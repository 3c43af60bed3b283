"""Fine-tuning: full, LoRA, and LoRA on a packed base (QLoRA); memory by part with a verdict, and the step time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from chipwall.catalog.records import Chip, LanguageModel
from chipwall.errors import InputError
from chipwall.perf.device import Hardware, hardware, require_memory, require_recipe
from chipwall.perf.serving.memory import WEIGHT_FORMATS, Part, fit_word, usable_memory
from chipwall.perf.training.constants import labels_of
from chipwall.perf.training.memory import MEMORY_PARTS, MIXED, Storage, adapter_count
from chipwall.perf.training.memory_formulas import spelled_parts
from chipwall.perf.training.search import USABLE, Found, Layout, checked_run, fastest, smallest_chip_count
from chipwall.perf.training.shape import Shape, shape_of
from chipwall.perf.training.train import Training, answer, template_run
from chipwall.perf.training.workload import Run, lone_run
from chipwall.text import text

__all__ = [
    "BASES",
    "METHODS",
    "MODULES",
    "Finetuning",
    "TuningMemory",
    "finetuning",
    "tuning_memory",
    "unpacking_bytes",
]

METHODS = ("lora", "full")
# Which matrices get adapters: the projections of the attention, or those of the feed-forward blocks too.
MODULES = ("attention", "all")
# Formats that a frozen base may be kept in; narrower than 16 bits means that it is widened before each product.
BASES = tuple(WEIGHT_FORMATS)
# Tokens of context in one sequence of the default question.
USUAL_LENGTH = 2048


@dataclass(frozen=True, slots=True)
class Finetuning:
    """Answer of :func:`finetuning`.

    Attributes
    ----------
    method, base : str
        ``lora`` or ``full``, and the format that the base weights are kept in.
    rank, adapters : int and float
        Rank of the adapters, and their weights [1].
    parts : tuple of Part
        Memory of the fullest chip by part, each with its formula.
    room : float
        Memory that programs can use on one chip [byte].
    fit : str
        ``fits``, ``tight`` or ``does not fit``.
    short : float
        What is missing on the fullest chip [byte]; 0 where it fits.
    smallest_chips : int
        Fewest chips that hold it with everything sharded [1].
    step : Training or None
        Step time and all that follows; None where it does not fit.
    """

    method: str
    base: str
    rank: int
    adapters: float
    parts: tuple[Part, ...]
    room: float
    fit: str
    short: float
    smallest_chips: int
    step: Training | None

    @property
    def memory(self) -> dict[str, float]:
        """Memory of the fullest chip by the names of ``MEMORY_PARTS`` [byte]."""
        return {name: part.bytes for name, part in zip(MEMORY_PARTS, self.parts, strict=True)}


@dataclass(frozen=True, slots=True)
class TuningMemory:
    """Answer of :func:`tuning_memory`.

    Attributes
    ----------
    parts : tuple of Part
        Memory of the fullest chip by part, each with its formula; parts of no bytes are left out.
    room : float
        Memory that programs can use on one chip [byte].
    fit : str
        ``fits``, ``tight`` or ``does not fit``.
    """

    parts: tuple[Part, ...]
    room: float
    fit: str

    @property
    def bytes(self) -> float:
        """All parts together [byte]."""
        return sum(part.bytes for part in self.parts)


def unpacking_bytes(base: str) -> float:
    """Bytes moved per base weight and pass to widen it [byte]: read packed, write 16 bits, read them again; 0 for 16 bits."""
    size = WEIGHT_FORMATS[base]
    return size + 4.0 if size < 2.0 and base != "fp8" else 0.0


def finetuning(
    model: LanguageModel,
    chip: Chip,
    *,
    chips: int = 1,
    method: str = "lora",
    base: str = "bf16",
    rank: int = 16,
    modules: str = "attention",
    sequences: int = 1,
    sequence: int = USUAL_LENGTH,
    precision: str = "bf16",
    layout: Layout | None = None,
    recompute: str = "full",
    software: str = "",
    year: float = 2026.0,
    whole_logits: bool = False,
    neighbours: bool = True,
) -> Finetuning:
    """Memory and step time of fine-tuning.

    Parameters
    ----------
    model, chip : LanguageModel, Chip
        From the catalogue, or invented.
    chips, sequences, sequence : int
        Chips [1], sequences of one optimizer step [1], and tokens of a sequence [token].
    method : str
        ``lora`` (adapters on a frozen base) or ``full``.
    base : str
        Format that a frozen base is kept in, one of :data:`BASES`; narrower than 16 bits is QLoRA.
    rank : int
        Rank of the adapters [1].
    modules : str
        ``attention`` or ``all`` matrices get adapters.
    precision : str
        Format of the products.
    layout : Layout, optional
        How the run is split; searched when left out (one chip needs none).
    recompute : str
        ``full`` or ``none``, where the layout is not given and there is one chip.
    software, year : str and float
        Family and date of the software.
    whole_logits : bool
        Whether the loss keeps all logits (12 bytes a value) or computes them in pieces (1.5).
    neighbours : bool
        Whether to look up the nearest measured runs, which takes longer than the estimate.

    Limits
    ------
    Memory within about 6 % (mean) of published peaks where the layout is known; frameworks that cast a packed base to 32
    bits are above it.
    """
    _checked(chips=chips, method=method, base=base, rank=rank, modules=modules, sequences=sequences, sequence=sequence)
    hw, shape = hardware(chip), shape_of(model)
    require_recipe(hw, precision, where="precision")
    require_memory(hw)
    lora = method == "lora"
    adapters = float(adapter_count(shape, rank=rank, modules=modules)) if lora else 0.0
    storage = _storage(base if lora else "bf16", whole_logits=whole_logits)
    template = template_run(
        hw,
        chip,
        chips=chips,
        sequence=sequence,
        year=year,
        adapters=lora,
        unpacking=unpacking_bytes(base) if lora else 0.0,
    )
    labels = labels_of(hw, recipe=precision, software=software)
    run, chosen, found = _settled(
        shape, hw, template, layout, recompute, sequences, precision, labels, storage, adapters
    )
    parts = spelled_parts(shape, run, storage=storage, rank=rank if lora else 0, modules=modules)
    total, room = sum(part.bytes for part in parts), float(hw.memory)
    verdict = fit_word(total, room)
    step = None
    if verdict != "does not fit":  # tight ones are priced: they may run
        step = answer(
            model,
            hw,
            shape,
            run,
            chosen,
            found,
            recipe=precision,
            labels=labels,
            storage=storage,
            adapters=adapters,
            neighbours=neighbours,
        )
    return Finetuning(
        method=method,
        base=base if lora else "bf16",
        rank=rank if lora else 0,
        adapters=adapters,
        parts=parts,
        room=room,
        fit=verdict,
        short=max(total - room * USABLE, 0.0),
        smallest_chips=smallest_chip_count(shape, hw, template, storage=storage, adapters=adapters),
        step=step,
    )


def tuning_memory(
    model: LanguageModel,
    chip: Chip,
    *,
    chips: int = 1,
    base: str = "bf16",
    rank: int = 16,
    modules: str = "attention",
    sequences: int = 1,
    sequence: int = USUAL_LENGTH,
) -> TuningMemory:
    """Memory of adapters on a frozen base: that of :func:`finetuning`, without the time of a step.

    One chip needs no published rate, only a memory; over several the layout is searched by time, as there.

    Parameters
    ----------
    model, chip, chips, base, rank, modules, sequences, sequence
        As in :func:`finetuning`.

    Limits
    ------
    Those of :func:`finetuning`.
    """
    if chips > 1:
        found = finetuning(
            model, chip, chips=chips, base=base, rank=rank, modules=modules, sequences=sequences, sequence=sequence
        )
        return TuningMemory(tuple(p for p in found.parts if p.bytes), found.room, found.fit)
    _checked(chips=chips, method="lora", base=base, rank=rank, modules=modules, sequences=sequences, sequence=sequence)
    run = lone_run(sequence, adapters=True, recompute=1.0)
    spelled = spelled_parts(shape_of(model), run, storage=_storage(base), rank=rank, modules=modules)
    parts, (room, _) = tuple(p for p in spelled if p.bytes), usable_memory(chip)
    return TuningMemory(parts, room, fit_word(sum(p.bytes for p in parts), room))


def _storage(base: str, *, whole_logits: bool = False) -> Storage:
    """What is kept beside a base of this format; embeddings and head stay in 16 bits under narrower ones."""
    size = WEIGHT_FORMATS[base]
    return replace(MIXED, weight=size, embedding=max(size, 2.0), logit=12.0 if whole_logits else 1.5)


def _checked(*, chips: int, method: str, base: str, rank: int, modules: str, sequences: int, sequence: int) -> None:
    for name, value in (("chips", chips), ("rank", rank), ("sequences", sequences), ("sequence", sequence)):
        if value < 1:
            raise InputError(
                text("{value} is not a count", value=value), where=name, fix=text("Give a whole number of one or more")
            )
    for name, word, known in (("method", method, METHODS), ("base", base, BASES), ("modules", modules, MODULES)):
        if word not in known:
            raise InputError(
                text("unknown {name} '{word}'", name=name, word=word),
                where=name,
                fix=text("Use one of: {names}", names=", ".join(known)),
            )


def _settled(
    shape: Shape,
    hw: Hardware,
    template: Run,
    layout: Layout | None,
    recompute: str,
    sequences: int,
    recipe: str,
    labels: Mapping[str, str],
    storage: Storage,
    adapters: float,
) -> tuple[Run, Layout, Found | None]:
    """The run that is priced: the layout given, the one of a single chip, or the fastest that fits."""
    if layout is not None:
        return checked_run(layout, shape, template, sequences=sequences), layout, None
    alone = Layout(recompute=recompute)
    if template.chips == 1:
        return checked_run(alone, shape, template, sequences=sequences), alone, None
    try:
        found = fastest(
            shape,
            hw,
            template,
            sequences=sequences,
            recipe=recipe,
            labels=dict(labels),
            storage=storage,
            adapters=adapters,
        )
    except InputError as refusal:
        # nothing fits: the memory of a thrifty layout is told, with the verdict; where none divides, the refusal stands
        count = int(template.chips)
        spread = (
            Layout(fsdp=True, recompute="full") if sequences % count == 0 else Layout(tensor=count, recompute="full")
        )
        try:
            return checked_run(spread, shape, template, sequences=sequences), spread, None
        except InputError:
            raise refusal from None
    return found.run, found.layout, found
