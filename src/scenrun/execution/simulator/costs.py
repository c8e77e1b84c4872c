"""The cost of each step in virtual time: by verb and by operation, and read from a file of costs."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

import yaml

from scenrun.errors import UsageError
from scenrun.language.durations import DurationError
from scenrun.language.durations import parse as parse_duration
from scenrun.language.suggestions import did_you_mean
from scenrun.language.verbs.registry import VERBS
from scenrun.program.primitives.registry import KINDS, operation

STEP_NS = 1_000
"""The cost in nanoseconds of a step for which no other is given: one microsecond."""
OWN_WORDS = ("step", "switch", "ask", "turn", "late")
"""The words beside verbs that can have costs: any step, a switch of threads, a question to an object, a turn of a loop, and
how much later than requested a thread comes out of a sleep, which takes no processor."""
OPERATIONS = tuple(f"{kind.name}.{operation.name}" for kind in KINDS.values() for operation in kind.operations)
"""The operations that can have costs of their own: that of `semaphore.acquire` takes precedence over that of `acquire`."""


_OF_OWN_STEPS = {"jump": "turn", "end": "step", "atomic.begin": "atomic"}


@cache
def verb_of(op: str) -> str:
    """Returns the verb that determines an instruction's cost: `acquire` for `lock.acquire`."""
    known = operation(op)
    if known is not None:
        return known.cost or known.name
    if op in _OF_OWN_STEPS:
        return _OF_OWN_STEPS[op]
    kind, _, name = op.partition(".")
    if not name:
        return op
    return "step" if name == "begin" and KINDS[kind].begin is not None else "ask"


class Costs:
    """The virtual time of steps in nanoseconds: by verb, and the same for all verbs without a cost of their own."""

    def __init__(self, by_verb: Mapping[str, int], step_ns: int = STEP_NS) -> None:
        self._by_verb = dict(by_verb)
        self.step_ns = self._by_verb.get("step", step_ns)
        self.switch_ns = self._by_verb.get("switch", 0)
        self.late_ns = self._by_verb.get("late", 0)
        self._of: dict[str, int] = {}

    def of(self, op: str) -> int:
        """Returns the cost of an instruction's operation in nanoseconds."""
        if op not in self._of:
            own = 0 if op == "work" else self.step_ns  # `work` takes the time that it states
            self._of[op] = self._by_verb.get(op, self._by_verb.get(verb_of(op), own))
        return self._of[op]


def stronger(own: Mapping[str, int], others: Mapping[str, int]) -> dict[str, int]:
    """Merges two sets of costs; `own` takes precedence, and a verb in it also over the operations of that verb in `others`."""
    return {**{word: cost for word, cost in others.items() if "." not in word or verb_of(word) not in own}, **own}


def read_costs(path: str | Path) -> dict[str, int]:
    """Reads the costs, in nanoseconds, from a file as `scenrun calibrate` writes it. Raises UsageError if it is not valid."""

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
