"""Plans: identities, monotone needs, the law, mixed fleets, refusals, what-if, JSON, and the command line."""

from __future__ import annotations

import json
from math import ceil
from typing import Any

import pytest

import chipwall as cw
from chipwall.api.plan import plan
from chipwall.errors import InputError

ASKED: dict[str, Any] = {
    "rate": 50, "prompt": 2000, "output": 300, "ttft": "1 s", "tpot": "30 ms", "chips": ["h200", "h100", "h20"],
    "precision": ["fp8"],
}  # fmt: skip


@pytest.fixture(scope="module")
def asked() -> Any:
    return plan("llama-3.3-70b", **ASKED)


def chips_of(**changes: Any) -> float:
    return float(plan("llama-3.3-70b", **{**ASKED, "chips": "h200", "rent": 2.0, **changes}).chips.value)


def test_the_fleet_carries_the_rate(asked) -> None:
    for option in asked.record.front:
        served = [sum(m.rate * m.replicas for m in option.members if m.role == r) for r in {m.role for m in option.members}]
        assert served == pytest.approx([50.0] * len(served))  # served equals offered, in every stage
        for m in option.members:
            assert m.rate <= m.capacity * (1 + 1e-6)
            assert m.replicas == ceil(50.0 * (m.rate * m.replicas / 50.0) / m.capacity - 1e-9)
        assert option.ttft["p95"].value <= 1.0 * 1.001
        assert option.tpot["p95"].value <= 0.030 * 1.001


def test_quantiles_and_ends_are_in_order(asked) -> None:
    for option in asked.record.front:
        for tail in (option.ttft, option.tpot):
            values = [tail[n].value for n in ("p50", "p90", "p95", "p99")]
            assert values == sorted(values)
            assert all(s.low <= s.value <= s.high for s in tail.values())
        assert option.chips.low <= option.chips.value
        assert option.chips.high is None or option.chips.value <= option.chips.high


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("rate", (20, 50, 120)),
        ("prompt", (500, 2000, 4000)),
        ("output", (100, 300, 600)),
        ("tpot", ("40 ms", "30 ms", "20 ms")),
        ("ttft", ("4 s", "1 s")),
        ("quantile", ("p50", "p90", "p99")),
    ],
)
@pytest.mark.parametrize("kind", ["aggregated", "disaggregated"])
def test_chips_rise_with_rate_lengths_and_tighter_limits(name: str, values: tuple[Any, ...], kind: str) -> None:
    counts = [chips_of(**{name: v, "kinds": kind}) for v in values]
    assert counts == sorted(counts)


@pytest.mark.parametrize("day", ["2023-06-01", "2026-03-01"])
@pytest.mark.parametrize("law", ["free", "licence"])
def test_a_legal_plan_holds_no_chip_that_the_law_refuses(day: str, law: str) -> None:
    try:
        found = plan("llama-3.1-8b", rate=5, prompt=1000, output=200, to="CN", on=day, law=law).record
    except InputError:
        return  # nothing is left that the law lets go there
    for option in found.front:
        for m in option.members:
            decided = cw.decide(m.chip, to="CN", on=day).record
            domestic = decided.cn_import.status == "domestic"
            free = decided.licence.as_enforced in ("not_required", "n/a", "exception_available")
            denied = decided.review_policy in ("presumption_of_denial", "denied_by_draft")
            assert domestic or free or (law == "licence" and not denied and decided.licence.as_enforced != "unknown")


def test_a_stock_makes_fleets_of_several_kinds() -> None:
    found = plan(
        "llama-3.3-70b", **{**ASKED, "chips": ["h20", "h200"], "kinds": "aggregated", "stock": {"h200": 16}, "rent": 1.0}
    ).record
    beside = [o for o in found.front if o.kind == "beside"]
    assert beside
    used = {m.chip.id: m.chips for m in beside[0].members}
    assert used["nvidia-h200-sxm"] <= 16
    assert used["nvidia-h20-96gb"] > 0


def test_a_mixed_fleet_costs_no_more_than_the_better_of_its_chips() -> None:
    rents = {"h20": 0.6, "h200": 3.0}
    found = plan("llama-3.3-70b", **{**ASKED, "chips": ["h20", "h200"], "kinds": "disaggregated", "rent": rents}).record
    assert found.best.kind == "mixed"
    assert {m.role: m.chip.id for m in found.best.members} == {"prefill": "nvidia-h200-sxm", "decode": "nvidia-h20-96gb"}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"tpot": "1 ms"}, "no fleet holds"),
        ({"ttft": "1 ms"}, "no fleet holds"),
        ({"rate": 0}, "rate cannot be '0'"),
        ({"rate": -3}, "rate cannot be '-3'"),
        ({"rate": None}, "no rate"),
        ({"currency": "EUR"}, "unknown currency"),
        ({"quantile": "p42"}, "unknown quantile"),
        ({"chips": []}, "is empty"),
        ({"chips": "h300"}, "h300"),
        ({"precision": ["fp7"]}, "fp7"),
        ({"pay": "barter"}, "unknown pay"),
        ({"pue": 0.5}, "pue cannot be"),
        ({"rent": "h20=cheap"}, "rent cannot be"),
        ({"stock": "h20"}, "no chip with an amount"),
        ({"to": "CN", "on": "2026-03-01", "law": "free", "chips": "h100"}, "no chip is left"),
        ({"on": "2026-13"}, "is not a date"),
        ({"prompt": 0}, "prompt cannot be"),
        ({"stock": {"h200": 1, "h100": 1, "h20": 1}}, "do not carry"),
    ],
)
def test_what_cannot_be_is_refused_in_three_lines(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError) as refusal:
        plan("llama-3.3-70b", **{**ASKED, **changes})
    assert said in str(refusal.value)
    assert len(str(refusal.value).splitlines()) <= 3


def test_an_impossible_limit_says_which_and_by_how_much() -> None:
    with pytest.raises(InputError, match=r"time per token 1 ms: the best takes .* ms for a lone request, .* over"):
        plan("llama-3.3-70b", **{**ASKED, "tpot": "1 ms"})


def test_what_if_equals_a_new_plan(asked) -> None:
    for changes in ({"rate": 80}, {"rent": {"h20": 0.05}}, {"rate": 7, "pay": "own"}, {"pay": "own", "electricity": 0.02}):
        again = plan("llama-3.3-70b", **{**ASKED, **changes})
        assert asked.with_(**changes).to_dict() == again.to_dict()
    with pytest.raises(InputError, match="without a new search"):
        asked.with_(prompt=4000)


def test_cost_by_hand(asked) -> None:
    found = asked.with_(rent=2.0).record.best
    chips = sum(m.chips for m in found.members)
    assert found.month.value == pytest.approx(chips * 2.0 * 730.5)
    tokens = 50 * 300 * 730.5 * 3600 / 1e6
    assert found.per_million.value == pytest.approx(found.month.value / tokens)


def test_spares_and_a_failed_replica(asked) -> None:
    p = asked.record
    more = sum(m.layout.chips for m in p.best.members)
    assert [s.chips for s in p.spares] == [p.best.chips.value + more, p.best.chips.value + 2 * more]
    assert p.one_down["utilisation"] > p.best.utilisation.value


def test_lifting_the_binding_limit_never_takes_more_chips(asked) -> None:
    assert asked.record.binding.chips_lifted <= asked.record.binding.chips


def test_json_has_the_shape(asked) -> None:
    data = json.loads(json.dumps(asked.to_dict()))
    assert {"question", "best", "front", "rejected", "binding"} <= set(data)
    best = data["best"]
    assert {"chip", "chips", "replicas", "layout", "ttft_ms", "tpot_ms", "utilisation", "cost_per_month",
            "cost_per_million_tokens", "currency", "law"} <= set(best)  # fmt: skip
    for name in ("chips", "replicas", "utilisation", "cost_per_month"):
        assert set(best[name]) == {"value", "low", "high"}
    assert {"p50", "p95", "p99"} <= set(best["ttft_ms"])
    assert all({"chip", "reason"} == set(r) for r in data["rejected"])


def test_start_lines_name_the_layout(asked) -> None:
    start = asked.to_dict()["start"]
    for pool, line in zip(asked.record.best.members, start, strict=True):
        assert f"--tensor-parallel-size {pool.layout.tensor}" in line["vllm"]
        assert "meta-llama/Llama-3.3-70B-Instruct" in line["sglang"]
        assert f"--tp_size {pool.layout.tensor}" in line["trtllm"]


def test_the_command_line_gives_the_same(run, asked) -> None:
    answer = run(
        "plan", "llama-3.3-70b", "--rate", "50", "--prompt", "2000", "--output", "300", "--ttft", "1s", "--tpot", "30ms",
        "--chips", "h200,h100,h20", "--precision", "fp8", "--json",
    )  # fmt: skip
    assert answer.status == 0, answer.err
    assert json.loads(answer.out) == asked.to_dict()


def test_the_first_four_lines(run) -> None:
    words = ["plan", "llama-3.3-70b", "--rate", "50", "--prompt", "2000", "--output", "300", "--ttft", "1s", "--tpot", "30ms"]
    answer = run(*words, "--chips", "h20", "--to", "CN", "--on", "2026-03")
    chips, tails, cost, law = answer.out.splitlines()[:4]
    assert "NVIDIA H20" in chips
    assert tails.startswith("p95 of the first token")
    assert "USD a month" in cost
    assert "licence is needed" in law
    assert "芯片" in run(*words, "--chips", "h20", "--lang", "zh").out.splitlines()[0]


def test_users_of_own_chips_need_no_price() -> None:
    found = plan("llama-3.1-8b", rate=10, prompt=500, output=100, chips="910b4").record
    assert found.best.month is None or found.best.paid
    assert found.best.chips.value >= 1


def test_a_fleet_of_one_rented_and_one_owned_chip_has_a_cost() -> None:
    found = plan("llama-3.1-70b", **{**ASKED, "chips": "h200,h20", "to": "CN", "on": "2026-03"}).record
    for o in found.front:
        if {m.chip.id for m in o.members} == {"nvidia-h200-sxm", "nvidia-h20-96gb"}:
            assert o.month is not None
            assert o.paid in ("rent", "own", "both")


def test_the_best_is_the_cheapest_of_the_front() -> None:
    found = plan("llama-3.1-70b", **{**ASKED, "chips": "h200,h20,910c", "to": "CN", "on": "2026-03"}).record
    costs = [o.month.value for o in found.front if o.month is not None]
    assert costs == sorted(costs)
    assert found.best is found.front[0]
