"""``chipwall fit MODEL --chip CHIP``."""

from __future__ import annotations

from typing import Any

import click

from chipwall import catalog
from chipwall.cli.options import memory_options, share_of, show, table_options, write_json
from chipwall.errors import InputError
from chipwall.perf.formats import CACHE_BYTES, format_named
from chipwall.perf.serving.memory import Holding
from chipwall.perf.training.tune import MODULES
from chipwall.report.pages.memory import Serving, Tuning, fit_answer, formulas_table, serving_table, tuning_table
from chipwall.text import text

__all__ = ["fit"]


@click.command()
@click.argument("model")
@click.option("--chip", "chip_name", required=True, help="The chip, for example h200.")
@click.option("--chips", default=1, show_default=True, help="How many of them share the model.")
@click.option("--weights", help="Weight formats, with commas. Default: bf16,fp8,int8,int4.")
@click.option("--context", type=int, help="Tokens in the cache, per sequence. Default: 4096, the model's maximum at most.")
@click.option("--sequences", default=1, show_default=True, help="Sequences in the cache.")
@click.option("--kv", default="bf16", show_default=True, help="Format of the cache: bf16, fp16, fp8, int8, fp4.")
@click.option("--tp", type=int, help="Tensor parallel. Default: the layout that holds most.")
@click.option("--pp", type=int, help="Pipeline stages.")
@click.option("--ep", type=int, help="Expert parallel.")
@click.option("--attention-dp", is_flag=True, help="Data-parallel attention, experts spread over --ep chips.")
@click.option("--engine", default="", help="Serving software. Default: the usual one on the chip.")
@memory_options
@click.option("--rank", default=16, show_default=True, help="Rank of the adapters.")
@click.option(
    "--modules", default="attention", show_default=True, help="attention or all: which matrices get adapters."
)
@click.option("--batch", type=int, help="Sequences per fine-tuning step. Default: one for each chip.")
@click.option("--length", default=2048, show_default=True, help="Tokens per fine-tuning sequence.")
@table_options
def fit(model: str, chip_name: str, form: str | None, as_json: bool, lang: str, **o: Any) -> None:
    """Does MODEL fit in a chip's memory, to serve it and to fine-tune it with adapters?"""
    _counts(o)
    for option, value, known in (("--kv", o["kv"], CACHE_BYTES), ("--modules", o["modules"], MODULES)):
        if value not in known:
            raise InputError(
                text("unknown {name} '{word}'", name=option.strip("-"), word=value),
                where=option,
                fix=text("Use one of: {names}", names=", ".join(known)),
            )
    wanted = [w.strip() for w in (o["weights"] or "bf16,fp8,int8,int4").split(",") if w.strip()]
    formats = [format_named(w, where="--weights").name for w in wanted] or ["bf16"]
    record, chip = catalog.model(model), catalog.chip(chip_name)
    how = Holding(
        o["engine"], share_of(o["memory_utilization"]), float(o["max_batched_tokens"] or 0), float(o["max_sequences"] or 0),
        draft=o["draft"],
    )  # fmt: skip
    serving = Serving(o["chips"], o["context"] or 0, o["sequences"], o["kv"], how, _ways(o), o["beyond_context"])
    tuning = Tuning(o["rank"], o["modules"], o["batch"] or 0, o["length"])
    if as_json:
        write_json(fit_answer(record, chip, formats, serving, tuning))
        return
    for table in (
        serving_table(record, chip, formats, serving),
        tuning_table(record, chip, formats, tuning, chips=o["chips"]),
        formulas_table(record, chip, formats[-1], serving, tuning),
    ):
        show(table, form=form, as_json=False, lang=lang)
        click.echo()


def _counts(o: dict[str, Any]) -> None:
    """Refuses counts below one."""
    for name in ("chips", "context", "sequences", "rank", "batch", "length", "tp", "pp", "ep"):
        if o[name] is not None and o[name] < 1:
            raise InputError(
                text("{value} is not a count", value=o[name]),
                where="--" + name,
                fix=text("Give a whole number of one or more"),
            )


def _ways(o: dict[str, Any]) -> tuple[tuple[str, Any], ...]:
    """The ways that are given; with --tp the others default to one."""
    found: dict[str, Any] = {"tensor": o["tp"], "pipeline": 1, "expert": 1} if o["tp"] else {}
    found |= {name: o[option] for name, option in (("pipeline", "pp"), ("expert", "ep")) if o[option]}
    return tuple((found | ({"attention_data_parallel": True} if o["attention_dp"] else {})).items())
