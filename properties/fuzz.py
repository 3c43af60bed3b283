"""The command line under bad input, walked from its own definitions: ``python properties/fuzz.py`` (``make fuzz``).

Every option of every command gets what it cannot be: empty, endless, not a number, not finite, out of range, another unit, an
unknown word, a terminal code. Every file gets contents that are none. Each must be refused with exit status 2, nothing on standard
output, at most three printable lines on the error stream, and no mistake of ours. A new option is covered when it appears.
"""

from __future__ import annotations

import contextlib
import io
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import click

from chipwall.cli import COMMANDS, main
from chipwall.cli.kinds import (
    AUTO,
    DAY,
    IN_FILE,
    QUARTER,
    SHARE,
    TIME,
    CatalogNames,
    Count,
    NumberFrom,
    OneOf,
    OptionKind,
    OutFile,
    OutFolder,
)

# A call of each command that is answered, to which one bad option is added; heavy ones are only ever refused.
BASES: dict[str, list[str]] = {
    "chip": ["h200"],
    "compare": ["h200", "h100"],
    "model": ["llama-2-70b"],
    "cite": ["h200"],
    "fit": ["llama-2-70b", "--chip", "h200"],
    "infer": ["llama-2-70b", "--chip", "h200", "--chips", "8"],
    "ratio": ["h200", "h20", "--model", "llama-2-70b"],
    "train": ["llama-3-70b", "--chip", "h100", "--chips", "64"],
    "finetune": ["llama-2-70b", "--chip", "h200"],
    "rag": ["llama-2-70b", "--chip", "h200", "--chips", "2"],
    "hpc": ["h200"],
    "controls decide": ["h200", "--to", "CN"],
    "controls timeline": ["h200", "--to", "CN"],
    "controls compare": ["h200", "--to", "CN"],
    "controls diff": ["2024-11-01", "2025-06-01"],
    "controls what-if": ["draft.toml"],
    "controls test": ["cases.csv"],
    "simulate": ["h200-share-cap", "--draws", "20"],
    "market sensitivity": ["h200-share-cap", "--base", "2"],
    "market explore": ["h200-share-cap", "--against", "no-sales", "--draws", "100"],
    "market backtest": ["table.csv", "--draws", "200"],
    "check": ["The H200 has 141 GB."],
    "claim show": ["h200-capacity"],
    "claim check": ["claims.toml"],
    "brief": ["h200", "--json"],
    "validate": ["kernels", "table.csv"],
    "measure": ["--small", "--device", "cpu", "--minutes", "0.01"],
}
# Options that take any word on purpose: names of strangers, programs and documents of one's own.
FREE = {"party", "shipper", "by", "reader", "other_eccn", "root", "source"}
# Commands that talk to another program until it ends.
LEFT_OUT = {"mcp", "web"}
ALWAYS = ["", " ", "\x1b[31mX\x07", "\u202eevil", "A" * 5000, "<script>alert(1)</script>", "../../../../etc/passwd\x00"]
NUMBERS = ["nan", "inf", "-inf", "1e400", "-1", "²", "a few", "9" * 400, "1,2.3.4", "0x10", "1e", "--", "1 GB/s"]
BY_KIND: list[tuple[type | OptionKind, list[str]]] = [
    (AUTO, [*NUMBERS, "0", "2.5", "car"]),
    (DAY, ["2026-13-01", "20260201", "tomorrow", "2026-02-30", "0001-01-01", "2026"]),
    (QUARTER, ["2026", "2026Q5", "2026Q0", "Q12026", "٢٠٢٦Q1", "1999Q1"]),
    (TIME, ["nan", "inf", "-1 s", "0", "5 GB", "²", "1e400 s"]),
    (SHARE, [*NUMBERS, "1.0", "2"]),
    (Count, [*NUMBERS, "2.5", "1e12"]),
    (NumberFrom, [*NUMBERS, "1e300"]),
    (CatalogNames, ["nosuch-thing", "h200,,h20", ","]),
    (OneOf, ["nosuch", "0"]),
    (OutFile, ["nosuch/x.html", ".", "x" * 300, "-", "/proc/x"]),
    (OutFolder, ["nosuch/x", "x" * 300, "-", "/proc/x/y"]),
    (IN_FILE, ["nosuch.toml", ".", "/dev/null", "/dev/zero", "x" * 400]),
]
BAD_FILES = {
    "empty": b"",
    "binary": bytes(range(256)) * 20,
    "nul": b"a,b\n\x00,1\n",
    "latin": "é,b\n".encode("latin-1"),
    "nan": b"a = nan",
    "deep": b"a = " + b"[" * 3000 + b"]" * 3000,
    "digits": b"a = " + b"9" * 5000,
    "escape": b'title = "\\u001b[31m"',
    "no toml": b"= = =",
    "list": b"draft = [1]\nclaim = 3\nlever = [1]\nscenario = 2\n",
    "types": b"[draft]\nid = []\neffective = 2026-01-01T00:00:00\n",
    "wide": b"a" * (3 * 2**20),
    "quote": b'a,b\n"1,2\n',
    "heads": b"a,a\n1,2\n",
    "long cell": b"case_id,series,period,value,id\n" + b"x" * 40000,
}


@dataclass(frozen=True)
class Violation:
    """One input that was not handled as it must be."""

    argv: tuple[str, ...]
    why: str


def commands() -> Iterator[tuple[list[str], click.Command]]:
    """Every command with its path, groups walked through."""
    for name, (module, attribute, _) in COMMANDS.items():
        if name not in LEFT_OUT:
            yield from _walked([name], getattr(import_module(module), attribute))


def _walked(path: list[str], command: click.Command) -> Iterator[tuple[list[str], click.Command]]:
    if not isinstance(command, click.Group):
        yield path, command
        return
    context = click.Context(command)
    for name in command.list_commands(context):
        inner = command.get_command(context, name)
        assert inner is not None
        yield from _walked([*path, name], inner)


def base_of(path: list[str], command: click.Command) -> list[str]:
    """A call that is answered, to which one bad option is added; a new command's is made of the examples of its kinds."""
    known = BASES.get(" ".join(path))
    if known is not None:
        return known
    needed = [p for p in command.params if p.required]
    arguments = [_example(p) for p in needed if isinstance(p, click.Argument)]
    options = [(max(p.opts, key=len), _example(p)) for p in needed if isinstance(p, click.Option)]
    return [*arguments, *(word for pair in options for word in pair)]


def _example(param: click.Parameter) -> str:
    """A value that a parameter takes."""
    if isinstance(param.type, click.Choice):
        return str(next(iter(param.type.choices)))
    return param.type.example if isinstance(param.type, OptionKind) else "1"


def bad_inputs() -> Iterator[list[str]]:
    """Every option with everything that it cannot be, and words of the parser itself."""
    yield from (["nosuch"], ["--nosuch"], ["--lang", "xx", "chips"], [""], ["chips", "extra"])
    for path, command in commands():
        call = base_of(path, command)
        base = [*path, *call]
        yield [*base, "--nosuch-option"]
        yield [*base, "--json", "--csv"]
        for option in command.params:
            if not isinstance(option, click.Option) or option.is_flag or option.name == "lang":
                continue
            flag = max(option.opts, key=len)
            for value in values_for(option):
                yield [*base, flag, value]
        for place, argument in enumerate(p for p in command.params if isinstance(p, click.Argument)):
            if argument.name in FREE:
                continue
            for value in values_for(argument):
                if place < len(call) and not value.startswith("-"):
                    yield [*path, *call[:place], value, *call[place + 1 :]]


def values_for(option: click.Parameter) -> list[str]:
    """What an option cannot be."""
    free = option.name in FREE
    kind = next((v for k, v in BY_KIND if option.type is k or (isinstance(k, type) and isinstance(option.type, k))), [])
    return [*(ALWAYS[:5] if free else ALWAYS), *kind]


def bad_files(folder: Path) -> Iterator[list[str]]:
    """Every command that reads a file, with contents that are none."""
    readers = [
        ["claim", "check"],
        ["controls", "what-if"],
        ["controls", "test"],
        ["simulate"],
        ["market", "backtest"],
        *(["validate", kind] for kind in ("kernels", "collectives", "inference", "training", "finetune")),
    ]
    for name, content in BAD_FILES.items():
        for ending in (".toml", ".csv"):
            (folder / f"{name}{ending}").write_bytes(content)
        for reader in readers:
            ending = ".csv" if reader[0] in ("validate", "market") or reader[-1] == "test" else ".toml"
            extra = ["--draws", "20"] if reader == ["simulate"] else ["--draws", "200"] if reader[0] == "market" else []
            for form in ([], ["--json"]):
                yield [*reader, str(folder / f"{name}{ending}"), *extra, *form]


def run(argv: list[str]) -> tuple[int, str, str]:
    """Status, standard output and error stream of a command, in this process."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main(argv)
        except SystemExit as stop:
            return int(stop.code or 0), out.getvalue(), err.getvalue()
        except BaseException as error:  # anything that comes out of main is a mistake of ours
            return 99, out.getvalue(), f"{type(error).__name__}: {error}"
    return 98, out.getvalue(), err.getvalue()


def judged(argv: list[str], *, refused: bool = True) -> Violation | None:
    """What is wrong about how an input was handled; None where nothing is."""
    began = time.monotonic()
    status, out, err = run(argv)
    lines = err.rstrip("\n").split("\n")
    why = ""
    if status not in (0, 1, 2):
        why = f"status {status}: {err[:200]}"
    elif "does not handle" in err or "Traceback" in err:
        why = f"a mistake of ours: {err[:200]}"
    elif refused and status != 2:
        why = f"accepted with status {status}"
    elif status == 2 and out:
        why = "an error with something on standard output"
    elif status == 2 and (len(lines) > 3 or not err.strip()):
        why = f"{len(lines)} lines of error"
    elif any(len(line) > 1200 or not line.isprintable() for line in lines):
        why = "a line too long or not printable"
    elif "--json" in argv and out and not _is_json(out):
        why = "not standard JSON"
    elif time.monotonic() - began > 20:
        why = "slower than 20 s"
    return Violation(tuple(a[:60] for a in argv), why) if why else None


def _is_json(words: str) -> bool:
    def refuse(token: str) -> float:
        raise ValueError(token)

    try:
        json.loads(words, parse_constant=refuse)
    except ValueError:
        return False
    return True


def inputs(folder: Path) -> list[list[str]]:
    """Every bad input, in a fixed order."""
    return [*bad_inputs(), *bad_files(folder)]


def violations(
    step: int = 1, *, start: int = 0, say: Callable[[Violation], None] | None = None
) -> tuple[int, list[Violation]]:
    """How many inputs were tried, every ``step``-th of all, and what went wrong."""
    found = []
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        chosen = inputs(Path(folder))[start::step]
        for argv in chosen:
            if violation := judged(argv):
                found.append(violation)
                if say:
                    say(violation)
    return len(chosen), found


def _say(violation: Violation) -> None:
    sys.stdout.write(f"{' '.join(map(repr, violation.argv))}\n    {violation.why}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    tried, wrong = violations(int(sys.argv[1]) if len(sys.argv) > 1 else 1, say=_say)
    sys.stdout.write(f"{tried} inputs, {len(wrong)} violations\n")
    sys.exit(1 if wrong else 0)
