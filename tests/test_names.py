"""One name, one meaning: what a module offers by name stands once in its package, and once in the house but for five doors."""

from __future__ import annotations

import ast
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

SOURCE = Path(__file__).parent.parent / "src" / "chipwall"
# A public question and the one function of a room that answers it, with the same meaning; why each has two homes.
DOORS = {
    "chip": "the public look-up by name is the catalogue's own, with the errors of an argument",
    "model": "as chip",
    "decide": "the public question in words, and the law's answer to records",
    "load": "the load on a service is what people call it; the catalogue's verb reads its files",
    "simulate": "the public question in words, and the market's answer to records",
}


def defined(tree: ast.Module) -> Iterator[str]:
    """Names that a module makes at its top level and offers: functions and classes, and whatever ``__all__`` lists."""
    listed: set[str] = set()
    made: list[str] = []
    for node in tree.body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            made.append(node.name)
            listed |= set() if node.name.startswith("_") else {node.name}
            continue
        targets = (
            node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        )
        for target in targets:
            if isinstance(target, ast.Name):
                made.append(target.id)
                if target.id == "__all__" and isinstance(node, (ast.Assign, ast.AnnAssign)) and node.value:
                    listed |= set(ast.literal_eval(node.value))
    return (name for name in dict.fromkeys(made) if name in listed)


def homes() -> dict[str, list[str]]:
    """Where each public name is defined, paths below the package."""
    places: dict[str, list[str]] = defaultdict(list)
    for path in sorted(SOURCE.rglob("*.py")):
        for name in defined(ast.parse(path.read_text(encoding="utf-8"))):
            places[name].append(str(path.relative_to(SOURCE)))
    return {name: found for name, found in places.items() if len(found) > 1}


def test_the_walk_sees_functions_classes_and_lists() -> None:
    tree = ast.parse("__all__ = ['LIMIT']\nLIMIT = 1\nOTHER = 2\ndef asked(): ...\ndef _own(): ...\nclass Answer: ...")
    assert list(defined(tree)) == ["LIMIT", "asked", "Answer"]


def test_no_name_has_two_meanings_in_a_package() -> None:
    inside = {
        name: found
        for name, found in homes().items()
        if max(Counter(place.split("/")[0] for place in found).values()) > 1
    }
    assert not inside, "\n".join(f"{name}: {', '.join(found)}" for name, found in inside.items())


def test_only_doors_share_a_name_over_the_house() -> None:
    shared = homes()
    assert len(DOORS) <= 6
    assert set(shared) == set(DOORS), "\n".join(f"{n}: {', '.join(f)}" for n, f in shared.items() if n not in DOORS)
