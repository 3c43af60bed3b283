"""One replica of a service for the request simulation: how long its steps take, tabulated once, and the limits of its engine."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chipwall.catalog.records import LanguageModel
from chipwall.errors import InputError
from chipwall.perf.calibrated import Calibrated
from chipwall.perf.device import Hardware
from chipwall.perf.serving.iteration import pipeline_loss
from chipwall.perf.serving.regimes import MAX_BATCH, sequence_cache
from chipwall.perf.serving.serve import Question, chunk_of, serving, setups_of
from chipwall.perf.serving.step import Setup, ranks_of, step_time
from chipwall.text import text

__all__ = ["ReplicaService", "service_of", "service_of_setup", "service_of_times"]

# Tokens of one block of the cache, where an engine says nothing else [token].
BLOCK_TOKENS = 16
# Sequences at once that are tabulated at most [1]: no engine runs more on one replica.
MOST_SEQUENCES = 8192
# Tokens that no memory holds: a replica without a limit of its own.
NO_LIMIT = 10.0**12
# Tokens, fourfold from 256 and from 1024 to 1 Mi.
CONTEXTS = np.array([0.0, *(4.0**k for k in range(4, 11))])
POSITIONS = np.array([0.0, *(4.0**k for k in range(5, 11))])
BATCHES = np.array([0.0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192])
PIECES = np.array([1.0, 8, 32, 64, 128, 256, 384, 512, 768, 1024, 1536, 2048, 3072, 4096, 6144, 8192, 12288, 16384, 32768,
                   65536, 131072])  # fmt: skip


@dataclass(frozen=True, slots=True)
class ReplicaService:
    """One replica: tables of step times [s] and what its engine allows.

    Attributes
    ----------
    decode : array
        Time of a decoding step by sequences and mean context (:data:`CONTEXTS`) [s].
    prompt : array
        What a piece adds to a step, by sequences (:data:`BATCHES`), tokens (:data:`PIECES`) and twice its mean position
        (:data:`POSITIONS`) [s].
    per_end : float
        Further time for each prompt that ends in a step, after the first [s].
    max_sequences, batched_tokens : int
        Sequences at once, tokens of a step.
    room : float
        Tokens that the cache holds [token].
    cache_per_token : float
        Bytes of cache of one token of all chips, for its way to another replica [byte].
    block_tokens : int
        Tokens of a block of the cache; half a block of each sequence stays empty on average.
    way : str
        How prompts are computed: in ``pieces`` beside decoding, ``whole`` beside it, or ``apart`` from it.
    front : float
        Time of a request outside the engine before its first token [s].
    accepted, drafted : float
        Tokens that a step of speculative decoding yields, and verifies [1].
    prefix_cache : bool
        Whether beginnings of prompts are kept.
    chips : int
        Chips of the replica.
    """

    decode: NDArray[np.float64] = field(repr=False)
    prompt: NDArray[np.float64] = field(repr=False)
    per_end: float
    max_sequences: int
    batched_tokens: int
    room: float
    cache_per_token: float = 0.0
    block_tokens: int = BLOCK_TOKENS
    way: str = "pieces"
    front: float = 0.0
    accepted: float = 1.0
    drafted: float = 1.0
    prefix_cache: bool = True
    chips: int = 1

    def step_seconds(self, decoding: int, context: float, piece: float = 0.0, position: float = 0.0) -> float:
        """Time of one step as the tables give it [s]; ``position`` is twice the mean position of the piece [token]."""
        spent = float(np.interp(context, CONTEXTS, self.decode[decoding]))
        if piece:
            rows = [[np.interp(position, POSITIONS, row) for row in plane] for plane in self.prompt]
            beside = [np.interp(piece, PIECES, row) for row in rows]
            spent += float(np.interp(decoding, BATCHES[: len(beside)], beside))
        return spent


def service_of(
    model: LanguageModel, hw: Hardware, question: Question, calibrated: Calibrated, **limits: Any
) -> ReplicaService:
    """One replica as a question describes it, in the layout given or the best one.

    Parameters
    ----------
    question : Question
        Layout, precision, engine and its limits; its mean lengths only choose the layout.
    limits
        Fields of :class:`Service` to change: ``way``, ``prefix_cache``, ``block_tokens``.
    """
    layouts, made, _, _ = setups_of(model, hw, question, calibrated)
    at = 0 if len(made) == 1 else layouts.index(serving(model, hw, question, calibrated).layout)
    return service_of_setup(made[at], question, chips=layouts[at].chips // max(layouts[at].replicas, 1), **limits)


def service_of_setup(s: Setup, q: Question, *, chips: int, **limits: Any) -> ReplicaService:
    """One replica from the records of :mod:`chipwall.perf.serving`."""
    ranks = float(ranks_of(s))
    sequences = int(min(min(float(s.cap), MAX_BATCH) * ranks, MOST_SEQUENCES))
    most = int(chunk_of(q) * ranks)
    each = [float(sequence_cache(s, n)) for n in (4096.0, 8192.0)]
    per_token = (each[1] - each[0]) / 4096.0
    # what a sequence holds whatever its length (states) is taken off for all that may run
    room = float(s.room) / max(per_token, 1e-9) * ranks if per_token > 0 else NO_LIMIT
    made = ReplicaService(
        decode=decode_table(s, q.drafted, sequences), prompt=prompt_table(s, q.drafted, sequences), per_end=_per_end(s),
        max_sequences=sequences, batched_tokens=most, room=room, cache_per_token=per_token * float(s.tensor * s.pipeline),
        front=float(s.constants["serving.first"]), accepted=q.accepted, drafted=q.drafted, chips=chips,
        way="pieces" if q.chunked else "whole",
    )  # fmt: skip
    return replace(made, **limits)


def _seconds(s: Setup, decoding: Any, context: Any, piece: Any, position: Any, drafted: float) -> NDArray[np.float64]:
    """Time of steps whose replica decodes so many sequences and computes a piece [s]; a pipeline's micro-batches in turn."""
    each = decoding / s.pipeline * drafted
    plain = step_time(s, decoding=each, context=context, prompt_tokens=0.0 * piece, prompt=1.0, sampling=each)
    plain = np.where(decoding > 0, plain, 0.0)
    with_piece = step_time(
        s, decoding=each, context=context, prompt_tokens=piece, prompt=position, sampling=each + np.minimum(piece, 1.0)
    )
    shared = (plain * (s.pipeline - 1.0) + with_piece) / s.pipeline
    return np.asarray(np.where(piece > 0, shared, plain) * pipeline_loss(s), dtype=np.float64)


def decode_table(s: Setup, drafted: float, sequences: int) -> NDArray[np.float64]:
    """Time of decoding steps by sequences, 0 to ``sequences``, and mean context [s]."""
    few = np.unique(np.concatenate([np.arange(min(sequences, 64) + 1), np.rint(np.geomspace(64, max(sequences, 65), 60))]))
    few = few[few <= sequences]
    known = _seconds(s, few[:, None], CONTEXTS[None, :], np.zeros((1, 1)), np.ones((1, 1)), drafted)
    every = np.arange(sequences + 1, dtype=float)
    return np.stack([np.interp(every, few, known[:, i]) for i in range(len(CONTEXTS))], axis=1)


def prompt_table(s: Setup, drafted: float, sequences: int) -> NDArray[np.float64]:
    """What pieces of prompts add to a step, by sequences, tokens and position [s]."""
    batches = BATCHES[max(sequences, 1) >= BATCHES][:, None, None]
    pieces, positions = PIECES[None, :, None], POSITIONS[None, None, :]
    context = np.full_like(batches, 1024.0)
    beside = _seconds(s, batches, context, pieces, np.maximum(positions, pieces), drafted)
    alone = _seconds(s, batches, context, np.zeros_like(batches), np.ones_like(batches), drafted)
    return np.maximum(beside - alone, 0.0)


def _per_end(s: Setup) -> float:
    """Time that one more prompt which ends in a step costs [s]: its row of the head, its sampling."""
    few, many = (
        float(step_time(s, decoding=32.0, context=1024.0, prompt_tokens=512.0, prompt=512.0, sampling=32.0 + n))
        for n in (1.0, 9.0)
    )
    return max(many - few, 0.0) / (9.0 - 1.0)


def service_of_times(
    *, decode: Any, prompt: Any, max_sequences: int = 256, batched_tokens: int = 8192, room: float = NO_LIMIT, **more: Any
) -> ReplicaService:
    """A replica whose step times are given as functions, for queues whose answer is known and for measured steps.

    Parameters
    ----------
    decode : callable
        Seconds of a decoding step from sequences and mean context [s].
    prompt : callable
        Seconds that a piece adds, from decoding sequences, tokens and twice the mean position [s].
    """
    if max_sequences < 1 or max_sequences > MOST_SEQUENCES:
        raise InputError(text("{count} sequences at once", count=max_sequences), where="max_sequences",
                         fix=text("Give 1 to {most}", most=MOST_SEQUENCES))  # fmt: skip
    table = np.array([[decode(b, c) if b else 0.0 for c in CONTEXTS] for b in range(max_sequences + 1)], dtype=float)
    batches = BATCHES[max(max_sequences, 1) >= BATCHES]
    pieces = np.array([[[prompt(b, n, x) for x in POSITIONS] for n in PIECES] for b in batches], dtype=float)
    return ReplicaService(table, pieces, 0.0, max_sequences, batched_tokens, room, **more)
