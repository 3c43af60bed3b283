"""The tools for assistants, asked by the official client over standard input and output."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from typing import Any

import pytest


def _ask(*calls: tuple[str, dict[str, Any]]) -> tuple[list[str], list[Any]]:
    from mcp import ClientSession, StdioServerParameters
    from mcp.client.stdio import stdio_client

    async def session() -> tuple[list[str], list[Any]]:
        parameters = StdioServerParameters(command=sys.executable, args=["-m", "chipwall", "mcp"], env=dict(os.environ))
        async with stdio_client(parameters) as (read, write), ClientSession(read, write) as client:
            await client.initialize()
            tools = (await client.list_tools()).tools
            assert all(t.inputSchema["type"] == "object" and t.description for t in tools)
            answers = [json.loads((await client.call_tool(name, given)).content[0].text) for name, given in calls]  # type: ignore[union-attr]
            return [t.name for t in tools], answers

    return asyncio.run(asyncio.wait_for(session(), 120))


@pytest.mark.filterwarnings("ignore")
def test_an_assistant_asks() -> None:
    names, (text, law, wrong) = _ask(
        ("check_text", {"words": "The H20 has 500 GB of memory.", "said": "2025-12-10"}),
        ("decide_export", {"chip": "h200", "on": "2026-02-01"}),
        ("chip_facts", {"chip": "h2000"}),
    )
    assert {
        "check_text",
        "decide_export",
        "serve_model",
        "does_it_fit",
        "compare_chips",
        "chip_facts",
        "train_model",
    } <= set(names)
    assert text["answer"]["statements"][0]["verdict"] == "contradicted"
    assert text["sources"][0]["title"]
    assert law["answer"]
    assert law["sources"]
    assert "unknown chip" in wrong["error"][0]
