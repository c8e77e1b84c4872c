"""What each step costs in virtual time."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

STEP_NS = 1_000
"""The cost of a step of which nothing else is said: one microsecond."""
OWN_WORDS = ("step", "switch", "ask", "turn")
"""What costs can be given for beside verbs: any step, a switch of threads, a question to an object, a turn of a loop."""


@cache
def verb_of(op: str) -> str:
    """The verb whose cost an instruction has: `lock.acquire` has that of `acquire`."""
    kind, _, name = op.partition(".")
    if not name:
        return {"jump": "turn", "end": "step"}.get(kind, kind)
    if kind == "variable":
        return {"append": "append", "extend": "append", "pop": "pop", "remove": "pop"}.get(name, "set")
    if kind == "event":
        return {"set": "set_event", "clear": "clear_event", "wait": "wait"}.get(name, "ask")
    known = {
        "acquire", "release", "wait", "notify", "notify_all", "abort", "reset", "put", "get", "task_done", "start",
        "cancel", "spawn", "submit", "result", "shutdown",
    }  # fmt: skip
    if name in known:
        return name
    return {"join": "join_queue" if kind == "queue" else "join", "begin": "atomic" if kind == "atomic" else "step",
            "enter": "section", "leave": "section"}.get(name, "ask")  # fmt: skip


class Costs:
    """The virtual time of steps in nanoseconds: by verb, and for all others the same."""

    def __init__(self, by_verb: Mapping[str, int], step_ns: int = STEP_NS) -> None:
        self._by_verb = dict(by_verb)
        self.step_ns = self._by_verb.get("step", step_ns)
        self.switch_ns = self._by_verb.get("switch", 0)
        self._of: dict[str, int] = {}

    def of(self, op: str) -> int:
        """The cost of an instruction's operation."""
        if op not in self._of:
            own = 0 if op == "work" else self.step_ns  # the time of `work` is what it says
            self._of[op] = self._by_verb.get(verb_of(op), own)
        return self._of[op]
