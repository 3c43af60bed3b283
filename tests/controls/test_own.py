"""What the asker knows himself: overlays and parties of his own; and drafts that hold a bill."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from chipwall import catalog
from chipwall.controls.decide import decide
from chipwall.controls.draft import drafted_law, evaluate_draft
from chipwall.controls.draft_files import read_draft, shipped_drafts
from chipwall.controls.goods import item_by_name
from chipwall.controls.load import law
from chipwall.controls.overlay import overlaid, read_parties, with_parties
from chipwall.controls.records import Item, Journey
from chipwall.errors import InputError

AFTER = date(2026, 11, 20)
OWNED = Journey(destination="DE", headquarters="DE", party="Own Shell", owners=(("SMIC", Decimal(60)),), screened=True)
CARD = Item(name="part", datacenter=False, tpp=Decimal(100), die_area=Decimal(400), density=Decimal("0.25"))


def write(path: Path, words: str) -> Path:
    path.write_text(words, encoding="utf-8")
    return path


def test_a_document_you_hold_stands_before_the_record_with_its_name(tmp_path: Path) -> None:
    file = write(
        tmp_path / "own.toml",
        '[[record]]\nrule = "affiliates"\nstate = "stayed"\neffective = 2026-11-10\nend = 2027-11-09\n'
        'document = "FR Doc 2026-99999"\nseen = 2026-11-12\n',
    )
    before, after = decide(CARD, OWNED, on=AFTER, law=law()), decide(CARD, OWNED, on=AFTER, law=overlaid(law(), file))
    assert before.licence.as_enforced == "conditional"
    assert before.branches
    assert after.licence.as_enforced != "conditional"
    assert any("FR Doc 2026-99999" in words for words in after.citations) or any(
        "FR Doc 2026-99999" in finding.citation for finding in after.findings
    )


@pytest.mark.parametrize(
    "words",
    [
        "",
        '[[record]]\nrule = "no such rule"\nstate = "stayed"\neffective = 2026-11-10\ndocument = "x"\nseen = 2026-11-12\n',
        '[[record]]\nrule = "affiliates"\nstate = "gone"\neffective = 2026-11-10\ndocument = "x"\nseen = 2026-11-12\n',
        '[[record]]\nrule = "affiliates"\nstate = "stayed"\neffective = 2026-11-10\nseen = 2026-11-12\n',
        '[[record]]\nrule = "affiliates"\nstate = "stayed"\neffective = "soon"\ndocument = "x"\nseen = 2026-11-12\n',
        '[[rekord]]\nrule = "affiliates"\n',
        "[[record\n",
    ],
)
def test_an_overlay_that_cannot_be_read_is_refused(tmp_path: Path, words: str) -> None:
    with pytest.raises(InputError):
        overlaid(law(), write(tmp_path / "own.toml", words))


def test_your_own_party_brings_its_list_and_seat(tmp_path: Path) -> None:
    file = write(
        tmp_path / "own.csv",
        "name,aliases,country,parent,list,since,owners\n"
        "Own Shell,壳公司,SG,,,,SMIC=60\nOwn Daughter,,SG,Own Shell,,,\nBarred Ltd,,CN,,EL,2025-01-01,\n",
    )
    rules = with_parties(law(), file)
    assert rules.parties.find("壳公司") is not None
    chip = item_by_name("h200", law=rules)
    barred = decide(
        CARD, Journey(destination="SG", headquarters="SG", party="Barred Ltd"), on=date(2025, 6, 1), law=rules
    )
    assert barred.licence.as_enforced == "required"
    unknown = decide(
        CARD, Journey(destination="SG", headquarters="SG", party="Barred Ltd"), on=date(2025, 6, 1), law=law()
    )
    assert unknown.licence.as_enforced == "unknown"
    assert decide(chip, Journey(destination="SG", headquarters="SG", party="Own Daughter"), on=AFTER, law=rules).licence


@pytest.mark.parametrize(
    "words",
    [
        "",
        "name\n",
        "nam\nA\n",
        "name,list\nA,BLACKLIST\n",
        "name,lists\nA,EL\n",
        "name,country\nA,XX\n",
        "name,parent\nA,Nobody Ever Heard Of\n",
        "name,owners\nA,SMIC\n",
        "name,owners\nA,SMIC=150\n",
        "name,since\nA,yesterday\n",
        "name,list\nA,EL,2025\n",
    ],
)
def test_parties_that_cannot_be_read_are_refused_and_never_dropped(tmp_path: Path, words: str) -> None:
    with pytest.raises(InputError):
        read_parties(write(tmp_path / "own.csv", words), law())


def test_every_shipped_proposal_reads_and_says_where_it_was_read() -> None:
    assert len(shipped_drafts()) >= 8
    for name in shipped_drafts():
        draft = read_draft(Path(name), law=law())
        assert draft.source
        assert draft.measures or draft.limits or draft.clauses or draft.cannot


def test_a_bill_denies_by_item_and_place_and_an_open_number_stays_open() -> None:
    draft = read_draft(Path("safe-chips"), law=law())
    rules, day = drafted_law(draft, law=law()), draft.effective
    chip = item_by_name("h200", law=rules)
    china = decide(chip, Journey(destination="CN", headquarters="CN"), on=day, law=rules)
    assert (china.licence.as_enforced, china.review_policy) == ("required", "denied_by_draft")
    japan = decide(chip, Journey(destination="JP", headquarters="JP"), on=day, law=rules)
    assert not [one for one in japan.measures if one.applies is not False]
    subsidiary = decide(chip, Journey(destination="SG", headquarters="CN"), on=day, law=rules)
    assert subsidiary.review_policy == "denied_by_draft"
    before = decide(chip, Journey(destination="CN", headquarters="CN"), on=date(2026, 6, 1), law=rules)
    assert before.review_policy != "denied_by_draft"


def test_a_measure_without_its_number_never_turns_into_a_no(tmp_path: Path) -> None:
    file = write(
        tmp_path / "bill.toml",
        '[draft]\nid = "bill"\neffective = 2027-01-01\n'
        '[[measure]]\nid = "verified"\noutcome = "deny"\ntitle = "no export without verification"\n'
        'tests = ["location_verification is no"]\n',
    )
    draft = read_draft(file, law=law())
    card = item_by_name("l20", law=law())
    found = decide(card, Journey(destination="CN", headquarters="CN"), on=draft.effective, law=drafted_law(draft, law=law()))
    assert found.measures[0].applies is None
    assert found.licence.as_enforced != "not_required"


def test_the_deciding_test_is_the_one_whose_truth_changed(tmp_path: Path) -> None:
    file = write(
        tmp_path / "line.toml",
        '[draft]\nid = "line"\neffective = 2026-12-01\n[[limit]]\nid = "a1-tpp"\nvalue = 2300\n',
    )
    draft = read_draft(file, law=law())
    crossings = evaluate_draft(draft, [catalog.chip("h20"), catalog.chip("h200")], draft.effective, law=law())
    assert [one.chip for one in crossings] == ["nvidia-h20-96gb"]
    decisive = crossings[0].decisive
    assert decisive is not None
    assert (decisive.operand, decisive.limit) == ("tpp", Decimal(2300))


@pytest.mark.parametrize(
    "words",
    [
        '[[measure]]\nid = "x"\noutcome = "forbid"\n',
        '[[measure]]\nid = "x"\noutcome = "deny"\ndestinations = ["XX"]\n',
        '[[measure]]\nid = "x"\noutcome = "deny"\nparties = ["Nobody Ever Heard Of"]\n',
        '[[measure]]\nid = "x"\noutcome = "deny"\nacts = ["teleport"]\n',
        '[[measure]]\nid = "x"\noutcome = "deny"\ntests = ["tpp >= no-such-limit"]\n',
        '[[measure]]\nid = "x"\noutcome = "deny"\nany = ["datacenter is yes"]\n',
        '[[measure]]\nid = "x"\noutcome = "deny"\nwhen = "now"\n',
    ],
)
def test_a_measure_that_cannot_be_read_is_refused(tmp_path: Path, words: str) -> None:
    with pytest.raises(InputError):
        read_draft(write(tmp_path / "bill.toml", f'[draft]\nid = "bill"\neffective = 2027-01-01\n{words}'), law=law())
