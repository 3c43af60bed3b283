"""A table of cases with expected answers, run against the law: what ``chipwall controls test`` does.

A row whose cells cannot be read is reported and left out; the rest runs. A blank expected cell is not compared.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path

from chipwall.controls.decide import decide
from chipwall.controls.item import contradiction, is_amount, item_of_numbers
from chipwall.controls.law import Law
from chipwall.controls.load import law as packaged_law
from chipwall.controls.records import ACTIVITIES, Decision, Journey
from chipwall.errors import InputError
from chipwall.text import Text, listed, text

__all__ = ["BadRow", "Case", "Disagreement", "Report", "read_cases", "run_cases"]

INPUT_COLUMNS = (
    "case_id",
    "chip",
    "as_of",
    "activity",
    "from_iso2",
    "to_iso2",
    "end_user_hq_iso2",
    "end_user",
    "datacenter",
    "tpp",
    "die_area_mm2",
    "pd",
    "dram_bw_gbps",
    "io_bw_gbps",
)
NUMBER_COLUMNS = ("tpp", "die_area_mm2", "pd", "dram_bw_gbps", "io_bw_gbps")
COUNTRY_COLUMNS = ("from_iso2", "to_iso2", "end_user_hq_iso2")
COMPARED_FLAGS = frozenset(
    (
        "vendor_letter",
        "hq_rule",
        "uae_named",
        "supp8_740",
        "on_books_worldwide_not_enforced",
        "compliance_date_2024-12-31",
        "compliance_date_2025-05-15",
        "needs_certifications",
        "announcement_pending",
        "affiliates_rule",
        "affiliates_stayed",
        "affiliates_status_unverified",
        "scheduled_lapse_unverified",
        "gp10_named",
        "gp10_class",
        "gp10_analysis_carveout",
        "revenue_share_unpublished",
        "cn_blocked",
        "indeterminate_dram_sum",
        "pd_undefined_planar",
        "spec_unknown",
        "part746",
    )
)
NOTE_FLAGS = frozenset(
    (
        "assurance_only",
        "cn_discouraged",
        "commercially_available_check",
        "consumer",
        "copackaged_hbm_excluded",
        "my_permit_if_reexport",
        "not_commercially_available",
        "not_datacenter",
        "red_flag",
        "spec_estimate",
        "vendor_asserted",
        "workstation",
    )
)
EXPECTED_WORDS: Mapping[str, frozenset[str]] = {
    "expected_eccn": frozenset(("not_3A090", "3A090(2022)", "3A090.a", "3A090.b", "3A090.c", "unknown")),
    "expected_licence": frozenset(
        ("n/a", "conditional", "required", "exception_available", "required_by_letter", "unknown", "not_required")
    ),
    "expected_licence_on_books": frozenset(("required", "not_required", "unknown")),
    "expected_review_policy": frozenset(
        (
            "presumption_of_denial",
            "case_by_case",
            "presumption_of_approval",
            "not_stated",
            "licences_being_issued",
            "unknown",
        )
    ),
}
BOOK_EXCEPTIONS = frozenset(("AIA", "ACM", "LPP"))
EXCEPTIONS = frozenset(("NAC", "ACA", "HBM")) | BOOK_EXCEPTIONS
EXPECTED_NUMBERS = ("expected_duty_pct", "expected_revenue_share_pct")
EXPECTED_COLUMNS = (*EXPECTED_WORDS, "expected_exception", *EXPECTED_NUMBERS, "expected_flags")
_ISO_DATE = re.compile(r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$")
# no sign, no thousands mark, no words such as nan: an amount as the column description promises it
_NUMBER = re.compile(r"^([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$")


@dataclass(frozen=True, slots=True)
class Case:
    """One readable row: the cells, and their line in the file."""

    id: str
    line: int
    cells: Mapping[str, str] = field(hash=False)


@dataclass(frozen=True, slots=True)
class BadRow:
    """One row that could not be read, with every reason."""

    case_id: str
    line: int
    problems: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Disagreement:
    """One compared cell that differs, and what decided the engine's answer."""

    case_id: str
    column: str
    expected: str
    got: str
    why: str


@dataclass(frozen=True, slots=True)
class Report:
    """The result of a file: cases run, cases that agree in every compared cell, and the rest."""

    cases: int
    agree: int
    disagree: tuple[Disagreement, ...]
    bad_rows: tuple[BadRow, ...]

    @property
    def exit_code(self) -> int:
        """0 when all agree, 1 when any disagrees, 2 when any row could not be read."""
        if self.bad_rows:
            return 2
        return 1 if self.disagree else 0


def read_cases(path: Path, *, law: Law | None = None) -> tuple[tuple[Case, ...], tuple[BadRow, ...]]:
    """Cases of a file, and the rows that cannot be read.

    Raises
    ------
    InputError
        No such file, not a CSV in UTF-8, no rows, or a column missing.
    """
    law = law or packaged_law()
    try:
        with path.open(encoding="utf-8-sig", newline="") as handle:
            reader = csv.DictReader(handle)
            header = [name.strip() for name in reader.fieldnames or ()]
            reader.fieldnames = header
            rows = [(reader.line_num, row) for row in reader]
    except OSError as error:
        raise InputError(text("cannot read '{path}'", path=path), where=Text.of(error.strerror or "error")) from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(text("'{path}' is not a CSV file in UTF-8", path=path), where=str(error)) from error
    missing = [name for name in INPUT_COLUMNS if name not in header]
    if not header:
        raise InputError(text("'{path}' is empty", path=path), fix=text("Give a header and at least one row of cases"))
    if missing:
        what = text("'{path}' lacks columns: {names}", path=path, names=", ".join(missing))
        raise InputError(what, fix=text("The columns are described in docs/controls.md"))
    if not rows:
        raise InputError(text("'{path}' holds no cases", path=path), fix=text("Give at least one row below the header"))
    cases: list[Case] = []
    bad: list[BadRow] = []
    for line, row in rows:
        ragged = None in row or None in row.values()
        cells = {name: (row.get(name) or "").strip() for name in header}
        identity = cells["case_id"] or text("line {line}", line=line)
        problems = [text("the row has more or fewer cells than the header")] if ragged else list(_problems(cells, law))
        if problems:
            bad.append(BadRow(identity, line, tuple(problems)))
        else:
            cases.append(Case(identity, line, cells))
    return tuple(cases), tuple(bad)


def _number(cell: str) -> Decimal | None:
    """A number as the file writes it; None for a blank; raises ValueError for anything else."""
    if not cell:
        return None
    try:
        number = Decimal(cell) if _NUMBER.match(cell) else None
    except InvalidOperation:  # an exponent that no decimal holds
        number = None
    if number is None or not is_amount(number):
        raise ValueError(cell)
    return number


def _problems(cells: Mapping[str, str], law: Law) -> Iterator[str]:
    """Everything wrong with a row's cells."""
    numbers: dict[str, Decimal | None] = {}
    for name in NUMBER_COLUMNS:
        try:
            numbers[name] = _number(cells[name])
        except ValueError:
            yield text("{column}: '{value}' is not a number", column=name, value=cells[name])
    if not _is_day(cells["as_of"]):
        yield text("as_of: '{value}' is not a date", value=cells["as_of"])
    for name in COUNTRY_COLUMNS:
        if cells[name] not in law.countries.table:
            yield text("{column}: '{value}' is not a country of the tables", column=name, value=cells[name])
    if cells["activity"] not in ACTIVITIES:
        yield text("activity: '{value}' is not one of {all}", value=cells["activity"], all=", ".join(ACTIVITIES))
    if cells["end_user"] and cells["end_user"] not in law.parties:
        yield text("end_user: '{value}' is not a known phrase", value=cells["end_user"])
    if cells["datacenter"] not in ("", "0", "1"):
        yield text("datacenter: '{value}' is neither 0, 1 nor blank", value=cells["datacenter"])
    memory = cells["chip"].lower().endswith("(bare)")
    if len(numbers) == len(NUMBER_COLUMNS) and not memory:
        problem = contradiction(numbers["tpp"], numbers["die_area_mm2"], numbers["pd"])
        if problem:
            yield text("pd: {problem}", problem=problem)
    yield from _expected_problems(cells)


def _is_day(cell: str) -> bool:
    try:
        return bool(_ISO_DATE.match(cell)) and bool(date.fromisoformat(cell))
    except ValueError:
        return False


def _expected_problems(cells: Mapping[str, str]) -> Iterator[str]:
    """Expected cells outside the vocabulary."""
    for name, words in EXPECTED_WORDS.items():
        value = cells.get(name, "")
        if value and value not in words:
            yield text("{column}: unknown word '{value}'", column=name, value=value)
    lists = {"expected_exception": EXCEPTIONS, "expected_flags": COMPARED_FLAGS | NOTE_FLAGS | {"after_horizon"}}
    for name, words in lists.items():
        for value in _listed(cells.get(name, "")):
            if value not in words:
                yield text("{column}: unknown word '{value}'", column=name, value=value)
    for name in EXPECTED_NUMBERS:
        value = cells.get(name, "")
        try:
            if value != "unknown":
                _number(value)
        except ValueError:
            yield text("{column}: '{value}' is not a number", column=name, value=value)


def _listed(cell: str) -> frozenset[str]:
    return frozenset(word.strip() for word in cell.split(";") if word.strip())


def decision_of(case: Case, *, law: Law) -> Decision:
    """The engine's answer to a case: the row's numbers win over any catalogue, and a blank is unknown."""
    cells = case.cells
    item = item_of_numbers(
        cells["chip"],
        law=law,
        datacenter={"": None, "0": False, "1": True}[cells["datacenter"]],
        tpp=_number(cells["tpp"]),
        die_area=_number(cells["die_area_mm2"]),
        density=_number(cells["pd"]),
        dram_bandwidth=_number(cells["dram_bw_gbps"]),
        io_rate=_number(cells["io_bw_gbps"]),
    )
    journey = Journey(
        activity=cells["activity"],  # type: ignore[arg-type]  # checked when the row was read
        exporter=cells["from_iso2"],
        destination=cells["to_iso2"],
        headquarters=cells["end_user_hq_iso2"],
        party=cells["end_user"],
    )
    return decide(item, journey, on=date.fromisoformat(cells["as_of"]), law=law)


def _answer_cells(decision: Decision) -> dict[str, str]:
    """The decision in the words of the expected columns."""
    duty = decision.duty.pct
    return {
        "expected_eccn": decision.eccn,
        "expected_licence": decision.licence.as_enforced,
        "expected_licence_on_books": decision.licence.on_books,
        "expected_exception": ";".join(name for name in decision.exception_names if name not in BOOK_EXCEPTIONS),
        "expected_review_policy": decision.review_policy,
        "expected_duty_pct": "unknown" if duty is None else f"{duty}",
        "expected_revenue_share_pct": f"{decision.revenue_share.pct}",
        "expected_flags": ";".join(decision.flags),
    }


def _same_number(expected: str, got: str) -> bool:
    return expected == got if "unknown" in (expected, got) else Decimal(expected) == Decimal(got)


_SAME: Mapping[str, Callable[[str, str], bool]] = {
    "expected_exception": lambda expected, got: _listed(expected) - BOOK_EXCEPTIONS == _listed(got),
    "expected_duty_pct": _same_number,
    "expected_revenue_share_pct": _same_number,
    "expected_flags": lambda expected, got: (_listed(expected) & COMPARED_FLAGS) <= _listed(got),
}


def _why(decision: Decision) -> str:
    """What decided: unknowns if there are any, else the tests that were met."""
    met = [f"{c.paragraph}: {c.operand} {c.value} {c.operator} {c.limit}" for c in decision.trace if c.result]
    found = [finding.says for finding in decision.findings if finding.result is not False]
    return listed(dict.fromkeys([*decision.unknowns, *met, *found]), sign=";") or text("no clause is met")


def run_cases(path: Path, *, law: Law | None = None) -> Report:
    """Run every readable case of a file and compare every expected cell that is not blank."""
    law = law or packaged_law()
    cases, bad = read_cases(path, law=law)
    different: list[Disagreement] = []
    agree = 0
    for case in cases:
        decision = decision_of(case, law=law)
        got = _answer_cells(decision)
        wrong = [
            Disagreement(case.id, name, expected, got[name], _why(decision))
            for name in EXPECTED_COLUMNS
            if (expected := case.cells.get(name, "")) and not _SAME.get(name, str.__eq__)(expected, got[name])
        ]
        agree += not wrong
        different += wrong
    return Report(len(cases), agree, tuple(different), bad)
