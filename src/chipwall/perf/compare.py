"""Two chips compared: the ratio of what they do, by workload, batch and precision, beside the data-sheet ratios."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from chipwall.catalog.records import Chip, LanguageModel
from chipwall.errors import ChipwallError, Unknown
from chipwall.perf.calibrated import Calibrated
from chipwall.perf.device import hardware
from chipwall.perf.serving.regimes import batch_room, decode_time, prefill_time
from chipwall.perf.serving.serve import Question, requests_of, setups_of
from chipwall.text import Text, text

__all__ = ["Ratio", "ratios"]

PROMPTS = (512, 2048, 8192, 32768)
BATCHES = (1, 8, 16, 32, 64, 128, 256)
CONTEXT = 2048


@dataclass(frozen=True, slots=True)
class Ratio:
    """One line: how many times faster the first chip is than the second; None where one of them cannot do it.

    Attributes
    ----------
    workload : Text
        ``prefill``, ``decode``, ``data sheet``.
    detail : Text
        Tokens, batch, or the quantity of the data sheet.
    precision : str
        Format of the weights.
    first, second : float or None
        Rate of each, token/s of all chips (data-sheet unit for the limits).
    why : Text or str
        Why a value is missing.
    """

    workload: Text
    detail: Text
    precision: str
    first: float | None
    second: float | None
    why: str = ""

    @property
    def value(self) -> float | None:
        """First over second [1]."""
        return self.first / self.second if self.first and self.second else None


def ratios(
    first: Chip,
    second: Chip,
    model: LanguageModel,
    calibrated: Calibrated,
    *,
    chips: int = 8,
    precisions: Sequence[str] = ("bf16", "fp8"),
    engine: str = "",
    tensor: int = 0,
) -> tuple[Ratio, ...]:
    """Every line of the comparison, equal numbers of chips in one replica.

    Parameters
    ----------
    first, second : Chip
        The chips.
    model : LanguageModel
        What they run.
    calibrated : Calibrated
        What is fitted.
    chips : int
        Chips of each kind [1].
    tensor : int
        Tensor-parallel degree; all chips by default [1].
    """
    found = list(_data_sheet(first, second))
    for precision in precisions:
        lines = [(float(length), 0) for length in PROMPTS] + [(float(CONTEXT), batch) for batch in BATCHES]
        found += [
            _line(first, second, model, calibrated, chips, precision, engine, tensor, prompt=prompt, batch=batch)
            for prompt, batch in lines
        ]
    return tuple(found)


def _data_sheet(first: Chip, second: Chip) -> list[Ratio]:
    found = []
    for quantity, name in (
        ("bf16_rate", text("BF16 peak")), ("fp8_rate", text("FP8 peak")), ("memory_bandwidth", text("memory bandwidth")),
        ("memory_capacity", text("memory capacity")), ("link_bandwidth", text("link bandwidth")), ("fp64_rate", text("FP64 peak")),
    ):  # fmt: skip
        a, b = first.value(quantity), second.value(quantity)
        if a is not None or b is not None:
            found.append(Ratio(text("data sheet"), name, "", a, b))
    return found


def _line(
    first: Chip,
    second: Chip,
    model: LanguageModel,
    calibrated: Calibrated,
    chips: int,
    precision: str,
    engine: str,
    tensor: int,
    *,
    prompt: float,
    batch: int,
) -> Ratio:
    rates: list[float | None] = []
    why = ""
    for chip in (first, second):
        try:
            rates.append(_rate(chip, model, calibrated, chips, precision, engine, tensor, prompt=prompt, batch=batch))
        except ChipwallError as problem:
            rates.append(None)
            why = problem.what
    if batch:
        detail = text("batch {batch}, {context:.0f} tokens of context", batch=batch, context=prompt)
        return Ratio(text("decode"), detail, precision, rates[0], rates[1], why)
    return Ratio(text("prefill"), text("{tokens:.0f} tokens", tokens=prompt), precision, rates[0], rates[1], why)


def _rate(
    chip: Chip, model: LanguageModel, calibrated: Calibrated, chips: int, precision: str, engine: str, tensor: int, *,
    prompt: float, batch: int,
) -> float:  # fmt: skip
    hw = hardware(chip, calibrated.kernels)
    heads = model.heads or 1
    degree = tensor or next(t for t in range(chips, 0, -1) if chips % t == 0 and heads % t == 0)
    question = Question(
        prompt=prompt,
        output=1.0,
        chips=chips,
        precision=precision,
        engine=engine,
        tensor=degree,
        concurrency=float(max(batch, 1)),
    )
    _, made, _, _ = setups_of(model, hw, question, calibrated)
    s, q = made[0], requests_of(question)
    if not batch:
        return float(s.replicas * prompt / prefill_time(s, q, 1.0))
    room = float(batch_room(s, q))
    if batch / float(s.replicas) > room:
        raise Unknown(text("{chip}: the cache holds {room:.0f} sequences", chip=chip.name, room=room))
    return float(batch / decode_time(s, q, batch / s.replicas))
