"""The log for eyes: one aligned line an event, a colour a thread."""

from __future__ import annotations

import json
from typing import Any

from scenrun.program import Program

_COLOURS = (36, 33, 35, 32, 34, 31, 96, 93, 95, 92, 94, 91)
_LEVEL_MARKS = {"debug": " ", "info": " ", "warning": "!", "error": "!", "critical": "!"}
_HEAD = frozenset(
    ("timestamp", "level", "event", "run", "seq", "elapsed_s", "thread", "group", "index", "step", "line", "message")
)
_LONG = ("text", "objects", "threads", "state", "figures", "findings", "expectations")
MAX_NAME = 20


class Console:
    """A structlog renderer for people. Lines longer than `width` are cut, and say so with `…`; None cuts nothing."""

    def __init__(self, program: Program, *, colour: bool, width: int | None = None) -> None:
        self._name_width = min(MAX_NAME, max(map(len, _names(program))))
        self._colour = colour
        self._colours: dict[str, int] = {}
        self._width = width

    def __call__(self, _: Any, __: str, event: dict[str, Any]) -> bytes:
        """One event as one line."""
        thread = _clean(str(event.get("thread", "")))
        name = thread if len(thread) <= self._name_width else thread[: self._name_width - 1] + "…"
        mark = _LEVEL_MARKS[event["level"]]
        head = f"{event['elapsed_s']:>10.6f} {mark} {name:<{self._name_width}}  "
        text = head + self._what(event)
        if self._width is not None and len(text) > self._width:
            text = text[: self._width - 1] + "…"
        return (self._coloured(text, thread, event["level"]) + "\n").encode(errors="replace")

    def _coloured(self, text: str, thread: str, level: str) -> str:
        if not self._colour:
            return text
        if level in ("error", "critical"):
            return f"\x1b[1;31m{text}\x1b[0m"
        if not thread:
            return f"\x1b[2m{text}\x1b[0m"
        colour = self._colours.setdefault(thread, _COLOURS[len(self._colours) % len(_COLOURS)])
        return f"\x1b[{colour}m{text}\x1b[0m"

    @staticmethod
    def _what(event: dict[str, Any]) -> str:
        if event["event"] == "message":
            fields = " ".join(f"{k}={_value(v)}" for k, v in event.get("fields", {}).items())
            return _clean(f"{event['message']}  {fields}".rstrip())
        rest = {k: v for k, v in event.items() if k not in _HEAD and k not in _LONG}
        if event["event"] == "thread.failed":
            return _clean(f"failed with {event['type']}: {event['text']}")
        if event["event"] == "finding":
            return _clean(f"finding: {event['kind']}: {event.get('message', '')}")
        return _clean(f"{event['event']}  {' '.join(f'{k}={_value(v)}' for k, v in rest.items())}".rstrip())


def _names(program: Program) -> list[str]:
    """The names that threads, timers, tasks of pools and spawned threads may have, numbered ones with two digits."""
    named = [g.member((g.count or 1) - 1) for g in program.groups]
    timers = [cell.label((cell.count or 1) - 1) for cell in program.cells if cell.kind == "timer"]
    pools = [cell.label((cell.count or 1) - 1) for cell in program.cells if cell.kind == "pool"]
    instructions = (i for code in program.codes for i in code.instructions)
    spawned = [str(i.option("target")) for i in instructions if i.op == "spawned.spawn"]
    return ["main", *named, *timers, *(f"{name}#00" for name in (*pools, *spawned))]


def _value(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    return value if isinstance(value, str) else json.dumps(value, default=str)


def _clean(text: str) -> str:
    """Control characters would move the cursor; they are shown as escapes."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
