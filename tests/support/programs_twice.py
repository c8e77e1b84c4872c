"""Random programs written twice, as steps of a scenario and as Python: a search of the model and one of the code find the same."""

from __future__ import annotations

import random
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

from code_compared import MOST_STEPS, Outcomes, TooLarge

import scenrun
from scenrun.own_code.searching.body import Marked
from scenrun.search.strategies.dpor import Dpor
from scenrun.search.strategies.exhaustive import Progress
from scenrun.search.strategies.schedule_queue import Limits

SYNC: dict[str, tuple[Any, str]] = {
    "m": ("lock", "threading.Lock()"), "n": ("rlock", "threading.RLock()"), "e": ("event", "threading.Event()"),
    "c": ("condition", "threading.Condition()"), "q": ({"queue": {"maxsize": 1}}, "queue.Queue(1)"),
    "b": ({"barrier": {"parties": 2}}, "threading.Barrier(2)"), "p": ({"semaphore": {"value": 1}}, "threading.Semaphore(1)"),
}  # fmt: skip
"""By name: as a scenario declares it, and as Python makes it."""
SHARED = ("x", "y", "z")
Step = tuple[Any, str]
"""A step of a scenario, and the same in Python."""


class Twice:
    """Writes one program."""

    def __init__(self, seed: int) -> None:
        self.draw = random.Random(seed)
        threads = 2 if self.draw.random() < 0.7 else 3
        self.threads = [
            [self._step(0) for _ in range(self.draw.randint(1, 3 if threads == 2 else 2))] for _ in range(threads)
        ]

    # --- steps

    def _step(self, depth: int) -> Step:
        kinds = [*[self._assigns] * 6, self._simple]
        if depth < 1 or (depth < 2 and self.draw.random() < 0.5):
            kinds += [
                self._holds,
                self._holds,
                self._asks,
                self._asks,
                self._tries,
                self._repeats,
                self._conditional,
                self._spins,
            ]
        return self.draw.choice(kinds)(depth)

    def _value(self) -> str:
        return self.draw.choice(("1", "2", "x", "y", "z", "x + 1", "y + 1", "x + y", "z * 2", "y - x"))

    def _test(self) -> str:
        return self.draw.choice(("x > 0", "y == z", "x < y", "z > 1", "y < 2 and x < 2", "x > 1 or z > 0", "not x"))

    def _assigns(self, depth: int) -> Step:
        name, value = self.draw.choice(SHARED), self._value()
        return {"set": {name: value}}, f"s.{name} = {_in_python(value)}"

    def _simple(self, depth: int) -> Step:
        name, value = self.draw.choice(SHARED), self._value()
        return self.draw.choice((
            ({"set_event": "e"}, "s.e.set()"),
            ({"wait": "e"}, "s.e.wait()"),
            ({"put": {"queue": "q", "item": value}}, f"s.q.put({_in_python(value)})"),
            ({"get": {"queue": "q", "into": name}}, f"s.{name} = s.q.get()"),
            ({"wait": "b"}, "s.b.wait()"),
            ({"wait": {"event": "e", "timeout": "1ms", "into": "_got"}}, "_got = s.e.wait(0.001)"),
            ({"with": "c", "do": [{"notify": "c"}]}, "with s.c:\n    s.c.notify()"),
            ({"sleep": "1ms"}, "time.sleep(0.001)"),
        ))  # fmt: skip

    def _holds(self, depth: int) -> Step:
        name, (steps, lines) = self.draw.choice("mncp"), self._block(depth)
        return {"with": name, "do": steps}, f"with s.{name}:\n{lines}"

    def _tries(self, depth: int) -> Step:
        steps, lines = self._block(depth)
        how = self.draw.choice((("timeout", "1ms", "timeout=0.001"), ("blocking", False, "blocking=False")))
        acquire = {"lock": "m", how[0]: how[1], "into": "_got"}
        return (
            {"repeat": 1, "do": [{"acquire": acquire}, {"if": "_got", "then": [*steps, {"release": "m"}]}]},
            f"_got = s.m.acquire({how[2]})\nif _got:\n{lines}\n    s.m.release()",
        )

    def _asks(self, depth: int) -> Step:
        test, (one, first), (other, second) = self._test(), self._block(depth), self._block(depth)
        return {"if": test, "then": one, "else": other}, f"if {_in_python(test)}:\n{first}\nelse:\n{second}"

    def _repeats(self, depth: int) -> Step:
        steps, lines = self._block(depth)
        return {"repeat": 2, "do": steps}, f"for _ in range(2):\n{lines}"

    def _conditional(self, depth: int) -> Step:
        test = self._test()
        steps = [{"wait_for": {"condition": "c", "until": test}}]
        return {"with": "c", "do": steps}, f"with s.c:\n    while not ({_in_python(test)}):\n        s.c.wait()"

    def _spins(self, depth: int) -> Step:
        test = self._test()
        return {"while": test, "do": [{"set": {"_seen": "z"}}]}, f"while {_in_python(test)}:\n    _seen = s.z"

    def _block(self, depth: int) -> tuple[list[Any], str]:
        made = [self._step(depth + 1) for _ in range(self.draw.randint(1, 2))]
        return [step for step, _ in made], "\n".join(_indented(lines) for _, lines in made)

    # --- the two programs

    def scenario(self) -> dict[str, Any]:
        """As a scenario."""
        text = str([[step for step, _ in steps] for steps in self.threads])
        return {
            "scenario": "twice", "state": dict.fromkeys(SHARED, 0),
            "sync": {name: made for name, (made, _) in SYNC.items() if f"'{name}'" in text},
            "threads": {f"t{at}": {"do": [step for step, _ in steps]} for at, steps in enumerate(self.threads)},
            "expect": {
                "outcomes": {"observe": list(SHARED), "forbidden": [[99, 99, 99]]},
                "verdict": ["holds", "deadlock", "livelock"],
            },
        }  # fmt: skip

    def module(self) -> str:
        """As Python."""
        made = "\n".join(f"        self.{name} = {text}" for name, (_, text) in SYNC.items())
        zero = "\n".join(f"        self.{name} = 0" for name in SHARED)
        bodies = [
            f"def thread_{at}(s):\n" + "\n".join(_indented(lines) for _, lines in steps)
            for at, steps in enumerate(self.threads)
        ]
        head = f"import queue, threading, time\n\n\nclass Shared:\n    def __init__(self):\n{zero}\n{made}\n\n\ndef setup():\n    return Shared()"
        last = "def final(s):\n    return (s.x, s.y, s.z)"
        return "\n\n\n".join([head, *bodies, last, f"THREADS = {len(self.threads)}"]) + "\n"


def _in_python(expression: str) -> str:
    return " ".join(f"s.{word}" if word in SHARED else word for word in expression.split(" "))


def _indented(lines: str) -> str:
    return "\n".join(f"    {line}" for line in lines.splitlines())


class Found(NamedTuple):
    """What a search found."""

    outcomes: frozenset[str]
    deadlocks: int
    """How many different sets of threads can be stuck; where some can go round for ever, only whether there is one, as -1."""


def by_model(twice: Twice) -> Found:
    """What the search of the scenario's states finds; raises TooLarge."""
    found = scenrun.explore(twice.scenario(), max_states=60_000, strategy="states")
    if not found.closed:
        raise TooLarge
    deadlocks = -1 if "livelock" in found.found else found.found.get("deadlock", 0)
    return Found(frozenset(str(outcome) for outcome in found.outcomes), deadlocks)


class _Ends(Outcomes):
    """Notes what threads end with."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.ends: set[str] = set()
        self.deadlocks: set[str] = set()
        self.goes_round = False

    def end(self, state: int) -> Any:
        found = super(Outcomes, self).end(state)
        assert self._present is not None
        stuck = [one for one in found.findings if one.kind in ("deadlock", "livelock")]
        self.deadlocks.update(one.about for one in stuck)
        self.goes_round |= any(one.kind == "livelock" for one in stuck)
        if not stuck:
            self.ends.add(str(self.module.final(self._present.shared)))
        return found


def by_code(twice: Twice, folder: Path, name: str, most: int) -> Found:
    """What the search of the code finds; raises TooLarge."""
    (folder / f"{name}.py").write_text(twice.module())
    sys.path.insert(0, str(folder))
    executions = _Ends(name)
    try:
        while True:
            executions.ends.clear()
            executions.deadlocks.clear()
            executions.goes_round = False
            limits = Limits(most, None, MOST_STEPS, lambda tally: None)
            progress = Progress(Dpor(executions, MOST_STEPS), limits, time.perf_counter())
            try:
                if progress.run() is not None or progress.tally.cut_off:
                    raise TooLarge
                if not executions.mark():
                    return Found(frozenset(executions.ends), -1 if executions.goes_round else len(executions.deadlocks))
            except Marked:
                continue
    finally:
        executions.close()
        sys.path.remove(str(folder))
        sys.modules.pop(name, None)
