"""``chipwall calibrate --from``: a site's own numbers, from the files of a load test that it already has."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import click

from chipwall.answer import Answer
from chipwall.cli.kinds import AUTO, CHIP, COUNT, IN_FILE, MODEL, SHARE, TOKENS, WORD, OneOf
from chipwall.cli.options import Out
from chipwall.errors import InputError
from chipwall.report.forms.table import Cell, Column, Table
from chipwall.text import Text, text
from chipwall.units import format_quantity

__all__ = [
    "OWN_OPTIONS",
    "calibrated_option",
    "calibration_tables",
    "own_calibration",
    "own_options",
    "refuse_own_options",
]

F = Callable[..., Any]
# Options of the load test; without --from they have nothing to act on.
OWN_OPTIONS = {
    "chip": click.option("--chip", type=CHIP, help="With --from: the chip that was measured; a file of your own, too."),
    "model": click.option("--model", type=MODEL, help="With --from: the model that was served."),
    "engine": click.option("--engine", type=WORD, help="With --from: family and release, vllm@0.11 or vllm@2026-05."),
    "chips": click.option("--chips", "-n", type=COUNT, help="With --from: number of chips. Default: 1."),
    "prompt": click.option("--prompt", type=TOKENS, help="With --from: mean tokens of a prompt, where the files do not say."),
    "output": click.option("--output", type=TOKENS, help="With --from: mean tokens of an answer, where they do not say."),
    "precision": click.option("--precision", type=WORD, help="With --from: format of the weights."),
    "kv": click.option("--kv", type=WORD, help="With --from: format of the cache."),
    "tensor": click.option("--tensor", type=AUTO, help="With --from: tensor-parallel ways, or auto."),
    "pipeline": click.option("--pipeline", type=COUNT, help="With --from: pipeline stages."),
    "expert": click.option("--expert", type=COUNT, help="With --from: expert-parallel ways."),
    "attention_dp": click.option("--attention-dp", is_flag=True, default=None, help="With --from: data-parallel attention."),
    "prefix_reuse": click.option("--prefix-reuse", type=SHARE, help="With --from: share of the prompt found in the cache."),
    "flags": click.option("--flags", type=OneOf("tuned", "default"), help="With --from: how the engine was started."),
    "narrow": click.option(
        "--narrow", type=WORD, help="With --from: which run to measure next for this target, users,prompt,output: 64,8000,500."
    ),
}  # fmt: skip


def own_options(function: F) -> F:
    """The options of a load test, for ``calibrate``."""
    made = click.argument("files", nargs=-1, type=IN_FILE)(function)
    made = click.option(
        "--from", "from_files", multiple=True, type=IN_FILE,
        help="Result files of one load-test tool: fit a few constants on them, the shipped ones as prior.",
    )(made)  # fmt: skip
    for option in reversed(OWN_OPTIONS.values()):
        made = option(made)
    return made


def refuse_own_options(files: tuple[Path, ...], asked: dict[str, Any]) -> None:
    """Refuse what only acts on the files of a load test where there are none."""
    given = [name for name in OWN_OPTIONS if asked.get(name) is not None]
    if files or given:
        raise InputError(
            text("there is no load test to fit"), where=", ".join([*(["files"] if files else []), *given]),
            fix=text("Give its result files: chipwall calibrate --from FILE... --chip CHIP --model MODEL"),
        )  # fmt: skip


def own_calibration(files: tuple[Path, ...], place: Path | None, out: Out, asked: dict[str, Any]) -> None:
    """Fit, write and show a site's calibration."""
    from chipwall.api.calibration import calibrate

    for name in ("chip", "model"):
        if asked.get(name) is None:
            raise InputError(text("the files do not say it surely"), where=name, fix=text("Give --chip and --model"))
    given = {name: value for name, value in asked.items() if value is not None}
    chip, model = given.pop("chip"), given.pop("model")
    answer = calibrate(files, chip, model, out=place, **given)
    out.show(*calibration_tables(answer, place), data=answer.to_dict(), why=answer)


def calibrated_option(function: F) -> F:
    """``--calibration FILE`` for a command whose answer rests on serving: a site's own constants in place of the shipped."""

    @wraps(function)
    def asked(*args: Any, calibration: Path | None, **given: Any) -> Any:
        from chipwall.api.calibration import using

        with using(calibration):
            return function(*args, **given)

    option = click.option("--calibration", type=IN_FILE, help="Your own constants, as calibrate --from wrote them.")
    made: F = option(asked)
    return made


FIGURES: dict[str, Text] = {"tpot": text("time per token"), "output": text("token rate"), "ttft": text("first token")}


def calibration_tables(answer: Answer, place: Path | None) -> tuple[Table, ...]:
    """Errors before and after, what moved, the runs, and what to measure next where it was asked."""
    site = answer.record
    notes = list(answer.notes)
    if place is not None:
        notes.append(text("written to {file}: --calibration {file} applies it, cw.use() in Python", file=str(place)))
    return (_errors(answer.title, site, tuple(notes)), _constants(site), _runs(site), _next(answer))


def _share(value: float | None) -> Cell:
    return Cell("" if value is None else f"{100 * value:.1f} %", value)


def _time(value: float | None) -> Cell:
    return Cell("" if value is None else format_quantity(value, "s", digits=3), value)


def _errors(title: str, site: Any, notes: tuple[str, ...]) -> Table:
    columns = (
        Column("figure", text("Runs left out, median error of")), Column("before", text("Shipped"), right=True),
        Column("after", text("With yours"), right=True), Column("low", text("80 % interval from"), right=True),
        Column("high", text("to"), right=True),
    )  # fmt: skip
    rows = []
    for name, before in site.before.items():
        low, high = site.bands.get(name, (None, None))
        ends = [Cell("" if v is None else f"x {v:.2f}", v) for v in (low, high)]
        rows.append((FIGURES[name], _share(before), _share(site.after[name]), *ends))
    return Table(title, columns, tuple(rows), notes)


def _constants(site: Any) -> Table:
    columns = (
        Column("name", text("Constant")), Column("scope", text("Holds for")), Column("before", text("Shipped"), right=True),
        Column("after", text("Yours"), right=True), Column("interval", text("80 % interval"), right=True),
    )  # fmt: skip
    scopes = {
        "software": text("{engine} on any chip", engine=site.engine),
        "chip": text("{engine} on {chip}", engine=site.engine, chip=site.chip),
    }
    rows = tuple(
        (
            c.name, scopes[c.scope], *(Cell(format_quantity(v, c.unit, digits=3), v) for v in (c.before, c.after)),
            text(
                "{low} to {high}", low=format_quantity(c.low, c.unit, digits=3), high=format_quantity(c.high, c.unit, digits=3)
            ),
        )
        for c in site.changes
    )  # fmt: skip
    return Table(text("Constants that moved") if rows else "", columns, rows)


def _runs(site: Any) -> Table:
    columns = (
        Column("place", text("Run")), Column("load", text("Load"), right=True), Column("prompt", text("Prompt"), right=True),
        Column("output", text("Answer"), right=True), Column("tpot_s", text("Time per token"), right=True),
        Column("predicted_tpot_s", text("Predicted without it"), right=True),
    )  # fmt: skip
    rows = tuple(
        (
            r.place, text("{users:g} users", users=r.users) if r.users else text("{rate:g}/s", rate=r.rate),
            *(Cell(f"{v:.0f}", v) for v in (r.prompt, r.output)),
            *(_time(v) for v in (r.measured.get("tpot"), r.predicted.get("tpot"))),
        )
        for r in site.runs
    )  # fmt: skip
    return Table(text("Runs"), columns, rows)


def _next(answer: Answer) -> Table:
    found = answer.data()["next"] if answer.data is not None else []  # type: ignore[index]
    columns = (
        Column("users", text("Users"), right=True), Column("prompt_tokens", text("Prompt"), right=True),
        Column("before_high", text("Target without it, within"), right=True), Column("after_high", text("with it"), right=True),
    )  # fmt: skip
    rows = tuple(
        (
            Cell(f"{n['users']:g}", n["users"]), Cell(f"{n['prompt_tokens']:g}", n["prompt_tokens"]),
            *(Cell(f"± {100 * (n[k] - 1):.1f} %", n[k]) for k in ("before_high", "after_high")),
        )
        for n in found[:5]
    )  # fmt: skip
    return Table(text("What to measure next for this target") if rows else "", columns, rows)
