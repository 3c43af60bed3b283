"""How a model lies on chips: the one record of ways, what divides, and every regular layout there is.

Serving, training, fine-tuning and the memory table ask here. Attention and dense blocks are cut ``tensor`` ways; experts
over ``expert`` chips, each of them ``expert_tensor`` ways; stages of ``pipeline``; one sequence over ``context`` chips; the
rest are copies (``data``), over which training may shard weights (``shards``).

References
----------
.. [1] Narayanan et al., Efficient large-scale language model training on GPU clusters, arXiv:2104.04473 (ways, virtual stages).
.. [2] Liu et al., MoE parallel folding, arXiv:2504.14960 (experts fold over data x tensor chips of a stage).
.. [3] DeepSeek-AI, DeepSeek-V3, arXiv:2412.19437, section 3.4 (data-parallel attention beside spread experts).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from itertools import product
from typing import TypedDict

from chipwall.errors import InputError
from chipwall.text import Text, text

__all__ = [
    "Divides",
    "Layout",
    "checked",
    "fault",
    "layout_words",
    "serving_layout",
    "serving_layouts",
    "training_layouts",
]

# Ways that engines and training software cut by [1].
WAYS = (1, 2, 4, 8, 16)
EXPERT_WAYS = (1, 2, 4, 8, 16, 32, 64, 72)
# Tokens of a sequence below which nobody cuts it over chips [token].
LEAST_PIECE = 4096


class Divides(TypedDict):
    """What the ways of a layout divide: attention heads, layers, routed experts of a block (0 without) [1]."""

    heads: float
    layers: float
    experts: float


@dataclass(frozen=True, slots=True)
class Layout:
    """Ways of splitting a model over chips, whole numbers [1].

    Attributes
    ----------
    tensor, pipeline, context, data : int
        Chips that share each layer, stages, chips over which one sequence is cut, and copies; their product is
        :attr:`chips`.
    virtual : int
        Stages that one chip of a pipeline holds.
    expert, expert_tensor : int
        Chips over which the experts of a layer are spread, and that cut one expert; their product divides the chips of a
        stage.
    shards : int
        Data- and context-parallel chips over which training shards the weights; 1: none.
    attention_data_parallel : bool
        Each chip of a group decodes its own sequences and only experts are shared.
    """

    tensor: int = 1
    pipeline: int = 1
    virtual: int = 1
    context: int = 1
    expert: int = 1
    expert_tensor: int = 1
    data: int = 1
    shards: int = 1
    attention_data_parallel: bool = False

    @property
    def chips(self) -> int:
        """Chips in all [1]."""
        return self.tensor * self.pipeline * self.context * self.data

    @property
    def group(self) -> int:
        """Chips of a stage that share the experts of a layer [1]."""
        return self.expert * self.expert_tensor if self.attention_data_parallel else self.tensor

    @property
    def ranks(self) -> int:
        """Parts of a group that hold sequences of their own [1]: a sequence is never larger than one of them."""
        return max(self.group // self.tensor, 1) if self.attention_data_parallel else 1

    @property
    def replicas(self) -> int:
        """Groups that serve independently [1]."""
        return self.data // self.ranks


def layout_words(layout: Layout) -> str:
    """A layout as people write it: TP8, TP4 PP2 x2, DEP8."""
    spread = layout.attention_data_parallel
    words = [f"DEP{layout.group}"] if spread else [f"TP{layout.tensor}"]
    if layout.pipeline > 1:
        words.append(f"PP{layout.pipeline}")
    if layout.context > 1:
        words.append(f"CP{layout.context}")
    if layout.expert > 1 and not spread:
        words.append(f"EP{layout.expert}")
    if layout.replicas > 1:
        words.append(f"x{layout.replicas}")
    return " ".join(words)


def fault(layout: Layout, *, chips: int, heads: float, layers: float, experts: float) -> Text | None:
    """What does not divide, in words; None where all does.

    Parameters
    ----------
    layout : Layout
        Ways.
    chips : int
        Chips there are [1].
    heads, layers, experts : float
        Attention heads, layers and routed experts of the model [1]; 0 heads for a model without attention.
    """
    split = layout.tensor * layout.pipeline * layout.context
    if chips % split:
        return text(
            "{chips} chips are not a multiple of {tp} x {pp} x {cp}",
            chips=chips, tp=layout.tensor, pp=layout.pipeline, cp=layout.context,
        )  # fmt: skip
    if heads % layout.tensor:
        fitting = ", ".join(str(t) for t in (*WAYS, 32) if heads % t == 0)
        return text(
            "tensor parallel {tp} does not divide {heads} heads; {fitting} do",
            tp=layout.tensor, heads=int(heads), fitting=fitting,
        )  # fmt: skip
    if layout.pipeline * layout.virtual > layers:
        return text(
            "{pp} stages x {vp} virtual stages are more than {layers} layers",
            pp=layout.pipeline, vp=layout.virtual, layers=int(layers),
        )  # fmt: skip
    if layout.virtual > 1 and layout.pipeline == 1:
        return text("virtual stages need a pipeline; this layout has one stage")
    return _expert_fault(layout, chips=chips, experts=experts)


def _expert_fault(layout: Layout, *, chips: int, experts: float) -> Text | None:
    if layout.expert > 1 and not experts:
        return text("the model has no experts to spread over {ep} chips", ep=layout.expert)
    if experts and experts % layout.expert:
        return text("expert parallel {ep} does not divide {experts} experts", ep=layout.expert, experts=int(experts))
    spread, stage = layout.expert * layout.expert_tensor, chips // layout.pipeline
    if spread > stage or stage % spread:
        return text(
            "{ep} x {etp} expert-parallel ways do not divide the {stage} chips of a stage",
            ep=layout.expert, etp=layout.expert_tensor, stage=stage,
        )  # fmt: skip
    shared = layout.data * layout.context
    if layout.shards > 1 and shared % layout.shards:
        return text("{shards} shards do not divide {shared} copies", shards=layout.shards, shared=shared)
    return None


def checked(
    layout: Layout, *, chips: int, heads: float, layers: float, experts: float, where: str = "layout"
) -> Layout:
    """The layout with its copies filled in; refuses one that does not divide the chips, the heads, layers or experts.

    Raises
    ------
    InputError
        A way below one, or one that does not divide.
    """
    for item in fields(Layout):
        value = getattr(layout, item.name)
        if not isinstance(value, bool) and value < 1:
            raise InputError(
                text("{name} is {value}; a layout counts chips", name=item.name, value=value),
                where=where,
                fix=text("Give whole numbers of one or more"),
            )
    found = fault(layout, chips=chips, heads=heads, layers=layers, experts=experts)
    if found is None:
        made = replace(layout, data=chips // (layout.tensor * layout.pipeline * layout.context))
        if made.data % made.ranks == 0:
            return made
        found = text(
            "data-parallel attention over {ranks} chips does not divide {data} copies", ranks=made.ranks, data=made.data
        )
    raise InputError(found, where=where, fix=text("Change the layout, or leave it out to have one searched"))


def serving_layout(
    *,
    tensor: int = 1,
    pipeline: int = 1,
    context: int = 1,
    expert: int = 1,
    attention_data_parallel: bool = False,
    data: int = 1,
) -> Layout:
    """A layout as serving engines name it: experts that are not spread are cut as the rest of their group is.

    Without data-parallel attention, experts live in the tensor-parallel group, so that each is cut ``tensor / expert`` ways;
    with it, they live whole on ``expert`` chips.
    """
    cut = 1 if attention_data_parallel else max(tensor // expert, 1)
    return Layout(
        tensor=tensor, pipeline=pipeline, context=context, expert=expert, expert_tensor=cut, data=data,
        attention_data_parallel=attention_data_parallel,
    )  # fmt: skip


def serving_layouts(
    *, chips: int, heads: float, layers: float, experts: float, domain: int = 8, given: Iterable[tuple[str, int]] = ()
) -> list[Layout]:
    """Every regular layout of serving: tensor parallel within a scale-up domain, stages, copies; and for mixtures of experts
    data-parallel attention with the experts spread over a domain.

    Parameters
    ----------
    chips, heads, layers, experts
        As in :func:`fault`.
    domain : int
        Chips that the scale-up link reaches [1].
    given : iterable of (str, int)
        Ways that are fixed, by their names in :class:`Layout`; others are searched.
    """
    fixed = dict(given)
    widest = max(min(domain if domain > 1 else 8, chips), 1)
    both = "tensor" in fixed and "pipeline" in fixed
    context, spread = fixed.get("context", 1), fixed.get("expert", 1)
    wanted = fixed.get("attention_data_parallel")
    offers: list[Layout] = []
    for t, p in product(ways_of("tensor", WAYS, fixed), ways_of("pipeline", WAYS, fixed)):
        # stages may lie in other nodes; within one domain a group larger than it is pointless
        regular = t <= widest and (t * p <= max(widest, 8) or (t == widest and chips > widest))
        if not wanted and (both or regular) and t % spread == 0:
            offers.append(serving_layout(tensor=t, pipeline=p, expert=spread, context=context))
    if experts and wanted is not False:
        for e in ways_of("expert", EXPERT_WAYS, fixed):
            if e > 1 and (e <= widest or "expert" in fixed):
                ways = {"tensor": fixed.get("tensor", 1), "pipeline": fixed.get("pipeline", 1), "context": context}
                offers.append(serving_layout(**ways, expert=e, attention_data_parallel=True))
    found = []
    for layout in offers:
        split = layout.tensor * layout.pipeline * layout.context
        made = replace(layout, data=max(chips // split, 1))
        divides = fault(made, chips=chips, heads=heads, layers=layers, experts=experts) is None
        if divides and made.data % made.ranks == 0:
            found.append(made)
    return found


def ways_of(name: str, usual: tuple[int, ...], fixed: dict[str, int]) -> tuple[int, ...]:
    """The ways to try: the one that is given, or the usual ones."""
    return (fixed[name],) if name in fixed else usual


def training_layouts(
    *,
    chips: int,
    heads: float,
    layers: float,
    experts: float,
    sequence: float,
    domain: int = 8,
    given: Iterable[tuple[str, int]] = (),
) -> list[Layout]:
    """Every regular layout of training, weights sharded over all copies or over none [1, 2].

    Parameters
    ----------
    chips, heads, layers, experts, domain, given
        As in :func:`serving_layouts`.
    sequence : float
        Tokens of a sequence [token]; it is cut over chips only where pieces stay long.
    """
    fixed = dict(given)
    tensors = [t for t in ways_of("tensor", WAYS, fixed) if "tensor" in fixed or t <= min(domain, chips)]
    stages = [p for p in range(1, min(int(layers), 64, chips) + 1) if layers % p == 0 and chips % p == 0] or [1]
    contexts = [c for c in WAYS if c == 1 or sequence / c >= LEAST_PIECE]
    spreads = [e for e in EXPERT_WAYS if e <= chips] if experts else [1]
    found = []
    for t, p, c, e in product(
        tensors, ways_of("pipeline", tuple(stages), fixed), ways_of("context", tuple(contexts), fixed),
        ways_of("expert", tuple(spreads), fixed),
    ):  # fmt: skip
        if chips % (t * p * c):
            continue
        data = chips // (t * p * c)
        each = int(layers) // p
        for v in ways_of("virtual", tuple(sorted({1, each} if p > 1 else {1})), fixed):
            for shards in {1, data * c} if p == 1 else {1}:
                layout = Layout(t, p, v, c, e, fixed.get("expert_tensor", 1), data, shards)
                kept = "shards" not in fixed or (shards > 1) == (fixed["shards"] > 1)
                if kept and fault(layout, chips=chips, heads=heads, layers=layers, experts=experts) is None:
                    found.append(layout)
    return found
