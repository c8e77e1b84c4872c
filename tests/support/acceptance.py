"""Whether the model can do what a real run's debug log tells: each operation at some moment between its two lines.

A thread's `about` line stands before its operation, its `done` line after. What has one line only (an access to a
variable, a question, a section, a message) took place between the thread's line before and that one. The search goes
through the log and lets the model move only when the next line asks for it: threads whose interval has begun may move, in
any order, and whoever moves must get what the log says (Lowe, Testing for linearizability, 2017).
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from told import SILENT, Line, Told, has_about, has_done, is_about, is_question, plain, shown

from scenrun.model.interruptions import INTERRUPT
from scenrun.model.machine import Machine, Transition
from scenrun.model.state import BEGINNING, ENDED, LEAVING, State, Thread
from scenrun.program.ir import Instruction, Program
from scenrun.program.primitives.kinds import Done, Failed, Outcome, Then
from scenrun.program.primitives.registry import operation
from scenrun.program.values import key
from scenrun.search.space.plain_search import end_of
from scenrun.trace.recorder import event_of

PATIENCE = 400_000
"""Places in the search, before it is given up as undecided."""
OPEN = -1
"""The thread has said what it is about to do, and is still in it; a positive number: its next lines are accounted for."""
BELOW = " below"
"""Behind a thread's name: what its status is once the interrupt is over that it runs."""
NOT_STEPS = ("finding", "thread.cut_off", "thread.resumed", "fault.raised")
"""A thread's lines that tell neither of a step nor of its beginning or end; what a fault leads to is seen in the next one."""
RESULTS = ("acquired", "value", "size", "at", "n")
"""The fields of a `done` line that say what an operation was given and gave."""


@dataclass(frozen=True, slots=True)
class Refused:
    """Where the model could go no further, in whatever order it took the steps."""

    line: Line
    reasons: tuple[str, ...]

    def __str__(self) -> str:
        line = self.line
        where = f"line {line.get('seq')}: {line.get('thread', 'the end')} {line['event']} {line.get('object', '')}"
        return f"the model cannot come past {where} (line {line.get('line')} of the file): {'; '.join(self.reasons)}"


@dataclass(frozen=True, slots=True)
class Place:
    """One place of the search."""

    state: State
    passed: int
    """How many lines are behind."""
    status: dict[str, int] = field(default_factory=dict)
    """Of each thread that is inside an operation, or whose next lines are accounted for."""


def refused(program: Program, log: list[Line]) -> Refused | None:
    """None if the model accepts the log of a real run; otherwise where and why not."""
    return None if _comes_before_a_failing_step(log) else _Search(program, log).refusal()


def _comes_before_a_failing_step(log: list[Line]) -> bool:
    """Whether an interrupt comes before a step that fails at once: if in its arguments, it is no step of the model."""
    waiting: dict[str, Line | None] = {}
    for line in log:
        name, last = str(line.get("thread")), waiting.get(str(line.get("thread")))
        if line["event"] == "thread.interrupted":
            waiting[name] = None
        elif line["event"] == "fault.raised" and last is not None and last.get("step") == line.get("step"):
            return True
        elif name in waiting and last is None and not str(line.get("step")).startswith("behaviours."):
            waiting[name] = line
        elif last is not None:
            del waiting[name]
    return False


def _go_on(thread: Thread | None, status: dict[str, int]) -> None:
    """Where an interrupt is over, its thread is inside the operation again that it has come into."""
    if thread is not None and thread.below is None and thread.who.name not in status:
        was_open = status.pop(thread.who.name + BELOW, None)
        if was_open is not None:
            status[thread.who.name] = was_open


class _Search:
    def __init__(self, program: Program, log: list[Line]) -> None:
        began = next(line for line in log if line["event"] == "run.started")
        self.machine = Told(program, began["seed"])
        self.log_fields = program.log_fields
        self.end = _End(self.machine, log)
        self.lines = [line for line in log if "thread" in line and line["event"] not in NOT_STEPS]
        self.at: dict[str, list[int]] = {}
        for place, line in enumerate(self.lines):
            self.at.setdefault(line["thread"], []).append(place)
        self.furthest = -1
        self.reasons: dict[str, None] = {}
        self.keys: dict[int, tuple[Any, Any]] = {}

    def refusal(self) -> Refused | None:
        """Depth first, with a memory of what has led nowhere."""
        start = self._passed(Place(self.machine.initial(), 0))
        stack = [(start, self._following(start))]
        dead: set[Any] = set()
        for _ in range(PATIENCE):
            if not stack:
                return self._refused()
            place, following = stack[-1]
            if self._is_accepted(place):
                return None
            after = next(following, None)
            if after is None:
                dead.add(self._key(place))
                stack.pop()
            elif not dead or self._key(after) not in dead:
                stack.append((after, self._following(after)))
        raise AssertionError(f"undecided after {PATIENCE:,} places, at line {self.furthest} of {len(self.lines)}")

    def _refused(self) -> Refused:
        ended = self.furthest >= len(self.lines)
        line = {"event": "run.finished"} if ended else self.lines[max(0, self.furthest)]
        return Refused(line, tuple(self.reasons) or ("nobody may move",))

    def _is_accepted(self, place: Place) -> bool:
        if place.passed < len(self.lines):
            return False
        why = self.end.differs(place.state)
        if why:
            self._note(place, why)
        return not why

    def _note(self, place: Place, why: str) -> None:
        if place.passed > self.furthest:
            self.furthest, self.reasons = place.passed, {}
        if place.passed == self.furthest and len(self.reasons) < 12:
            self.reasons[why] = None

    def _key(self, place: Place) -> Any:
        return (place.passed, tuple(sorted(place.status.items())), self._of(place.state))

    def _of(self, state: State) -> Any:
        """A stand-in for a state, made of those of its parts, which most states share."""
        cells = tuple(self._part(cell) for cell in state.cells)
        return (cells, tuple(self._part(thread) for thread in state.threads), state.broken)

    def _part(self, part: Any) -> Any:
        if isinstance(part, int | str) or part is None:
            return key(part)
        if id(part) not in self.keys:
            if len(self.keys) > 100_000:
                self.keys.clear()
            self.keys[id(part)] = (part, key(part))
        return self.keys[id(part)][1]

    # --- passing lines

    def _passed(self, place: Place) -> Place:
        """The place after all lines that the model agrees with as it stands."""
        state, passed, status = place.state, place.passed, dict(place.status)
        while passed < len(self.lines) and self._agrees(state, passed, status):
            passed += 1
        after = Place(state, passed, status)
        self._note(after, "")
        self.reasons.pop("", None)
        return after

    def _agrees(self, state: State, passed: int, status: dict[str, int]) -> bool:
        """Whether the next line may be passed; if so, its thread's status is what it then is."""
        line = self.lines[passed]
        name = line["thread"]
        thread = next((one for one in state.threads if one.who.name == name), None)
        if status.get(name, 0) > 0:
            status[name] -= 1
            if not status[name]:
                del status[name]
                _go_on(thread, status)
            return True
        if thread is None or name in status:
            return False
        if line["event"] == "thread.started":
            return thread.pc not in (BEGINNING, ENDED)
        if self._is_first_in_vain(line, passed):
            return True
        if line["event"] == "thread.failed":
            fault = thread.fault
            return (
                thread.pc == LEAVING and fault is not None and (fault.type, fault.text) == (line["type"], line["text"])
            )
        if thread.pc < 0:
            return False
        if line["event"] == "thread.ended":
            return self.machine.instruction_of(thread).op == "end"  # type: ignore[union-attr]
        if not self._is_of(line, thread, "about"):
            return False
        status[name] = OPEN
        return True

    def _is_first_in_vain(self, line: Line, passed: int) -> bool:
        """Whether it announces what failed at a thread's very beginning."""
        first = self.machine.first_in_vain.get(line["thread"], [])
        since = bisect_left(self.at[line["thread"]], passed) - 1
        return 0 <= since < len(first) and is_about(line, first[since])

    def _is_of(self, line: Line, thread: Thread, phase: str) -> bool:
        """Whether a line tells of what a thread is at."""
        instruction = self.machine.instruction_of(thread)
        assert instruction is not None
        if (line.get("step"), line.get("line")) != (instruction.step, instruction.line):
            return False
        if instruction.op == "log":
            return bool(phase == "done" and line["event"] == "message")
        if instruction.op in (*SILENT, "end") or (phase == "about" and not has_about(instruction)):
            return False
        if phase == "done" and not has_done(instruction):
            return False
        shown = "asked" if is_question(instruction) else phase
        label = self._label(thread, instruction)
        return bool(line["event"] == event_of(instruction.op, shown) and line.get("object") == label)

    def _label(self, thread: Thread, instruction: Instruction) -> str | None:
        """The name of the object that a thread's next step is about: of a future or thread that a local holds, its own."""
        if instruction.target is not None:
            return self.machine.slots.label(thread.slots[0])
        held = thread.arguments[0] if thread.arguments else None
        return str(held) if held.__class__.__name__ == "Handle" else None

    # --- steps of the model

    def _following(self, place: Place) -> Iterator[Place]:
        """The places after one step of somebody who may take one, first of all the one whose line is next."""
        threads = place.state.threads
        wanted = self.lines[place.passed]["thread"] if place.passed < len(self.lines) else None
        if wanted is not None and all(thread.who.name != wanted for thread in threads):
            self._note(place, f"{wanted} has not been started")
        for number in sorted(range(len(threads)), key=lambda number: threads[number].who.name != wanted):
            thread = threads[number]
            _, line = self._next(place, thread.who.name)
            if line is not None and line["event"] == "thread.interrupted":
                yield from self._interrupted(place, number, line)
            why = self._must_not(place, thread)
            if why:
                if thread.who.name == wanted:
                    self._note(place, f"{wanted} {why}")
                continue
            yield from self._steps(place, number, is_wanted=thread.who.name == wanted)

    def _steps(self, place: Place, number: int, *, is_wanted: bool) -> Iterator[Place]:
        thread, found = place.state.threads[number], False
        for transition in self.machine.transitions(place.state, number):
            if transition.expires and found:
                continue
            outcome, after = self.machine.given(place.state, transition)
            if after is None:
                continue
            found = True
            status = dict(place.status)
            why = self._contradicts(place, thread, outcome, status)
            if not why:
                self._announced_in_vain(place, thread.who.name, status)
                if thread.below is not None:
                    _go_on(after.threads[number], status)
                yield self._passed(Place(after, place.passed, status))
            elif is_wanted:
                self._note(place, f"{thread.who.name} {why}")
        if not found and is_wanted:
            self._note(place, f"{thread.who.name} {self._at(thread)} is not enabled, as {self._stands(place, thread)}")

    def _interrupted(self, place: Place, number: int, line: Line) -> Iterator[Place]:
        """The places after an interrupt has come in a thread, which may be in the middle of an operation."""
        thread = place.state.threads[number]
        name = thread.who.name
        for at, interrupt in enumerate(self.machine.program.interrupts_of(thread.who.group)):
            after = self.machine.step(place.state, Transition(number, False, INTERRUPT - at))
            if after is None or interrupt.target != line["target"] or place.status.get(name, 0) > 0:
                continue
            status = dict(place.status)
            if status.pop(name, None) == OPEN:
                status[name + BELOW] = OPEN
            status[name] = 1
            yield self._passed(Place(after, place.passed, status))

    def _stands(self, place: Place, thread: Thread) -> str:
        cells = [f"{self.machine.slots.label(slot)} is {place.state.cells[slot]!r}" for slot in thread.slots]
        return ", ".join(cells) or "it is"

    def _at(self, thread: Thread) -> str:
        instruction = self.machine.instruction_of(thread)
        return f"at {instruction.op} of line {instruction.line}" if instruction else "before its first step"

    def _next(self, place: Place, name: str) -> tuple[Line | None, Line | None]:
        """The latest line of a thread that is behind, and its next one."""
        mine = self.at.get(name, [])
        at = bisect_left(mine, place.passed)
        return self.lines[mine[at - 1]] if at else None, self.lines[mine[at]] if at < len(mine) else None

    def _must_not(self, place: Place, thread: Thread) -> str:
        """Why a thread may not take a step here, as far as its own lines tell; nothing if it may."""
        before, line = self._next(place, thread.who.name)
        status = place.status.get(thread.who.name, 0)
        if status > 0 or thread.pc == ENDED:
            return "has done all that its lines tell"
        if status == OPEN or thread.pc == BEGINNING:
            return ""
        if before is None:
            return "has not taken its first step"
        if thread.pc == LEAVING:
            return "" if before["event"] == "thread.failed" else f"would leave with {thread.fault}"
        instruction = self.machine.instruction_of(thread)
        assert instruction is not None
        if instruction.op == "end":
            return "" if before["event"] == "thread.ended" else "would end"
        if line is None:
            return "has no more lines"
        return f"{self._at(thread)} has not said so" if has_about(instruction) else ""

    def _contradicts(self, place: Place, thread: Thread, outcome: Outcome, status: dict[str, int]) -> str:
        """How a step differs from what the log says; if it does not, the thread's status is what it then is."""
        name = thread.who.name
        _, line = self._next(place, name)
        was_open = status.get(name) == OPEN
        if isinstance(outcome, Then):
            return ""
        status.pop(name, None)
        if thread.pc == BEGINNING:
            runs = isinstance(outcome, Done) and outcome.result
            return "" if bool(runs) == (line is not None) else f"{'runs' if runs else 'does not run'} in the model"
        instruction = self.machine.instruction_of(thread)
        assert instruction is not None
        if thread.pc == LEAVING or instruction.op == "end":
            return ""
        if was_open and line is None:  # cut off in the middle: what came of it, nobody knows, and it does no more
            status[name] = 1
            return ""
        if isinstance(outcome, Failed):
            failed = was_open and line is not None and self._is_of(line, thread, "done")
            return f"{self._at(thread)} fails in the model with {outcome.type}" if failed else ""
        if instruction.op == "atomic.begin":
            return self._inside_differs(place, name, status)
        if instruction.op in SILENT or not has_done(instruction):
            return ""
        if line is None or not self._is_of(line, thread, "done"):
            return f"{self._at(thread)} gives {outcome.result!r} in the model" if line else "has no more lines"
        status[name] = 1
        return self._result_differs(line, thread, instruction, outcome)

    def _result_differs(self, line: Line, thread: Thread, instruction: Instruction, outcome: Outcome) -> str:
        assert isinstance(outcome, Done)
        known = operation(instruction.op)
        result = outcome.result[0] if known is not None and known.tells_first else outcome.result
        given: dict[str, Any] = {"acquired": result, "value": result}
        if instruction.op == "log":
            text, fields = thread.arguments
            given = {"message": text, "fields": {**self.log_fields, **(fields or {})} or None}
        else:
            given.update(shown(instruction, thread.arguments))
        if instruction.op == "pool.submit":
            given["value"] = line["value"]  # the task's name, with which its own lines begin
        elif instruction.op in ("queue.put", "queue.get"):
            given["size"] = len(outcome.values[0][0])
        elif instruction.op in ("simple_queue.put", "simple_queue.get"):
            given["size"] = line["size"]  # asked after the operation, so another thread may have come between
        for name in (*RESULTS, "message", "fields"):
            if (name in line or name in ("message", "fields")) and key(plain(line.get(name))) != key(
                plain(given.get(name))
            ):
                return (
                    f"{self._at(thread)} has {name} {given.get(name)!r} in the model and {line.get(name)!r} in the log"
                )
        return ""

    def _announced_in_vain(self, place: Place, name: str, status: dict[str, int]) -> None:
        """Account for lines that say what was about to be done when its arguments failed."""
        mine = self.at.get(name, [])
        for instruction in self.machine.in_vain:
            at = bisect_left(mine, place.passed) + status.get(name, 0)
            if at < len(mine) and is_about(self.lines[mine[at]], instruction):
                status[name] = status.get(name, 0) + 1

    def _inside_differs(self, place: Place, name: str, status: dict[str, int]) -> str:
        """How the lines inside an `atomic` differ from what the model did in one step."""
        mine = self.at[name]
        at = bisect_left(mine, place.passed)
        count = 0
        for instruction, result in self.machine.inside:
            line = self.lines[mine[at + count]] if at + count < len(mine) else None
            if line is None or (line.get("step"), line.get("line")) != (instruction.step, instruction.line):
                return f"does {instruction.op} of line {instruction.line} inside an `atomic` in the model"
            if instruction.into is not None and key(plain(line.get("value", result))) != key(plain(result)):
                return f"gets {result!r} from {instruction.op} of line {instruction.line} in the model"
            count += 1
        if count:
            status[name] = count
        return ""


class _End:
    """What the log says of the end of the run."""

    def __init__(self, machine: Machine, log: list[Line]) -> None:
        self.machine = machine
        self.finished = next((line for line in log if line["event"] == "run.finished"), None)
        found = [] if self.finished is None else self.finished["findings"]
        endless = any(group.endless for group in machine.program.groups)
        self.cut = {line["thread"] for line in log if line["event"] == "thread.cut_off"}
        self.has_daemons = any(group.daemon for group in machine.program.groups)
        self.is_cut_short = endless or any(finding["kind"] == "incomplete" for finding in found)
        found = [finding for finding in found if "outcome" not in finding]  # that is no matter of the log
        checked = [] if self.finished is None else self.finished["expectations"]
        self.unchecked = {one["expression"] for one in checked if one["found"] == "not_checked"}
        self.stuck = {str(t["thread"]) for f in found if f["kind"] == "deadlock" for t in f["threads"]}
        self.others = {(f["kind"], f.get("expectation") or f.get("thread")) for f in found if f["kind"] != "deadlock"}

    def differs(self, state: State) -> str:
        """How a state of the model differs from the end of the run; nothing if it does not."""
        if self.finished is None or self.is_cut_short:
            return ""
        if not self.stuck and not all(map(self._is_over, state.threads)):
            return "the run is not over in the model"
        for number, thread in enumerate(state.threads):
            if thread.who.name in self.stuck and self._may_move(state, number):
                return f"{thread.who.name} is not stuck in the model"
        found = {(kind, of) for kind, of in end_of(self.machine, state).findings if kind != "deadlock"}
        found = {(kind, of) for kind, of in found if of not in self.unchecked}
        if found != self.others:
            return f"the model finds {sorted(found)}, and the run found {sorted(self.others)}"
        names = [cell.name for cell, _ in self.machine.slots.cells]
        cells = zip(names, self.machine.slots.kinds, state.cells, strict=False)
        variables = {name: value for name, kind, value in cells if kind == "variable"}
        if key(plain(variables)) != key(plain(self.finished["state"])):
            return f"in the model the variables are {variables}, and in the run {self.finished['state']}"
        return ""

    def _is_over(self, thread: Thread) -> bool:
        """Whether the end need not wait for a thread, such as one that a daemon began when all others had ended."""
        begun_by_daemon = self.has_daemons and (thread.who.name in self.cut or thread.pc == BEGINNING)
        return thread.pc == ENDED or thread.who.daemon or begun_by_daemon

    def _may_move(self, state: State, number: int) -> bool:
        return any(self.machine.step(state, Transition(number, expires)) is not None for expires in (False, True))
