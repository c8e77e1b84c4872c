"""The rooms of the package, in the order of imports."""

from __future__ import annotations

ROOMS = (
    "printable", "errors", "version", "language", "workers", "program", "plain_python", "model", "trace", "execution", "report", "search", "own_code", "api",
    "batch", "interface",
)  # fmt: skip
"""From below to above, in the order of the data: a module imports from its own room, or from those before it."""
