"""Small objects made of behaviours, by chance right or wrong, whose calls are compared with a queue, a lock, a semaphore or an event."""

from __future__ import annotations

import random
from typing import Any

Step = dict[str, Any]


class Author:
    """Writes one scenario."""

    def __init__(self, seed: int) -> None:
        self.draw = random.Random(seed)

    def scenario(self) -> dict[str, Any]:
        """A scenario of two kinds of threads, of which one may have two replicas."""
        made = self.draw.choice((self._queue, self._lock, self._semaphore, self._event))
        spec, state, behaviours = made()
        names = list(behaviours)
        kinds = [self._thread(names, behaviours) for _ in range(2)]
        threads = {f"t{at}": {"do": steps} for at, steps in enumerate(kinds)}
        if self.draw.random() < 0.4:
            threads["t0"] = {"do": threads["t0"]["do"][:1], "count": 2}
        used = [name for name in names if f"'target': '{name}'" in str(threads)]
        return {
            "scenario": "calls", "sync": {"guard": "lock"}, "state": state,
            "behaviours": {name: behaviours[name] for name in used},
            "threads": threads,
            "expect": {
                "linearizable": [{"behaviours": used, "spec": spec}],
                "final": ["not guard.locked()", *(f"{name} == {name}" for name in state)],
            },
        }  # fmt: skip

    def _thread(self, names: list[str], behaviours: dict[str, Any]) -> list[Step]:
        return [self._call(self.draw.choice(names), behaviours) for _ in range(self.draw.randint(1, 2))]

    def _call(self, name: str, behaviours: dict[str, Any]) -> Step:
        given = {"args": {"item": self.draw.choice(("1", "2"))}} if "item" in behaviours[name].get("params", {}) else {}
        call = {"run": {"target": name, **given}}
        return {"try": [call], "except": {"Exception": []}}

    def _held(self, steps: list[Step]) -> list[Step]:
        """The steps under the lock, or not, or only the first of them."""
        how = self.draw.random()
        if how < 0.3:
            return [{"with": "guard", "do": steps}]
        return [{"with": "guard", "do": steps[:1]}, *steps[1:]] if how < 0.5 else steps

    def _queue(self) -> Any:
        at = self.draw.choice((0, 0, 0, -1))
        full = [{"if": "len(items) >= 1", "then": [{"raise": "queue.Full"}]}] * self.draw.randint(0, 1)
        return (
            {"queue": {"maxsize": 1 if full else 0}},
            {"items": []},
            {
                "put": {"params": {"item": "value", "block": {"type": "bool", "default": not full}},
                        "do": self._held([*full, {"append": {"to": "items", "item": "item"}}])},
                "get": {"params": {"block": {"type": "bool", "default": False}},
                        "do": [*self._held([{"if": "not items", "then": [{"raise": "queue.Empty"}]},
                                            {"pop": {"from": "items", "at": at, "into": "found"}}]), {"return": "found"}]},
            },
        )  # fmt: skip

    def _lock(self) -> Any:
        take = [{"set": {"_was": "taken"}}, {"set": {"taken": True}}, {"set": {"got": "not _was"}}]
        return (
            "lock",
            {"taken": False},
            {
                "acquire": {
                    "params": {"blocking": {"type": "bool", "default": False}},
                    "do": [*self._held(take), {"return": "got"}],
                },
                "release": {
                    "do": self._held(
                        [{"if": "not taken", "then": [{"raise": "RuntimeError"}]}, {"set": {"taken": False}}]
                    )
                },
            },
        )

    def _semaphore(self) -> Any:
        take: list[Step] = [{"set": {"_got": "left > 0"}}, {"if": "_got", "then": [{"set": {"left": "left - 1"}}]}]
        return (
            {"semaphore": {"value": 1}},
            {"left": 1},
            {
                "acquire": {
                    "params": {"blocking": {"type": "bool", "default": False}},
                    "do": [*self._held(take), {"return": "_got"}],
                },
                "release": {"do": self._held([{"set": {"left": "left + 1"}}])},
            },
        )

    def _event(self) -> Any:
        return (
            "event",
            {"flag": False},
            {
                "set": {"do": self._held([{"set": {"flag": True}}])},
                "clear": {"do": self._held([{"set": {"flag": self.draw.choice((False, False, True))}}])},
            },
        )
