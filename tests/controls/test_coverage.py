"""No limit without a case below, at and above it; no day of the law without a case before and on it."""

from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from chipwall.controls.case_files import decision_of, read_cases
from chipwall.controls.load import law
from chipwall.controls.records import Decision

CASES = Path(__file__).parent / "cases"
# limits that no column of the case tables can reach; test_decide.py has them
ELSEWHERE = {"foundry-transistors", "foundry-transistors-no-hbm", "review2026-share", "duty-pct", "revenue-share-pct"}
# rules that no column can reach, or that start before the cases do
RULES_ELSEWHERE = {
    "foundry",
    "authorised-designers",
    "part746",
    "country-groups",
    "mofcom-suspension",
}
NEAR = Decimal("0.02")


@pytest.fixture(scope="module")
def decisions() -> list[Decision]:
    return [decision_of(case, law=law()) for path in CASES.glob("*.csv") for case in read_cases(path, law=law())[0]]


def test_every_limit_has_cases_below_at_and_above(decisions: list[Decision]) -> None:
    seen: dict[str, set[str]] = {}
    limits = {(clause.id, test.operand, test.operator): test.limit for clause in law().clauses for test in clause.tests}
    for decision in decisions:
        for test in decision.trace:
            if test.margin_ratio is None or abs(test.margin_ratio) > NEAR:
                continue
            side = "at" if test.margin == 0 else "above" if test.margin_ratio > 0 else "below"
            seen.setdefault(limits[test.clause, test.operand, test.operator], set()).add(side)
    for name in set(law().parameters) - ELSEWHERE:
        assert seen.get(name) == {"below", "at", "above"}, name


def test_every_day_of_the_law_has_cases_before_and_on_it(decisions: list[Decision]) -> None:
    asked = {decision.on for decision in decisions}
    for rule in law().rules.values():
        if rule.id in RULES_ELSEWHERE:
            continue
        for record in rule.records:
            turns = {record.effective, record.compliance}
            if record.end is not None:
                turns.add(record.end + timedelta(days=1))
            for day in turns:
                assert {day - timedelta(days=1), day} <= asked, (rule.id, day)


def test_country_moves_have_cases_too(decisions: list[Decision]) -> None:
    asked = {decision.on for decision in decisions}
    for day in (date(2024, 3, 15), date(2025, 11, 7), date(2026, 7, 10)):
        assert {day - timedelta(days=1), day} <= asked
