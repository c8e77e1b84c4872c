"""Texts of a log for a page: invisible characters are escaped, and cuts state their length."""

from __future__ import annotations

from typing import Any

from scenrun.printable import visible
from scenrun.report.amounts import precise_seconds
from scenrun.trace.analysis.reading import Event
from scenrun.trace.json_text import dumps_strictly

LONGEST = 2_000
"""The most characters of one text."""
_COMMON = frozenset(
    ("timestamp", "level", "event", "run", "seq", "elapsed_s", "thread", "group", "index", "object", "step", "line")
)  # fmt: skip
_OPENING = frozenset(("text", "objects", "threads", "state", "description"))
_CLOSING = frozenset(("figures", "state", "expectations", "findings"))
_LEFT_OUT = {"run.started": _OPENING, "run.finished": _CLOSING, "finding": frozenset(("threads",))}
"""Fields that the page shows elsewhere."""


def harmless(text: str, most: int = LONGEST) -> str:
    """A text of at most `most` characters with control characters and marks of the writing direction escaped."""
    left_out = len(text) - most
    if left_out > 0:
        text = text[:most]
    text = visible(text)
    return f"{text}… ({left_out:,} more characters)" if left_out > 0 else text


def value_text(value: Any) -> str:
    """A value of a log as JSON; `…` if it has none."""
    try:
        return dumps_strictly(value).decode()
    except (TypeError, ValueError):
        return "…"


def lines_of(text: str, most: int = 20_000) -> list[str]:
    """The lines of a scenario's text, each harmless; beyond `most`, one line with the number of the others."""
    lines = text.expandtabs(4).removesuffix("\n").split("\n")
    shown = [harmless(line.rstrip("\r"), 500) for line in lines[:most]]
    return [*shown, f"… ({len(lines) - most:,} more lines)"] if len(lines) > most else shown


def detail_of(event: Event) -> str:
    """The fields of a line besides thread, time and place: its message, or the fields of its kind."""
    name = event["event"]
    skipped = _LEFT_OUT.get(name, ())
    parts = [_field(key, value) for key, value in event.items() if key not in _COMMON and key not in skipped]
    return harmless(", ".join(parts))


def _field(key: str, value: Any) -> str:
    kind = type(value)
    if kind is str:
        return value if key == "message" else f"{key} {value}"
    if kind is float and key.endswith("_s"):
        return f"{key[:-2]} {precise_seconds(value)}"
    if kind is dict and key == "fields":
        return ", ".join(f"{name}: {one if type(one) is str else value_text(one)}" for name, one in value.items())
    return f"{key} {value_text(value)}"


def all_harmless(value: Any, depth: int = 12) -> Any:
    """A value with all of its texts harmless; nesting beyond `depth` is cut."""
    if type(value) is str:
        return harmless(value)
    if type(value) is dict:
        return {harmless(str(key)): all_harmless(one, depth - 1) for key, one in value.items()} if depth else "…"
    if type(value) in (list, tuple):
        return [all_harmless(one, depth - 1) for one in value] if depth else "…"
    return value
