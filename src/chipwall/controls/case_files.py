"""A table of cases with expected answers, run against the law: what ``chipwall controls test`` does.

A row whose cells cannot be read is reported and left out; the rest runs. A blank expected cell is not compared.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path

from chipwall.controls.decide import decide
from chipwall.controls.item import contradiction, is_amount, item_of_numbers
from chipwall.controls.law import Law
from chipwall.controls.records import ACTIVITIES, Decision, Journey
from chipwall.errors import InputError
from chipwall.files import read_rows
from chipwall.text import listed, text

__all__ = ["BadRow", "CaseRow", "Disagreement", "Report", "read_cases", "run_cases"]

# Rows of one file: each is a whole decision [1].
MOST_CASES = 50_000
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
# columns a table may leave out, each with the other headings under which people write it
OPTIONAL_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "exporter": ("exporter_name", "shipper"),
    "exporter_role": ("role",),
    "packaged_in": ("packaged_in_iso2",),
    "heading": ("hts", "hts_heading", "htsus"),
    "owners": ("ownership", "owned_by", "owner"),
    "parent_iso2": ("ultimate_parent_iso2", "parent_hq_iso2"),
    "party": ("party_name", "end_user_name"),
    "transistors_bn": ("transistors", "transistor_count", "transistor_count_bn"),
    "hbm": ("has_hbm",),
    "tpp_share": ("aggregate_tpp_share",),
    "us_available": (),
    "end_use": (),
}
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
        "entity_listed",
        "entity_footnote_1",
        "entity_footnote_4",
        "entity_footnote_5",
        "party_unmatched",
        "ownership_red_flag",
        "ownership_open",
        "after_horizon",
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
        "meu_listed",
        "sdn_listed",
        "cmic_listed",
        "uvl_listed",
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
EXCEPTIONS = frozenset(("NAC", "ACA", "HBM", "TGL")) | BOOK_EXCEPTIONS
EXPECTED_NUMBERS = ("expected_duty_pct", "expected_revenue_share_pct")
EXPECTED_COLUMNS = (*EXPECTED_WORDS, "expected_exception", *EXPECTED_NUMBERS, "expected_flags")
_ISO_DATE = re.compile(r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$")
_OWNED = re.compile(r"^([0-9.]+) ?(?:percent|%) owned by (?:an? )?(.+)$", re.IGNORECASE)
# no sign, no thousands mark, no words such as nan: an amount as the column description promises it
_NUMBER = re.compile(r"^([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$")


@dataclass(frozen=True, slots=True)
class CaseRow:
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
    """One compared cell that differs, which way it errs, and what decided the engine's answer.

    ``direction`` is ``free`` where the engine answers freer than expected (the dangerous way), ``strict`` where it answers
    stricter, ``other`` where neither can be said.
    """

    case_id: str
    column: str
    expected: str
    got: str
    why: str
    direction: str = "other"


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


def read_cases(path: Path, *, law: Law) -> tuple[tuple[CaseRow, ...], tuple[BadRow, ...]]:
    """Cases of a file, and the rows that cannot be read.

    Raises
    ------
    InputError
        No such file, not a CSV in UTF-8, no rows, or a column missing.
    """
    table = read_rows(
        path, needed=INPUT_COLUMNS, most=MOST_CASES, fix=text("The columns are described in docs/controls.md")
    )
    if not len(table):
        raise InputError(
            text("'{path}' holds no cases", path=table.file), fix=text("Give at least one row below the header")
        )
    cases: list[CaseRow] = []
    bad: list[BadRow] = []
    for line, row in zip(table.lines, table.rows, strict=True):
        cells = _with_optional(row)
        identity = cells["case_id"] or text("line {line}", line=line)
        problems = (
            [text("the row has more or fewer cells than the header")]
            if line in table.ragged
            else list(_problems(cells, law))
        )
        if problems:
            bad.append(BadRow(identity, line, tuple(problems)))
        else:
            cases.append(CaseRow(identity, line, cells))
    return tuple(cases), tuple(bad)


def _with_optional(cells: dict[str, str]) -> dict[str, str]:
    """The cells with every optional column present, under our own heading."""
    found = dict(cells)
    for name, others in OPTIONAL_COLUMNS.items():
        found[name] = next((cells[one] for one in (name, *others) if cells.get(one)), "")
    return found


def _owners(cell: str) -> tuple[tuple[str, Decimal], ...]:
    """Owners as a cell writes them: ``NAME=PERCENT; NAME=PERCENT``, or a bare percentage held by a listed party."""
    found = []
    for piece in (part.strip() for part in cell.split(";")):
        if not piece:
            continue
        name, sign, share = piece.rpartition("=")
        percent = _number(share.strip().rstrip("%").strip())
        if percent is None or not 0 < percent <= 100:
            raise ValueError(piece)
        found.append((name.strip() if sign else "a party on the Entity List", percent))
    return tuple(found)


def _phrased(cells: Mapping[str, str]) -> tuple[str, tuple[tuple[str, Decimal], ...]]:
    """End user and owners of a row; a phrase such as ``60 percent owned by an Entity List party`` is owners."""
    name = cells["party"] or cells["end_user"]
    owners = _owners(cells["owners"])
    match = _OWNED.match(name)
    if match:
        return "", (*owners, (match[2].strip(), Decimal(match[1])))
    return name, owners


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
    yield from _optional_problems(cells, law)
    if cells["datacenter"] not in ("", "0", "1"):
        yield text("datacenter: '{value}' is neither 0, 1 nor blank", value=cells["datacenter"])
    memory = cells["chip"].lower().endswith("(bare)")
    if len(numbers) == len(NUMBER_COLUMNS) and not memory:
        problem = contradiction(numbers["tpp"], numbers["die_area_mm2"], numbers["pd"])
        if problem:
            yield text("pd: {problem}", problem=problem)
    yield from _expected_problems(cells)


def _optional_problems(cells: Mapping[str, str], law: Law) -> Iterator[str]:
    """Optional cells that cannot be read. A party that no table knows is no bad cell: it is an unknown party."""
    try:
        _owners(cells["owners"])
    except ValueError as error:
        yield text("{column}: '{value}' is not a share of an owner", column="owners", value=str(error))
    for name in ("transistors_bn", "tpp_share"):
        try:
            _number(cells[name])
        except ValueError:
            yield text("{column}: '{value}' is not a number", column=name, value=cells[name])
    if cells["exporter_role"] not in ("", "fab", "osat"):
        yield text("exporter_role: '{value}' is neither fab, osat nor blank", value=cells["exporter_role"])
    for name in ("hbm", "us_available"):
        if cells[name] not in ("", "0", "1"):
            yield text("{column}: '{value}' is neither 0, 1 nor blank", column=name, value=cells[name])
    for name in ("parent_iso2", "packaged_in"):
        if cells[name] and cells[name] not in law.countries.table:
            yield text("{column}: '{value}' is not a country of the tables", column=name, value=cells[name])


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
    lists = {"expected_exception": EXCEPTIONS, "expected_flags": COMPARED_FLAGS | NOTE_FLAGS}
    for name, words in lists.items():
        for value in _listed(cells.get(name, "")):
            if value.removeprefix("!" if name == "expected_flags" else "") not in words:
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


def decision_of(case: CaseRow, *, law: Law) -> Decision:
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
        transistors=_number(cells["transistors_bn"]),
        hbm={"": None, "0": False, "1": True}[cells["hbm"]],
    )
    party, owners = _phrased(cells)
    role = cells["exporter_role"] or (cells["exporter"] if cells["exporter"] in ("fab", "osat") else "")
    shipper = "" if cells["exporter"] in ("", "fab", "osat", "vendor", "maker") else cells["exporter"]
    journey = Journey(
        activity=cells["activity"],  # type: ignore[arg-type]  # checked when the row was read
        exporter=cells["from_iso2"],
        destination=cells["to_iso2"],
        headquarters=cells["end_user_hq_iso2"],
        parent=cells["parent_iso2"],
        party=party,
        owners=owners,
        shipper=shipper,
        exporter_role=role,  # type: ignore[arg-type]  # checked when the row was read
        packaged_in=cells["packaged_in"],
        heading=cells["heading"],
        end_use=cells["end_use"],
        aggregate_tpp_share=_number(cells["tpp_share"]),
        us_available={"": None, "0": False, "1": True}[cells["us_available"]],
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
    "expected_flags": lambda expected, got: not _wrong_flags(expected, got),
}


def _wrong_flags(expected: str, got: str) -> tuple[str, ...]:
    """Flags that should have been raised and were not, and, with their mark, flags that should not have been."""
    asked, raised = _listed(expected), _listed(got)
    missing = sorted(flag for flag in asked & COMPARED_FLAGS if flag not in raised)
    return (*missing, *sorted(flag for flag in asked if flag.startswith("!") and flag[1:] in raised))


_FREEDOM: Mapping[str, tuple[tuple[str, ...], ...]] = {
    # from free to closed; words on one step are neither freer nor stricter than each other
    "expected_eccn": (("not_3A090",), ("unknown",), ("3A090.c", "3A090.b"), ("3A090(2022)", "3A090.a")),
    "expected_licence": (
        ("not_required", "n/a"),
        ("exception_available",),
        ("unknown", "conditional", "required_by_letter", "required"),
    ),
    "expected_licence_on_books": (("not_required",), ("unknown", "required")),
    "expected_review_policy": (
        ("presumption_of_approval",),
        ("licences_being_issued", "approval_within_allocation"),
        ("case_by_case",),
        ("not_stated", "unknown", ""),
        ("presumption_of_denial",),
    ),
}


def _direction(column: str, expected: str, got: str) -> str:
    """Which way a disagreement errs."""
    if column == "expected_flags":
        return "free" if any(not flag.startswith("!") for flag in _wrong_flags(expected, got)) else "strict"
    if column == "expected_exception":
        return "free" if _listed(got) - _listed(expected) else "strict"
    if column in EXPECTED_NUMBERS:
        if "unknown" in (expected, got):
            return "strict" if got == "unknown" and expected == "0" else "free" if expected == "unknown" else "other"
        return "free" if Decimal(got) < Decimal(expected) else "strict"
    steps = {word: step for step, words in enumerate(_FREEDOM[column]) for word in words}
    asked, given = steps.get(expected), steps.get(got)
    if asked is None or given is None or asked == given:
        return "other"
    return "free" if given < asked else "strict"


def _why(decision: Decision) -> str:
    """What decided: unknowns if there are any, else the clauses that hold, and the findings."""
    failed = {comparison.clause for comparison in decision.trace if comparison.result is not True}
    met = [
        f"{c.paragraph}: {c.operand} {c.value} {c.operator} {c.limit}" for c in decision.trace if c.clause not in failed
    ]
    found = [finding.says for finding in decision.findings if finding.result is not False]
    return listed(dict.fromkeys([*decision.unknowns, *met, *found]), sign=";") or text("no clause is met")


def run_cases(path: Path, *, law: Law) -> Report:
    """Run every readable case of a file and compare every expected cell that is not blank."""
    cases, bad = read_cases(path, law=law)
    different: list[Disagreement] = []
    agree = 0
    for case in cases:
        decision = decision_of(case, law=law)
        got = _answer_cells(decision)
        wrong = [
            Disagreement(case.id, name, expected, got[name], _why(decision), _direction(name, expected, got[name]))
            for name in EXPECTED_COLUMNS
            if (expected := case.cells.get(name, "")) and not _SAME.get(name, str.__eq__)(expected, got[name])
        ]
        agree += not wrong
        different += wrong
    return Report(len(cases), agree, tuple(different), bad)
