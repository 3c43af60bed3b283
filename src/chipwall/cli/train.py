"""``chipwall train`` and ``chipwall finetune``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from chipwall.cli.kinds import CHIP, COUNT, LENGTH, MANY, MODEL, TOKENS, WORD, YEAR, Count, NumberFrom, OneOf, Words
from chipwall.cli.options import F, Out, answer_options, command, with_options
from chipwall.errors import InputError
from chipwall.files import write_whole
from chipwall.report.forms.table import Cell, Column, Table
from chipwall.report.pages.memory import FIT_VERDICTS, budget_table
from chipwall.text import Text, text
from chipwall.units import DAY, GIB, format_quantity

if TYPE_CHECKING:
    from chipwall.perf.calibrated import Calibrated

__all__ = ["finetune", "train_command", "training_calibration"]


def _layout_options(function: F) -> F:
    """How a step is cut over the chips, and what the host keeps of it; beside ``--tensor``, which says what they do."""
    return with_options(
        function,
        click.option("--pipeline", type=COUNT, help="Pipeline stages."),
        click.option("--virtual", type=COUNT, help="Virtual stages per chip (interleaved pipeline)."),
        click.option("--context", type=COUNT, help="Context-parallel ways."),
        click.option("--expert", type=COUNT, help="Expert-parallel ways."),
        click.option("--micro-batch", type=COUNT, help="Sequences of one micro-batch."),
        click.option("--fsdp", is_flag=True, help="Shard the weights over the data-parallel chips."),
        click.option(
            "--offload", type=Words("weights", "optimizer", "activations"), help="What the host keeps, with commas."
        ),
    )


def _software_options(known: str) -> Callable[[F], F]:
    """The software and its date, and what it keeps for each weight; ``known`` lists some."""

    def added(function: F) -> F:
        return with_options(
            function,
            click.option("--software", type=WORD, help=known),
            click.option(
                "--states",
                type=WORD,
                help="Kept for each weight: mixed, bf16, fp32, bf16-8bit and others. Default: the software's habit.",
            ),
            click.option(
                "--year",
                type=YEAR,
                default=2026.0,
                show_default=True,
                help="Date of the software, as a year with fraction.",
            ),
        )

    return added


@command()
@click.argument("model", type=MODEL)
@click.option("--chip", type=CHIP, required=True, help="The chip, for example h100.")
@click.option("--chips", "-n", type=COUNT, default=8, show_default=True, help="How many chips train together.")
@click.option(
    "--batch", type=MANY, default=256, show_default=True, help="Sequences of one optimizer step, all chips together."
)
@click.option("--length", type=LENGTH, help="Tokens of a sequence. Default: the model's context, 8192 at most.")
@click.option(
    "--precision",
    type=WORD,
    default="bf16",
    show_default=True,
    help="Format of the products: bf16, fp16, fp8, fp8_block, fp4.",
)
@click.option(
    "--tensor",
    type=COUNT,
    help="Tensor-parallel ways. Any layout option fixes the layout; without them it is searched.",
)
@_layout_options
@click.option(
    "--recompute",
    type=OneOf("none", "attention", "full"),
    help="Computed again in the backward pass. Default: searched, or none with a layout.",
)
@click.option(
    "--tokens",
    type=NumberFrom("tokens", above=0, most=1e18, example="15e12"),
    help="Tokens of the whole run: adds its time and energy, for example 15e12.",
)
@click.option(
    "--network",
    type=WORD,
    help="Network per chip and direction, for example '400 Gbit/s'. Default: that of a usual node.",
)
@_software_options("megatron, nemo, fsdp2, maxtext and others. Default: typical.")
@click.option("--graphs", is_flag=True, help="The whole step is captured as one graph.")
@answer_options
def train_command(model: str, chip: str, out: Out, **asked: Any) -> None:
    """Step time, MFU, tokens per second, memory, time and energy to train MODEL."""
    from chipwall.api.training import train as ask

    answer = ask(model, chip, **asked)
    found, whole = answer.record, answer.to_dict()["run"]
    tables = [_summary(answer.title, found, whole)]
    if out.explain:
        tables += [_parts(found.estimate), budget_table(found.budget)]
    out.show(*tables, data=answer.to_dict(), why=answer)


def _share(value: float) -> Cell:
    return Cell(f"{100 * value:.1f} %", value)


def _layout_words(found: Any) -> str:
    i = found.estimate.inputs
    # VP is the usual short form of virtual (interleaved) pipeline stages
    interleaved = f" (VP {i['virtual']})" if i["virtual"] > 1 else ""
    words = f"TP {i['tensor']} x PP {i['pipeline']}{interleaved} x CP {i['context']} x DP {i['data']}"
    expert = f", EP {i['expert']}" if i["expert"] > 1 else ""
    fsdp = ", FSDP" if i["fsdp"] else ""
    return text(
        "{ways}, micro-batch {micro}, recompute {recompute}",
        ways=words + expert + fsdp,
        micro=i["micro_batch"],
        recompute=Text.of(str(i["recompute"])),
    )


def _summary(title: str, found: Any, whole: dict[str, float] | None) -> Table:
    e = found.estimate
    rows: list[tuple[object, ...]] = [
        (text("step time"), Cell(format_quantity(e.value, "s"), e.value)),
        (text("80 % interval"), Cell(f"{format_quantity(e.low, 's')} - {format_quantity(e.high, 's')}")),
        (text("basis"), Text.of(e.basis)),
        (text("bound by"), Text.of(e.bound)),
        (text("tokens per second"), Cell(format_quantity(found.tokens_per_s, "1"), found.tokens_per_s)),
        (
            text("tokens per second and chip"),
            Cell(format_quantity(found.tokens_per_s_per_chip, "1"), found.tokens_per_s_per_chip),
        ),
        (text("model FLOPs utilisation (MFU)"), _share(found.mfu)),
        (text("hardware FLOPs utilisation (HFU)"), _share(found.hfu)),
        (text("layout"), _layout_words(found)),
        (
            text("memory of the fullest chip"),
            Cell(
                f"{found.budget.need / GIB:,.1f} / {found.budget.room / GIB:,.1f} GiB",
                found.budget.need,
            ),
        ),
        (text("verdict"), Cell(FIT_VERDICTS[found.fit], found.fit)),
        (
            text("energy per step, accelerators"),
            Cell(format_quantity(found.energy_per_step, "J"), found.energy_per_step),
        ),
    ]
    if whole is not None:
        rows.append((text("time of the run"), Cell(f"{whole['time_s'] / DAY:,.1f} d", whole["time_s"])))
        rows.append(
            (text("energy of the run, accelerators"), Cell(format_quantity(whole["energy_j"], "J"), whole["energy_j"]))
        )
    near = tuple(
        text(
            "measured nearby: {model} on {chips} x {chip}, {precision}: {value:,.0f} token/s per chip ({source}, {id})",
            model=n["model"],
            chips=n["chips"],
            chip=n["chip"],
            precision=n["precision"],
            value=n["tokens_per_s_per_chip"],
            source=n["source"],
            id=n["id"],
        )
        for n in e.nearest
    )
    return Table(
        title,
        (Column("what", text("What")), Column("value_si", text("Value"), right=True)),
        tuple(rows),
        (*e.notes, *near),
    )


def _parts(estimate: Any) -> Table:
    columns = (
        Column("part", text("Part of the step")),
        Column("time_s", text("Time"), right=True),
        Column("share", text("Share"), right=True),
        Column("bound", text("Bound by")),
    )
    rows = tuple(
        (
            Text.of(p.name),
            Cell(format_quantity(p.value, "s"), p.value),
            _share(p.value / estimate.breakdown_total),
            Text.of(p.bound),
        )
        for p in sorted(estimate.breakdown, key=lambda p: -p.value)
        if p.value > 0
    )
    return Table(text("Where the time goes"), columns, rows)


@command()
@click.argument("model", type=MODEL)
@click.option("--chip", type=CHIP, required=True, help="The chip, for example h200.")
@click.option("--chips", "-n", type=COUNT, default=1, show_default=True, help="How many chips work together.")
@click.option(
    "--method", type=OneOf("lora", "full"), default="lora", show_default=True, help="Adapters, or all weights."
)
@click.option(
    "--base", help="Format of the frozen base: bf16, fp8, int8, int4, nf4, with commas. Default: bf16,int8,nf4."
)
@click.option("--rank", type=Count(most=65_536), default=16, show_default=True, help="Rank of the adapters.")
@click.option(
    "--modules",
    type=OneOf("attention", "all"),
    default="attention",
    show_default=True,
    help="Which matrices get adapters.",
)
@click.option("--batch", type=MANY, help="Sequences of one optimizer step. Default: one for each chip.")
@click.option("--length", type=LENGTH, default=2048, show_default=True, help="Tokens of a sequence.")
@click.option("--precision", type=WORD, default="bf16", show_default=True, help="Format of the products.")
@click.option("--tensor", type=COUNT, help="Tensor-parallel ways. Any layout option fixes the layout.")
@_layout_options
@click.option(
    "--recompute",
    type=OneOf("none", "attention", "full"),
    default="full",
    show_default=True,
    help="Computed again in the backward pass.",
)
@click.option(
    "--document", type=TOKENS, help="Mean tokens of the documents packed into a sequence. Default: one fills it."
)
@click.option(
    "--logits",
    type=OneOf("whole", "pieces", "fused"),
    default="pieces",
    show_default=True,
    help="What the loss of adapters keeps of the logits: all, a piece at a time, or none.",
)
@_software_options("transformers, torchtune, unsloth, nemo and others. Default: typical.")
@click.option(
    "--objective",
    type=OneOf("sft", "dpo", "ipo", "kto", "orpo", "simpo", "reward", "grpo", "ppo"),
    default="sft",
    show_default=True,
    help="Trained for: text, pairs of answers, or rewards. --batch counts pairs or prompts.",
)
@click.option(
    "--group", type=Count(most=10_000), help="Answers generated for a prompt. Default: 8 for grpo, 1 for ppo."
)
@click.option("--completion", type=TOKENS, help="Tokens of a generated answer. Default: half of --length.")
@answer_options
def finetune(model: str, chip: str, base: str | None, out: Out, **asked: Any) -> None:
    """Does fine-tuning MODEL fit, and how fast is it: full, LoRA, or LoRA on a packed base (QLoRA)."""
    from chipwall.api.training import tune
    from chipwall.inputs import choices

    full = asked["method"] == "full"
    if full and base is not None:
        raise InputError(
            text("full fine-tuning trains 16-bit weights: there is no frozen base"),
            where="base",
            fix=text("Leave base out, or use method 'lora'"),
        )
    bases = ("bf16",) if full else choices("bf16,int8,nf4" if base is None else base, "base")
    answers = [tune(model, chip, base=b, **asked) for b in bases]
    found = [a.record for a in answers]
    tables = [_tuning_table(answers[0].title, found)]
    if out.explain:
        for f in found:
            tables.append(budget_table(f.budget))
            tables += [] if f.step is None else [_parts(f.step.estimate)]
    out.show(*tables, data=[a.to_dict() for a in answers], why=answers[0])


def _shortfall(f: Any) -> Text:
    short = f.budget.short / GIB
    if not f.smallest_chips:
        return text("{base}: short of {short:.0f} GiB per chip; no count of them holds it", base=f.base, short=short)
    return text(
        "{base}: short of {short:.0f} GiB per chip; at least {count} chips hold it",
        base=f.base, short=short, count=f.smallest_chips,
    )  # fmt: skip


def _tuning_table(title: str, found: list[Any]) -> Table:
    columns = (
        Column("method", text("Method")),
        Column("objective", text("Objective")),
        Column("base", text("Base")),
        Column("memory_bytes", text("Needs, GiB"), right=True),
        Column("room_bytes", text("Room, GiB"), right=True),
        Column("fit", text("Verdict")),
        Column("step_s", text("Step"), right=True),
        Column("interval", text("80 % interval"), right=True),
        Column("tokens_per_s", text("Tokens/s"), right=True),
    )
    rows, notes = [], []
    for f in found:
        total, step = f.budget.need, f.step
        e = step.estimate if step else None
        rows.append(
            (
                f.method,
                f.objective,
                f.base,
                Cell(f"{total / GIB:,.1f}", total),
                Cell(f"{f.budget.room / GIB:,.1f}", f.budget.room),
                Cell(FIT_VERDICTS[f.fit], f.fit),
                Cell(format_quantity(e.value, "s"), e.value) if e else Cell("-"),
                Cell(f"{format_quantity(e.low, 's')} - {format_quantity(e.high, 's')}") if e else Cell("-"),
                Cell(format_quantity(step.tokens_per_s, "1"), step.tokens_per_s) if step else Cell("-"),
            )
        )
        if f.fit == "does not fit":
            notes.append(_shortfall(f))
        elif f.why:
            notes.append(f.why)
    if any(f.objective != "sft" for f in found):
        notes.append(
            text(
                "{count} sequences a step, all answers counted; models beside the trained one are as large as it",
                count=found[0].sequences,
            )
        )
    if any(f.objective in ("grpo", "ppo") for f in found):
        notes.append(
            text(
                "answers are generated on the same chips before each step; what that engine holds is gone when it trains"
            )
        )
    notes.append(text("needs may be off by a tenth of the memory: tight means that less than a tenth is left"))
    if any(f.step for f in found):
        notes.append(
            text("base weights narrower than 16 bits are widened before each product: a fixed cost per micro-batch")
        )
    return Table(title, columns, tuple(rows), tuple(dict.fromkeys(notes)))


def training_calibration(write: Path | None, calibrated: Calibrated, *, quick: bool, out: Out) -> None:
    """``chipwall calibrate --stage training``: fit the step constants again, write them, and show the scores."""
    from chipwall.perf.fitting.training_file import refit_training, training_toml

    found = refit_training(calibrated, cross_validate=not quick)
    if write is not None:
        write_whole(write, training_toml(found))
    columns = (
        Column("class", text("Class")),
        Column("rows", text("Rows"), right=True),
        Column("median_error", text("Median error %"), right=True),
        Column("mean_error", text("Mean error %"), right=True),
        Column("within_15", text("Within 15 %"), right=True),
    )
    rows = tuple(
        (
            name,
            Cell(str(score["rows"]), score["rows"]),
            *(_share(float(score[key])) for key in ("median_error", "mean_error", "within_15")),
        )
        for name, score in found.scores().items()
    )
    kind = text("in-sample") if quick else text("whole groups left out")
    notes = (text("fitted on {data}; scored {kind}", data=found.calibration.data, kind=kind),)
    out.show(Table(text("Fit of the training step"), columns, rows, notes))
