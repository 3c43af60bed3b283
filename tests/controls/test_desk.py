"""Screening, the ledger, what is stale, acts beyond shipping, and the memo."""

import json
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from chipwall.cli import main
from chipwall.controls.acts import Asking, judged
from chipwall.controls.goods import item_by_name
from chipwall.controls.horizon import horizon
from chipwall.controls.ledger import Shipment, ledger_of
from chipwall.controls.load import law, load_acts
from chipwall.controls.records import Journey
from chipwall.controls.screening import NameToScreen, screened
from chipwall.errors import InputError

TODAY = date(2026, 11, 28)


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as caught:
        main(["controls", *words])
    out, err = capsys.readouterr()
    return int(caught.value.code or 0), out, err


@pytest.mark.parametrize(
    ("name", "outcome"),
    [
        ("Huawei Technologies", "listed"),
        ("华为", "listed"),
        ("ByteDance", "seat"),
        ("Microsoft", "no_entry"),
        ("Huawie", "not_found"),
    ],
)
def test_a_name_is_found_or_unknown_and_never_cleared(name: str, outcome: str) -> None:
    assert screened(NameToScreen(name), law=law(), on=TODAY).outcome == outcome


def test_owners_of_an_unknown_name_add_up() -> None:
    half = screened(NameToScreen("Shell", (("SMIC", Decimal(30)), ("YMTC", Decimal(20)))), law=law(), on=TODAY)
    assert half.outcome == "owned"
    open_share = screened(
        NameToScreen("Shell", (("SMIC", Decimal(30)), ("nobody knows", Decimal(20)))), law=law(), on=TODAY
    )
    assert open_share.outcome == "perhaps_owned"
    below = screened(NameToScreen("Shell", (("SMIC", Decimal(30)),)), law=law(), on=TODAY)
    assert below.outcome == "not_found"


def test_a_misspelt_name_is_shown_what_looks_like_it() -> None:
    assert any("Huawei" in name for name in screened(NameToScreen("Huawie"), law=law(), on=TODAY).near)


def shipment(product: str, units: int, to: str, day: int, tpp: int | None = 15832) -> Shipment:
    return Shipment(product, None if tpp is None else Decimal(tpp), Decimal(units), to, date(2026, 2, day), day)


def test_the_ledger_runs_to_its_cap_and_over() -> None:
    rows = (shipment("H200", 4000, "US", 1), shipment("H200", 2000, "CN", 2), shipment("H200", 1, "MO", 3))
    found = ledger_of(rows, law=law(), on=date(2026, 3, 1))
    assert [one.within for one in found.running] == [True, True, False]
    assert found.products[0].share == Decimal(2001) / Decimal(4000)
    assert found.products[0].china == Decimal(2001 * 15832)
    assert ledger_of(rows, law=law(), on=date(2026, 2, 2)).products[0].within is True


def test_the_ledger_needs_no_tpp_for_one_product_and_never_guesses_a_total() -> None:
    rows = (shipment("A", 10, "US", 1, None), shipment("A", 4, "HK", 2, None), shipment("B", 10, "US", 3))
    found = ledger_of(rows, law=law(), on=date(2026, 3, 1))
    assert found.products[0].share == Decimal("0.4")
    assert found.total.share is None
    assert found.total.within is None
    alone = ledger_of((shipment("A", 1, "CN", 1),), law=law(), on=date(2026, 3, 1))
    assert alone.products[0].within is False


def test_what_lapsed_by_its_own_terms_is_stale_and_before_it_comes() -> None:
    later = {(one.kind, one.on) for one in horizon(law(), TODAY)}
    assert ("flip_passed", date(2026, 11, 10)) in later
    earlier = {(one.kind, one.on) for one in horizon(law(), date(2026, 10, 1))}
    assert ("flip_coming", date(2026, 11, 10)) in earlier
    assert any(one.kind == "recalled" for one in horizon(law(), TODAY))
    assert any(one.kind == "old" for one in horizon(law(), date(2028, 1, 1)))


def ask(act: str, on: date, **given: object) -> str:
    place = str(given.pop("to", "SG"))
    journey = Journey(destination=place, headquarters=str(given.pop("hq", place)), party=str(given.pop("party", "")))
    chip = given.pop("chip", None)
    item = item_by_name(str(chip), law=law()) if chip else None
    asking = Asking(journey=journey, item=item, **given)  # type: ignore[arg-type]
    return judged(act, asking, acts=load_acts(), law=law(), on=on).outcome


def test_rental_hangs_on_who_and_on_what_is_known() -> None:
    on = date(2026, 6, 1)
    assert ask("remote-access", on, hq="CN", knows="military") == "required"
    assert ask("remote-access", on, hq="CN", knows="training") == "red_flag"
    assert ask("remote-access", on, hq="SG", knows="nothing") == "none_found"
    assert ask("remote-access", on, hq="SG") == "unknown"
    assert ask("remote-access", on, hq="SG", knows="nothing", party="Huawei") == "unknown"
    assert ask("remote-access", on, hq="SG", knows="nothing", party="Nobody Ever Heard Of") == "unknown"
    assert ask("remote-access", on, to="IR", hq="SG", knows="nothing") == "unknown"


def test_the_letter_on_models_begins_and_ends() -> None:
    assert ask("model-access", date(2026, 6, 11), vendor="anthropic") == "none_found"
    assert ask("model-access", date(2026, 6, 12), vendor="anthropic") == "required"
    asking = Asking(Journey(destination="DE", headquarters="DE"), vendor="anthropic")
    letter = judged("model-access", asking, acts=load_acts(), law=law(), on=date(2026, 6, 20))
    assert (letter.outcome, letter.books) == ("required", "none_found")  # a letter is no published text
    assert ask("model-access", date(2026, 6, 20)) == "unknown"
    assert ask("model-access", date(2026, 7, 1), vendor="anthropic") == "none_found"


def test_weights_are_on_the_books_and_not_enforced() -> None:
    on = date(2026, 6, 1)
    asking = Asking(Journey(destination="DE", headquarters="DE"), operations=Decimal("1e26"), published=False)
    answer = judged("model-weights", asking, acts=load_acts(), law=law(), on=on)
    assert (answer.outcome, answer.books) == ("none_found", "required")
    assert ask("model-weights", on, operations=Decimal("9.9e25"), published=False) == "none_found"
    assert ask("model-weights", on, operations=Decimal("1e26")) == "unknown"


def test_repair_is_an_entry_and_an_export() -> None:
    on = date(2026, 6, 1)
    assert ask("repair-return", on, to="CN", chip="h200") == "required"
    assert ask("service", on, to="DE", chip="Ascend 910C", knows="nothing") == "unknown"


def test_every_act_names_who_is_liable_and_what_was_read() -> None:
    for act in load_acts().acts.values():
        assert act.liable
        assert act.questions
        answer = judged(act.id, Asking(Journey(destination="CN", headquarters="CN")), acts=load_acts(), law=law(), on=TODAY)
        assert all(one.citation for one in answer.said)


def test_the_memo_holds_both_books_facts_checklist_and_a_rerun(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    code, out, _ = run(capsys, "memo", "h200", "--to", "CN", "--party", "Tencent", "--on", "2026-02-01")
    assert code == 0
    for words in (
        "Licence, enforced today: required",
        "required by the text",
        "Numbers that the clauses read",
        "15,832 TPP",
        "What must hold, else presumption of denial",
        "What is not known",
        "Run again: chipwall controls memo h200 --to CN --party Tencent --as-of 2026-",
        "88 FR 73458",
        "nvidia-h200-datasheet",
    ):
        assert words in out
    for name in ("memo.md", "memo.html", "memo.docx"):
        if name.endswith("docx"):
            pytest.importorskip("docx")
        code, out, _ = run(capsys, "memo", "h200", "--to", "CN", "--on", "2026-02-01", "--out", str(tmp_path / name))
        assert code == 0
        assert (tmp_path / name).stat().st_size > 3000
    code, out, _ = run(capsys, "memo", "h200", "--to", "CN", "--on", "2026-02-01", "--lang", "zh")
    assert "许可证" in out
    assert "as enforced" not in out


def test_the_desk_commands_print_and_tell_json(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    names, shipped = tmp_path / "names.csv", tmp_path / "shipped.csv"
    names.write_text("name,owners\nHuawei,\nSome Shell,SMIC=50\n", encoding="utf-8")
    shipped.write_text("product,units,to,date\nh200,10,US,2026-02-01\nh200,4,CN,2026-02-02\n", encoding="utf-8")
    code, out, _ = run(capsys, "screen", str(names), "--on", "2026-11-28", "--json")
    assert [row["outcome"] for row in json.loads(out)] == ["listed", "owned"]
    code, out, _ = run(capsys, "ledger", str(shipped), "--on", "2026-11-28", "--json")
    assert json.loads(out)["products"][0]["share"] == 0.4
    code, out, _ = run(capsys, "ledger", str(shipped), "--on", "2026-11-28")
    assert "40.0 %" in out
    code, out, _ = run(capsys, "horizon", "--on", "2026-11-28")
    assert "Affiliates rule" in out
    code, out, _ = run(capsys, "act", "remote-access", "--to", "SG", "--on", "2026-06-01", "--lang", "zh")
    assert code == 0
    assert "谁承担责任" in out


@pytest.mark.parametrize(
    "content",
    [
        "",
        "product,units\nh200,1\n",
        "product,units,to\nh200,-1,CN\n",
        "product,units,to\nh200,1.5,CN\n",
        "product,units,to\nno such chip,1,CN\n",
        "product,units,to\nh200,1,Atlantis\n",
        "product,units,to,date\nh200,1,CN,yesterday\n",
        "product,units,to,dat\nh200,1,CN,2026-01-01\n",
        "product,units,to\nh200,1,CN,US\n",
    ],
)
def test_a_wrong_ledger_is_refused_with_its_line(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, content: str
) -> None:
    file = tmp_path / "shipped.csv"
    file.write_text(content, encoding="utf-8")
    code, _, err = run(capsys, "ledger", str(file))
    assert code == 2
    assert "Traceback" not in err
    assert 1 <= len(err.strip().splitlines()) <= 3


@pytest.mark.parametrize(
    "content",
    ["", "who\nHuawei\n", "name,owners\nA,SMIC\n", "name,owners\nA,SMIC=200\n", "name,onwers\nA,SMIC=30\n", "name\n\n"],
)
def test_a_wrong_list_of_names_is_refused(capsys: pytest.CaptureFixture[str], tmp_path: Path, content: str) -> None:
    file = tmp_path / "names.csv"
    file.write_text(content, encoding="utf-8")
    code, _, err = run(capsys, "screen", str(file))
    assert code == 2
    assert 1 <= len(err.strip().splitlines()) <= 3


@pytest.mark.parametrize(
    "words",
    [
        ("act", "teleport"),
        ("act", "repair-return"),
        ("act", "remote-access", "--to", "Atlantis"),
        ("act", "model-weights", "--operations", "many"),
        ("act", "remote-access", "--owned-by", "SMIC"),
        ("memo",),
        ("memo", "h200"),
        ("memo", "h200", "--to", "CN", "--out", "memo.pdf"),
        ("memo", "h200", "--to", "CN", "--as-of", "soon"),
        ("horizon", "--on", "soon"),
    ],
)
def test_wrong_words_are_refused(capsys: pytest.CaptureFixture[str], words: tuple[str, ...]) -> None:
    code, _, err = run(capsys, *words)
    assert code == 2
    assert "Traceback" not in err


def test_an_act_asks_for_a_chip_that_exists() -> None:
    with pytest.raises(InputError):
        ask("repair-return", TODAY, chip="no such chip")


def test_a_chip_is_asked_by_its_own_name_and_a_server_by_its() -> None:
    from chipwall import catalog

    known = catalog.load()
    assert not [chip.id for chip in known.chips.values() if item_by_name(chip.id, law=law()).computer]
    assert all(item_by_name(system.id, law=law()).computer for system in known.systems.values())
    assert item_by_name("h200", law=law()).name == "NVIDIA H200 SXM"
    assert item_by_name("hgx-h200", law=law()).computer
