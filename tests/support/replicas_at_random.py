"""Random scenarios with groups of any number of replicas, which share locks, conditions, events, queues and variables."""

from __future__ import annotations

import random
from typing import Any

from loops_at_random import without_unused

Step = dict[str, Any]


class Author:
    """Writes small scenarios of one or two groups with `count: any`, mostly beside a single thread and with bugs now and then."""

    def __init__(self, seed: int) -> None:
        self.draw = random.Random(f"replicas {seed}")

    def one(self, *alternatives: Any) -> Any:
        """One of these."""
        return self.draw.choice(alternatives)

    def scenario(self) -> dict[str, Any]:
        """One scenario."""
        threads: dict[str, Any] = {"a": {"count": "any", "do": self.steps(self.one(1, 2, 2, 3))}}
        if self.draw.random() < 0.3:
            threads["b"] = {"count": "any", "do": self.steps(self.one(1, 1, 2))}
        if self.draw.random() < 0.5:
            threads["single"] = {"do": self.steps(self.one(1, 2))}
        for group in threads.values():
            if self.draw.random() < 0.15:
                group[self.one("daemon", "endless")] = True
            if self.draw.random() < 0.2:
                group["do"] = [{"while": self.one("v == 0", "True", "not e.is_set()"), "do": group["do"]}]
        whole: dict[str, Any] = {
            "scenario": "replicas",
            "sync": {
                "l": self.one("lock", "rlock"), "c": "condition", "d": {"condition": {"lock": "l"}}, "e": "event",
                "s": {"semaphore": {"value": self.one(1, 2)}}, "q": {"queue": {"maxsize": self.one(1, 2)}},
                "b2": {"barrier": {"parties": 2}},
            },
            "state": {"v": 0, "w": 0},
            "behaviours": {},
            "threads": threads,
            "expect": {"always": [self.one("v < 2", "w < 2", "v + w < 3", "v <= w + 1", "True")]},
        }  # fmt: skip
        if self.draw.random() < 0.4:
            whole["main"] = self.main(list(threads))
        if whole["expect"]["always"] == ["True"]:
            whole["expect"] = {}
        whole = without_unused(whole)
        if "d" in whole["sync"]:
            whole["sync"].setdefault("l", "lock")
        return whole

    def main(self, names: list[str]) -> list[Step]:
        """Starts them in some order, with steps in between, and joins some."""
        self.draw.shuffle(names)
        out: list[Step] = []
        for name in names:
            out += [*self.steps(self.one(0, 0, 1)), {"start": name}]
        out += [{"join": name} for name in names if self.draw.random() < 0.7]
        return [*out, *self.steps(self.one(0, 1))]

    def steps(self, number: int, depth: int = 0) -> list[Step]:
        """Steps in a row."""
        return [step for _ in range(number) for step in self.step(depth)]

    def step(self, depth: int) -> list[Step]:
        """A step or two."""
        late: Step = self.one({}, {"timeout": "1ms"})
        plain: list[Step] = [
            {"set": {"v": self.one("0", "1", "1 - v if v < 2 else 0", "v + 1 if v < 2 else 2")}},
            {"set": {"w": self.one("v", "w + 1 if w < 2 else 0", "0")}},
            {"set_event": "e"}, {"clear_event": "e"}, {"wait": {"event": "e", **late}}, {"wait": {"barrier": "b2", **late}},
            {"acquire": "s"}, {"release": "s"}, {"put": {"queue": "q", "item": self.one("1", "v"), **late}},
            {"get": {"queue": "q", "into": "_x", **late}},
            {"assert": self.one("v < 2", "w < 2", "v == 0 or w == 0")},
        ]  # fmt: skip
        if depth > 1 or self.draw.random() < 0.4:
            return self._safely(self.one(*plain))
        inner = self.steps(self.one(1, 1, 2), depth + 1)
        condition = self.one("c", "d")
        return self.one(
            [{"if": self.one("v == 0", "v == 1", "w > 0", "e.is_set()"), "then": inner}],
            [{"with": "l", "do": inner}],
            [{"with": "s", "do": inner}],
            [{"with": condition, "do": [{"wait": {"condition": condition, **late}}, *inner]}],
            [{"with": condition, "do": [*inner, self.one({"notify": condition}, {"notify_all": condition})]}],
            [{"with": condition, "do": [*inner, {"notify": {"condition": condition, "n": 2}}]}],
            [{"section": "x", "do": inner}],
        )

    def _safely(self, step: Step) -> list[Step]:
        """A step whose exceptions are mostly handled."""
        if self.draw.random() < 0.8 and "assert" not in step:
            return [{"try": [step], "except": {"Exception": []}}]
        return [step]
