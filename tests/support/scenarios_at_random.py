"""Small scenarios by chance, with every verb in them but `call`.

A scenario is drawn around a few objects that all of its threads fight over. Each thread notes what its steps gave in a
variable of its own, so that results and caught exceptions are part of the final state. All loops are bounded: a program
ends or is stuck for ever.
"""

from __future__ import annotations

import json
import queue
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

from hypothesis import strategies as st
from steps_at_random import Here, Step, StepAuthor

from scenrun.language.verbs.registry import VERBS

COVERED = frozenset(VERBS) - {"call"}
"""Every verb but the one that runs Python of the user's."""
TAPE = 400
"""Decisions that a scenario may take."""
ORDER = ("scenario", "seed", "let", "sync", "state", "behaviours", "threads", "interrupts", "stop", "main", "expect")


class Author(StepAuthor):
    """Writes one scenario: its objects, its threads with their steps, and what is expected of them."""

    def scenario(self) -> dict[str, Any]:
        """One scenario."""
        self._declare_objects()
        has_main = self.often()
        if not has_main and self.seldom():
            self.kinds["stop"] = "event"
        sizes = self.one(
            (2, 2),
            (3, 3),
            (4, 3),
            (5, 2),
            (6, 2),
            (6, 6),
            (2, 1, 1),
            (2, 2, 1),
            (2, 2, 2),
            (3, 2, 1),
            (1, 1, 1, 1),
            (2, 1, 1, 1),
        )
        replicas = len(sizes) < 4 and self.seldom()
        for number, size in enumerate(sizes):
            self._declare_group(f"t{number}", size, 2 if replicas and number == 0 and size < 4 else 1)
        whole = {
            "scenario": "chance",
            "seed": self.one(0, 1, 2),
            "main": self._main() if has_main else [],
            "expect": self._expect(),
            "sync": self.sync,
            "state": self.state,
            "behaviours": self.behaviours,
            "threads": self.threads,
        }
        if self.calls_back_pools:
            whole = _without_cancelled_tasks(whole)
        _drop_unused(whole)
        text = json.dumps(whole)
        if "inside('crit')" in text and '"section"' not in text:
            self.threads["t0"]["do"].append({"section": "crit", "do": []})
        if not has_main:
            whole["stop"] = self._without_main()
        if self.one(False, False, False, False, False, False, True):
            self._interrupt(whole)
        made = {name: whole[name] for name in ORDER if whole.get(name) not in ({}, [], None)}
        made = compacted(made) if len(text) % 2 else made
        return with_constants(made) if len(text) % 3 == 0 else made

    def _interrupt(self, whole: dict[str, Any]) -> None:
        """What comes in a thread at any moment: a step or two on what the others use."""
        steps: list[Any] = [
            {"set": {"v": "v + 1"}}, {"append": {"to": "items", "item": "'came'"}}, {"raise": "ValueError: came"},
            {"if": "v == 1", "then": ["return"]}, {"atomic": [{"set": {"v": "v + 1"}}]},
        ]  # fmt: skip
        for name, kind in self.kinds.items():
            declared = self.sync.get(name)
            if name in whole["sync"] and not (isinstance(declared, dict) and "count" in str(declared)):
                steps += 2 * _on_an_object(name, kind)
        whole["behaviours"]["comes"] = {"do": [self.one(*steps) for _ in range(self.one(1, 1, 2))]}
        places = [*([] if not whole["main"] else ["main"]), *whole["threads"]]
        whole["interrupts"] = [{"target": "comes", "in": self.one(*places), "times": self.one(1, 1, 2)}]
        for name, initial in (("v", 0), ("items", [])):
            if name in str(whole["behaviours"]["comes"]):
                whole["state"].setdefault(name, initial)

    def _without_main(self) -> str | None:
        """Groups that start late or are not joined, and if anybody looks at the event of `stop`, its time."""
        for group in self.threads.values():
            group |= self.one({}, {}, {}, {}, {"start_after": "1ms"}, {} if "daemon" in group else {"join": False})
        is_used = re.search(r"\bstop\b", json.dumps([self.threads, self.behaviours]))
        return str(self.one("1ms", "500us")) if is_used else None

    def _declare_objects(self) -> None:
        for number in range(self.one(1, 1, 2, 2, 3)):
            kind = self.one(
                "lock", "rlock", "semaphore", "bounded_semaphore", "condition", "condition", "event", "barrier", "queue",
                "queue", "queue", "pool", "pool", "timer", "future", "future",
            )  # fmt: skip
            getattr(self, f"_make_{kind}")(f"o{number}")
            self.kinds[f"o{number}"] = kind

    def _make_lock(self, name: str) -> None:
        self.sync[name] = self.one("lock", "lock", "lock", {"lock": {"initially": "locked"}}, {"lock": {"count": 2}})

    def _make_rlock(self, name: str) -> None:
        self.sync[name] = "rlock"

    def _make_semaphore(self, name: str) -> None:
        self.sync[name] = {"semaphore": {"value": self.one(0, 1, 1, 2)}}

    def _make_bounded_semaphore(self, name: str) -> None:
        self.sync[name] = {"bounded_semaphore": {"value": self.one(0, 1, 1, 2)}}

    def _make_condition(self, name: str) -> None:
        lock = self.one(None, "lock", "rlock")
        if lock is not None:
            self.sync[f"{name}l"] = lock
            self.kinds[f"{name}l"] = lock
        self.sync[name] = {"condition": {"lock": f"{name}l"}} if lock else "condition"

    def _make_event(self, name: str) -> None:
        self.sync[name] = self.one("event", "event", {"event": {"initially": "set"}})

    def _make_barrier(self, name: str) -> None:
        options = {"parties": self.one(1, 2, 2, 2, 3)}
        self.sync[name] = {"barrier": {**options, "action": self._action()} if self.seldom() else options}

    def _action(self) -> str:
        """A behaviour that the last one at a barrier runs."""
        rises: Step = {"raise": "ValueError: act"}
        self.behaviours["act"] = {
            "do": self.one(
                [{"set": {"v": "v + 1"}}], [{"append": {"to": "items", "item": "v"}}], [{"sleep": "1ms"}, {"set": {"v": "v + 1"}}],
                [{"if": "v > 1", "then": [rises]}], [{"set": {"v": "v + 2"}}, rises], [{"choose": {"from": [0, 1], "into": "v"}}],
            )
        }  # fmt: skip
        return "act"

    def _make_queue(self, name: str) -> None:
        order = self.one("fifo", "lifo", "priority", "simple")
        size = 0 if order == "simple" else self.one(0, 1, 1, 2)
        self.sync[name] = {"queue": {"kind": order, **({"maxsize": size} if size else {})}}

    def _make_pool(self, name: str) -> None:
        self.sync[name] = {"pool": {"max_workers": self.one(1, 1, 2)}}

    def _make_future(self, name: str) -> None:
        self.sync[name] = self.one("future", "future", {"future": {"count": 2}})

    def _make_timer(self, name: str) -> None:
        args = {"args": {"x0": self.one(0, 1)}} if (target := self._helper()) == "h0" else {}
        self.sync[name] = {"timer": {"after": self.one("0s", "1ms"), "target": target, **args}}

    def _declare_group(self, name: str, size: int, count: int) -> None:
        group: dict[str, Any] = {"count": count} if count > 1 else {}
        pools = self._of_kind("pool")
        if pools and self.seldom():
            group["pool"] = self.one(*pools)
        elif self.one(*[False] * 7, True):
            group["daemon"] = True
        here = Here(is_replica=count > 1, is_daemon="daemon" in group)
        group["do"] = self._body(name, size, here, count)
        self.threads[name] = group

    def _body(self, name: str, size: int, here: Here, count: int = 1) -> list[Step]:
        """Steps, and a note of what they gave."""
        steps = self._steps(size, here)
        if not here.results:
            return steps
        variable = f"out_{name}"
        self.state[variable] = [None] * count if count > 1 else None
        place = f"{variable}[index]" if count > 1 else variable
        note = {"set": {place: f"[{', '.join(here.results)}]"}}
        begin = {"set": dict.fromkeys(here.results)}
        if self.one(True, False):
            return [begin, {"try": steps, "finally": [note]}]
        return [begin, {"try": [*steps, note], "except": {"Exception": [{"set": {place: "error"}}]}}]

    def _main(self) -> list[Step]:
        here = Here()
        steps: list[Step] = []
        for name in self.threads:
            steps += self._steps(self.one(0, 0, 0, 1), here)
            group = self.threads[name]
            if group.get("count", 1) > 1 and self.seldom():
                steps += [{"start": f"{name}[1]"}, {"start": f"{name}[0]"}]
            else:
                steps.append({"start": name})
        steps += self._steps(self.one(0, 0, 1, 2), here)
        steps += [{"join": name} for name in self.threads if self.seldom()]
        if not here.results:
            return steps
        self.state["out_main"] = None
        note = {"set": {"out_main": f"[{', '.join(here.results)}]"}}
        return [{"set": dict.fromkeys(here.results)}, {"try": steps, "finally": [note]}]

    def _expect(self) -> dict[str, Any]:
        expect: dict[str, Any] = {}
        if self.seldom():
            expect["final"] = [self.one("v == 1", "v >= 1", "len(items) < 2", "items[0] == 1", "table == {'a': 0}")]
        if self.seldom() and not self._has_daemons():
            inside = ["inside('crit') <= 1"] if self.sections else []
            expect["always"] = [self.one("v < 2", "len(items) <= 1", "v == len(items)", *inside)]
        if self.seldom():
            expect["outcomes"] = {"observe": ["v", self.one("len(items)", "items[0]", "v + 1")], "required": [[0, 0]]}
        return expect

    def _has_daemons(self) -> bool:
        """With them no `always`: what a daemon breaks in the step in which it is cut off is not reported."""
        return "ghost" in self.behaviours or any("daemon" in group for group in self.threads.values())


class RunnableAuthor(Author):
    """Writes scenarios that real threads of this Python can run."""

    if not hasattr(queue.Queue, "shutdown"):
        closing = closed = ()


def compacted(part: Any) -> Any:
    """The same with short forms of several steps: `with: [a, b]`, `start: [a, b]`, `join: [a, b]`, `elif`."""
    if isinstance(part, dict):
        return _compacted_step({key: compacted(value) for key, value in part.items()})
    return _joined([compacted(one) for one in part]) if isinstance(part, list) else part


def _compacted_step(step: dict[str, Any]) -> dict[str, Any]:
    inner = step.get("do")
    if (
        "with" in step
        and isinstance(inner, list)
        and len(inner) == 1
        and isinstance(inner[0], dict)
        and "with" in inner[0]
    ):
        held = [*_listed(step["with"]), *_listed(inner[0]["with"])]
        return {"with": held, "do": inner[0]["do"]}
    other = step.get("else")
    if "if" in step and isinstance(other, list) and len(other) == 1 and isinstance(other[0], dict) and "if" in other[0]:
        nested = dict(other[0])
        rest = {"else": nested.pop("else")} if "else" in nested else {}
        more = nested.pop("elif", [])
        return {"if": step["if"], "then": step["then"], "elif": [nested, *more], **rest}
    return step


def _joined(steps: list[Any]) -> list[Any]:
    """Steps, of which starts and joins that follow one another are one."""
    out: list[Any] = []
    for step in steps:
        verb = next(
            (one for one in ("start", "join") if isinstance(step, dict) and isinstance(step.get(one), str)), None
        )
        last = out[-1].get(verb) if verb is not None and out and isinstance(out[-1], dict) else None
        if isinstance(last, str | list) and list(out[-1]) == list(step):
            out[-1] = {verb: [*_listed(last), step[verb]]}
        else:
            out.append(step)
    return out


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


NUMBERS = ("count", "parties", "maxsize", "max_workers", "value")
"""The numbers of declarations that a constant may stand for."""


def with_constants(scenario: dict[str, Any]) -> dict[str, Any]:
    """The same with constants of `let` in place of numbers of its declarations, and of what `repeat` counts."""
    used: dict[str, int] = {}
    changed = {part: _named(scenario[part], used) for part in ("sync", "threads", "behaviours") if part in scenario}
    return {"scenario": scenario["scenario"], "let": used, **scenario, **changed} if used else scenario


def _named(part: Any, used: dict[str, int]) -> Any:
    if isinstance(part, list):
        return [_named(one, used) for one in part]
    if not isinstance(part, dict):
        return part
    out = {}
    for key, value in part.items():
        is_result = key == "value" and "future" in part  # an expression, and no number of a declaration
        if key in (*NUMBERS, "repeat") and isinstance(value, int) and not is_result:
            used["few"] = 2
            out[key] = f"few + {value - 2}" if value > 2 else f"few - {2 - value}" if value < 2 else "few"
        else:
            out[key] = _named(value, used)
    return out


def _on_an_object(name: str, kind: str) -> list[Any]:
    """Steps that an interrupt may make on an object."""
    inside = [{"set": {"v": "v + 1"}}]
    steps: dict[str, list[Any]] = {
        "lock": [{"with": name, "do": inside}, {"acquire": {"lock": name, "blocking": False}}],
        "rlock": [{"with": name, "do": inside}, {"acquire": {"lock": name, "timeout": "1ms"}}],
        "condition": [{"with": name, "do": [{"notify_all": name}]}, {"with": name, "do": inside}],
        "event": [{"set_event": name}, {"clear_event": name}, {"wait": {"event": name, "timeout": "1ms"}}],
        "semaphore": [{"release": name}, {"acquire": {"lock": name, "blocking": False}}],
        "queue": [{"put": {"queue": name, "item": 7, "block": False}}, {"get": {"queue": name, "block": False}}],
        "timer": [{"cancel": {"timer": name}}],
        "future": [{"set_result": {"future": name, "value": 7}}, {"cancel": name}],
        "barrier": [{"abort": name}],
    }
    return steps.get(kind, [])


def _without_cancelled_tasks(part: Any) -> Any:
    """The same without `cancel_futures`, which is not for files that add callbacks to futures of pools."""
    if isinstance(part, list):
        return [_without_cancelled_tasks(one) for one in part]
    if not isinstance(part, dict):
        return part
    return {key: _without_cancelled_tasks(value) for key, value in part.items() if key != "cancel_futures"}


def _drop_unused(whole: dict[str, Any]) -> None:
    """Take out what was declared and not used."""
    while unused := [
        (part, name) for part in ("sync", "state", "behaviours") for name in whole[part] if _is_unused(name, whole)
    ]:
        for part, name in unused:
            del whole[part][name]


def _is_unused(name: str, whole: dict[str, Any]) -> bool:
    """Whether nothing but its own declaration has this name."""
    declared = [inner for part in ("sync", "behaviours") for one, inner in whole[part].items() if one != name]
    return not re.search(rf"\b{name}\b", json.dumps([whole["main"], whole["threads"], whole["expect"], declared]))


def scenarios() -> st.SearchStrategy[dict[str, Any]]:
    """Scenarios as mappings that `scenrun.load` accepts.

    One drawn tape instead of many draws: Hypothesis repeats parts of what it drew, which gave the same scenarios often.
    """
    return st.binary(min_size=TAPE, max_size=TAPE).map(lambda tape: Author(tape).scenario())


def runnable_scenarios() -> st.SearchStrategy[dict[str, Any]]:
    """Those that real threads of this Python can run."""
    return st.binary(min_size=TAPE, max_size=TAPE).map(lambda tape: RunnableAuthor(tape).scenario())


def verbs_of(scenario: dict[str, Any]) -> Counter[str]:
    """How often each verb is written in a scenario."""
    parts = [group.get("do", []) for group in scenario["threads"].values()]
    parts += [behaviour["do"] for behaviour in scenario.get("behaviours", {}).values()]
    return Counter(_verbs([*parts, scenario.get("main", [])]))


def _verbs(part: Any) -> Iterator[str]:
    if isinstance(part, list):
        for one in part:
            yield from _verbs(one)
    elif isinstance(part, dict):
        for name, inner in part.items():
            if name in COVERED:
                yield name
            yield from _verbs(inner)
