"""``chipwall fit MODEL --chip CHIP``."""

from __future__ import annotations

from typing import Any

import click

from chipwall.cli.kinds import AUTO, CHIP, COUNT, LENGTH, MANY, MODEL, WORD, Count, OneOf
from chipwall.cli.options import Out, answer_options, command, memory_options

__all__ = ["fit"]


@command()
@click.argument("model", type=MODEL)
@click.option("--chip", type=CHIP, required=True, help="The chip, for example h200.")
@click.option("--chips", "-n", type=COUNT, default=1, show_default=True, help="How many of them share the model.")
@click.option("--precision", type=WORD, help="Weight formats, with commas. Default: bf16,fp8,int8,int4 and the published one.")
@click.option(
    "--context", type=LENGTH, help="Tokens in the cache, per sequence. Default: 4096, the model's maximum at most."
)
@click.option("--users", type=MANY, default=1, show_default=True, help="Sequences in the cache.")
@click.option(
    "--kv", type=WORD, default="bf16", show_default=True, help="Format of the cache: bf16, fp16, fp8, int8, fp4."
)
@click.option(
    "--tensor",
    type=AUTO,
    default="auto",
    show_default=True,
    help="Tensor-parallel ways, or auto: the layout that holds most.",
)
@click.option("--pipeline", type=COUNT, help="Pipeline stages.")
@click.option("--expert", type=COUNT, help="Expert-parallel ways.")
@click.option("--attention-dp", is_flag=True, help="Data-parallel attention, experts spread over --expert chips.")
@click.option("--engine", type=WORD, help="Serving software. Default: the usual one on the chip.")
@memory_options
@click.option("--adapters", type=Count(least=0, most=100_000), default=0, help="Low-rank adapters served beside the model.")
@click.option("--adapter-rank", type=Count(most=65_536), default=16, show_default=True, help="Their rank.")
@click.option("--rank", type=Count(most=65_536), default=16, show_default=True, help="Rank of the adapters.")
@click.option(
    "--modules",
    type=OneOf("attention", "all"),
    default="attention",
    show_default=True,
    help="Which matrices get adapters.",
)
@click.option("--batch", type=MANY, help="Sequences per fine-tuning step. Default: one for each chip.")
@click.option("--length", type=LENGTH, default=2048, show_default=True, help="Tokens per fine-tuning sequence.")
@answer_options
def fit(model: str, chip: str, out: Out, **asked: Any) -> None:
    """Does MODEL fit in a chip's memory, to serve it and to fine-tune it with adapters?"""
    from chipwall.api.doors import calibrated_in_use, chip_of, model_of
    from chipwall.api.performance import fits
    from chipwall.report.pages.memory import formulas_table, serving_table, tuning_table

    answer, record, machine = fits(model, chip, **asked), model_of(model), chip_of(chip)
    formats, serving, tuning = answer.formats, answer.to_serve, answer.to_tune
    calibrated = calibrated_in_use()
    tables = (
        serving_table(record, machine, formats, serving, calibrated),
        tuning_table(record, machine, formats, tuning, calibrated, chips=asked["chips"]),
        formulas_table(record, machine, formats[-1], serving, tuning, calibrated),
    )
    out.show(*tables, data=answer.to_dict(), why=answer)
