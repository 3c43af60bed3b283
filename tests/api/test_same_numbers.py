"""Thirty questions through Python and through the command line give the same numbers."""

from __future__ import annotations

import json
from typing import Any

import pytest

import chipwall as cw

# arguments of Python, and the words of the command line
QUESTIONS: list[tuple[str, tuple[Any, ...], dict[str, Any], str]] = [
    ("serve", ("llama-3.1-70b", "h200"), {"chips": 8}, "infer llama-3.1-70b --chip h200 -n 8"),
    (
        "serve",
        ("llama-3.1-70b", "h200"),
        {"chips": 8, "users": 64, "precision": "fp8"},
        "infer llama-3.1-70b --chip h200 -n 8 --users 64 --precision fp8",
    ),
    ("serve", ("llama-3.1-8b", "h100"), {"rate": 2.5}, "infer llama-3.1-8b --chip h100 --rate 2.5"),
    (
        "serve",
        ("llama-3.1-8b", "h100"),
        {"batch": 16, "output": 200},
        "infer llama-3.1-8b --chip h100 --batch 16 --output 200",
    ),
    ("serve", ("llama-3.1-8b", "h100"), {"burst": 50}, "infer llama-3.1-8b --chip h100 --burst 50"),
    (
        "serve",
        ("llama-3.1-8b", "h100"),
        {"ttft": "2 s", "tpot": "30 ms"},
        "infer llama-3.1-8b --chip h100 --ttft 2s --tpot 0.03",
    ),
    (
        "serve",
        ("llama-2-70b", "h20"),
        {"chips": 8, "tensor": 8, "kv": "fp8", "precision": "fp8"},
        "infer llama-2-70b --chip h20 -n 8 --tensor 8 --kv fp8 --precision fp8",
    ),
    (
        "serve",
        ("mixtral-8x7b", "h200"),
        {"chips": 2, "engine": "vllm"},
        "infer mixtral-8x7b --chip h200 -n 2 --engine vllm",
    ),
    ("serve", ("llama-3.1-8b", "910b2"), {"users": 8}, "infer llama-3.1-8b --chip 910b2 --users 8"),
    (
        "serve",
        ("llama-3.1-70b", "h200"),
        {"chips": 8, "tensor": 2, "prefill_workers": 1, "users": 32},
        "infer llama-3.1-70b --chip h200 -n 8 --tensor 2 --prefill-workers 1 --users 32",
    ),
    ("train", ("llama-3-70b", "h100"), {"chips": 64, "batch": 128}, "train llama-3-70b --chip h100 -n 64 --batch 128"),
    (
        "train",
        ("llama-3-8b", "h200"),
        {"chips": 8, "batch": 64, "length": 4096, "precision": "fp8"},
        "train llama-3-8b --chip h200 -n 8 --batch 64 --length 4096 --precision fp8",
    ),
    (
        "train",
        ("llama-3-8b", "h100"),
        {"chips": 8, "batch": 64, "tokens": 1e12},
        "train llama-3-8b --chip h100 -n 8 --batch 64 --tokens 1e12",
    ),
    (
        "train",
        ("llama-3-70b", "h100"),
        {"chips": 64, "batch": 128, "tensor": 8, "pipeline": 2},
        "train llama-3-70b --chip h100 -n 64 --batch 128 --tensor 8 --pipeline 2",
    ),
    ("fits", ("gpt-3-175b", "h200"), {}, "fit gpt-3-175b --chip h200"),
    (
        "fits",
        ("llama-3.1-405b", "h200"),
        {"chips": 8, "precision": "fp8", "context": 8192, "users": 16},
        "fit llama-3.1-405b --chip h200 -n 8 --precision fp8 --context 8192 --users 16",
    ),
    (
        "fits",
        ("llama-2-70b", "a100"),
        {"rank": 64, "modules": "all"},
        "fit llama-2-70b --chip a100 --rank 64 --modules all",
    ),
    ("retrieve", ("llama-3.1-8b", "h200"), {}, "rag llama-3.1-8b --chip h200"),
    (
        "retrieve",
        ("llama-3.1-8b", "h200"),
        {"vectors": 1e7, "index": "graph", "batch": 8},
        "rag llama-3.1-8b --chip h200 --vectors 1e7 --index graph --batch 8",
    ),
    (
        "compare",
        ("h200", "h20", "llama-2-70b"),
        {"precision": "fp8"},
        "ratio h200 h20 --model llama-2-70b --precision fp8",
    ),
    (
        "compare",
        ("h200", "910c", "llama-3.1-8b"),
        {"chips": 1, "precision": "bf16"},
        "ratio h200 910c --model llama-3.1-8b -n 1 --precision bf16",
    ),
    ("decide", ("h200",), {"to": "CN", "on": "2026-02-01"}, "controls h200 --to CN --on 2026-02-01"),
    ("decide", ("h20",), {"to": "China", "on": "2025-05-01"}, "controls h20 --to China --on 2025-05-01"),
    (
        "decide",
        ("b200",),
        {"to": "AE", "on": "2026-02-01", "hq": "US"},
        "controls b200 --to AE --on 2026-02-01 --hq US",
    ),
    (
        "decide",
        (),
        {"tpp": 2400, "die_area": 800, "to": "CN", "on": "2026-02-01", "datacenter": True},
        "controls --tpp 2400 --die-area 800 --to CN --on 2026-02-01 --datacenter yes",
    ),
    (
        "timeline",
        ("h200",),
        {"to": "CN", "since": "2024-01-01", "until": "2026-06-30"},
        "controls timeline h200 --to CN --since 2024-01-01 --until 2026-06-30",
    ),
    ("check", ("h200-capacity",), {}, "claim show h200-capacity"),
    ("tune", ("llama-2-70b", "h200"), {"base": "nf4"}, "finetune llama-2-70b --chip h200 --base nf4"),
    (
        "tune",
        ("llama-3-8b", "a100"),
        {"method": "full", "chips": 8, "batch": 8},
        "finetune llama-3-8b --chip a100 --method full -n 8 --batch 8",
    ),
    ("compute", ("h200",), {"chips": 2}, "hpc h200 -n 2"),
]


@pytest.mark.parametrize(("door", "args", "kwargs", "words"), QUESTIONS, ids=[w[:60] for *_, w in QUESTIONS])
def test_python_and_the_command_line_agree(
    run: Any, door: str, args: tuple[Any, ...], kwargs: dict[str, Any], words: str
) -> None:
    answer = run(*words.split(), "--json")
    assert answer.status == 0, answer.err
    told = json.loads(answer.out)
    found = getattr(cw, door)(*args, **kwargs).to_dict()
    if door == "tune":
        told = told[0]
    if door == "check":
        found = found[0]
    if door == "compute":
        told = next(iter(told.values()))
    assert json.loads(json.dumps(found)) == told


def test_there_are_thirty() -> None:
    assert len(QUESTIONS) == 30
