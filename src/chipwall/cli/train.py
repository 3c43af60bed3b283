"""``chipwall train`` and ``chipwall finetune``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from chipwall.api.training import training_json, tuning_json
from chipwall.cli.options import show, table_options, write_json
from chipwall.errors import InputError
from chipwall.files import write_whole
from chipwall.report.forms.table import Cell, Column, Table
from chipwall.report.pages.memory import VERDICTS, budget_table
from chipwall.text import Text, text
from chipwall.units import DAY, GIB, format_quantity, parse_quantity

__all__ = ["finetune", "train", "training_calibration"]

_LAYOUT_OPTIONS = ("tp", "pp", "vp", "cp", "ep")


@click.command()
@click.argument("model")
@click.option("--chip", "chip_name", required=True, help="The chip, for example h100.")
@click.option("--n", "chips", default=8, show_default=True, help="How many chips train together.")
@click.option(
    "--batch", "sequences", default=256, show_default=True, help="Sequences of one optimizer step, all chips together."
)
@click.option("--sequence", type=int, help="Tokens of a sequence. Default: the model's context, 8192 at most.")
@click.option(
    "--precision", default="bf16", show_default=True, help="Format of the products: bf16, fp16, fp8, fp8_block, fp4."
)
@click.option(
    "--tp", type=int, help="Tensor-parallel ways. Any layout option fixes the layout; without them it is searched."
)
@click.option("--pp", type=int, help="Pipeline stages.")
@click.option("--vp", type=int, help="Virtual stages per chip (interleaved pipeline).")
@click.option("--cp", type=int, help="Context-parallel ways.")
@click.option("--ep", type=int, help="Expert-parallel ways.")
@click.option("--micro-batch", type=int, help="Sequences of one micro-batch.")
@click.option("--fsdp", is_flag=True, help="Shard the weights over the data-parallel chips.")
@click.option("--recompute", default="", help="none, attention or full. Default: searched, or none with a layout.")
@click.option("--offload", default="", help="What the host keeps, with commas: weights, optimizer, activations.")
@click.option("--tokens", type=float, help="Tokens of the whole run: adds its time and energy, for example 15e12.")
@click.option(
    "--network", help="Network per chip and direction, for example '400 Gbit/s'. Default: that of a usual node."
)
@click.option("--software", default="", help="megatron, nemo, fsdp2, maxtext ...; default: typical.")
@click.option("--states", default="", help="Kept for each weight: mixed, bf16, fp32, bf16-8bit ...; default: the software's habit.")
@click.option("--year", default=2026.0, show_default=True, help="Date of the software, as a year with fraction.")
@click.option("--graphs", is_flag=True, help="The whole step is captured as one graph.")
@click.option("--explain", is_flag=True, help="Every part of the step, and the memory by part.")
@table_options
def train(model: str, chip_name: str, explain: bool, form: str | None, as_json: bool, lang: str, **asked: Any) -> None:
    """Step time, MFU, tokens per second, memory, time and energy to train MODEL."""
    from chipwall import catalog
    from chipwall.perf.training.train import run_energy, run_time, training

    record, chip = catalog.model(model), catalog.chip(chip_name)
    network = asked["network"]
    found = training(
        record,
        chip,
        chips=asked["chips"],
        sequences=asked["sequences"],
        sequence=asked["sequence"],
        precision=asked["precision"],
        layout=_layout(asked),
        micro_batch=_counted(asked["micro_batch"], "--micro-batch"),
        recompute=asked["recompute"],
        offload=_names(asked["offload"]),
        software=asked["software"],
        states=asked["states"],
        year=asked["year"],
        graphs=asked["graphs"],
        network=None if network is None else _rate(network),
    )
    tokens = asked["tokens"]
    if tokens is not None and tokens <= 0:
        raise InputError(
            text("{value} is not a count", value=tokens), where="--tokens", fix=text("Give a number above zero")
        )
    whole = None
    if tokens is not None:
        whole = {
            "tokens": tokens,
            "time_s": run_time(tokens, tokens_per_s=found.tokens_per_s),
            "energy_j": run_energy(
                tokens, energy_per_step=found.energy_per_step, tokens_per_step=found.tokens_per_step
            ),
        }
    if as_json:
        write_json({**training_json(found), "run": whole})
        return
    title = text("Training {model} on {n} x {chip}", model=record.name, n=asked["chips"], chip=chip.name)
    show(_summary(title, found, whole), form=form, as_json=False, lang=lang)
    if explain:
        show(_parts(found.estimate), form=form, as_json=False, lang=lang)
        show(budget_table(found.budget), form=form, as_json=False, lang=lang)


def _rate(words: str) -> float:
    """A network rate as people write it, bits or bytes [byte/s]."""
    from chipwall.units import BITS_PER_BYTE

    if "bit" in words or words.rstrip().endswith("b/s"):
        return parse_quantity(words, dimension="bit/s", where="--network") / BITS_PER_BYTE
    return parse_quantity(words, dimension="byte/s", where="--network")


def _layout(asked: dict[str, Any]) -> Any:
    from chipwall.perf.layout import Layout

    given = {name: asked[name] for name in _LAYOUT_OPTIONS}
    if all(value is None for value in given.values()) and not asked["fsdp"]:
        return None
    ways = {name: 1 if value is None else value for name, value in given.items()}
    for name, value in ways.items():
        _counted(value, f"--{name}")
    copies = max(asked["chips"] // (ways["tp"] * ways["pp"] * ways["cp"]), 1)
    return Layout(
        tensor=ways["tp"],
        pipeline=ways["pp"],
        virtual=ways["vp"],
        context=ways["cp"],
        expert=ways["ep"],
        data=copies,
        shards=copies * ways["cp"] if asked["fsdp"] else 1,
    )


def _counted(value: int | None, option: str) -> int:
    """A count of one or more, 0 where nothing is given."""
    if value is not None and value < 1:
        raise InputError(
            text("{value} is not a count", value=value), where=option, fix=text("Give a whole number of one or more")
        )
    return value or 0


def _names(words: str) -> tuple[str, ...]:
    """Words with commas between them."""
    return tuple(w.strip().lower() for w in words.split(",") if w.strip())


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


def _summary(title: Text, found: Any, whole: dict[str, float] | None) -> Table:
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
        (text("verdict"), Cell(VERDICTS[found.fit], found.fit)),
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


@click.command()
@click.argument("model")
@click.option("--chip", "chip_name", required=True, help="The chip, for example h200.")
@click.option("--n", "chips", default=1, show_default=True, help="How many chips work together.")
@click.option("--method", default="lora", show_default=True, help="lora or full.")
@click.option(
    "--base", help="Format of the frozen base: bf16, fp8, int8, int4, nf4, with commas. Default: bf16,int8,nf4."
)
@click.option("--rank", default=16, show_default=True, help="Rank of the adapters.")
@click.option(
    "--modules", default="attention", show_default=True, help="attention or all: which matrices get adapters."
)
@click.option("--batch", "sequences", default=0, help="Sequences of one optimizer step. Default: one for each chip.")
@click.option("--tp", type=int, help="Tensor-parallel ways. Any layout option fixes the layout.")
@click.option("--pp", type=int, help="Pipeline stages.")
@click.option("--vp", type=int, help="Virtual stages per chip (interleaved pipeline).")
@click.option("--cp", type=int, help="Context-parallel ways.")
@click.option("--ep", type=int, help="Expert-parallel ways.")
@click.option("--fsdp", is_flag=True, help="Shard the weights over the data-parallel chips.")
@click.option("--micro-batch", type=int, help="Sequences of one micro-batch.")
@click.option("--recompute", default="full", show_default=True, help="none, attention or full.")
@click.option("--offload", default="", help="What the host keeps, with commas: weights, optimizer, activations.")
@click.option("--sequence", default=2048, show_default=True, help="Tokens of a sequence.")
@click.option("--precision", default="bf16", show_default=True, help="Format of the products.")
@click.option("--document", default=0.0, help="Mean tokens of the documents packed into a sequence. Default: one fills it.")
@click.option("--whole-logits", is_flag=True, help="The loss keeps all logits instead of computing them in pieces.")
@click.option("--software", default="", help="transformers, torchtune, unsloth, nemo ...; default: typical.")
@click.option("--states", default="", help="Kept for each weight: mixed, bf16, fp32, bf16-8bit ...; default: the software's habit.")
@click.option("--explain", is_flag=True, help="Memory by part, and every part of the step.")
@table_options
def finetune(
    model: str,
    chip_name: str,
    base: str | None,
    explain: bool,
    form: str | None,
    as_json: bool,
    lang: str,
    **asked: Any,
) -> None:
    """Does fine-tuning MODEL fit, and how fast is it: full, LoRA, or LoRA on a packed base (QLoRA)."""
    from chipwall import catalog
    from chipwall.perf.training.tune import finetuning

    record, chip = catalog.model(model), catalog.chip(chip_name)
    bases = ["bf16"] if asked["method"] == "full" else [b.strip() for b in (base or "bf16,int8,nf4").split(",")]
    layout = _layout(asked)
    for name in (*_LAYOUT_OPTIONS, "fsdp"):
        asked.pop(name)
    asked |= {"micro_batch": _counted(asked["micro_batch"], "--micro-batch"), "offload": _names(asked["offload"])}
    found = [finetuning(record, chip, base=b, layout=layout, **asked) for b in bases]
    if as_json:
        write_json([tuning_json(f) for f in found])
        return
    title = text("Fine-tuning {model} on {n} x {chip}", model=record.name, n=asked["chips"], chip=chip.name)
    show(_tuning_table(title, found), form=form, as_json=False, lang=lang)
    if explain:
        for f in found:
            show(budget_table(f.budget), form=form, as_json=False, lang=lang)
            if f.step is not None:
                show(_parts(f.step.estimate), form=form, as_json=False, lang=lang)


def _shortfall(f: Any) -> Text:
    short = f.budget.short / GIB
    if not f.smallest_chips:
        return text("{base}: short of {short:.0f} GiB per chip; no count of them holds it", base=f.base, short=short)
    return text(
        "{base}: short of {short:.0f} GiB per chip; at least {count} chips hold it",
        base=f.base, short=short, count=f.smallest_chips,
    )  # fmt: skip


def _tuning_table(title: Text, found: list[Any]) -> Table:
    columns = (
        Column("method", text("Method")),
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
                f.base,
                Cell(f"{total / GIB:,.1f}", total),
                Cell(f"{f.budget.room / GIB:,.1f}", f.budget.room),
                Cell(VERDICTS[f.fit], f.fit),
                Cell(format_quantity(e.value, "s"), e.value) if e else Cell("-"),
                Cell(f"{format_quantity(e.low, 's')} - {format_quantity(e.high, 's')}") if e else Cell("-"),
                Cell(format_quantity(step.tokens_per_s, "1"), step.tokens_per_s) if step else Cell("-"),
            )
        )
        if f.fit == "does not fit":
            notes.append(_shortfall(f))
        elif f.why:
            notes.append(f.why)
    notes.append(text("needs may be off by a tenth of the memory either way: tight means that the room lies between"))
    if any(f.step for f in found):
        notes.append(
            text("base weights narrower than 16 bits are widened before each product: a fixed cost per micro-batch")
        )
    return Table(title, columns, tuple(rows), tuple(dict.fromkeys(notes)))


def training_calibration(write: Path | None, *, quick: bool, form: str | None, as_json: bool, lang: str) -> None:
    """``chipwall calibrate --stage training``: fit the step constants again, write them, and show the scores."""
    from chipwall.perf.fitting.training_file import refit_training, training_toml

    found = refit_training(cross_validate=not quick)
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
    show(Table(text("Fit of the training step"), columns, rows, notes), form=form, as_json=as_json, lang=lang)
