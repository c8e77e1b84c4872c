"""Paths of the model to each of its ends, replayed: an executor's end must be the model's own."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any
from unittest import mock

from ends_compared import Numbers, by_name, end_without_daemons

from scenrun.execution.replay import on_threads
from scenrun.execution.replay.on_simulator import follow_program
from scenrun.execution.replay.on_threads import replay_program
from scenrun.execution.replay.plan import ReplayPlan, plan_of, to_show
from scenrun.execution.threads import interrupts, locks, supervisor, threads
from scenrun.model.machine import FREE, Machine, Transition
from scenrun.model.move_schedule import MoveSchedule
from scenrun.model.moves import moves_of
from scenrun.model.state import State
from scenrun.program.ir import Program
from scenrun.program.values import key
from scenrun.report.results import RunResult
from scenrun.search.space.plain_search import End
from scenrun.trace.recorder import Recorder

LONGEST = 2_000
"""Moves after which a random walk is given up."""


@dataclass(frozen=True)
class Wanted:
    """One path with the end that the model comes to."""

    end: End
    transitions: tuple[Transition, ...]


def free(program: Program) -> Machine:
    """The model as a search has it."""
    return Machine(program, folded=FREE)


def every_end(machine: Machine, most_states: int) -> list[Wanted]:
    """One path to each end that is found, depth first, within so many states."""
    numbers, initial = Numbers(), machine.initial()
    seen, found = {numbers.of(initial)}, {}
    waiting: list[tuple[State, Any]] = [(initial, None)]
    while waiting and len(seen) <= most_states:
        state, path = waiting.pop()
        after = list(machine.following(state))
        if not after:
            found.setdefault(end_without_daemons(machine, state), path)
        for transition, following in after:
            if (number := numbers.of(following)) not in seen:
                seen.add(number)
                waiting.append((following, (transition, path)))
    return [Wanted(end, _unrolled(path)) for end, path in found.items()]


def _unrolled(path: Any) -> tuple[Transition, ...]:
    out = []
    while path is not None:
        transition, path = path
        out.append(transition)
    return tuple(reversed(out))


def walked(machine: Machine, seed: int) -> Wanted | None:
    """A random walk to its end; None where it takes too long."""
    draw, state, transitions = random.Random(seed), machine.initial(), []
    for _ in range(LONGEST):
        after = list(machine.following(state))
        if not after:
            return Wanted(end_without_daemons(machine, state), tuple(transitions))
        transition, state = draw.choice(after)
        transitions.append(transition)
    return None


def cycle(machine: Machine, thread_fields: set[str]) -> tuple[tuple[Transition, ...], int]:
    """A path that ends in a cycle in which these threads move, and where that begins."""
    numbers = Numbers()
    for seed in range(200):
        draw, state, transitions, seen = random.Random(seed), machine.initial(), [], {}
        for count in range(200):
            first = seen.setdefault(numbers.of(state), count)
            names = {state.threads[transition.thread].who.name for transition in transitions[first:]}
            if first < count and names == thread_fields:
                return tuple(transitions), first
            if not (after := list(machine.following(state))):
                break
            transition, state = draw.choice(after)
            transitions.append(transition)
    raise AssertionError("no such cycle")


def schedule_of(machine: Machine, wanted: Wanted, **more: Any) -> MoveSchedule:
    """The schedule of a path; what it is to show is the deadlock at its end, or else anything that it found."""
    findings = sorted(wanted.end.findings, key=lambda one: (one[0] != "deadlock", one))
    given = {"finding": findings[0] if findings else None, **more}
    program = machine.program
    moves = moves_of(machine, wanted.transitions)
    return MoveSchedule(program.name, program.source.name, program.digest, machine.seed, moves, **given)


def replays(on: str) -> Callable[..., RunResult]:
    """What replays a plan there."""
    return follow_program if on == "simulator" else replay_program


def replay_of(on: str, machine: Machine, schedule: MoveSchedule, **how: Any) -> tuple[RunResult, ReplayPlan]:
    """A replay whose log goes nowhere."""
    plan = plan_of(machine.program, schedule)
    program = to_show(machine.program, schedule.finding)
    return replays(on)(program, plan, lambda run: Recorder(run, None), seed=schedule.seed, **how), plan


def unlike(on: str, machine: Machine, wanted: Wanted) -> str | None:
    """What a replay of a path came to, where that is not the end of the model or it is not said to be shown."""
    schedule = schedule_of(machine, wanted)
    result, plan = replay_of(on, machine, schedule)
    real = end_of_replay(result, plan)
    if real == wanted.end and result.notes["shown"]:
        return None
    moves = "\n".join(f"  {move}" for move in schedule.moves)
    said = [finding.message for finding in result.findings]
    text = machine.program.source.text
    return f"{text}\n{moves}\nthe model: {wanted.end}\nthe replay: {real}\nshown: {result.notes['shown']}, {said}"


def end_of_replay(result: RunResult, plan: ReplayPlan) -> End:
    """The end of a replay, in the form of the walk's."""
    findings = {
        (f.kind, str(f.details.get("expectation") or f.thread)) for f in result.findings if f.kind != "deadlock"
    }
    stuck = {one.thread for f in result.findings if f.kind == "deadlock" for one in f.threads} - plan.daemons
    if stuck:
        findings.add(("deadlock", ", ".join(sorted(stuck))))
    outcome = None if stuck else _named(key(list(result.outcome or ())))
    return End(frozenset(findings), _named(key(list(result.state.values()))), outcome)


def _named(stand_in: Any) -> Any:
    """The value with threads and futures by their names, also simulated ones."""
    if isinstance(stand_in, tuple):
        return tuple(map(_named, stand_in))
    return f"<{stand_in}>" if hasattr(stand_in, "send") else by_name(stand_in)


@contextmanager
def quick(patience_s: float = 10.0) -> Iterator[None]:
    """Waits look up often, and a replay in which nothing moves is given up after so long."""
    with ExitStack() as changed:
        for place, name, value in (
            (supervisor, "TICK_S", 0.003), (threads, "SLICE_S", 0.005), (locks, "SLICE_S", 0.005), (interrupts, "SLICE_S", 0.005),
            (supervisor, "DETECT_NS", 3_000_000), (on_threads, "PATIENCE_S", patience_s),
        ):  # fmt: skip
            changed.enter_context(mock.patch.object(place, name, value))
        yield
