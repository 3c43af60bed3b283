"""The formulas of :mod:`chipwall.perf.training.memory` in words, with the numbers of one run filled in.

Up to its colon, each formula is arithmetic that gives the bytes of its part: ``x``, ``/``, ``+``, brackets, ``billion`` and
``GiB`` stand for themselves, other words name what a number counts. Tests work every formula out and compare.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from chipwall.perf.serving.memory import Part
from chipwall.perf.training.memory import (
    MEMORY_PARTS,
    MIXED,
    WORKING_SET,
    Storage,
    activation_bytes_per_token,
    adapter_count,
    fullest_weights,
    memory_parts,
)
from chipwall.perf.training.shape import Shape
from chipwall.perf.training.workload import Run
from chipwall.text import Text, text
from chipwall.units import GIB, GIGA

__all__ = ["PART_NAMES", "spelled_parts"]

PART_NAMES: Mapping[str, Text] = {
    "weights": text("weights"),
    "gradients": text("gradients"),
    "optimizer": text("optimizer"),
    "adapters": text("adapters"),
    "gathered layers": text("gathered layers"),
    "activations": text("activations"),
    "logits": text("logits"),
    "runtime": text("runtime"),
}


def spelled_parts(
    shape: Shape, run: Run, *, storage: Storage = MIXED, rank: int = 0, modules: str = "attention"
) -> tuple[Part, ...]:
    """Memory of the fullest chip, one :class:`~chipwall.perf.serving.memory.Part` for each of ``MEMORY_PARTS``, with its formula.

    Parameters
    ----------
    shape, run : Shape, Run
        One model and one run, not arrays of them.
    storage : Storage
        Bytes of what is kept.
    rank, modules : int and str
        Of the adapters; rank 0 where there are none.

    Limits
    ------
    Those of :func:`~chipwall.perf.training.memory.memory_parts`; embeddings trained beside adapters are not spelled out.
    """
    found = memory_parts(shape, run, storage=storage, adapters=adapter_count(shape, rank=rank, modules=modules))
    sizes = {name: float(value) for name, value in found.items()}
    formulas = {
        "weights": _weights(shape, run, storage),
        "gradients": _gradients(shape, run, storage),
        "optimizer": _optimizer(shape, run, storage),
        "adapters": _adapters(shape, run, storage, rank, modules),
        "gathered layers": _gathered(shape, run),
        "activations": _activations(shape, run, storage, sizes["activations"]),
        "logits": _logits(shape, run, storage),
        "runtime": text("{gib:.6g} GiB: context, kernels, buffers and fragments", gib=storage.runtime / GIB),
    }
    return tuple(
        Part(PART_NAMES[name], sizes[name], formulas[name] if sizes[name] else text("0 B")) for name in MEMORY_PARTS
    )


def _figure(value: object) -> str:
    """A count as people write it: whole where it is whole."""
    number = float(value)  # type: ignore[arg-type]
    return f"{number:.0f}" if number.is_integer() and number < GIGA else f"{number:.6g}"


def _sum(terms: Iterable[Text]) -> Text:
    made: Text | None = None
    for term in terms:
        made = term if made is None else text("{before} + {after}", before=made, after=term)
    return text("0 B") if made is None else made


def _shared(formula: Text, ways: object) -> Text:
    """The formula over so many chips; as it is where one holds all."""
    if float(ways) <= 1:  # type: ignore[arg-type]
        return formula
    return text("({formula}) / {ways}", formula=formula, ways=_figure(ways))


def _bracketed(formula: Text, ways: object) -> Text:
    """The formula as one factor, over so many chips."""
    return text("({formula})", formula=formula) if float(ways) <= 1 else _shared(formula, ways)  # type: ignore[arg-type]


def _weights(shape: Shape, run: Run, storage: Storage) -> Text:
    kept = fullest_weights(shape, run)
    size = storage.weight
    terms = [
        text("{count:.6g} billion x {size:g} B", count=float(kept.dense) / GIGA, size=size),
        text("{count:.6g} billion in embeddings x {size:g} B", count=float(kept.tables) / GIGA, size=storage.embedding),
    ]
    if float(kept.experts):
        terms.append(text("{count:.6g} billion in experts x {size:g} B", count=float(kept.experts) / GIGA, size=size))
    return _shared(_sum(terms), kept.sharded)


def _gradients(shape: Shape, run: Run, storage: Storage) -> Text:
    kept = fullest_weights(shape, run)
    count = float(kept.dense + kept.tables + kept.experts) / GIGA
    return _shared(text("{count:.6g} billion x {size:g} B", count=count, size=storage.gradient), kept.sharded)


def _optimizer(shape: Shape, run: Run, storage: Storage) -> Text:
    kept = fullest_weights(shape, run)
    terms = [
        _shared(
            text("{count:.6g} billion x {size:g} B", count=float(kept.dense + kept.tables) / GIGA, size=storage.state),
            kept.owners,
        )
    ]
    if float(kept.experts):
        experts = text(
            "{count:.6g} billion in experts x {size:g} B", count=float(kept.experts) / GIGA, size=storage.state
        )
        terms.append(_shared(experts, kept.expert_owners))
    return _sum(terms)


def _adapters(shape: Shape, run: Run, storage: Storage, rank: int, modules: str) -> Text:
    """Inputs and outputs of the adapted matrices of each kind of layer."""
    hidden = float(shape.hidden)
    attention = 2.0 * hidden + float(shape.projections + shape.attended)
    terms = [
        text("{layers} attention layers x {width}", layers=_figure(shape.attention_layers), width=_figure(attention))
    ]
    if modules == "all" and float(shape.dense_layers):
        dense = float(shape.matrices) * (hidden + float(shape.ffn))
        terms.append(text("{layers} dense blocks x {width}", layers=_figure(shape.dense_layers), width=_figure(dense)))
    if modules == "all" and float(shape.expert_layers):
        routed = float(shape.experts * (shape.expert_hidden + shape.expert_ffn))
        expert = float(shape.matrices) * (hidden + float(shape.shared_ffn) + routed)
        terms.append(
            text("{layers} expert blocks x {width}", layers=_figure(shape.expert_layers), width=_figure(expert))
        )
    return _shared(
        text("rank {rank} x ({widths}) x {size:g} B", rank=rank, widths=_sum(terms), size=storage.adapter),
        run.tensor * run.pipeline,
    )


def _gathered(shape: Shape, run: Run) -> Text:
    layer = float(fullest_weights(shape, run).layer)
    return text("{count:.6g} billion in one layer x 4 B", count=layer / GIGA)


def _rows(run: Run) -> Text:
    """Tokens of a micro-batch on one chip."""
    rows = text("{sequences} x {length} tokens", sequences=_figure(run.micro_batch), length=_figure(run.sequence))
    return _shared(rows, run.context)


def _left_by_token(shape: Shape, run: Run, storage: Storage) -> Text:
    """What a token leaves in all layers, before it is split over chips."""
    ways = float(run.tensor)
    attention, block, expert = (
        float(v) * ways for v in activation_bytes_per_token(shape, run, product_input=storage.product_input)
    )
    terms = []
    if float(shape.attention_layers):
        layers = _figure(shape.attention_layers)
        terms.append(text("{layers} attention layers x {size} B", layers=layers, size=_figure(attention)))
    if float(shape.dense_layers):
        terms.append(text("{layers} dense blocks x {size} B", layers=_figure(shape.dense_layers), size=_figure(block)))
    if float(shape.expert_layers):
        terms.append(
            text("{layers} expert blocks x {size} B", layers=_figure(shape.expert_layers), size=_figure(expert))
        )
    if float(shape.recurrent_layers):
        state = _figure(2.0 * 14.0 * float(shape.hidden))
        terms.append(text("{layers} recurrent layers x {size} B", layers=_figure(shape.recurrent_layers), size=state))
    return _sum(terms)


def _kept_by_token(shape: Shape, run: Run, storage: Storage, whole: Text) -> Text:
    """What stays of it until the backward pass: inputs only of the layers that are computed again."""
    again = float(run.recompute)
    terms = []
    if again < 1.0:
        terms.append(whole if again == 0.0 else text("{share:.6g} x ({whole})", share=1.0 - again, whole=whole))
    if again > 0.0:
        layers = _figure(float(shape.layers) * again)
        terms.append(text("{layers} layers x {hidden} x 2 B", layers=layers, hidden=_figure(shape.hidden)))
    kept = _shared(_sum(terms), run.pipeline)
    return kept if storage.activation == 1.0 else text("({kept}) x {share:.6g}", kept=kept, share=storage.activation)


def _activations(shape: Shape, run: Run, storage: Storage, size: float) -> Text:
    """Kept layers of the micro-batches under way, and the layer at work; whichever stage is the fuller."""
    whole = _left_by_token(shape, run, storage)
    kept = _kept_by_token(shape, run, storage, whole)
    stages = float(run.pipeline)
    working = text(
        "{factor:g} x ({whole}) / {layers} layers", factor=WORKING_SET, whole=whole, layers=_figure(shape.layers)
    )
    left = text("{kept} + {working}", kept=kept, working=working)
    last = text("{rows} x {left}", rows=_rows(run), left=_bracketed(left, run.tensor))
    if stages <= 1:
        return last
    flying = min(float(run.micro_batches), stages)
    interleaved = 1.0 + (stages - 1.0) / (stages * float(run.virtual)) if float(run.virtual) > 1 else 1.0
    left = text("({kept}) x {flying:.6g} + {working}", kept=kept, flying=flying * interleaved, working=working)
    first = text("{rows} x {left}", rows=_rows(run), left=_bracketed(left, run.tensor))
    logits = text("{last} + {logits}", last=last, logits=_output(shape, run, storage))
    if _first_is_fuller(shape, run, storage, size):
        return text("{first}: the first stage", first=first)
    return text("{last}: the last stage, with its logits", last=logits)


def _first_is_fuller(shape: Shape, run: Run, storage: Storage, size: float) -> bool:
    """Whether the size is that of the first stage: narrower logits would not change it."""
    return float(memory_parts(shape, run, storage=replace(storage, logit=0.0))["activations"]) == size


def _output(shape: Shape, run: Run, storage: Storage) -> Text:
    made = text("{rows} x {vocab} x {size:g} B", rows=_rows(run), vocab=_figure(shape.vocab), size=storage.logit)
    return _shared(made, run.tensor)


def _logits(shape: Shape, run: Run, storage: Storage) -> Text:
    if storage.logit < 2.0:
        return text("{formula}: the loss is computed in pieces", formula=_output(shape, run, storage))
    return _output(shape, run, storage)
