"""One run on real threads: compiles its codes, runs each thread to its end and records the events."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterator
from time import perf_counter_ns as now
from types import FrameType
from typing import Any

from scenrun.errors import Fault, InternalError
from scenrun.execution.codegen import Compiled
from scenrun.execution.expectation_checks import InvariantMonitor
from scenrun.execution.raised import fault_fields, is_raised_anew
from scenrun.execution.site import Site
from scenrun.execution.threads.codegen import Options, compile_code
from scenrun.execution.threads.context import Context, Cut, FaultLeft, enter
from scenrun.execution.threads.futures import RealFutures
from scenrun.execution.threads.interrupts import Arrivals, acquired_in_slices, make_interruptible
from scenrun.execution.threads.locks import RealLock
from scenrun.execution.threads.object_factory import ObjectFactory
from scenrun.execution.threads.threads import RealTimer, Spawner
from scenrun.program import values
from scenrun.program.exceptions import FROM_EXPRESSIONS, fault_of
from scenrun.program.findings import Finding, fault_left
from scenrun.program.ir import Code, Interrupt, Program
from scenrun.program.user_python import Arguments, Calls
from scenrun.trace.events import LEVELS

ROOM = 50_000
"""Records that may wait to be written; a thread that adds more waits, and counts as running meanwhile."""


class Run:
    """A program on real threads: the state that its threads share."""

    watches_everything = False
    """Whether every `always` is checked, including those that query objects: possible only if one thread moves at a time."""

    def __init__(self, program: Program, seed: int, level: int) -> None:
        self.program = program
        self.seed = seed
        self.level = level
        self.records: deque[tuple[Any, ...]] = deque()
        self.contexts: list[Context] = []
        self.unended: dict[Context, None] = {}
        """Threads whose own code has not ended: once there is none, the supervisor is woken at once."""
        self.findings: list[Finding] = []
        self.pulse = threading.Event()
        """Set when something has happened that the supervisor must see at once."""
        self.hidden = threading.Lock()
        """Makes `atomic` steps and checks of `always` exact: held during both, and invisible to the scenario."""
        self.broken: BaseException | None = None
        self.began_ns = now()
        self.is_exiting = False
        """Whether main has ended: as in CPython, pools accept no more tasks then."""
        self._counting = threading.Lock()
        """Held while threads are added or counted out: when the last needed one ends, daemons are cut off at once."""
        self._needed = 0
        """The number of threads that have not ended and are not daemons."""
        self._is_over = False
        self._numbers: dict[str, int] = {}
        self._numbering = threading.Lock()
        self.watch = InvariantMonitor(program, self._violated, everything=self.watches_everything)
        self._factory = ObjectFactory(program, self, self.hidden, self.watch)
        self.objects = self._factory.objects()
        self.watch.bind(self.objects)
        if program.interrupts:
            make_interruptible(self.flat_objects())
        self.main = self.new_context("main", "main", 0, 0)
        self._calls = Calls(program)
        self._compiled = self._compile(level)

    # --- making

    def _compile(self, level: int) -> list[Compiled]:
        namespace: dict[str, Any] = {
            **values.FUNCTIONS,
            **{f"__o{number}": made for number, made in enumerate(self.objects)},
            "__Cut": Cut,
            "__emit": self.records.append,
            "__records": self.records,
            "__room": ROOM,
            "__wait_for_room": self._wait_for_room,
            "__now": now,
            "__remaining": lambda deadline: max(0, deadline - now()),
            "__sleep": self._sleep,
            "__work": self._work,
            "__call": self._call,
            "__hidden": self.hidden,
            "__atomic_end": self._atomic_end,
            "__spawner": Spawner(self),
            "__futures": RealFutures(),
            "__caught": self._caught,
        }
        options = Options(
            level, self.program.step_limit is not None, self._factory.guarded_cells(),
            _codes_interrupted(self.program), _codes_of_daemons(self.program),
        )  # fmt: skip
        return [self._compile_code(code, namespace, options) for code in self.program.codes]

    def _compile_code(self, code: Code, namespace: dict[str, Any], options: Options) -> Compiled:
        return compile_code(code, namespace, options)

    # --- what the objects ask of their host

    def new_context(self, name: str, group: str, index: int, code: int, **more: Any) -> Context:
        """Makes a context for a thread that may be started."""
        return Context(name, group, index, code, self.seed, **more)

    def enlist(self, context: Context) -> None:
        """Adds a thread to those that the run waits for; raises Cut if all needed threads have ended."""
        with self._counting:
            # only a daemon can still start a thread then, and daemons are cut off
            if self._is_over:
                raise Cut
            self.contexts.append(context)
            self.unended[context] = None
            self._needed += not context.daemon

    def withdraw(self, context: Context) -> None:
        """Removes a thread that could not be started, as if it had never been there."""
        with self._counting:
            context.started = False
            self.contexts.remove(context)
            self._count_out(context)

    def has_ended(self, context: Context) -> None:
        """Marks a thread as ended; a second call does nothing."""
        with self._counting:
            self._count_out(context)
            context.ended = True
        if self._is_over or not self.unended:
            self.pulse.set()

    def _count_out(self, context: Context) -> None:
        """Counts a thread out; with the last needed one, cuts daemons off before its end becomes visible to other threads."""
        if context not in self.unended:
            return
        del self.unended[context]
        self._needed -= not context.daemon
        if not self._needed:
            self._is_over = True
            for daemon in self.unended:
                daemon.cut = True

    def next_number(self, prefix: str) -> int:
        """Returns the next number for a thread made while running, from 0 for each prefix."""
        with self._numbering:
            number = self._numbers.get(prefix, 0)
            self._numbers[prefix] = number + 1
        return number

    def timer_made(self, made: RealTimer) -> None:
        """Called with a timer that is made while running, before it is started."""

    def about_to_leave(self, context: Context, left: FaultLeft) -> None:
        """Called before a fault leaves a thread."""

    def let_go(self) -> None:
        """Called when every thread is cut off; a replay releases the threads that it holds back."""

    def start_main(self) -> None:
        """Starts main, on a thread of its own."""
        self.began_ns = now()
        for made in self.flat_objects():
            if isinstance(made, RealLock):
                made.since_ns = self.began_ns  # a lock that begins locked is held from here on
        main = self.main
        main.started = True
        main.real = threading.Thread(target=self.run_thread, args=(main,), name="main", daemon=True)
        self.enlist(main)
        self.watch.check_beginning(main, self._compiled[0].sites[0])
        main.real.start()

    def run_thread(self, context: Context) -> None:
        """Runs a thread from its first step to its end."""
        try:
            self._live(context)
        except (Cut, FaultLeft):
            pass
        except BaseException as error:  # an error of this tool, not of the scenario: the supervisor raises it
            self.broken = self.broken or error
        finally:
            self._end(context)

    def run_task(self, context: Context) -> Any:
        """Runs a pool task from its first step to its end; its future gets the result or the fault."""
        try:
            return self._live(context)
        except FaultLeft as left:
            raise left.fault from None
        except Cut:
            raise
        except BaseException as error:  # an error of this tool, not of the scenario: the supervisor raises it
            self.broken = self.broken or error
            raise
        finally:
            self._end(context)

    def _live(self, context: Context) -> Any:
        enter(context)
        context.started_ns = now()
        if context.cut:
            raise Cut
        self._expect_interrupts(context)
        pool = {} if context.pool is None else {"pool": context.pool.label}
        self._event(context, None, "thread.started", "info", {"daemon": context.daemon, **pool})
        try:
            context.result = self._compiled[context.code].function(context)
        except Cut:
            self._event(context, context.seen, "thread.cut_off", "info", {})
            raise
        except FaultLeft as left:
            self.about_to_leave(context, left)
            context.left_with = left
            self._fault_left(context, left)
            raise
        # before the end becomes visible, so that no line of a join can precede it in the log
        self._event(context, None, "thread.ended", "info", {})
        return context.result

    def _expect_interrupts(self, context: Context) -> None:
        if interrupts := self.program.interrupts_of(context.group):
            context.coming = Arrivals(context, interrupts, self.seed, self._interrupted)

    def _interrupted(self, me: Context, interrupt: Interrupt, site: Site) -> None:
        """Runs an interrupt in a thread that is about to make a step, or waits in it."""
        self._event(me, site, "thread.interrupted", "info", {"target": interrupt.target})
        code, me.code = me.code, interrupt.code
        try:
            self._compiled[interrupt.code].function(me)
        finally:
            me.code = code
        if self.level <= LEVELS["debug"]:
            self._event(me, site, "thread.resumed", "debug", {"target": interrupt.target})

    def _end(self, context: Context) -> None:
        if context.atomic:
            context.atomic = False
            self.hidden.release()
        context.wait = None
        context.ended_ns = now()
        if context is self.main:
            self.is_exiting = True
        self.has_ended(context)

    def _fault_left(self, context: Context, left: FaultLeft) -> None:
        fault, site = left.fault, left.site
        fields = {"type": fault.type, "text": fault.text}
        self._event(context, site, "thread.failed", "error", fields)
        if context.future is not None or context.pool is not None:
            return  # `result` raises it; if the result is never requested, the end of the run reports it
        self.found_fault(context, left)

    def found_fault(self, context: Context, left: FaultLeft, swallowed: bool = False) -> None:
        """Reports a fault that no step caught as a finding."""
        instruction = left.site.instruction
        finding = fault_left(context.name, left.fault, instruction.line, instruction.step, swallowed)
        self.found(finding, context, left.site)

    def found(self, finding: Finding, context: Context | None = None, site: Site | None = None) -> None:
        """Records a finding, also in the log; none of a thread that is cut off, as its objects are being freed by force."""
        if context is not None and context.cut:
            return
        self.findings.append(finding)
        level = "warning" if finding.kind == "incomplete" else "error"
        self._event(context, site, "finding", level, finding.as_dict())
        self.pulse.set()

    def _violated(self, finding: Finding, context: Context, site: Site) -> None:
        self.found(finding, context, site)

    def _event(self, context: Context | None, site: Site | None, name: str, level: str, fields: dict[str, Any]) -> None:
        self.records.append((now(), context, site, "event", name, level, fields))

    def event(self, name: str, level: str, fields: dict[str, Any]) -> None:
        """Adds a line to the log that belongs to no thread."""
        self._event(None, None, name, level, fields)

    # --- what generated code calls

    def _caught(self, me: Context, error: Exception) -> int:
        """Returns the block that handles a fault; raises FaultLeft if there is none."""
        if me.cut:
            raise Cut from None  # a fault that results from being freed is not the scenario's
        compiled = self._compiled[me.code]
        assert error.__traceback__ is not None
        site = compiled.site_of_line(error.__traceback__.tb_lineno)
        me.unshown += compiled.unshown_before[site.pc]
        if not isinstance(error, (Fault, *FROM_EXPRESSIONS)):
            raise InternalError(f"{type(error).__name__} in {site.instruction.step}: {error}") from error
        fault = fault_of(error, compiled.registers)
        if is_raised_anew(site.instruction):
            self._tell(me, site, fault, error.__traceback__.tb_frame)
        if site.instruction.handler is None:
            raise FaultLeft(fault, site) from None
        me.fault = fault
        me.wait = None
        return compiled.block_of(site.instruction.handler)

    def _tell(self, me: Context, site: Site, fault: Fault, frame: FrameType) -> None:
        """Logs a fault where it is raised, caught or not."""
        if self.level > LEVELS["debug"]:
            me.unshown += 1
            return
        fields = fault_fields(site, fault, frame, self.objects, me.waited_ns)
        self._event(me, site, "fault.raised", "debug", fields)

    def _sleep(self, me: Context, site: Site, nanoseconds: int) -> None:
        if nanoseconds <= 0:
            time.sleep(0)
            me.waited_ns = 0
            return
        since = me.publish("sleep", None, nanoseconds, site)
        # not `time.sleep`, which nothing could end: the gate is locked, and is released to free the thread
        if me.coming is not None:
            acquired_in_slices(me, me.gate, nanoseconds / 1e9)
        else:
            me.gate.acquire(timeout=nanoseconds / 1e9)
        me.wait = None
        if me.cut:
            raise Cut
        me.waited_ns = now() - since
        me.slept_ns += me.waited_ns

    def _work(self, me: Context, site: Site, nanoseconds: int) -> None:
        me.seen = site
        end = time.thread_time_ns() + nanoseconds
        while time.thread_time_ns() < end:
            if me.cut:
                raise Cut
        me.worked_ns += nanoseconds

    def _call(self, me: Context, site: Site, arguments: Arguments) -> Any:
        instruction, since = site.instruction, now()
        me.seen = site
        me.calling = True
        try:
            return self._calls.call(str(instruction.option("function")), arguments, wanted=instruction.into is not None)
        finally:
            me.calling = False
            me.waited_ns = now() - since

    def _atomic_end(self, me: Context, site: Site) -> None:
        self.watch.check_all(me, site)
        me.atomic = False
        self.hidden.release()

    def _wait_for_room(self, me: Context) -> None:
        while len(self.records) > ROOM // 2 and not me.cut:
            time.sleep(0.001)

    # --- looking

    def unshown(self, context: Context) -> int:
        """Returns how many lines of a thread the log level has left out; for a thread that waits, up to that step."""
        wait = context.wait
        if wait is None:
            return context.unshown
        return context.unshown + self._compiled[wait.site.code].unshown_before[wait.site.pc]

    def flat_objects(self) -> Iterator[Any]:
        """Yields every object, and of an array each element."""
        for made in self.objects:
            yield from made if isinstance(made, list) else [made]


def _codes_interrupted(program: Program) -> frozenset[int]:
    """Returns the codes of the threads in which interrupts come."""
    groups = {one.group for one in program.interrupts}
    of_groups = (group.code for group in program.groups if group.name in groups)
    return frozenset((*of_groups, *((0,) if "main" in groups else ())))


def _codes_of_daemons(program: Program) -> frozenset[int]:
    """Returns the codes that a daemon may run."""
    instructions = (instruction for code in program.codes for instruction in code.instructions)
    spawned = (i.code for i in instructions if i.code is not None and i.option("daemon"))
    return frozenset((*(group.code for group in program.groups if group.daemon), *spawned))
