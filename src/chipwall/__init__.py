"""chipwall: what an AI chip can do, where it may go on a date, and what that changes; a source for every number."""

from chipwall._version import __version__

__all__ = ["__version__"]
