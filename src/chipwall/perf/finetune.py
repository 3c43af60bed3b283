"""Fine-tuning: full, LoRA, and LoRA on a packed base (QLoRA); memory by part with a verdict, and the step time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from chipwall.catalog.records import Chip, LanguageModel
from chipwall.errors import InputError
from chipwall.perf.hardware import Hardware, hardware, require_memory, require_recipe
from chipwall.perf.layouts import USABLE, Found, Layout, checked_run, fastest, smallest_chip_count
from chipwall.perf.memory import WEIGHT_FORMATS
from chipwall.perf.memory_training import MIXED, Storage, adapter_count, memory_parts
from chipwall.perf.training import Training, answer, fit_word, template_run
from chipwall.perf.training_constants import labels_of
from chipwall.perf.training_run import Run
from chipwall.perf.training_shape import Shape, shape_of
from chipwall.text import text

__all__ = ["BASES", "METHODS", "Finetuning", "finetuning", "unpacking_bytes"]

METHODS = ("lora", "full")
# Formats that a frozen base may be kept in; narrower than 16 bits means that it is widened before each product.
BASES = ("bf16", "int8", "fp8", "int4", "nf4")
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
    memory : mapping of str to float
        Memory of the fullest chip by part [byte].
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
    memory: Mapping[str, float]
    room: float
    fit: str
    short: float
    smallest_chips: int
    step: Training | None


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
    storage = replace(MIXED, weight=WEIGHT_FORMATS[base] if lora else 2.0, logit=12.0 if whole_logits else 1.5)
    template = template_run(
        hw, chip, chips=chips, sequence=sequence, year=year, adapters=lora, unpacking=unpacking_bytes(base) if lora else 0.0
    )
    labels = labels_of(hw, recipe=precision, software=software)
    run, chosen, found = _settled(shape, hw, template, layout, recompute, sequences, precision, labels, storage, adapters)
    memory = {name: float(v) for name, v in memory_parts(shape, run, storage=storage, adapters=adapters).items()}
    total, room = sum(memory.values()), float(hw.memory)
    verdict = fit_word(total, room)
    step = None
    if verdict != "does not fit":  # tight ones are priced: they may run
        step = answer(model, hw, shape, run, chosen, found, recipe=precision, labels=labels, storage=storage, adapters=adapters)
    return Finetuning(
        method=method,
        base=base if lora else "bf16",
        rank=rank if lora else 0,
        adapters=adapters,
        memory=memory,
        room=room,
        fit=verdict,
        short=max(total - room * USABLE, 0.0),
        smallest_chips=smallest_chip_count(shape, hw, template, storage=storage, adapters=adapters),
        step=step,
    )


def _checked(*, chips: int, method: str, base: str, rank: int, modules: str, sequences: int, sequence: int) -> None:
    for name, value in (("chips", chips), ("rank", rank), ("sequences", sequences), ("sequence", sequence)):
        if value < 1:
            raise InputError(
                text("{value} is not a count", value=value), where=name, fix=text("Give a whole number of one or more")
            )
    for name, word, known in (("method", method, METHODS), ("base", base, BASES), ("modules", modules, ("attention", "all"))):
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
            shape, hw, template, sequences=sequences, recipe=recipe, labels=dict(labels), storage=storage, adapters=adapters
        )
    except InputError as refusal:
        # nothing fits: the memory of a thrifty layout is told, with the verdict; where none divides, the refusal stands
        count = int(template.chips)
        spread = Layout(fsdp=True, recompute="full") if sequences % count == 0 else Layout(tensor=count, recompute="full")
        try:
            return checked_run(spread, shape, template, sequences=sequences), spread, None
        except InputError:
            raise refusal from None
    return found.run, found.layout, found
