"""What stands before the tables of ``chipwall simulate``, and ``chipwall market proposals``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from chipwall.api.rooms import parameter_names
from chipwall.cli.kinds import QUARTER, WORD, Count
from chipwall.cli.options import Out, answer_options, command
from chipwall.errors import InputError, unknown_name
from chipwall.inputs import nearest_names, quote
from chipwall.report.forms.table import Column, Table
from chipwall.text import text

if TYPE_CHECKING:
    from chipwall.market.model.paths import Paths
    from chipwall.market.study.ask import MarketQuestion

__all__ = ["for_machines", "proposals_command", "say_first"]


def say_first(
    runs: list[Paths], questions: list[MarketQuestion], names: tuple[str, ...], since: str, lang: str
) -> None:
    """What stands before any table: answers to what was asked, three sentences, one picture."""
    from chipwall.market.study.ask import reply
    from chipwall.report.language.lookup import translated
    from chipwall.report.pages import market_answer as answers

    for one in questions:
        for run in runs:
            told = reply(run, one)
            said = text(
                "{asked}: probability {share:.0f} percent (± {error:.0f}) under '{scenario}'; {quantity} is {mid:.3g}"
                " ({low:.3g} – {high:.3g})",
                asked=one.words,
                share=100 * told.probability,
                error=100 * told.error,
                scenario=run.title,
                quantity=one.quantity,
                mid=told.band.mid,
                low=told.band.low,
                high=told.band.high,
            )
            click.echo(translated(said, lang))
    if len(runs) > 1:
        found = answers.answered(runs[0], runs[1], quarter=names[-1], since=since)
        for sentence in answers.sentences(found):
            click.echo(translated(sentence, lang))
        title = text("Compute in China, A-B, H100-equivalents by training compute, 5 to 95 percent of draws")
        drawn = answers.picture(
            runs[0], runs[1], quantity="h100e_training_total", since=since, title=translated(title, lang)
        )
        for line in drawn:
            click.echo(translated(line, lang))
    if questions or len(runs) > 1:
        click.echo()


def for_machines(
    runs: list[Paths], questions: list[MarketQuestion], names: tuple[str, ...], since: str
) -> dict[str, object]:
    """The same for machines."""
    from chipwall.market.study.ask import reply
    from chipwall.report.pages import market_answer as answers

    extra: dict[str, object] = {}
    if questions:
        extra["asked"] = [reply(run, one).record() for one in questions for run in runs]
    if len(runs) > 1:
        found = answers.answered(runs[0], runs[1], quarter=names[-1], since=since)
        extra["answer"] = {"sentences": [str(x) for x in answers.sentences(found)], **found.record()}
    return extra


@command()
@click.argument("name", required=False, type=WORD)
@click.option(
    "--draws",
    type=Count(least=100, most=200_000, example="100"),
    default=2000,
    show_default=True,
    help="Number of draws.",
)
@click.option("--until", type=QUARTER, default="2028Q4", show_default=True, help="Last quarter.")
@click.option("--seed", type=Count(least=0, most=2**31, example="2"), default=1, show_default=True, help="Seed.")
@answer_options
def proposals_command(name: str | None, draws: int, until: str, seed: int, out: Out) -> None:
    """Named bills and decisions, each against the same world without it: all of them, or the answer to one.

    NAME is one of the list; its answer says the size, how sure it is, and what the model cannot say.
    """
    from chipwall.market.policy.load import load_scenario
    from chipwall.market.policy.load import proposals as listed

    if name is None:
        found = [load_scenario(one).told_in(out.lang) for one in listed()]
        columns = (
            Column("proposal", text("Proposal")),
            Column("title", text("Title")),
            Column("decision", text("Decision")),
            Column("against", text("Against")),
        )
        rows = tuple((s.id, s.title, s.decision, s.versus) for s in found)
        out.show(Table("", columns, rows))
        return
    if name not in listed():
        near = nearest_names(name, listed(), cutoff=0.4)
        raise unknown_name(text("proposal"), quote(name), nearest=near, listing="chipwall market proposals")
    _answer(name, draws=draws, until=until, seed=seed, out=out)


def _answer(name: str, *, draws: int, until: str, seed: int, out: Out) -> None:
    """The one-paragraph answer to a proposal."""
    from chipwall.market.model.quarters import quarters
    from chipwall.market.policy.load import load_scenario
    from chipwall.market.simulate import simulate as run
    from chipwall.report.language.lookup import translated
    from chipwall.report.pages import market_answer as answers

    scenario = load_scenario(name).told_in(out.lang)
    names, since = quarters(until), "2027Q1"
    if since not in names:
        raise InputError(
            text("{until} lies before the decision", until=until),
            where="until",
            fix=text("Give 2027Q1 or later"),
        )
    pair = (scenario, load_scenario(scenario.versus).told_in(out.lang))
    keep = (*answers.ANSWERED, *parameter_names())
    runs = [run(s, draws=draws, seed=seed, until=until, keep=keep) for s in pair]
    found = answers.answered(runs[0], runs[1], quarter=until, since=since)
    said = translated(answers.paragraph(scenario, found), out.lang)
    data = {
        "proposal": name, "against": scenario.versus, "answer": said, "draws": draws, "seed": seed, **found.record(),
    }  # fmt: skip
    columns = (
        Column("proposal", text("Proposal")),
        Column("against", text("Against")),
        Column("answer", text("Answer")),
    )
    table = Table("", columns, ((name, scenario.versus, said),))
    if out.as_json or out.form != "terminal" or out.explain:
        out.show(table, data=data)
    else:
        click.echo(said)
