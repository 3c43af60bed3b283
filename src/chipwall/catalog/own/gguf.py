"""The header of a GGUF file: its metadata as a configuration, and the size of its tensors; no tensor is read.

The format: magic, version, counts, then key-value pairs and a description of each tensor (ggml documentation, gguf.md).
"""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from chipwall.catalog.own.reading import refusal
from chipwall.text import Text, text

__all__ = ["Header", "read_header"]

# Values of a block and its bytes, by the number of the type (ggml.h, ggml-common.h).
TYPES = {
    0: (1, 4), 1: (1, 2), 2: (32, 18), 3: (32, 20), 6: (32, 22), 7: (32, 24), 8: (32, 34), 9: (32, 36), 10: (256, 84),
    11: (256, 110), 12: (256, 144), 13: (256, 176), 14: (256, 210), 15: (256, 292), 16: (256, 66), 17: (256, 74),
    18: (256, 98), 19: (256, 50), 20: (32, 18), 21: (256, 110), 22: (256, 82), 23: (256, 136), 24: (1, 1), 25: (1, 2),
    26: (1, 4), 27: (1, 8), 28: (1, 8), 29: (256, 56), 30: (1, 2), 34: (256, 54), 35: (256, 66), 39: (32, 17),
}  # fmt: skip
# The mixture that the file names, and the format here that is nearest to it.
FILE_TYPES = {
    0: "fp32", 1: "fp16", 2: "q4_0", 3: "q4_0", 7: "q8_0", 8: "q5_k_s", 9: "q5_k_m", 10: "q2_k", 11: "q2_k", 12: "q3_k_m",
    13: "q3_k_m", 14: "q4_k_s", 15: "q4_k_m", 16: "q5_k_s", 17: "q5_k_m", 18: "q6_k", 19: "q2_k", 20: "q2_k", 21: "q2_k",
    22: "q2_k", 23: "q2_k", 25: "q4_0", 26: "q3_k_m", 27: "q3_k_m", 28: "q2_k", 29: "q2_k", 30: "q4_0", 32: "bf16",
    38: "mxfp4",
}  # fmt: skip
SCALARS = {0: "<B", 1: "<b", 2: "<H", 3: "<h", 4: "<I", 5: "<i", 6: "<f", 7: "<?", 10: "<Q", 11: "<q", 12: "<d"}
STRING, ARRAY = 8, 9
# Bounds on what a header may hold: strings [byte], pairs, tensors and entries of a list [1].
LONGEST, MOST_PAIRS, MOST_TENSORS, MOST_ENTRIES = 16 << 20, 100_000, 1_000_000, 4_000_000


@dataclass(frozen=True, slots=True)
class Header:
    """What a header says: its pairs, the tensors' names with counts of values, and bytes of all tensors [byte]."""

    pairs: Mapping[str, Any]
    tensors: Mapping[str, tuple[int, ...]]
    size: float


def read_header(path: Path) -> Header:
    """The header of a GGUF file, with the tensors of its other parts where it is split."""
    header = _one(path)
    split = re.fullmatch(r"(.*)-00001-of-(\d{5})\.gguf", path.name)
    if not split:
        return header
    tensors, size = dict(header.tensors), header.size
    for number in range(2, int(split[2]) + 1):
        part = _one(path.with_name(f"{split[1]}-{number:05d}-of-{split[2]}.gguf"))
        tensors.update(part.tensors)
        size += part.size
    return Header(header.pairs, tensors, size)


def _one(path: Path) -> Header:
    try:
        with path.open("rb") as handle:
            return _parsed(handle, path)
    except OSError as error:
        raise refusal(text("cannot be read: {why}", why=Text.of(error.strerror or "error")), path) from None
    except (struct.error, UnicodeDecodeError, MemoryError):
        raise refusal(text("the GGUF header is cut short or damaged"), path) from None


def _parsed(handle: BinaryIO, path: Path) -> Header:
    if handle.read(4) != b"GGUF":
        raise refusal(text("the file is not GGUF"), path)
    version, tensors, pairs = struct.unpack("<IQQ", handle.read(20))
    if version not in (2, 3) or tensors > MOST_TENSORS or pairs > MOST_PAIRS:
        raise refusal(
            text("GGUF version {version} with {tensors} tensors is not read", version=version, tensors=tensors), path
        )
    found = {}
    for _ in range(pairs):
        key = _string(handle)
        (kind,) = struct.unpack("<I", handle.read(4))
        found[key] = _value(handle, kind, path)
    shapes, size = {}, 0.0
    for _ in range(tensors):
        name = _string(handle)
        (dimensions,) = struct.unpack("<I", handle.read(4))
        if dimensions > 8:
            raise refusal(text("tensor {name} has {count} dimensions", name=name[:60], count=dimensions), path)
        shape = struct.unpack(f"<{dimensions}Q", handle.read(8 * dimensions))
        kind, _offset = struct.unpack("<IQ", handle.read(12))
        if kind not in TYPES:
            raise refusal(text("tensor {name} has the unknown type '{dtype}'", name=name[:60], dtype=kind), path)
        values, block = TYPES[kind]
        shapes[name] = shape
        size += math.prod(shape) / values * block
    return Header(found, shapes, size)


def _string(handle: BinaryIO) -> str:
    (length,) = struct.unpack("<Q", handle.read(8))
    if length > LONGEST:
        raise struct.error
    content = handle.read(length)
    if len(content) < length:
        raise struct.error
    return content.decode("utf-8", errors="replace")


def _value(handle: BinaryIO, kind: int, path: Path) -> Any:
    if kind in SCALARS:
        form = SCALARS[kind]
        return struct.unpack(form, handle.read(struct.calcsize(form)))[0]
    if kind == STRING:
        return _string(handle)
    if kind != ARRAY:
        raise refusal(text("the GGUF header holds a value of the unknown type {kind}", kind=kind), path)
    inner, count = struct.unpack("<IQ", handle.read(12))
    if count > MOST_ENTRIES or inner == ARRAY:
        raise struct.error
    if inner == STRING:
        for _ in range(count):
            _string(handle)
        return count  # words of the vocabulary: their number is all that is asked
    if inner not in SCALARS:
        raise struct.error
    content = handle.read(struct.calcsize(SCALARS[inner]) * count)
    return [v[0] for v in struct.iter_unpack(SCALARS[inner], content)] if count else []
