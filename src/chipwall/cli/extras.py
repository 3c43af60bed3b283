"""Optional parts of the installation: which command needs which, and how to get it from where this copy came."""

from __future__ import annotations

from importlib.util import find_spec

from chipwall.errors import InputError
from chipwall.text import text

__all__ = ["require_extra"]


def require_extra(module: str, *, extra: str, wanted_by: str) -> None:
    """Refuse, before any work, what needs a module that is not installed."""
    if find_spec(module) is None:
        raise InputError(
            text("{what} needs the extra '{extra}', which is not installed", what=wanted_by, extra=extra),
            where=text("missing module: {module}", module=module),
            fix=text(
                "Install it where this copy came from: pip install '.[{extra}]' in the source folder", extra=extra
            ),
        )
