"""The command line: one module per room, loaded only when one of its commands is asked for.

``chipwall --help`` and every look-up must feel instant, so the table below holds the one-line helps and nothing else
is imported until a command is chosen.
"""

from __future__ import annotations

import gc
import sys
from gettext import gettext
from importlib import import_module

import click

from chipwall.cli.edge import finish, held_output, outcome_of
from chipwall.cli.languages import LanguageAsked, language_first, speaking
from chipwall.text import Text, text

__all__ = ["COMMANDS", "main"]

# Heading, then name: (module, attribute, one-line help) of each command under it.
_ROOMS: dict[Text, dict[str, tuple[str, str, Text]]] = {
    text("Chips and models"): {
        "chips": ("chipwall.cli.catalog", "chips_command", text("List chips, with filters.")),
        "chip": (
            "chipwall.cli.catalog",
            "chip_command",
            text("Everything known about one chip, with the source of each number."),
        ),
        "compare": ("chipwall.cli.catalog", "compare_command", text("Chips side by side, with ratios to the first.")),
        "models": ("chipwall.cli.catalog", "models", text("List language models.")),
        "model": ("chipwall.cli.catalog", "model_command", text("Dimensions and sizes of one language model.")),
        "systems": ("chipwall.cli.catalog", "systems", text("Nodes, racks and supernodes.")),
    },
    text("What it can do"): {
        "fit": (
            "chipwall.cli.fit",
            "fit",
            text("Does a model fit in a chip's memory, to serve it and to fine-tune it?"),
        ),
        "infer": ("chipwall.cli.serve", "infer", text("How fast a model serves on some chips.")),
        "ratio": ("chipwall.cli.serve", "ratio_command", text("Two chips compared by workload, batch and precision.")),
        "train": (
            "chipwall.cli.train",
            "train_command",
            text("Train a model: step time, MFU, memory, time and energy."),
        ),
        "finetune": ("chipwall.cli.train", "finetune", text("Fine-tune a model: does it fit, and how fast.")),
        "load": (
            "chipwall.cli.load",
            "load_command",
            text("What clients see under a load, request by request: p50 to p99, goodput."),
        ),
        "plan": ("chipwall.cli.plan", "plan_command", text("How many of which chip, at what cost, and is it allowed.")),
        "frontier": (
            "chipwall.cli.plan",
            "frontier_command",
            text("Throughput per chip against speed per user, chips side by side."),
        ),
        "rag": ("chipwall.cli.evidence", "rag", text("Retrieval and generation: latency, throughput, memory.")),
        "hpc": ("chipwall.cli.evidence", "hpc", text("Scientific kernels on chips: FP64 and memory, with ratios.")),
    },
    text("Where it may go"): {
        "controls": ("chipwall.cli.law", "controls", text("Export controls on a date: classification, licence, duty.")),
    },
    text("What it changes"): {
        "simulate": (
            "chipwall.cli.market",
            "simulate_command",
            text("What a policy changes in China: compute, shares, revenue, dependence."),
        ),
        "market": (
            "chipwall.cli.market",
            "market",
            text("Scenarios, levers, sensitivity, exploration, calibration, back-test."),
        ),
    },
    text("Is it true"): {
        "check": ("chipwall.cli.check", "check_command", text("A sentence or an article in, verdicts out.")),
        "claims": ("chipwall.cli.claims", "claims", text("Sentences said about chips: do they hold, and where?")),
        "mcp": ("chipwall.cli.mcp", "mcp", text("Serve the public functions as tools for an assistant.")),
        "claim": ("chipwall.cli.claims", "claim", text("Check claims of your own; list the vocabulary they may use.")),
    },
    text("In a browser"): {
        "web": ("chipwall.cli.web", "web_command", text("Serve the pages on this machine, until Ctrl-C.")),
        "site": ("chipwall.cli.web", "site_command", text("Write the finite part as static files.")),
    },
    text("Data and evidence"): {
        "brief": (
            "chipwall.cli.brief",
            "brief_command",
            text("The brief on one chip, in the terminal and as one HTML file."),
        ),
        "sources": ("chipwall.cli.catalog", "sources", text("Where the numbers come from.")),
        "prices": (
            "chipwall.cli.prices",
            "prices_command",
            text("What a chip is rented or sold for, by place, term and day."),
        ),
        "cite": ("chipwall.cli.catalog", "cite", text("Sources as footnotes or BibTeX, of a chip or by id.")),
        "data": ("chipwall.cli.data", "data", text("The data files: their age, a check, a sample, an update.")),
        "validate": (
            "chipwall.cli.evidence",
            "validate",
            text("Score the performance model against a table of measurements."),
        ),
        "scoreboard": (
            "chipwall.cli.evidence",
            "scoreboard",
            text("Predicted against published, by class, chip and source."),
        ),
        "calibrate": (
            "chipwall.cli.evidence",
            "calibrate_command",
            text("Your own constants from a load test, or the shipped ones again."),
        ),
        "measure": (
            "chipwall.cli.measure",
            "measure_command",
            text("Microbenchmarks of an accelerator, as rows to compare."),
        ),
    },
}
COMMANDS: dict[str, tuple[str, str, Text]] = {name: room[name] for room in _ROOMS.values() for name in room}


class _Rooms(click.Group):
    """A group whose commands live in modules that are imported on demand."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, attribute, _ = COMMANDS[cmd_name]
        found = getattr(import_module(module), attribute)
        assert isinstance(found, click.Command)
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        for heading, room in _ROOMS.items():
            with formatter.section(heading.render(gettext)):
                formatter.write_dl([(name, help_line) for name, (_, _, help_line) in room.items()])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if name not in COMMANDS and not name.startswith("-"):
            from chipwall.errors import unknown_name
            from chipwall.inputs import nearest_names, quote

            raise unknown_name("command", quote(name), nearest=nearest_names(name, COMMANDS), listing="chipwall --help")
        return super().resolve_command(ctx, args)


def _version(ctx: click.Context, _param: click.Parameter, value: bool) -> None:
    if not value or ctx.resilient_parsing:
        return
    from chipwall import __version__
    from chipwall.catalog import data_version

    said = text("chipwall {code}, data {data}", code=__version__, data=data_version())
    click.echo(said.render(gettext))
    ctx.exit()


@click.group(cls=_Rooms, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version", is_flag=True, callback=_version, expose_value=False, is_eager=True, help="Code and data version."
)
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
@click.option("--lang", type=LanguageAsked(), help="Language of everything a person reads.")
def root(debug: bool, lang: str | None) -> None:
    """What an AI chip can do, where it may go on a date, and what that changes; a source for every number."""


# New objects after which the collector looks for circles: reading the catalogue makes a hundred thousand that stay, and
# looking through them again and again takes a fifth of a short command.
COLLECTED_AFTER = (100_000, 20, 20)


def main(args: list[str] | None = None) -> None:
    """Run the command line and exit; see :mod:`chipwall.cli.edge` for what leaves and how it ends."""
    argv = sys.argv[1:] if args is None else args
    gc.set_threshold(*COLLECTED_AFTER)
    lang, argv = language_first(argv)
    words, debug = [a for a in argv if a != "--debug"], "--debug" in argv
    with speaking(lang), held_output() as held:
        status, lines = outcome_of(lambda: root.main(words, prog_name="chipwall", standalone_mode=False), debug=debug)
    sys.exit(finish(status, held.getvalue(), lines, lang))
