"""Layouts of a training run: which ones divide the model and the chips, which fit in memory, which is fastest.

Where a layout is given it is checked and used. Where it is not, every regular layout is priced at once with the same
step model, those that do not fit are dropped, and the answer says that it was searched and how far the others lie.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from itertools import product
from math import ceil
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chipwall.errors import InputError
from chipwall.perf.constants import Constant
from chipwall.perf.device import Hardware
from chipwall.perf.training.constants import step_constants
from chipwall.perf.training.memory import MIXED, Storage, memory_parts
from chipwall.perf.training.shape import Shape
from chipwall.perf.training.step import step_parts
from chipwall.perf.training.workload import Run, stacked_runs
from chipwall.text import Text, text
from chipwall.units import GIB

__all__ = ["Found", "Layout", "candidates", "checked_run", "fastest", "smallest_chip_count"]

# Share of the memory that a searched layout may use; what the runtime keeps is a part of its own.
USABLE = 1.0
# Layouts slower than this many times the fastest are no longer choices that somebody would make.
WITHIN = 1.5
# Where the count of chips that hold a model stops [1].
MOST_CHIPS = 100_000
NODE = 8


@dataclass(frozen=True, slots=True)
class Layout:
    """Ways of splitting a run: whole numbers, 0 for what is to be chosen.

    Attributes
    ----------
    tensor, pipeline, virtual, context, expert : int
        Ways of tensor, pipeline, virtual-pipeline, context and expert parallelism [1].
    micro_batch : int
        Sequences of one micro-batch [1].
    fsdp : bool
        Whether weights are sharded over the data-parallel chips.
    recompute : str
        ``none``, ``attention`` or ``full``.
    """

    tensor: int = 1
    pipeline: int = 1
    virtual: int = 1
    context: int = 1
    expert: int = 1
    micro_batch: int = 1
    fsdp: bool = False
    recompute: str = "none"


RECOMPUTE = {"none": (0.0, 0.0), "attention": (0.0, 1.0), "full": (1.0, 0.0)}


@dataclass(frozen=True, slots=True)
class Found:
    """What a search found: the fastest run, its step time, the range of the sensible ones, and how many fit."""

    run: Run
    layout: Layout
    step: float
    low: float
    high: float
    fitting: int
    priced: int


def run_of(layout: Layout, template: Run, *, sequences: float) -> Run:
    """A run with that layout; batch, network and software are those of the template."""
    data = float(template.chips) / (layout.tensor * layout.pipeline * layout.context)
    full, core = RECOMPUTE[layout.recompute]
    return replace(
        template,
        tensor=float(layout.tensor),
        pipeline=float(layout.pipeline),
        virtual=float(layout.virtual),
        context=float(layout.context),
        expert=float(layout.expert),
        expert_tensor=1.0,
        data=data,
        micro_batch=float(layout.micro_batch),
        micro_batches=max(sequences / (data * layout.micro_batch), 1.0),
        fsdp=float(layout.fsdp),
        shard=data * layout.context,
        recompute=full,
        recompute_attention=core,
    )


def _faults(layout: Layout, shape: Shape, *, chips: int, sequences: float) -> Text | None:
    """What does not divide; None where all does."""
    split = layout.tensor * layout.pipeline * layout.context
    if chips % split:
        return text(
            "{tp} x {pp} x {cp} ways do not divide {chips} chips",
            tp=layout.tensor,
            pp=layout.pipeline,
            cp=layout.context,
            chips=chips,
        )
    if shape.heads % layout.tensor:
        return text("{tp} tensor-parallel ways do not divide {heads} heads", tp=layout.tensor, heads=int(shape.heads))
    if layout.pipeline * layout.virtual > shape.layers:
        return text(
            "{pp} stages x {vp} virtual stages are more than {layers} layers",
            pp=layout.pipeline,
            vp=layout.virtual,
            layers=int(shape.layers),
        )
    if layout.virtual > 1 and layout.pipeline == 1:
        return text("virtual stages need a pipeline; this layout has one stage")
    if layout.expert > 1 and not shape.experts:
        return text("the model has no experts to spread over {ep} chips", ep=layout.expert)
    if shape.experts and shape.experts % layout.expert:
        return text(
            "{ep} expert-parallel ways do not divide {experts} experts", ep=layout.expert, experts=int(shape.experts)
        )
    if layout.expert > chips // layout.pipeline:
        return text(
            "{ep} expert-parallel ways need {need} chips per stage, there are {have}",
            ep=layout.expert,
            need=layout.expert,
            have=chips // layout.pipeline,
        )
    replicas = chips // split
    if sequences < replicas * layout.micro_batch or sequences % (replicas * layout.micro_batch):
        return text(
            "a global batch of {batch} sequences does not divide into {replicas} replicas x micro-batches of {micro}",
            batch=int(sequences),
            replicas=replicas,
            micro=layout.micro_batch,
        )
    return None


def checked_run(layout: Layout, shape: Shape, template: Run, *, sequences: float) -> Run:
    """The run of a layout that the caller chose; a clear refusal where it does not divide."""
    for item in fields(Layout):
        value = getattr(layout, item.name)
        if item.type == "int" and value < 1:
            raise InputError(
                text("{value} is not a count", value=value),
                where=item.name,
                fix=text("Give a whole number of one or more"),
            )
    if layout.recompute not in RECOMPUTE:
        raise InputError(
            text("unknown recomputation '{name}'", name=layout.recompute),
            fix=text("Use one of: {names}", names=", ".join(RECOMPUTE)),
        )
    fault = _faults(layout, shape, chips=int(template.chips), sequences=sequences)
    if fault is not None:
        raise InputError(
            fault, where=text("layout"), fix=text("Change the layout, or leave it out to have one searched")
        )
    return run_of(layout, template, sequences=sequences)


def _divisors(number: int, most: int) -> list[int]:
    return [d for d in range(1, min(number, most) + 1) if number % d == 0]


def _powers(most: float) -> list[int]:
    found, value = [], 1
    while value <= most:
        found.append(value)
        value *= 2
    return found


def candidates(shape: Shape, hw: Hardware, template: Run, *, sequences: float, adapters: bool = False) -> list[Layout]:
    """Every regular layout that divides the model, the batch and the chips."""
    chips, layers = int(template.chips), int(shape.layers)
    domain = int(max(float(np.max(hw.scaleup_domain)), 1.0))
    tensors = [t for t in _powers(min(domain, 16, chips)) if shape.heads % t == 0]
    pipelines = [p for p in _divisors(layers, min(64, chips)) if chips % p == 0] or [1]
    contexts = [c for c in _powers(16) if c == 1 or float(template.sequence) / c >= 4096]
    experts = [e for e in _powers(72) if shape.experts % e == 0 and e <= chips] if shape.experts else [1]
    found = []
    for tensor, pipeline, context, expert in product(tensors, pipelines, contexts, experts):
        if chips % (tensor * pipeline * context) or expert > chips // pipeline:
            continue
        each = layers // pipeline
        virtuals = sorted({1, each}) if pipeline > 1 else [1]
        for virtual, micro, fsdp, recompute in product(virtuals, (1, 2, 4, 8, 16), (False, True), ("none", "full")):
            if fsdp and pipeline > 1:
                continue
            layout = Layout(tensor, pipeline, virtual, context, expert, micro, fsdp, recompute)
            if _faults(layout, shape, chips=chips, sequences=sequences) is None:
                found.append(layout)
    return found


def _repeated(record: Any, count: int) -> Any:
    """A record of numbers as arrays of equal numbers."""
    return type(record)(**{f.name: np.full(count, getattr(record, f.name), dtype=float) for f in fields(type(record))})


def priced(
    layouts: Sequence[Layout],
    shape: Shape,
    hw: Hardware,
    template: Run,
    *,
    sequences: float,
    recipe: str,
    labels: Mapping[str, str],
    storage: Storage = MIXED,
    adapters: float = 0.0,
    constants: Mapping[str, Constant] | None = None,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Step time [s] and memory of the fullest chip [byte] of each layout."""
    runs = stacked_runs([run_of(layout, template, sequences=sequences) for layout in layouts])
    values = {name: value[0] for name, value in step_constants([labels], constants=constants).items()}
    shapes = _repeated(shape, len(layouts))
    steps = sum(step_parts(hw, shapes, runs, recipe=recipe, constants=values).values())
    memory = sum(memory_parts(shapes, runs, storage=storage, adapters=adapters).values())
    return np.asarray(steps), np.asarray(memory)


def fastest(
    shape: Shape,
    hw: Hardware,
    template: Run,
    *,
    sequences: float,
    recipe: str,
    labels: Mapping[str, str],
    storage: Storage = MIXED,
    adapters: float = 0.0,
    name: str = "",
    constants: Mapping[str, Constant] | None = None,
    recompute: str = "",
) -> Found:
    """The fastest layout that fits, and the range of those that somebody would choose; ``recompute`` may fix that choice.

    Raises
    ------
    InputError
        Nothing divides, or nothing fits: says by how many GiB, and the smallest number of chips that holds it.
    """
    chosen = [c for c in candidates(shape, hw, template, sequences=sequences) if recompute in ("", c.recompute)]
    if not chosen:
        raise InputError(
            text(
                "no layout divides {batch} sequences over {chips} chips",
                batch=int(sequences),
                chips=int(template.chips),
            ),
            fix=text("Choose a global batch that is a multiple of the number of chips"),
        )
    steps, memory = priced(
        chosen,
        shape,
        hw,
        template,
        sequences=sequences,
        recipe=recipe,
        labels=labels,
        storage=storage,
        adapters=adapters,
        constants=constants,
    )
    room = float(np.max(hw.memory)) * USABLE
    fits = memory <= room
    if not fits.any():
        short = float(memory.min()) - room
        count = smallest_chip_count(shape, hw, template, storage=storage, adapters=adapters)
        raise InputError(
            text(
                "{what} does not fit: {short:.0f} GiB too much on each of {chips} chips",
                what=name or text("the model"),
                short=short / GIB,
                chips=int(template.chips),
            ),
            where=text("{chip} has {room:.1f} GiB of use", chip=hw.name, room=room / GIB),
            fix=text("Use at least {count} chips", count=count),
        )
    usable = np.flatnonzero(fits)
    best = usable[np.argmin(steps[usable])]
    sensible = steps[usable][steps[usable] <= WITHIN * steps[best]]
    return Found(
        run_of(chosen[best], template, sequences=sequences),
        chosen[best],
        float(steps[best]),
        float(steps[best]),
        float(np.max(sensible)),
        len(usable),
        len(chosen),
    )


def smallest_chip_count(
    shape: Shape, hw: Hardware, template: Run, *, storage: Storage = MIXED, adapters: float = 0.0
) -> int:
    """Fewest chips that hold the run with everything sharded, micro-batch 1 and full recomputation [1]."""
    room = float(np.max(hw.memory)) * USABLE
    count = 1
    while count < MOST_CHIPS:
        one = replace(
            template,
            chips=float(count),
            data=float(count),
            tensor=1.0,
            pipeline=1.0,
            virtual=1.0,
            context=1.0,
            expert=1.0,
            micro_batch=1.0,
            micro_batches=1.0,
            fsdp=1.0,
            shard=float(count),
            recompute=1.0,
            recompute_attention=0.0,
        )
        tensor = replace(
            one, tensor=float(min(count, NODE)), data=ceil(count / NODE), shard=float(max(count // NODE, 1))
        )
        need = min(
            float(sum(memory_parts(shape, r, storage=storage, adapters=adapters).values())) for r in (one, tensor)
        )
        if need <= room:
            return count
        count += 1 if count < 2 * NODE else count // NODE
    return count
