"""Images in a prompt: the tokens they become, and the time of the vision tower."""

from __future__ import annotations

from dataclasses import replace

from chipwall.catalog.records import LanguageModel
from chipwall.catalog.tower import ImageCost, Tower
from chipwall.errors import InputError
from chipwall.perf.device import Hardware
from chipwall.perf.encoder import EncoderShape, encoder_time
from chipwall.perf.serving.workload import Question
from chipwall.text import text

__all__ = ["LARGEST_SIDE", "tower_seconds", "with_images"]

# Longest side of an image that is priced [pixel].
LARGEST_SIDE = 100_000


def _cost(model: LanguageModel, q: Question) -> tuple[Tower, ImageCost]:
    if model.tower is None:
        raise InputError(
            text("{model} has no vision tower that is known", model=model.name),
            where="images",
            fix=text("Leave the images out, or count their tokens in the prompt"),
        )
    return model.tower, model.tower.image(q.image_width, q.image_height)


def with_images(model: LanguageModel, q: Question) -> Question:
    """The question with the tokens of its images in the prompt; as it is where it has none.

    Raises
    ------
    InputError
        Where the model's tower is not known.
    """
    if not q.images:
        return q
    _, cost = _cost(model, q)
    added = q.images * cost.tokens
    return replace(q, prompt=q.prompt + added, image_tokens=added)


def tower_seconds(model: LanguageModel, hw: Hardware, q: Question) -> float:
    """Time of the vision tower on one chip, for one token of a prompt with its images [s]; 0 without images.

    Limits
    ------
    In 16 bits, one image after another; the chips of a tensor-parallel group share the work. The tower's own trial run is
    not in the memory of the engine.
    """
    if not q.images:
        return 0.0
    tower, cost = _cost(model, q)
    shape = EncoderShape(
        tower.layers, tower.hidden, tower.ffn, tower.heads, gated=tower.gated, window=tower.window, whole=tower.whole
    )
    return q.images * float(encoder_time(hw, shape, texts=float(cost.passes), length=float(cost.patches))) / q.prompt
