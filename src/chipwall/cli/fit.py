"""``chipwall fit MODEL --chip CHIP``."""

from __future__ import annotations

import click

from chipwall import catalog
from chipwall.cli.options import show, table_options, write_json
from chipwall.errors import InputError
from chipwall.perf.serving.memory import SERVING_RESERVE, WEIGHT_FORMATS
from chipwall.perf.training.tune import MODULES
from chipwall.report.pages.memory import Serving, Tuning, fit_answer, formulas_table, serving_table, tuning_table
from chipwall.text import text

__all__ = ["fit"]

_KV = {"bf16": 2.0, "fp16": 2.0, "fp8": 1.0, "int8": 1.0}


@click.command()
@click.argument("model")
@click.option("--chip", "chip_name", required=True, help="The chip, for example h200.")
@click.option("--chips", default=1, show_default=True, help="How many of them share the model.")
@click.option("--weights", help="Weight formats, with commas. Default: bf16,fp8,int8,int4.")
@click.option("--context", default=4096, show_default=True, help="Tokens in the cache, per sequence.")
@click.option("--sequences", default=1, show_default=True, help="Sequences in the cache.")
@click.option("--kv", default="bf16", show_default=True, help="Format of the cache: bf16, fp16, fp8, int8.")
@click.option(
    "--reserve", default=SERVING_RESERVE, show_default=True, help="Share of memory a serving engine leaves alone."
)
@click.option("--rank", default=16, show_default=True, help="Rank of the adapters.")
@click.option(
    "--modules", default="attention", show_default=True, help="attention or all: which matrices get adapters."
)
@click.option("--batch", default=1, show_default=True, help="Sequences per fine-tuning step.")
@click.option("--length", default=2048, show_default=True, help="Tokens per fine-tuning sequence.")
@table_options
def fit(
    model: str, chip_name: str, chips: int, weights: str | None, context: int, sequences: int, kv: str, reserve: float,
    rank: int, modules: str, batch: int, length: int, form: str | None, as_json: bool, lang: str,
) -> None:  # fmt: skip
    """Does MODEL fit in a chip's memory, to serve it and to fine-tune it with adapters?"""
    for option, value in (
        ("--chips", chips), ("--context", context), ("--sequences", sequences), ("--rank", rank),
        ("--batch", batch), ("--length", length),
    ):  # fmt: skip
        if value < 1:
            raise InputError(
                text("{value} is not a count", value=value),
                where=option,
                fix=text("Give a whole number of one or more"),
            )
    if not 0 <= reserve < 1:
        raise InputError(
            text("{value} is not a share", value=reserve),
            where="--reserve",
            fix=text("Give a share between 0 and 1, for example 0.1"),
        )
    if kv not in _KV:
        raise InputError(
            text("unknown cache format '{format}'", format=kv),
            where="--kv",
            fix=text("Use one of: {formats}", formats=", ".join(_KV)),
        )
    if modules not in MODULES:
        raise InputError(
            text("unknown {name} '{word}'", name="modules", word=modules),
            where="--modules",
            fix=text("Use one of: {names}", names=", ".join(MODULES)),
        )
    formats = _formats(weights)
    record, chip = catalog.model(model), catalog.chip(chip_name)
    serving = Serving(chips, context, sequences, _KV[kv], reserve)
    tuning = Tuning(rank, modules, batch, length)
    if as_json:
        write_json(fit_answer(record, chip, formats, serving, tuning))
        return
    for table in (
        serving_table(record, chip, formats, serving),
        tuning_table(record, chip, formats, tuning, chips=chips),
        formulas_table(record, chip, formats[-1], serving, tuning),
    ):
        show(table, form=form, as_json=False, lang=lang)
        click.echo()


def _formats(weights: str | None) -> list[str]:
    asked = [w.strip().lower() for w in (weights or "bf16,fp8,int8,int4").split(",") if w.strip()]
    unknown = [w for w in asked if w not in WEIGHT_FORMATS]
    if unknown or not asked:
        raise InputError(
            text("unknown weight format '{format}'", format=", ".join(unknown)),
            where="--weights",
            fix=text("Use one of: {formats}", formats=", ".join(WEIGHT_FORMATS)),
        )
    return asked
