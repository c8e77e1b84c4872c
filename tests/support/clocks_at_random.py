"""Small scenarios by chance whose threads read the clock: they sleep, wait with time-outs that are computed, and meet.

Times are whole milliseconds and what they are compared with lies between two of them, so that what a step costs in a simulation
changes nothing.
"""

from __future__ import annotations

import random
from typing import Any

Step = dict[str, Any]


class Author:
    """Writes one scenario from a seed."""

    def __init__(self, seed: int) -> None:
        self.draw = random.Random(seed)
        self.notes = 0

    def one(self, *options: Any) -> Any:
        """One of these."""
        return self.draw.choice(options)

    def scenario(self) -> dict[str, Any]:
        """Two or three threads, each with a note of what it saw."""
        threads = {}
        for number in range(self.one(2, 2, 3)):
            steps = [{"set": {"began": "now()"}}, *(self.step() for _ in range(self.one(2, 3, 4)))]
            steps.append(
                {
                    "append": {
                        "to": "seen",
                        "item": f"['t{number}', [now() > {self.half()}, now() - began < {self.half()}]]",
                    }
                }
            )
            threads[f"t{number}"] = {"do": steps}
            if self.one(True, False, False, False):
                threads[f"t{number}"]["count"] = 2
        whole = {
            "scenario": "clocks", "sync": {"e": "event", "l": "lock", "q": "queue"}, "state": {"seen": [], "v": 0},
            "threads": threads, "expect": {"outcomes": {"observe": ["seen", "v"]}}, "limits": {"time": "5s"},
        }  # fmt: skip
        for name in [name for name in whole["sync"] if f"'{name}'" not in str(threads)]:
            del whole["sync"][name]
        return whole

    def half(self) -> str:
        """A moment between two milliseconds."""
        return f"{self.draw.randint(0, 4) + 0.5}e-3"

    def timing(self) -> Any:
        """A length of time, often one that is computed from readings."""
        return self.one("1ms", "2ms", {"ms": "v + 1"}, {"s": "began + 0.003 - now()"}, {"s": "(now() - began) * 2"})

    def step(self) -> Step:
        """One step."""
        steps: list[Step] = [
            {"sleep": self.timing()},
            {"sleep": self.timing()},
            {"set": {"v": f"v + 1 if now() > {self.half()} else v"}},
            {"wait": {"event": "e", "timeout": self.timing()}},
            {"set_event": "e"},
            {"put": {"queue": "q", "item": 1}},
            {"try": [{"get": {"queue": "q", "timeout": self.timing()}}], "except": {"queue.Empty": [{"set": {"v": "v + 1"}}]}},
            {"with": "l", "do": [{"sleep": self.timing()}]},
            {"while": f"now() - began < {self.half()}", "do": [{"sleep": "1ms"}]},
            {"if": f"now() > {self.half()}", "then": [{"set_event": "e"}]},
        ]  # fmt: skip
        return dict(self.one(*steps))
