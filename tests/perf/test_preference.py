"""Tuning on preferences and rewards: models beside the trained one, counted by hand; order of the objectives."""

from __future__ import annotations

import pytest

import chipwall as cw
from chipwall import catalog
from chipwall.errors import ChipwallError
from chipwall.perf.device import hardware
from chipwall.perf.shipped import shipped
from chipwall.perf.training.preference import OBJECTIVES, objective_parts
from chipwall.perf.training.tune import Finetuning, finetuning

SHIPPED = shipped()

MODEL, CHIP = catalog.model("llama-3.1-8b"), catalog.chip("h100")
ASK = {"sequences": 8, "neighbours": False}


def tuned(objective: str, *, method: str = "lora", chips: int = 1, **more: object) -> Finetuning:
    return finetuning(
        MODEL,
        hardware(CHIP, SHIPPED.kernels),
        SHIPPED,
        chips=chips,
        method=method,
        objective=objective,
        **{**ASK, **more},
    )  # type: ignore[arg-type]


def test_text_is_the_default_and_unchanged() -> None:
    plain, named = finetuning(MODEL, hardware(CHIP, SHIPPED.kernels), SHIPPED, **ASK), tuned("sft")  # type: ignore[arg-type]
    assert plain.budget == named.budget
    assert plain.step is not None
    assert named.step is not None
    assert plain.step.estimate.value == named.step.estimate.value


@pytest.mark.parametrize("chips", [8, 16])
def test_a_frozen_reference_is_two_bytes_a_weight_split_as_the_model(chips: int) -> None:
    found = tuned("dpo", method="full", chips=chips)
    assert found.sequences == 16
    layout = found.plan.layout
    ways = layout.tensor * layout.pipeline * max(layout.shards, 1)
    weights = float(MODEL.architecture.weights)
    assert found.memory["reference"] == pytest.approx(2.0 * weights / ways, rel=0.03)
    assert found.budget.need == pytest.approx(sum(found.memory.values()))


def test_adapters_are_their_own_reference() -> None:
    plain, pairs = tuned("sft", sequences=16), tuned("dpo")
    assert "reference" not in pairs.memory
    assert pairs.budget.need == pytest.approx(plain.budget.need)
    assert pairs.step is not None
    assert plain.step is not None
    # one pass forward more on top of forward, gradient of the input and what is computed again
    assert 1.15 < pairs.step.estimate.value / plain.step.estimate.value < 1.45
    assert "reward" in tuned("ppo").memory


def test_more_models_need_more() -> None:
    needs = {o: tuned(o, method="full", chips=8, sequences=16).budget.need for o in ("orpo", "dpo")}
    assert needs["orpo"] < needs["dpo"]
    critic = tuned("ppo", method="full", chips=8, sequences=32)
    assert {"reference", "reward", "critic"} <= set(critic.memory)
    # the critic is trained: 16-bit weight, gradient, master copy and moments, as the policy
    own = critic.memory["weights"] + critic.memory["gradients"] + critic.memory["optimizer"]
    assert critic.memory["critic"] == pytest.approx(own, rel=0.02)
    times = {o: tuned(o).step.estimate.value for o in ("sft", "orpo", "dpo")}  # type: ignore[union-attr]
    assert times["sft"] < times["orpo"] < times["dpo"]


def test_generating_is_counted_as_given() -> None:
    parts = {p.name: p.value for p in tuned("sft").step.estimate.breakdown}  # type: ignore[union-attr]
    assert objective_parts(OBJECTIVES["grpo"], parts, adapters=True, rollout=7.0)["generating"] == 7.0
    slow, fast = (tuned("grpo", rollout=r).step.estimate.value for r in (60.0, 6.0))  # type: ignore[union-attr]
    assert slow - fast == pytest.approx(54.0, rel=0.05)


def test_the_door_draws_the_answers_itself() -> None:
    long, short = (cw.tune("llama-3.1-8b", "h100", objective="grpo", batch=4, completion=n) for n in (1500, 200))
    assert long.step.value > short.step.value
    assert long.to_dict()["data"]["objective"] == "grpo" if "data" in long.to_dict() else True
    assert long.record.sequences == 32
    assert cw.tune("llama-3.1-8b", "h100", objective="dpo").step.basis == "extrapolated"


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"objective": "dpo", "group": 4}, "no group"),
        ({"objective": "sft", "completion": 10}, "have no length"),
        ({"objective": "grpo", "completion": 4096}, "leave no prompt"),
        ({"objective": "gdpo"}, "unknown objective"),
        ({"objective": "grpo", "group": 0}, "group"),
    ],
)
def test_what_cannot_be_honoured_is_refused(asked: dict[str, object], says: str) -> None:
    with pytest.raises(ChipwallError) as told:
        cw.tune("llama-3.1-8b", "h100", **asked)  # type: ignore[arg-type]
    assert says in str(told.value)
    assert len(told.value.lines()) <= 3
