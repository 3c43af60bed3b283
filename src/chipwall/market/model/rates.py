"""What the performance model says about each product: rates of training, prefill and decoding relative to the reference.

The rates are kept in ``data/service.toml`` so that a run needs no performance model; ``python -m
chipwall.market.model.rates`` prints the file anew, and a test holds it to the live model. Decoding is asked at 64
requests on eight chips, a fleet that keeps its latency; at full memory every chip is bound by arithmetic.
"""

from __future__ import annotations

from chipwall.catalog.records import Chip
from chipwall.errors import ChipwallError
from chipwall.perf.calibrated import Calibrated

__all__ = ["WORK", "estimated_rates"]

WORK = ("training", "prefill", "decode")
MODEL = "llama-3.1-70b"
TRAINING_CHIPS, TRAINING_BATCH, TRAINING_LENGTH = 256, 512, 4096
SERVING_CHIPS, REQUESTS = 8, 64.0


def estimated_rates(chip: Chip, calibrated: Calibrated) -> dict[str, float] | None:
    """Tokens a second and chip by kind of work [token/s], from :mod:`chipwall.perf`; None where it has no answer.

    Limits
    ------
    One dense model of 70 billion parameters in 16 bit stands for all work.
    """
    from chipwall import catalog
    from chipwall.perf.device import hardware
    from chipwall.perf.serving.serve import Question, serving
    from chipwall.perf.serving.setup import serving_hardware
    from chipwall.perf.training.train import training

    if not chip.rate("bf16") or not chip.value("tdp"):
        return None
    model = catalog.model(MODEL)
    size, batch = TRAINING_CHIPS, TRAINING_BATCH
    try:
        plain, served = hardware(chip, calibrated.kernels), serving_hardware(chip, calibrated)
        done = training(model, plain, calibrated, chips=size, sequences=batch, sequence=TRAINING_LENGTH)
        trained = done.tokens_per_s_per_chip
        fast = serving(model, served, Question(prompt=4096, output=64, chips=SERVING_CHIPS), calibrated).requests_per_s
        steady = Question(prompt=1000, output=1000, chips=SERVING_CHIPS, concurrency=REQUESTS)
        decoded = serving(model, served, steady, calibrated).throughput.value
    except ChipwallError:
        return None
    prefill, mixed = fast * 4096 / SERVING_CHIPS, decoded / SERVING_CHIPS
    # an answer's token in that mix has one token of prompt beside it: taking its time off leaves decoding alone
    alone = 1 / mixed - 1 / prefill
    return {"training": trained, "prefill": prefill, "decode": 1 / alone} if alone > 0 else None


def _file() -> str:
    """The words of ``data/service.toml``."""
    from chipwall import catalog
    from chipwall.market.model.load import load_products
    from chipwall.market.model.service import REFERENCE
    from chipwall.perf.shipped import shipped

    calibrated = shipped()
    reference = estimated_rates(catalog.chip(REFERENCE), calibrated)
    assert reference is not None
    lines = [
        "# Rates relative to an H100 SXM, from the performance model: `python -m chipwall.market.model.rates > this file`.",
        "# Chips that are left out have no answer there (no published rate or power) and follow their data sheet.",
        "",
        "[meta]",
        f'model = "{MODEL}"',
        f'training = "{TRAINING_CHIPS} chips, {TRAINING_BATCH} sequences of {TRAINING_LENGTH} tokens, 16 bit"',
        'prefill = "prompts of 4096 tokens, answers of 64"',
        f'decode = "prompts and answers of 1000 tokens, {REQUESTS:g} requests on {SERVING_CHIPS} chips, prompts taken off"',
    ]
    for chip in dict.fromkeys((REFERENCE, *(p.chip for p in load_products()))):
        rates = estimated_rates(catalog.chip(chip), calibrated)
        if rates is not None:
            lines += ["", f"[{chip}]", *(f"{k} = {rates[k] / reference[k]:.3f}" for k in WORK)]
    return "\n".join(lines)


if __name__ == "__main__":
    print(_file())
