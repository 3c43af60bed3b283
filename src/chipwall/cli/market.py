"""``chipwall simulate`` and ``chipwall market ...``."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import asdict
from importlib import import_module
from pathlib import Path

import click

from chipwall.cli.extras import require_extra
from chipwall.cli.kinds import COUNT, QUARTER, WORD, Count, NumberFrom, OutFile, OutFolder
from chipwall.cli.options import AskedGroup, Out, answer_options, command
from chipwall.cli.workers import executor
from chipwall.errors import InputError
from chipwall.files import write_whole
from chipwall.report.forms.table import Cell, Column, Table
from chipwall.text import text

__all__ = ["market", "simulate_command"]

# Commands of the group that live in another module.
_ELSEWHERE = {
    "calibrate": ("chipwall.cli.market_data", "market_calibrate_command"),
    "backtest": ("chipwall.cli.market_data", "backtest"),
    "series": ("chipwall.cli.market_data", "series_command"),
    "proposals": ("chipwall.cli.market_answers", "proposals_command"),
}


# Draws times quarters above which a run keeps the headline quantities only: two runs then stay within 4 GiB.
_TABLE_BELOW = 8_000_000


SEED = Count(least=0, most=2**31, example="2")


class _Market(AskedGroup):
    """The group, with commands of the data side loaded when asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*super().list_commands(ctx), *_ELSEWHERE})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in _ELSEWHERE:
            module, attribute = _ELSEWHERE[cmd_name]
            found = getattr(import_module(module), attribute)
            assert isinstance(found, click.Command)
            return found
        return super().get_command(ctx, cmd_name)


@click.group(cls=_Market)
def market() -> None:
    """Scenarios, levers, parameters, sensitivity, exploration and back-test of the simulation."""


@contextlib.contextmanager
def bar(title: str, *, shown: bool) -> Iterator[Callable[[int, int], None] | None]:
    """A progress bar on the error stream of a terminal; nothing elsewhere."""
    import sys

    if not shown or not sys.stderr.isatty():
        yield None
        return
    with click.progressbar(length=1000, label=title, file=sys.stderr) as progress:
        yield lambda done, total: progress.update(round(1000 * done / max(total, 1)) - progress.pos)


def _quarters_shown(names: tuple[str, ...], since: str) -> list[str]:
    """The last quarter and up to two year-ends between it and the decision."""
    after = [q for q in names if q > since and q.endswith("Q4") and q < names[-1]]
    return [*dict.fromkeys((after[0], after[len(after) // 2])), names[-1]] if after else [names[-1]]


@command()
@click.argument("scenario", type=WORD)
@click.option("--against", type=WORD, help="A second scenario on the same draws.")
@click.option(
    "--draws", type=Count(most=1_000_000, example="20"), default=10_000, show_default=True, help="Number of draws."
)
@click.option("--until", type=QUARTER, default="2031Q4", show_default=True, help="Last quarter.")
@click.option("--seed", type=SEED, default=1, show_default=True, help="Seed; the same seed, the same draws.")
@click.option(
    "--assume", type=WORD, help="Take the parameter ranges of this scenario for all runs, for example 'containment'."
)
@click.option(
    "--since", type=QUARTER, default="2027Q1", show_default=True, help="Sums of money and packages begin here."
)
@click.option("--known-on", type=WORD, help="Use only what was in print on this day (YYYY-MM-DD), as a back-test does.")
@click.option(
    "--ask",
    "asked",
    type=WORD,
    multiple=True,
    help="How probable is this? Like 'gap < 4 on 2027-12-31'; may be repeated.",
)
@click.option(
    "--stop",
    type=QUARTER,
    help="Quarter of the unannounced stop behind the cut-off loss; nine quarters before the end by default.",
)
@click.option(
    "--quantity",
    "quantities",
    type=WORD,
    multiple=True,
    help="More quantities for --json and --chart; may be repeated.",
)
@click.option("--chart", type=OutFile(), help="Write a chart of the first quantity (.svg).")
@click.option("--parquet", type=OutFolder(), help="Folder for the draws, one part per block; goes on where it stopped.")
@click.option("--workers", type=Count(most=256), default=1, show_default=True, help="Processes on this machine.")
@click.option("--scheduler", type=WORD, help="Address of a Dask scheduler, tcp://host:port.")
@answer_options
def simulate_command(
    scenario: str, against: str | None, draws: int, until: str, seed: int, assume: str | None, since: str, known_on: str | None,
    asked: tuple[str, ...], stop: str | None, quantities: tuple[str, ...], chart: Path | None, parquet: Path | None,
    workers: int, scheduler: str | None, out: Out,
) -> None:  # fmt: skip
    """What a policy changes: compute, shares, revenue, rents and dependence, with 5/50/95 percent bands.

    SCENARIO is a shipped name (see: chipwall market scenarios) or a TOML file.
    """
    from chipwall.api.market import paths_answer, refuse_too_many_draws
    from chipwall.api.rooms import parameter_names
    from chipwall.cli.market_answers import for_machines, say_first
    from chipwall.market.forecast.knowledge import known_day
    from chipwall.market.model.quarters import quarter_name, quarters
    from chipwall.market.policy.load import load_scenario
    from chipwall.market.simulate import simulate as run
    from chipwall.market.study.ask import question
    from chipwall.market.study.dependence import dependence
    from chipwall.report.pages import market as tables

    _require_parts(parquet, chart, quantities, out)
    found = [load_scenario(name).told_in(out.lang) for name in (scenario, *([] if against is None else [against]))]
    if assume is not None:
        found = [s.with_parameters(load_scenario(assume).parameters) for s in found]
    names = quarters(until)
    _check_since(since, names)
    day = None if known_on is None else known_day(known_on, where="known_on")
    questions = [question(words) for words in asked]
    for told in questions:
        _check_asked(told.quarter, names)
    stop_at = _stop_at(stop, names)
    wanted = _wanted((*quantities, *(q.quantity for q in questions)), draws * len(names))
    kept = wanted if against is None or parquet else (*wanted, *parameter_names())
    refuse_too_many_draws(draws, len(names), len(wanted), runs=len(found))
    with executor(workers, scheduler) as pool, bar("simulate", shown=draws > 5000) as progress:
        few = min(draws, 2000)
        runs, parts = [], []
        for one in found:
            folder = parquet / one.id if parquet else None
            paths = run(
                one,
                draws=draws,
                seed=seed,
                until=until,
                executor=pool,
                parts=folder,
                progress=progress,
                keep=kept,
                known_on=day,
            )
            runs.append(paths)
            if stop_at > 1 and day is None:
                answer = dependence(one, stop=quarter_name(stop_at), draws=few, seed=seed, executor=pool)
                parts.append((paths.title, answer))
    if chart:
        from chipwall.report.forms.charts import chart_svg
        from chipwall.report.pages.market_charts import paths_chart

        write_whole(chart, chart_svg(paths_chart(runs, wanted[0]), lang=out.lang), argument="chart")
    by_name: dict[str, object] = {s.id: d for s, (_, d) in zip(found, parts, strict=False)}
    extra = {**for_machines(runs, questions, names, since), **({"dependence": by_name} if by_name else {})}
    answer_told = paths_answer(runs, wanted, extra)
    if out.form == "terminal" and not out.as_json:
        say_first(runs, questions, names, since, out.lang)
    shown = _quarters_shown(names, since)
    table = tables.paths_table(runs[0], other=runs[1] if len(runs) > 1 else None, quarters=shown, since=since)
    more = [tables.yearly_table(runs[0], runs[1], since=since)] if len(runs) > 1 else []
    more += [tables.dependence_table(parts)] if parts else []
    out.show(table, *more, data=answer_told.to_dict() if out.as_json else None, why=answer_told)


def _check_asked(quarter: str, names: tuple[str, ...]) -> None:
    if quarter not in names:
        raise InputError(
            text("the question names {quarter}, and the run ends in {last}", quarter=quarter, last=names[-1]),
            where="asked",
            fix=text("Give --until {quarter} or later", quarter=quarter),
        )


def _require_parts(parquet: Path | None, chart: Path | None, quantities: tuple[str, ...], out: Out) -> None:
    """Whatever a run needs beside numbers, asked before it begins."""
    if parquet is not None:
        require_extra("polars", extra="data", wanted_by="--parquet")
    if quantities and not (out.as_json or chart):
        raise InputError(
            text("more quantities are told in JSON and in the chart"),
            where="quantities",
            fix=text("Add --json or --chart, or leave it out"),
        )


def _stop_at(stop: str | None, names: tuple[str, ...]) -> int:
    """Place of the quarter of the stop [1]; nine quarters before the end where none is given."""
    from chipwall.market.model.quarters import quarter_index
    from chipwall.market.study.dependence import LAGS

    if stop is None:
        return len(names) - 1 - max(LAGS)
    found = quarter_index(stop, where="stop")
    if not 1 < found < len(names):
        raise InputError(
            text("the stop in {stop} is not inside the run", stop=stop),
            where="stop",
            fix=text("Choose a quarter from {first} to {last}", first=names[min(2, len(names) - 1)], last=names[-1]),
        )
    return found


def _check_since(since: str, names: tuple[str, ...]) -> None:
    if since not in names:
        raise InputError(
            text("{since} is not in the run", since=since),
            where="since",
            fix=text("Choose a quarter from {first} to {last}", first=names[0], last=names[-1]),
        )


def _wanted(asked: tuple[str, ...], size: int) -> tuple[str, ...]:
    """Quantities to keep: those asked for and the rows of the table; in a very large run the headline ones."""
    from chipwall.market.model.quantities import HEADLINE
    from chipwall.report.pages.market import MEASURES
    from chipwall.report.pages.market_answer import ANSWERED

    rows = (*HEADLINE, *ANSWERED) if size > _TABLE_BELOW else (*(m.quantity for m in MEASURES), *ANSWERED)
    return tuple(dict.fromkeys((*asked, *rows)))


@market.command()
@click.argument("scenario", type=WORD)
@click.option("--against", type=WORD, help="Explain the difference from this scenario instead: one input at a time.")
@click.option("--measure", type=WORD, default="h100e_training_total", show_default=True, help="Quantity to explain.")
@click.option("--quarter", type=QUARTER, default="2030Q4", show_default=True, help="In this quarter.")
@click.option("--since", type=QUARTER, help="Sum a flow from this quarter on instead.")
@click.option(
    "--lever",
    "levers",
    type=WORD,
    multiple=True,
    help="Vary this lever as well; may be repeated; 'all' for all of them.",
)
@click.option(
    "--base",
    type=Count(least=2, most=65_536, example="64"),
    default=128,
    show_default=True,
    help="Base sample; runs base x (inputs + 2) draws.",
)
@click.option("--seed", type=SEED, default=1, show_default=True, help="Seed.")
@click.option("--most", type=COUNT, default=15, show_default=True, help="Rows shown.")
@answer_options
def sensitivity_command(
    scenario: str, against: str | None, measure: str, quarter: str, since: str | None, levers: tuple[str, ...], base: int,
    seed: int, most: int, out: Out,
) -> None:  # fmt: skip
    """Which parameter and which lever decides a measure: Sobol indices, first and total order.

    With --against: what each parameter alone does to the difference between two scenarios, and where it turns its sign.
    """
    require_extra("SALib", extra="market", wanted_by="market sensitivity")
    from chipwall.market.study.sensitivity import LEVER_RANGES, DrawOutcome, tornado
    from chipwall.market.study.sensitivity import sensitivity as study
    from chipwall.report.pages import market as tables

    if base & (base - 1):
        raise InputError(
            text("{base} is not a power of two", base=base), where="base", fix=text("Give 64, 128, 256, ...")
        )
    _refuse_backwards(since, quarter)
    outcome = DrawOutcome(measure, quarter, since or "")
    if against is not None:
        if levers:
            raise InputError(
                text("a second scenario is explained by parameters, not by levers"),
                where="levers",
                fix=text("Leave one of the two out"),
            )
        middle, swings = tornado(scenario, against, outcome=outcome, seed=seed)
        told = {"measure": measure, "quarter": quarter, "since": since, "middle": middle, "inputs": swings}
        out.show(tables.tornado_table(middle, swings, quantity=measure, quarter=quarter, most=most), data=told)
        return
    chosen = tuple(LEVER_RANGES) if "all" in levers else levers
    rows = study(scenario, outcome=outcome, base=base, seed=seed, levers=chosen)
    answer = {"measure": measure, "quarter": quarter, "since": since, "draws": base * (len(rows) + 2), "inputs": rows}
    out.show(tables.sensitivity_table(rows, quantity=measure, quarter=quarter, most=most), data=answer)


def _refuse_backwards(since: str | None, quarter: str) -> None:
    if since is not None and since > quarter:
        raise InputError(
            text("{since} is after {quarter}", since=since, quarter=quarter),
            where="since",
            fix=text("Give an earlier quarter, or leave it out"),
        )


@market.command()
@click.argument("scenario", type=WORD)
@click.option("--against", type=WORD, required=True, help="The scenario to beat.")
@click.option("--measure", type=WORD, default="h100e_training_total", show_default=True, help="Quantity to compare.")
@click.option("--quarter", type=QUARTER, default="2030Q4", show_default=True, help="In this quarter.")
@click.option("--since", type=QUARTER, help="Sum a flow from this quarter on instead.")
@click.option("--less", is_flag=True, help="Smaller is better.")
@click.option(
    "--margin",
    type=NumberFrom(least=0, most=1000, example="0.1"),
    default=0.0,
    show_default=True,
    help="Beat by this fraction of the other's value.",
)
@click.option(
    "--draws",
    type=Count(least=100, most=200_000, example="100"),
    default=4000,
    show_default=True,
    help="Number of draws.",
)
@click.option("--seed", type=SEED, default=1, show_default=True, help="Seed.")
@answer_options
def explore_command(
    scenario: str, against: str, measure: str, quarter: str, since: str | None, less: bool, margin: float, draws: int, seed: int,
    out: Out,
) -> None:  # fmt: skip
    """Under which assumptions SCENARIO beats another: a short list of conditions (PRIM)."""
    require_extra("ema_workbench", extra="explore", wanted_by="market explore")
    from chipwall.market.policy.load import load_scenario
    from chipwall.market.study.explore import explore as search
    from chipwall.market.study.sensitivity import DrawOutcome
    from chipwall.report.pages import market as tables

    _refuse_backwards(since, quarter)
    one, two = (load_scenario(name).told_in(out.lang) for name in (scenario, against))
    outcome = DrawOutcome(measure, quarter, since or "")
    found = search(one, two, outcome=outcome, larger_is_better=not less, draws=draws, seed=seed, margin=margin)
    out.show(tables.discovery_table(found), data=asdict(found))


@market.command()
@answer_options
def scenarios(out: Out) -> None:
    """Shipped scenarios."""
    from chipwall.market.policy.load import load_scenario, shipped_scenarios

    found = [load_scenario(name).told_in(out.lang) for name in shipped_scenarios()]
    columns = (
        Column("scenario", text("Scenario")),
        Column("title", text("Title")),
        Column("summary", text("What it says")),
    )
    out.show(Table("", columns, tuple((s.id, s.title, s.summary) for s in found)))


@market.command()
@answer_options
def levers(out: Out) -> None:
    """Levers that a scenario file may set."""
    from chipwall.market.model.timeline import LEVERS

    columns = (
        Column("lever", text("Lever")),
        Column("takes", text("Takes")),
        Column("about", text("About")),
        Column("meaning", text("Meaning")),
    )
    rows = tuple((k.name, k.unit or k.takes, k.about or "-", k.help) for k in LEVERS.values())
    out.show(Table("", columns, rows))


@market.command()
@click.option("--bare", is_flag=True, help="Before fitting.")
@answer_options
def parameters(bare: bool, out: Out) -> None:
    """Parameters with their 5 to 95 percent range, source and basis."""
    from chipwall.market.model.load import load_priors

    columns = (
        Column("parameter", text("Parameter")), Column("low", "5%", right=True), Column("high", "95%", right=True),
        Column("unit", text("Unit")), Column("source", text("Source")), Column("basis", text("Basis")),
    )  # fmt: skip
    rows = tuple(
        (p.name, Cell(f"{p.low:.4g}", p.low), Cell(f"{p.high:.4g}", p.high), p.unit, p.source, p.basis)
        for p in load_priors(overlay=not bare).ranges.values()
    )
    out.show(Table("", columns, rows))


@market.command()
@answer_options
def quantities(out: Out) -> None:
    """Quantities of a path that --quantity, --measure and --json can name."""
    from chipwall.market.model.quantities import unit_of
    from chipwall.market.simulate import simulate as run

    names = list(run("record", draws=2, until="2022Q2").names())
    columns = (Column("quantity", text("Quantity")), Column("unit", text("Unit")))
    out.show(Table("", columns, tuple((n, unit_of(n)) for n in names)))
