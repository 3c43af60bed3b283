"""Sizes of the tensors of a checkpoint in safetensors form, from headers and index; nothing of the tensors is read.

The format: eight bytes with the length of the header, then a JSON object that gives each tensor's type, shape and place
(safetensors documentation, "Format").
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from chipwall.catalog.own.reading import json_object, refusal
from chipwall.text import Text, text

__all__ = ["checkpoint_bytes"]

# Bytes of one value of each type of the format [byte].
DTYPES = {
    "F64": 8.0, "I64": 8.0, "U64": 8.0, "F32": 4.0, "I32": 4.0, "U32": 4.0, "F16": 2.0, "BF16": 2.0, "I16": 2.0, "U16": 2.0,
    "F8_E4M3": 1.0, "F8_E5M2": 1.0, "F8_E8M0": 1.0, "F8_E4M3FNUZ": 1.0, "F8_E5M2FNUZ": 1.0, "I8": 1.0, "U8": 1.0, "BOOL": 1.0,
    "F6_E2M3": 0.75, "F6_E3M2": 0.75, "F4": 0.5,
}  # fmt: skip
# The format itself bounds a header [byte].
LARGEST_HEADER = 100 << 20
# No checkpoint is larger [byte].
MOST = 1e14
INDEX = "model.safetensors.index.json"


def checkpoint_bytes(folder: Path) -> float | None:
    """Bytes of all tensors of the checkpoint in a folder [byte]; None where it holds neither an index nor a file.

    Where the shards that an index names are not all there, the total that the index states counts.
    """
    index = folder / INDEX
    if index.is_file():
        found = json_object(index)
        shards = _shards(found, index)
        if all((folder / shard).is_file() for shard in shards):
            return sum(_file_bytes(folder / shard) for shard in shards)
        return _stated_total(found, index)
    files = sorted(folder.glob("*.safetensors"))
    return sum(_file_bytes(f) for f in files) if files else None


def _shards(index: dict[str, Any], path: Path) -> list[str]:
    weights = index.get("weight_map")
    if not isinstance(weights, dict) or not all(isinstance(name, str) for name in weights.values()):
        raise refusal(text("the index has no weight_map of names"), path)
    shards = sorted(set(weights.values()))
    if any("/" in s or "\\" in s or s.startswith("..") for s in shards):
        raise refusal(text("the index points outside its folder"), path)
    return shards


def _stated_total(index: dict[str, Any], path: Path) -> float:
    metadata = index.get("metadata")
    total = metadata.get("total_size") if isinstance(metadata, dict) else None
    if isinstance(total, bool) or not isinstance(total, int | float) or not 0 < total < MOST:
        raise refusal(text("the index states no total_size, and its shards are not all there"), path)
    return float(total)


def _file_bytes(path: Path) -> float:
    """Bytes of the tensors of one file, by its header [byte]."""
    header = _header(path)
    return sum(_tensor_bytes(name, entry, path) for name, entry in header.items() if name != "__metadata__")


def _header(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as handle:
            length = int.from_bytes(handle.read(8), "little")
            if not 2 <= length <= min(LARGEST_HEADER, path.stat().st_size):
                raise refusal(text("the file has no safetensors header"), path)
            content = handle.read(length)
    except OSError as error:
        raise refusal(text("cannot be read: {why}", why=Text.of(error.strerror or "error")), path) from None
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        raise refusal(text("the file has no safetensors header"), path) from None
    if not isinstance(found, dict):
        raise refusal(text("the file has no safetensors header"), path)
    return found


def _tensor_bytes(name: str, entry: Any, path: Path) -> float:
    try:
        dtype, shape, (start, end) = entry["dtype"], entry["shape"], entry["data_offsets"]
        size = math.prod(int(n) for n in shape) * DTYPES[dtype]
    except KeyError as error:
        if isinstance(entry, dict) and entry.get("dtype") not in DTYPES:
            what = text(
                "tensor {name} has the unknown type '{dtype}'", name=name[:60], dtype=str(entry.get("dtype"))[:20]
            )
            raise refusal(what, path) from None
        raise refusal(text("tensor {name} has no {field}", name=name[:60], field=str(error)), path) from None
    except (TypeError, ValueError):
        raise refusal(text("tensor {name} is not described as the format asks", name=name[:60]), path) from None
    if not isinstance(start, int) or not isinstance(end, int) or math.ceil(size) != end - start:
        what = text("tensor {name}: shape and place contradict each other", name=name[:60])
        raise refusal(what, path)
    return size
