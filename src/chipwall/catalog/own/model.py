"""A model of the caller's own: from a ``config.json``, a folder with safetensors, a GGUF header, or a model file."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from chipwall.catalog.files import Problem, read_records
from chipwall.catalog.layers import Layers
from chipwall.catalog.own.configuration import Configuration, gguf_table
from chipwall.catalog.own.fields import attention_fields, block_fields, kinds_apart
from chipwall.catalog.own.gguf import FILE_TYPES, Header, read_header
from chipwall.catalog.own.quantisation import checkpoint_of, plain_format
from chipwall.catalog.own.reading import json_object, refusal
from chipwall.catalog.own.rules import attention_kinds, block_kinds
from chipwall.catalog.own.tensors import checkpoint_bytes
from chipwall.catalog.own.towers import tower_of, vision_weights
from chipwall.catalog.records import Checkpoint, LanguageModel
from chipwall.text import text

__all__ = ["OWN_SOURCE", "model_at", "model_of_configuration"]

OWN_SOURCE = "own-file"
# No configuration has more layers [1].
MOST_LAYERS = 2000


def model_at(name: str) -> LanguageModel:
    """The model that a path leads to.

    Parameters
    ----------
    name : str
        ``config.json``; a folder with one, and with safetensors or an index; a ``.gguf`` file, or a folder with one; or a
        model file in TOML with ``[[model.layers]]``.

    Raises
    ------
    InputError
        Where there is no such file, or it cannot be understood; the message says what is missing.
    """
    path = Path(name).expanduser()
    if path.is_dir():
        return _of_folder(path)
    if not path.exists():
        raise refusal(text("no such file or folder"), path)
    ending = path.suffix.lower()
    if ending == ".gguf":
        return _of_gguf(path)
    if ending == ".toml":
        return _of_model_file(path)
    if ending == ".safetensors":
        return _of_folder(path.parent)
    return _of_config(path)


def _of_folder(folder: Path) -> LanguageModel:
    config = folder / "config.json"
    if config.is_file():
        return _of_config(config)
    files = sorted(folder.glob("*.gguf"))
    first = [f for f in files if not re.search(r"-(?!00001)\d{5}-of-\d{5}\.gguf$", f.name) and "mmproj" not in f.name]
    if len(first) == 1:
        return _of_gguf(first[0])
    if first:
        raise refusal(text("the folder holds {count} GGUF files: name one of them", count=len(first)), folder)
    raise refusal(text("the folder holds neither config.json nor a GGUF file"), folder)


def _of_config(path: Path) -> LanguageModel:
    values = json_object(path, largest=8 << 20)
    made = model_of_configuration(values, path)
    quantised = _quantised(values, path, made)
    size = checkpoint_bytes(path.parent) if path.name == "config.json" else None
    if quantised is None and size is not None:
        quantised = Checkpoint(made.default_dtype, locator="safetensors")
    if quantised is None:
        return made
    return replace(made, default_dtype=quantised.format, checkpoints=(replace(quantised, size=size),))


def _quantised(values: Mapping[str, Any], path: Path, model: LanguageModel) -> Checkpoint | None:
    """The quantisation that the configuration, its language part or a file beside it states."""
    c = Configuration.of(values, path)
    block = c.raw("quantization_config") or c.raw("compression_config")
    beside = path.with_name("hf_quant_config.json")
    if block is None and beside.is_file():
        block = json_object(beside).get("quantization")
    if not isinstance(block, Mapping) or not block:
        return None
    experts = "mxfp4" if c.raw("expert_dtype") == "fp4" else ""
    return checkpoint_of(block, path, layers=sum(r.count for r in model.layers), experts=experts)


def model_of_configuration(values: Mapping[str, Any], path: Path) -> LanguageModel:
    """The model that a configuration describes, without its quantisation."""
    c = Configuration.of(values, path)
    layers, hidden, vocab = c.needed("layers", "hidden", "vocab")
    if not layers and isinstance(types := c.raw("layers_block_type"), list):
        layers = len(types)
        c.missing.discard("num_hidden_layers")
    c.complete()
    if layers > MOST_LAYERS:
        raise c.contradiction(text("{count} layers are more than any model has", count=layers))
    records = _records(c, layers)
    c.complete()
    name = _name(c, path)
    tied = c.raw("tie_word_embeddings")
    made = LanguageModel(
        id=name.lower(), name=name, family=c.name, layers=records, hidden=hidden, vocab=vocab, depth=layers,
        tied_embeddings=bool(c.record.get("tied", False) if tied is None else tied), norm="",
        max_context=c.count("context") or None,
        parameters=None, active_parameters=None, default_dtype=plain_format({**c.outer, **c.values}), released=None,
        status="reported", source=OWN_SOURCE, draft=_draft(c, records), vision=vision_weights(c), lookup=_lookup(c, layers),
        locator=path.name, tower=tower_of(c), purpose=_purpose(c), bidirectional=bool(c.record.get("encoder")),
    )  # fmt: skip
    shape = made.architecture
    return replace(made, parameters=float(shape.weights), active_parameters=float(shape.named_active_weights))


def _name(c: Configuration, path: Path) -> str:
    stated = c.outer.get("_name_or_path")
    found = stated.rstrip("/").split("/")[-1] if isinstance(stated, str) and stated.strip("/. ") else ""
    found = found or (path.resolve().parent.name if path.stem == "config" else path.stem)
    return re.sub(r"[^\w.+-]+", "-", found)[:80] or "own-model"


def _purpose(c: Configuration) -> str:
    """What a model that writes no text is for; an encoder embeds unless its head scores."""
    classes = [str(name) for name in c.raw("architectures") or () if isinstance(name, str)]
    scores = any(name.endswith("ForSequenceClassification") for name in classes)
    if scores:
        return "reranker"
    return "embedding" if c.record.get("encoder") else ""


def _records(c: Configuration, layers: int) -> tuple[Layers, ...]:
    """Layer records, equal neighbours and repeats joined, in the order in which each kind first appears."""
    counts: dict[Layers, int] = {}
    doubled = c.record.get("blocks") == "doubled"
    for i, (kind, block) in enumerate(zip(attention_kinds(c, layers), block_kinds(c, layers), strict=True)):
        first, *more = kinds_apart(kind)
        records = [_record(attention_fields(c, first, i), block_fields(c, block, i))]
        records += [_record(attention_fields(c, extra, i), {}) for extra in more]
        if doubled:
            # each layer holds two attentions and two dense blocks around its experts
            dense = block_fields(c, "dense", i)
            records += [_record(attention_fields(c, first, i), dense), _record({}, dense)]
        for record in records:
            counts[record] = counts.get(record, 0) + 1
    return tuple(replace(record, count=n) for record, n in counts.items())


def _record(attention: Mapping[str, Any], block: Mapping[str, Any]) -> Layers:
    return Layers(count=1, **attention, **block)


def _draft(c: Configuration, records: tuple[Layers, ...]) -> tuple[Layers, ...]:
    """Draft layers: as the last attention and the last block of the model."""
    count = c.count("draft_layers")
    if not count:
        return ()
    attention = [r for r in records if r.attention not in ("none", "linear", "recurrent")]
    blocks = [r for r in records if r.feed_forward != "none"]
    if not attention or not blocks:
        return ()
    a, b = attention[-1], blocks[-1]
    apart = {
        n: getattr(b, n)
        for n in ("feed_forward", "ffn", "gated", "experts", "top_k", "expert_ffn", "shared_ffn", "expert_dim")
    }
    return (replace(a, count=count, keeps=True, **apart),)


def _lookup(c: Configuration, layers: int) -> float:
    """Weights of tables looked up beside the embedding [1]."""
    kind = c.record.get("lookup")
    if kind == "positions":
        return float((c.count("context") + c.count("type_vocab_size")) * c.count("hidden"))
    if kind == "per_layer":
        width = c.count("hidden_size_per_layer_input")
        rows = c.count("vocab_size_per_layer_input") or c.count("vocab")
        # the table, and the product that adds the model's own view of the token to it
        return float(layers * width * (rows + c.count("hidden") + 2 * c.count("hidden")))
    return 0.0


# --- GGUF ------------------------------------------------------------------------------------------------------------


def _of_gguf(path: Path) -> LanguageModel:
    header = read_header(path)
    values = _gguf_values(header, path)
    made = model_of_configuration(values, path)
    kind = FILE_TYPES.get(header.pairs.get("general.file_type", -1))
    if kind is None:
        bits = header.size * 8.0 / float(made.architecture.weights)
        kind = next(
            (name for most, name in ((4.2, "q3_k_m"), (5.2, "q4_k_m"), (6.2, "q5_k_m"), (7.5, "q6_k")) if bits < most),
            "q8_0",
        )
    stated = header.pairs.get("general.name")
    name = re.sub(r"[^\w.+-]+", "-", stated)[:80] if isinstance(stated, str) and stated.strip() else path.stem
    return replace(
        made,
        id=name.lower(),
        name=name,
        default_dtype=kind,
        checkpoints=(Checkpoint(kind, size=header.size, locator="GGUF"),),
    )


def _gguf_values(header: Header, path: Path) -> dict[str, Any]:
    """The metadata of a GGUF header under the keys of a configuration."""
    table = gguf_table()
    pairs, arch = header.pairs, str(header.pairs.get("general.architecture", ""))
    if arch not in table["types"]:
        raise refusal(text("GGUF architecture '{name}' is not understood", name=arch[:40]), path)
    values: dict[str, Any] = {"model_type": table["types"][arch]}
    for key, name in table["keys"].items():
        if (value := pairs.get(f"{arch}.{key}")) is not None:
            values[name] = value
    embedding = header.tensors.get("token_embd.weight", ())
    values["vocab_size"] = int(embedding[1]) if len(embedding) == 2 else pairs.get("tokenizer.ggml.tokens", 0)
    values["tie_word_embeddings"] = "output.weight" not in header.tensors
    if values.get("num_local_experts") and arch == "llama":
        values["model_type"] = "mixtral"
    if "kv_lora_rank" in values:
        whole = values.pop("key_length_mla", 0) or values.get("head_dim", 0)
        values["qk_nope_head_dim"] = whole - values.get("qk_rope_head_dim", 0)
        values["v_head_dim"] = values.pop("value_length_mla", 0) or values.get("v_head_dim", 0)
    values["torch_dtype"] = "float16"
    return values


# --- a model file ----------------------------------------------------------------------------------------------------


def _of_model_file(path: Path) -> LanguageModel:
    """The one ``[[model]]`` of a file in the catalogue's own form; status and source may be left out."""
    from chipwall.catalog.parse import model_record

    try:
        if path.stat().st_size > 1 << 20 or not tomllib.loads(path.read_text(encoding="utf-8")).get("model"):
            raise refusal(text("the file holds no [[model]]"), path)
    except (OSError, ValueError) as error:
        raise refusal(text("not valid TOML: {why}", why=str(error)[:120]), path) from None
    problems: list[Problem] = []
    records = list(read_records(path, "model", problems, root=path.parent))
    made = None
    if len(records) == 1 and not problems:
        defaults = {"id": path.stem, "name": path.stem, "family": "own", "status": "reported", "source": OWN_SOURCE}
        record = replace(records[0], values={**defaults, **records[0].values})
        made = model_record(record, {str(record.values["source"]): None}, problems)  # type: ignore[dict-item]
    if problems:
        first = min(problems)
        raise refusal(first.what, f"{path}:{first.line}")
    if made is None:
        raise refusal(text("the file holds {count} models: give one", count=len(records)), path)
    shape = made.architecture
    return replace(
        made,
        parameters=made.parameters or float(shape.weights),
        active_parameters=made.active_parameters or float(shape.named_active_weights),
    )
