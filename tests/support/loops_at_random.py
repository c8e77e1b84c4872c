"""Small scenarios by chance whose threads go round, starve, start each other and are cut off, for searches of all states.

They draw what `scenarios_at_random` bounds away: endless loops, replicas that nothing tells apart and that start, spawn and
submit, threads that end with what they hold, main that ends first, daemons, sleeps that order things in virtual time,
expectations that ask objects or do not hold at first, and outcomes that are required.
"""

from __future__ import annotations

import random
from typing import Any

Step = dict[str, Any]


class Author:
    """Writes one scenario from a seed."""

    def __init__(self, seed: int) -> None:
        self.draw = random.Random(seed)
        self.groups: list[str] = []
        self.is_about_starting = self.draw.random() < 0.45
        """Whether threads are short and start others, instead of going round."""

    def one(self, *options: Any) -> Any:
        """One of these."""
        return self.draw.choice(options)

    def scenario(self) -> dict[str, Any]:
        """One scenario."""
        once = {"once": {"do": [{"set": {"w": 1}}]}} if self.draw.random() < 0.3 else {}
        self.has_once = bool(once)
        self.groups = ["a", "b", "c"][: self.one(1, 1, 2) if self.is_about_starting else self.one(1, 2, 2, 2, 3)]
        threads: dict[str, Any] = {}
        for at, name in enumerate(self.groups):
            threads[name] = self.starter(at) if self.is_about_starting else self.group(at)
        if not self.is_about_starting and self.draw.random() < 0.15:
            threads, self.groups = self.starving(), ["a", "b", "c"]
        whole: dict[str, Any] = {
            "scenario": "loops", "seed": self.one(0, 1),
            "sync": {
                "l": self.one("lock", "lock", "rlock"), "s": {"semaphore": {"value": self.one(0, 1, 1)}},
                "e": "event", "q": {"queue": {"maxsize": self.one(0, 1, 2)}}, "p": {"pool": {"max_workers": self.one(1, 2)}},
            },
            "state": {"v": self.one(0, 1), "w": 0},
            "behaviours": {
                "task": {"do": self.steps(1, inner=True)}, "bad": {"do": [*self.steps(self.one(0, 1), inner=True), {"raise": "ValueError: no"}]},
            },
            "threads": {**threads, **once},
            "expect": self.expect(),
            "limits": {"time": "1s"},
        }  # fmt: skip
        if once or self.draw.random() < 0.4:
            whole["main"] = self.main()
        if once and "'start': 'once'" not in str(whole["threads"]):
            whole["main"].append({"start": "once"})
        return without_unused(whole)

    def group(self, at: int) -> dict[str, Any]:
        """Threads of one group; no replica looks at its index."""
        out: dict[str, Any] = {}
        if at == 0 and self.draw.random() < 0.6:
            out["count"] = 2
        kind = self.draw.random()
        if kind < 0.25:
            out["endless"] = True
        elif kind < 0.35:
            out["daemon"] = True
        loops = self.draw.random() < (0.8 if out.keys() & {"endless", "daemon"} else 0.45)
        steps = self.steps(self.one(0, 1, 2))
        if loops:
            steps.append(
                {
                    "while": self.one("v == 0", "v < 2", "True", "not e.is_set()", "w == 0"),
                    "do": self.steps(self.one(0, 1, 2)),
                }
            )
            steps += self.steps(self.one(0, 0, 1))
        return {**out, "do": steps or [{"set": {"w": 1}}]}

    def starving(self) -> dict[str, Any]:
        """One flips a value for ever, one looks at it for ever, and one waits for what that does when it sees it."""
        need: Step = {"endless": True} if self.draw.random() < 0.8 else {}
        frees, waits = self.one(
            ({"set_event": "e"}, {"wait": "e"}), ({"set": {"w": "1"}}, {"while": "w == 0", "do": []})
        )
        flips = [{"set": {"v": "1"}}, {"set": {"v": "0"}}][:: self.one(1, -1)]
        return {
            "a": {**need, "do": [{"while": "True", "do": flips}]},
            "b": {**need, "do": [{"while": "True", "do": [{"if": self.one("v == 1", "v == 0"), "then": [dict(frees)]}]}]},
            "c": {"do": [*self.steps(self.one(0, 0, 1), inner=True), dict(waits), *self.steps(self.one(0, 1), inner=True)]},
        }  # fmt: skip

    def starter(self, at: int) -> dict[str, Any]:
        """Short threads that start others, at any place."""
        steps = [
            *self.steps(self.one(0, 0, 1)),
            self.making() if at == 0 or self.draw.random() < 0.5 else self.step(True),
        ]
        out: dict[str, Any] = {"count": 2} if at == 0 else {}
        if self.draw.random() < 0.1:
            out["daemon"] = True
        return {**out, "do": [*steps, *self.steps(self.one(0, 1))]}

    def making(self) -> Step:
        """A step that starts somebody, or refuses to."""
        steps: list[Step] = [
            {"spawn": {"target": "task"}}, {"spawn": {"target": "task", "daemon": True}},
            {"submit": {"pool": "p", "target": self.one("task", "task", "bad")}},
            {"try": [{"submit": {"pool": "p", "target": "task", "into": "_f"}}, {"result": "_f"}], "except": {"Exception": []}},
            {"shutdown": {"pool": "p", "wait": self.one(True, False)}},
        ]  # fmt: skip
        if self.has_once:
            steps += [{"try": [{"start": "once"}], "except": {"RuntimeError": []}}] * 2
        return dict(self.one(*steps))

    def main(self) -> list[Step]:
        """Starts them, in some order, and ends early, or not."""
        names = [*self.groups]
        self.draw.shuffle(names)
        out: list[Step] = []
        for name in names:
            out += [*self.steps(self.one(0, 0, 0, 1)), {"start": name}]
        out += self.steps(self.one(0, 0, 1))
        return [*out, *({"join": name} for name in names if self.draw.random() < 0.4)]

    def steps(self, number: int, *, inner: bool = False) -> list[Step]:
        """Steps in a row."""
        return [self.step(inner) for _ in range(number)]

    def step(self, inner: bool) -> Step:
        """One step; an `inner` one starts nobody."""
        timing: Step = self.one({}, {}, {"timeout": self.one("1ms", "0s", "3ms")})
        plain: list[Step] = [
            {"set": {"v": self.one("0", "1", "v + 1 if v < 2 else 0", "1 - v if v < 2 else 0")}},
            {"set": {"w": self.one("v", "w + 1 if w < 2 else 2")}},
            {"sleep": self.one("1ms", "2ms", "0s")},
            {"acquire": {"lock": "l", **timing}}, {"release": "l"}, {"with": "l", "do": [{"set": {"v": "1"}}]},
            {"acquire": {"lock": "s", **timing}}, {"release": "s"},
            {"wait": {"event": "e", **timing}}, {"set_event": "e"}, {"clear_event": "e"},
            {"try": [{"put": {"queue": "q", "item": "v", **timing}}], "except": {"queue.Full": []}},
            {"try": [{"get": {"queue": "q", **timing}}], "except": {"queue.Empty": [{"set": {"w": "2"}}]}},
            {"if": self.one("v == 1", "w == 0", "e.is_set()", "q.empty()"), "then": [{"set": {"w": "1"}}]},
            {"repeat": 2, "do": [self.one({"set": {"w": "1"}}, {"sleep": "1ms"})]},
            {"choose": {"from": [0, 1], "into": "w"}},
        ]  # fmt: skip
        if not inner and self.draw.random() < (0.1 if self.is_about_starting else 0.2):
            return self.making()
        return dict(self.one(*plain))

    def expect(self) -> dict[str, Any]:
        """What must be true; asked of objects, too, and at first, too."""
        out: dict[str, Any] = {"outcomes": {"observe": ["v", "w"], "forbidden": [[9, 9]]}}
        if self.draw.random() < 0.3:
            out["outcomes"]["required"] = [[self.one(0, 1), self.one(0, 1, 2)]]
        if self.draw.random() < 0.3:
            out["final"] = [self.one("q.empty()", "not l.locked()", "e.is_set() or w < 2", "v + w < 3")]
        if self.draw.random() < 0.3:
            out["always"] = [self.one("v == 0", "v <= w + 1", "w < 2")]
        return out


def without_unused(whole: dict[str, Any]) -> dict[str, Any]:
    """The scenario without what nobody uses; an rlock answers no question."""
    import json
    import re

    if whole["sync"].get("l") == "rlock":
        whole["expect"].pop("final", None)
    while True:
        dead = []
        for part in ("sync", "state", "behaviours"):
            for name in whole[part]:
                others = json.dumps([whole["threads"], whole.get("main", []), whole["expect"],
                                     {k: v for k, v in whole["behaviours"].items() if k != name}])  # fmt: skip
                if not re.search(rf"\b{name}\b", others):
                    dead.append((part, name))
        for part, name in dead:
            del whole[part][name]
        if not dead:
            return whole
