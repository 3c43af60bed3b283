"""Tuning on preferences and rewards: which models stand in memory beside the one that is trained, and what they compute.

A pair of answers is two sequences; a reference that is frozen runs forward over all of them; a critic is a second model
that is trained. Adapters are their own reference: with them switched off the base is the model of before.

References
----------
.. [1] Rafailov et al., Direct preference optimization, arXiv:2305.18290, section 4 (pairs, a frozen reference).
.. [2] Ethayarajh et al., KTO, arXiv:2402.01306, section 4.1 (single answers; a second pass over mismatched ones).
.. [3] Hong et al., ORPO, arXiv:2403.07691; Meng et al., SimPO, arXiv:2405.14734 (pairs without a reference).
.. [4] Ouyang et al., InstructGPT, arXiv:2203.02155, section 3.5 (policy, reference, reward model, critic).
.. [5] Shao et al., DeepSeekMath, arXiv:2402.03300, section 4.1 (groups of answers instead of a critic).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from chipwall.perf.training.memory import Storage
from chipwall.text import Text, text

__all__ = ["BESIDE", "OBJECTIVES", "Objective", "frozen_copies", "objective_parts", "storage_beside"]

# Of the time of attention, forward and two and a half times backward, the forward share [1].
FORWARD_OF_ATTENTION = 1.0 / 3.5
# Frozen models are kept in 16 bits [byte].
FROZEN = 2.0


@dataclass(frozen=True, slots=True)
class Objective:
    """What is trained for. Counts are [1].

    Attributes
    ----------
    name : str
        As training libraries call it.
    answers : int
        Sequences of one example: two in a pair, the size of the group where answers are generated.
    forwards : float
        Passes without gradients over every sequence, of models as large as the trained one.
    frozen : tuple of str
        Models that stand beside it and are not trained: ``reference``, ``reward``.
    critic : bool
        Whether a second model, as large, is trained with it.
    generates : bool
        Whether the answers are generated in every step.
    """

    name: str
    answers: int = 1
    forwards: float = 0.0
    frozen: tuple[str, ...] = ()
    critic: bool = False
    generates: bool = False


OBJECTIVES: Mapping[str, Objective] = {
    o.name: o
    for o in (
        Objective("sft"),
        Objective("reward", answers=2),
        Objective("dpo", answers=2, forwards=1.0, frozen=("reference",)),
        Objective("ipo", answers=2, forwards=1.0, frozen=("reference",)),
        Objective("kto", forwards=3.0, frozen=("reference",)),
        Objective("orpo", answers=2),
        Objective("simpo", answers=2),
        Objective("grpo", answers=8, forwards=1.0, frozen=("reference",), generates=True),
        Objective("ppo", forwards=4.0, frozen=("reference", "reward"), critic=True, generates=True),
    )
}
# What the models beside the trained one are called in a budget.
BESIDE: Mapping[str, Text] = {
    "reference": text("reference model"),
    "reward": text("reward model"),
    "critic": text("critic with its optimizer"),
}


def frozen_copies(objective: Objective, *, adapters: bool) -> tuple[str, ...]:
    """Frozen models that need weights of their own: under adapters the reference is the base itself."""
    return tuple(name for name in objective.frozen if not (adapters and name == "reference"))


def storage_beside(storage: Storage, objective: Objective, beside: str, *, adapters: bool) -> Storage:
    """The storage with one model more beside the trained one, split over the chips as that is.

    Parameters
    ----------
    storage : Storage
        Of the trained model, and of what was counted before.
    objective : Objective
        What is trained for.
    beside : str
        ``reference``, ``reward`` or ``critic``.
    adapters : bool
        Whether adapters alone are trained: then a critic is a head on the same base.
    """
    if beside != "critic":
        return replace(storage, weight=storage.weight + FROZEN, embedding=storage.embedding + FROZEN)
    if adapters or not objective.critic:
        return storage
    return replace(
        storage, weight=storage.weight + FROZEN, embedding=storage.embedding + FROZEN, gradient=2.0 * storage.gradient,
        state=2.0 * storage.state,
    )  # fmt: skip


def objective_parts(
    objective: Objective, parts: Mapping[str, Any], *, adapters: bool, rollout: float = 0.0
) -> dict[str, float]:
    """Time of a step beyond the training of one model over its sequences, by part [s].

    Parameters
    ----------
    objective : Objective
        What is trained for.
    parts : mapping
        Parts of the step as :func:`chipwall.perf.training.step.training_parts` gives them [s].
    adapters : bool
        Whether adapters alone are trained.
    rollout : float
        Time to generate the answers of a step [s].

    Limits
    ------
    Models beside the trained one are as large as it, are laid out as it is, and run one after another.
    """
    found: dict[str, float] = {}
    if objective.forwards:
        found["passes without gradients"] = objective.forwards * _forward(parts, adapters=adapters)
    if objective.critic and not adapters:
        found["critic"] = float(sum(time for name, time in parts.items() if name != "start and stop"))
    if objective.generates:
        found["generating"] = rollout
    return found


def _forward(parts: Mapping[str, Any], *, adapters: bool) -> float:
    """One pass forward over the sequences of a step, from the parts of the whole step [s]."""
    passes = 2.0 if adapters else 3.0
    products = sum(float(parts[name]) for name in ("linear layers", "experts", "output head")) / passes
    moved = (float(parts["element-wise"]) + float(parts["number formats"])) / 3.0
    exchanged = sum(float(parts[name]) for name in ("tensor parallel", "context parallel", "expert parallel")) / 2.0
    return products + float(parts["attention"]) * FORWARD_OF_ATTENTION + moved + exchanged
