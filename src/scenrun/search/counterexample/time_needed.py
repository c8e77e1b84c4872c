"""What a schedule needs of time: whether it is one of virtual time too, or else how late threads must be for it at the least.

Every step of the schedule is given a moment. Steps take no time; what sleeps and works goes on at the earliest when that is
over, and a time-out fires at its deadline at the earliest, which counts from when there is something to wait for. A thread is
late by all the time that passes while it could move. Where no thread need be late, the schedule is one of virtual time.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any, NamedTuple

from msgspec import Struct

from scenrun.model.machine import Machine, Transition
from scenrun.model.state import ENDED, State, Thread
from scenrun.program.primitives.clock import READ
from scenrun.report.amounts import exact_seconds
from scenrun.search.counterexample.difference_costs import Differences, Impossible, TooMuchWork, Work
from scenrun.search.counterexample.going_round import may_go_round
from scenrun.search.counterexample.timekeeper import LASTING, Timekeeper, deadline_asked

MOST_STEPS, MOST_SPANS = 300, 1_500
"""The longest schedules, in steps and in spans in which threads could move, for which the least delay is worked out."""
MOST_WORK = 3_000_000
"""The most looks at a constraint."""
MOST_BRANCHES = 60
_FIRST = 1 << 90
"""The weight of a thread's time, beside which the order of threads decides only between delays that are the same in all."""


class TimeNeeded(Struct, frozen=True):
    """What a schedule needs of time."""

    late_ns: tuple[tuple[str, int], ...]
    """The threads that must be late, and by how much; empty where none must."""
    is_certain: bool = True
    """Whether every least delay is this one: otherwise other threads may be late instead, by as much in all."""
    is_timeless: bool = False
    """Whether nothing in the program takes time or waits for it, so that there is nothing to say."""

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        late = {name: late / 1e9 for name, late in self.late_ns}
        return {"needs": str(self), "late_s": late, "is_certain": self.is_certain}

    def __str__(self) -> str:
        if not self.late_ns:
            return "also in the clock's order"
        each = " and ".join(f"{name} is late by {exact_seconds(late / 1e9)}" for name, late in self.late_ns)
        if self.is_certain:
            return f"only if {each}"
        whole = exact_seconds(sum(late for _, late in self.late_ns) / 1e9)
        return f"only if threads are late by {whole} in all: {each}, or others instead"


class _Ready(NamedTuple):
    """The moment from which a thread can go on: so long after a step of the schedule."""

    step: int
    after: int


class _Span(NamedTuple):
    """A part of the schedule, between two of its steps, in which a thread can move as soon as it is ready."""

    thread: int
    begin: int
    end: int
    ready: _Ready
    moves: bool
    """Whether it ends with the thread's own step."""


def time_needed(machine: Machine, transitions: Sequence[Transition]) -> TimeNeeded | None:
    """The least delay of a path of a machine in free time; None where it is not known."""
    program = machine.program
    ops = {i.op for code in program.codes for i in code.instructions}
    if machine.timed or program.interrupts or READ in ops or len(transitions) > MOST_STEPS:
        return None
    path = _Path(machine, transitions)
    try:
        if not path.is_sure:
            return None
        times = path.earliest()
        if not sum(path.late(times)):
            return TimeNeeded((), is_timeless=not has_durations(machine))
        if len(path.spans) > MOST_SPANS or may_go_round(machine, transitions):
            return None
        return _least(path)
    except (Impossible, TooMuchWork):
        return None


def has_durations(machine: Machine) -> bool:
    """Whether anything in a program takes time or waits for it."""
    for code in machine.codes:
        for node in code.nodes:
            known = node.operation
            if node.instruction.op in LASTING:
                return True
            if known is not None and known.timeout_at is not None:
                given = node.instruction.arguments
                if len(given) <= known.timeout_at or given[known.timeout_at] != "None":
                    return True
    return any(cell.kind == "timer" for cell in machine.program.cells)


class _Path:
    """The moments of a path: its constraints, and the spans in which its threads can move."""

    def __init__(self, machine: Machine, transitions: Sequence[Transition]) -> None:
        self.machine = machine
        self.work = Work(MOST_WORK)
        self.transitions = transitions
        self.keeper = Timekeeper.over(machine)
        self.states = [self.keeper.initial()]
        self.names: list[str] = []
        self.constraints: list[tuple[int, int, int]] = [(at, at + 1, 0) for at in range(len(transitions))]
        self.spans: list[_Span] = []
        self._arrived: dict[int, _Ready] = {}
        self._waiting: dict[int, _Ready] = {}
        self._deadlines: dict[int, dict[str, _Ready]] = defaultdict(dict)
        self._open: dict[int, tuple[int, _Ready]] = {}
        self._blocked: set[int] = set()
        """The threads that could not do what they came to at some moment since."""
        self._unsure: set[int] = set()
        """Threads of whose wait it is not known whether it began before or after they had slept."""
        self.is_sure = True
        """Whether it is known from when on each time-out counts."""
        self._arrive(0, None)
        for number, transition in enumerate(transitions, 1):
            self._look(number - 1)
            self._move(number, transition)
        for thread in list(self._open):
            self._close(thread, len(transitions), moves=False)
        self.names = [thread.who.name for thread in self.states[-1].threads]

    def _arrive(self, number: int, moved: int | None) -> None:
        """Note from when on the threads that went on in a step can make their next."""
        for at, thread in enumerate(self.states[-1].threads):
            name = thread.who.name
            if at not in self._arrived or at == moved:
                self._arrived[at] = _Ready(number, self.keeper.lasted.get(name, 0))
                self._blocked.discard(at)
                self._unsure.discard(at)
                if not thread.phase:
                    self._waiting[at] = self._arrived[at]
                elif thread.phase == 1:
                    self._waiting[at] = _Ready(number, 0)
                for register, after in self.keeper.deadlines.get(name, {}).items():
                    self._deadlines[at][register] = _Ready(number, after)

    def _look(self, number: int) -> None:
        """Begin and end the spans of the threads that can move after a step."""
        state = self.states[-1]
        over = self.machine.is_over(state)
        for at in range(len(state.threads)):
            ready = None if over else self._ready(state, at, number)
            if at in self._open and self._open[at][1] != ready:
                self._close(at, number, moves=False)
            if ready is not None and at not in self._open:
                self._open[at] = number, ready

    def _close(self, at: int, number: int, *, moves: bool) -> None:
        begin, ready = self._open.pop(at)
        self.spans.append(_Span(at, begin, number, ready, moves))

    def _note_wait(self, number: int, thread: Thread, at: int, *, can_go_on: bool) -> None:
        """Note from when on a thread waits: not while it could have had what it waits for, had it only asked."""
        if thread.phase:
            return
        arrived = self._arrived[at]
        if can_go_on:
            if arrived.after or at in self._blocked:
                self._unsure.add(at)
        elif at not in self._blocked:
            self._blocked.add(at)
            if number > arrived.step and not arrived.after:
                self._waiting[at] = _Ready(number, 0)

    def _ready(self, state: State, at: int, number: int) -> _Ready | None:
        """From when on a thread can move in a state; None where it can not."""
        if state.threads[at].pc == ENDED:
            return None
        ways = [way for way, _ in self.machine.following_of(state, at)]
        self._note_wait(number, state.threads[at], at, can_go_on=any(not way.expires for way in ways))
        if not ways:
            return None
        return self._arrived[at] if any(not way.expires for way in ways) else self._due(state.threads[at], at)

    def _due(self, thread: Thread, at: int) -> _Ready:
        """When the time-out of a thread's wait fires."""
        asked = deadline_asked(self.machine.node_of(thread))
        if asked is not None:
            return self._deadlines[at][asked]
        operation = self.machine.operation_of(thread)
        assert operation is not None
        assert operation.timeout_at is not None
        begun = self._waiting[at]
        return _Ready(begun.step, begun.after + max(0, int(thread.arguments[operation.timeout_at])))

    def _move(self, number: int, transition: Transition) -> None:
        state, at = self.states[-1], transition.thread
        arrived = self._arrived[at]
        self.constraints.append((arrived.step, number, arrived.after))
        ready = self._due(state.threads[at], at) if transition.expires else arrived
        self.constraints.append((ready.step, number, ready.after))
        if transition.expires and at in self._unsure:
            self.is_sure = False
        self._keep_deadline(number, state.threads[at], at, transition)
        if at in self._open:
            self._close(at, number, moves=True)
        after = self.keeper.step(state, transition)
        assert after is not None
        self.states.append(after)
        self._arrive(number, at)

    def _keep_deadline(self, number: int, thread: Thread, at: int, transition: Transition) -> None:
        """A look at the clock tells whether a deadline is over."""
        node = self.machine.node_of(thread)
        if node is None or node.instruction.op != "branch":
            return
        asked = deadline_asked(node)
        if asked is None:
            return
        due = self._deadlines[at][asked]
        is_ahead = self.machine.result_of(self.states[-1], transition) != 0
        self.constraints.append((number, due.step, 1 - due.after) if is_ahead else (due.step, number, due.after))

    # --- delays

    def earliest(self) -> list[int]:
        """The earliest moment of each step."""
        return self._differences().least()

    def _differences(self) -> Differences:
        made = Differences(len(self.states), self.work)
        for constraint in self.constraints:
            made.at_least(*constraint)
        return made

    def late(self, times: Sequence[int]) -> list[int]:
        """For each thread, how long it could have moved and did not."""
        out = [0] * len(self.states[-1].threads)
        for span in self.spans:
            ready = times[span.ready.step] + span.ready.after
            out[span.thread] += max(0, times[span.end] - max(times[span.begin], ready))
        return out

    def cost_of(self, span: _Span, times: Sequence[int]) -> int:
        """How long a thread could have moved in a span and did not."""
        return max(0, times[span.end] - max(times[span.begin], times[span.ready.step] + span.ready.after))

    def least(self, weights: Sequence[int], chosen: dict[_Span, bool]) -> list[int]:
        """Moments with the least weighted delay.

        chosen: for spans of which it is not known whether the thread is ready at their beginning, whether the delay is taken from
        when it is ready; those that are not in it cost nothing.
        """
        made = self._differences()
        for span in self.spans:
            from_ready = chosen.get(span) if _is_open(span) else span.ready.after > 0
            if from_ready is None:
                continue
            if not from_ready:
                made.add(span.begin, span.end, weights[span.thread])
                continue
            last = span.end
            if not span.moves:
                last = made.new()
                made.at_least(span.end, last, 0)
                made.at_least(span.ready.step, last, span.ready.after)
            made.add(span.ready.step, last, weights[span.thread])
        return made.least()


def _is_open(span: _Span) -> bool:
    """Whether it depends on the moments if the thread is ready when the span begins."""
    return span.ready.after > 0 and span.ready.step < span.begin


def _least(path: _Path) -> TimeNeeded | None:
    """The least delay, and whether it is the only one."""
    threads = len(path.names)
    found = _branched(
        path, [_FIRST - at for at in range(threads)]
    )  # where it may be one or another, the later one is late
    if found is None:
        return None
    late = path.late(found)
    for at in (at for at in range(threads) if late[at]):
        other = _branched(path, [_FIRST + (one == at) for one in range(threads)])
        if other is None:
            return None
        if path.late(other) != late:
            return _needed(path, late, is_certain=False)
    return _needed(path, late, is_certain=True)


def _needed(path: _Path, late: Sequence[int], *, is_certain: bool) -> TimeNeeded:
    pairs = [(name, by) for name, by in zip(path.names, late, strict=True) if by]
    return TimeNeeded(tuple(pairs), is_certain)


def _branched(path: _Path, weights: Sequence[int]) -> list[int] | None:
    """The moments with the least weighted delay, by branch and bound over the open spans; None where these are too many."""
    best, least = None, None
    waiting: list[dict[_Span, bool]] = [{}]
    for _ in range(MOST_BRANCHES):
        if not waiting:
            break
        chosen = waiting.pop()
        times = path.least(weights, chosen)
        whole = sum(weight * late for weight, late in zip(weights, path.late(times), strict=True))
        bound = _cost(path, weights, chosen, times)
        if least is None or whole < least:
            best, least = times, whole
        if bound >= least:
            continue
        span = max(
            (one for one in path.spans if _is_open(one) and one not in chosen), key=lambda one: path.cost_of(one, times)
        )
        waiting += [{**chosen, span: True}, {**chosen, span: False}]
    return None if waiting else best


def _cost(path: _Path, weights: Sequence[int], chosen: dict[_Span, bool], times: Sequence[int]) -> int:
    """What the moments cost with the choices that are made: no more than all delays that these choices leave."""
    out = 0
    for span in path.spans:
        choice = chosen.get(span) if _is_open(span) else span.ready.after > 0
        if choice is None:
            continue
        ready = times[span.ready.step] + span.ready.after if choice else times[span.begin]
        out += weights[span.thread] * max(0, times[span.end] - ready)
    return out
