"""``chipwall infer`` and ``chipwall ratio``."""

from __future__ import annotations

from typing import Any

import click

from chipwall.cli.calibration import calibrated_option
from chipwall.cli.kinds import (
    AMOUNT,
    AUTO,
    CHIP,
    COUNT,
    MODEL,
    RATE,
    TIME,
    TOKENS,
    WORD,
    Count,
    NumberFrom,
    OneOf,
)
from chipwall.cli.options import Out, answer_options, command, memory_options, reuse_options
from chipwall.errors import InputError
from chipwall.text import text

__all__ = ["infer", "ratio_command"]


@command()
@click.argument("model", type=MODEL)
@click.option("--chip", type=CHIP, required=True, help="The chip, for example h200.")
@click.option("--chips", "-n", type=COUNT, default=1, show_default=True, help="Number of chips.")
@click.option("--prompt", type=TOKENS, default=1000.0, show_default=True, help="Mean tokens of a prompt, its text alone.")
@click.option("--output", type=TOKENS, help="Mean tokens of an answer. Default: 1000; none of a model that writes no text.")
@click.option("--images", type=NumberFrom("n", least=0, most=10_000), default=0.0, help="Images of each prompt.")
@click.option("--image-size", type=WORD, default="1024x1024", show_default=True, help="Their width x height in pixels.")
@click.option("--adapters", type=Count(least=0, most=100_000), default=0, help="Low-rank adapters served beside the model.")
@click.option("--adapter-rank", type=Count(most=65_536), default=16, show_default=True, help="Their rank.")
@click.option("--users", type=NumberFrom("n", least=1, most=1e7), help="Requests in the system at once.")
@click.option("--rate", type=RATE, help="Requests that arrive per second.")
@click.option("--batch", type=NumberFrom("n", least=1, most=1e7), help="One batch of so many: prefill, then decode.")
@click.option("--burst", type=NumberFrom("n", least=1, most=1e7), help="So many requests at one moment.")
@click.option("--ttft", type=TIME, help="Limit on the mean time to first token: '500 ms', or seconds.")
@click.option("--tpot", type=TIME, help="Limit on the mean time per output token: '50 ms', or seconds.")
@click.option("--full", is_flag=True, help="Fill the memory: the highest throughput (default).")
@click.option("--precision", type=WORD, help="bf16, fp8, fp4, mxfp4, int8, int8_weights, int4. Default: as published.")
@click.option("--kv", type=WORD, help="Format of the cache: bf16, fp8. Default: what the engine does.")
@click.option("--tensor", type=AUTO, default="auto", show_default=True, help="Tensor-parallel ways, or auto.")
@click.option("--pipeline", type=COUNT, default=1, show_default=True, help="Pipeline stages.")
@click.option("--expert", type=COUNT, help="Expert-parallel ways. Default: 1; all chips with --attention-dp.")
@click.option("--context", type=COUNT, default=1, show_default=True, help="Context-parallel ways.")
@click.option("--attention-dp", is_flag=True, help="Data-parallel attention, experts spread over --expert chips.")
@click.option(
    "--prefill-workers", type=Count(least=0, most=100_000), default=0, show_default=True,
    help="Replicas that only prefill (disaggregated serving).",
)  # fmt: skip
@reuse_options
@click.option(
    "--draft-tokens", type=COUNT, help="Tokens the model's own draft proposes per step; acceptance as published for it."
)
@click.option(
    "--engine",
    type=WORD,
    help="vllm, sglang, trtllm-pytorch, trtllm, lmdeploy, atom, vllm-ascend, mindie, cann-graph, tuned. Default: the usual one "
    "on the chip.",
)
@memory_options
@click.option(
    "--chunked-prefill/--no-chunked-prefill", default=True, show_default=True,
    help="Prompts in pieces beside the others' decoding, or whole.",
)
@click.option("--front-end", type=TIME, help="Time outside the engine before a first token. Default: as fitted.")
@click.option(
    "--max-in-flight", type=NumberFrom("n", least=1, most=1e7),
    help="Requests that the clients of --rate let be in the system at most.",
)
@click.option(
    "--weights-on-host",
    type=AMOUNT,
    help="Weights of each chip that its host keeps, as '20 GiB'; every step reads them.",
)
@click.option("--engine-date", type=WORD, help="Release of the engine, as 2026-05. Default: today's.")
@click.option(
    "--flags",
    type=OneOf("tuned", "default"),
    default="tuned",
    show_default=True,
    help="How the engine is started: tuned for the load, or without any flag.",
)
@calibrated_option
@answer_options
def infer(model: str, chip: str, full: bool, out: Out, **asked: Any) -> None:
    """How fast MODEL serves on some chips: throughput, latencies, batch, memory and energy, each with its 80 % interval."""
    from chipwall.api.doors import chip_of, model_of
    from chipwall.api.serving import operators_of, question_of, serve
    from chipwall.report.pages.memory import budget_table
    from chipwall.report.pages.serving import (
        answer_table,
        breakdown_table,
        encoding_table,
        nearest_table,
        operators_table,
    )

    _refuse_two_loads(full, asked)
    answer = serve(model, chip, **asked)
    if "latency" in answer.figures:  # nothing is decoded
        tables = [encoding_table(answer.record)]
        out.show(*tables, *([budget_table(answer.record.budget())] if out.explain else []), data=answer.to_dict(), why=answer)
        return
    rows = operators_of(model_of(model), chip_of(chip), question_of(model_of(model), **asked), answer.record) if out.explain else []
    tables = [answer_table(answer.record), breakdown_table(answer.record), nearest_table(answer.record)]
    data = {**answer.to_dict(), **({"operators": rows} if out.explain else {})}
    if out.explain:
        tables += [operators_table(rows), budget_table(answer.record.budget())]
    out.show(*tables, data=data, why=answer)


def _refuse_two_loads(full: bool, asked: dict[str, Any]) -> None:
    loads = [n for n in ("users", "rate", "batch", "burst") if asked[n] is not None]
    if full and loads:
        raise InputError(
            text("one load at a time"),
            where=", ".join(["full", *loads]),
            fix=text("Give one of them, or none to fill the memory"),
        )


@command()
@click.argument("first", type=CHIP)
@click.argument("second", type=CHIP)
@click.option("--model", type=MODEL, required=True, help="The language model, for example gpt-3-175b.")
@click.option("--chips", "-n", type=Count(most=100_000), default=8, show_default=True, help="Chips of each kind.")
@click.option("--tensor", type=COUNT, help="Tensor-parallel ways. Default: all chips.")
@click.option("--precision", default="bf16,fp8", show_default=True, help="Weight formats, with commas.")
@click.option("--engine", type=WORD, help="Serving software. Default: the usual one on each chip.")
@calibrated_option
@answer_options
def ratio_command(first: str, second: str, out: Out, **asked: Any) -> None:
    """How many times faster FIRST is than SECOND, by workload, batch and precision, beside the data-sheet ratios."""
    from chipwall.api.doors import chip_of, model_of
    from chipwall.api.performance import compare
    from chipwall.report.pages.serving import ratio_table

    answer = compare(first, second, **asked)
    table = ratio_table(
        chip_of(first), chip_of(second), answer.record, model=model_of(asked["model"]).name, chips=asked["chips"]
    )
    out.show(table, data=answer.to_dict())
