"""Training and fine-tuning: words to the engines, and their records to answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from chipwall.answer import Answer, Figure, Line
from chipwall.api.doors import calibrated_in_use, chip_of, door, exact, figure_of, lines_of, model_of, source_of
from chipwall.api.serving import MOST_TOKENS, AmountLike
from chipwall.catalog.records import Chip, LanguageModel
from chipwall.errors import InputError
from chipwall.inputs import choice, choices, count, data_rate, flag, number
from chipwall.perf.calibrated import Calibrated
from chipwall.perf.device import hardware
from chipwall.perf.layout import Layout, layout_words
from chipwall.perf.training.train import Training, run_energy, run_time, training
from chipwall.text import text

__all__ = ["train", "train_answer", "training_json", "tune", "tune_answer", "tuning_json"]


@door
def train(
    model: str | LanguageModel,
    chip: str | Chip,
    *,
    chips: int = 8,
    batch: int = 256,
    length: int | None = None,
    precision: str = "bf16",
    tensor: int | None = None,
    pipeline: int | None = None,
    virtual: int | None = None,
    context: int | None = None,
    expert: int | None = None,
    micro_batch: int | None = None,
    fsdp: bool = False,
    recompute: str | None = None,
    offload: str | Sequence[str] | None = None,
    tokens: float | None = None,
    network: AmountLike | None = None,
    software: str | None = None,
    states: str | None = None,
    year: float = 2026.0,
    graphs: bool = False,
) -> Answer:
    """Step time, utilisation, memory and energy of training; with ``tokens``, time and energy of the whole run.

    Parameters
    ----------
    model, chip : str or record
        ``"llama-3-70b"``, ``"h100"``, or records.
    chips : int
        Chips that train together [1].
    batch : int
        Sequences of one optimizer step, all chips together [1].
    length : int
        Tokens of a sequence; the model's context, 8192 at most, by default [token].
    precision : str
        Format of the products: bf16, fp16, fp8, fp8_block, fp4.
    tensor, pipeline, virtual, context, expert : int
        Layout; any of them fixes it, without them it is searched.
    fsdp : bool
        Shard the weights over the data-parallel chips; fixes the layout too.
    micro_batch, recompute : int, str
        Sequences of a micro-batch, and none, attention or full; searched with the layout, or held in the search.
    offload : str or list of str
        What the host keeps: weights, optimizer, activations; its link's time is counted.
    tokens : float
        Tokens of the whole run [token].
    network : str or float
        Per chip and direction: ``"400 Gbit/s"``, or byte/s.
    software, year : str, float
        Family of software, and its date as a year with fraction.
    states : str
        What is kept for each weight: ``mixed``, ``bf16``, ``fp32``, ``bf16-8bit`` ...; the habit of the software by default.
    graphs : bool
        The whole step is captured as one graph.

    Returns
    -------
    Answer
        Figures ``step`` [s], ``rate`` [token/s], ``mfu`` [1], ``energy_per_token`` [J/token], and with ``tokens`` also
        ``time`` [s] and ``energy`` [J].
    """
    from chipwall.perf.training.memory import OFFLOADED
    from chipwall.perf.training.search import RECOMPUTE
    from chipwall.perf.training.states import known_states
    from chipwall.perf.training.train import RECIPES_TRAINED

    whole = None if tokens is None else number(tokens, "tokens", above=0, most=1e18, example="15e12")
    record, machine = model_of(model), chip_of(chip)
    layout = _training_layout(
        {
            "tensor": tensor,
            "pipeline": pipeline,
            "virtual": virtual,
            "context": context,
            "expert": expert,
        },
        chips=count(chips, "chips"),
        fsdp=flag(fsdp, "fsdp"),
    )
    calibrated = calibrated_in_use()
    found = training(
        record,
        hardware(machine, calibrated.kernels),
        calibrated,
        chips=count(chips, "chips"),
        sequences=count(batch, "batch", most=10_000_000),
        sequence=None if length is None else count(length, "length", most=int(MOST_TOKENS)),
        precision=choice(precision, "precision", RECIPES_TRAINED),
        layout=layout,
        micro_batch=0 if micro_batch is None else count(micro_batch, "micro_batch", most=100_000),
        recompute="" if recompute is None else choice(recompute, "recompute", tuple(RECOMPUTE)),
        offload=() if offload is None else choices(offload, "offload", OFFLOADED),
        software=_software(software),
        states="" if states is None else choice(states, "states", known_states()),
        year=number(year, "year", least=2016, most=2040, example="2026.5"),
        graphs=flag(graphs, "graphs"),
        network=None if network is None else data_rate(network, "network"),
    )
    return train_answer(record, machine, found, tokens=whole)


def _software(software: str | None) -> str:
    from chipwall.perf.training.constants import software_families

    return "" if software is None else choice(software, "software", software_families(calibrated_in_use().training))


def _training_layout(ways: Mapping[str, Any], *, chips: int, fsdp: bool) -> Layout | None:
    """The layout that some ways fix, the others at one; None where nothing is given."""
    given: dict[str, Any] = {n: count(v, n, most=100_000) for n, v in ways.items() if v is not None}
    if not given and not fsdp:
        return None
    made = replace(Layout(), **given)
    copies = max(chips // (made.tensor * made.pipeline * made.context), 1)
    return replace(made, data=copies, shards=copies * made.context if fsdp else 1)


def train_answer(model: LanguageModel, chip: Chip, found: Training, *, tokens: float | None = None) -> Answer:
    """The engine's record of training as an answer."""
    e = found.estimate
    per_token = found.energy_per_step / found.tokens_per_step

    def inverse(scale: float, unit: str) -> Figure:
        return Figure(scale / e.value, scale / e.high, scale / e.low, unit, e.basis)

    figures = {
        "step": figure_of(e),
        "rate": inverse(found.tokens_per_step, "token/s"),
        "mfu": inverse(found.mfu * e.value, "1"),
        "energy_per_token": Figure(
            per_token, per_token * e.low / e.value, per_token * e.high / e.value, "J/token", e.basis
        ),
    }
    whole = None
    if tokens is not None:
        time = run_time(tokens, tokens_per_s=found.tokens_per_s)
        energy = run_energy(tokens, energy_per_step=found.energy_per_step, tokens_per_step=found.tokens_per_step)
        whole = {"tokens": tokens, "time_s": time, "energy_j": energy}
        for name, value, unit in (("time", time, "s"), ("energy", energy, "J")):
            figures[name] = Figure(value, value * e.low / e.value, value * e.high / e.value, unit, e.basis)
    memory = tuple(Line(n, float(v), "byte") for n, v in found.memory.items() if v)
    return Answer(
        "train",
        text("Training {model} on {n} x {chip}", model=model.name, n=int(e.inputs["chips"]), chip=chip.name),
        figures,
        found,
        lines=(*lines_of(e), *memory),
        notes=e.notes,
        sources=tuple(dict.fromkeys([*e.sources, model.source])),
        measured=e.nearest,
        data=lambda: {**training_json(found), "run": whole},
        source_of=source_of,
    )


def training_json(found: Training) -> dict[str, Any]:
    """A training estimate as plain values."""
    return {
        **found.estimate.as_json(),
        "layout_searched": found.searched is not None,
        "tokens_per_s": found.tokens_per_s,
        "tokens_per_s_per_chip": found.tokens_per_s_per_chip,
        "mfu": found.mfu,
        "hfu": found.hfu,
        "memory": found.budget.as_json(),
        "memory_bytes": dict(found.memory),
        "memory_room_bytes": found.memory_room,
        "fit": found.fit,
        "energy_per_step_j": found.energy_per_step,
        "energy_per_token_j": found.energy_per_step / found.tokens_per_step,
    }


@door
def tune(
    model: str | LanguageModel,
    chip: str | Chip,
    *,
    chips: int = 1,
    method: str = "lora",
    base: str = "bf16",
    rank: int = 16,
    modules: str = "attention",
    batch: int | None = None,
    length: int = 2048,
    precision: str = "bf16",
    tensor: int | None = None,
    pipeline: int | None = None,
    virtual: int | None = None,
    context: int | None = None,
    expert: int | None = None,
    fsdp: bool = False,
    micro_batch: int | None = None,
    recompute: str = "full",
    offload: str | Sequence[str] | None = None,
    document: float | None = None,
    logits: str = "pieces",
    software: str | None = None,
    states: str | None = None,
    year: float = 2026.0,
    objective: str = "sft",
    group: int | None = None,
    completion: float | None = None,
) -> Answer:
    """Does fine-tuning fit, and how fast is it: full, LoRA, or LoRA on a packed base (QLoRA).

    Parameters
    ----------
    model, chip : str or record
        ``"llama-2-70b"``, ``"h200"``, or records.
    chips, batch, length : int
        Chips [1], sequences of one optimizer step (one for each chip by default) [1], tokens of a sequence [token].
    method, base : str
        ``lora`` or ``full``; format of the frozen base (bf16, fp8, int8, int4, nf4).
    rank, modules : int, str
        Rank of the adapters, and which matrices get them: ``attention`` or ``all``.
    precision : str
        Format of the products.
    tensor, pipeline, virtual, context, expert, fsdp, micro_batch, recompute, offload
        As in :func:`train`; ``recompute`` is full unless said otherwise.
    document : float
        Mean tokens of the documents packed into a sequence; one fills it by default [token].
    logits : str
        What the loss of adapters keeps of the logits: ``whole``, ``pieces``, or (fused with its gradient) none, ``fused``.
    software, year : str, float
        Family of software, and its date as a year with fraction.
    states : str
        What a full fine-tune keeps for each weight, as in :func:`train`.
    objective : str
        ``sft``, or tuning on preferences and rewards: ``dpo``, ``ipo``, ``kto``, ``orpo``, ``simpo``, ``reward`` (a reward
        model), ``grpo``, ``ppo``. ``batch`` then counts pairs, or prompts.
    group : int
        Answers that are generated for each prompt; 8 for ``grpo`` by default [1].
    completion : float
        Tokens of a generated answer; half of ``length`` by default [token].

    Returns
    -------
    Answer
        Figures ``needed``, ``memory`` [byte per chip], ``smallest_chips`` [1] and, where it fits, ``step`` [s] and
        ``rate`` [token/s]; ``fit`` is the verdict.
    """
    from chipwall.perf.adapters import ADAPTED
    from chipwall.perf.training.memory import OFFLOADED
    from chipwall.perf.training.preference import OBJECTIVES
    from chipwall.perf.training.search import RECOMPUTE
    from chipwall.perf.training.states import known_states
    from chipwall.perf.training.train import RECIPES_TRAINED
    from chipwall.perf.training.tune import BASES, LOGITS, METHODS, finetuning

    record, machine = model_of(model), chip_of(chip)
    how = choice(method, "method", METHODS)
    kept = choice(base, "base", BASES)
    if how == "full" and kept != "bf16":
        raise InputError(
            text("full fine-tuning trains 16-bit weights: there is no frozen base"),
            where="base",
            fix=text("Leave base out, or use method 'lora'"),
        )
    aim, answers = (
        choice(objective, "objective", tuple(OBJECTIVES)),
        0 if group is None else count(group, "group", most=10_000),
    )
    examples = count(chips, "chips") if batch is None else count(batch, "batch", most=10_000_000)
    sequence = count(length, "length", most=int(MOST_TOKENS))
    rollout = 0.0
    calibrated = calibrated_in_use()
    if OBJECTIVES[aim].generates:
        drawn = examples * (answers or OBJECTIVES[aim].answers)
        rollout = _rollout(
            record, machine, calibrated, chips=int(chips), sequences=drawn, length=sequence, completion=completion
        )
    elif completion is not None:
        raise InputError(
            text("{objective} generates no answers: they have no length", objective=aim),
            where="completion",
            fix=text("Leave the completion out, or use objective grpo or ppo"),
        )
    found = finetuning(
        record,
        hardware(machine, calibrated.kernels),
        calibrated,
        chips=count(chips, "chips"),
        method=how,
        base=kept,
        rank=count(rank, "rank", most=65_536),
        modules=choice(modules, "modules", ADAPTED),
        sequences=examples,
        sequence=sequence,
        precision=choice(precision, "precision", RECIPES_TRAINED),
        layout=_training_layout(
            {"tensor": tensor, "pipeline": pipeline, "virtual": virtual, "context": context, "expert": expert},
            chips=count(chips, "chips"),
            fsdp=flag(fsdp, "fsdp"),
        ),
        micro_batch=0 if micro_batch is None else count(micro_batch, "micro_batch", most=100_000),
        recompute=choice(recompute, "recompute", tuple(RECOMPUTE)),
        offload=() if offload is None else choices(offload, "offload", OFFLOADED),
        document=0.0 if document is None else number(document, "document", least=1, most=MOST_TOKENS),
        logits=choice(logits, "logits", tuple(LOGITS)),
        software=_software(software),
        states="" if states is None else choice(states, "states", known_states()),
        year=number(year, "year", least=2016, most=2040, example="2026.5"),
        objective=aim,
        group=answers,
        rollout=rollout,
    )
    return tune_answer(record, machine, found, chips=int(chips))


def _rollout(
    model: LanguageModel, chip: Chip, calibrated: Calibrated, *, chips: int, sequences: int, length: int,
    completion: float | None,
) -> float:  # fmt: skip
    """Time to generate the answers of a step on the same chips, all started at one moment [s]."""
    from chipwall.perf.serving.serve import Question, serving
    from chipwall.perf.serving.setup import serving_hardware

    drawn = length / 2.0 if completion is None else number(completion, "completion", least=1, most=MOST_TOKENS)
    if not drawn < length:
        raise InputError(
            text("answers of {tokens:,.0f} tokens leave no prompt in {length:,}", tokens=drawn, length=length),
            where="completion",
            fix=text("Give fewer tokens than the length of a sequence"),
        )
    asked = Question(prompt=length - drawn, output=drawn, chips=chips, burst=float(sequences), precision="bf16")
    machine = serving_hardware(chip, calibrated)
    return sequences * drawn / serving(model, machine, asked, calibrated).throughput.value


def tune_answer(model: LanguageModel, chip: Chip, found: Any, *, chips: int) -> Answer:
    """The engine's record of fine-tuning as an answer."""
    figures = {
        "needed": exact(found.budget.need, "byte"),
        "memory": exact(found.budget.room, "byte"),
    }
    if found.smallest_chips:
        figures["smallest_chips"] = exact(found.smallest_chips, "1")
    memory = tuple(Line(t.name, float(t.bytes), "byte", "", t.formula) for t in found.budget.terms)
    sources: tuple[str, ...] = (model.source,)
    title = text("Fine-tuning {model} on {n} x {chip}", model=model.name, n=chips, chip=chip.name)
    if found.step is None:
        return Answer(
            "tune",
            title,
            figures,
            found,
            lines=memory,
            notes=(found.why,) if found.why else (),
            sources=sources,
            data=lambda: tuning_json(found),
            source_of=source_of,
        )
    step = train_answer(model, chip, found.step)
    return Answer(
        "tune",
        title,
        {**figures, "step": step.figures["step"], "rate": step.figures["rate"]},
        found,
        lines=(*lines_of(found.step.estimate), *memory),
        notes=step.notes,
        sources=tuple(dict.fromkeys([*step.sources, *sources])),
        measured=step.measured,
        data=lambda: tuning_json(found),
        source_of=source_of,
    )


def tuning_json(found: Any) -> dict[str, Any]:
    """A fine-tuning estimate as plain values."""
    return {
        "method": found.method,
        "objective": found.objective,
        "base": found.base,
        "rank": found.rank,
        "adapter_weights": found.adapters,
        "fit": found.fit,
        "sequences": found.sequences,
        "layout": layout_words(found.plan.layout),
        "micro_batch": found.plan.micro_batch,
        "recompute": found.plan.recompute,
        "memory": found.budget.as_json(),
        "memory_bytes": dict(found.memory),
        "memory_total_bytes": found.budget.need,
        "memory_room_bytes": found.budget.room,
        "short_bytes": found.budget.short,
        "smallest_chips": found.smallest_chips or None,
        "why_no_step": found.why or None,
        "step": None if found.step is None else training_json(found.step),
    }
