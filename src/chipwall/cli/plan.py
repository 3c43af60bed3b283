"""``chipwall plan`` and ``chipwall frontier``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from chipwall.answer import Answer
from chipwall.cli.calibration import calibrated_option
from chipwall.cli.kinds import (
    COUNT,
    LENGTH,
    MANY,
    MODEL,
    RATE,
    TIME,
    TOKENS,
    WORD,
    CatalogNames,
    Count,
    NumberFrom,
    OneOf,
    OptionKind,
    OutFile,
    Words,
)
from chipwall.cli.options import Out, answer_options, command, reuse_options
from chipwall.errors import InputError
from chipwall.inputs import term
from chipwall.text import text

__all__ = ["frontier_command", "plan_command"]

CHIPS = CatalogNames("chip", many=True)
# A day, or a month that stands for its first day.
MONTH_OR_DAY = OptionKind("day", term, example="2026-03-01")
# A number, or one for each chip with commas between.
BY_CHIP = OptionKind("amount", term, example="h20=1.2,h200=3.5")


@command("plan")
@click.argument("model", type=MODEL)
@click.option("--rate", type=RATE, help="Requests per second in the busy hour.")
@click.option("--prompt", type=TOKENS, default=1000.0, show_default=True, help="Mean tokens of a prompt.")
@click.option("--output", type=TOKENS, default=1000.0, show_default=True, help="Mean tokens of an answer.")
@click.option("--ttft", type=TIME, help="Limit on the time to first token: '1 s', or seconds.")
@click.option("--tpot", type=TIME, help="Limit on the time per output token: '30 ms', or seconds.")
@click.option(
    "--quantile",
    type=OneOf("p50", "p90", "p95", "p99"),
    default="p95",
    show_default=True,
    help="Requests that must hold the limits.",
)
@click.option(
    "--chips", type=CHIPS, help="Chips to choose from. Default: all that ship on the day and are made for servers."
)
@click.option("--to", type=WORD, help="Destination; without one the law is not asked.")
@click.option("--on", type=MONTH_OR_DAY, help="Day, or month; default: today.")
@click.option("--party", type=WORD, help="The end user by name.")
@click.option(
    "--law",
    type=OneOf("free", "licence", "any"),
    default="licence",
    show_default=True,
    help="Chips without a licence, with one that is granted case by case, or any.",
)
@click.option(
    "--precision", type=WORD, help="Formats of the weights to try, with commas. Default: published and 8-bit."
)
@click.option("--kv", type=WORD, help="Format of the cache: bf16, fp8. Default: what the engine does.")
@click.option("--kinds", type=Words("aggregated", "disaggregated"), help="Kinds of fleet to try. Default: both.")
@click.option("--engine", type=WORD, help="Serving software. Default: the usual one on each chip.")
@click.option("--engine-date", type=WORD, help="Release of the engine, as 2026-05. Default: today's.")
@reuse_options
@click.option("--max-sequences", type=COUNT, help="Sequences the engine runs at once at most.")
@click.option("--max-batched-tokens", type=COUNT, help="Tokens of the engine's largest step.")
@click.option(
    "--memory-utilization",
    type=NumberFrom("share", above=0, most=1, example="0.9"),
    help="Share of the memory the engine may use.",
)
@click.option("--stock", type=BY_CHIP, help="Chips there are at most: h20=64,910c=200.")
@click.option(
    "--pay", type=OneOf("rent", "own", "cheapest"), default="rent", show_default=True, help="The cost that counts."
)
@click.option(
    "--term", type=WORD, help="Term of the rent: on-demand, reserved-1y, spot ... Default: the usual one held."
)
@click.option("--rent", type=BY_CHIP, help="Your rent, currency per chip and hour: 2.5, or h20=1.2,h200=3.5.")
@click.option("--price", type=BY_CHIP, help="Your price, currency per chip: 25000, or h20=12000.")
@click.option("--currency", type=OneOf("USD", "CNY"), default="USD", show_default=True, help="Of all money.")
@click.option(
    "--pue", type=NumberFrom(least=1, most=1e6, example="1.2"), help="Power of the building over that of the machines."
)
@click.option("--electricity", type=NumberFrom(least=0, most=1e6, example="0.08"), help="Currency per kWh.")
@click.option("--hosting", type=NumberFrom(least=0, most=1e6, example="150"), help="Currency per kW and month.")
@click.option("--life", type=NumberFrom("years", above=0, most=1e6, example="5"), help="Years of depreciation.")
@click.option("--interest", type=NumberFrom("share", least=0, most=1e6, example="0.08"), help="Cost of capital a year.")
@click.option(
    "--mean-load",
    type=NumberFrom("share", above=0, most=1, example="0.5"),
    default=1.0,
    show_default=True,
    help="Mean rate over that of the busy hour.",
)
@click.option(
    "--lengths",
    type=OneOf("equal", "spread"),
    default="equal",
    show_default=True,
    help="All alike, or spread as in a public chat.",
)
@click.option(
    "--task",
    type=OneOf("serve", "train", "tune"),
    default="serve",
    show_default=True,
    help="Serve, train or fine-tune.",
)
@click.option(
    "--users", type=NumberFrom("n", above=0, most=10.0**12, example="10000"), help="Daily users, in place of --rate."
)
@click.option(
    "--requests-per-user",
    type=NumberFrom("n", above=0, most=1e6, example="7"),
    help="Requests of a user a day. Default: 7.3.",
)
@click.option(
    "--peak",
    type=NumberFrom("times", least=1, most=1e3, example="2"),
    help="Busy hour over the mean of the day. Default: 2.",
)
@click.option("--tokens", type=NumberFrom("n", above=0, most=1e18, example="15e12"), help="Tokens of the whole job.")
@click.option("--days", type=NumberFrom("days", above=0, most=1e5, example="60"), help="Days the job may take.")
@click.option("--batch", type=MANY, help="Sequences of an optimizer step. Default: 4096; one a chip when tuning.")
@click.option("--length", type=LENGTH, help="Tokens of a sequence. Default: 4096; 2048 when tuning.")
@click.option("--method", type=OneOf("lora", "full"), default="lora", show_default=True, help="How to fine-tune.")
@click.option("--base", type=WORD, default="bf16", show_default=True, help="Format of the frozen base.")
@click.option("--rank", type=COUNT, default=16, show_default=True, help="Rank of the adapters.")
@click.option("--confirm", is_flag=True, help="Run the front request by request; where tails are worse, the run wins.")
@click.option("--xlsx", type=OutFile(), help="Write the plan as a workbook with live formulas.")
@calibrated_option
@answer_options
def plan_command(model: str, xlsx: Path | None, out: Out, **asked: Any) -> None:
    """How many of which chip serve MODEL within limits, at what cost, and whether the law lets them go there."""
    from chipwall.api.plan import plan
    from chipwall.fleet.work_plan import JobPlan
    from chipwall.report.pages.plan import (
        front_table,
        money_table,
        plan_lines,
        rejected_table,
        safety_table,
        simulated_table,
        start_table,
    )

    asked["precision"] = None if asked["precision"] is None else asked["precision"].split(",")
    answer = plan(model, **asked)
    p = answer.record
    if isinstance(p, JobPlan):
        _show_job(answer, xlsx, out)
        return
    if out.form == "terminal" and not out.as_json:
        for line in plan_lines(p):
            out.say(line)
        out.say("")
    tables = [
        front_table(p),
        *([simulated_table(p)] if p.simulated else []),
        safety_table(p),
        money_table(p),
        start_table(p),
        rejected_table(p),
    ]
    out.show(*tables, data=answer.to_dict(), why=answer)
    if xlsx is not None:
        answer.to_xlsx(xlsx, lang=out.lang)


def _show_job(answer: Answer, xlsx: Path | None, out: Out) -> None:
    """A plan of training or fine-tuning; it has no workbook."""
    from chipwall.report.pages.plan_job import job_lines, job_lost_table, job_table

    if xlsx is not None:
        raise InputError(
            text("a plan of training or tuning has no workbook"), where="xlsx", fix=text("Leave it out, or take CSV")
        )
    if out.form == "terminal" and not out.as_json:
        for line in job_lines(answer.record):
            out.say(line)
        out.say("")
    out.show(job_table(answer.record), job_lost_table(answer.record), data=answer.to_dict(), why=answer)


@command("frontier")
@click.argument("model", type=MODEL)
@click.option("--chips", type=CHIPS, default="h100,h200,b200,h20,910c", show_default=True, help="Chips side by side.")
@click.option("--prompt", type=TOKENS, default=1000.0, show_default=True, help="Mean tokens of a prompt.")
@click.option("--output", type=TOKENS, default=1000.0, show_default=True, help="Mean tokens of an answer.")
@click.option(
    "--precision", type=WORD, help="Formats of the weights to try, with commas. Default: published and 8-bit."
)
@click.option("--kv", type=WORD, help="Format of the cache: bf16, fp8. Default: what the engine does.")
@click.option("--engine", type=WORD, help="Serving software. Default: the usual one on each chip.")
@click.option("--engine-date", type=WORD, help="Release of the engine, as 2026-05. Default: today's.")
@reuse_options
@click.option(
    "--points", type=Count(least=2, most=40), default=12, show_default=True, help="Points of each chip at most."
)
@answer_options
def frontier_command(model: str, out: Out, **asked: Any) -> None:
    """Tokens per second of one chip against those of one user: the best of all layouts and loads of each chip."""
    from chipwall.api.frontier import frontier
    from chipwall.report.pages.frontier import frontier_table, measured_table

    answer = frontier(model, **asked)
    tables = [frontier_table(answer.record), measured_table(answer.record)]
    out.show(*tables, data=answer.to_dict(), why=answer)
