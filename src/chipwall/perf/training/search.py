"""Layouts of a training run: which ones divide the model and the chips, which fit in memory, which is fastest.

Where a layout is given it is checked and used. Where it is not, every regular layout is priced at once with the same
step model, those that do not fit are dropped, and the answer says that it was searched and how far the others lie.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
from numpy.typing import NDArray

from chipwall.errors import InputError
from chipwall.perf.device import Hardware
from chipwall.perf.layout import Divides, Layout, checked, training_layouts
from chipwall.perf.training.memory import MIXED, Storage, kept_on_chip, memory_parts, offload_seconds
from chipwall.perf.training.shape import Shape, stacked_shapes
from chipwall.perf.training.step import training_parts
from chipwall.perf.training.workload import Run, stacked_runs
from chipwall.text import Text, text
from chipwall.units import GIB

__all__ = [
    "RECOMPUTE",
    "Found",
    "Plan",
    "candidates",
    "checked_plan",
    "fastest",
    "run_of",
    "smallest_chip_count",
    "thriftiest",
]

# Layouts slower than this many times the fastest are no longer choices that somebody would make.
WITHIN = 1.5
# Counts of chips that people use: powers of two, and half as many again from three nodes on [1].
COUNTS = tuple(sorted({2**k for k in range(15)} | {3 * 2**k for k in range(3, 13)}))
MOST_CHIPS = COUNTS[-1]


@dataclass(frozen=True, slots=True)
class Plan:
    """How a run is split and stepped: its layout, sequences of a micro-batch [1], and what is computed again.

    ``recompute`` is ``none``, ``attention`` or ``full``.
    """

    layout: Layout
    micro_batch: int = 1
    recompute: str = "none"


RECOMPUTE = {"none": (0.0, 0.0), "attention": (0.0, 1.0), "full": (1.0, 0.0)}


@dataclass(frozen=True, slots=True)
class Found:
    """What a search found: the fastest run, its step time, the range of the sensible ones, and how many fit."""

    run: Run
    plan: Plan
    step: float
    low: float
    high: float
    fitting: int
    priced: int


def run_of(plan: Plan, template: Run, *, sequences: float) -> Run:
    """A run with that plan; batch, network and software are those of the template.

    A batch that is smaller than the number of copies leaves some of them without work: they hold what they hold.
    """
    layout = plan.layout
    data = float(template.chips) / (layout.tensor * layout.pipeline * layout.context)
    full, core = RECOMPUTE[plan.recompute]
    return replace(
        template,
        tensor=float(layout.tensor),
        pipeline=float(layout.pipeline),
        virtual=float(layout.virtual),
        context=float(layout.context),
        expert=float(layout.expert),
        expert_tensor=float(layout.expert_tensor),
        data=data,
        micro_batch=float(plan.micro_batch),
        micro_batches=max(sequences / (data * plan.micro_batch), 1.0),
        fsdp=float(layout.shards > 1),
        shard=data * layout.context,
        recompute=full,
        recompute_attention=core,
    )


def ways_of_model(shape: Shape) -> Divides:
    """What a layout must divide, by the names of :func:`chipwall.perf.layout.fault` [1]."""
    return {"heads": float(shape.heads), "layers": float(shape.layers), "experts": float(shape.experts)}


def _batch_fault(plan: Plan, *, chips: int, sequences: float) -> Text | None:
    """What of the batch does not divide; None where all does."""
    layout = plan.layout
    replicas = chips // (layout.tensor * layout.pipeline * layout.context)
    each = replicas * plan.micro_batch
    if sequences < each or sequences % each:
        return text(
            "a global batch of {batch} sequences does not divide into {replicas} replicas x micro-batches of {micro}",
            batch=int(sequences),
            replicas=replicas,
            micro=plan.micro_batch,
        )
    return None


def checked_plan(plan: Plan, shape: Shape, template: Run, *, sequences: float) -> Plan:
    """The plan that the caller chose, its copies filled in; a clear refusal where it does not divide."""
    if plan.recompute not in RECOMPUTE:
        raise InputError(
            text("unknown recomputation '{name}'", name=plan.recompute),
            where="recompute",
            fix=text("Use one of: {names}", names=", ".join(RECOMPUTE)),
        )
    if plan.micro_batch < 1:
        raise InputError(
            text("{value} is not a count", value=plan.micro_batch),
            where="micro_batch",
            fix=text("Give a whole number of one or more"),
        )
    layout = checked(plan.layout, chips=int(template.chips), **ways_of_model(shape))
    made = replace(plan, layout=layout)
    found = _batch_fault(made, chips=int(template.chips), sequences=sequences)
    if found is not None:
        raise InputError(
            found, where=text("layout"), fix=text("Change the batch or the layout, or leave the layout out")
        )
    return made


def candidates(
    shape: Shape, hw: Hardware, template: Run, *, sequences: float, micro_batch: int = 0, recompute: str = ""
) -> list[Plan]:
    """Every regular plan that divides the model, the batch and the chips; 0 and "" leave a choice open."""
    if recompute and recompute not in RECOMPUTE:
        raise InputError(
            text("unknown recomputation '{name}'", name=recompute),
            where="recompute",
            fix=text("Use one of: {names}", names=", ".join(RECOMPUTE)),
        )
    chips = int(template.chips)
    micros = (micro_batch,) if micro_batch else (1, 2, 4, 8, 16)
    again = (recompute,) if recompute else ("none", "full")
    found = []
    for layout in layouts_of(shape, hw, template):
        for micro, what in product(micros, again):
            plan = Plan(layout, micro, what)
            if _batch_fault(plan, chips=chips, sequences=sequences) is None:
                found.append(plan)
    return found


def layouts_of(shape: Shape, hw: Hardware, template: Run) -> list[Layout]:
    """Every regular layout of a model on the chips of a run."""
    domain = int(max(float(np.max(hw.scaleup_domain)), 1.0))
    return training_layouts(
        chips=int(template.chips), **ways_of_model(shape), sequence=float(template.sequence), domain=min(domain, 16)
    )


def priced(
    plans: Sequence[Plan],
    shape: Shape,
    hw: Hardware,
    template: Run,
    *,
    sequences: float,
    recipe: str,
    constants: Mapping[str, float],
    storage: Storage = MIXED,
    adapters: float = 0.0,
    offload: Sequence[str] = (),
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Step time [s] and memory of the fullest chip [byte] of each plan; ``constants`` as they hold for the setup."""
    runs = stacked_runs([run_of(plan, template, sequences=sequences) for plan in plans])
    shapes = stacked_shapes([shape], times=len(plans))
    steps = sum(training_parts(hw, shapes, runs, recipe=recipe, constants=constants).values())
    steps = steps + offload_seconds(
        shapes,
        runs,
        storage=storage,
        adapters=adapters,
        offload=offload,
        host_bandwidth=float(np.min(hw.host_bandwidth)),
    )
    kept = kept_on_chip(storage, offload)
    memory = sum(memory_parts(shapes, runs, storage=kept, adapters=adapters).values())
    return np.asarray(steps), np.asarray(memory)


def fastest(
    shape: Shape,
    hw: Hardware,
    template: Run,
    *,
    sequences: float,
    recipe: str,
    constants: Mapping[str, float],
    storage: Storage = MIXED,
    adapters: float = 0.0,
    name: str = "",
    micro_batch: int = 0,
    recompute: str = "",
    offload: Sequence[str] = (),
) -> Found:
    """The fastest plan that fits, and the range of those that somebody would choose; 0 and "" leave a choice open.

    Raises
    ------
    InputError
        Nothing divides, or nothing fits: says by how many GiB, and the smallest number of chips that holds it.
    """
    chosen = candidates(shape, hw, template, sequences=sequences, micro_batch=micro_batch, recompute=recompute)
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
        constants=constants,
        storage=storage,
        adapters=adapters,
        offload=offload,
    )
    room = float(np.max(hw.memory))
    fits = memory <= room
    if not fits.any():
        short = float(memory.min()) - room
        kept = kept_on_chip(storage, offload)
        raise _refusal(shape, hw, template, short, storage=kept, adapters=adapters, name=name, sequences=sequences)
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


def _refusal(
    shape: Shape,
    hw: Hardware,
    template: Run,
    short: float,
    *,
    storage: Storage,
    adapters: float,
    name: str,
    sequences: float,
) -> InputError:
    """Why no plan fits: too little memory, or too few sequences to give every copy one."""
    room, chips = float(np.max(hw.memory)), int(template.chips)
    plan, need = thriftiest(shape, hw, template, storage=storage, adapters=adapters)
    what = name or text("the model")
    if need <= room:
        copies = plan.layout.data
        return InputError(
            text(
                "{what} fits {chips} chips only with {copies} copies that share its weights; {batch} sequences do not "
                "give each one",
                what=what, chips=chips, copies=copies, batch=int(sequences),
            ),
            fix=text("Use a global batch of {copies} sequences or a multiple", copies=copies),
        )  # fmt: skip
    count = smallest_chip_count(shape, hw, template, storage=storage, adapters=adapters)
    return InputError(
        text(
            "{what} does not fit: short of {short:.0f} GiB per chip on {chips} chips",
            what=what,
            short=short / GIB,
            chips=chips,
        ),
        where=text("{chip} has {room:.1f} GiB usable", chip=hw.name, room=room / GIB),
        fix=text("Use at least {count} chips", count=count)
        if count
        else text("It does not fit on {most} of them either; choose a larger chip", most=MOST_CHIPS),
    )


def thriftiest(
    shape: Shape, hw: Hardware, template: Run, *, storage: Storage = MIXED, adapters: float = 0.0, recompute: str = ""
) -> tuple[Plan, float]:
    """The plan that needs least memory on the chips of a run, one sequence at a time, and its need [byte].

    The batch does not matter to it: a chip holds no less because others have less to do, so that the need never falls when
    the batch grows.
    """
    again = (recompute,) if recompute else ("none", "full")
    plans = [Plan(layout, 1, what) for layout in layouts_of(shape, hw, template) for what in again]
    if not plans:
        raise InputError(
            text("no layout of the model divides {chips} chips", chips=int(template.chips)),
            fix=text("Use a power of two, or a multiple of a node"),
        )
    runs = stacked_runs([run_of(plan, template, sequences=plan.layout.data) for plan in plans])
    need = np.asarray(
        sum(memory_parts(stacked_shapes([shape], times=len(plans)), runs, storage=storage, adapters=adapters).values())
    )
    at = int(np.argmin(need))
    return plans[at], float(need[at])


def smallest_chip_count(
    shape: Shape, hw: Hardware, template: Run, *, storage: Storage = MIXED, adapters: float = 0.0
) -> int:
    """Fewest chips, of the counts that people use, that hold the run in its thriftiest plan [1]; 0 where none does."""
    room = float(np.max(hw.memory))
    alone = Plan(Layout(), 1, "full")
    lone = run_of(alone, replace(template, chips=1.0), sequences=1.0)
    parts = memory_parts(shape, lone, storage=storage, adapters=adapters)
    state = float(sum(parts[part] for part in ("weights", "gradients", "optimizer", "adapters")))
    for count in COUNTS:
        if count * room < state:
            continue
        try:
            _, need = thriftiest(shape, hw, replace(template, chips=float(count)), storage=storage, adapters=adapters)
        except InputError:
            continue
        if need <= room:
            return int(count)
    return 0
