"""Drafts: new limits, new clauses, repeals; who crosses and by what margin."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from chipwall import catalog
from chipwall.controls.decide import decide
from chipwall.controls.draft import drafted_law, evaluate_draft
from chipwall.controls.draft_files import read_draft
from chipwall.controls.load import law
from chipwall.controls.records import Journey
from chipwall.errors import InputError

HEAD = '[draft]\nid = "d"\ntitle = "a draft"\neffective = 2026-12-01\n'
DAY = date(2026, 12, 1)


def draft(tmp_path: Path, body: str):  # type: ignore[no-untyped-def]
    path = tmp_path / "draft.toml"
    path.write_text(HEAD + body, encoding="utf-8")
    return read_draft(path, law=law())


def chips(*names: str) -> list[catalog.Chip]:  # type: ignore[name-defined]
    return [catalog.chip(name) for name in names]


def test_lower_limit_catches_h20_by_its_margin(tmp_path: Path) -> None:
    found = evaluate_draft(
        draft(tmp_path, '[[limit]]\nid = "a1-tpp"\nvalue = 2300\n'), chips("h20", "h200", "l20"), DAY,
        law=law(),
    )
    assert [crossing.chip for crossing in found] == ["nvidia-h20-96gb"] or found[0].chip.startswith("nvidia-h20")
    assert found[0].caught
    assert found[0].decisive is not None
    assert (found[0].decisive.clause, found[0].decisive.margin) == ("3A090.a.1", Decimal(68))
    assert found[0].before.licence.as_enforced == "required_by_letter"
    assert found[0].after.licence.as_enforced == "required"


def test_before_its_day_a_draft_does_nothing(tmp_path: Path) -> None:
    lower = draft(tmp_path, '[[limit]]\nid = "a1-tpp"\nvalue = 100\n')
    assert evaluate_draft(lower, chips("h20", "l2"), date(2026, 11, 30), law=law()) == ()


def test_new_clause_with_a_new_limit(tmp_path: Path) -> None:
    body = """
[[limit]]
id = "d-dram"
value = 1400
unit = "GB/s"
[[clause]]
id = "3A090.a.3"
outcome = "3A090.a"
tests = ["dram_bandwidth >= d-dram", "datacenter is yes"]
"""
    found = evaluate_draft(draft(tmp_path, body), chips("h20", "l20", "rtx 5090"), DAY, law=law())
    assert [crossing.chip for crossing in found] == [catalog.chip("h20").id]
    assert found[0].decisive is not None
    assert found[0].decisive.operand == "dram_bandwidth"


def test_repeal_frees_and_says_so(tmp_path: Path) -> None:
    body = '[[repeal]]\nclause = "3A090.a.2"\n[[repeal]]\nclause = "3A090.b.2"\n'
    found = evaluate_draft(draft(tmp_path, body), chips("l4", "h200"), DAY, law=law())
    assert [(crossing.chip, crossing.caught) for crossing in found] == [("nvidia-l4", False)]
    assert found[0].after.licence.as_enforced == "not_required"


def test_repeal_of_a_rule_ends_its_policy(tmp_path: Path) -> None:
    found = evaluate_draft(draft(tmp_path, '[[repeal]]\nrule = "review2026"\n'), chips("h200", "b200"), DAY, law=law())
    assert [crossing.chip for crossing in found] == ["nvidia-h200-sxm"]
    assert found[0].after.review_policy == "presumption_of_denial"


def test_performance_figure_of_the_caller(tmp_path: Path) -> None:
    body = """
[[limit]]
id = "d-tokens"
value = 1000
unit = "token"
[[clause]]
id = "3A090.a.9"
outcome = "3A090.a"
tests = ["decode_rate >= d-tokens"]
"""
    part = catalog.chip("h20")
    slow, fast = ({part.id: {"decode_rate": Decimal(rate)}} for rate in (999, 1500))
    made = draft(tmp_path, body)
    assert evaluate_draft(made, [part], DAY, figures=slow, law=law()) == ()
    crossed = evaluate_draft(made, [part], DAY, figures=fast, law=law())
    assert crossed[0].decisive is not None
    assert crossed[0].decisive.margin == 500
    # without the figure the part is not free: the answer is open
    assert evaluate_draft(made, [part], DAY, law=law())[0].after.eccn == "unknown"


def test_catalogue_quantity_in_the_unit_of_the_limit(tmp_path: Path) -> None:
    body = """
[[limit]]
id = "d-memory"
value = 96
unit = "GB"
[[clause]]
id = "3A090.a.8"
outcome = "3A090.a"
tests = ["memory_capacity > d-memory"]
"""
    found = evaluate_draft(draft(tmp_path, body), chips("h20", "l20"), DAY, law=law())
    assert found == ()


def test_draft_leaves_the_law_as_it_was(tmp_path: Path) -> None:
    lower = draft(tmp_path, '[[limit]]\nid = "a1-tpp"\nvalue = 100\n')
    new = drafted_law(lower, law=law())
    journey = Journey(destination="CN", headquarters="CN")
    part = catalog.chip("h20")
    assert decide(part, journey, on=DAY, law=new).eccn == "3A090.a"
    assert decide(part, journey, on=DAY, law=law()).eccn == "not_3A090"
    assert decide(part, journey, on=date(2024, 6, 1), law=new).eccn == "not_3A090"
    assert len(law().parameters["a1-tpp"].records) == 1


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("", "changes nothing"),
        ('[[limit]]\nid = "new"\nvalue = 5\n', "needs a unit"),
        ('[[limit]]\nid = "a1-tpp"\nvalue = "much"\n', "number"),
        ('[[limit]]\nid = "a1-tpp"\nvalue = 5\nunit = "GB/s"\n', "unit is TPP"),
        ('[[clause]]\nid = "x"\noutcome = "3A090.a"\ntests = ["tpp >= nothing"]\n', "unknown limit"),
        ('[[clause]]\nid = "x"\noutcome = "3A090.a"\ntests = ["tpp about a1-tpp"]\n', "not a test"),
        ('[[clause]]\nid = "x"\noutcome = "banned"\ntests = ["tpp >= a1-tpp"]\n', "family and outcome"),
        ('[[repeal]]\nclause = "3A090.q"\n', "no clause or rule"),
        ('[[wish]]\nid = "x"\n', "unknown table"),
    ],
)
def test_bad_drafts_say_what_is_wrong(tmp_path: Path, body: str, says: str) -> None:
    with pytest.raises(InputError, match=says):
        draft(tmp_path, body)


def test_files_that_are_no_draft(tmp_path: Path) -> None:
    path = tmp_path / "x.toml"
    with pytest.raises(InputError):
        read_draft(path, law=law())
    path.write_text("not = [toml")
    with pytest.raises(InputError):
        read_draft(path, law=law())


def test_loosening_is_told_from_tightening(tmp_path: Path) -> None:
    raised = draft(
        tmp_path, '[[limit]]\nid = "review2026-tpp"\nvalue = 40000\n[[limit]]\nid = "review2026-dram"\nvalue = 9000\n'
    )
    found = evaluate_draft(raised, chips("b200"), DAY, law=law())
    assert [(crossing.caught, crossing.after.review_policy) for crossing in found] == [(False, "case_by_case")]
    assert replace(found[0], caught=True) != found[0]
