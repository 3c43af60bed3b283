"""``chipwall load``."""

from __future__ import annotations

from typing import Any

import click

from chipwall.cli.kinds import AUTO, CHIP, COUNT, MODEL, RATE, TIME, TOKENS, WORD, Count, NumberFrom, OneOf
from chipwall.cli.options import Out, answer_options, command

__all__ = ["load_command"]

PRESETS = ("chat", "reasoning", "code", "research", "batch-retrieval", "synthetic-data", "agent-trace")


@command("load")
@click.argument("model", type=MODEL)
@click.option("--chip", type=CHIP, required=True, help="The chip, for example h200.")
@click.option("--chips", "-n", type=COUNT, default=1, show_default=True, help="Number of chips.")
@click.option("--preset", type=OneOf(*PRESETS), help="A public workload: its lengths and limits.")
@click.option("--prompt", type=TOKENS, help="Mean tokens of a prompt. Default: the preset's, or 1000.")
@click.option("--output", type=TOKENS, help="Mean tokens of an answer. Default: the preset's, or 1000.")
@click.option(
    "--lengths", type=OneOf("log-normal", "uniform", "fixed"), default="log-normal", show_default=True,
    help="How lengths spread.",
)  # fmt: skip
@click.option(
    "--length-cv", type=NumberFrom(least=0, most=20, example="1"), default=1.0, show_default=True,
    help="Standard deviation of log-normal lengths over their mean.",
)  # fmt: skip
@click.option("--rate", type=RATE, help="Requests that arrive per second.")
@click.option(
    "--arrival-cv", type=NumberFrom(least=0, most=100, example="3"), default=1.0, show_default=True,
    help="Spread of the time between arrivals over its mean: 1 at random, 0 equal, more in bursts.",
)  # fmt: skip
@click.option("--users", type=NumberFrom("n", least=1, most=1e6), help="Requests in the system at once.")
@click.option(
    "--think", type=NumberFrom("seconds", least=0, most=1e6), default=0.0, show_default=True,
    help="Pause of a user between an answer and the next request, in seconds.",
)  # fmt: skip
@click.option(
    "--trace", type=WORD,
    help="azure-2023-conv, azure-2023-code, mooncake-conversation, or a CSV file: arrival_s, prompt_tokens, output_tokens.",
)
@click.option(
    "--speed", type=NumberFrom(above=0, most=1e6, example="2"), default=1.0, show_default=True,
    help="How many times faster a trace runs.",
)  # fmt: skip
@click.option(
    "--max-in-flight", type=NumberFrom("n", least=1, most=1e7),
    help="Requests that the clients of --rate let be in the system at most.",
)
@click.option(
    "--prefix-groups", type=Count(least=0, most=10_000), default=0, show_default=True,
    help="Beginnings that prompts share.",
)  # fmt: skip
@click.option("--prefix-tokens", type=TOKENS, default=0.0, show_default=True, help="Tokens of a shared beginning.")
@click.option(
    "--router", type=OneOf("round-robin", "least-loaded", "prefix-aware"), default="least-loaded", show_default=True,
    help="Which replica a request goes to.",
)  # fmt: skip
@click.option(
    "--prefill-workers", type=Count(least=0, most=100_000), default=0, show_default=True,
    help="Replicas that only prefill (disaggregated serving).",
)  # fmt: skip
@click.option("--ttft", type=TIME, help="Limit on the time to first token of a good request.")
@click.option("--tpot", type=TIME, help="Limit on the time per output token of a good request.")
@click.option("--e2e", type=TIME, help="Limit on the whole time of a good request.")
@click.option("--requests", type=Count(most=10_000_000), default=20_000, show_default=True, help="Requests simulated.")
@click.option("--seed", type=Count(least=0, most=2**53), default=0, show_default=True, help="Seed of times and lengths.")
@click.option("--precision", type=WORD, help="bf16, fp8, fp4, mxfp4, int8, int8_weights, int4. Default: as published.")
@click.option("--kv", type=WORD, help="Format of the cache: bf16, fp8. Default: what the engine does.")
@click.option("--engine", type=WORD, help="Serving software. Default: the usual one on the chip.")
@click.option("--engine-date", type=WORD, help="Release of the engine, as 2026-05. Default: today's.")
@click.option(
    "--flags", type=OneOf("tuned", "default"), default="tuned", show_default=True,
    help="How the engine is started: tuned for the load, or without any flag.",
)  # fmt: skip
@click.option("--tensor", type=AUTO, default="auto", show_default=True, help="Tensor-parallel ways, or auto.")
@click.option("--pipeline", type=COUNT, default=1, show_default=True, help="Pipeline stages.")
@click.option("--expert", type=COUNT, help="Expert-parallel ways. Default: 1; all chips with --attention-dp.")
@click.option("--attention-dp", is_flag=True, help="Data-parallel attention, experts spread over --expert chips.")
@click.option(
    "--memory-utilization", type=NumberFrom("share", above=0, most=1, example="0.9"),
    help="Share of the memory the engine may use. Default: its own.",
)  # fmt: skip
@click.option("--max-batched-tokens", type=COUNT, help="Tokens of the engine's largest step.")
@click.option("--max-sequences", type=COUNT, help="Sequences the engine runs at once at most.")
@click.option(
    "--chunked-prefill/--no-chunked-prefill", default=True, show_default=True,
    help="Prompts in pieces beside the others' decoding, or whole.",
)
@click.option("--front-end", type=TIME, help="Time outside the engine before a first token. Default: as fitted.")
@answer_options
def load_command(model: str, chip: str, out: Out, **asked: Any) -> None:
    """What clients of MODEL see under a load, request by request: p50 to p99, goodput, and whether the service keeps up."""
    from chipwall.api.load import load
    from chipwall.report.pages.load import load_page, parts_page

    answer = load(model, chip, **asked)
    out.show(load_page(answer), parts_page(answer), data=answer.to_dict(), why=answer)
