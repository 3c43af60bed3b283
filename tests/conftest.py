"""What all tests share: one catalogue, a command line that runs in-process, and no silent skips where it counts."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from chipwall import catalog as catalog_door
from chipwall.catalog.load import Catalog


@dataclass(frozen=True)
class Answer:
    """What a command said."""

    status: int
    out: str
    err: str


@pytest.fixture(scope="session")
def catalog() -> Catalog:
    return catalog_door.load()


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Callable[..., Answer]:
    """Run the command line in this process: ``run("chip", "h200", "--json")``."""
    from chipwall.cli import main

    def run_it(*args: str) -> Answer:
        with pytest.raises(SystemExit) as stopped:
            main(list(args))
        said = capsys.readouterr()
        return Answer(int(stopped.value.code or 0), said.out, said.err)

    return run_it


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]):
    outcome = yield
    report = outcome.get_result()
    # on the integration machine everything a test may need is installed, so a skip hides a broken set-up
    if report.skipped and os.environ.get("CI"):
        report.outcome = "failed"
        report.longrepr = f"skipped where no test may skip: {report.longrepr}"
