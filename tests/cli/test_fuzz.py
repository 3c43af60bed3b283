"""A bounded part of the fuzz of the command line; all of it: ``make fuzz``."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

PLACE = Path(__file__).parent.parent.parent / "properties" / "fuzz.py"


@pytest.fixture(scope="module")
def fuzz() -> ModuleType:
    spec = importlib.util.spec_from_file_location("fuzz", PLACE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["fuzz"] = module
    spec.loader.exec_module(module)
    return module


def test_bad_input_is_refused_and_leaves_nothing(fuzz: ModuleType) -> None:
    tried, found = fuzz.violations(25, start=7)
    assert tried >= 60
    assert not found, "\n".join(f"{v.argv}: {v.why}" for v in found)


def test_there_are_a_thousand_inputs_and_more(fuzz: ModuleType, tmp_path: Path) -> None:
    assert len(fuzz.inputs(tmp_path)) >= 1000


def test_every_command_is_walked_from_a_call_that_is_read(fuzz: ModuleType) -> None:
    """A new command is covered when it appears: without a call of its own it gets one from the examples of its kinds."""
    for path, command in fuzz.commands():
        call = fuzz.base_of(path, command)
        with command.make_context(path[-1], list(call)):
            pass
