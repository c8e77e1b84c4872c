"""The state of one simulation: compiles its codes, starts and ends threads, records events and findings."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from types import FrameType
from typing import Any

from msgspec import Struct

from scenrun.errors import Fault, InternalError
from scenrun.execution.expectation_checks import InvariantMonitor
from scenrun.execution.raised import fault_fields, is_raised_anew
from scenrun.execution.simulator.actions import Action, SitedAction, action
from scenrun.execution.simulator.codegen import Simulated, compile_code
from scenrun.execution.simulator.costs import Costs
from scenrun.execution.simulator.fast_paths import QUICK
from scenrun.execution.simulator.interrupts import Interruptible
from scenrun.execution.simulator.object_factory import ObjectFactory
from scenrun.execution.simulator.operations import Operations
from scenrun.execution.simulator.schedulers.scheduler import Scheduler
from scenrun.execution.simulator.step_writer import Options
from scenrun.execution.simulator.threads import SimulatedThread, Steps, ThreadIdentity
from scenrun.execution.site import Site
from scenrun.program import values
from scenrun.program.exceptions import FROM_EXPRESSIONS, fault_of
from scenrun.program.findings import Finding, fault_left
from scenrun.program.ir import Code, Interrupt, Program
from scenrun.program.primitives.future import KNOWS_ITSELF, NO_THREAD, shut_at_exit
from scenrun.program.primitives.kinds import Failed
from scenrun.program.primitives.registry import KINDS
from scenrun.program.user_python import Arguments, Calls
from scenrun.trace.events import LEVELS

ROOM = 20_000
"""Records that may wait to be written."""
PATIENCE = 1_000_000
"""The most steps at one moment, and turns of loops in one `atomic`; with more, the clock is taken to stand still."""


class StandsStill(BaseException):
    """Ends a simulation in which a step of a thread does not terminate."""


class FaultLeft:
    """A fault that no step caught, and the instruction that raised it."""

    __slots__ = ("fault", "site")

    def __init__(self, fault: Fault, site: Site) -> None:
        self.fault = fault
        self.site = site


class Setup(Struct, frozen=True):
    """What determines a simulation of a program."""

    seed: int
    level: int
    """Records below this level are not made."""
    scheduler: Scheduler
    costs: Costs
    count_moves: bool
    """Whether a schedule, which counts in steps, is recorded or followed."""


class Simulation(Operations):
    """A program in virtual time. `drain` is called when records should be written. `draws_interrupts`: it says when they come."""

    draws_interrupts = True

    def __init__(self, program: Program, setup: Setup, drain: Callable[[], None], hurry: Sequence[object]) -> None:
        """`hurry`: no longer empty once the run must end at once; threads then yield at each turn of a loop."""
        super().__init__(setup.scheduler, setup.costs)
        self.hurry = hurry
        self.program = program
        self.seed = setup.seed
        self.level = setup.level
        self.records: deque[tuple[Any, ...]] = deque()
        self.drain = drain
        self.threads: list[SimulatedThread] = []
        """The threads that were started, in the order of their starts."""
        self.needed = 0
        """The number of started threads that have not ended and are not daemons."""
        self.findings: list[Finding] = []
        self.now_ns = 0
        self.zero_steps = 0
        """The number of steps so far that cost no time."""
        self._numbers: dict[str, int] = {}
        self._calls = Calls(program)
        self._actions: dict[str, Action] = {}
        self.watch = InvariantMonitor(program, self._violated, everything=True)
        self._factory = ObjectFactory(program, setup.seed)
        self.objects = self._factory.objects()
        self.watch.bind(self.objects)
        self.compiled = self._compile(setup)
        self._end_actions = {kind: known.end for kind, known in KINDS.items() if known.end is not None}
        self.main = self._factory.thread(ThreadIdentity("main", "main", 0), 0, "thread")

    # --- making

    def _compile(self, setup: Setup) -> list[Any]:
        namespace: dict[str, Any] = {
            **values.FUNCTIONS,
            **{f"__o{number}": made for number, made in enumerate(self.objects)},
            "__emit": self.records.append,
            "__records": self.records,
            "__room": ROOM,
            "__drain": self.drain,
            "__sleep": self.sleep,
            "__wait": self.wait,
            "__waited": self.waited,
            "__call": self._call,
            "__caught": self._caught,
            "__leave": self._leave,
            "__end": self._end,
            "__wake": self.wake,
            "__do": self.do,
            "__operate": self.operate,
            "__start": self.start,
            "__held": self._held,
            "__ask": self._ask,
            "__check": self._check,
            "__still": self._stands_still,
            "__spin": self._spin,
            "__hurry": self.hurry,
        }
        options = Options(
            setup.level, self.costs.of, self.watch.cells, self._kind_of, self.action_of,
            count_steps=self.program.step_limit is not None, count_moves=setup.count_moves,
            coming=frozenset(one.code for one in self.program.interrupts),
        )  # fmt: skip
        return [self._compile_code(code, namespace, options) for code in self.program.codes]

    def _compile_code(self, code: Code, namespace: dict[str, Any], options: Options) -> Simulated:
        return compile_code(code, namespace, options)

    def _kind_of(self, cell: int) -> str:
        found = self.program.cells[cell]
        if cell in self.program.queues_shut_down:
            return "closing"
        if found.kind in ("queue", "simple_queue"):
            return str(found.options.get("kind", "fifo"))
        return found.kind

    def action_of(self, op: str) -> Action:
        """Returns the action of an operation, the same one for all threads: its phases identify the lines in which they wait."""
        if op not in self._actions:
            self._actions[op] = action(op, QUICK)
        return self._actions[op]

    def flat_objects(self) -> Iterator[Any]:
        """Yields every object, and of an array each element."""
        for made in self.objects:
            yield from made if isinstance(made, list) else [made]

    # --- threads

    def begin(self) -> None:
        """Starts main and checks `always` in the initial state."""
        self._enlist(self.main, {}, 0)
        self.watch.check_beginning(self.main, self.compiled[0].sites[0])

    def start(
        self, me: SimulatedThread, at: SitedAction, objects: tuple[Any, ...], arguments: tuple[Any, ...], t: int
    ) -> Any:
        """Starts a thread, task or timer at `t`, making it first for a spawn or submit; returns the operation's result."""
        site, act = at.site, at.action
        makes = act.operation.makes
        if makes is not None:
            objects = self._made(makes, site, objects)
        thread: SimulatedThread = objects[0]
        number = len(self.threads)
        outcome = act.phases[0].act(objects, me, (*arguments, number), None)
        if isinstance(outcome, Failed):
            self._fail(me, site, outcome, objects)
        assert outcome is not None
        named = dict(zip(act.operation.parameters, arguments, strict=True)) if arguments else {}
        if arguments:
            thread.given = tuple(named.get("arguments", ()))
        assert site.instruction.code is not None
        thread.code = site.instruction.code
        if site.instruction.option(KNOWS_ITSELF):
            thread.given = (*thread.given[:-1], thread)
        self._enlist(thread, named, t)
        for made in objects:
            if made.waiting:
                self.wake(made, t)
        return thread if makes is not None else getattr(outcome, "result", None)

    def _made(self, kind: str, site: Site, objects: tuple[Any, ...]) -> tuple[Any, ...]:
        """Makes the thread of a spawn or submit, named after its pool or else its behaviour, with a number."""
        target = str(site.instruction.option("target"))
        pool = objects[0] if objects else None
        prefix = pool.label if pool is not None else target
        number = self._numbers.get(prefix, 0)
        self._numbers[prefix] = number + 1
        daemon = bool(site.instruction.option("daemon"))
        made = self._factory.thread(ThreadIdentity(f"{prefix}#{number}", target, number, daemon), 0, kind, pool=pool)
        return made.named

    def _enlist(self, thread: SimulatedThread, named: dict[str, Any], t: int) -> None:
        """Adds a started thread and makes it ready, or lines it up if it is a task or timer."""
        thread.number = len(self.threads)
        thread.ready_ns = t
        self.threads.append(thread)
        self.needed += not thread.daemon
        begin = thread.kind.begin
        if begin is None:
            self._set_off(thread, self.compiled[thread.code].function(thread))
            self._ready(thread)
            return
        if (pool := thread.beside) is not None:
            pool.submitted += 1
            pool.tasks[thread.number] = thread
        arguments = tuple(named[parameter] for parameter in begin.parameters)
        self._line_up(thread, self.action_of(f"{thread.kind.name}.begin"), arguments, t)

    def _set_off(self, thread: SimulatedThread, steps: Steps, *, is_its_code: bool = True) -> None:
        """Gives the thread its steps and stops it before the first. is_its_code: whether they are those of its code."""
        next(steps)
        thread.send = steps.send
        if is_its_code and self.draws_interrupts and (coming := self.program.interrupts_of(thread.group)):
            thread.coming = Interruptible(thread, coming, self)
            thread.send = thread.coming.send

    def interrupt(self, me: SimulatedThread, interrupt: Interrupt, t: int) -> Steps:
        """Begins an interrupt in a thread; returns its steps, stopped before the first."""
        self.records.append((t, me, me.site, "event", "thread.interrupted", "info", {"target": interrupt.target}))
        me.code, me.left_with = interrupt.code, None
        steps: Steps = self.compiled[interrupt.code].function(me)
        next(steps)
        return steps

    def resumed(self, me: SimulatedThread, interrupt: Interrupt, t: int) -> None:
        """Logs that an interrupt is over."""
        self.records.append((t, me, me.site, "event", "thread.resumed", "debug", {"target": interrupt.target}))

    def _line_up(self, thread: SimulatedThread, act: Action, arguments: tuple[Any, ...], t: int) -> None:
        """Parks a task or timer from the moment of its start, so that lines keep the order of the starts."""
        deadline = None if act.timeout_at is None else t + arguments[act.timeout_at]
        thread.action, thread.arguments = act, arguments
        self._set_off(thread, self._beginning(thread, act, deadline, t), is_its_code=False)
        self.park(thread, act.phases[0], thread.named, deadline, t, again=False)

    def _beginning(self, me: SimulatedThread, act: Action, deadline: int | None, submitted: int) -> Any:
        """The steps of a task or timer before its code: the wait for a worker, or for its delay."""
        t, until = yield 0
        at = SitedAction(self.compiled[me.code].sites[0], act)
        arguments: tuple[Any, ...] = () if deadline is None else (max(0, deadline - t), [])
        runs, t, until = yield from self.operate(me, at, me.named, arguments, t, until)
        me.moves += 1
        me.waited_total_ns = 0
        cost = self.costs.of(act.op)
        if not runs:
            self._ended(me, t)
            yield t + cost
        if me.beside is not None:
            me.beside.queued.add(t - submitted)
            me.worker = me.beside.worker()
        self._set_off(me, self.compiled[me.code].function(me))
        yield t + cost

    def _end(self, me: SimulatedThread, site: Site, result: Any, t: int) -> None:
        """Ends a thread after its last step, with its result."""
        me.moves += 1
        self.records.append((t, me, None, "event", "thread.ended", "info", {}))
        self._close(me, (result, None), t)

    def _leave(self, me: SimulatedThread, t: int) -> None:
        """Ends a thread with the fault that no step caught."""
        me.moves += 1
        left: FaultLeft = me.left_with
        self.now_ns = t
        fields = {"type": left.fault.type, "text": left.fault.text}
        self.records.append((t, me, left.site, "event", "thread.failed", "error", fields))
        # `result` raises the fault of a task; if the result is never requested, the end of the run reports it
        if me.beside is None:
            self.found_fault(me, left)
        self._close(me, (None, left.fault), t)

    def _close(self, me: SimulatedThread, result: tuple[Any, Fault | None], t: int) -> None:
        end, named = self._end_actions.get(me.kind.name), me.named
        if end is not None:
            outcome = end(tuple([made.value for made in named]), me.number, result, None)
            assert outcome is not None
            for made, value in zip(named, outcome.values, strict=True):
                made.value = value
        if me is self.main:
            self._shut_pools()
        if me.beside is not None:
            me.beside.served.add(t - me.started_ns)
            me.beside.free(me.worker)
        self._ended(me, t)
        for made in named:
            if made.waiting:
                self.wake(made, t)
        if self.watch.cells:
            self._check(me, self.compiled[me.code].sites[-1], t)

    def _shut_pools(self) -> None:
        """Makes pools refuse further tasks, as CPython's do once main has ended."""
        for made in self.flat_objects():
            if made.kind.name == "pool" and made.cell in self.program.pools_shut_at_exit:
                made.value = shut_at_exit(made.value)

    def _ended(self, me: SimulatedThread, t: int) -> None:
        me.ended, me.ended_ns = True, t
        if me.beside is not None:
            me.beside.tasks.pop(me.number, None)
        if not me.daemon:
            self.needed -= 1

    # --- what generated code calls

    def _caught(self, me: SimulatedThread, error: Exception, t: int, until: int) -> tuple[int, int, int]:
        """Returns the block that handles a fault (below 0: there is none), and the new values of `__t` and `__until`."""
        compiled = self.compiled[me.code]
        assert error.__traceback__ is not None
        site = compiled.site_of_line(error.__traceback__.tb_lineno)
        me.unshown += compiled.unshown_before[site.pc]
        if me.resumed is not None:
            (t, until), me.resumed = me.resumed, None
        else:
            me.moves += compiled.steps_before[site.pc]
        t, me.due_ns = t + me.due_ns, 0
        if not isinstance(error, (Fault, *FROM_EXPRESSIONS)):
            raise InternalError(f"{type(error).__name__} in {site.instruction.step}: {error}") from error
        fault = fault_of(error, compiled.registers)
        if is_raised_anew(site.instruction):
            self._tell(me, site, fault, error.__traceback__.tb_frame, t)
        if site.instruction.handler is None:
            me.left_with = FaultLeft(fault, site)
            return -1, t, until
        me.fault = fault
        return compiled.block_of(site.instruction.handler), t, until

    def _tell(self, me: SimulatedThread, site: Site, fault: Fault, frame: FrameType, t: int) -> None:
        """Logs a fault where it is raised, caught or not."""
        if self.level > LEVELS["debug"]:
            me.unshown += 1
            return
        fields = fault_fields(site, fault, frame, self.objects, me.waited_ns)
        self.records.append((t, me, site, "event", "fault.raised", "debug", fields))

    def found_fault(self, me: SimulatedThread, left: FaultLeft, swallowed: bool = False) -> None:
        """Reports a fault that no step caught as a finding."""
        instruction = left.site.instruction
        self.found(fault_left(me.name, left.fault, instruction.line, instruction.step, swallowed), me, left.site)

    def found(self, finding: Finding, me: Any = None, site: Site | None = None) -> None:
        """Records a finding, also in the log."""
        self.findings.append(finding)
        level = "warning" if finding.kind == "incomplete" else "error"
        self.records.append((self.now_ns, me, site, "event", "finding", level, finding.as_dict()))

    def _violated(self, finding: Finding, me: Any, site: Site) -> None:
        self.found(finding, me, site)

    def _check(self, me: SimulatedThread, site: Site, t: int) -> None:
        self.now_ns = t
        self.watch.check_all(me, site)

    def _call(self, me: SimulatedThread, site: Site, arguments: Arguments) -> Any:
        instruction = site.instruction
        me.waited_ns = self.costs.of("call")
        try:
            return self._calls.call(str(instruction.option("function")), arguments, wanted=instruction.into is not None)
        except Fault:
            me.moves += 1
            me.due_ns = me.waited_ns
            raise

    @staticmethod
    def _held(handle: Any, op: str) -> tuple[Any, ...]:
        """Returns the objects that a handle stands for; raises a TypeError fault if it is not of the kind that `op` needs."""
        if isinstance(handle, list):
            return tuple(made for one in handle for made in Simulation._held(one, op))
        kind, asks_whether_alive = KINDS[op.partition(".")[0]], op.endswith("is_alive")
        is_task = isinstance(handle, SimulatedThread) and handle.beside is not None
        is_wrong = is_task != (kind.name == "future")
        if not isinstance(handle, SimulatedThread) or (is_wrong and not asks_whether_alive):
            raise Fault("TypeError", NO_THREAD if asks_whether_alive else kind.mistaken)
        return handle.named

    def _ask(self, handle: Any, question: str) -> Any:
        """Answers a question about the thread or future that a local holds."""
        self._held(handle, f"future.{question}")
        return getattr(handle, question)()

    def _stands_still(self, me: SimulatedThread) -> bool:
        """Counts a step that costs no time; at every 4,096th, returns True so that the loop checks that the clock moves."""
        self.zero_steps += 1
        return not self.zero_steps & 0xFFF

    def _spin(self, me: SimulatedThread) -> None:
        me.atomic_steps += 1
        if me.atomic_steps > PATIENCE or self.hurry:
            raise StandsStill
