"""What every command shares: the forms of its answer, errors that name its own options, and the right option for a wrong one."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import Any, TypeVar

import click

from chipwall.answer import Answer, plain_json
from chipwall.cli.kinds import COUNT, SHARE, WORD, NumberFrom
from chipwall.cli.languages import LanguageAsked, asked_language
from chipwall.errors import ChipwallError, InputError
from chipwall.inputs import nearest_names, quote
from chipwall.report.forms.table import Cell, Form, Table, render
from chipwall.report.language.lookup import translated
from chipwall.text import Text, text

__all__ = [
    "AskedGroup", "HelpfulCommand", "Out", "answer_options", "command", "memory_options", "page_options", "reuse_options",
    "with_options",
]  # fmt: skip

F = TypeVar("F", bound=Callable[..., Any])
# What an option is called elsewhere, or was called here, and its name.
OTHER_NAMES = {
    "--n": "--chips",
    "--isl": "--prompt",
    "--osl": "--output",
    "--concurrency": "--users",
    "--static": "--batch",
    "--slo-ttft": "--ttft",
    "--slo-tpot": "--tpot",
    "--tp": "--tensor",
    "--pp": "--pipeline",
    "--ep": "--expert",
    "--cp": "--context",
    "--sequence": "--length",
    "--sequences": "--users",
    "--weights": "--precision",
    "--dtype": "--precision",
    "--vs": "--against",
    "--input-len": "--prompt",
    "--output-len": "--output",
    "--num-gpus": "--chips",
    "--qps": "--rate",
    "--date": "--on",
    "--country": "--to",
    "--end-user": "--party",
    "--opponents": "--against",
}


@dataclass(frozen=True, slots=True)
class Out:
    """How an answer leaves: the form asked for, the language, and whether its reasons come along.

    ``langs`` are all languages that were asked for, where a command writes a page in each; ``lang`` is the first.
    """

    form: Form
    as_json: bool
    lang: str
    explain: bool
    langs: tuple[str, ...] = ()

    def say(self, words: str) -> None:
        """A sentence in the language asked for."""
        click.echo(translated(words, self.lang))

    def show(self, *tables: Table, data: object = None, why: Answer | None = None) -> None:
        """The tables in the form asked for.

        Parameters
        ----------
        *tables : Table
            A terminal and Markdown get all of them, CSV the first.
        data : object, optional
            What JSON says, where that is more than the rows of the first table.
        why : Answer, optional
            Whose breakdown ``--explain`` tells; what the cells themselves say otherwise.
        """
        if self.as_json:
            found = tables[0].records() if data is None else data
            reasons = {"explain": self._reasons(tables, why)} if self.explain else {}
            whole = {**found, **reasons} if isinstance(found, dict) else {"answer": found, **reasons}
            self.json(whole if reasons else found)
            return
        if self.form == "csv":
            if self.explain:
                raise InputError(
                    text("CSV holds one table and no reasons"),
                    where="explain",
                    fix=text("Use --json or --md with --explain"),
                )
            click.echo(render(tables[0], "csv", self.lang))
            return
        click.echo("\n\n".join(render(t, self.form, self.lang) for t in tables if t.rows or t.notes or t.title))
        if self.explain:
            click.echo()
            for line in self._reasons(tables, why):
                click.echo(f"- {line}" if self.form == "md" else line)

    def json(self, answer: object) -> None:
        """Standard JSON: records become objects, what is not finite becomes null."""
        click.echo(json.dumps(plain_json(answer), ensure_ascii=False, indent=1, allow_nan=False))

    def _reasons(self, tables: Sequence[Table], why: Answer | None) -> list[str]:
        """The breakdown of an answer, or how the cells came about and who says so."""
        if why is not None:
            said = [translated(line, self.lang) for line in why.reasons()]
            return [*said, *(translated(text("source: {title}", title=x.title), self.lang) for x in why.cite())]
        told = list(dict.fromkeys(_cell_reasons(tables, self.lang)))
        nothing = text("nothing is computed here: every value is shown as its source gives it")
        return told or [translated(nothing, self.lang)]


def _cell_reasons(tables: Sequence[Table], lang: str) -> Iterable[str]:
    """How computed cells came about, and the sources of all cells."""
    cited: dict[str, None] = {}
    for table in tables:
        for row in table.rows:
            for column, cell in zip(table.columns, row, strict=True):
                if isinstance(cell, Cell):
                    cited |= dict.fromkeys(cell.sources)
                    if cell.calculation:
                        yield f"{translated(column.title, lang)}: {cell.words(lang)} = {translated(cell.calculation, lang)}"
    if cited:
        from chipwall import catalog

        known = catalog.load().sources
        yield from (translated(text("source: {title}", title=known[s].title if s in known else s), lang) for s in cited)


def answer_options(function: F) -> F:
    """``--json --csv --md --explain --lang`` for every command; the function gets them as ``out``."""
    return _answering(function, LanguageAsked(), text("Language; default: en."))


def page_options(function: F) -> F:
    """The same for a command that writes pages: ``--lang en,zh`` writes one in each language."""
    return _answering(function, LanguageAsked(several=True), text("Language; en,zh writes a page in each."))


def _answering(function: F, languages: LanguageAsked, told: str) -> F:
    @wraps(function)
    def asked(*args: Any, form: str | None, as_json: bool, lang: str, explain: bool, **given: Any) -> Any:
        if as_json and form:
            raise InputError(text("two forms of one answer"), where=f"--json, --{form}", fix=text("Give one of them"))
        found: Form = form if form in ("csv", "md") else "terminal"  # type: ignore[assignment]
        langs = tuple(lang.split(","))
        return function(*args, out=Out(found, as_json, langs[0], explain, langs), **given)

    return with_options(  # type: ignore[return-value]
        asked,
        click.option("--json", "as_json", is_flag=True, help="JSON; numbers are SI, the unit is in the field name."),
        click.option("--csv", "form", flag_value="csv", help="CSV of the first table."),
        click.option("--md", "form", flag_value="md", help="Markdown."),
        click.option("--explain", is_flag=True, help="How the answer came about: parts, formulas, sources."),
        click.option("--lang", type=languages, default=asked_language, help=told),
    )


def with_options(function: F, *options: Callable[[Any], Any]) -> F:
    """A function with options, in the order in which they are given."""
    made: Any = function
    for option in reversed(options):
        made = option(made)
    return made  # type: ignore[no-any-return]


class HelpfulCommand(click.Command):
    """A command whose errors name its options, and that knows the right option for a wrong one."""

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        """Read the words; an error of a gate names the option."""
        try:
            return super().make_context(info_name, args, parent, **extra)
        except ChipwallError as error:
            raise flagged(error, self) from None
        except click.NoSuchOption as error:
            raise _right_option(error, self) from None

    def invoke(self, ctx: click.Context) -> Any:
        """Run; an error that names an argument names the option instead."""
        try:
            return super().invoke(ctx)
        except ChipwallError as error:
            raise flagged(error, self) from error


class AskedGroup(click.Group):
    """A group of such commands."""

    command_class = HelpfulCommand


def command(name: str | None = None, **settings: Any) -> Callable[[Callable[..., Any]], click.Command]:
    """A command of the command line."""
    return click.command(name, cls=HelpfulCommand, **settings)


def flagged(error: ChipwallError, asked: click.Command) -> ChipwallError:
    """The same error with every argument as the option it was given by."""
    flags = {p.name: p.opts[0] if p.opts[0].startswith("-") else p.human_readable_name for p in asked.params if p.name}
    flags |= {p.name: max((o for o in p.opts), key=len) for p in asked.params if p.name and p.opts[0].startswith("-")}

    def said(words: str) -> str:
        if words in flags:
            return flags[words]
        if ", " in words and all(w in flags for w in words.split(", ")):
            return ", ".join(flags[w] for w in words.split(", "))
        if not isinstance(words, Text) or not words.values:
            return words
        values: dict[str, object] = {
            k: said(v) if isinstance(v, Text) and v.values else flags.get(str(v), v) if k == "argument" else v
            for k, v in words.values.items()
        }
        return Text(words.template, values)

    what, where = said(error.what), said(error.where)
    return type(error)(what, where="" if where in what else where, fix=said(error.fix))


def _right_option(error: click.NoSuchOption, asked: click.Command) -> click.NoSuchOption:
    """The error with the option that was meant: another name of it, the nearest, or the ones that begin alike."""
    known = [o for p in asked.params for o in p.opts + p.secondary_opts if o.startswith("--")]
    meant = OTHER_NAMES.get(error.option_name, "")
    near = [meant] if meant in known else nearest_names(error.option_name, known, cutoff=0.6)
    return click.NoSuchOption(quote(error.option_name), possibilities=near or None, ctx=error.ctx)


def reuse_options(function: F) -> F:
    """What saves an engine prompts and steps, for ``infer``, ``plan`` and ``frontier``: a prefix cache, speculation."""
    options = (
        click.option(
            "--prefix-reuse", type=SHARE, default=0.0, show_default=True,
            help="Share of the prompt found in the prefix cache.",
        ),
        click.option(
            "--accepted", type=NumberFrom(least=1, most=1000, example="2"), default=1.0, show_default=True,
            help="Tokens per step of speculative decoding.",
        ),
        click.option(
            "--drafted", type=NumberFrom(least=1, most=1000, example="4"),
            help="Tokens verified per step. Default: as --accepted.",
        ),
    )  # fmt: skip
    return with_options(function, *options)


def memory_options(function: F) -> F:
    """How an engine holds memory, for ``fit`` and ``infer``."""
    options = (
        click.option(
            "--memory-utilization", type=NumberFrom("share", above=0, most=1, example="0.9"),
            help="Share of the memory the engine may use. Default: its own.",
        ),
        click.option("--max-batched-tokens", type=COUNT, help="Tokens of the engine's largest step."),
        click.option("--max-sequences", type=COUNT, help="Sequences the engine runs at once at most."),
        click.option("--draft", type=WORD, help="A draft held in memory: own, or a number of layers."),
        click.option("--beyond-context", is_flag=True, help="Ask on for sequences longer than the model's maximum."),
    )  # fmt: skip
    return with_options(function, *options)
