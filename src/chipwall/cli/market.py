"""``chipwall simulate`` and ``chipwall market ...``."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path

import click

from chipwall.cli.options import show, table_options, write_json
from chipwall.cli.workers import executor
from chipwall.errors import InputError
from chipwall.files import write_whole
from chipwall.report.forms.table import Cell, Column, Table
from chipwall.text import text

__all__ = ["market", "simulate"]

# Commands of the group that live in another module.
_ELSEWHERE = {
    **dict.fromkeys(("calibrate", "backtest", "series"), "chipwall.cli.market_data"),
    "proposals": "chipwall.cli.market_answers",
}


# Draws times quarters above which a run keeps the headline quantities only: two runs then stay within 4 GiB.
_TABLE_BELOW = 8_000_000


class _Market(click.Group):
    """The group, with commands of the data side loaded when asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*super().list_commands(ctx), *_ELSEWHERE})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in _ELSEWHERE:
            found = getattr(import_module(_ELSEWHERE[cmd_name]), cmd_name)
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


@click.command()
@click.argument("scenario")
@click.option("--vs", "other", help="A second scenario on the same draws.")
@click.option("--draws", type=click.IntRange(1), default=10_000, show_default=True, help="Number of draws.")
@click.option("--until", default="2031Q4", show_default=True, help="Last quarter.")
@click.option(
    "--seed", type=click.IntRange(0), default=1, show_default=True, help="Seed; the same seed, the same draws."
)
@click.option("--assume", help="Take the parameter ranges of this scenario for all runs, for example 'containment'.")
@click.option("--since", default="2027Q1", show_default=True, help="Sums of money and packages begin here.")
@click.option(
    "--known-on", "known_on", help="Use only what was in print on this day (YYYY-MM-DD), as a back-test does."
)
@click.option(
    "--ask", "asked", multiple=True, help="How probable is this? Like 'gap < 4 on 2027-12-31'; may be repeated."
)
@click.option(
    "--stop", help="Quarter of the unannounced stop behind the cut-off loss; nine quarters before the end by default."
)
@click.option(
    "--quantity", "quantities", multiple=True, help="More quantities for --json and --chart; may be repeated."
)
@click.option(
    "--chart", type=click.Path(dir_okay=False, path_type=Path), help="Write a chart of the first quantity (.svg)."
)
@click.option(
    "--parquet",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for the draws, one part per block; goes on where it stopped.",
)
@click.option("--workers", type=click.IntRange(1), default=1, show_default=True, help="Processes on this machine.")
@click.option("--scheduler", help="Address of a Dask scheduler, tcp://host:port.")
@table_options
def simulate(
    scenario: str, other: str | None, draws: int, until: str, seed: int, assume: str | None, since: str, known_on: str | None,
    asked: tuple[str, ...], stop: str | None, quantities: tuple[str, ...], chart: Path | None, parquet: Path | None,
    workers: int, scheduler: str | None,
    form: str | None, as_json: bool, lang: str,
) -> None:  # fmt: skip
    """What a policy changes: compute, shares, revenue, rents and dependence, with 5/50/95 percent bands.

    SCENARIO is a shipped name (see: chipwall market scenarios) or a TOML file.
    """
    from chipwall.cli.market_answers import for_machines, parameter_names, say_first
    from chipwall.market.forecast.knowledge import known_day
    from chipwall.market.model.quarters import quarter_index, quarter_name, quarters
    from chipwall.market.policy.scenario import load_scenario
    from chipwall.market.simulate import simulate as run
    from chipwall.market.study.ask import question
    from chipwall.market.study.dependence import LAGS, dependence
    from chipwall.report.pages import market as tables

    found = [load_scenario(name).told_in(lang) for name in (scenario, *([other] if other else []))]
    if assume:
        found = [s.with_parameters(load_scenario(assume).parameters) for s in found]
    names = quarters(until)
    _check_since(since, names)
    day = None if known_on is None else known_day(known_on, where="--known-on")
    questions = [question(words) for words in asked]
    for told in questions:
        _check_asked(told.quarter, names)
    stop_at = quarter_index(stop, where="--stop") if stop else len(names) - 1 - max(LAGS)
    wanted = _wanted((*quantities, *(q.quantity for q in questions)), draws * len(names))
    kept = wanted if other is None or parquet else (*wanted, *parameter_names())
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
        from chipwall.report.forms.charts import svg

        write_whole(chart, svg(tables.band_chart(runs, wanted[0], lang=lang)))
    if as_json:
        by_name: dict[str, object] = {s.id: d for s, (_, d) in zip(found, parts, strict=False)}
        extra = for_machines(runs, questions, names, since)
        write_json(tables.paths_answer(runs, wanted, {**extra, **({"dependence": by_name} if by_name else {})}))
        return
    if form is None:
        say_first(runs, questions, names, since, lang)
    shown = _quarters_shown(names, since)
    table = tables.paths_table(runs[0], other=runs[1] if other else None, quarters=shown, since=since)
    show(table, form=form, as_json=False, lang=lang)
    if form == "csv":
        return
    if other:
        click.echo()
        show(tables.yearly_table(runs[0], runs[1], since=since), form=form, as_json=False, lang=lang)
    if parts:
        click.echo()
        show(tables.dependence_table(parts), form=form, as_json=False, lang=lang)


def _check_asked(quarter: str, names: tuple[str, ...]) -> None:
    if quarter not in names:
        raise InputError(
            text("--ask names {quarter}, and the run ends in {last}", quarter=quarter, last=names[-1]),
            where="--ask",
            fix=text("Give --until {quarter} or later", quarter=quarter),
        )


def _check_since(since: str, names: tuple[str, ...]) -> None:
    if since not in names:
        raise InputError(
            text("--since {since} is not in the run", since=since),
            where="--since",
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
@click.argument("scenario")
@click.option("--vs", "other", help="Explain the difference from this scenario instead: one input at a time.")
@click.option("--measure", default="h100e_training_total", show_default=True, help="Quantity to explain.")
@click.option("--quarter", default="2030Q4", show_default=True, help="In this quarter.")
@click.option("--since", help="Sum a flow from this quarter on instead.")
@click.option(
    "--lever", "levers", multiple=True, help="Vary this lever as well; may be repeated; 'all' for all of them."
)
@click.option(
    "--base",
    type=click.IntRange(2),
    default=128,
    show_default=True,
    help="Base sample; runs base x (inputs + 2) draws.",
)
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True, help="Seed.")
@click.option("--most", type=click.IntRange(1), default=15, show_default=True, help="Rows shown.")
@table_options
def sensitivity(
    scenario: str, other: str | None, measure: str, quarter: str, since: str | None, levers: tuple[str, ...], base: int,
    seed: int, most: int,
    form: str | None, as_json: bool, lang: str,
) -> None:  # fmt: skip
    """Which parameter and which lever decides a measure: Sobol indices, first and total order.

    With --vs: what each parameter alone does to the difference between two scenarios, and where it turns its sign.
    """
    from chipwall.market.study.sensitivity import LEVER_RANGES, Outcome, tornado
    from chipwall.market.study.sensitivity import sensitivity as study
    from chipwall.report.pages import market as tables

    if other is not None:
        if levers:
            raise InputError(
                text("--vs explains what parameters do to a difference; --lever does not go with it"),
                where="--lever",
                fix=text("Leave --lever out, or --vs"),
            )
        outcome = Outcome(measure, quarter, since or "")
        middle, swings = tornado(scenario, other, outcome=outcome, seed=seed)
        table = tables.tornado_table(middle, swings, quantity=measure, quarter=quarter, most=most)
        told = {"measure": measure, "quarter": quarter, "since": since, "middle": middle, "inputs": swings}
        show(table, form=form, as_json=as_json, lang=lang, extra=told)
        return
    if base & (base - 1):
        raise InputError(
            text("--base {base} is not a power of two", base=base), where="--base", fix=text("Give 64, 128, 256, ...")
        )
    chosen = tuple(LEVER_RANGES) if "all" in levers else levers
    rows = study(scenario, outcome=Outcome(measure, quarter, since or ""), base=base, seed=seed, levers=chosen)
    answer = {"measure": measure, "quarter": quarter, "since": since, "draws": base * (len(rows) + 2), "inputs": rows}
    show(
        tables.sensitivity_table(rows, quantity=measure, quarter=quarter, most=most),
        form=form,
        as_json=as_json,
        lang=lang,
        extra=answer,
    )


@market.command()
@click.argument("scenario")
@click.option("--vs", "other", required=True, help="The scenario to beat.")
@click.option("--measure", default="h100e_training_total", show_default=True, help="Quantity to compare.")
@click.option("--quarter", default="2030Q4", show_default=True, help="In this quarter.")
@click.option("--since", help="Sum a flow from this quarter on instead.")
@click.option("--less", is_flag=True, help="Smaller is better.")
@click.option("--margin", default=0.0, show_default=True, help="Beat by this fraction of the other's value.")
@click.option("--draws", type=click.IntRange(100), default=4000, show_default=True, help="Number of draws.")
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True, help="Seed.")
@table_options
def explore(
    scenario: str, other: str, measure: str, quarter: str, since: str | None, less: bool, margin: float, draws: int, seed: int,
    form: str | None, as_json: bool, lang: str,
) -> None:  # fmt: skip
    """Under which assumptions SCENARIO beats another: a short list of conditions (PRIM)."""
    from chipwall.market.policy.scenario import load_scenario
    from chipwall.market.study.explore import explore as search
    from chipwall.market.study.sensitivity import Outcome
    from chipwall.report.pages import market as tables

    one, two = (load_scenario(name).told_in(lang) for name in (scenario, other))
    outcome = Outcome(measure, quarter, since or "")
    found = search(one, two, outcome=outcome, larger_is_better=not less, draws=draws, seed=seed, margin=margin)
    show(tables.discovery_table(found), form=form, as_json=as_json, lang=lang, extra=found)


@market.command()
@table_options
def scenarios(form: str | None, as_json: bool, lang: str) -> None:
    """Shipped scenarios."""
    from chipwall.market.policy.scenario import load_scenario, shipped_scenarios

    found = [load_scenario(name).told_in(lang) for name in shipped_scenarios()]
    columns = (
        Column("scenario", text("Scenario")),
        Column("title", text("Title")),
        Column("summary", text("What it says")),
    )
    show(Table("", columns, tuple((s.id, s.title, s.summary) for s in found)), form=form, as_json=as_json, lang=lang)


@market.command()
@table_options
def levers(form: str | None, as_json: bool, lang: str) -> None:
    """Levers that a scenario file may set."""
    from chipwall.market.model.timeline import LEVERS

    columns = (
        Column("lever", text("Lever")),
        Column("takes", text("Takes")),
        Column("about", text("About")),
        Column("meaning", text("Meaning")),
    )
    rows = tuple((k.name, k.unit or k.takes, k.about or "-", k.help) for k in LEVERS.values())
    show(Table("", columns, rows), form=form, as_json=as_json, lang=lang)


@market.command()
@click.option("--bare", is_flag=True, help="Before fitting.")
@table_options
def parameters(bare: bool, form: str | None, as_json: bool, lang: str) -> None:
    """Parameters with their 5 to 95 percent range, source and basis."""
    from chipwall.market.model.priors import load_priors

    columns = (
        Column("parameter", text("Parameter")), Column("low", "5%", right=True), Column("high", "95%", right=True),
        Column("unit", text("Unit")), Column("source", text("Source")), Column("basis", text("Basis")),
    )  # fmt: skip
    rows = tuple(
        (p.name, Cell(f"{p.low:.4g}", p.low), Cell(f"{p.high:.4g}", p.high), p.unit, p.source, p.basis)
        for p in load_priors(overlay=not bare).ranges.values()
    )
    show(Table("", columns, rows), form=form, as_json=as_json, lang=lang)


@market.command()
@table_options
def quantities(form: str | None, as_json: bool, lang: str) -> None:
    """Quantities of a path that --quantity, --measure and --json can name."""
    from chipwall.market.model.quantities import unit_of
    from chipwall.market.simulate import simulate as run

    names = list(run("record", draws=2, until="2022Q2").names())
    columns = (Column("quantity", text("Quantity")), Column("unit", text("Unit")))
    show(Table("", columns, tuple((n, unit_of(n)) for n in names)), form=form, as_json=as_json, lang=lang)
