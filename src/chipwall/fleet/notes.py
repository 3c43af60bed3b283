"""What the notes of a measured point of load say of its setup: a small grammar, read once.

A note is a list of phrases between semicolons and commas. Known phrases, in any order:

===============================================  ==================================================================
phrase                                           meaning
===============================================  ==================================================================
``tp4``, ``pp2``, ``ep2``, ``dp2``, ``tp 8``     ways of the layout; ``tp None`` says nothing
``dp-attn True``                                 attention data parallel, experts over all chips
``2 nodes x 4 GPUs``                             the setup spans nodes (told, not used)
``Poisson``, ``constant interval``               arrivals; Poisson where nothing is said
``at most 440 requests in flight``               what the clients let be in the system
``max-num-seqs 128``                             sequences at once
``max batched tokens 2048``                      tokens of a step
``max-model-len 512``                            longest sequence (told, not used)
``prefix cache (128 of 192 prompt tokens ...)``  that much of each prompt is cached; ``no prefix cache``: nothing
``chunked prefill``, ``no chunked prefill``      whether prompts are cut
``V0 engine``                                    prompts apart from decoding
``lengths uniform 0.8-1.0 x 1024/1024``          lengths between those shares of the nominal ones
``ShareGPT``                                     log-normal lengths (the spread of that data set)
``60 s stages``, ``300 ... requests``            how long the load lasts; a tenth of the requests start it
``spec mtp``, ``EAGLE speculation``              speculation whose yield is not stated: not answered
``disagg``, ``1P1D``                             workers of two kinds, not stated whole: not answered
===============================================  ==================================================================
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from chipwall.text import Text, text

__all__ = ["REPLAYED", "SHAREGPT", "Setting", "read_notes", "refused"]

# Standard deviation over mean of prompt and answer lengths of ShareGPT conversations: as load generators sample them, and
# as request logs replay them (the two logs of casys-kaist/LLMServingSim whose lengths are published).
SHAREGPT, REPLAYED = (1.2, 1.0), (0.63, 0.16)


@dataclass(frozen=True, slots=True)
class Setting:
    """What is said of one point; zero and empty where nothing is said.

    Attributes
    ----------
    tensor, pipeline, expert, copies : int
        Ways of the layout.
    attention_dp : bool
        Attention data parallel.
    arrivals : str
        ``poisson`` or ``constant``.
    in_flight, sequences, step_tokens : int
        Limits of clients and engine.
    cached : float
        Share of each prompt that is cached [1].
    way : str
        ``pieces``, ``whole`` or ``apart``.
    lengths : str
        ``fixed``, ``uniform``, ``sharegpt`` or ``replayed``.
    low : float
        Shortest over longest of uniform lengths [1].
    nominal : tuple of float
        Longest prompt and answer of uniform lengths [token].
    seconds : float
        How long the load lasts [s].
    requests : int
        How many requests it is.
    """

    tensor: int = 0
    pipeline: int = 0
    expert: int = 0
    copies: int = 0
    attention_dp: bool = False
    arrivals: str = "poisson"
    in_flight: int = 0
    sequences: int = 0
    step_tokens: int = 0
    cached: float = 0.0
    way: str = "pieces"
    lengths: str = "fixed"
    low: float = 1.0
    nominal: tuple[float, float] = (0.0, 0.0)
    seconds: float = 0.0
    requests: int = 0


def _count(pattern: str, words: str) -> int:
    found = re.search(pattern, words, re.IGNORECASE)
    return int(found[1].replace(",", "")) if found else 0


def read_notes(words: str) -> Setting:
    """The setup that a note describes.

    Examples
    --------
    >>> s = read_notes("2 nodes x 2 GPUs, tp2 pp2; Poisson; max-num-seqs 128")
    >>> s.tensor, s.pipeline, s.sequences
    (2, 2, 128)
    """
    uniform = re.search(r"uniform ([\d.]+)-([\d.]+) x (\d+)/(\d+)", words)
    cached = re.search(r"prefix cache \((\d+) of (\d+) prompt tokens", words)
    whole = "no chunked prefill" in words.lower()
    return Setting(
        tensor=_count(r"\btp ?(\d+)", words), pipeline=_count(r"\bpp ?(\d+)", words), expert=_count(r"\bep ?(\d+)", words),
        copies=_count(r"\bdp ?(\d+)", words), attention_dp="dp-attn true" in words.lower(),
        arrivals="constant" if "constant interval" in words.lower() else "poisson",
        in_flight=_count(r"at most (\d+) requests in flight", words), sequences=_count(r"max-num-seqs (\d+)", words),
        step_tokens=_count(r"max batched tokens ([\d,]+)", words),
        cached=float(cached[1]) / float(cached[2]) if cached else 0.0,
        way="apart" if "v0 engine" in words.lower() else "whole" if whole else "pieces",
        lengths="uniform" if uniform else _spread_of(words),
        low=float(uniform[1]) / float(uniform[2]) if uniform else 1.0,
        nominal=(float(uniform[3]), float(uniform[4])) if uniform else (0.0, 0.0),
        seconds=float(_count(r"(\d+) s stages", words)),
        requests=_count(r"(\d+) ShareGPT (?:requests|prompts)", words),
    )  # fmt: skip


def _spread_of(words: str) -> str:
    if "sharegpt requests" in words.lower():
        return "replayed"
    return "sharegpt" if "sharegpt" in words.lower() else "fixed"


def refused(words: str) -> Text | None:
    """Why the point cannot be answered from its notes; None where it can."""
    low = words.lower()
    if re.search(r"spec (?!none)\w+|speculation", low):
        return text("speculation whose yield is not stated")
    if "bitsandbytes" in low:
        return text("bitsandbytes: none of its kernels was measured")
    if "disagg" in low or "1p1d" in low:
        return text("prompts and answers on workers of two kinds that are not stated whole")
    if "nominal random lengths" in low:
        return text("lengths are nominal: how they spread is not stated")
    return None
