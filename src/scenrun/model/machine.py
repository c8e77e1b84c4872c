"""The only semantics of a step in the model: which steps are enabled in a state, and what each of them does.

A step is one guarded atomic action (a phase of an operation, from `primitives/`) with the thread's own instructions that
follow it (`own_instructions`). Outside `atomic` those touch only the thread's registers: other threads cannot notice them, so
folding them into the step loses no behaviour and saves states. Nothing here depends on which primitives there are.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from scenrun.errors import Fault, UsageError
from scenrun.model.clock import LATER_NS, ZeroTimeCycles, aged, could_pass, reading
from scenrun.model.cone_of_influence import ConeOfInfluence, abstracted
from scenrun.model.interruptions import INTERRUPT, Interruptions
from scenrun.model.predicates import Predicates
from scenrun.model.prepared_code import Node, prepare
from scenrun.model.state import BEGINNING, ENDED, LEAVING, Handle, State, Thread, Who
from scenrun.program.exceptions import FROM_EXPRESSIONS, fault_of
from scenrun.program.ir import Instruction, Program
from scenrun.program.primitives.future import KNOWS_ITSELF, shut_at_exit
from scenrun.program.primitives.kinds import Done, Failed, Operation, Outcome, Then, Values
from scenrun.program.primitives.registry import KINDS
from scenrun.program.user_python import OBJECTS_ARE_OPAQUE, Calls
from scenrun.program.values import key

FOLDED = frozenset({"log"})
"""Ops that are no steps of their own where only the shared state matters."""
FREE = frozenset({"log", "sleep", "work"})
"""Ops that are no steps of their own where time is free as well: any duration may be zero."""


class Transition(NamedTuple):
    """A transition: a thread, and which of its enabled actions it does."""

    thread: int
    """The thread's number in the state; -1 in `TIME_PASSES`."""
    expires: bool = False
    """Whether its time-out fires, instead of its getting what it waits for."""
    alternative: int = 0
    """Which alternative it takes, where a step has several; of `INTERRUPT` or less: which interrupt comes instead of a step."""


TIME_PASSES = Transition(-1)
"""The transition of a timed machine that lets time pass until the next time-out."""


class Machine(Interruptions):
    """A program as a transition system in free time: a wait with a time-out may expire, and a sleep may end, at once.

    A `timed` machine has virtual time instead: steps take no time, and time passes only where no thread is enabled except
    those on zero-time cycles (see `clock`). It passes in transitions of its own; a state has the time that each thread
    still has to wait, not the time of the clock, so that states recur.
    """

    def __init__(
        self, program: Program, seed: int | None = None, *, folded: frozenset[str] = FOLDED, forgets: bool = False,
        timed: bool = False, calls_outside: bool = False,
    ) -> None:  # fmt: skip
        """The program as a transition system.

        - folded: ops that are no steps.
        - forgets: keep of each value only what can affect behaviour (`ConeOfInfluence`).
        - calls_outside: whoever makes the steps makes the calls of the author's Python, too, and says with `returned` what
          came of them.
        """
        self.relevance = ConeOfInfluence(program, timed) if forgets else None
        codes = [prepare(code, folded, self.relevance, timed) for code in program.codes]
        super().__init__(program, codes, program.seed if seed is None else seed, timed)
        self.looks = Predicates(program, self.slots)
        if program.objects and not calls_outside:
            raise UsageError(OBJECTS_ARE_OPAQUE)
        self._calls = None if calls_outside else Calls(program)
        self._uncounted = self._queues_without_count()

    def _queues_without_count(self) -> frozenset[int]:
        """Queues whose number of unfinished items no instruction reads; it would only grow, so it is kept at 0."""
        if self.relevance is None:
            return frozenset()
        counts = self.relevance.counts_tasks
        return frozenset(
            slot
            for slot, (cell, _) in enumerate(self.slots.cells)
            if cell.kind in ("queue", "simple_queue") and not counts(cell.number)
        )

    # --- states

    def initial(self) -> State:
        """The state in which main is at its first step."""
        main = self._begun(Who("main", "main", 0, 0), ())
        return State(self.slots.initial, (main,), self.looks.broken(self.slots.initial, ()))

    def is_over(self, state: State) -> bool:
        """Whether main and all threads except daemons have ended: the daemons are cut off then."""
        return all(thread.pc == ENDED or thread.who.daemon for thread in state.threads)

    def following(self, state: State) -> Iterator[tuple[Transition, State]]:
        """Every enabled transition, in the order of the threads, with the state that it leads to; `TIME_PASSES` comes last."""
        if self.is_over(state):
            return
        for number in range(len(state.threads)):
            yield from self.following_of(state, number)
        if (later := self.later(state)) is not None:
            yield TIME_PASSES, later

    def following_of(self, state: State, number: int) -> Iterator[tuple[Transition, State]]:
        """Every enabled transition of one thread, with the state that it leads to; a time-out fires only for a blocked thread."""
        for alternative in self._alternatives(state, state.threads[number]):
            for expires in (False, True):
                transition = Transition(number, expires, alternative)
                after = self.step(state, transition)
                if after is not None:
                    yield transition, after
                    break
        for alternative, after in self.interruptions(state, number):
            yield Transition(number, False, alternative), after

    def step(self, state: State, transition: Transition) -> State | None:
        """The state after a transition; None where it is not enabled. Does not check that a time-out is of a blocked thread."""
        if transition == TIME_PASSES:
            return self.later(state)
        thread = state.threads[transition.thread]
        if thread.pc == ENDED:
            return None
        if transition.alternative <= INTERRUPT:
            return self.interrupted(state, transition.thread, transition.alternative)
        outcome = self._outcome(state, transition, thread)
        return None if outcome is None else self._after(state, transition, thread, outcome)

    def result_of(self, state: State, transition: Transition) -> Any:
        """The result of an enabled transition for its thread; None where it has none, or fails."""
        if transition == TIME_PASSES or transition.alternative <= INTERRUPT:
            return None
        return getattr(self.outcome_of(state, transition), "result", None)

    def outcome_of(self, state: State, transition: Transition) -> Outcome:
        """What a thread's transition comes to: done, with more to do, or failed; None where it is not enabled."""
        return self._outcome(state, transition, state.threads[transition.thread])

    def later(self, state: State) -> State | None:
        """The state at the next time-out; None where time is free or cannot pass."""
        if not self.timed or self.is_over(state):
            return None
        passing, over = could_pass(self, state)
        if not passing or (over and not over <= self._rounds_at(state)):
            return None
        return aged(self, state, passing)

    def passed(self, state: State) -> State:
        """The state at the next time-out, without checking that time can pass: the caller knows that it can."""
        return aged(self, state, could_pass(self, state)[0])

    def _rounds_at(self, state: State) -> frozenset[int]:
        """The threads that are on a zero-time cycle through a state."""
        states = {(first := key(state)): state}

        def moves(place: Any) -> Iterator[tuple[int, Any]]:
            now = states[place]
            if self.is_over(now):
                return
            for number in range(len(now.threads)):
                for _, after in self.following_of(now, number):
                    states.setdefault(found := key(after), after)
                    yield number, found

        return ZeroTimeCycles(moves, lambda: None).at(first)

    def can_step(self, state: State, number: int) -> bool:
        """Whether a thread is enabled, by its own action or by its time-out."""
        thread = state.threads[number]
        return any(self._outcome(state, Transition(number, late), thread) is not None for late in (False, True))

    def operation_of(self, thread: Thread) -> Operation | None:
        """The operation that a thread is about to do or is in the middle of; None where its step is none."""
        if thread.pc == BEGINNING:
            return KINDS[str(thread.who.kind)].begin
        return self._node(thread).operation if thread.pc >= 0 else None

    def instruction_of(self, thread: Thread) -> Instruction | None:
        """The instruction that a thread is at, or where a fault left it; None before the first and after the last."""
        return self._node(thread).instruction if thread.pc >= 0 else thread.fault_at

    def node_of(self, thread: Thread) -> Node | None:
        """The node of the instruction that a thread is at; None before the first and after the last."""
        return self._node(thread) if thread.pc >= 0 else None

    # --- one transition

    def _node(self, thread: Thread) -> Node:
        return self.codes[thread.code].nodes[thread.pc]

    def alternatives(self, thread: Thread) -> int:
        """The number of alternatives of the next step."""
        if thread.pc < 0 or self._node(thread).alternatives is None:
            return 1
        return 2 if self._node(thread).instruction.op == "branch" else int(thread.arguments[0])

    def _alternatives(self, state: State, thread: Thread) -> Sequence[int]:
        """The alternatives of the next step; for a reading of the clock where time is free, some of its moments."""
        if self.timed or not self.reads_clock(thread):
            return range(self.alternatives(thread))
        last = state.cells[thread.slots[0]]
        return [last + later for later in LATER_NS]

    def reads_clock(self, thread: Thread) -> bool:
        """Whether a thread's next step reads the clock."""
        return thread.pc >= 0 and self._node(thread).is_clock

    def alternative_of(self, state: State, transition: Transition) -> int:
        """The alternative that a transition takes, with which another machine of the program takes the same: a reading is one."""
        thread = state.threads[transition.thread]
        if self.timed and self.reads_clock(thread):
            return int(state.cells[thread.slots[0]])
        return transition.alternative

    def _values(self, state: State, thread: Thread) -> Values:
        """The values of the cells that the next step names; the initial value of a cell that it makes comes first."""
        values = tuple(state.cells[slot] for slot in thread.slots)
        operation = self.operation_of(thread)
        if operation is not None and operation.makes:
            return (KINDS[operation.makes].initial({}), *values)
        return values

    def _outcome(self, state: State, transition: Transition, thread: Thread) -> Outcome:
        """The outcome of the next phase of a thread's operation; None where it is not enabled."""
        values = self._values(state, thread)
        if transition.expires:
            return self._expired(values, transition.thread, thread)
        if thread.pc == LEAVING:
            return self._end(values, transition.thread, thread, (None, thread.fault))
        if thread.pc >= 0:
            node = self._node(thread)
            if node.is_clock:
                return reading(values[0], transition.alternative, timed=self.timed)
            if node.answer is not None:
                return self._answered(node, thread, values)
            if node.instruction.op == "end":
                return self._end(values, transition.thread, thread, (thread.arguments[0], None))
            if node.instruction.op == "call":
                return self._called(node, thread)
        operation = self.operation_of(thread)
        if operation is None:
            return Done(values, transition.alternative)
        arguments = thread.arguments
        if thread.pc >= 0 and self._node(thread).instruction.code is not None:
            arguments = (*arguments, len(state.threads))
        return self._acted(operation, thread, values, transition.thread, arguments)

    @staticmethod
    def _acted(operation: Operation, thread: Thread, values: Values, me: int, arguments: tuple[Any, ...]) -> Outcome:
        try:
            return operation.phases[thread.phase].act(values, me, arguments, thread.memo)
        except (Fault, *FROM_EXPRESSIONS) as error:
            fault = fault_of(error)
            return Failed(values, fault.type, fault.text)

    def _expired(self, values: Values, me: int, thread: Thread) -> Outcome:
        """The outcome of a thread's time-out; None where it has none, or it is not due yet."""
        operation = self.operation_of(thread)
        if operation is None or operation.timeout_at is None or thread.arguments[operation.timeout_at] is None:
            return None
        if self.timed and thread.remaining != 0:
            return None
        expire = operation.phases[thread.phase].expire
        return None if expire is None else expire(values, me, thread.arguments, thread.memo)

    @staticmethod
    def _answered(node: Node, thread: Thread, values: Values) -> Outcome:
        """The answer to a question about an object; for a handle in a local, that of the handle's kind."""
        answer = node.answer
        if node.is_held:
            answer = KINDS[thread.arguments[0].kind].answers[node.instruction.op.partition(".")[2]]
        assert answer is not None
        return Done(values, answer(*values))

    def _called(self, node: Node, thread: Thread) -> Outcome:
        """The outcome of the user's own function; it is one step, and assumed to be a pure function of its arguments."""
        return None if self._calls is None else outcome_of_call(self._calls, node.instruction, thread)

    def returned(self, state: State, number: int, outcome: Outcome) -> State:
        """The state after a thread's call has come back, where calls are made outside."""
        return self._after(state, Transition(number), state.threads[number], outcome)

    @staticmethod
    def _end(values: Values, me: int, thread: Thread, result: tuple[Any, Fault | None]) -> Outcome:
        """The outcome of the last step of a thread that has returned or that a fault leaves."""
        if thread.who.kind is None:
            return Done(tuple(map(shut_at_exit, values)))
        end = KINDS[thread.who.kind].end
        return Done(values) if end is None else end(values, me, result, None)

    def _after(self, state: State, transition: Transition, thread: Thread, outcome: Outcome) -> State:
        """The state after an outcome: with its values in the cells, and the thread at its next step."""
        assert outcome is not None
        cells, threads = list(state.cells), list(state.threads)
        slots = thread.slots
        if len(outcome.values) > len(slots):
            slots = (len(cells), *slots)
            if isinstance(outcome, Done):
                cells.append(None)
        for slot, value in zip(slots, outcome.values, strict=True):
            if slot < len(cells):
                cells[slot] = value if slot not in self._uncounted else (value[0], 0, *value[2:])
        if isinstance(outcome, Then):
            threads[transition.thread] = self._in_next_phase(thread, outcome.memo)
        elif isinstance(outcome, Failed):
            threads[transition.thread] = self._failed(thread, outcome, slots, cells)
        else:
            threads[transition.thread] = self._done(thread, outcome.result, slots, cells, threads)
        return State(tuple(cells), tuple(threads), self.looks.broken(tuple(cells), state.broken))

    def _done(
        self, thread: Thread, result: Any, slots: tuple[int, ...], cells: list[Any], threads: list[Thread]
    ) -> Thread:
        """The thread after its operation has succeeded."""
        registers = list(thread.registers)
        if thread.pc == BEGINNING:
            return self._ran(thread, 0, registers, cells) if result else _ended(thread)
        if thread.pc == LEAVING or self._node(thread).instruction.op == "end":
            return _ended(thread)
        node = self._node(thread)
        instruction = node.instruction
        if instruction.code is not None:
            made = self._started(thread, node, slots, threads)
            threads.append(made)
            if node.operation is not None and node.operation.makes:
                result = Handle(slots, made.who.name)
        if node.into is not None:
            registers[node.into] = abstracted(result, node.level)
        if instruction.op == "choose":  # a run draws the alternative at random: its later draws are to be the same here
            thread = thread._replace(draws=thread.draws + 1)
        jumps = instruction.op == "jump" or (instruction.op == "branch" and result == 0)
        to = instruction.to if jumps else thread.pc + 1
        assert to is not None
        return self._ran(thread, to, registers, cells, inside=instruction.op == "atomic.begin")

    def _in_next_phase(self, thread: Thread, memo: Any) -> Thread:
        operation = self.operation_of(thread)
        assert operation is not None
        expires = operation.phases[thread.phase + 1].expire is not None
        return thread._replace(phase=thread.phase + 1, memo=memo, remaining=thread.remaining if expires else None)

    def _failed(self, thread: Thread, failed: Failed, slots: tuple[int, ...], cells: list[Any]) -> Thread:
        """The thread after its operation has failed."""
        node = self._node(thread)
        fault = failed.fault(*(self.slots.label(slot) for slot in slots[:2]))
        if node.instruction.handler is None:
            return self._leaving(thread, thread.draws, fault, node.instruction)
        return self._ran(thread._replace(fault=fault), node.instruction.handler, list(thread.registers), cells)

    # --- threads

    def _started(self, thread: Thread, node: Node, slots: tuple[int, ...], threads: list[Thread]) -> Thread:
        """The new thread that an instruction has started."""
        assert node.operation is not None
        named = dict(zip(node.operation.parameters, thread.arguments, strict=True))
        given = tuple(named.get("arguments", ()))
        if node.operation.makes:
            who = self._made(node.operation.makes, node.instruction, slots, threads)
            if node.instruction.option(KNOWS_ITSELF):
                given = (*given[:-1], Handle(slots, who.name))
        else:
            who = self.slots.who[slots[0]]
        begin = KINDS[str(who.kind)].begin
        if begin is None:
            return self._begun(who, given)
        registers = tuple(self.codes[who.code].registers(given))
        arguments = tuple(named[p] for p in begin.parameters)
        left = self._time_left(begin, arguments)
        coming = self.coming_in(who)
        return Thread(who, BEGINNING, registers, slots=who.slots, arguments=arguments, remaining=left, coming=coming)

    def _made(self, kind: str, instruction: Instruction, slots: tuple[int, ...], threads: list[Thread]) -> Who:
        """The identity of a thread made at run time, named after its pool or else its behaviour, with a number."""
        target = str(instruction.option("target"))
        prefix = self.slots.label(slots[1]) if len(slots) > 1 else target
        number = sum(1 for one in threads if one.who.name.startswith(f"{prefix}#"))
        assert instruction.code is not None
        daemon = bool(instruction.option("daemon"))
        return Who(f"{prefix}#{number}", target, number, instruction.code, daemon, False, slots, kind)

    def _begun(self, who: Who, given: tuple[Any, ...]) -> Thread:
        """A thread at its first step."""
        return self._ran(Thread(who, 0, (), coming=self.coming_in(who)), 0, self.codes[who.code].registers(given), [])


def outcome_of_call(calls: Calls, instruction: Instruction, thread: Thread) -> Outcome:
    """The outcome of a call of the author's Python."""
    name, wanted = str(instruction.option("function")), instruction.into is not None
    try:
        return Done((), calls.call(name, thread.arguments[0], wanted=wanted))
    except Fault as fault:
        return Failed((), fault.type, fault.text)


def _ended(thread: Thread) -> Thread:
    """A thread that has ended, without registers."""
    return Thread(thread.who, ENDED, (), fault=thread.fault if thread.pc == LEAVING else None, fault_at=thread.fault_at)
