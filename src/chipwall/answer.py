"""What every question gets back: one :class:`Answer`, whoever was asked.

An engine returns its own frozen record; the public doors of :mod:`chipwall.api` wrap it, so that a person always finds the
same things in the same place: numbers with their interval and basis, the breakdown, the sources, the nearest
measurements, plain JSON, a table with units in the column names, one line in a terminal and a table in a notebook.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, is_dataclass
from datetime import date
from decimal import Decimal
from html import escape
from typing import Any

from chipwall.errors import DataError, InputError
from chipwall.inputs import nearest_names
from chipwall.sources import Source
from chipwall.text import Text, text
from chipwall.units import format_quantity

__all__ = ["Answer", "Figure", "Line", "frame", "plain_json"]


@dataclass(frozen=True, slots=True)
class Figure:
    """One number of an answer.

    Attributes
    ----------
    value, low, high : float
        The number and its 80 % interval (5 to 95 % for simulations), SI; equal to the value where it is exact.
    unit : str
        SI unit.
    basis : str
        ``measured``, ``calibrated``, ``extrapolated``, ``limit``, ``computed`` (arithmetic on stated numbers) or
        ``simulated``.
    """

    value: float
    low: float
    high: float
    unit: str
    basis: str

    def __post_init__(self) -> None:
        if not all(math.isfinite(v) for v in (self.value, self.low, self.high)):
            raise DataError(
                text("a number of this answer is not finite: it cannot be computed from what is known"),
                where=f"{self.value}, {self.low}, {self.high} {self.unit}",
                fix=text("Ask with another chip, precision or size"),
            )

    def __float__(self) -> float:
        return self.value

    def __repr__(self) -> str:
        interval = (
            "" if self.low == self.high else f" ({_shown(self.low, self.unit)} to {_shown(self.high, self.unit)})"
        )
        return f"{_shown(self.value, self.unit)}{interval}, {self.basis}"


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a breakdown: what it is, how much [unit of the breakdown], what binds it, and its formula."""

    name: str
    value: float
    unit: str
    bound: str = ""
    formula: str = ""


@dataclass(frozen=True)
class Answer:
    """What a door of :mod:`chipwall.api` returns.

    Every figure is an attribute (``answer.rate.value``), and so is every other public name of the engine's own record
    (``answer.layout``). An answer that lists things (chips, verdicts, days) can be counted, indexed and walked through.

    Attributes
    ----------
    door : str
        Which function was asked: ``serve``, ``decide``.
    title : str
        The question in words.
    figures : mapping of str to Figure
        Numbers with interval and basis.
    record : object
        What the engine returned.
    items : tuple
        The things listed, where the answer is a list.
    rows : tuple of mapping
        The lines of :meth:`to_frame`; units are in the names.
    lines : tuple of Line
        The breakdown.
    notes : tuple of str
        Limits and warnings.
    sources : tuple of str
        Ids of the sources used.
    measured : tuple of mapping
        The nearest measured rows.
    """

    door: str
    title: str
    figures: Mapping[str, Figure] = field(default_factory=dict)
    record: Any = None
    items: tuple[Any, ...] = ()
    rows: tuple[Mapping[str, Any], ...] = ()
    lines: tuple[Line, ...] = ()
    notes: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    measured: tuple[Mapping[str, Any], ...] = ()
    data: Callable[[], object] | None = field(default=None, repr=False)
    source_of: Callable[[str], Source] | None = field(default=None, repr=False)
    table: Callable[[], Mapping[str, Sequence[Any]]] | None = field(default=None, repr=False)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name in type(self).__dataclass_fields__:
            raise AttributeError(name)
        if name in self.figures:
            return self.figures[name]
        record = self.record
        if isinstance(record, Mapping) and name in record:
            return record[name]
        if hasattr(record, name):
            return getattr(record, name)
        near = nearest_names(name, self._public())
        hint = f"; did you mean {', '.join(near)}?" if near else f"; it has {', '.join(self._public())}"
        raise AttributeError(f"the answer of {self.door}() has no '{name}'{hint}")

    def _public(self) -> list[str]:
        record = self.record
        own = list(record) if isinstance(record, Mapping) else [n for n in dir(record) if not n.startswith("_")]
        return [*self.figures, *own] if record is not None else list(self.figures)

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *self._public()})

    def __iter__(self) -> Iterator[Any]:
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)

    def __bool__(self) -> bool:
        return True

    def __getitem__(self, at: int | slice) -> Any:
        return self.items[at]

    def to_dict(self) -> Any:
        """Plain values that the JSON standard can hold, SI with the unit in the field name; as ``--json`` prints."""
        return plain_json(self.data() if self.data is not None else self._plain_rows())

    def _plain_rows(self) -> list[dict[str, Any]]:
        if self.rows:
            return [dict(row) for row in self.rows]
        row: dict[str, Any] = {}
        for name, f in self.figures.items():
            unit = "" if f.unit in ("", "1") else "_" + f.unit.replace("/", "_per_")
            row |= {
                f"{name}{unit}": f.value,
                f"{name}_low{unit}": f.low,
                f"{name}_high{unit}": f.high,
                f"{name}_basis": f.basis,
            }
        return [row]

    def to_frame(self, library: str = "") -> Any:
        """The answer as a table of pandas or polars, whichever is there; units are in the column names.

        Parameters
        ----------
        library : str
            ``pandas`` or ``polars``; by default the one in use already, else pandas, else polars.
        """
        if self.table is not None:
            return frame(self.table(), library=library)
        rows = self._plain_rows()
        names = list(dict.fromkeys(n for row in rows for n in row))
        return frame({n: _column([row.get(n) for row in rows]) for n in names}, library=library)

    def why(self) -> str:
        """How the answer came about: its parts, largest first, with what binds them and their formulas, then the notes."""
        return "\n".join(self.reasons())

    def reasons(self) -> tuple[str, ...]:
        """The lines of :meth:`why`, translatable."""
        total: dict[str, float] = {}
        for line in self.lines:
            total[line.unit] = total.get(line.unit, 0.0) + abs(line.value)
        said: list[str] = [self.title]
        for name, f in self.figures.items():
            interval = "" if f.low == f.high else f" ({_shown(f.low, f.unit)} - {_shown(f.high, f.unit)})"
            said.append(
                text(
                    "  {name}: {value}{interval}, {basis}",
                    name=name,
                    value=_shown(f.value, f.unit),
                    interval=interval,
                    basis=Text.of(f.basis),
                )
            )
        for line in sorted(self.lines, key=lambda x: -abs(x.value)):
            part = f"{abs(line.value) / total[line.unit]:6.1%}" if total[line.unit] else ""
            shown: dict[str, object] = {
                "part": part,
                "name": Text.of(line.name),
                "value": _shown(line.value, line.unit),
            }
            if line.formula:
                said.append(text("  {part}  {name}: {value} = {formula}", formula=line.formula, **shown))
            elif line.bound:
                said.append(text("  {part}  {name}: {value}, bound by {bound}", bound=Text.of(line.bound), **shown))
            else:
                said.append(text("  {part}  {name}: {value}", **shown))
        return (*said, *(text("  note: {note}", note=note) for note in self.notes))

    def cite(self) -> tuple[Source, ...]:
        """The sources behind the answer, with title, publisher and place."""
        if self.source_of is None:
            return tuple(Source(s, s) for s in self.sources)
        return tuple(self.source_of(s) for s in self.sources)

    def nearest(self) -> tuple[Mapping[str, Any], ...]:
        """The measured rows most like the question: who measured what, and the value; empty where nothing is alike."""
        return self.measured

    def __repr__(self) -> str:
        if self.figures:
            name, first = next(iter(self.figures.items()))
            return f"<{self.door}: {self.title}: {name} {first!r}>"
        return f"<{self.door}: {self.title}{f': {len(self.items)} items' if self.items else ''}>"

    def _repr_html_(self) -> str:
        """A table for notebooks; every word from outside is escaped."""
        if self.figures and not self.rows:
            head: tuple[str, ...] = ("", "value", "low", "high", "basis")
            body: list[Sequence[Any]] = [
                (n, _shown(f.value, f.unit), _shown(f.low, f.unit), _shown(f.high, f.unit), f.basis)
                for n, f in self.figures.items()
            ]
        else:
            rows = self._plain_rows()[:50]
            head = tuple(dict.fromkeys(n for row in rows for n in row))
            body = [[row.get(n) for n in head] for row in rows]
        heads = "".join(f"<th>{escape(str(h))}</th>" for h in head)
        lines = "".join("<tr>" + "".join(f"<td>{escape(_word(v))}</td>" for v in row) + "</tr>" for row in body)
        notes = "".join(f"<br><small>{escape(str(note))}</small>" for note in self.notes)
        return f"<table><caption>{escape(str(self.title))}</caption><tr>{heads}</tr>{lines}</table>{notes}"


def _shown(value: float, unit: str) -> str:
    """A number with its unit for people; a per-something unit is kept as written."""
    if unit in ("byte", "byte/s", "flop/s", "W", "J", "s", "m2"):
        return format_quantity(value, unit)
    return f"{value:,.4g}" if unit in ("", "1") else f"{value:,.4g} {unit}"


def _word(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:,.6g}"
    if isinstance(value, (list, tuple)):
        return ", ".join(_word(v) for v in value)
    return "" if value is None else str(value)


def _column(values: Sequence[Any]) -> list[Any]:
    """Values of one kind, as a column of a table holds them: all numbers, all days, all yes or no, or all words."""
    found = [float(v) if isinstance(v, Decimal) else v for v in values]
    kinds = {
        bool if isinstance(v, bool) else float if isinstance(v, (int, float)) else type(v)
        for v in found
        if v is not None
    }
    if kinds <= {bool} or kinds <= {float} or kinds <= {date}:
        return found
    return [None if v is None else _word(v) for v in found]


def frame(columns: Mapping[str, Sequence[Any]], *, library: str = "") -> Any:
    """A table of pandas or polars from columns; refuses where neither is installed."""
    import sys
    from importlib import import_module
    from importlib.util import find_spec

    if library not in ("", "pandas", "polars"):
        raise InputError(
            text("unknown table library '{name}'", name=library[:40]), where="library", fix=text("Use pandas or polars")
        )
    wanted = [library] if library else [n for n in ("pandas", "polars") if n in sys.modules] + ["pandas", "polars"]
    name = next((n for n in wanted if n in sys.modules or find_spec(n)), "")
    if not name:
        raise InputError(
            text("a table needs {name}", name=library or "pandas or polars"),
            fix=text("Install the extra 'data' (polars), or pandas; to_dict() needs neither"),
        )
    return import_module(name).DataFrame(dict(columns))


def plain_json(value: object) -> Any:
    """A value that the JSON standard can hold: records become objects, NaN and infinity become null."""
    if is_dataclass(value) and not isinstance(value, type):
        return plain_json(asdict(value))
    if isinstance(value, dict):
        return {str(k): plain_json(v) for k, v in value.items()}
    if isinstance(value, (set, frozenset)):
        return [plain_json(v) for v in sorted(value, key=str)]
    if isinstance(value, (list, tuple)):
        return [plain_json(v) for v in value]
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, (str, int, bool)) or value is None:
        return value
    if hasattr(value, "tolist"):  # an array or a scalar of NumPy, without importing it here
        return plain_json(value.tolist())
    if isinstance(value, Mapping):
        return {str(k): plain_json(v) for k, v in value.items()}
    return str(value)
