"""The edge: what leaves the program, and how it ends.

Output is held until the command is done, so that an error leaves nothing half-said; then it goes out in the encoding that
the terminal has, with control characters spelled out. The exit status is 0; 1 where a test or check found disagreement;
2 where nothing could be answered; and 130 after Ctrl-C, as shells expect.
"""

from __future__ import annotations

import io
import os
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TextIO

import click

from chipwall.errors import ChipwallError
from chipwall.inputs import printable
from chipwall.report.language.lookup import translated
from chipwall.text import Text, text

__all__ = ["finish", "held_output", "outcome_of"]

# Longest line of an error [1].
LONGEST_LINE = 1200
INTERRUPTED = 130


class _Held(io.StringIO):
    """Standard output until the command is done; what asks about the terminal is told about the real one."""

    def __init__(self, real: TextIO) -> None:
        super().__init__()
        self._real = real

    def isatty(self) -> bool:
        return bool(self._real.isatty())


@contextmanager
def held_output() -> Iterator[_Held]:
    """Hold what a command prints."""
    real = sys.stdout
    held = _Held(real)
    sys.stdout = held
    try:
        yield held
    finally:
        sys.stdout = real


def outcome_of(run: Callable[[], object], *, debug: bool) -> tuple[int, tuple[str, ...]]:
    """Exit status of a command, and what to tell on the error stream."""
    if not debug:
        warnings.simplefilter("ignore")
    try:
        status = run()
        return (status if isinstance(status, int) else 0), ()
    except ChipwallError as error:
        if debug:
            raise
        return 2, error.lines()
    except click.NoSuchOption as error:
        meant = ", ".join(error.possibilities or ())
        told: Text = text("No such option: {option}", option=error.option_name)
        if meant:
            told = text("No such option: {option}. Did you mean {meant}?", option=error.option_name, meant=meant)
        where = error.ctx.command_path if error.ctx else "chipwall"
        return 2, (told, text("Try: {command}", command=f"{where} --help"))
    except click.UsageError as error:
        where = error.ctx.command_path if error.ctx else "chipwall"
        what = error.format_message().split("\n")[0].rstrip(".。")
        return 2, (what, text("Try: {command}", command=f"{where} --help"))
    except (click.exceptions.Abort, KeyboardInterrupt):
        return INTERRUPTED, ()
    except MemoryError:
        return 2, (text("this needs more memory than there is"), text("Ask for fewer draws, rows or points"))
    except OSError as error:
        if debug:
            raise
        why = Text.of(error.strerror or "error")
        return 2, (
            text("the system refused: {why}", why=why),
            str(error.filename or ""),
            text("Free what is missing, or name another place"),
        )
    except Exception as error:  # the last resort: a mistake of ours must not be a page of code
        if debug:
            raise
        said = f"{type(error).__name__}: {error}"
        return 2, (
            text("chipwall met a case that it does not handle: {what}", what=said[:200]),
            text("Please report the command; --debug before it shows where"),
        )


def finish(status: int, said: str, lines: Sequence[str], lang: str) -> int:
    """Let the answer or the error out, and return the exit status that is left."""
    if said and not (status == 2 and lines):  # a command that ends in 2 by itself has said why
        try:
            _write(sys.stdout, printable(said))
        except BrokenPipeError:
            _silence(sys.stdout)  # the reader of a pipe left early (``| head``): not an error of ours
        except OSError as error:
            _silence(sys.stdout)
            why = Text.of(error.strerror or "error")
            status, lines = (
                2,
                (text("cannot write the answer: {why}", why=why), text("Choose another place for the output")),
            )
    told = [printable(translated(line, lang).replace("\n", " "))[:LONGEST_LINE] for line in lines if line][:3]
    try:
        for line in told:
            _write(sys.stderr, line + "\n")
    except OSError:
        _silence(sys.stderr)
    return status


def _write(stream: TextIO, words: str) -> None:
    """Write in the encoding that the stream has; a character it lacks becomes a question mark."""
    encoding = stream.encoding or "utf-8"
    stream.write(words.encode(encoding, errors="replace").decode(encoding))
    stream.flush()


def _silence(stream: TextIO) -> None:
    """Nothing more can be written: let the interpreter's own flush at exit go nowhere."""
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
    except (OSError, ValueError, io.UnsupportedOperation):
        return
