"""What each step costs in virtual time."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

import yaml

from scenrun.errors import UsageError
from scenrun.language.durations import DurationError
from scenrun.language.durations import parse as parse_duration
from scenrun.language.steps import VERBS
from scenrun.language.suggestions import did_you_mean
from scenrun.program.primitives.registry import KINDS

STEP_NS = 1_000
"""The cost of a step of which nothing else is said: one microsecond."""
OWN_WORDS = ("step", "switch", "ask", "turn", "late")
"""What costs can be given for beside verbs: any step, a switch of threads, a question to an object, a turn of a loop, and
how much later than asked a thread comes out of a sleep, which takes no processor."""
OPERATIONS = tuple(f"{kind.name}.{operation.name}" for kind in KINDS.values() for operation in kind.operations)
"""What costs can be given for where the kinds of a verb differ: `semaphore.acquire` is stronger than `acquire`."""


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
        self.late_ns = self._by_verb.get("late", 0)
        self._of: dict[str, int] = {}

    def of(self, op: str) -> int:
        """The cost of an instruction's operation."""
        if op not in self._of:
            own = 0 if op == "work" else self.step_ns  # the time of `work` is what it says
            self._of[op] = self._by_verb.get(op, self._by_verb.get(verb_of(op), own))
        return self._of[op]


def stronger(own: Mapping[str, int], others: Mapping[str, int]) -> dict[str, int]:
    """Costs of which one's own come first: those of a verb also before what others say of one of its operations."""
    return {**{word: cost for word, cost in others.items() if "." not in word or verb_of(word) not in own}, **own}


def read_costs(path: str | Path) -> dict[str, int]:
    """The costs of a file such as `scenrun calibrate` writes: words with durations. Raises UsageError with a sentence."""

    try:
        found = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"cannot read the costs {path}: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError):
        found = None
    given = found.get("costs") if isinstance(found, dict) else None
    if not isinstance(given, dict):
        raise UsageError(f"{path} has no costs; `scenrun calibrate -o {path}` writes them")
    known = (*VERBS, *OWN_WORDS, *OPERATIONS)
    out = {}
    for word, text in given.items():
        if word not in known:
            raise UsageError(f"{path}: there is no verb `{str(word)[:40]}`{did_you_mean(str(word), known)}")
        try:
            out[word] = parse_duration(text)
        except DurationError as error:
            raise UsageError(f"{path}: {word}: {error}") from None
    return out
