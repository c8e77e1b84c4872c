"""The plan of a replay: finds the moves of a schedule in the model, and decides whether a replay showed its finding."""

from __future__ import annotations

from collections.abc import Iterable, Sequence, Set
from functools import cached_property
from itertools import pairwise

from msgspec import Struct
from msgspec.structs import replace

from scenrun.errors import UsageError
from scenrun.model.machine import FREE, Machine
from scenrun.model.move_schedule import MoveSchedule
from scenrun.model.moves import Diverged, Move, Path, ResolvedMove, cycled, path_of
from scenrun.model.state import State
from scenrun.program.any_number import refuse_any_number
from scenrun.program.findings import REACH, Finding, Stuck
from scenrun.program.ir import Program
from scenrun.program.results import RunRecord
from scenrun.program.values import key

LOOKED_AT = 20_000
"""The most states that are searched to prove that threads can never move again."""
TURNS = 3
"""How often the cycle of a livelock is repeated."""
MAX_TOLD = 6
"""Steps of a cycle that its finding lists."""


class ReplayPlan(Struct, frozen=True, dict=True):
    """The moves of a replay, enabled in the model, and the finding that they should show."""

    path: Path
    asked: tuple[frozenset[int], ...]
    """For each code, the instructions before which a thread requests its turn."""
    finding: tuple[str, str] | None
    cycle: tuple[Move, ...]
    """The moves of a livelock's cycle; empty without one."""
    daemons: frozenset[str]
    """The names of threads that need not end."""
    is_over: bool
    """Whether every thread that must end has ended after the last move."""
    machine: Machine
    """The model in which the moves were found."""

    @property
    def made(self) -> tuple[ResolvedMove, ...]:
        """The moves."""
        return self.path.made

    @property
    def frees(self) -> bool:
        """Whether threads go on by themselves after the last move: a deadlock shows only when they block."""
        return self.finding is not None and self.finding[0] == "deadlock"

    @cached_property
    def is_proved(self) -> bool:
        """Whether the model proves that the threads of a deadlock can never move again, whatever others do from there on."""
        names = set((self.finding or ("", ""))[1].split(", "))
        return (
            self.frees and self.machine.program.reads_clock is None and never_move(self.machine, self.path.state, names)
        )

    def last_word(
        self, findings: Sequence[Finding], threads: tuple[Stuck, ...], swallowed: Iterable[str]
    ) -> Finding | None:
        """Returns the finding of a replay whose threads are cut off after its last move; None if the run shows one by itself.

        swallowed: the tasks with a fault whose result was not requested; if that is the finding to show, the end of the run
        reports it.
        """
        if self.cycle:
            kind, text = self.finding or ("livelock", "")
            if kind != "livelock":
                message = f"{text} fails: {_going_round(self.cycle, ())}"
                return Finding(kind, message, threads=threads, details={"expectation": text})
            about = text.split(", ")
            return Finding("livelock", _going_round(self.cycle, about), threads=threads)
        if findings or (self.finding is not None and self.finding[1] in swallowed):
            return None
        return Finding("incomplete", "the schedule ends here", threads=threads, details={"limit": "schedule"})

    def is_shown(self, result: RunRecord) -> bool:
        """Whether a replay that made all its moves has shown the finding."""
        if self.finding is None or self.finding[0] == "race":
            return True
        if self.finding[0] == REACH:
            return any((one.what, one.expression, one.found) == (*self.finding, "holds") for one in result.expectations)
        kind, about = self.finding
        found = [one for one in result.findings if one.kind == kind]
        if kind == "deadlock":
            stuck = {thread.thread for one in found for thread in one.threads}
            return bool(found) and stuck - self.daemons == set(about.split(", ")) - self.daemons
        return any(kind == "livelock" or about in _abouts(one) for one in found)


def plan_of(program: Program, schedule: MoveSchedule, seed: int | None = None) -> ReplayPlan:
    """Follows the schedule in the model; raises UsageError at the first move that does not fit."""
    refuse_any_number(program)
    machine = Machine(program, schedule.seed if seed is None else seed, folded=FREE)
    try:
        path = path_of(machine, cycled(schedule.moves, schedule.cycle_from, TURNS))
    except Diverged as error:
        raise UsageError(f"the schedule does not fit {program.source.name}: {error}") from None
    cycle = () if schedule.cycle_from is None else schedule.moves[schedule.cycle_from :]
    return ReplayPlan(
        path, asked_of(machine), schedule.finding, tuple(cycle),
        frozenset(thread.who.name for thread in path.state.threads if thread.who.daemon), machine.is_over(path.state),
        machine,
    )  # fmt: skip


def never_move(machine: Machine, state: State, names: Set[str], most: int = LOOKED_AT) -> bool:
    """Whether the named threads can move in no state that follows; False if more than `most` states follow."""
    seen, waiting = {key(state)}, [state]
    while waiting:
        now = waiting.pop()
        for transition, after in machine.following(now):
            if now.threads[transition.thread].who.name in names:
                return False
            if (found := key(after)) not in seen:
                if len(seen) == most:
                    return False
                seen.add(found)
                waiting.append(after)
    return True


def to_show(program: Program, finding: tuple[str, str] | None) -> Program:
    """Returns the program with this finding as its expected verdict, in place of what its file expects of ordinary runs."""
    if finding is None or finding[0] in ("race", REACH):
        return program
    verdicts = {**program.expectations.verdicts, "run": (finding[0],), "simulate": (finding[0],)}
    return replace(program, expectations=replace(program.expectations, verdicts=verdicts))


def asked_of(machine: Machine) -> tuple[frozenset[int], ...]:
    """Returns for each code the instructions that are steps of the model; the end of an interrupt is none."""
    coming = {one.code for one in machine.program.interrupts}
    return tuple(
        frozenset(
            pc
            for pc, node in enumerate(ready.nodes)
            if node.is_step
            and not node.instruction.option("atomic")
            and not (number in coming and node.instruction.op == "end")
        )
        for number, ready in enumerate(machine.codes)
    )


def _abouts(finding: Finding) -> tuple[str, ...]:
    """Returns what a finding may be about: an expectation, a thread, a message, or the outcome."""
    named = (finding.details.get("expectation"), finding.thread, finding.message)
    return (*(name for name in named if name), *(("outcome", "outcomes") if "outcome" in finding.details else ()))


def _going_round(cycle: Sequence[Move], about: Sequence[str]) -> str:
    """Describes a livelock: the threads of the cycle, its steps, and the threads of the finding that wait for ever."""
    threads = sorted({move.thread for move in cycle})
    told = [str(move) for at, move in enumerate(cycle) if at < MAX_TOLD]
    more = f" and {len(cycle) - MAX_TOLD:,} more" if len(cycle) > MAX_TOLD else ""
    switches = sum(a.thread != b.thread for a, b in pairwise(cycle))
    who = " and ".join(filter(None, [", ".join(threads[:-1]), threads[-1]]))
    starved = [name for name in about if name and name not in threads]
    waiting = f"{', '.join(starved)} can wait for ever while " if starved else ""
    return (
        f"{waiting}{who} can go round for ever in {len(cycle):,} steps ({'; '.join(told)}{more}), "
        f"with {switches + (cycle[0].thread != cycle[-1].thread):,} switches a turn"
    )
