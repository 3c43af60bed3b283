"""Options that many commands share, and how an answer leaves the program."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from typing import Any, TypeVar

import click

from chipwall.answer import plain_json
from chipwall.cli.languages import asked_language
from chipwall.errors import InputError
from chipwall.report.forms.table import Form, Table, render
from chipwall.report.language.lookup import LANGUAGES
from chipwall.text import text
from chipwall.units import parse_quantity

__all__ = ["day", "json_option", "lang_option", "seconds", "show", "table_options", "write_json"]

F = TypeVar("F", bound=Callable[..., Any])


def lang_option(command: F) -> F:
    """``--lang en|zh``: the language of everything a person reads."""
    language = click.option(
        "--lang", type=click.Choice(LANGUAGES), default=asked_language, help="Language; default: en."
    )
    return language(command)


def json_option(command: F) -> F:
    """``--json``: the answer as JSON, numbers in SI with the unit in the field name."""
    return click.option("--json", "as_json", is_flag=True, help="JSON; numbers are SI, the unit is in the field name.")(
        command
    )


def table_options(command: F) -> F:
    """``--json --csv --md --lang`` for commands that print a table."""
    command = click.option("--csv", "form", flag_value="csv", help="CSV.")(command)
    command = click.option("--md", "form", flag_value="md", help="Markdown.")(command)
    return lang_option(json_option(command))


def show(table: Table, *, form: str | None, as_json: bool, lang: str, extra: object = None) -> None:
    """Print a table in the form asked for; ``extra`` replaces the rows in JSON where a command has more to say."""
    if as_json:
        write_json(table.records() if extra is None else extra)
        return
    asked: Form = form if form in ("csv", "md", "html") else "terminal"  # type: ignore[assignment]
    click.echo(render(table, asked, lang))


def write_json(answer: object) -> None:
    """Print an answer as JSON; records become objects, NaN becomes null."""
    click.echo(json.dumps(plain_json(answer), ensure_ascii=False, indent=1, allow_nan=False))


def seconds(_ctx: click.Context, param: click.Parameter, value: str | None) -> float | None:
    """A time as people type it in options: ``500 ms``, ``2 s``, or a bare number of seconds [s]."""
    if value is None:
        return None
    words, where = value.strip(), param.opts[0]
    bare = words.replace(".", "", 1).isdigit()
    found = float(words) if bare else parse_quantity(words, dimension="s", where=where)
    if found <= 0:
        raise InputError(text("'{words}' is not a time", words=words), where=where, fix=text("Give more than zero"))
    return found


def day(words: str, *, option: str = "--on") -> date:
    """A date as people type it in options: ``2026-02-01``."""
    try:
        return date.fromisoformat(words)
    except ValueError:
        raise InputError(
            text("'{words}' is not a date", words=words),
            where=option,
            fix=text("Write year-month-day, for example 2026-02-01"),
        ) from None


def memory_options(command: Any) -> Any:
    """The options of how an engine holds memory, for ``fit`` and ``infer``."""
    for option in reversed(
        (
            click.option(
                "--memory-utilization", type=float, help="Share of the memory the engine may use. Default: its own."
            ),
            click.option("--max-batched-tokens", type=click.IntRange(1), help="Tokens of the engine's largest step."),
            click.option("--max-sequences", type=click.IntRange(1), help="Sequences the engine runs at once at most."),
            click.option("--draft", default="", help="A draft held in memory: own, or a number of layers."),
            click.option(
                "--beyond-context", is_flag=True, help="Ask on for sequences longer than the model's maximum."
            ),
        )
    ):
        command = option(command)
    return command


def share_of(value: float | None) -> float:
    """A share of the memory above 0 and up to 1; 0 where nothing is given."""
    if value is not None and not 0.0 < value <= 1.0:
        raise InputError(
            text("{value} is not a share", value=value),
            where="--memory-utilization",
            fix=text("Give a share above 0, for example 0.9"),
        )
    return value or 0.0
