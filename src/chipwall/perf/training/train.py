"""Training: step time, utilisation, tokens per second, memory, and the time and energy of a whole run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from chipwall.catalog.records import LanguageModel
from chipwall.errors import InputError
from chipwall.perf.budget import Budget, FitVerdict
from chipwall.perf.calibrated import Calibrated, TrainingConstants
from chipwall.perf.device import Hardware, require_memory, require_recipe
from chipwall.perf.estimate import Bound, Estimate, Part, interval
from chipwall.perf.layout import Layout
from chipwall.perf.power import power_under_load
from chipwall.perf.training.constants import labels_of, software_age
from chipwall.perf.training.memory import (
    Storage,
    adapter_count,
    kept_on_chip,
    offload_seconds,
    training_budget,
)
from chipwall.perf.training.preference import OBJECTIVES, Objective, objective_parts
from chipwall.perf.training.search import Found, Plan, checked_plan, fastest, run_of, smallest_chip_count
from chipwall.perf.training.shape import Shape, model_flops_per_token, shape_of
from chipwall.perf.training.states import stated_storage
from chipwall.perf.training.step import training_parts
from chipwall.perf.training.workload import Run, lone_run
from chipwall.text import Text, text
from chipwall.units import GIB

__all__ = [
    "RECIPES_TRAINED",
    "Training",
    "run_energy",
    "run_time",
    "template_run",
    "training",
    "training_step_time",
]

RECIPES_TRAINED = ("bf16", "fp16", "fp8", "fp8_block", "fp4", "int8")
BINDS: Mapping[str, Bound] = {
    "linear layers": "compute",
    "experts": "compute",
    "attention": "compute",
    "element-wise": "memory",
    "number formats": "memory",
    "output head": "compute",
    "recomputation": "compute",
    "tensor parallel": "network",
    "context parallel": "network",
    "expert parallel": "network",
    "host": "host",
    "pipeline imbalance": "network",
    "pipeline bubble": "network",
    "data parallel": "network",
    "optimizer": "memory",
    "start and stop": "host",
    "host link": "memory",
    "passes without gradients": "compute",
    "critic": "compute",
    "generating": "memory",
}


@dataclass(frozen=True, slots=True)
class Training:
    """Answer of :func:`training`.

    Attributes
    ----------
    estimate : Estimate
        Step time [s] with interval, basis, what binds it, and breakdown.
    run, plan : Run, Plan
        What was priced; ``plan`` is the one searched for, or the one given.
    searched : Found or None
        The search, where no layout was given.
    tokens_per_s, tokens_per_s_per_chip : float
        Of the whole job, and per chip [token/s].
    mfu, hfu : float
        Model FLOPs (causal attention, nothing recomputed) and hardware FLOPs (recomputation counted) per second over
        the dense peak of the products' format [1].
    budget : Budget
        Memory of the fullest chip, every term with its formula.
    energy_per_step : float
        Accelerators only [J].
    """

    estimate: Estimate
    run: Run
    plan: Plan
    searched: Found | None
    tokens_per_s: float
    tokens_per_s_per_chip: float
    mfu: float
    hfu: float
    budget: Budget
    energy_per_step: float
    tokens_per_step: float

    @property
    def layout(self) -> Layout:
        """The ways of the plan."""
        return self.plan.layout

    @property
    def memory(self) -> dict[str, float]:
        """Memory of the fullest chip by part [byte]."""
        return {t.key: t.bytes for t in self.budget.terms if t.where == "chip"}

    @property
    def memory_room(self) -> float:
        """Memory that a program can use [byte]."""
        return self.budget.room

    @property
    def fit(self) -> FitVerdict:
        """``fits``, ``tight`` or ``does not fit``: the verdict of the budget."""
        return self.budget.verdict


def training_step_time(
    hw: Hardware,
    shape: Shape,
    run: Run,
    fitted: TrainingConstants,
    *,
    recipe: str = "bf16",
    software: str = "",
    block_scaled: bool = False,
) -> Any:
    """Time of one optimizer step [s].

    Parameters
    ----------
    hw, shape, run : Hardware, Shape, Run
        Chip, model, batch and layout; scalars or arrays.
    fitted : TrainingConstants
        Constants of the step.
    recipe : str
        Format of the products.
    software : str
        Family of training software (``megatron``, ``fsdp``, ``mlperf``, ``maxtext``); empty for a typical one.
    block_scaled : bool
        Whether the narrow format carries a scale per block (MXFP8, NVFP4).

    Limits
    ------
    Regular layouts with balanced experts; a step without evaluation, checkpointing of state or stops.
    """
    labels = labels_of(hw, recipe=recipe, software=software, block_scaled=block_scaled)
    return sum(training_parts(hw, shape, run, recipe=recipe, constants=fitted.at(labels)).values())


def run_time(tokens: float, *, tokens_per_s: float) -> float:
    """Time to train on so many tokens, without stops [s]."""
    return tokens / tokens_per_s


def run_energy(tokens: float, *, energy_per_step: float, tokens_per_step: float) -> float:
    """Energy of the accelerators to train on so many tokens [J]; host, network and cooling not included."""
    return tokens / tokens_per_step * energy_per_step


def template_run(
    hw: Hardware,
    *,
    chips: int,
    sequence: int,
    year: float,
    network: float | None = None,
    node: int | None = None,
    graphs: bool = False,
    adapters: bool = False,
    unpacking: float = 0.0,
) -> Run:
    """A run without layout: what the chips, the network and the software say; arguments as in :func:`training`."""
    usual = 4.0 if hw.id.startswith(("nvidia-gb", "nvidia-gh")) else 8.0
    return replace(
        lone_run(sequence, adapters=adapters),
        chips=float(chips),
        data=float(chips),
        shard=float(chips),
        graphs=0.98 * graphs,
        captured=float(graphs),
        age=software_age(hw.arch, year),
        node=float(node or usual),
        network=float(network if network is not None else hw.nic_bandwidth),
        weight_reads=unpacking,
    )


def training(
    model: LanguageModel,
    hw: Hardware,
    calibrated: Calibrated,
    *,
    chips: int,
    sequences: int,
    sequence: int | None = None,
    precision: str = "bf16",
    layout: Layout | None = None,
    micro_batch: int = 0,
    recompute: str = "",
    offload: Sequence[str] = (),
    software: str = "",
    states: str = "",
    year: float = 2026.0,
    network: float | None = None,
    node: int | None = None,
    graphs: bool = False,
    block_scaled: bool = False,
    neighbours: bool = True,
) -> Training:
    """Price one optimizer step of a model on so many chips.

    Parameters
    ----------
    model : LanguageModel
        From the catalogue, or invented.
    hw : Hardware
        The chip with its fitted constants.
    calibrated : Calibrated
        What is fitted.
    chips, sequences, sequence : int
        Chips [1], global batch in sequences [1], and tokens of a sequence [token]; the model's context up to 8192 by
        default.
    precision : str
        Format of the products, a name of :data:`RECIPES_TRAINED`.
    layout : Layout, optional
        How the run is split; searched when left out.
    micro_batch : int
        Sequences of a micro-batch [1]; 0: searched, or 1 with a layout.
    recompute : str
        ``none``, ``attention`` or ``full``; empty: searched, or none with a layout.
    offload : sequence of str
        Parts that the host keeps: ``weights``, ``optimizer``, ``activations``.
    software : str
        Family of training software; empty for a typical one.
    states : str
        What is kept for each weight, a name of ``data/training_states.toml``; empty for the habit of the software.
    year : float
        Date of the software, year with fraction.
    network : float, optional
        Network per chip and direction [byte/s]; that of a usual node by default.
    node : int, optional
        Chips of a node [1].
    graphs : bool
        Whether the step is captured as one graph.
    block_scaled : bool
        Whether narrow formats carry a scale per block.

    neighbours : bool
        Whether to look up the nearest measured runs, which takes longer than the estimate.

    Raises
    ------
    InputError
        Zero counts, a layout that does not divide, or a model that does not fit (by how much, and how many chips it
        takes).
    Unknown
        A precision that the chip lacks.
    """
    for name, value in (("chips", chips), ("sequences", sequences), ("sequence", 1 if sequence is None else sequence)):
        if value < 1:
            raise InputError(
                text("{value} is not a count", value=value), where=name, fix=text("Give a whole number of one or more")
            )
    if precision not in RECIPES_TRAINED:
        raise InputError(
            text("unknown training precision '{name}'", name=precision),
            where="precision",
            fix=text("Use one of: {names}", names=", ".join(RECIPES_TRAINED)),
        )
    shape = shape_of(model)
    require_recipe(hw, precision, where="precision")
    require_memory(hw)
    length = sequence or min(model.max_context or 4096, 8192)
    template = template_run(hw, chips=chips, sequence=length, year=year, network=network, node=node, graphs=graphs)
    labels = labels_of(hw, recipe=precision, software=software, block_scaled=block_scaled)
    found, storage = None, stated_storage(precision, software, states, sharded=chips > 1)
    kept = kept_on_chip(storage, offload)
    if layout is None:
        found = fastest(
            shape, hw, template, sequences=sequences, recipe=precision, constants=calibrated.training.at(labels), storage=storage,
            name=model.name, micro_batch=micro_batch, recompute=recompute, offload=offload,
        )  # fmt: skip
        run, plan = found.run, found.plan
    else:
        plan = checked_plan(Plan(layout, micro_batch or 1, recompute or "none"), shape, template, sequences=sequences)
        run = run_of(plan, template, sequences=sequences)
        _refuse_overfull(shape, hw, run, template, model.name, kept)
    return answer(
        model, hw, shape, run, plan, found, calibrated,
        recipe=precision, labels=labels, storage=storage, rank=0, modules="attention", neighbours=neighbours, offload=offload,
    )  # fmt: skip


def _refuse_overfull(shape: Shape, hw: Hardware, run: Run, template: Run, name: str, storage: Storage) -> None:
    budget = training_budget(shape, run, room=float(hw.memory), storage=storage)
    if budget.verdict == "does not fit":
        count = smallest_chip_count(shape, hw, template, storage=storage)
        raise InputError(
            text(
                "{model} does not fit in this layout: short of {short:.0f} GiB on the fullest chip",
                model=name,
                short=budget.short / GIB,
            ),
            where=text("{chip} has {room:.1f} GiB usable", chip=hw.name, room=budget.room / GIB),
            fix=text(
                "Split it further, recompute, or leave the layout out; at least {count} chips hold it", count=count
            )
            if count
            else text("Choose a larger chip"),
        )


def answer(
    model: LanguageModel,
    hw: Hardware,
    shape: Shape,
    run: Run,
    plan: Plan,
    found: Found | None,
    calibrated: Calibrated,
    *,
    recipe: str,
    labels: Mapping[str, str],
    storage: Storage,
    rank: int,
    modules: str,
    neighbours: bool = True,
    offload: Sequence[str] = (),
    objective: Objective = OBJECTIVES["sft"],
    rollout: float = 0.0,
) -> Training:
    """Everything about a run that is settled; ``neighbours`` looks up the nearest measured runs.

    ``objective`` adds what other models compute in a step, ``rollout`` the time to generate its answers [s].
    """
    constants = calibrated.training.at(labels)
    parts = {name: float(v) for name, v in training_parts(hw, shape, run, recipe=recipe, constants=constants).items()}
    adapters = float(adapter_count(shape, rank=rank, modules=modules)) if rank else 0.0
    moved = offload_seconds(
        shape, run, storage=storage, adapters=adapters, offload=offload, host_bandwidth=float(hw.host_bandwidth)
    )
    if moved:
        parts["host link"] = float(moved)
    parts |= objective_parts(objective, parts, adapters=bool(run.adapters), rollout=rollout)
    total = sum(parts.values())
    tokens = float(run.tokens)
    work = float(model_flops_per_token(shape, run.sequence)) * tokens * (2.0 / 3.0 if run.adapters else 1.0)
    peak = float(hw.peak("bf16" if recipe == "fp16" else {"fp8_block": "fp8"}.get(recipe, recipe)))
    done = work * (1.0 + float(run.recompute) / (2.0 if run.adapters else 3.0))
    budget = training_budget(
        shape, run, room=float(hw.memory), storage=storage, rank=rank, modules=modules, offload=offload
    )
    low, high, basis = _interval(total, hw, shape, calibrated.training, found, tried=objective.name == "sft")
    shares: dict[Bound, float] = {}
    for name, time in parts.items():
        shares[BINDS[name]] = shares.get(BINDS[name], 0.0) + time
    estimate = Estimate(
        quantity="step_time",
        value=total,
        unit="s",
        low=low,
        high=high,
        basis=basis,
        bound=max(shares, key=lambda b: shares[b]),
        breakdown=tuple(Part(name, time, BINDS[name]) for name, time in parts.items()),
        breakdown_total=total,
        inputs=_inputs(model, hw, run, plan, recipe, labels),
        nearest=calibrated.evidence.trained_alike(model, hw, weights=float(shape.active_weights), recipe=recipe)
        if neighbours
        else (),
        sources=hw.sources,
        notes=_notes(found, hw),
    )
    return Training(
        estimate=estimate,
        run=run,
        plan=plan,
        searched=found,
        tokens_per_s=tokens / total,
        tokens_per_s_per_chip=tokens / total / float(run.chips),
        mfu=work / total / float(run.chips) / peak,
        hfu=done / total / float(run.chips) / peak,
        budget=budget,
        energy_per_step=power_under_load(hw, ((time, BINDS[name]) for name, time in parts.items()))
        * total
        * float(run.chips),
        tokens_per_step=tokens,
    )


def _interval(
    total: float, hw: Hardware, shape: Shape, fitted: TrainingConstants, found: Found | None, *, tried: bool
) -> tuple[float, float, Any]:
    """The band of a step and its basis; ``tried`` is false for what no fitted run did."""
    kind = "moe" if shape.experts else "dense"
    known = tried and fitted.was_fitted(hw.arch, experts=bool(shape.experts))
    situation = kind if known else "unseen architecture"
    low, high = interval(total, situation, "all", bands=fitted.bands)
    if found is not None:
        # a searched layout is the best that the model knows; real runs are between it and the others that fit
        low, high = min(low, found.low), max(high, float(np.sqrt(high * max(found.high, high))))
    return low, high, "calibrated" if known else "extrapolated"


def _inputs(
    model: LanguageModel, hw: Hardware, run: Run, plan: Plan, recipe: str, labels: Mapping[str, str]
) -> dict[str, Any]:
    layout = plan.layout
    return {
        "model": model.id,
        "chip": hw.id,
        "chips": int(run.chips),
        "sequence_tokens": int(run.sequence),
        "global_batch_sequences": round(float(run.micro_batch) * float(run.micro_batches) * float(run.data)),
        "precision": recipe,
        "tensor": layout.tensor,
        "pipeline": layout.pipeline,
        "virtual": layout.virtual,
        "context": layout.context,
        "expert": layout.expert,
        "data": int(run.data),
        "micro_batch": plan.micro_batch,
        "fsdp": layout.shards > 1,
        "recompute": plan.recompute,
        "software": labels["software"] or "typical",
        "software_age_years": float(run.age),
        "network_bytes_per_s_per_chip": float(run.network),
        "chips_per_node": int(run.node),
    }


def _notes(found: Found | None, hw: Hardware) -> tuple[Text, ...]:
    notes = []
    if found is not None:
        notes.append(
            text(
                "layout searched: the fastest of {fitting} that fit ({priced} priced); sensible ones reach {factor:.2f} x its time",
                fitting=found.fitting,
                priced=found.priced,
                factor=found.high / found.step,
            )
        )
    notes.append(text("a step without evaluation, saving of state, failures or stops; experts balanced"))
    if hw.assumed:
        notes.append(text("not published and assumed: {names}", names=", ".join(hw.assumed)))
    return tuple(notes)
