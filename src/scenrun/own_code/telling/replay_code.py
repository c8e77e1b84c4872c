"""Replays schedules in which the user's own code makes steps: on threads that are controlled as in the search."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

from scenrun.errors import UsageError
from scenrun.model.move_schedule import MoveSchedule
from scenrun.model.moves import Diverged
from scenrun.own_code.running.execution import Uncontrolled
from scenrun.own_code.searching.body import Different
from scenrun.own_code.searching.executions import CodeExecutions
from scenrun.own_code.searching.explore_scenario import executions_of
from scenrun.own_code.searching.functions import Functions
from scenrun.own_code.searching.scenario_executions import ScenarioExecutions
from scenrun.own_code.telling.code_story import finding_of
from scenrun.own_code.telling.follow import Follower
from scenrun.own_code.telling.result import finding_lines as code_lines
from scenrun.own_code.telling.story import counterexample_of
from scenrun.program.findings import Finding
from scenrun.program.loaded import Loaded
from scenrun.program.results import RunRecord
from scenrun.search.counterexample.summary import finding_lines
from scenrun.search.properties.end_states import FindingKey

NO_FINDING = FindingKey("incomplete", "the end of the schedule")


@dataclass(frozen=True, slots=True)
class CodeReplay:
    """What came of a replay."""

    shown: bool
    """Whether the schedule's finding was shown; without one, that it was replayed to its end."""
    about: FindingKey
    message: str
    lines: tuple[str, ...]
    """The finding with its steps, as text."""


def replay_code(schedule: MoveSchedule, loaded: Loaded | None, width: int = 120) -> CodeReplay:
    """Replay a schedule once; raises UsageError where it does not fit the code.

    - loaded: the scenario whose threads call the code; None where the schedule names functions.
    - width: the columns of the text.
    """
    executions = _executions(schedule, loaded)
    executions.records = True
    assert schedule.code is not None
    executions.follow_marks(schedule.code.marks)
    follower = Follower(executions)
    about = NO_FINDING if schedule.finding is None else FindingKey(*schedule.finding)
    try:
        follower.follow(schedule.moves)
        shown = about is NO_FINDING or follower.shows(about)
        executions.at(follower.state)  # judging may have run something else in between
        return _told(executions, follower.found or about, shown, width)
    except (Diverged, Uncontrolled, Different) as error:
        raise UsageError(f"the schedule does not fit the code: {error}") from None
    finally:
        executions.close()


def record_of_replay(schedule: MoveSchedule, loaded: Loaded | None) -> RunRecord:
    """Replay a schedule once, as the record of a run; `notes["shown"]` says whether its finding was shown."""
    began = time.perf_counter()
    found = replay_code(schedule, loaded)
    findings = (Finding(found.about.kind, found.message, details={"story": found.lines}),)
    kind = found.about.kind if found.shown else "incomplete"
    name = "functions" if loaded is None else loaded.name
    return RunRecord(
        scenario=name, run="", way="run", seed=schedule.seed, verdict=kind, expected=(found.about.kind,), ok=found.shown,
        findings=findings, expectations=(), figures={}, state={}, outcome=None, elapsed_s=time.perf_counter() - began,
        digest=schedule.digest, notes={"shown": found.shown},
    )  # fmt: skip


def _executions(schedule: MoveSchedule, loaded: Loaded | None) -> CodeExecutions:
    assert schedule.code is not None
    if loaded is not None:
        return executions_of(loaded.program, schedule.seed, schedule.code.trace)
    try:
        return Functions.read(schedule.code.functions or {}).executions(schedule.code.trace, schedule.seed)
    except (KeyError, AttributeError, TypeError):
        raise UsageError(
            "the schedule is damaged: its `functions` are `setup`, `threads` and `check`, or `main`"
        ) from None


def _told(executions: CodeExecutions, about: FindingKey, shown: bool, width: int) -> CodeReplay:
    is_told = shown and about is not NO_FINDING
    if isinstance(executions, ScenarioExecutions):
        one = counterexample_of(executions, about, is_shown=is_told)
        if about is NO_FINDING:
            one = replace(one, sentence="the schedule ends here")
        return CodeReplay(shown, about, one.sentence, tuple(finding_lines(one, width)))
    found = finding_of(executions, about, is_shown=is_told)
    if about is NO_FINDING:
        found = replace(found, message="the schedule ends here")
    return CodeReplay(shown, about, found.message, tuple(code_lines(found)))
