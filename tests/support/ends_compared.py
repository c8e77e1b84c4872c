"""Whether a real run ended as the model says that it may: both ends in one form, and the search for the real one."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Set
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any
from unittest import mock

import yaml

import scenrun
from scenrun.execution.threads import interrupts, locks, supervisor, threads
from scenrun.execution.threads.threads import Handle as RealHandle
from scenrun.model.machine import Machine
from scenrun.model.state import ENDED, Handle, State
from scenrun.program.findings import Finding
from scenrun.program.values import key
from scenrun.report.results import RunResult
from scenrun.search.space.plain_search import End, end_of, is_cancelled, walk

SHOWN = 20
"""Ends of the model that a failure shows: those most like the real one."""


@dataclass(frozen=True)
class Compared:
    """What became of one scenario."""

    scenario: dict[str, Any]
    found: str
    """`same`: the model can end so; `different`: it cannot; `too large`: it was not found within so many states."""
    real: End
    result: RunResult
    states: int
    ends: tuple[End, ...] = ()
    """Where it is different, every end of the model."""

    def __str__(self) -> str:
        """For a person who is to find out which of the two is wrong."""
        lines = [yaml.safe_dump(self.scenario, sort_keys=False), f"the real run: {self._told(self.real)}"]
        lines += [f"  {finding.kind}: {finding.message}" for finding in self.result.findings]
        lines += [f"the model, {len(self.ends)} ends:"]
        shown = sorted(self.ends, key=_unlike(self.real))[:SHOWN]
        lines += [f"  {self._told(end)}" for end in shown]
        return "\n".join(lines + [f"  and {len(self.ends) - SHOWN} more"] * (len(self.ends) > SHOWN))

    def _told(self, end: End) -> str:
        variables = dict(zip(self.result.state, plain(end.state), strict=True))
        observed = f", observed {seen}" if (seen := plain(end.outcome)) else ""
        return f"{sorted(end.findings) or 'nothing found'}, {variables}{observed}"


def plain(stand_in: Any) -> Any:
    """The value that `machine.state.key` has made a stand-in for."""
    if not isinstance(stand_in, tuple):
        return stand_in
    kind, *parts = stand_in
    if kind is dict:
        return {plain(name): plain(item) for name, item in parts}
    if kind is float:
        return float.fromhex(parts[0])
    return parts[0] if kind is bool else [plain(part) for part in parts]


def _unlike(real: End) -> Callable[[End], tuple[int, str]]:
    """Ends that are most like the real one come first."""

    def differences(end: End) -> tuple[int, str]:
        parts = zip(end.state, real.state, strict=True)
        return len(end.findings ^ real.findings) + sum(a != b for a, b in parts), repr(end)

    return differences


def compare(scenario: dict[str, Any], most_states: int) -> Compared:
    """Run a scenario on real threads, and look for its end in the model."""
    loaded = scenrun.load(scenario)
    result = scenrun.run(loaded, time_limit=30)
    real = end_of_run(result, _daemons(scenario, result))
    return Compared(scenario, real=real, result=result, **_sought(Machine(loaded.program), real, most_states))


def end_of_run(result: RunResult, daemons: Set[str]) -> End:
    """The end of a real run, in the form of the walk's."""
    assert result.notes["not_ended"] == []
    findings = {_about(finding) for finding in result.findings if finding.kind != "deadlock"}
    stuck = {one.thread for f in result.findings if f.kind == "deadlock" for one in f.threads} - daemons
    if stuck:
        findings.add(("deadlock", ", ".join(sorted(stuck))))
    outcome = None if stuck else key(list(result.outcome or ()))
    return End(frozenset(findings), by_name(key(list(result.state.values()))), by_name(outcome))


def by_name(stand_in: Any) -> Any:
    """The same value with each thread and future in it as its name, by which both sides call it."""
    if isinstance(stand_in, tuple):
        return tuple(map(by_name, stand_in))
    return f"<{stand_in}>" if isinstance(stand_in, Handle | RealHandle) else stand_in


def _about(finding: Finding) -> tuple[str, str]:
    return finding.kind, str(finding.details.get("expectation") or finding.thread)


def _daemons(scenario: dict[str, Any], result: RunResult) -> set[str]:
    """The threads that need not end, by name."""
    groups = scenario["threads"]
    named = {one.thread for finding in result.findings for one in finding.threads}
    return {name for name in named if groups.get(name.split("[")[0], {}).get("daemon") or name.startswith("ghost#")}


@contextmanager
def impatient() -> Iterator[None]:
    """Deadlocks are looked for all the time, and waits look up often."""
    with ExitStack() as changed:
        for place, name, value in (
            (supervisor, "TICK_S", 0.003),
            (supervisor, "DETECT_NS", 3_000_000),
            (threads, "SLICE_S", 0.005),
            (locks, "SLICE_S", 0.005),
            (interrupts, "SLICE_S", 0.005),
        ):
            changed.enter_context(mock.patch.object(place, name, value))
        before = sys.getswitchinterval()
        changed.callback(lambda: sys.setswitchinterval(before))
        yield


# --- the model's ends


def _sought(machine: Machine, real: End, most_states: int) -> dict[str, Any]:
    """Walk through the model's states until the real end is found: `same` if the whole walk would have it."""
    goal, numbers = Goal(machine, real), Numbers()
    initial = machine.initial()
    seen, waiting = {numbers.of(initial)}, [initial]
    while waiting and len(seen) <= most_states:
        state = waiting.pop()
        after = list(machine.following(state))
        if all(state.threads[transition.thread].who.daemon for transition, _ in after) and goal.is_reached(state):
            return {"found": "same", "states": len(seen)}
        for _, following in after:
            if goal.is_possible(following) and (found := numbers.of(following)) not in seen:
                seen.add(found)
                waiting.append(following)
    if waiting:
        return {"found": "too large", "states": len(seen)}
    return {"found": "different", "states": len(seen), "ends": tuple(walk(machine, 20_000).ends)}


class Numbers:
    """Numbers for states, equal for equal states only; what two states share is looked at once."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[Any, int]] = {}
        """By identity, the part of a state itself, so that its identity stays its own, and its number."""
        self._numbers: dict[Any, int] = {}

    def of(self, state: State) -> tuple[int, ...]:
        """The state, each of its parts as a number."""
        return tuple(map(self._part, (*state.cells, *state.threads, state.broken)))

    def _part(self, part: Any) -> int:
        known = self._known.get(id(part))
        if known is None:
            number = self._numbers.setdefault(key(part), len(self._numbers))
            known = self._known[id(part)] = (part, number)
        return known[1]


class Goal:
    """A real end, to be told from states of the model that cannot lead there any more."""

    def __init__(self, machine: Machine, real: End) -> None:
        self.machine = machine
        self.real = real
        names = [cell.name for cell, _ in machine.slots.cells if cell.kind == "variable"]
        slots = [slot for slot, kind in enumerate(machine.slots.kinds) if kind == "variable"]
        self._notes = [
            (slot, wanted)
            for name, slot, wanted in zip(names, slots, real.state[1:], strict=True)
            if name.startswith("out_") and not isinstance(machine.slots.initial[slot], list)
        ]
        """The variables that are written once at the most, and what they must be at the end."""
        self._left = {about for kind, about in real.findings if kind in ("exception", "violated")}

    def is_possible(self, state: State) -> bool:
        """Whether nothing that is final already contradicts it."""
        if any(
            state.cells[slot] is not None and by_name(key(state.cells[slot])) != wanted for slot, wanted in self._notes
        ):
            return False
        return all(
            thread.fault is None or thread.pc != ENDED or thread.who.kind in ("task", "future")
            or thread.who.name in self._left for thread in state.threads
        )  # fmt: skip

    def is_reached(self, state: State) -> bool:
        """Whether a state in which only daemons can move, if anybody, is this end."""
        return end_without_daemons(self.machine, state) == self.real and is_stuck(self.machine, state)


def is_stuck(machine: Machine, state: State) -> bool:
    """Whether nobody who must end can ever move again; a real run ends there, whatever its daemons still do."""
    seen, waiting = {key(state)}, [state]
    while waiting:
        now = waiting.pop()
        for transition, after in machine.following(now):
            if not now.threads[transition.thread].who.daemon:
                return False
            if (found := key(after)) not in seen:
                seen.add(found)
                waiting.append(after)
    return True


def end_without_daemons(machine: Machine, state: State) -> End:
    """An end of the model; of a deadlock only threads count that must end."""
    end = end_of(machine, state)
    waiting = [t for t in state.threads if t.pc != ENDED and not t.who.daemon and not is_cancelled(state, t)]
    needed = ", ".join(sorted(t.who.name for t in waiting))
    findings = frozenset((kind, needed if kind == "deadlock" else about) for kind, about in end.findings)
    return End(findings, by_name(end.state), by_name(end.outcome))
