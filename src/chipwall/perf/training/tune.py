"""Fine-tuning: full, LoRA, and LoRA on a packed base (QLoRA); memory by part with a verdict, and the step time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from chipwall.catalog.records import Chip, LanguageModel
from chipwall.errors import InputError
from chipwall.perf.adapters import ADAPTED
from chipwall.perf.budget import Budget, FitVerdict, Term, usable_memory
from chipwall.perf.calibrated import Calibrated
from chipwall.perf.device import Hardware, hardware, require_memory, require_recipe
from chipwall.perf.formats import FORMATS
from chipwall.perf.layout import Layout
from chipwall.perf.training.constants import LOOPED, labels_of
from chipwall.perf.training.memory import (
    MIXED,
    Storage,
    adapter_count,
    kept_on_chip,
    training_budget,
)
from chipwall.perf.training.preference import BESIDE, OBJECTIVES, Objective, frozen_copies, storage_beside
from chipwall.perf.training.search import (
    Found,
    Plan,
    candidates,
    checked_plan,
    fastest,
    run_of,
    smallest_chip_count,
    thriftiest,
)
from chipwall.perf.training.shape import Shape, shape_of
from chipwall.perf.training.states import stated_storage
from chipwall.perf.training.train import Training, answer, template_run
from chipwall.perf.training.workload import Run, lone_run
from chipwall.text import Text, text
from chipwall.units import BITS_PER_BYTE

__all__ = [
    "BASES",
    "METHODS",
    "Finetuning",
    "finetuning",
    "tuned_storage",
    "tuning_budget",
    "unpacking_bytes",
]

METHODS = ("lora", "full")
# Bytes that the loss of adapters keeps for each logit [byte]: logits in 16 and 32 bits and their gradients; a piece of the
# batch at a time; or nothing, where product, loss and gradient are one kernel.
LOGITS = {"whole": 12.0, "pieces": 1.5, "fused": 0.0}
# Formats that a frozen base may be kept in; narrower than 16 bits means that it is widened before each product.
BASES = tuple(FORMATS)
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
    budget : Budget
        Memory of the fullest chip by part, each with its formula.
    plan : Plan
        How the run is split.
    objective : str
        What is trained for, a key of :data:`~chipwall.perf.training.preference.OBJECTIVES`.
    sequences : int
        Sequences of one optimizer step, all answers counted [1].
    smallest_chips : int
        Fewest chips, of the counts that people use, that hold it [1]; 0 where none does.
    step : Training or None
        Step time and all that follows; None where it does not fit.
    why : Text
        Why there is no step time, where there is none.
    """

    method: str
    base: str
    rank: int
    adapters: float
    budget: Budget
    plan: Plan
    sequences: int
    smallest_chips: int
    step: Training | None
    why: Text
    objective: str = "sft"

    @property
    def memory(self) -> dict[str, float]:
        """Memory of the fullest chip by part [byte]."""
        return {t.key: t.bytes for t in self.budget.terms if t.where == "chip"}

    @property
    def fit(self) -> FitVerdict:
        """``fits``, ``tight`` or ``does not fit``."""
        return self.budget.verdict


@dataclass(frozen=True, slots=True)
class _Question:
    """What is asked, as the engines want it."""

    shape: Shape
    template: Run
    storage: Storage
    rank: int
    modules: str
    sequences: int
    layout: Layout | None
    micro_batch: int
    recompute: str
    offload: Sequence[str]
    objective: Objective = OBJECTIVES["sft"]

    @property
    def beside(self) -> tuple[str, ...]:
        """Models that are held beside the trained one."""
        lora = bool(self.rank)
        critic = ("critic",) if self.objective.critic and not lora else ()
        return (*frozen_copies(self.objective, adapters=lora), *critic)

    @property
    def whole(self) -> Storage:
        """The storage with every model that is held, for the search of a plan."""
        found = self.storage
        for name in self.beside:
            found = storage_beside(found, self.objective, name, adapters=bool(self.rank))
        return found

    @property
    def adapters(self) -> float:
        """Adapter weights [1]."""
        return float(adapter_count(self.shape, rank=self.rank, modules=self.modules)) if self.rank else 0.0

    def budget(self, plan: Plan, room: float) -> Budget:
        """Memory of the fullest chip under a plan."""
        run = run_of(plan, self.template, sequences=self.sequences)

        def held(storage: Storage) -> Budget:
            return training_budget(
                self.shape, run, room=room, storage=storage, rank=self.rank, modules=self.modules, offload=self.offload
            )

        found, storage = held(self.storage), self.storage
        terms = found.terms
        for name in self.beside:
            before, storage = storage, storage_beside(storage, self.objective, name, adapters=bool(self.rank))
            more = held(storage).need - held(before).need
            words = text("the weights once more, split as those of the model")
            terms = (*terms, Term(name, BESIDE[name], more, words))
        return replace(found, terms=terms)


def unpacking_bytes(base: str) -> float:
    """Bytes moved per base weight and pass to widen it [byte]: read packed, write 16 bits, read them again; 0 for 16 bits."""
    size = FORMATS[base].bits / BITS_PER_BYTE
    return size + 4.0 if size < 2.0 and FORMATS[base].maths != "fp8" else 0.0


def finetuning(
    model: LanguageModel,
    hw: Hardware,
    calibrated: Calibrated,
    *,
    chips: int = 1,
    method: str = "lora",
    base: str = "bf16",
    rank: int = 16,
    modules: str = "attention",
    sequences: int = 0,
    sequence: int = USUAL_LENGTH,
    precision: str = "bf16",
    layout: Layout | None = None,
    micro_batch: int = 0,
    recompute: str = "full",
    offload: Sequence[str] = (),
    software: str = "",
    states: str = "",
    year: float = 2026.0,
    logits: str = "pieces",
    document: float = 0.0,
    objective: str = "sft",
    group: int = 0,
    rollout: float = 0.0,
    neighbours: bool = True,
) -> Finetuning:
    """Memory and step time of fine-tuning.

    Parameters
    ----------
    model : LanguageModel
        From the catalogue, or invented.
    hw : Hardware
        The chip with its fitted constants.
    calibrated : Calibrated
        What is fitted.
    chips, sequences, sequence : int
        Chips [1], sequences of one optimizer step (0: one for each chip) [1], and tokens of a sequence [token].
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
    micro_batch : int
        Sequences of a micro-batch [1]; 0: searched, or 1 with a layout.
    recompute : str
        ``none``, ``attention`` or ``full``; empty to have it searched.
    offload : sequence of str
        Parts that the host keeps: ``weights``, ``optimizer``, ``activations``.
    software, year : str and float
        Family and date of the software.
    states : str
        What a full fine-tune keeps for each weight, a name of ``data/training_states.toml``; empty for the habit of the
        software.
    logits : str
        What the loss of adapters keeps of the logits, a key of :data:`LOGITS`: all of them, pieces, or (fused with its own
        gradient) none; a full fine-tune keeps what :func:`~chipwall.perf.training.train.training` keeps.
    document : float
        Mean tokens of the documents packed into a sequence, each attending to itself alone [token]; 0: one fills it.
    objective : str
        What is trained for: a key of :data:`~chipwall.perf.training.preference.OBJECTIVES`; ``sequences`` then counts
        examples, of two sequences where they are pairs.
    group : int
        Answers that are generated for a prompt [1]; 0: the usual number.
    rollout : float
        Time to generate the answers of a step [s].
    neighbours : bool
        Whether to look up the nearest measured runs, which takes longer than the estimate.

    Limits
    ------
    Memory within about 6 % (mean) of published peaks where the layout is known; frameworks that cast a packed base to 32
    bits are above it.
    """
    aim = _aim(objective, group)
    batch = (sequences or chips) * aim.answers
    _checked(
        chips=chips,
        method=method,
        base=base,
        rank=rank,
        modules=modules,
        sequences=batch,
        sequence=sequence,
        logits=logits,
    )
    require_recipe(hw, precision, where="precision")
    require_memory(hw)
    lora = method == "lora"
    if not lora and base != "bf16":
        raise InputError(
            text("all weights are trained, so that the base cannot be kept in {base}", base=base),
            where="base",
            fix=text("Leave the base out, or use method lora"),
        )
    template = template_run(
        hw,
        chips=chips,
        sequence=sequence,
        year=year,
        adapters=lora,
        unpacking=unpacking_bytes(base) if lora else 0.0,
    )
    if lora and states:
        raise InputError(
            text("adapters alone are trained: their states are 16 bytes a weight"),
            where="states",
            fix=text("Leave the states out, or use method full"),
        )
    template = replace(
        template, document=float(document), adapted_blocks=float(modules == "all"),
        looped=float(model.is_moe and software in LOOPED),
    )  # fmt: skip
    sharded = chips > 1
    storage = (
        tuned_storage(base, logits=logits) if lora else stated_storage(precision, software, states, sharded=sharded)
    )
    q = _Question(
        shape_of(model),
        template,
        storage,
        rank if lora else 0,
        modules,
        batch,
        layout,
        micro_batch,
        recompute,
        tuple(offload),
        aim,
    )
    labels = labels_of(hw, recipe=precision, software=software)
    plan, found, why = _settled(q, hw, precision, calibrated.training.at(labels))
    budget = q.budget(plan, float(hw.memory))
    step = None
    if budget.verdict != "does not fit" and not why:  # tight ones are priced: they may run
        step = answer(
            model, hw, q.shape, run_of(plan, template, sequences=batch), plan, found, calibrated,
            recipe=precision, labels=labels, storage=q.storage, rank=q.rank, modules=modules, neighbours=neighbours,
            offload=q.offload, objective=aim, rollout=rollout,
        )  # fmt: skip
        step = replace(step, budget=budget)
    kept = kept_on_chip(q.whole, q.offload)
    return Finetuning(
        method=method,
        base=base if lora else "bf16",
        rank=q.rank,
        adapters=q.adapters,
        budget=budget,
        plan=plan,
        sequences=batch,
        smallest_chips=smallest_chip_count(q.shape, hw, template, storage=kept, adapters=q.adapters),
        step=step,
        why=why,
        objective=aim.name,
    )


def _aim(name: str, group: int) -> Objective:
    """The objective of a name, with as many answers to a prompt as are asked for."""
    if name not in OBJECTIVES:
        raise InputError(
            text("unknown {name} '{word}'", name="objective", word=name),
            where="objective",
            fix=text("Use one of: {names}", names=", ".join(OBJECTIVES)),
        )
    found = OBJECTIVES[name]
    if group and not found.generates:
        raise InputError(
            text("{objective} generates no answers: there is no group of them", objective=name),
            where="group",
            fix=text("Leave the group out, or use objective grpo or ppo"),
        )
    return replace(found, answers=group) if group else found


def tuning_budget(
    model: LanguageModel,
    chip: Chip,
    calibrated: Calibrated,
    *,
    chips: int = 1,
    base: str = "bf16",
    rank: int = 16,
    modules: str = "attention",
    sequences: int = 0,
    sequence: int = USUAL_LENGTH,
) -> Budget:
    """Memory of adapters on a frozen base: that of :func:`finetuning`, without the time of a step.

    One chip needs no published rate, only a memory; over several the plan is searched by time, as there.

    Parameters
    ----------
    chip : Chip
        From the catalogue, or invented.
    model, calibrated, chips, base, rank, modules, sequences, sequence
        As in :func:`finetuning`.

    Limits
    ------
    Those of :func:`finetuning`.
    """
    if chips > 1:
        return finetuning(
            model, hardware(chip, calibrated.kernels), calibrated, chips=chips, base=base, rank=rank, modules=modules,
            sequences=sequences, sequence=sequence, neighbours=False,
        ).budget  # fmt: skip
    batch = sequences or 1
    _checked(chips=chips, method="lora", base=base, rank=rank, modules=modules, sequences=batch, sequence=sequence)
    room, _ = usable_memory(chip)
    template = lone_run(sequence, adapters=True, recompute=1.0)
    q = _Question(shape_of(model), template, tuned_storage(base), rank, modules, batch, None, 1, "full", ())
    return q.budget(Plan(Layout(), 1, "full"), room)


def tuned_storage(base: str, *, logits: str = "pieces") -> Storage:
    """What is kept beside a base of this format; embeddings and head stay in 16 bits under narrower ones."""
    size = FORMATS[base].bits / BITS_PER_BYTE
    return replace(MIXED, weight=size, embedding=max(size, 2.0), logit=LOGITS[logits])


def _checked(
    *,
    chips: int,
    method: str,
    base: str,
    rank: int,
    modules: str,
    sequences: int,
    sequence: int,
    logits: str = "pieces",
) -> None:
    for name, value in (("chips", chips), ("rank", rank), ("sequences", sequences), ("sequence", sequence)):
        if value < 1:
            raise InputError(
                text("{value} is not a count", value=value), where=name, fix=text("Give a whole number of one or more")
            )
    for name, word, known in (
        ("method", method, METHODS), ("base", base, BASES), ("modules", modules, ADAPTED), ("logits", logits, tuple(LOGITS)),
    ):  # fmt: skip
        if word not in known:
            raise InputError(
                text("unknown {name} '{word}'", name=name, word=word),
                where=name,
                fix=text("Use one of: {names}", names=", ".join(known)),
            )


def _settled(q: _Question, hw: Hardware, recipe: str, constants: Mapping[str, float]) -> tuple[Plan, Found | None, Text]:
    """The plan that is priced: the one given, that of a single chip, or the fastest that fits; and why there is none."""
    given = q.layout if q.layout is not None else Layout() if q.template.chips == 1 else None
    if given is not None:
        plan = Plan(given, q.micro_batch or 1, q.recompute or "none")
        return checked_plan(plan, q.shape, q.template, sequences=q.sequences), None, Text("")
    try:
        found = fastest(
            q.shape, hw, q.template, sequences=q.sequences, recipe=recipe, constants=constants, storage=q.whole,
            adapters=q.adapters, micro_batch=q.micro_batch, recompute=q.recompute, offload=q.offload,
        )  # fmt: skip
    except InputError as refusal:
        if not candidates(
            q.shape, hw, q.template, sequences=q.sequences, micro_batch=q.micro_batch, recompute=q.recompute
        ):
            raise
        # nothing fits: the memory of the thriftiest plan is told, with the verdict
        kept = kept_on_chip(q.whole, q.offload)
        plan, _ = thriftiest(q.shape, hw, q.template, storage=kept, adapters=q.adapters, recompute=q.recompute)
        return plan, None, Text.of(refusal.what)
    return found.plan, found, Text("")
