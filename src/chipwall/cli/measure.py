"""``chipwall measure``: what this machine's accelerator does, as rows of the kernel table."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path

import click

from chipwall.cli.extras import require_extra
from chipwall.cli.kinds import WORD, NumberFrom, OutFile
from chipwall.cli.options import Out, answer_options, command
from chipwall.errors import InputError
from chipwall.files import require_place
from chipwall.inputs import quote
from chipwall.report.forms.table import Column, Table
from chipwall.text import Text, text

__all__ = ["measure_command"]

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@command("measure")
@click.option("--device", type=WORD, help="cuda:0, npu:0, xpu:0 or cpu. Default: the first accelerator.")
@click.option("--minutes", type=NumberFrom(above=0, most=1440), default=5.0, show_default=True, help="When to stop.")
@click.option("--name", type=WORD, help="What the rows call the chip. Default: the driver's name.")
@click.option("--small", is_flag=True, help="A few small cases, to see that everything is there.")
@click.option(
    "--out", "place", type=OutFile(), help="CSV to write; a run goes on where it ends. Default: measured.csv."
)
@click.option(
    "--emit", is_flag=True, help="Print the one file that needs only PyTorch, for a machine without chipwall."
)
@answer_options
def measure_command(
    device: str | None, minutes: float, name: str | None, small: bool, place: Path | None, emit: bool, out: Out
) -> None:
    """Microbenchmarks of an accelerator, what tells most first; compare with `chipwall validate kernels FILE`."""
    if emit:
        if any((device, name, small, place)):
            raise InputError(
                text("--emit only prints the file"),
                where="emit",
                fix=text("Give the other options to python measure.py"),
            )
        click.echo((files("chipwall.measure") / "collector.py").read_text(encoding="utf-8"), nl=False)
        return
    require_extra("torch", extra="measure", wanted_by="measure")
    from chipwall.measure.collector import cases_of, device_of, measure

    if name and not NAME.fullmatch(name):
        raise InputError(
            text("'{name}' cannot name a chip in a table", name=quote(name)), where="name",
            fix=text("Use letters, digits, dots and dashes, as my-h20"),
        )  # fmt: skip
    target = require_place(place or Path("measured.csv"))
    try:
        found = device_of(device or "")
    except SystemExit as refused:
        what, *rest = str(refused).splitlines()
        raise InputError(
            Text.of(what), where="device", fix=rest[-1].removeprefix("  fix: ") if rest else ""
        ) from None
    chip = name or found.name.lower().replace(" ", "-")
    rows = measure(
        found, cases_of(found, small=small), target, chip, minutes=minutes, say=lambda line: click.echo(line, err=True)
    )
    columns = (Column("chip", text("Chip")), Column("rows", text("Rows"), right=True), Column("file", text("File")))
    table = Table(text("Measured"), columns, ((chip, rows, str(target)),))
    out.show(table, data={"chip": chip, "rows": rows, "file": str(target)})
