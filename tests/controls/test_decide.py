"""One door: the parts of an answer that no column of the case tables holds."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from chipwall import catalog
from chipwall.controls.decide import decide
from chipwall.controls.item import item_of_chip, item_of_numbers
from chipwall.controls.load import law
from chipwall.controls.records import Decision, Item, Journey
from chipwall.errors import InputError

CHINA = Journey(destination="CN", headquarters="CN")
SPRING_2026 = date(2026, 2, 1)


def part(name: str = "synthetic", **numbers: object) -> Item:
    given = {key: Decimal(str(value)) if isinstance(value, (int, float, str)) and not isinstance(value, bool) else value
             for key, value in numbers.items()}  # fmt: skip
    return item_of_numbers(name, law=law(), **{"datacenter": True, **given})  # type: ignore[arg-type]


def ask(item: Item, journey: Journey = CHINA, on: date = SPRING_2026) -> Decision:
    return decide(item, journey, on=on, law=law())


def test_trace_holds_numbers_margin_citation_and_provenance() -> None:
    decision = decide(catalog.chip("h200"), CHINA, on=SPRING_2026, law=law())
    test = next(c for c in decision.trace if c.clause == "3A090.a.1")
    assert (test.value, test.limit, test.margin) == (Decimal(15832), Decimal(4800), Decimal(11032))
    assert test.result is True
    assert "88 FR 73458" in test.citation
    assert "dense TOPS" in test.provenance


def test_margin_sign_says_the_side() -> None:
    decision = ask(part(tpp=2368, density="2.909", dram_bandwidth=4000))
    below = next(c for c in decision.trace if c.clause == "3A090.b.1" and c.operand == "tpp" and c.operator == ">=")
    assert below.margin == Decimal(-32)
    assert below.result is False


def test_density_missing_is_mentioned_only_when_it_decides() -> None:
    assert not ask(part(tpp=5000, dram_bandwidth=300)).unknowns
    assert any("die area" in line for line in ask(part(tpp=2000, dram_bandwidth=300)).unknowns)


def test_licence_duty_and_share_are_kept_apart() -> None:
    export = decide(catalog.chip("h200"), CHINA, on=SPRING_2026, law=law())
    assert export.duty.pct == 0
    assert "25 percent" in export.duty.why
    entry = decide(catalog.chip("h200"), Journey("us_import", "TW", "US", "US"), on=SPRING_2026, law=law())
    assert (entry.duty.pct, entry.licence.as_enforced) == (Decimal(25), "n/a")
    assert "importer" in entry.duty.payer
    share = decide(catalog.chip("h20"), CHINA, on=SPRING_2026, law=law()).revenue_share
    assert (share.pct, share.payer) == (Decimal(15), "the vendor")


def test_nvl_is_under_the_first_duty_band() -> None:
    nvl = part("H200 NVL", tpp=13364, dram_bandwidth=4800)
    assert ask(nvl, Journey("us_import", "TW", "US", "US")).duty.pct == 0


@pytest.mark.parametrize(
    ("share", "available", "policy"),
    [
        (None, None, "case_by_case"),
        ("0.5", None, "case_by_case"),
        ("0.5001", None, "presumption_of_denial"),
        (None, False, "presumption_of_denial"),
        ("0.2", True, "case_by_case"),
    ],
)
def test_certifications_that_fail_close_the_2026_track(share: str | None, available: bool | None, policy: str) -> None:
    journey = replace(CHINA, aggregate_tpp_share=None if share is None else Decimal(share), us_available=available)
    assert ask(part(tpp=15832, dram_bandwidth=4800), journey).review_policy == policy


def test_cap_is_a_ratio_of_tpp_not_of_units() -> None:
    cap = law().parameters["review2026-share"]
    assert "TPP" in cap.title
    assert "units" in cap.records[0].note


@pytest.mark.parametrize(
    ("day", "transistors", "hbm", "eccn"),
    [
        (date(2025, 1, 30), 50, True, "not_3A090"),
        (date(2025, 1, 31), 50, True, "3A090.a"),
        (date(2025, 1, 31), 30, True, "3A090.a"),
        (date(2025, 1, 31), "29.9", True, "not_3A090"),
        (date(2026, 12, 31), 33, False, "3A090.a"),
        (date(2027, 1, 1), 33, False, "not_3A090"),
        (date(2027, 6, 1), 33, True, "3A090.a"),
        (date(2027, 6, 1), 35, False, "3A090.a"),
        (date(2028, 6, 1), 33, False, "unknown"),
        (date(2028, 6, 1), 41, False, "3A090.a"),
        (date(2029, 1, 1), "39.9", False, "not_3A090"),
        (date(2025, 6, 1), None, True, "unknown"),
    ],
)
def test_foundry_presumption(day: date, transistors: object, hbm: bool, eccn: str) -> None:
    item = part(tpp=1000, die_area=500, dram_bandwidth=300, transistors=transistors, hbm=hbm)
    journey = Journey("export", "TW", "CN", "CN", exporter_role="fab", packaged_in="TW")
    assert ask(item, journey, day).eccn == eccn
    assert ask(item, replace(journey, exporter_role=""), day).eccn == "not_3A090"
    assert ask(item, replace(journey, attested=True), day).eccn == "not_3A090"


def test_foundry_presumption_needs_packaging_outside_china() -> None:
    item = part(tpp=1000, die_area=500, dram_bandwidth=300, transistors=10, hbm=False)
    journey = Journey("export", "TW", "CN", "CN", exporter_role="osat", packaged_in="CN")
    assert ask(item, journey, date(2025, 6, 1)).eccn == "3A090.a"


def test_computers_and_items_classified_elsewhere() -> None:
    item = replace(part(tpp=5000, dram_bandwidth=300), computer=True, other_eccn="5A992.c")
    assert ask(item).also == ("4A090.a", "5A992.z")
    assert ask(replace(item, tpp=Decimal(1000))).also == ()


def test_china_gate_is_second_and_never_merged() -> None:
    stop = decide(catalog.chip("h200"), CHINA, on=date(2026, 1, 20), law=law())
    assert (stop.cn_import.status, stop.cn_import.evidence) == ("blocked", "reported")
    assert stop.licence == decide(catalog.chip("h200"), CHINA, on=date(2026, 2, 20), law=law()).licence
    hong_kong = decide(catalog.chip("h200"), Journey(destination="HK", headquarters="HK"), on=date(2026, 1, 20), law=law())
    assert hong_kong.cn_import.status == "not_asked"


def test_horizon_is_said() -> None:
    owned = replace(CHINA, owners=(("SMIC", Decimal(60)),))
    after = decide(catalog.chip("l20"), owned, on=date(2026, 11, 23), law=law())
    assert after.horizon == "after_horizon"
    assert "after_horizon" in after.flags
    assert any("Affiliates" in line for line in after.unknowns)
    assert decide(catalog.chip("h200"), CHINA, on=date(2026, 9, 25), law=law()).horizon == "audited"
    assert decide(catalog.chip("h200"), CHINA, on=date(2026, 7, 23), law=law()).horizon == "verified"


def test_seat_not_given_is_unknown_not_free() -> None:
    decision = ask(part(tpp=5000, dram_bandwidth=300), Journey(destination="SG"), date(2024, 6, 1))
    assert decision.licence.as_enforced == "unknown"
    assert any("headquartered" in line for line in decision.unknowns)
    parent = Journey(destination="SG", headquarters="SG", parent="CN")
    assert ask(part(tpp=5000, dram_bandwidth=300), parent, date(2024, 6, 1)).licence.as_enforced == "required"


def test_estimates_are_said_where_they_decide() -> None:
    decision = decide(catalog.chip("mi308x"), CHINA, on=date(2026, 2, 1), law=law())
    assert "spec_estimate" in decision.flags


def test_second_reading_of_tf32_is_said() -> None:
    decision = decide(catalog.chip("trainium2"), CHINA, on=SPRING_2026, law=law())
    assert any("21344" in line for line in decision.unknowns)


@pytest.mark.parametrize(
    "journey",
    [
        Journey(destination="Atlantis"),
        Journey(destination=""),
        Journey(activity="smuggle"),  # type: ignore[arg-type]
        Journey(owners=(("somebody", Decimal(0)),)),
        Journey(headquarters="XX"),
    ],
)
def test_bad_journeys_are_refused(journey: Journey) -> None:
    with pytest.raises(InputError):
        ask(part(tpp=5000), journey)


def test_contradiction_is_refused() -> None:
    with pytest.raises(InputError, match="contradicts"):
        part(tpp=1000, die_area=100, density=20)
    with pytest.raises(InputError):
        part(tpp=-1)


def test_catalogue_parts_on_known_dates() -> None:
    for name, day, eccn, licence in (
        ("a800", date(2023, 5, 1), "not_3A090", "not_required"),
        ("a100", date(2023, 5, 1), "3A090(2022)", "required"),
        ("h20", date(2024, 6, 1), "not_3A090", "not_required"),
        ("h20", date(2025, 5, 1), "not_3A090", "required_by_letter"),
        ("l4", date(2024, 6, 1), "3A090.a", "required"),
        ("rtx 4090", date(2024, 6, 1), "3A090.a", "exception_available"),
        ("ascend 910c", date(2026, 2, 1), "3A090.a", "required"),
    ):
        decision = decide(catalog.chip(name), CHINA, on=day, law=law())
        assert (decision.eccn, decision.licence.as_enforced) == (eccn, licence), name


def test_gh200_memory_on_the_cpu_is_read_both_ways() -> None:
    item = item_of_chip(catalog.chip("gh200"), law=law())
    assert item.cpu_dram == 512
    entry = ask(item, Journey("us_import", "TW", "US", "US"))
    assert "indeterminate_dram_sum" in entry.flags
    assert entry.duty.pct is None


def test_every_word_of_china_gate_has_words_for_people() -> None:
    from chipwall.report.pages.law_decision import legal_words

    for gate in law().gates:
        assert str(legal_words(gate.status)) != gate.status or "_" not in gate.status


def test_tpp_beside_a_memory_device_contradicts_nothing() -> None:
    item = part("HBM stack (bare)", tpp=1000, die_area=121, density=2, dram_bandwidth=242)
    assert ask(item, CHINA, date(2025, 6, 1)).eccn == "not_3A090"


@pytest.mark.parametrize("name", ["h200", "h100", "b200", "a100", "h20"])
def test_the_name_of_a_family_is_the_chip_and_not_a_node_of_it(name: str) -> None:
    from chipwall.controls.goods import item_by_name
    from chipwall.controls.load import law

    assert not item_by_name(name, law=law()).computer
