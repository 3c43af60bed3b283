"""``chipwall infer`` and ``chipwall ratio``."""

from __future__ import annotations

from typing import Any

import click

from chipwall.cli.options import (
    json_option,
    lang_option,
    memory_options,
    seconds,
    share_of,
    show,
    table_options,
    write_json,
)
from chipwall.errors import InputError
from chipwall.text import text
from chipwall.units import GIB

__all__ = ["infer", "ratio"]


@click.command()
@click.argument("model")
@click.option("--chip", "chip_name", required=True, help="The chip, for example h200.")
@click.option("--n", "chips", default=1, show_default=True, help="Number of chips.")
@click.option("--isl", default=1000.0, show_default=True, help="Mean tokens of a prompt.")
@click.option("--osl", default=1000.0, show_default=True, help="Mean tokens of an answer.")
@click.option("--concurrency", type=float, help="Requests in the system at once.")
@click.option("--rate", type=float, help="Requests that arrive per second.")
@click.option("--static", "static", type=float, help="One batch of this many sequences: prefill, then decode.")
@click.option("--slo-ttft", callback=seconds, help="Limit on the mean time to first token: '500 ms', or seconds.")
@click.option("--slo-tpot", callback=seconds, help="Limit on the mean time per output token: '50 ms', or seconds.")
@click.option("--max", "fill", is_flag=True, help="Fill the memory: the highest throughput (default).")
@click.option("--precision", default="", help="bf16, fp8, fp4, mxfp4, int8, int8_weights, int4. Default: as published.")
@click.option("--kv", default="", help="Format of the cache: bf16, fp8. Default: what the engine does.")
@click.option("--tp", default="auto", show_default=True, help="Tensor parallel, or auto.")
@click.option("--pp", default=1, show_default=True, help="Pipeline stages.")
@click.option("--ep", default=1, show_default=True, help="Expert parallel.")
@click.option("--cp", default=1, show_default=True, help="Context parallel.")
@click.option("--attention-dp", is_flag=True, help="Data-parallel attention, experts spread over --ep chips.")
@click.option(
    "--prefill-workers", default=0, show_default=True, help="Replicas that only prefill (disaggregated serving)."
)
@click.option("--prefix-reuse", default=0.0, show_default=True, help="Share of the prompt found in the prefix cache.")
@click.option("--accepted", default=1.0, show_default=True, help="Tokens per step of speculative decoding.")
@click.option("--drafted", default=0.0, help="Tokens verified per step. Default: as --accepted.")
@click.option(
    "--engine",
    default="",
    help="vllm, sglang, trtllm-pytorch, trtllm, lmdeploy, atom, vllm-ascend, mindie, cann-graph, tuned. Default: the usual one "
    "on the chip.",
)
@click.option("--engine-date", default="", help="Release of the engine, as 2026-05. Default: today's.")
@memory_options
@click.option(
    "--weights-on-host", default=0.0, help="GiB of each chip's weights that its host keeps; every step reads them."
)
@click.option("--explain", is_flag=True, help="The operator table and the memory terms as well.")
@json_option
@lang_option
def infer(model: str, chip_name: str, as_json: bool, lang: str, explain: bool, **options: Any) -> None:
    """How fast MODEL serves on some chips: throughput, latencies, batch, memory and energy, each with its 80 % interval."""
    from chipwall import catalog
    from chipwall.perf.serving.breakdown import operator_rows
    from chipwall.perf.serving.serve import requests_of, serving, setups_of
    from chipwall.report.pages.memory import budget_table
    from chipwall.report.pages.serving import answer_table, breakdown_table, nearest_table, operators_table

    record, chip, question = catalog.model(model), catalog.chip(chip_name), _question(options)
    answer = serving(record, chip, question)
    table: list[dict[str, Any]] = []
    if explain:
        layouts, made, _, _ = setups_of(record, chip, question)
        table = operator_rows(made[layouts.index(answer.layout)], requests_of(question), answer.batch)
    if as_json:
        write_json({**answer.as_json(), **({"operators": table} if explain else {})})
        return
    for one in (
        answer_table(answer),
        breakdown_table(answer),
        nearest_table(answer),
        *((operators_table(table), budget_table(answer.budget())) if explain else ()),
    ):
        show(one, form=None, as_json=False, lang=lang)


def _question(o: dict[str, Any]) -> Any:
    from chipwall.perf.serving.engines import asked_year
    from chipwall.perf.serving.regimes import NO_LIMIT
    from chipwall.perf.serving.serve import Question

    loads = [name for name in ("concurrency", "rate", "static") if o[name] is not None]
    if len(loads) > 1 or (loads and o["fill"]):
        raise InputError(
            text("one load at a time"),
            where="--concurrency, --rate, --static, --max",
            fix=text("Give one of them, or none to fill the memory"),
        )
    for name in ("concurrency", "rate", "static", "slo_ttft", "slo_tpot"):
        if o[name] is not None and not o[name] > 0:
            raise InputError(text("{value:g} is not positive", value=o[name]), where="--" + name.replace("_", "-"))
    if o["tp"] != "auto" and not o["tp"].isdigit():
        raise InputError(
            text("'{words}' is not a number of chips", words=o["tp"]), where="--tp", fix=text("Give a number, or auto")
        )
    spread = o["attention_dp"]
    return Question(
        prompt=o["isl"], output=o["osl"], chips=o["chips"], rate=o["rate"] or 0.0,
        concurrency=o["concurrency"] or o["static"] or 0.0, static=o["static"] is not None,
        ttft_limit=o["slo_ttft"] or NO_LIMIT, tpot_limit=o["slo_tpot"] or NO_LIMIT, precision=o["precision"],
        cache=o["kv"], engine=o["engine"], engine_year=asked_year(o["engine_date"]),
        tensor=0 if o["tp"] == "auto" else int(o["tp"]), pipeline=o["pp"],
        expert=o["ep"] if o["ep"] > 1 or not spread else o["chips"], spread=spread, context=o["cp"],
        memory_share=share_of(o["memory_utilization"]), step_tokens=float(o["max_batched_tokens"] or 0),
        step_sequences=float(o["max_sequences"] or 0), draft=o["draft"], on_host=o["weights_on_host"] * GIB,
        beyond_context=o["beyond_context"],
        prefillers=o["prefill_workers"], reused=o["prefix_reuse"], accepted=o["accepted"],
        drafted=o["drafted"] or o["accepted"],
    )  # fmt: skip


@click.command()
@click.argument("first")
@click.argument("second")
@click.option("--model", required=True, help="The language model, for example gpt-3-175b.")
@click.option("--n", "chips", default=8, show_default=True, help="Chips of each kind.")
@click.option("--tp", default=0, help="Tensor parallel. Default: all chips.")
@click.option("--precision", default="bf16,fp8", show_default=True, help="Weight formats, with commas.")
@click.option("--engine", default="", help="Serving software. Default: the usual one on each chip.")
@table_options
def ratio(
    first: str,
    second: str,
    model: str,
    chips: int,
    tp: int,
    precision: str,
    engine: str,
    form: str | None,
    as_json: bool,
    lang: str,
) -> None:
    """How many times faster FIRST is than SECOND, by workload, batch and precision, beside the data-sheet ratios."""
    from chipwall import catalog
    from chipwall.perf.compare import ratios
    from chipwall.report.pages.serving import ratio_answer, ratio_table

    if chips < 1 or tp < 0:
        raise InputError(
            text("{value} is not a count", value=min(chips, tp)),
            where="--n, --tp",
            fix=text("Give a whole number of one or more"),
        )
    a, b, record = catalog.chip(first), catalog.chip(second), catalog.model(model)
    names = [p.strip().lower() for p in precision.split(",") if p.strip()]
    found = ratios(a, b, record, chips=chips, precisions=names, engine=engine, tensor=tp)
    table = ratio_table(a, b, found, model=record.name, chips=chips)
    show(table, form=form, as_json=as_json, lang=lang, extra=ratio_answer(found))
